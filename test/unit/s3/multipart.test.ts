import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { ChecksumAlgorithm } from '../../../src/data/checksums.js';
import { createChecksum } from '../../../src/data/checksums.js';
import { S3Error } from '../../../src/s3/errors.js';
import {
  MAX_OBJECT_BYTES,
  MIN_PART_BYTES,
  checkObjectSize,
  checkPartOrder,
  checksumRecord,
  completedChecksum,
  makeUploadId,
  objectLocation,
  partAlgorithms,
  partNumberMarker,
  partNumberOf,
  selectParts,
  uploadChecksum,
  uploadChecksumHeaders,
  uploadIdOf,
  uploadIdTimeMs,
} from '../../../src/s3/multipart.js';
import { QueryParams } from '../../../src/s3/request.js';
import type { PartRecord } from '../../../src/store/types.js';

/** What is thrown, as [code, message, detail]. */
function refusal(run: () => unknown): { code: string; message: string; detail: Readonly<Record<string, string>> } {
  try {
    run();
  } catch (error) {
    if (error instanceof S3Error) return { code: error.code, message: error.message, detail: error.detail };
    throw error;
  }
  throw new Error('nothing was refused');
}

function part(partNumber: number, sizeBytes: number, checksums: Record<string, string> = {}): PartRecord {
  return {
    partNumber,
    sizeBytes,
    etag: createHash('md5').update(String(partNumber)).digest('hex'),
    lastModified: 0,
    checksums,
    blob: { inode: `inode-${partNumber}`, storageClass: 'STANDARD', sizeBytes, chunkSizeBytes: 1024 },
  };
}

function listed({ partNumber, etag }: PartRecord, checksums: Record<string, string> = {}) {
  return { partNumber, etag, checksums };
}

function digestOf(algorithm: ChecksumAlgorithm, bytes: Buffer): Buffer {
  const checksum = createChecksum(algorithm);
  checksum.update(bytes);
  return checksum.digest();
}

describe('upload ids', () => {
  it('sort by creation time as strings, also where the time gains a digit', () => {
    const times = [0, 1, 36 ** 4 - 1, 36 ** 4, 1_700_000_000_000, 1_700_000_000_001, 36 ** 8 - 1, 36 ** 8];
    const ids = times.map(makeUploadId);
    expect([...ids].sort()).toEqual(ids);
    expect(ids.map(uploadIdTimeMs)).toEqual(times);
  });

  it('differ within one millisecond and need no escaping in a URL', () => {
    const ids = new Set(Array.from({ length: 1000 }, () => makeUploadId(1_700_000_000_000)));
    expect(ids.size).toBe(1000);
    for (const id of ids) expect(encodeURIComponent(id)).toBe(id);
  });

  it('of another form do not exist', () => {
    const id = makeUploadId(1_700_000_000_000);
    expect(uploadIdOf(new QueryParams(`uploadId=${id}`))).toBe(id);
    for (const query of ['', 'uploadId', 'uploadId=56788', `uploadId=${id}0`, `uploadId=${id.toUpperCase()}`]) {
      expect(refusal(() => uploadIdOf(new QueryParams(query))).code).toBe('NoSuchUpload');
    }
    expect(uploadIdTimeMs('../../etc/passwd')).toBeNull();
  });
});

describe('part numbers', () => {
  it('are integers from 1 to 10,000', () => {
    expect(partNumberOf(new QueryParams('partNumber=1'))).toBe(1);
    expect(partNumberOf(new QueryParams('partNumber=10000'))).toBe(10_000);
    for (const text of ['0', '10001', '-1', '1.5', '1e3', 'x', '', '99999999999999999999']) {
      const { code, detail } = refusal(() => partNumberOf(new QueryParams(`partNumber=${text}`)));
      expect(code).toBe('InvalidArgument');
      expect(detail).toEqual({ ArgumentName: 'partNumber', ArgumentValue: text });
    }
    expect(refusal(() => partNumberOf(new QueryParams('uploadId=x'))).code).toBe('InvalidArgument');
  });

  it('as markers may be 0 and beyond the last part', () => {
    expect(partNumberMarker('part-number-marker', undefined)).toBe(0);
    expect(partNumberMarker('part-number-marker', '')).toBe(0);
    expect(partNumberMarker('part-number-marker', '10001')).toBe(10_001);
    for (const text of ['-1', 'x', '2147483648'])
      expect(refusal(() => partNumberMarker('part-number-marker', text)).code).toBe('InvalidArgument');
  });
});

