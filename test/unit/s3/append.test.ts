/** What an append makes of an object: parts, entity tag and checksum, without reading what is there. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ChecksumAlgorithm } from '../../../src/data/checksums.js';
import { combineCrc, compositeChecksum, createChecksum } from '../../../src/data/checksums.js';
import {
  appendedDraft,
  checkAlgorithm,
  checkEncryption,
  checkOffset,
  checkRoom,
  refuseAttributes,
  writeOffset,
} from '../../../src/s3/append.js';
import type { Addition } from '../../../src/s3/append.js';
import { requestedEncryption } from '../../../src/s3/encryption-request.js';
import type { EncryptionInfo, ObjectVersion, PartInfo } from '../../../src/store/types.js';
import { DRAFT } from '../store/cassandra/heads.js';

const OBJECT: ObjectVersion = { ...DRAFT, versionId: 'null', seq: 1 };
const FIELDS = {
  data: { kind: 'inline', bytes: Buffer.from('hello world') },
  lastModified: 5,
  retention: null,
  legalHold: false,
} as const;

function digest(algorithm: ChecksumAlgorithm, text: string): Buffer {
  const checksum = createChecksum(algorithm);
  checksum.update(Buffer.from(text));
  return checksum.digest();
}

function addition(text: string, ...algorithms: ChecksumAlgorithm[]): Addition {
  return {
    sizeBytes: text.length,
    etag: createHash('md5').update(text).digest('hex'),
    digests: new Map(algorithms.map((algorithm) => [algorithm, digest(algorithm, text)])),
  };
}

const refused = (code: string) => expect.objectContaining({ code }) as Error;

describe('the version after an append', () => {
  it('has the size of both, one part more, and everything else of the object', () => {
    const object = { ...OBJECT, tags: { a: 'b' }, acl: 'acl', headers: { 'content-type': 'x/y' } };
    const draft = appendedDraft(object, addition(' world'), FIELDS);
    expect(draft).toMatchObject({ ...FIELDS, sizeBytes: 11, tags: object.tags, acl: 'acl', headers: object.headers });
    expect(draft.parts).toEqual([
      { partNumber: 1, sizeBytes: 5, checksums: {} },
      { partNumber: 2, sizeBytes: 6, checksums: {} },
    ]);
    expect(draft.etag).toMatch(/^[0-9a-f]{32}-2$/);
    const other = appendedDraft(object, addition(' World'), FIELDS);
    expect(other.etag).not.toBe(draft.etag);
    const third = appendedDraft({ ...object, ...draft }, addition('!'), FIELDS);
    expect(third.etag).toMatch(/-3$/);
    expect(third.parts?.map(({ sizeBytes }) => sizeBytes)).toEqual([5, 6, 1]);
  });

  it('of an empty object is as one that was put', () => {
    const empty: ObjectVersion = {
      ...OBJECT,
      sizeBytes: 0,
      checksum: { algorithm: 'SHA1', type: 'FULL_OBJECT', value: 'x' },
    };
    const added = addition('first', 'SHA1');
    expect(appendedDraft(empty, added, FIELDS)).toMatchObject({
      parts: null,
      etag: added.etag,
      checksum: { algorithm: 'SHA1', type: 'FULL_OBJECT', value: digest('SHA1', 'first').toString('base64') },
    });
  });

  it('goes on after the last part number', () => {
    const parts: PartInfo[] = [1, 7].map((partNumber) => ({ partNumber, sizeBytes: 5, checksums: {} }));
    const draft = appendedDraft({ ...OBJECT, sizeBytes: 10, parts }, addition('x'), FIELDS);
    expect(draft.parts?.map(({ partNumber }) => partNumber)).toEqual([1, 7, 8]);
  });
});

describe('its checksum', () => {
  it.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)('is that of the whole for %s', (algorithm) => {
    const value = digest(algorithm, 'hello').toString('base64');
    const object: ObjectVersion = { ...OBJECT, checksum: { algorithm, type: 'FULL_OBJECT', value } };
    const { checksum } = appendedDraft(object, addition(' world', algorithm), FIELDS);
    const whole = digest(algorithm, 'hello world').toString('base64');
    expect(checksum).toEqual({ algorithm, type: 'FULL_OBJECT', value: whole });
  });

  it('is composite for others, and stays composite', () => {
    const algorithm = 'SHA256';
    const value = digest(algorithm, 'hello').toString('base64');
    const object: ObjectVersion = { ...OBJECT, checksum: { algorithm, type: 'FULL_OBJECT', value } };
    const second = appendedDraft(object, addition('b', algorithm), FIELDS);
    const digests = ['hello', 'b', 'c'].map((text) => digest(algorithm, text));
    expect(second.checksum?.value).toBe(compositeChecksum(algorithm, digests.slice(0, 2)));
    const third = appendedDraft({ ...OBJECT, ...second }, addition('c', algorithm), FIELDS);
    expect(third.checksum).toEqual({ algorithm, type: 'COMPOSITE', value: compositeChecksum(algorithm, digests) });

    // Composite CRCs of multipart uploads go on as such.
    const [one, two] = [digest('CRC32', 'hello'), digest('CRC32', 'x')];
    const parts = [{ partNumber: 1, sizeBytes: 5, checksums: { CRC32: one.toString('base64') } }];
    const composite = { algorithm: 'CRC32', type: 'COMPOSITE', value: compositeChecksum('CRC32', [one]) } as const;
    const crc = appendedDraft({ ...OBJECT, parts, checksum: composite }, addition('x', 'CRC32'), FIELDS);
    expect(crc.checksum?.value).toBe(compositeChecksum('CRC32', [one, two]));
    expect(combineCrc('CRC32', [])).toHaveLength(4);
  });

  it('is none where the object has none, or its parts do not', () => {
    expect(appendedDraft(OBJECT, addition('x', 'CRC32'), FIELDS).checksum).toBeNull();
    const parts = [{ partNumber: 1, sizeBytes: 5, checksums: {} }];
    const checksum = { algorithm: 'SHA1', type: 'COMPOSITE', value: 'x-1' } as const;
    expect(appendedDraft({ ...OBJECT, parts, checksum }, addition('x', 'SHA1'), FIELDS).checksum).toBeNull();
  });

  it('is of the algorithm of the object', () => {
    const crc = { checksum: { algorithm: 'CRC32', type: 'FULL_OBJECT', value: 'x' } } as const;
    expect(checkAlgorithm(crc, null)).toBe('CRC32');
    expect(checkAlgorithm(crc, 'CRC32')).toBe('CRC32');
    expect(checkAlgorithm({ checksum: null }, 'SHA1')).toBe('SHA1');
    expect(() => checkAlgorithm(crc, 'CRC32C')).toThrow(refused('InvalidRequest'));
  });
});

describe('what is refused', () => {
  it('offsets', () => {
    expect(writeOffset({})).toBeNull();
    expect(writeOffset({ 'x-amz-write-offset-bytes': '12' })).toBe(12);
    for (const text of ['', '-1', '1e3', '0x1', '99999999999999999'])
      expect(() => writeOffset({ 'x-amz-write-offset-bytes': text })).toThrow(refused('InvalidArgument'));
    expect(() => checkOffset(OBJECT, 5)).not.toThrow();
    expect(() => checkOffset(null, 0)).not.toThrow();
    expect(() => checkOffset(OBJECT, 4)).toThrow(refused('InvalidWriteOffset'));
    expect(() => checkOffset(null, 5)).toThrow(refused('InvalidWriteOffset'));
  });

  it('more than 10,000 parts, and more bytes than an object may have', () => {
    const parts = (count: number, last = count): PartInfo[] =>
      Array.from({ length: count }, (_, i) => ({
        partNumber: i === count - 1 ? last : i + 1,
        sizeBytes: 1,
        checksums: {},
      }));
    expect(() => checkRoom({ ...OBJECT, parts: parts(9_999) }, 1)).not.toThrow();
    expect(() => checkRoom({ ...OBJECT, parts: parts(10_000) }, 1)).toThrow(refused('TooManyParts'));
    expect(() => checkRoom({ ...OBJECT, parts: parts(2, 10_000) }, 1)).toThrow(refused('TooManyParts'));
    expect(() => checkRoom({ ...OBJECT, sizeBytes: 5 * 1024 ** 4 }, 1)).toThrow(refused('EntityTooLarge'));
  });

  it('other attributes than the object has', () => {
    const object = { storageClass: 'STANDARD' };
    expect(() => refuseAttributes({ 'content-type': 'x', 'x-amz-storage-class': 'STANDARD' }, object)).not.toThrow();
    for (const header of ['x-amz-meta-a', 'x-amz-acl', 'x-amz-grant-read', 'x-amz-tagging'])
      expect(() => refuseAttributes({ [header]: 'x' }, object)).toThrow(refused('InvalidRequest'));
    expect(() => refuseAttributes({ 'x-amz-storage-class': 'GLACIER' }, object)).toThrow(refused('InvalidRequest'));
  });

  it('another encryption than the object has', () => {
    const info = (kind: EncryptionInfo['kind'], keyId = 'k'): EncryptionInfo => ({ kind, keyId, wrappedKey: '' });
    const asked = (headers: Record<string, string>) => requestedEncryption(headers);
    const sse = 'x-amz-server-side-encryption';
    const kms = (keyId: string) => asked({ [sse]: 'aws:kms', [`${sse}-aws-kms-key-id`]: keyId });
    const aes = asked({ [sse]: 'AES256' });
    expect(() => checkEncryption(null, { encryption: info('SSE-KMS') })).not.toThrow();
    expect(() => checkEncryption(aes, { encryption: info('SSE-S3') })).not.toThrow();
    expect(() => checkEncryption(kms('k'), { encryption: info('SSE-KMS') })).not.toThrow();
    expect(() => checkEncryption(kms('arn:aws:kms:r:1:key/k'), { encryption: info('SSE-KMS') })).not.toThrow();
    for (const [wanted, encryption] of [
      [aes, null],
      [aes, info('SSE-KMS')],
      [kms('other'), info('SSE-KMS')],
      [kms('k'), info('SSE-S3')],
    ] as const)
      expect(() => checkEncryption(wanted, { encryption })).toThrow(refused('EncryptionTypeMismatch'));
    expect(() => checkEncryption(null, { encryption: info('SSE-C') })).toThrow(refused('InvalidRequest'));
  });
});
