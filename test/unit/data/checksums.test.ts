import { createHash } from 'node:crypto';
import { crc32 as zlibCrc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { ChecksumAlgorithm, CrcAlgorithm } from '../../../src/data/checksums.js';
import {
  CHECKSUM_ALGORITHMS,
  checksumHeaderName,
  combineCrc,
  compositeChecksum,
  createChecksum,
  decodeChecksum,
  defaultMultipartChecksumType,
  isCrc,
  multipartChecksumTypes,
  parseChecksumAlgorithm,
} from '../../../src/data/checksums.js';
import { nativeCrc64nvme, tableCrc64nvme } from '../../../src/data/crc64nvme.js';
import { createMd5, multipartEtag } from '../../../src/data/md5.js';
import { Random } from './memory-stores.js';

const CRCS: readonly CrcAlgorithm[] = ['CRC32', 'CRC32C', 'CRC64NVME'];

function digestOf(algorithm: ChecksumAlgorithm, ...pieces: Buffer[]): Buffer {
  const checksum = createChecksum(algorithm);
  for (const piece of pieces) checksum.update(piece);
  return checksum.digest();
}

describe('createChecksum', () => {
  it.each([
    ['CRC32', 'cbf43926'],
    ['CRC32C', 'e3069283'],
    ['CRC64NVME', 'ae8b14860a799888'],
    ['MD5', '25f9e794323b453885f5181f1b624d0b'],
    ['SHA1', 'f7c3bc1d808e04732adf679965ccc34ca7ae3441'],
    ['SHA256', '15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225'],
  ] as const)('%s of the check string 123456789 is %s', (algorithm, hex) => {
    expect(digestOf(algorithm, Buffer.from('123456789')).toString('hex')).toBe(hex);
  });

  it.each([
    ['CRC32', '00000000'],
    ['CRC32C', '00000000'],
    ['CRC64NVME', '0000000000000000'],
    ['MD5', createHash('md5').digest('hex')],
    ['SHA1', createHash('sha1').digest('hex')],
    ['SHA256', createHash('sha256').digest('hex')],
    ['SHA512', createHash('sha512').digest('hex')],
  ] as const)('%s of nothing', (algorithm, hex) => {
    expect(digestOf(algorithm).toString('hex')).toBe(hex);
    expect(digestOf(algorithm, Buffer.alloc(0)).toString('hex')).toBe(hex);
  });

  it('gives 32 zero bytes the CRC32C that RFC 3720 B.4 prints', () => {
    expect(digestOf('CRC32C', Buffer.alloc(32)).readUInt32LE()).toBe(0xaa36918a);
  });

  it.each(CHECKSUM_ALGORITHMS)('%s does not depend on how the bytes are sliced', (algorithm) => {
    const random = new Random(7);
    for (const sizeBytes of [1, 7, 8, 9, 63, 1000, 70_000]) {
      const bytes = random.bytes(sizeBytes);
      const whole = digestOf(algorithm, bytes);
      expect(digestOf(algorithm, ...random.slices(bytes, 1 + random.below(sizeBytes)))).toEqual(whole);
    }
  });

  it('agrees with zlib on CRC32', () => {
    const bytes = new Random(11).bytes(5000);
    expect(digestOf('CRC32', bytes).readUInt32BE()).toBe(zlibCrc32(bytes));
  });
});

describe('CRC64NVME', () => {
  it('has the same result natively and by tables, whatever the slices', () => {
    const native = nativeCrc64nvme();
    const table = tableCrc64nvme();
    if (!native) throw new Error('aws-crt has no binary for the platform that runs the tests');
    const random = new Random(3);
    for (let round = 0; round < 50; round += 1) {
      let a: DataView | undefined;
      let b: DataView | undefined;
      for (const slice of random.slices(random.bytes(1 + random.below(3000)), 400)) {
        a = native(slice, a);
        b = table(slice, b);
        expect([b.getUint32(0), b.getUint32(4)]).toEqual([a.getUint32(0), a.getUint32(4)]);
      }
    }
  });

  it('of the check string, by tables', () => {
    const crc = tableCrc64nvme()(Buffer.from('123456789'));
    expect(crc.getBigUint64(0)).toBe(0xae8b14860a799888n);
  });
});

describe('names', () => {
  it('knows every algorithm in any case and no other', () => {
    for (const algorithm of CHECKSUM_ALGORITHMS) {
      expect(parseChecksumAlgorithm(algorithm)).toBe(algorithm);
      expect(parseChecksumAlgorithm(algorithm.toLowerCase())).toBe(algorithm);
    }
    for (const text of ['', 'MD4', 'CRC', 'CRC64', 'CRC32 ', 'toString'])
      expect(parseChecksumAlgorithm(text)).toBeNull();
  });

  it('has AWS header names', () => {
    expect(CHECKSUM_ALGORITHMS.map(checksumHeaderName)).toEqual([
      'x-amz-checksum-crc32',
      'x-amz-checksum-crc32c',
      'x-amz-checksum-crc64nvme',
      'x-amz-checksum-md5',
      'x-amz-checksum-sha1',
      'x-amz-checksum-sha256',
      'x-amz-checksum-sha512',
    ]);
  });

  it('tells which types a multipart object may have, the default first', () => {
    const types = CHECKSUM_ALGORITHMS.map((a) => [a, ...multipartChecksumTypes(a)].join(' '));
    expect(types).toEqual([
      'CRC32 COMPOSITE FULL_OBJECT',
      'CRC32C COMPOSITE FULL_OBJECT',
      'CRC64NVME FULL_OBJECT',
      'MD5 COMPOSITE',
      'SHA1 COMPOSITE',
      'SHA256 COMPOSITE',
      'SHA512 COMPOSITE',
    ]);
    expect(CHECKSUM_ALGORITHMS.map(defaultMultipartChecksumType)).toEqual([
      'COMPOSITE',
      'COMPOSITE',
      'FULL_OBJECT',
      'COMPOSITE',
      'COMPOSITE',
      'COMPOSITE',
      'COMPOSITE',
    ]);
    expect(CHECKSUM_ALGORITHMS.filter(isCrc)).toEqual(CRCS);
  });
});

describe('decodeChecksum', () => {
  it('reads what digests are written as', () => {
    for (const algorithm of CHECKSUM_ALGORITHMS) {
      const digest = digestOf(algorithm, Buffer.from('pithos'));
      expect(decodeChecksum(algorithm, digest.toString('base64'))).toEqual(digest);
    }
  });

  it.each(['', 'AAAA', 'AAAAAAAA', 'AAAAAA=', 'AAAAAA', 'AAAAAB==', 'AAAA-A==', ' AAAAAA==', 'AAAAAA==-3', '!!!!'])(
    'refuses %j as a CRC32',
    (text) => expect(decodeChecksum('CRC32', text)).toBeNull(),
  );
});

describe('compositeChecksum', () => {
  it.each(CHECKSUM_ALGORITHMS)('%s is that of the digests one after another, and their number', (algorithm) => {
    const digests = ['a', 'b', 'c'].map((text) => digestOf(algorithm, Buffer.from(text)));
    const expected = digestOf(algorithm, Buffer.concat(digests)).toString('base64');
    expect(compositeChecksum(algorithm, digests)).toBe(`${expected}-3`);
  });
});

describe('combineCrc', () => {
  it.each(CRCS)('%s of random parts is that of the whole', (algorithm) => {
    const random = new Random(23);
    for (let round = 0; round < 60; round += 1) {
      const bytes = random.bytes(random.below(4000));
      const parts = random.slices(bytes, 1 + random.below(1500));
      const combined = combineCrc(
        algorithm,
        parts.map((part) => ({ crc: digestOf(algorithm, part), sizeBytes: part.length })),
      );
      expect(combined.toString('hex')).toBe(digestOf(algorithm, bytes).toString('hex'));
    }
  });

  it.each(CRCS)('%s of large parts', (algorithm) => {
    const part = Buffer.alloc(5 * 1024 * 1024 + 3, 0x5a);
    const tail = Buffer.from('tail');
    const combined = combineCrc(algorithm, [
      { crc: digestOf(algorithm, part), sizeBytes: part.length },
      { crc: digestOf(algorithm, part), sizeBytes: part.length },
      { crc: digestOf(algorithm, tail), sizeBytes: tail.length },
    ]);
    expect(combined).toEqual(digestOf(algorithm, part, part, tail));
  });

  it.each(CRCS)('%s joins parts beyond 4 GiB', (algorithm) => {
    // Zeros doubled by the operator itself: 2^33 zeros as one part and as 2 x 2^32 must agree.
    const mebi = Buffer.alloc(1024 * 1024);
    const one = { crc: digestOf(algorithm, mebi), sizeBytes: mebi.length };
    let { crc, sizeBytes } = one;
    while (sizeBytes < 2 ** 33) {
      crc = combineCrc(algorithm, [
        { crc, sizeBytes },
        { crc, sizeBytes },
      ]);
      sizeBytes *= 2;
    }
    const tail = Buffer.from('end');
    const oneByOne = combineCrc(algorithm, [
      ...Array.from({ length: 2 ** 13 }, () => one),
      { crc: digestOf(algorithm, tail), sizeBytes: tail.length },
    ]);
    expect(
      combineCrc(algorithm, [
        { crc, sizeBytes },
        { crc: digestOf(algorithm, tail), sizeBytes: tail.length },
      ]),
    ).toEqual(oneByOne);
  });

  it.each(CRCS)('%s of no parts and of empty parts is that of nothing', (algorithm) => {
    const nothing = digestOf(algorithm);
    expect(combineCrc(algorithm, [])).toEqual(nothing);
    const whole = digestOf(algorithm, Buffer.from('x'));
    expect(
      combineCrc(algorithm, [
        { crc: nothing, sizeBytes: 0 },
        { crc: whole, sizeBytes: 1 },
        { crc: nothing, sizeBytes: 0 },
      ]),
    ).toEqual(whole);
  });

  it('refuses a CRC of the wrong width', () => {
    expect(() => combineCrc('CRC64NVME', [{ crc: Buffer.alloc(4), sizeBytes: 1 }])).toThrow(RangeError);
  });

  it('joins 10,000 parts of different sizes fast enough to be done inside a request', () => {
    const crc = Buffer.alloc(8, 0xa5);
    const parts = Array.from({ length: 10_000 }, (_, i) => ({ crc, sizeBytes: 5 * 1024 ** 3 - i }));
    const startMs = performance.now();
    combineCrc('CRC64NVME', parts);
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });
});

describe('MD5', () => {
  it('is the MD5', () => {
    const md5 = createMd5();
    md5.update(Buffer.from('hello '));
    md5.update(Buffer.from('world'));
    expect(md5.digest().toString('hex')).toBe('5eb63bbbe01eeed093cb22bb8f5acdc3');
  });

  it('makes a multipart ETag of the binary MD5s of the parts', () => {
    const etags = ['a', 'b'].map((text) => createHash('md5').update(text).digest('hex'));
    const joined = createHash('md5')
      .update(Buffer.from(etags.join(''), 'hex'))
      .digest('hex');
    expect(multipartEtag(etags)).toBe(`${joined}-2`);
    // One part of nothing, as AWS answers it.
    expect(multipartEtag(['d41d8cd98f00b204e9800998ecf8427e'])).toBe('59adb24ef3cdbe0297f05b395827453f-1');
  });
});
