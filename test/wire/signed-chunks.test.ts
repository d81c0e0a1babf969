// Bodies that are signed chunk by chunk, with and without signed trailers: nothing is committed before the last link of the
// chain has been verified. https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html, sigv4-streaming-trailers.html
import { crc32 } from 'node:zlib';
import { beforeAll, beforeEach, expect, it } from 'vitest';
import { bytes, KIB, put, read } from './helpers.js';
import { exchange } from './raw.js';
import { describeWire, KEYS } from './servers.js';
import type { SignedV4 } from './signing.js';
import { signedChunks, signV4 } from './signing.js';

const CHUNKS = [bytes(64 * KIB, 1), bytes(64 * KIB, 2), bytes(1000, 3)] as const;
const WHOLE = Buffer.concat(CHUNKS);
const TRAILER = 'x-amz-checksum-crc32';

/** Bytes of a chunk with its frame. */
function frameBytes(sizeBytes: number): number {
  return sizeBytes + sizeBytes.toString(16).length + ';chunk-signature='.length + 64 + 2 * '\r\n'.length;
}

function crc32Of(data: Buffer): string {
  const digest = Buffer.alloc(4);
  digest.writeUInt32BE(crc32(data));
  return digest.toString('base64');
}

function flip(body: Buffer, at: number): Buffer {
  body[at] = (body[at] ?? 0) ^ 1;
  return body;
}

describeWire('signed chunks', (wire) => {
  let Bucket = '';
  const Key = 'key';
  beforeAll(async () => {
    Bucket = await wire.bucket();
  });
  beforeEach(() => put(wire.s3, Bucket, Key, 'old'));

  const send = (frame: (signed: SignedV4) => Buffer, more: Readonly<Record<string, string>> = {}) => {
    const path = `/${Bucket}/${Key}`;
    const signed = signV4({
      method: 'PUT',
      path,
      headers: {
        host: wire.server.url.slice('http://'.length),
        'content-encoding': 'aws-chunked',
        'x-amz-decoded-content-length': String(WHOLE.length),
        ...more,
      },
      payload: `STREAMING-AWS4-HMAC-SHA256-PAYLOAD${'x-amz-trailer' in more ? '-TRAILER' : ''}`,
      credentials: KEYS.user,
    });
    return exchange(wire.server, { method: 'PUT', target: path, headers: signed.headers, body: frame(signed) });
  };
  const withTrailer = (frame: (signed: SignedV4) => Buffer) => send(frame, { 'x-amz-trailer': TRAILER });
  const expectOld = async (): Promise<void> =>
    expect((await read(wire.s3, { Bucket, Key })).content.toString()).toBe('old');

  it('are stored without their frames', async () => {
    expect((await send((signed) => signedChunks(signed, CHUNKS))).status).toBe(200);
    const { content, output } = await read(wire.s3, { Bucket, Key });
    expect(content.equals(WHOLE)).toBe(true);
    expect(output.ContentEncoding).toBeUndefined();
  });

  it('keep the other encodings of the object', async () => {
    const headers = { 'content-encoding': 'aws-chunked,gzip' };
    expect((await send((signed) => signedChunks(signed, CHUNKS), headers)).status).toBe(200);
    expect((await read(wire.s3, { Bucket, Key })).output.ContentEncoding).toBe('gzip');
  });

  it.each([
    ['the first chunk', 100],
    ['the second chunk', 70_000],
    ['the last chunk', WHOLE.length + 200],
    ['the first signature', 25],
  ])('with a changed byte in %s commit nothing', async (_name, at) => {
    const answer = await send((signed) => flip(signedChunks(signed, CHUNKS), at));
    expect(answer).toMatchObject({ status: 403, code: 'SignatureDoesNotMatch' });
    await expectOld();
  });

  it('that are swapped, missing or cut commit nothing', async () => {
    const [a, b] = CHUNKS;
    const swapped = await send((signed) => {
      const body = signedChunks(signed, CHUNKS);
      const one = frameBytes(a.length);
      return Buffer.concat([body.subarray(one, 2 * one), body.subarray(0, one), body.subarray(2 * one)]);
    });
    expect(swapped).toMatchObject({ status: 403, code: 'SignatureDoesNotMatch' });
    const missing = await send((signed) => signedChunks(signed, [a, b]));
    expect(missing).toMatchObject({ status: 400, code: 'IncompleteBody' });
    const endless = await send((signed) => signedChunks(signed, CHUNKS).subarray(0, -frameBytes(0)));
    expect(endless).toMatchObject({ status: 400, code: 'IncompleteBody' });
    await expectOld();
  });

  it('of another request do not fit', async () => {
    const strange = { signature: '0'.repeat(64) };
    const answer = await send((signed) => signedChunks({ ...signed, ...strange }, CHUNKS));
    expect(answer).toMatchObject({ status: 403, code: 'SignatureDoesNotMatch' });
    await expectOld();
  });

  it('but the last have 8 KiB at least', async () => {
    const small = [WHOLE.subarray(0, 8191), WHOLE.subarray(8191)];
    expect(await send((signed) => signedChunks(signed, small))).toMatchObject({
      status: 403,
      code: 'InvalidChunkSizeError',
    });
    await expectOld();
  });

  it('may end in a signed checksum', async () => {
    const value = crc32Of(WHOLE);
    const answer = await withTrailer((signed) => signedChunks(signed, CHUNKS, [TRAILER, value]));
    expect([answer.status, answer.headers[TRAILER]]).toEqual([200, value]);
    const { content, output } = await read(wire.s3, { Bucket, Key, ChecksumMode: 'ENABLED' });
    expect([content.equals(WHOLE), output.ChecksumCRC32]).toEqual([true, value]);
  });

  it('commit nothing when the checksum is wrong, changed or unsigned', async () => {
    const value = crc32Of(WHOLE);
    const other = crc32Of(Buffer.from('other'));
    const wrong = await withTrailer((signed) => signedChunks(signed, CHUNKS, [TRAILER, other]));
    expect(wrong).toMatchObject({ status: 400, code: 'BadDigest' });
    const changed = await withTrailer((signed) => {
      const body = signedChunks(signed, CHUNKS, [TRAILER, other]);
      return Buffer.from(body.toString('latin1').replace(other, value), 'latin1');
    });
    expect(changed).toMatchObject({ status: 403, code: 'SignatureDoesNotMatch' });
    const unsigned = await withTrailer((signed) => {
      const body = signedChunks(signed, CHUNKS, [TRAILER, value]).toString('latin1');
      return Buffer.from(body.replace(/x-amz-trailer-signature:.*\r\n/, ''), 'latin1');
    });
    expect(unsigned.status).toBeGreaterThanOrEqual(400);
    const missing = await withTrailer((signed) => signedChunks(signed, CHUNKS));
    expect(missing.status).toBeGreaterThanOrEqual(400);
    await expectOld();
  });
});
