/**
 * The additional checksums of S3: computing them, their names in headers, and how the checksums of parts make that of
 * a multipart object. https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
 */
import { createHash } from 'node:crypto';
import { crc32, crc32c } from '@node-rs/crc32';
import type { ObjectChecksum } from '../store/types.js';
import { crc64nvme } from './crc64nvme.js';

export { combineCrc } from './crc-combine.js';
export type { CrcPart } from './crc-combine.js';

export type CrcAlgorithm = 'CRC32' | 'CRC32C' | 'CRC64NVME';
export type ChecksumAlgorithm = CrcAlgorithm | 'MD5' | 'SHA1' | 'SHA256' | 'SHA512';
export type ChecksumType = ObjectChecksum['type'];

export interface Checksum {
  update(bytes: Buffer): void;
  /** Big-endian, as AWS encodes it in base64. Ends the computation. */
  digest(): Buffer;
}

interface Trait {
  readonly sizeBytes: number;
  /** what a multipart object may carry; the default (CreateMultipartUpload without x-amz-checksum-type) first */
  readonly multipartTypes: readonly [ChecksumType, ...ChecksumType[]];
}

const TRAITS: Readonly<Record<ChecksumAlgorithm, Trait>> = {
  CRC32: { sizeBytes: 4, multipartTypes: ['COMPOSITE', 'FULL_OBJECT'] },
  CRC32C: { sizeBytes: 4, multipartTypes: ['COMPOSITE', 'FULL_OBJECT'] },
  CRC64NVME: { sizeBytes: 8, multipartTypes: ['FULL_OBJECT'] },
  MD5: { sizeBytes: 16, multipartTypes: ['COMPOSITE'] },
  SHA1: { sizeBytes: 20, multipartTypes: ['COMPOSITE'] },
  SHA256: { sizeBytes: 32, multipartTypes: ['COMPOSITE'] },
  SHA512: { sizeBytes: 64, multipartTypes: ['COMPOSITE'] },
};

export const CHECKSUM_ALGORITHMS: readonly ChecksumAlgorithm[] = [
  'CRC32',
  'CRC32C',
  'CRC64NVME',
  'MD5',
  'SHA1',
  'SHA256',
  'SHA512',
];

/** An algorithm's name as in x-amz-checksum-algorithm, in any case; null when there is no such algorithm. */
export function parseChecksumAlgorithm(text: string): ChecksumAlgorithm | null {
  const name = text.toUpperCase();
  return CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === name) ?? null;
}

/** 'x-amz-checksum-crc32' and so on. */
export function checksumHeaderName(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** A checksum header's value; null when it is not base64 of as many bytes as the algorithm's digests have. */
export function decodeChecksum(algorithm: ChecksumAlgorithm, base64: string): Buffer | null {
  const digest = Buffer.from(base64, 'base64');
  return digest.length === TRAITS[algorithm].sizeBytes && digest.toString('base64') === base64 ? digest : null;
}

/** CRC64NVME is of the full object only, digests are composite only, CRC32 and CRC32C can be both. */
export function multipartChecksumTypes(algorithm: ChecksumAlgorithm): readonly ChecksumType[] {
  return TRAITS[algorithm].multipartTypes;
}

/** What CreateMultipartUpload means when it names the algorithm and no type. */
export function defaultMultipartChecksumType(algorithm: ChecksumAlgorithm): ChecksumType {
  return TRAITS[algorithm].multipartTypes[0];
}

export function isCrc(algorithm: ChecksumAlgorithm): algorithm is CrcAlgorithm {
  return algorithm.startsWith('CRC');
}

export function createChecksum(algorithm: ChecksumAlgorithm): Checksum {
  switch (algorithm) {
    case 'CRC32':
      return new Crc32Checksum(crc32);
    case 'CRC32C':
      return new Crc32Checksum(crc32c);
    case 'CRC64NVME':
      return new Crc64Checksum();
    case 'MD5':
    case 'SHA1':
    case 'SHA256':
    case 'SHA512':
      return createHash(algorithm.toLowerCase());
  }
}

/** COMPOSITE: the checksum of the parts' digests one after another, in base64, and the number of parts. */
export function compositeChecksum(algorithm: ChecksumAlgorithm, partDigests: readonly Buffer[]): string {
  const checksum = createChecksum(algorithm);
  for (const digest of partDigests) checksum.update(digest);
  return `${checksum.digest().toString('base64')}-${partDigests.length}`;
}

class Crc32Checksum implements Checksum {
  readonly #next: (bytes: Buffer, state: number) => number;
  #state = 0;

  constructor(next: (bytes: Buffer, state: number) => number) {
    this.#next = next;
  }

  update(bytes: Buffer): void {
    this.#state = this.#next(bytes, this.#state);
  }

  digest(): Buffer {
    const digest = Buffer.alloc(4);
    digest.writeUInt32BE(this.#state >>> 0);
    return digest;
  }
}

class Crc64Checksum implements Checksum {
  readonly #next = crc64nvme();
  #state: DataView = new DataView(new ArrayBuffer(8));

  update(bytes: Buffer): void {
    this.#state = this.#next(bytes, this.#state);
  }

  digest(): Buffer {
    return Buffer.from(this.#state.buffer, this.#state.byteOffset, 8);
  }
}
