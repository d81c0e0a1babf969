/**
 * The x-amz-copy-source header and the object it names, for CopyObject and UploadPartCopy.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
 */
import { readObject } from '../data/read.js';
import { COPY_SOURCE_CUSTOMER_KEY } from '../data/sse-customer.js';
import type { DataCipher } from '../data/sse.js';
import { blobStoreOf } from '../store/shared/blob-store-of.js';
import type { BucketRecord, ObjectVersion, VersionSelector } from '../store/types.js';
import { isNamedTenant, loadVersion, requireBucket } from './access.js';
import { checkObjectKey } from './bucket-name.js';
import { checkCopySource } from './conditions.js';
import type { OperationContext } from './context.js';
import { regionOf } from './context.js';
import { checkReadKey, readCipher } from './encryption.js';
import { S3Error, invalidArgument } from './errors.js';
import type { ByteRange } from './range.js';
import { decodeFormText, namedBucket } from './request.js';
import { requirePayer } from './requester-pays.js';
import { toS3Error } from './store-errors.js';
import { selectorOf } from './versioning.js';

const HEADER = 'x-amz-copy-source';

export interface CopySourceName {
  readonly bucket: string;
  /** of 'tenant:bucket' */
  readonly bucketTenant?: string;
  readonly key: string;
  readonly select: VersionSelector;
}

/**
 * '[/]bucket/key[?versionId=id]', percent-encoded as a whole or in parts; '+' is a space, as S3 has it. Pure.
 * @throws S3Error InvalidArgument, KeyTooLongError
 */
export function parseCopySource(header: string): CopySourceName {
  // The query is split off before decoding: a '?' of the key is sent as %3F.
  const mark = header.lastIndexOf('?versionId=');
  const path = decode(mark < 0 ? header : header.slice(0, mark), header);
  const versionId = mark < 0 ? undefined : decode(header.slice(mark + '?versionId='.length), header);
  if (path.startsWith('arn:'))
    throw invalidArgument(HEADER, header, 'Access points are not supported: name the source as bucket/key.');
  const name = path.startsWith('/') ? path.slice(1) : path;
  const slash = name.indexOf('/');
  if (slash <= 0 || slash === name.length - 1)
    throw invalidArgument(HEADER, header, 'Copy Source must mention the source bucket and key: sourcebucket/sourcekey');
  const key = name.slice(slash + 1);
  checkObjectKey(key);
  if (versionId === '') throw invalidArgument(HEADER, header, 'Version id cannot be the empty string');
  return { ...namedBucket(name.slice(0, slash)), key, select: selectorOf(versionId) };
}

function decode(text: string, header: string): string {
  try {
    return decodeFormText(text);
  } catch {
    throw invalidArgument(HEADER, header, 'Copy Source is not URL-encoded UTF-8.');
  }
}

export interface CopySource {
  readonly bucket: BucketRecord;
  readonly key: string;
  /** The header names a version, not just the newest. */
  readonly versionNamed: boolean;
  /** with its inline bytes */
  readonly version: ObjectVersion;
  /** Plaintext of the range (inside the object), or of all of it; fails with StoreError. */
  body(range: ByteRange | null): AsyncIterable<Buffer>;
}

/**
 * The source of the request, which the caller may read and whose x-amz-copy-source-if-* conditions hold.
 * @throws S3Error InvalidArgument, NoSuchBucket, NoSuchKey, NoSuchVersion, InvalidRequest (a delete marker by its id, a customer's
 *   key too few or too many), AccessDenied, PreconditionFailed, KMS.*
 */
export async function loadCopySource(context: OperationContext): Promise<CopySource> {
  const header = context.request.headers[HEADER];
  if (header === undefined) throw new Error('a copy without its source header');
  const name = parseCopySource(header);
  const bucket = await requireBucket(context, name.bucket);
  const { key, select } = name;
  const entry = { source: bucket, key, versionId: select === 'latest' ? null : select.versionId };
  try {
    const source = await readableSource(context, bucket, name);
    context.onEntry?.({ ...entry, sizeBytes: source.version.sizeBytes, status: 200, code: null });
    return source;
  } catch (error) {
    const { status, code } = toS3Error(error);
    context.onEntry?.({ ...entry, sizeBytes: null, status, code });
    throw error;
  }
}

async function readableSource(
  context: OperationContext,
  bucket: BucketRecord,
  { bucket: bucketName, bucketTenant, key, select }: CopySourceName,
): Promise<CopySource> {
  const { headers } = context.request;
  if (!isNamedTenant(bucketTenant, bucket.owner))
    throw new S3Error('NoSuchBucket', { detail: { BucketName: `${bucketTenant ?? ''}:${bucketName}` } });
  const expectedOwner = headers['x-amz-source-expected-bucket-owner'];
  if (expectedOwner !== undefined && expectedOwner !== bucket.owner.id) throw new S3Error('AccessDenied');
  requirePayer(context.identity, headers, bucket);
  const version = await load(context, bucket, key, select);
  const customerKey = checkReadKey(context, version.encryption, COPY_SOURCE_CUSTOMER_KEY);
  checkCopySource(headers, version);
  const cipher = await readCipher(context, version.encryption, customerKey);
  return {
    bucket,
    key,
    versionNamed: select !== 'latest',
    version,
    body: (range) => bodyOf(context, { bucket, version, cipher }, range),
  };
}

async function load(
  context: OperationContext,
  bucket: BucketRecord,
  key: string,
  select: VersionSelector,
): Promise<ObjectVersion> {
  try {
    const actions = [select === 'latest' ? 'GetObject' : 'GetObjectVersion'];
    return await loadVersion(context, { select, permission: 'READ', withInline: true, bucket, key, actions });
  } catch (error) {
    // A GET of a delete marker is a matter of the method; a copy of one is a matter of the request.
    if (error instanceof S3Error && error.code === 'MethodNotAllowed')
      throw new S3Error('InvalidRequest', {
        message: 'The source of a copy request may not specifically refer to a delete marker by version id.',
      });
    throw error;
  }
}

function bodyOf(
  context: OperationContext,
  source: { readonly bucket: BucketRecord; readonly version: ObjectVersion; readonly cipher: DataCipher | null },
  range: ByteRange | null,
): AsyncIterable<Buffer> {
  const { bucket, version, cipher } = source;
  const region = regionOf(context, bucket);
  return readObject({
    version,
    blobStoreFor: (storageClass) => blobStoreOf(region, storageClass),
    cipher,
    range,
    signal: context.signal,
  });
}
