/**
 * Appending, as S3 Express does it (PutObject with x-amz-write-offset-bytes): what a request may ask for, and the version that it
 * makes of an object. Pure; on Pithos every bucket and storage class has it, and in a versioned bucket it makes a new version that
 * shares the bytes before.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/directory-buckets-objects-append.html
 */
import { combineCrc, compositeChecksum, isCrc, parseChecksumAlgorithm } from '../data/checksums.js';
import type { ChecksumAlgorithm } from '../data/checksums.js';
import { createMd5 } from '../data/md5.js';
import type { ObjectChecksum, ObjectVersion, PartInfo, VersionDraft } from '../store/types.js';
import type { RequestedEncryption } from './encryption-request.js';
import { S3Error, invalidArgument } from './errors.js';
import { MAX_OBJECT_BYTES } from './multipart.js';
import { MAX_PARTS } from './xml/multipart.js';

type Headers = Readonly<Record<string, string>>;

export const WRITE_OFFSET = 'x-amz-write-offset-bytes';
export const OBJECT_SIZE = 'x-amz-object-size';

/** null: the request does not append. @throws S3Error InvalidArgument */
export function writeOffset(headers: Headers): number | null {
  const text = headers[WRITE_OFFSET];
  if (text === undefined) return null;
  const offset = Number(text.trim());
  if (!/^\d{1,16}$/.test(text.trim()) || !Number.isSafeInteger(offset))
    throw invalidArgument(WRITE_OFFSET, text, 'The write offset must be a whole number of bytes.');
  return offset;
}

/** What is there to be appended to. */
export function appendable(latest: ObjectVersion | null): ObjectVersion | null {
  return latest === null || latest.deleteMarker ? null : latest;
}

/** Where the object ends is where the data has to begin. @throws S3Error InvalidWriteOffset */
export function checkOffset(object: ObjectVersion | null, offset: number): void {
  const sizeBytes = object?.sizeBytes ?? 0;
  if (sizeBytes !== offset)
    throw new S3Error('InvalidWriteOffset', {
      detail: { WriteOffset: String(offset), ObjectSize: String(sizeBytes) },
    });
}

/** @throws S3Error InvalidRequest */
export function refuseEmpty(sizeBytes: number | null): void {
  if (sizeBytes === 0) throw invalidRequest("Request body cannot be empty when 'write offset' is specified.");
}

/** Attributes stay those of the object, so that a request must not bring others. @throws S3Error InvalidRequest */
export function refuseAttributes(headers: Headers, object: Pick<ObjectVersion, 'storageClass'>): void {
  for (const name of Object.keys(headers)) {
    if (name.startsWith('x-amz-meta-'))
      throw invalidRequest(
        'Cannot specify both a write offset value and user-defined object metadata for existing objects.',
      );
    if (/^x-amz-(acl|grant-.*|tagging|website-redirect-location)$/.test(name))
      throw invalidRequest(`Cannot specify both a write offset value and ${name} for existing objects.`);
  }
  const storageClass = headers['x-amz-storage-class'];
  if (storageClass !== undefined && storageClass !== object.storageClass)
    throw invalidRequest(`The object has the storage class ${object.storageClass}, which appending does not change.`);
}

/** @throws S3Error InvalidRequest */
export function refuseCustomerKey(encryption: { readonly kind: string } | null): void {
  if (encryption?.kind === 'SSE-C')
    throw invalidRequest('Data cannot be appended to objects with server-side encryption with customer-provided keys.');
}

/** The object's encryption holds for what is appended. @throws S3Error InvalidRequest (SSE-C), EncryptionTypeMismatch */
export function checkEncryption(
  asked: RequestedEncryption | null,
  { encryption }: Pick<ObjectVersion, 'encryption'>,
): void {
  refuseCustomerKey(asked);
  refuseCustomerKey(encryption);
  if (asked === null) return;
  const sameKey =
    asked.kind !== 'SSE-KMS' ||
    asked.keyId === null ||
    asked.keyId === encryption?.keyId ||
    asked.keyId.endsWith(`/${encryption?.keyId ?? ''}`);
  if (asked.kind !== encryption?.kind || !sameKey) throw new S3Error('EncryptionTypeMismatch');
}