describe('the checksum of an upload', () => {
  it('has the documented default types', () => {
    const typeOf = (name: string) => uploadChecksum({ 'x-amz-checksum-algorithm': name });
    expect(typeOf('CRC32')).toEqual({ algorithm: 'CRC32', type: 'COMPOSITE' });
    expect(typeOf('crc32c')).toEqual({ algorithm: 'CRC32C', type: 'COMPOSITE' });
    expect(typeOf('CRC64NVME')).toEqual({ algorithm: 'CRC64NVME', type: 'FULL_OBJECT' });
    expect(typeOf('SHA1')).toEqual({ algorithm: 'SHA1', type: 'COMPOSITE' });
    expect(typeOf('SHA256')).toEqual({ algorithm: 'SHA256', type: 'COMPOSITE' });
    expect(uploadChecksum({})).toBeNull();
  });

  it('is of a type that the algorithm allows', () => {
    const of = (algorithm: string, type: string) =>
      uploadChecksum({ 'x-amz-checksum-algorithm': algorithm, 'x-amz-checksum-type': type });
    expect(of('CRC32', 'FULL_OBJECT')).toEqual({ algorithm: 'CRC32', type: 'FULL_OBJECT' });
    expect(of('CRC32C', 'full_object')).toEqual({ algorithm: 'CRC32C', type: 'FULL_OBJECT' });
    expect(of('SHA256', 'COMPOSITE')).toEqual({ algorithm: 'SHA256', type: 'COMPOSITE' });
    expect(refusal(() => of('CRC64NVME', 'COMPOSITE'))).toMatchObject({
      code: 'InvalidRequest',
      message: 'The COMPOSITE checksum type cannot be used with the crc64nvme checksum algorithm.',
    });
    expect(refusal(() => of('SHA1', 'FULL_OBJECT')).code).toBe('InvalidRequest');
    expect(refusal(() => of('SHA256', 'FULL_OBJECT')).code).toBe('InvalidRequest');
    expect(refusal(() => of('CRC32', 'PARTIAL')).code).toBe('InvalidRequest');
    expect(of('SHA512', 'COMPOSITE')).toEqual({ algorithm: 'SHA512', type: 'COMPOSITE' });
    expect(refusal(() => of('MD4', 'COMPOSITE')).code).toBe('InvalidRequest');
    expect(refusal(() => uploadChecksum({ 'x-amz-checksum-type': 'COMPOSITE' })).code).toBe('InvalidRequest');
  });

  it('is told to the client that asked for it', () => {
    expect(uploadChecksumHeaders({ algorithm: 'CRC32', type: 'COMPOSITE' })).toEqual({
      'x-amz-checksum-algorithm': 'CRC32',
      'x-amz-checksum-type': 'COMPOSITE',
    });
    expect(uploadChecksumHeaders(null)).toEqual({});
  });

  it('decides what is computed of a part', () => {
    const sha256 = { algorithm: 'SHA256', type: 'COMPOSITE' } as const;
    expect(partAlgorithms(sha256, null)).toEqual(['SHA256']);
    expect(partAlgorithms({ algorithm: 'CRC32', type: 'FULL_OBJECT' }, { algorithm: null })).toEqual(['CRC32']);
    expect(refusal(() => partAlgorithms(sha256, { algorithm: null }))).toMatchObject({
      code: 'InvalidRequest',
      message: 'Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum Type: null',
    });
    expect(partAlgorithms(sha256, { algorithm: 'SHA256' })).toEqual(['SHA256']);
    expect(partAlgorithms(null, { algorithm: 'CRC32' })).toEqual(['CRC32']);
    expect(partAlgorithms(null, { algorithm: null })).toEqual([]);
    expect(refusal(() => partAlgorithms(sha256, { algorithm: 'CRC32' }))).toMatchObject({
      code: 'InvalidRequest',
      message: 'Checksum Type mismatch occurred, expected checksum Type: sha256, actual checksum Type: crc32',
    });
    expect(checksumRecord(new Map([['SHA1', Buffer.from('abc')]]))).toEqual({ SHA1: 'YWJj' });
  });
});

