/**
 * GetObject and HeadObject: one reading of the request, with or without the bytes.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
 */
import { readObject } from '../../data/read.js';
import { blobStoreOf } from '../../store/shared/blob-store-of.js';
import type { ObjectVersion, PartInfo } from '../../store/types.js';
import { loadVersion } from '../access.js';
import { checksumHeaders, partChecksumHeaders } from '../checksum-headers.js';
import { checkRead } from '../conditions.js';
import type { OperationContext } from '../context.js';
import { keyOf, regionOf } from '../context.js';
import type { CustomerKey } from '../../data/sse-customer.js';
import { checkReadKey, readCipher } from '../encryption.js';
import { S3Error, invalidArgument } from '../errors.js';
import { expirationHeader } from '../lifecycle.js';
import { responseOverrides, versionHeaders } from '../object-headers.js';
import type { Handler, S3Response } from '../operation.js';
import type { ByteRange } from '../range.js';
import { parseRange } from '../range.js';
import { selectorOf } from '../versioning.js';

export const getObject: Handler = (context) => read(context, true);
export const headObject: Handler = (context) => read(context, false);

async function read(context: OperationContext, withBody: boolean): Promise<S3Response> {
  const { request, bucket } = context;
  const { headers, query } = request;
  const overrides = responseOverrides(query, context.identity.kind === 'anonymous');
  const version = await loadVersion(context, {
    select: selectorOf(query.get('versionId')),
    permission: 'READ',
    withInline: withBody,
  });
  const customerKey = checkReadKey(context, version.encryption);
  const validators = { ...versionHeaders(version, bucket.versioning), ...expiration(context, version) };
  try {
    checkRead(headers, version);
  } catch (error) {
    // 304 and 412 carry the validators the client compares with
    if (error instanceof S3Error)
      throw new S3Error(error.code, { detail: error.detail, headers: withoutContent(validators) });
    throw error;
  }
  const { range, part, partsCount } = stretch(context, version);
  const wholeObject = range === null;
  const lengthBytes = wholeObject ? version.sizeBytes : range.end - range.start + 1;
  const answer: Record<string, string> = { ...validators, ...overrides };
  if (headers['x-amz-checksum-mode']?.toUpperCase() === 'ENABLED')
    Object.assign(
      answer,
      part === null
        ? wholeObject
          ? checksumHeaders(version.checksum)
          : {}
        : partChecksumHeaders(part, version.checksum),
    );
  if (partsCount !== null) answer['x-amz-mp-parts-count'] = String(partsCount);
  if (!wholeObject) answer['content-range'] = `bytes ${range.start}-${range.end}/${version.sizeBytes}`;
  return {
    status: wholeObject ? 200 : 206,
    headers: answer,
    contentLengthBytes: lengthBytes,
    body: withBody ? await bodyOf(context, { version, customerKey, range, lengthBytes }) : null,
    onSent: (piece) => context.services.chunkMemory.give(piece),
  };
}

/** Of the current version; one that is asked for by its id may be another. */
function expiration(context: OperationContext, version: ObjectVersion): Record<string, string> {
  const { bucket, request, services } = context;
  if (request.query.has('versionId')) return {};
  return expirationHeader(bucket, { key: keyOf(context), version, dayMs: services.settings.lifecycleDayMs });
}

interface Wanted {
  readonly version: ObjectVersion;
  readonly customerKey: CustomerKey | null;
  readonly range: ByteRange | null;
  readonly lengthBytes: number;
}

async function bodyOf(
  context: OperationContext,
  { version, customerKey, range, lengthBytes }: Wanted,
): Promise<AsyncIterable<Buffer> | Buffer | null> {
  if (lengthBytes === 0) return null;
  const cipher = await readCipher(context, version.encryption, customerKey);
  if (version.data.kind === 'inline' && cipher === null && version.data.bytes !== null)
    return range === null ? version.data.bytes : version.data.bytes.subarray(range.start, range.end + 1);
  const region = regionOf(context, context.bucket);
  return readObject({
    version,
    blobStoreFor: (storageClass) => blobStoreOf(region, storageClass),
    cipher,
    range,
    memory: context.services.chunkMemory,
    signal: context.signal,
  });
}

interface Stretch {
  /** null: all of it */
  readonly range: ByteRange | null;
  readonly part: PartInfo | null;
  readonly partsCount: number | null;
}

/** The bytes the Range header or ?partNumber asks for. */
function stretch(context: OperationContext, version: ObjectVersion): Stretch {
  const { headers, query } = context.request;
  const partNumber = query.get('partNumber');
  if (partNumber === undefined)
    return { range: parseRange(headers['range'], version.sizeBytes), part: null, partsCount: null };
  if (headers['range'] !== undefined)
    throw new S3Error('InvalidRequest', { message: 'Cannot specify both Range header and partNumber query parameter' });
  const number = Number(partNumber);
  if (!Number.isInteger(number) || number < 1 || number > 10_000)
    throw invalidArgument('partNumber', partNumber, 'Part number must be an integer between 1 and 10000, inclusive');
  const { parts } = version;
  if (parts === null) {
    if (number !== 1)
      throw new S3Error('InvalidPartNumber', { detail: { PartNumberRequested: partNumber, ActualPartCount: '1' } });
    return {
      range: version.sizeBytes === 0 ? null : { start: 0, end: version.sizeBytes - 1 },
      part: null,
      partsCount: null,
    };
  }
  let start = 0;
  for (const part of parts) {
    if (part.partNumber === number) {
      const range = part.sizeBytes === 0 ? null : { start, end: start + part.sizeBytes - 1 };
      return { range, part, partsCount: parts.length };
    }
    start += part.sizeBytes;
  }
  throw new S3Error('InvalidPartNumber', {
    detail: { PartNumberRequested: partNumber, ActualPartCount: String(parts.length) },
  });
}

const CONTENT_HEADERS: ReadonlySet<string> = new Set([
  'content-type',
  'content-encoding',
  'content-language',
  'content-disposition',
]);

function withoutContent(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !CONTENT_HEADERS.has(name)));
}
