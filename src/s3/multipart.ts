/**
 * What the multipart operations have in common: upload ids, part numbers, limits, and the judgement of a completion's part
 * list. Pure. https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
 */
import { randomBytes } from 'node:crypto';
import type { ChecksumAlgorithm } from '../data/checksums.js';
import {
  CHECKSUM_ALGORITHMS,
  checksumHeaderName,
  combineCrc,
  compositeChecksum,
  defaultMultipartChecksumType,
  isCrc,
  multipartChecksumTypes,
  parseChecksumAlgorithm,
} from '../data/checksums.js';
import type { ObjectChecksum, PartRecord, UploadRecord } from '../store/types.js';
import type { ExpectedDigests } from './checksum-headers.js';
import { unsupportedAlgorithm } from './checksum-headers.js';
import { S3Error, invalidArgument } from './errors.js';
import type { QueryParams, S3Request } from './request.js';
import type { CompletedPart } from './xml/multipart.js';
import { MAX_PARTS } from './xml/multipart.js';

type Headers = Readonly<Record<string, string>>;
export type UploadChecksum = NonNullable<UploadRecord['checksum']>;

/** Every part but the last. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const MIN_PART_BYTES = 5 * 1024 ** 2;
export const MAX_OBJECT_BYTES = 5 * 1024 ** 4;

const TIME_DIGITS = 9; // base 36: enough until the year 5188
const SECRET_BYTES = 16;
const UPLOAD_ID = new RegExp(`^[0-9a-z]{${TIME_DIGITS}}[0-9a-f]{${SECRET_BYTES * 2}}$`);

/** Ids sort by creation time (to the millisecond), cannot be guessed, and need no escaping in a URL. */
export function makeUploadId(nowMs: number): string {
  return nowMs.toString(36).padStart(TIME_DIGITS, '0') + randomBytes(SECRET_BYTES).toString('hex');
}

/** When the upload was created, in ms since the epoch; null for an id that was never given out. */
export function uploadIdTimeMs(uploadId: string): number | null {
  return UPLOAD_ID.test(uploadId) ? Number.parseInt(uploadId.slice(0, TIME_DIGITS), 36) : null;
}

export function noSuchUpload(uploadId: string): S3Error {
  return new S3Error('NoSuchUpload', { detail: { UploadId: uploadId } });
}

/** The uploadId parameter. @throws S3Error NoSuchUpload when it is not one that this service gives out */
export function uploadIdOf(query: QueryParams): string {
  const uploadId = query.get('uploadId') ?? '';
  if (uploadIdTimeMs(uploadId) === null) throw noSuchUpload(uploadId);
  return uploadId;
}

/** The partNumber parameter. @throws S3Error InvalidArgument */
export function partNumberOf(query: QueryParams): number {
  const text = query.get('partNumber') ?? '';
  const value = Number(text);
  if (!/^\d{1,9}$/.test(text) || value < 1 || value > MAX_PARTS)
    throw invalidArgument('partNumber', text, 'Part number must be an integer between 1 and 10000, inclusive');
  return value;
}

/** part-number-marker and its kin: the part to go on after, 0 for the start. @throws S3Error InvalidArgument */
export function partNumberMarker(name: string, text: string | undefined): number {
  if (text === undefined || text === '') return 0;
  const value = Number(text);
  if (!/^\d{1,10}$/.test(text) || value > 2_147_483_647)
    throw invalidArgument(name, text, `Argument ${name} must be an integer between 0 and 2147483647`);
  return value;
}

/**
 * x-amz-checksum-algorithm and x-amz-checksum-type of CreateMultipartUpload; null when it names none.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 * @throws S3Error InvalidRequest
 */