describe('the part list of a completion', () => {
  const upload = { uploadId: 'u', checksum: null };

  it('is in strictly ascending order', () => {
    checkPartOrder([listed(part(1, 1)), listed(part(5, 1)), listed(part(9, 1))], 'u');
    const down = [listed(part(2, 1)), listed(part(1, 1))];
    expect(refusal(() => checkPartOrder(down, 'u'))).toMatchObject({
      code: 'InvalidPartOrder',
      detail: { UploadId: 'u' },
    });
    const twice = [listed(part(2, 1)), listed(part(2, 1))];
    expect(refusal(() => checkPartOrder(twice, 'u')).code).toBe('InvalidPartOrder');
  });

  it('selects its parts, in its order, and leaves the others', () => {
    const stored = [part(1, MIN_PART_BYTES), part(2, MIN_PART_BYTES), part(7, MIN_PART_BYTES + 3), part(8, 1)];
    const wanted = [stored[0], stored[2], stored[3]].map((one) => listed(one ?? part(0, 0)));
    const { parts, sizeBytes } = selectParts(wanted, stored, upload);
    expect(parts.map((one) => one.partNumber)).toEqual([1, 7, 8]);
    expect(sizeBytes).toBe(2 * MIN_PART_BYTES + 4);
  });

  it('names parts by the ETag they have', () => {
    const stored = [part(1, 10)];
    const upper = { ...listed(part(1, 10)), etag: part(1, 10).etag.toUpperCase() };
    expect(selectParts([upper], stored, upload).parts).toEqual(stored);
    const wrong = { ...listed(part(1, 10)), etag: 'f'.repeat(32) };
    expect(refusal(() => selectParts([wrong], stored, upload))).toMatchObject({
      code: 'InvalidPart',
      detail: { UploadId: 'u', PartNumber: '1', ETag: 'f'.repeat(32) },
    });
    expect(refusal(() => selectParts([listed(part(9999, 10))], stored, upload))).toMatchObject({
      code: 'InvalidPart',
      detail: { PartNumber: '9999' },
    });
  });

  it('has small parts only at its end', () => {
    const stored = [part(1, MIN_PART_BYTES), part(2, MIN_PART_BYTES - 1), part(3, MIN_PART_BYTES)];
    expect(
      refusal(() =>
        selectParts(
          stored.map((one) => listed(one)),
          stored,
          upload,
        ),
      ),
    ).toMatchObject({
      code: 'EntityTooSmall',
      detail: {
        ProposedSize: String(MIN_PART_BYTES - 1),
        MinSizeAllowed: String(MIN_PART_BYTES),
        PartNumber: '2',
        ETag: part(2, 0).etag,
      },
    });
    const firstTwo = stored.slice(0, 2);
    expect(
      selectParts(
        firstTwo.map((one) => listed(one)),
        stored,
        upload,
      ).sizeBytes,
    ).toBe(2 * MIN_PART_BYTES - 1);
    const empty = [part(1, 0)];
    expect(
      selectParts(
        empty.map((one) => listed(one)),
        empty,
        upload,
      ).sizeBytes,
    ).toBe(0);
  });

  it('makes an object of at most 5 TiB', () => {
    const partBytes = 5 * 1024 ** 3;
    const stored = Array.from({ length: 1024 }, (_, i) => part(i + 1, partBytes));
    const all = stored.map((one) => listed(one));
    expect(selectParts(all, stored, upload).sizeBytes).toBe(MAX_OBJECT_BYTES);
    const more = [...stored, part(1025, 1)];
    expect(refusal(() => selectParts([...all, listed(part(1025, 1))], more, upload))).toMatchObject({
      code: 'EntityTooLarge',
      detail: { ProposedSize: String(MAX_OBJECT_BYTES + 1), MaxSizeAllowed: String(MAX_OBJECT_BYTES) },
    });
  });

  it('may repeat the checksums of its parts, which then have to be right', () => {
    const stored = [part(1, 10, { CRC32: 'AAAAAA==' })];
    const crc32 = { uploadId: 'u', checksum: { algorithm: 'CRC32', type: 'COMPOSITE' } } as const;
    expect(selectParts([listed(part(1, 10), { CRC32: 'AAAAAA==' })], stored, crc32).parts).toEqual(stored);
    expect(selectParts([listed(part(1, 10))], stored, crc32).parts).toEqual(stored);
    expect(refusal(() => selectParts([listed(part(1, 10), { CRC32: 'AAAAAQ==' })], stored, crc32)).code).toBe(
      'InvalidPart',
    );
    expect(refusal(() => selectParts([listed(part(1, 10), { SHA1: 'x' })], stored, crc32)).code).toBe('InvalidRequest');
    expect(refusal(() => selectParts([listed(part(1, 10), { SHA1: 'x' })], stored, upload)).code).toBe('InvalidPart');
  });

  it('is gapless under a composite checksum, and only then has to be', () => {
    const sums = { CRC32: 'AAAAAA==' };
    const stored = [part(1, MIN_PART_BYTES, sums), part(3, 1, sums)];
    const all = stored.map((one) => listed(one, sums));
    const checksum = (type: 'COMPOSITE' | 'FULL_OBJECT') => ({ uploadId: 'u', checksum: { algorithm: 'CRC32', type } });
    expect(refusal(() => selectParts(all, stored, checksum('COMPOSITE'))).code).toBe('InvalidRequest');
    expect(selectParts(all, stored, checksum('FULL_OBJECT')).parts).toHaveLength(2);
    expect(selectParts(all, stored, upload).parts).toHaveLength(2);
  });
});