/** Which checksum to compute besides the one that the request brings. @throws S3Error InvalidRequest for another one */
export function checkAlgorithm(
  { checksum }: Pick<ObjectVersion, 'checksum'>,
  asked: ChecksumAlgorithm | null,
): ChecksumAlgorithm | null {
  const own = checksum === null ? null : parseChecksumAlgorithm(checksum.algorithm);
  if (own !== null && asked !== null && own !== asked)
    throw invalidRequest(
      `Checksum Type mismatch occurred, expected checksum Type: ${own.toLowerCase()}, actual checksum Type: ${asked.toLowerCase()}`,
    );
  return own ?? asked;
}

/** @throws S3Error TooManyParts, EntityTooLarge */
export function checkRoom(object: ObjectVersion, addedBytes: number): void {
  const parts = partsOf(object);
  if (parts.length >= MAX_PARTS || (parts.at(-1)?.partNumber ?? 0) >= MAX_PARTS) throw new S3Error('TooManyParts');
  const sizeBytes = object.sizeBytes + addedBytes;
  if (sizeBytes > MAX_OBJECT_BYTES)
    throw new S3Error('EntityTooLarge', {
      detail: { ProposedSize: String(sizeBytes), MaxSizeAllowed: String(MAX_OBJECT_BYTES) },
    });
}

/** What came with the request. */
export interface Addition {
  readonly sizeBytes: number;
  /** the entity tag that it would have as an object */
  readonly etag: string;
  readonly digests: ReadonlyMap<ChecksumAlgorithm, Buffer>;
}

/** Of the new version; its lock is that of a version which is created now. */
export type AppendedFields = Pick<VersionDraft, 'data' | 'lastModified' | 'retention' | 'legalHold'>;

/** The version after the addition, which is its last part. @throws S3Error as checkRoom */
export function appendedDraft(object: ObjectVersion, added: Addition, fields: AppendedFields): VersionDraft {
  checkRoom(object, added.sizeBytes);
  const before = partsOf(object);
  const parts: PartInfo[] = [
    ...before,
    {
      partNumber: (before.at(-1)?.partNumber ?? 0) + 1,
      sizeBytes: added.sizeBytes,
      checksums: Object.fromEntries([...added.digests].map(([name, digest]) => [name, digest.toString('base64')])),
    },
  ];
  const first = parts.length === 1;
  return {
    ...object,
    ...fields,
    sizeBytes: object.sizeBytes + added.sizeBytes,
    etag: first ? added.etag : appendedEtag(object.etag, added.etag, parts.length),
    parts: first ? null : parts,
    checksum: appendedChecksum(object, added, parts),
  };
}

/** An object that is no multipart one counts as one part, an empty one as none. */
function partsOf({ parts, sizeBytes, checksum }: ObjectVersion): readonly PartInfo[] {
  if (parts !== null) return parts;
  if (sizeBytes === 0) return [];
  return [{ partNumber: 1, sizeBytes, checksums: checksum === null ? {} : { [checksum.algorithm]: checksum.value } }];
}

/** Like that of a multipart object no MD5 of the content, which clients see by its form. */
function appendedEtag(before: string, added: string, parts: number): string {
  const md5 = createMd5();
  md5.update(Buffer.from(`${before}+${added}`));
  return `${md5.digest().toString('hex')}-${parts}`;
}

/** Nothing is read again: a CRC of the whole is combined, other checksums are composite from now on. */
function appendedChecksum(
  { checksum, sizeBytes }: ObjectVersion,
  added: Addition,
  parts: readonly PartInfo[],
): ObjectChecksum | null {
  const algorithm = checksum === null ? null : parseChecksumAlgorithm(checksum.algorithm);
  if (checksum === null || algorithm === null) return null;
  const digest = added.digests.get(algorithm);
  if (digest === undefined) throw new Error(`no ${algorithm} of the appended data was computed`);
  if (parts.length === 1) return { algorithm, type: 'FULL_OBJECT', value: digest.toString('base64') };
  if (checksum.type === 'FULL_OBJECT' && isCrc(algorithm)) {
    const whole = combineCrc(algorithm, [
      { crc: Buffer.from(checksum.value, 'base64'), sizeBytes },
      { crc: digest, sizeBytes: added.sizeBytes },
    ]);
    return { algorithm, type: 'FULL_OBJECT', value: whole.toString('base64') };
  }
  const values = parts.map(({ checksums }) => checksums[algorithm]);
  const known = values.filter((value) => value !== undefined);
  if (known.length < values.length) return null;
  const digests = known.map((value) => Buffer.from(value, 'base64'));
  return { algorithm, type: 'COMPOSITE', value: compositeChecksum(algorithm, digests) };
}

function invalidRequest(message: string): S3Error {
  return new S3Error('InvalidRequest', { message });
}
