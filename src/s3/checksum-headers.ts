/**
 * The digests a client announces for a body (Content-MD5, x-amz-checksum-*, trailers) and the checks after it has come.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 */
import type { RequestBody } from '../http/body.js';
import type { ChecksumAlgorithm } from '../data/checksums.js';
import { CHECKSUM_ALGORITHMS, checksumHeaderName, decodeChecksum, parseChecksumAlgorithm } from '../data/checksums.js';
import type { ObjectChecksum, PartInfo } from '../store/types.js';
import { S3Error } from './errors.js';

type Headers = Readonly<Record<string, string>>;

export interface ExpectedDigests {
  readonly md5: Buffer | null;
  /** the one checksum algorithm of the request; null when it names none */
  readonly algorithm: ChecksumAlgorithm | null;
  /** its value, when a header gives it; a trailer's value comes with the body */
  readonly value: string | null;
  /** name of the trailer that carries the value */
  readonly trailer: string | null;
}

/**
 * Reads the digest headers.
 * @throws S3Error InvalidDigest, InvalidRequest
 */
export function expectedDigests(headers: Headers): ExpectedDigests {
  const md5 = contentMd5(headers);
  let algorithm: ChecksumAlgorithm | null = null;
  let value: string | null = null;
  for (const [name, given] of Object.entries(headers)) {
    const candidate = announcedBy(name);
    if (candidate === null) continue;
    if (algorithm !== null) throw severalChecksums();
    algorithm = candidate;
    value = checksumValue(candidate, given);
  }
  const trailer = trailerName(headers);
  if (trailer !== null) {
    const ofTrailer = CHECKSUM_ALGORITHMS.find((candidate) => checksumHeaderName(candidate) === trailer);
    if (ofTrailer === undefined)
      throw new S3Error('InvalidRequest', {
        message: 'The value specified in the x-amz-trailer header is not supported',
      });
    if (algorithm !== null) throw severalChecksums();
    algorithm = ofTrailer;
  }
  const announced = headers['x-amz-sdk-checksum-algorithm'] ?? headers['x-amz-checksum-algorithm'];
  if (announced !== undefined && announced !== '') {
    const parsed = parseChecksumAlgorithm(announced);
    if (parsed === null) throw unsupportedAlgorithm();
    if (algorithm !== null && algorithm !== parsed)
      throw new S3Error('InvalidRequest', { message: 'Value for x-amz-sdk-checksum-algorithm header is invalid.' });
    algorithm = parsed;
  }
  return { md5, algorithm, value, trailer };
}

/** Headers of that family that are no checksums of the request. */
const NO_VALUE = /^(algorithm|type|mode)$/;

/**
 * The algorithm whose checksum the header carries; null when it carries none. A checksum that cannot be checked is refused: the
 * client would take the upload for verified.
 * @throws S3Error InvalidRequest
 */
function announcedBy(header: string): ChecksumAlgorithm | null {
  const [, name] = /^x-amz-checksum-(.+)$/.exec(header) ?? [];
  if (name === undefined || NO_VALUE.test(name)) return null;
  const algorithm = parseChecksumAlgorithm(name);
  if (algorithm === null)
    throw new S3Error('InvalidRequest', {
      message: 'The algorithm type you specified in x-amz-checksum- header is invalid.',
    });
  return algorithm;
}

export function unsupportedAlgorithm(): S3Error {
  return new S3Error('InvalidRequest', {
    message: `Checksum algorithm provided is unsupported. Please try again with any of the valid types: [${CHECKSUM_ALGORITHMS.join(', ')}]`,
  });
}

function severalChecksums(): S3Error {
  return new S3Error('InvalidRequest', {
    message: 'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
  });
}

function trailerName(headers: Headers): string | null {
  const names = (headers['x-amz-trailer'] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
  if (names.length > 1) throw severalChecksums();
  return names[0] ?? null;
}

/** @throws S3Error InvalidDigest */
export function contentMd5(headers: Headers): Buffer | null {
  const given = headers['content-md5'];
  if (given === undefined) return null;
  const md5 = Buffer.from(given, 'base64');
  if (md5.length !== 16 || !/^[A-Za-z0-9+/]{22}==$/.test(given.trim()))
    throw new S3Error('InvalidDigest', {
      message: 'The Content-MD5 you specified was invalid.',
      detail: { 'Content-MD5': given },
    });
  return md5;
}

function checksumValue(algorithm: ChecksumAlgorithm, given: string): string {
  const value = given.trim();
  if (decodeChecksum(algorithm, value) === null)
    throw new S3Error('InvalidRequest', { message: `Value for ${checksumHeaderName(algorithm)} header is invalid.` });
  return value;
}

/** The digests of what really came. */
export interface ActualDigests {
  readonly md5Hex: string;
  readonly digests: ReadonlyMap<ChecksumAlgorithm, Buffer>;
}

/**
 * Compares after the body was read, before anything is committed; answers the checksum to store (null when the client named
 * no algorithm).
 * @throws S3Error BadDigest, InvalidRequest, MalformedTrailerError
 */
export function verifyDigests(
  expected: ExpectedDigests,
  actual: ActualDigests,
  body: Pick<RequestBody, 'trailers'>,
): ObjectChecksum | null {
  if (expected.md5 !== null && expected.md5.toString('hex') !== actual.md5Hex)
    throw new S3Error('BadDigest', {
      message: 'The Content-MD5 you specified did not match what we received.',
      detail: {
        ExpectedDigest: expected.md5.toString('base64'),
        CalculatedDigest: Buffer.from(actual.md5Hex, 'hex').toString('base64'),
      },
    });
  const { algorithm } = expected;
  if (algorithm === null) return null;
  const digest = actual.digests.get(algorithm);
  if (digest === undefined) throw new Error(`no ${algorithm} digest was computed`);
  const value = digest.toString('base64');
  let wanted = expected.value;
  if (expected.trailer !== null) {
    const trailing = body.trailers.get(expected.trailer);
    if (trailing === undefined) throw new S3Error('MalformedTrailerError');
    wanted = checksumValue(algorithm, trailing);
  }
  if (wanted !== null && wanted !== value)
    throw new S3Error('BadDigest', {
      message: `The ${algorithm} you specified did not match the calculated checksum.`,
    });
  return { algorithm, type: 'FULL_OBJECT', value };
}

/** x-amz-checksum-<algorithm> and x-amz-checksum-type, as writes answer them and reads do in checksum mode. */
export function checksumHeaders(checksum: ObjectChecksum | null): Record<string, string> {
  if (checksum === null) return {};
  const algorithm = parseChecksumAlgorithm(checksum.algorithm);
  if (algorithm === null) return {};
  return { [checksumHeaderName(algorithm)]: checksum.value, 'x-amz-checksum-type': checksum.type };
}

/** The same for one part of a multipart object; the type is the object's. */
export function partChecksumHeaders(part: PartInfo, whole: ObjectChecksum | null): Record<string, string> {
  const headers: Record<string, string> = whole === null ? {} : { 'x-amz-checksum-type': whole.type };
  for (const [name, value] of Object.entries(part.checksums)) {
    const algorithm = parseChecksumAlgorithm(name);
    if (algorithm !== null) headers[checksumHeaderName(algorithm)] = value;
  }
  return headers;
}