describe('the checksum of a completed object', () => {
  const first = Buffer.from('the first part, ');
  const second = Buffer.from('and a second one of another length');
  const partsWith = (algorithm: ChecksumAlgorithm) =>
    [first, second].map((bytes, i) =>
      part(i + 1, bytes.length, { [algorithm]: digestOf(algorithm, bytes).toString('base64') }),
    );

  it('of a full object is that of all bytes, had from the parts', () => {
    for (const algorithm of ['CRC32', 'CRC32C', 'CRC64NVME'] as const) {
      const whole = digestOf(algorithm, Buffer.concat([first, second])).toString('base64');
      const checksum = { algorithm, type: 'FULL_OBJECT' } as const;
      expect(completedChecksum({}, checksum, partsWith(algorithm))).toEqual({ ...checksum, value: whole });
    }
  });

  it('that is composite is that of the digests', () => {
    const digests = [first, second].map((bytes) => createHash('sha256').update(bytes).digest());
    const value = `${createHash('sha256').update(Buffer.concat(digests)).digest('base64')}-2`;
    const checksum = { algorithm: 'SHA256', type: 'COMPOSITE' } as const;
    const parts = partsWith('SHA256');
    expect(completedChecksum({}, checksum, parts)).toEqual({ ...checksum, value });
    expect(completedChecksum({ 'x-amz-checksum-sha256': value }, checksum, parts)?.value).toBe(value);
    const bare = value.slice(0, -2);
    expect(completedChecksum({ 'x-amz-checksum-sha256': bare }, checksum, parts)?.value).toBe(value);
    for (const wrong of ['bad', `${bare}-3`, ''])
      expect(refusal(() => completedChecksum({ 'x-amz-checksum-sha256': wrong }, checksum, parts)).code).toBe(
        'BadDigest',
      );
  });

  it('must be the one that the completion says', () => {
    const checksum = { algorithm: 'CRC32', type: 'FULL_OBJECT' } as const;
    const parts = partsWith('CRC32');
    const check = (headers: Record<string, string>) => completedChecksum(headers, checksum, parts);
    expect(check({ 'x-amz-checksum-type': 'FULL_OBJECT' })?.type).toBe('FULL_OBJECT');
    expect(refusal(() => check({ 'x-amz-checksum-type': 'COMPOSITE' })).code).toBe('InvalidRequest');
    expect(refusal(() => check({ 'x-amz-checksum-crc32': 'AAAAAA==' })).code).toBe('BadDigest');
    expect(refusal(() => check({ 'x-amz-checksum-sha1': 'x' })).code).toBe('InvalidRequest');
    expect(refusal(() => check({ 'x-amz-checksum-crc32': 'a', 'x-amz-checksum-sha1': 'b' })).code).toBe(
      'InvalidRequest',
    );
  });

  it('is there without having been announced when the completion gives a CRC that all parts have', () => {
    const whole = digestOf('CRC64NVME', Buffer.concat([first, second])).toString('base64');
    const headers = { 'x-amz-checksum-crc64nvme': whole };
    expect(completedChecksum(headers, null, partsWith('CRC64NVME'))).toEqual({
      algorithm: 'CRC64NVME',
      type: 'FULL_OBJECT',
      value: whole,
    });
    const wrong = { 'x-amz-checksum-crc64nvme': 'AAAAAAAAAAA=' };
    expect(refusal(() => completedChecksum(wrong, null, partsWith('CRC64NVME'))).code).toBe('BadDigest');
    expect(refusal(() => completedChecksum(headers, null, partsWith('CRC32'))).code).toBe('InvalidRequest');
    expect(refusal(() => completedChecksum({ 'x-amz-checksum-sha1': 'x' }, null, partsWith('SHA1'))).code).toBe(
      'InvalidRequest',
    );
    expect(refusal(() => completedChecksum({ 'x-amz-checksum-type': 'FULL_OBJECT' }, null, [])).code).toBe(
      'InvalidRequest',
    );
    expect(completedChecksum({}, null, partsWith('CRC64NVME'))).toBeNull();
  });

  it('comes with a size that may be announced', () => {
    checkObjectSize({}, 10);
    checkObjectSize({ 'x-amz-mp-object-size': '10' }, 10);
    for (const size of ['11', '', '-10', '1e1', 'ten'])
      expect(refusal(() => checkObjectSize({ 'x-amz-mp-object-size': size }, 10)).code).toBe('InvalidRequest');
  });
});

describe('the location of an object', () => {
  it('follows the style of the request', () => {
    const path = { secure: false, host: 'localhost:8080', virtualHosted: false };
    expect(objectLocation(path, 'b', 'a dir/ü?#%.txt')).toBe('http://localhost:8080/b/a%20dir/%C3%BC%3F%23%25.txt');
    const virtual = { secure: true, host: 'b.s3.example.com', virtualHosted: true };
    expect(objectLocation(virtual, 'b', '/k')).toBe('https://b.s3.example.com//k');
  });
});
