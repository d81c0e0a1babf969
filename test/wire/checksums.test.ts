// The checksums of a whole object: sent as headers or trailers, answered to who asks, and never committed when wrong.
// The digests of "123456789" are the published check values of the algorithms.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import {
  ChecksumAlgorithm,
  CopyObjectCommand,
  GetObjectAttributesCommand,
  HeadObjectCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bytes, etagOf, MIB, put, read } from './helpers.js';
import { signedExchange } from './raw.js';
import { describeWire } from './servers.js';
import { unsignedChunks } from './signing.js';

const CHECK = Buffer.from('123456789');
const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');
const VALUES = {
  CRC32: base64('cbf43926'),
  CRC32C: base64('e3069283'),
  CRC64NVME: base64('ae8b14860a799888'),
  MD5: createHash('md5').update(CHECK).digest('base64'),
  SHA1: createHash('sha1').update(CHECK).digest('base64'),
  SHA256: createHash('sha256').update(CHECK).digest('base64'),
  SHA512: createHash('sha512').update(CHECK).digest('base64'),
} as const;
const ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'MD5', 'SHA1', 'SHA256', 'SHA512'] as const;
/** Those that every AWS SDK computes by itself. */
const SDK_ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;
type Algorithm = (typeof ALGORITHMS)[number];

const headerOf = (algorithm: Algorithm): string => `x-amz-checksum-${algorithm.toLowerCase()}`;
const wrongValue = (algorithm: Algorithm): string => {
  const digest = Buffer.from(VALUES[algorithm], 'base64');
  digest[0] = (digest[0] ?? 0) ^ 1;
  return digest.toString('base64');
};