export function uploadChecksum(headers: Headers): UploadChecksum | null {
  const name = headers['x-amz-checksum-algorithm'];
  const type = headers['x-amz-checksum-type'];
  if (name === undefined || name === '') {
    if (type !== undefined && type !== '')
      throw invalidRequest('The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.');
    return null;
  }
  const algorithm = parseChecksumAlgorithm(name);
  if (algorithm === null) throw unsupportedAlgorithm();
  if (type === undefined || type === '') return { algorithm, type: defaultMultipartChecksumType(algorithm) };
  const wanted = type.toUpperCase();
  if (wanted !== 'COMPOSITE' && wanted !== 'FULL_OBJECT')
    throw invalidRequest('Value for x-amz-checksum-type header is invalid.');
  if (!multipartChecksumTypes(algorithm).includes(wanted))
    throw invalidRequest(
      `The ${wanted} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    );
  return { algorithm, type: wanted };
}

/** What CreateMultipartUpload answers of it. */
export function uploadChecksumHeaders(checksum: UploadChecksum | null): Record<string, string> {
  return checksum === null
    ? {}
    : { 'x-amz-checksum-algorithm': checksum.algorithm, 'x-amz-checksum-type': checksum.type };
}

/**
 * The checksums to compute for a part: the upload's, which the part's own must agree with; without one, what the part brings
 * along. Parts that are sent for a composite checksum must bring one. expected: null for a part that is copied.
 * @throws S3Error InvalidRequest
 */
export function partAlgorithms(
  checksum: UploadChecksum | null,
  expected: Pick<ExpectedDigests, 'algorithm'> | null,
): ChecksumAlgorithm[] {
  const own = expected?.algorithm ?? null;
  if (checksum === null) return own === null ? [] : [own];
  if (own === null ? expected !== null && checksum.type === 'COMPOSITE' : own !== checksum.algorithm)
    throw typeMismatch(checksum.algorithm, own);
  const algorithm = parseChecksumAlgorithm(checksum.algorithm);
  if (algorithm === null) throw new Error(`an upload with the unknown checksum ${checksum.algorithm}`);
  return [algorithm];
}

/** Digests as a part's record keeps them. */
export function checksumRecord(digests: ReadonlyMap<ChecksumAlgorithm, Buffer>): Record<string, string> {
  return Object.fromEntries([...digests].map(([algorithm, digest]) => [algorithm, digest.toString('base64')]));
}

/** @throws S3Error InvalidPartOrder */
export function checkPartOrder(requested: readonly CompletedPart[], uploadId: string): void {
  let before = 0;
  for (const { partNumber } of requested) {
    if (partNumber <= before)
      throw new S3Error('InvalidPartOrder', { detail: { UploadId: uploadId, PartNumber: String(partNumber) } });
    before = partNumber;
  }
}

/**
 * The stored parts that a completion's list (in ascending order) names, and their size together.
 * @throws S3Error InvalidPart, EntityTooSmall, EntityTooLarge, InvalidRequest
 */
export function selectParts(
  requested: readonly CompletedPart[],
  stored: readonly PartRecord[],
  upload: Pick<UploadRecord, 'uploadId' | 'checksum'>,
): { readonly parts: readonly PartRecord[]; readonly sizeBytes: number } {
  const byNumber = new Map(stored.map((part) => [part.partNumber, part]));
  const parts: PartRecord[] = [];
  let sizeBytes = 0;
  for (const wanted of requested) {
    const part = byNumber.get(wanted.partNumber);
    if (part?.etag !== wanted.etag.toLowerCase()) throw invalidPart(upload.uploadId, wanted);
    checkPartChecksums(wanted, part, upload);
    parts.push(part);
    sizeBytes += part.sizeBytes;
  }
  for (const part of parts.slice(0, -1)) {
    if (part.sizeBytes < MIN_PART_BYTES)
      throw new S3Error('EntityTooSmall', {
        detail: {
          ProposedSize: String(part.sizeBytes),
          MinSizeAllowed: String(MIN_PART_BYTES),
          PartNumber: String(part.partNumber),
          ETag: part.etag,
        },
      });
  }
  if (sizeBytes > MAX_OBJECT_BYTES)
    throw new S3Error('EntityTooLarge', {
      detail: { ProposedSize: String(sizeBytes), MaxSizeAllowed: String(MAX_OBJECT_BYTES) },
    });
  // A composite checksum says how many parts there are, not which: with gaps no reader could check it by part number.
  if (upload.checksum?.type === 'COMPOSITE' && parts.some((part, i) => part.partNumber !== i + 1))
    throw invalidRequest(
      'The part numbers of an upload with a composite checksum must be consecutive and begin with 1.',
    );
  return { parts, sizeBytes };
}

function checkPartChecksums(
  wanted: CompletedPart,
  part: PartRecord,
  upload: Pick<UploadRecord, 'uploadId' | 'checksum'>,
): void {
  const { checksum } = upload;
  for (const [algorithm, value] of Object.entries(wanted.checksums)) {
    if (checksum !== null && checksum.algorithm !== algorithm) throw typeMismatch(checksum.algorithm, algorithm);
    if (part.checksums[algorithm] !== value) throw invalidPart(upload.uploadId, wanted);
  }
}

function invalidPart(uploadId: string, wanted: CompletedPart): S3Error {
  return new S3Error('InvalidPart', {
    detail: { UploadId: uploadId, PartNumber: String(wanted.partNumber), ETag: wanted.etag },
  });
}

/**
 * The checksum of the completed object: the upload's; without one, the CRC that the completion's header names when every
 * part has it. Whatever the headers say of the object is checked.
 * @throws S3Error BadDigest, InvalidRequest
 */
export function completedChecksum(
  headers: Headers,
  checksum: UploadChecksum | null,
  parts: readonly PartRecord[],
): ObjectChecksum | null {
  const given = givenChecksum(headers);
  const effective = checksum ?? impliedChecksum(given, parts);
  const type = headers['x-amz-checksum-type'];
  if (type !== undefined && type !== '' && type.toUpperCase() !== effective?.type)
    throw invalidRequest(
      `The upload was created using the ${effective?.type ?? 'null'} checksum mode. The complete request must use the same checksum mode.`,
    );
  if (given !== null && given.algorithm !== effective?.algorithm)
    throw typeMismatch(effective?.algorithm ?? null, given.algorithm);
  if (effective === null) return null;
  const value = objectChecksumValue(effective, parts);
  // Composite checksums are sent with and without their number of parts.
  if (given !== null && given.value !== value && given.value !== value.replace(/-\d+$/, ''))
    throw new S3Error('BadDigest', {
      message: `The ${given.algorithm.toLowerCase()} you specified did not match the calculated checksum.`,
    });
  return { ...effective, value };
}

interface GivenChecksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly value: string;
}

function givenChecksum(headers: Headers): GivenChecksum | null {
  let given: GivenChecksum | null = null;
  for (const algorithm of CHECKSUM_ALGORITHMS) {
    const value = headers[checksumHeaderName(algorithm)]?.trim();
    if (value === undefined) continue;
    if (given !== null)
      throw invalidRequest('Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.');
    given = { algorithm, value };
  }
  return given;
}

function impliedChecksum(given: GivenChecksum | null, parts: readonly PartRecord[]): UploadChecksum | null {
  if (given === null || !isCrc(given.algorithm)) return null;
  return parts.every((part) => part.checksums[given.algorithm] !== undefined)
    ? { algorithm: given.algorithm, type: 'FULL_OBJECT' }
    : null;
}

function objectChecksumValue(checksum: UploadChecksum, parts: readonly PartRecord[]): string {
  const algorithm = parseChecksumAlgorithm(checksum.algorithm);
  if (algorithm === null) throw new Error(`an upload with the unknown checksum ${checksum.algorithm}`);
  const digests = parts.map((part) => {
    const value = part.checksums[algorithm];
    if (value === undefined) throw new Error(`part ${part.partNumber} was stored without its ${algorithm}`);
    return { crc: Buffer.from(value, 'base64'), sizeBytes: part.sizeBytes };
  });
  if (checksum.type === 'COMPOSITE')
    return compositeChecksum(
      algorithm,
      digests.map(({ crc }) => crc),
    );
  if (!isCrc(algorithm)) throw new Error(`${algorithm} of a full object cannot be had from its parts`);
  return combineCrc(algorithm, digests).toString('base64');
}

/** x-amz-mp-object-size of a completion. @throws S3Error InvalidRequest */
export function checkObjectSize(headers: Headers, sizeBytes: number): void {
  const given = headers['x-amz-mp-object-size'];
  if (given === undefined) return;
  if (!/^\d{1,16}$/.test(given.trim()) || Number(given) !== sizeBytes)
    throw invalidRequest(
      `The provided 'x-amz-mp-object-size' header value ${given} does not match what was computed: ${sizeBytes}`,
    );
}

/** URL of an object, in the addressing style of the request. */
export function objectLocation(
  request: Pick<S3Request, 'secure' | 'host' | 'virtualHosted'>,
  bucketName: string,
  key: string,
): string {
  const path = key.split('/').map(encodeURIComponent).join('/');
  const bucketPath = request.virtualHosted ? '' : `${encodeURIComponent(bucketName)}/`;
  return `${request.secure ? 'https' : 'http'}://${request.host}/${bucketPath}${path}`;
}

function typeMismatch(expected: string | null, actual: string | null): S3Error {
  return invalidRequest(
    `Checksum Type mismatch occurred, expected checksum Type: ${expected?.toLowerCase() ?? 'null'}, actual checksum Type: ${actual?.toLowerCase() ?? 'null'}`,
  );
}

function invalidRequest(message: string): S3Error {
  return new S3Error('InvalidRequest', { message });
}
