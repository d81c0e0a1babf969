// Parts of objects, conditions on reads, replaced response headers, and readers that are overtaken by writers.
import { GetObjectCommand, HeadObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { bytes, etagOf, failure, failures, KIB, MIB, put, read } from './helpers.js';
import { head, RawConnection, signedExchange } from './raw.js';
import { describeWire, USER_KEY } from './servers.js';
import { signV4 } from './signing.js';

describeWire('reads', (wire) => {
  let Bucket = '';
  const contents = { inline: bytes(1000), blocks: bytes(MIB + 1), empty: Buffer.alloc(0) };

  beforeAll(async () => {
    Bucket = await wire.bucket();
    for (const [Key, content] of Object.entries(contents)) await put(wire.s3, Bucket, Key, content);
  });

  describe.each(['inline', 'blocks'] as const)('ranges of an object stored as %s', (Key) => {
    const content = contents[Key];
    const size = content.length;

    it.each([
      ['bytes=0-0', 0, 1],
      ['bytes=1-1', 1, 2],
      ['bytes=10-99', 10, 100],
      ['bytes=500-', 500, size],
      ['bytes=-1', size - 1, size],
      ['bytes=-300', size - 300, size],
      [`bytes=-${size + 5}`, 0, size],
      [`bytes=0-${size * 2}`, 0, size],
      [`bytes=${size - 1}-`, size - 1, size],
      [
        `bytes=${Math.floor(size / 2) - 3}-${Math.floor(size / 2) + 3}`,
        Math.floor(size / 2) - 3,
        Math.floor(size / 2) + 4,
      ],
      [`bytes=${Math.floor(size / 8) - 1}-${size - 2}`, Math.floor(size / 8) - 1, size - 1],
    ])('%s', async (Range, start, end) => {
      const got = await read(wire.s3, { Bucket, Key, Range });
      expect(got.output.$metadata.httpStatusCode).toBe(206);
      expect(got.output).toMatchObject({
        ContentRange: `bytes ${start}-${end - 1}/${size}`,
        ContentLength: end - start,
        ETag: etagOf(content),
      });
      expect(got.content.equals(content.subarray(start, end))).toBe(true);
      const headed = await wire.s3.send(new HeadObjectCommand({ Bucket, Key, Range }));
      expect(headed.$metadata.httpStatusCode).toBe(206);
      expect(headed).toMatchObject({ ContentLength: end - start });
    });

    it.each([`bytes=${size}-`, `bytes=${size + 1}-${size + 2}`, 'bytes=-0'])('%s has no bytes', async (range) => {
      const answer = await signedExchange(wire.server, {
        method: 'GET',
        target: `/${Bucket}/${Key}`,
        headers: { range },
      });
      expect(answer).toMatchObject({ status: 416, code: 'InvalidRange' });
      expect(answer.headers['content-range']).toBe(`bytes */${size}`);
    });

    it.each(['bytes=9-3', 'bytes=a-b', 'lines=1-2', 'bytes=0-1,4-5'])('%s is ignored', async (Range) => {
      const got = await read(wire.s3, { Bucket, Key, Range });
      expect(got.output.$metadata.httpStatusCode).toBe(200);
      expect(got.content.equals(content)).toBe(true);
    });
  });

  it('has no range of an empty object', async () => {
    expect(
      await failure(wire.s3.send(new GetObjectCommand({ Bucket, Key: 'empty', Range: 'bytes=0-' }))),
    ).toMatchObject({
      status: 416,
      code: 'InvalidRange',
    });
  });

  it('replaces response headers for signed readers', async () => {
    const { output } = await read(wire.s3, {
      Bucket,
      Key: 'inline',
      ResponseCacheControl: 'no-cache',
      ResponseContentDisposition: 'attachment; filename="ü.txt"',
      ResponseContentEncoding: 'identity',
      ResponseContentLanguage: 'fr',
      ResponseContentType: 'text/x-other',
      ResponseExpires: new Date('2031-01-01T00:00:00Z'),
    });
    expect(output).toMatchObject({
      CacheControl: 'no-cache',
      ContentEncoding: 'identity',
      ContentLanguage: 'fr',
      ContentType: 'text/x-other',
      ExpiresString: 'Wed, 01 Jan 2031 00:00:00 GMT',
    });
    const disposition = Buffer.from(output.ContentDisposition ?? '', 'latin1').toString();
    expect(disposition).toBe('attachment; filename="ü.txt"');
  });

  describe('conditions', () => {
    const Key = 'inline';
    const ETag = etagOf(contents.inline);
    const past = new Date(Date.now() - 86_400_000);
    const future = new Date(Date.now() + 86_400_000);
    const wrong = '"00000000000000000000000000000000"';

    it.each([
      ['the right If-Match', { IfMatch: ETag }],
      ['If-Match: *', { IfMatch: '*' }],
      ['another If-None-Match', { IfNoneMatch: wrong }],
      ['If-Modified-Since the past', { IfModifiedSince: past }],
      ['If-Unmodified-Since the future', { IfUnmodifiedSince: future }],
      ['If-Match, which outweighs If-Unmodified-Since', { IfMatch: ETag, IfUnmodifiedSince: past }],
      ['If-None-Match, which outweighs If-Modified-Since', { IfNoneMatch: wrong, IfModifiedSince: future }],
      ['one of several tags', { IfMatch: `${wrong}, ${ETag}` }],
    ])('is read with %s', async (_name, conditions) => {
      const got = await read(wire.s3, { Bucket, Key, ...conditions });
      expect(got.content.equals(contents.inline)).toBe(true);
    });

    it.each([
      ['another If-Match', 412, { IfMatch: wrong }],
      ['If-Unmodified-Since the past', 412, { IfUnmodifiedSince: past }],
      ['the right If-None-Match', 304, { IfNoneMatch: ETag }],
      ['If-None-Match: *', 304, { IfNoneMatch: '*' }],
      ['the right If-None-Match, though modified since', 304, { IfNoneMatch: ETag, IfModifiedSince: past }],
      ['another If-Match and the right If-None-Match', 412, { IfMatch: wrong, IfNoneMatch: ETag }],
    ])('is not read with %s: %i', async (_name, status, conditions) => {
      const refusals = await failures([
        wire.s3.send(new GetObjectCommand({ Bucket, Key, ...conditions })),
        wire.s3.send(new HeadObjectCommand({ Bucket, Key, ...conditions })),
      ]);
      expect(refusals.map((refusal) => refusal.status)).toEqual([status, status]);
    });

    it('is not read with If-Modified-Since its own time: 304', async () => {
      const { LastModified } = await wire.s3.send(new HeadObjectCommand({ Bucket, Key }));
      const get = new GetObjectCommand({ Bucket, Key, IfModifiedSince: LastModified });
      expect((await failure(wire.s3.send(get))).status).toBe(304);
      await read(wire.s3, { Bucket, Key, IfUnmodifiedSince: LastModified });
    });

    it('answers 304 with the validators and without a body', async () => {
      const target = `/${Bucket}/${Key}`;
      const headers = { 'if-none-match': ETag };
      const answer = await signedExchange(wire.server, { method: 'GET', target, headers });
      expect(answer.status).toBe(304);
      expect(answer.headers['etag']).toBe(ETag);
      expect(answer.headers).toHaveProperty('last-modified');
      expect(answer.body).toHaveLength(0);
      const failed = await signedExchange(wire.server, { method: 'GET', target, headers: { 'if-match': wrong } });
      expect(failed).toMatchObject({ status: 412, code: 'PreconditionFailed' });
      expect(failed.body.toString()).toContain('<Condition>If-Match</Condition>');
    });
  });

  it.each(['overwritten', 'deleted'])('gives a slow reader the whole object that is %s meanwhile', async (fate) => {
    const old = bytes(24 * MIB, 5);
    const Key = `read-while-${fate}`;
    await put(wire.s3, Bucket, Key, old);
    const reader = await RawConnection.open(wire.server);
    const target = `/${Bucket}/${Key}`;
    const headers = { host: `${wire.server.host}:${wire.server.port}` };
    const signed = signV4({ method: 'GET', path: target, headers, credentials: USER_KEY });
    await reader.send(head('GET', target, signed.headers));
    while (reader.pendingBytes < 64 * KIB) await new Promise((resolve) => setTimeout(resolve, 5));
    reader.pause();
    expect(reader.pendingBytes).toBeLessThan(old.length);

    if (fate === 'overwritten') await put(wire.s3, Bucket, Key, bytes(24 * MIB, 6));
    else await signedExchange(wire.server, { method: 'DELETE', target });

    reader.resume();
    const answer = await reader.response();
    reader.destroy();
    expect(answer.status).toBe(200);
    expect(answer.body.equals(old)).toBe(true);
  });
});