describeWire('checksums', (wire) => {
  let Bucket = '';
  let target = '';
  const Key = 'key';
  beforeAll(async () => {
    Bucket = await wire.bucket();
    target = `/${Bucket}/${Key}`;
  });
  beforeEach(() => put(wire.s3, Bucket, Key, 'old'));

  const expectOld = async (): Promise<void> =>
    expect((await read(wire.s3, { Bucket, Key })).content.toString()).toBe('old');
  const putRaw = (headers: Readonly<Record<string, string>>, body: Buffer = CHECK, payload = 'UNSIGNED-PAYLOAD') =>
    signedExchange(wire.server, { method: 'PUT', target, headers, body, payload });
  /** As SDKs send a checksum that they compute while the body goes out. */
  const putTrailing = (name: string, value: string | null, headers: Readonly<Record<string, string>> = {}) =>
    putRaw(
      {
        'content-encoding': 'aws-chunked',
        'x-amz-decoded-content-length': String(CHECK.length),
        'x-amz-trailer': name,
        ...headers,
      },
      unsignedChunks([CHECK.subarray(0, 4), CHECK.subarray(4)], value === null ? null : [name, value]),
      'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    );

  describe.each(ALGORITHMS)('%s', (algorithm) => {
    const field = `Checksum${algorithm}`;

    it.each(['header', 'trailer'])('by %s is verified and kept', async (way) => {
      const value = VALUES[algorithm];
      const answer = await (way === 'header'
        ? putRaw({ [headerOf(algorithm)]: value })
        : putTrailing(headerOf(algorithm), value));
      expect(answer.status).toBe(200);
      expect(answer.headers[headerOf(algorithm)]).toBe(value);

      // Not by the SDK, which refuses to read what it cannot verify itself.
      const got = await signedExchange(wire.server, {
        method: 'GET',
        target,
        headers: { 'x-amz-checksum-mode': 'ENABLED' },
      });
      expect(got.body.equals(CHECK)).toBe(true);
      expect(got.headers).toMatchObject({ [headerOf(algorithm)]: value, 'x-amz-checksum-type': 'FULL_OBJECT' });
      expect(got.headers).not.toHaveProperty('content-encoding');
      const headed = await wire.s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
      expect(headed).toMatchObject({ [field]: value, ChecksumType: 'FULL_OBJECT' });
      const attributes = await wire.s3.send(
        new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: ['Checksum', 'ETag', 'ObjectSize'] }),
      );
      expect(attributes).toMatchObject({ ETag: etagOf(CHECK).replaceAll('"', ''), ObjectSize: CHECK.length });
      expect(attributes.Checksum).toMatchObject({ [field]: value, ChecksumType: 'FULL_OBJECT' });
    });

    it('that is wrong commits nothing', async () => {
      const wrong = wrongValue(algorithm);
      expect(await putRaw({ [headerOf(algorithm)]: wrong })).toMatchObject({ status: 400, code: 'BadDigest' });
      expect(await putTrailing(headerOf(algorithm), wrong)).toMatchObject({ status: 400, code: 'BadDigest' });
      expect(await putRaw({ [headerOf(algorithm)]: 'not base64' })).toMatchObject({
        status: 400,
        code: 'InvalidRequest',
      });
      await expectOld();
    });
  });

  describe.each(SDK_ALGORITHMS)('%s', (algorithm) => {
    const field = `Checksum${algorithm}`;

    it.each(['a buffer', 'a stream'])('of %s is computed by the SDK as by the server', async (kind) => {
      const content = bytes(MIB + 5);
      const body = kind === 'a buffer' ? content : Readable.from([content.subarray(0, 77), content.subarray(77)]);
      const stored = await wire.s3.send(
        new PutObjectCommand({
          Bucket,
          Key: 'sdk',
          Body: body,
          ContentLength: content.length,
          ChecksumAlgorithm: algorithm,
        }),
      );
      // The SDK itself checks what it reads against this value.
      const got = await read(wire.s3, { Bucket, Key: 'sdk', ChecksumMode: 'ENABLED' });
      expect(got.content.equals(content)).toBe(true);
      expect(got.output).toHaveProperty(field, stored[field as keyof typeof stored]);
      expect(got.output).toHaveProperty(field);
    });
  });

  it('is CRC32 by default of the SDK', async () => {
    const content = bytes(300, 9);
    const { ChecksumCRC32 } = await wire.s3.send(new PutObjectCommand({ Bucket, Key, Body: content }));
    expect(ChecksumCRC32).toBe(base64(crc32(content).toString(16).padStart(8, '0')));
  });

  it('is not answered unless asked for, nor for a part of the object', async () => {
    await putRaw({ [headerOf('SHA256')]: VALUES.SHA256 });
    const plain = await signedExchange(wire.server, { method: 'GET', target });
    expect(plain.headers).not.toHaveProperty(headerOf('SHA256'));
    const ranged = await signedExchange(wire.server, {
      method: 'GET',
      target,
      headers: { 'x-amz-checksum-mode': 'ENABLED', range: 'bytes=0-3' },
    });
    expect(ranged.status).toBe(206);
    expect(ranged.headers).not.toHaveProperty(headerOf('SHA256'));
  });

  it('goes with a copy, or is made anew for it', async () => {
    await putRaw({ [headerOf('SHA1')]: VALUES.SHA1 });
    const CopySource = `${Bucket}/${Key}`;
    const same = await wire.s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource }));
    expect(same.CopyObjectResult?.ChecksumSHA1).toBe(VALUES.SHA1);
    const anew = await wire.s3.send(
      new CopyObjectCommand({ Bucket, Key: 'copy', CopySource, ChecksumAlgorithm: ChecksumAlgorithm.CRC64NVME }),
    );
    expect(anew.CopyObjectResult?.ChecksumCRC64NVME).toBe(VALUES.CRC64NVME);
    const headed = await wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'copy', ChecksumMode: 'ENABLED' }));
    expect(headed.ChecksumCRC64NVME).toBe(VALUES.CRC64NVME);
    expect(headed.ChecksumSHA1).toBeUndefined();
  });

  it.each([
    ['two checksums', { [headerOf('CRC32')]: VALUES.CRC32, [headerOf('SHA1')]: VALUES.SHA1 }, 'InvalidRequest'],
    ['an unknown algorithm', { 'x-amz-sdk-checksum-algorithm': 'MD4' }, 'InvalidRequest'],
    ['a checksum that cannot be checked', { 'x-amz-checksum-adler32': 'AAAAAA==' }, 'InvalidRequest'],
    [
      'another algorithm than announced',
      { 'x-amz-sdk-checksum-algorithm': 'SHA1', [headerOf('CRC32')]: VALUES.CRC32 },
      'InvalidRequest',
    ],
    ['a Content-MD5 of something else', { 'content-md5': createHash('md5').digest('base64') }, 'BadDigest'],
    ['a Content-MD5 that is none', { 'content-md5': 'abc' }, 'InvalidDigest'],
  ] as const)('refuses %s', async (_name, headers, code) => {
    expect(await putRaw(headers)).toMatchObject({ status: 400, code });
    await expectOld();
  });

  it('refuses trailers that are missing, unknown or unannounced', async () => {
    const missing = await putTrailing(headerOf('CRC32'), null);
    expect(missing).toMatchObject({ status: 400, code: 'MalformedTrailerError' });
    const unknown = await putTrailing('x-amz-checksum-md4', VALUES.CRC32);
    expect(unknown).toMatchObject({ status: 400, code: 'InvalidRequest' });
    const other = await putTrailing(headerOf('CRC32'), VALUES.CRC32, { 'x-amz-trailer': headerOf('SHA1') });
    expect(other.status).toBe(400);
    await expectOld();
  });

  it('checks Content-MD5 and x-amz-content-sha256', async () => {
    const sha256 = createHash('sha256').update(CHECK).digest('hex');
    const good = await putRaw({ 'content-md5': createHash('md5').update(CHECK).digest('base64') }, CHECK, sha256);
    expect(good.status).toBe(200);
    await put(wire.s3, Bucket, Key, 'old');
    const other = createHash('sha256').update('other').digest('hex');
    expect(await putRaw({}, CHECK, other)).toMatchObject({ status: 400, code: 'XAmzContentSHA256Mismatch' });
    await expectOld();
  });
});
