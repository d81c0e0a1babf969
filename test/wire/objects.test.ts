// Objects of all sizes, their metadata, and keys of all kinds: what was put is what is got, until it is deleted.
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { beforeAll, expect, it } from 'vitest';
import { bytes, etagOf, failure, failures, KIB, MIB, put, read, sha256Of } from './helpers.js';
import { signedExchange } from './raw.js';
import { bucketName, describeWire } from './servers.js';

const INLINE_BYTES = 32 * KIB;

describeWire('objects', (wire) => {
  let Bucket = '';
  beforeAll(async () => {
    Bucket = await wire.bucket();
  });

  it.each([0, 1, INLINE_BYTES - 1, INLINE_BYTES, INLINE_BYTES + 1, MIB - 1, MIB, MIB + 1])(
    'keeps an object of %i bytes until it is deleted',
    async (sizeBytes) => {
      const Key = `size-${sizeBytes}`;
      const content = bytes(sizeBytes);
      const { ETag } = await wire.s3.send(new PutObjectCommand({ Bucket, Key, Body: content }));
      expect(ETag).toBe(etagOf(content));

      const headed = await wire.s3.send(new HeadObjectCommand({ Bucket, Key }));
      expect(headed).toMatchObject({ ETag, ContentLength: sizeBytes, AcceptRanges: 'bytes' });
      const got = await read(wire.s3, { Bucket, Key });
      expect(got.output).toMatchObject({ ETag, ContentLength: sizeBytes, LastModified: headed.LastModified });
      expect(got.content.equals(content)).toBe(true);

      const deleted = await wire.s3.send(new DeleteObjectCommand({ Bucket, Key }));
      expect(deleted.$metadata.httpStatusCode).toBe(204);
      const gone = await failure(wire.s3.send(new GetObjectCommand({ Bucket, Key })));
      expect(gone).toMatchObject({ status: 404, code: 'NoSuchKey' });
      expect(gone.error['Key']).toBe(Key);
      expect(await failure(wire.s3.send(new HeadObjectCommand({ Bucket, Key })))).toMatchObject({
        status: 404,
        code: 'NotFound',
      });
      await wire.s3.send(new DeleteObjectCommand({ Bucket, Key }));
    },
  );

  it('streams 20 MiB in and out', async () => {
    const content = bytes(20 * MIB);
    const pieces = Array.from({ length: 40 }, (_, i) => content.subarray(i * 512 * KIB, (i + 1) * 512 * KIB));
    const put20 = new PutObjectCommand({
      Bucket,
      Key: 'streamed',
      Body: Readable.from(pieces),
      ContentLength: content.length,
    });
    expect((await wire.s3.send(put20)).ETag).toBe(etagOf(content));
    const { Body } = await wire.s3.send(new GetObjectCommand({ Bucket, Key: 'streamed' }));
    expect(await sha256Of(Body as Readable)).toBe(createHash('sha256').update(content).digest('hex'));
  });

  it('keeps metadata and system headers', async () => {
    const headers = {
      CacheControl: 'max-age=60',
      ContentDisposition: 'attachment; filename="a b.txt"',
      ContentEncoding: 'gzip',
      ContentLanguage: 'de, en',
      ContentType: 'text/plain; charset=utf-8',
      Metadata: { mixed: 'Case and  spaces', empty: '', number: '7' },
      WebsiteRedirectLocation: '/elsewhere',
    };
    await wire.s3.send(
      new PutObjectCommand({
        Bucket,
        Key: 'headers',
        Body: 'x',
        Expires: new Date('2030-01-02T03:04:05Z'),
        Tagging: 'a=1&b=2',
        ...headers,
      }),
    );
    const expected = { ...headers, ExpiresString: 'Wed, 02 Jan 2030 03:04:05 GMT' };
    const headed = await wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'headers' }));
    expect(headed).toMatchObject(expected);
    const { output } = await read(wire.s3, { Bucket, Key: 'headers' });
    expect(output).toMatchObject({ ...expected, TagCount: 2 });
  });

  it('replaces everything of the object it overwrites', async () => {
    const old = { Metadata: { old: 'yes' }, CacheControl: 'no-store', Tagging: 'old=1' };
    await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'over', Body: bytes(MIB), ...old }));
    await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'over', Body: 'new', Metadata: { fresh: 'yes' } }));
    const { output, content } = await read(wire.s3, { Bucket, Key: 'over' });
    expect(content.toString()).toBe('new');
    expect(output.Metadata).toEqual({ fresh: 'yes' });
    expect(output.CacheControl).toBeUndefined();
    expect(output.TagCount).toBeUndefined();
  });

  it('takes metadata in UTF-8 and in encoded words, and gives it back in encoded words', async () => {
    const latin1 = (text: string): string => Buffer.from(text).toString('latin1');
    const headers = {
      'x-amz-meta-greeting': latin1('Grüße an alle'),
      'x-amz-meta-world': latin1('世界'),
      'x-amz-meta-word': '=?UTF-8?B?w6k=?= and =?ISO-8859-1?Q?=E9?=',
      'x-amz-meta-plain': '=?UTF-8?Q?just_text?=',
      'x-amz-meta-byte': '\u00e9',
    };
    const target = `/${Bucket}/unicode-metadata`;
    expect(await signedExchange(wire.server, { method: 'PUT', target, headers, body: 'x' })).toMatchObject({
      status: 200,
    });
    const expected = {
      'x-amz-meta-greeting': '=?UTF-8?Q?Gr=C3=BC=C3=9Fe_an_alle?=',
      'x-amz-meta-world': '=?UTF-8?B?5LiW55WM?=',
      'x-amz-meta-word': '=?UTF-8?Q?=C3=A9_and_=C3=A9?=',
      'x-amz-meta-plain': 'just text',
      'x-amz-meta-byte': '=?UTF-8?B?w6k=?=',
    };
    const got = await signedExchange(wire.server, { method: 'HEAD', target });
    expect(got.headers).toMatchObject(expected);
    // What was answered means the same when it is sent: copies made by a client keep it.
    const again = `/${Bucket}/unicode-metadata-again`;
    await signedExchange(wire.server, { method: 'PUT', target: again, headers: expected, body: 'x' });
    expect((await signedExchange(wire.server, { method: 'HEAD', target: again })).headers).toMatchObject(expected);
  });

  it('has a content type, whatever the client calls it', async () => {
    const target = `/${Bucket}/typed`;
    await signedExchange(wire.server, { method: 'PUT', target, body: 'x' });
    const untyped = await signedExchange(wire.server, { method: 'GET', target });
    expect(untyped.headers['content-type']).toBe('binary/octet-stream');
    for (const type of ['foo', 'a/b; c="d"', 'text/html;;', 'multipart/form-data']) {
      const headers = { 'content-type': type };
      const stored = await signedExchange(wire.server, { method: 'PUT', target, headers, body: 'x' });
      expect(stored.status).toBe(200);
      const got = await signedExchange(wire.server, { method: 'GET', target });
      expect(got.headers['content-type']).toBe(type);
    }
  });

  it('refuses more than 2 KB of user metadata', async () => {
    const Metadata = { large: 'x'.repeat(2048) };
    const large = new PutObjectCommand({ Bucket, Key: 'large-metadata', Body: 'x', Metadata });
    expect(await failure(wire.s3.send(large))).toMatchObject({ status: 400, code: 'MetadataTooLarge' });
    const most = { large: 'x'.repeat(2043) };
    await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'large-metadata', Body: 'x', Metadata: most }));
    const { Metadata: kept } = await wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'large-metadata' }));
    expect(kept).toEqual(most);
  });

  it.each([
    'plain',
    'with space',
    'plus+sign',
    'percent%20literal',
    'ключ/日本語/🎉.txt',
    'e\u0301 and \u00e9 are two keys',
    "!'()*~-_.",
    ';:@&=$,?#[]{}|\\^`"<>',
    'double//slash/',
    './dots/../up',
    '..',
    'tab\tand\nline',
    'x'.repeat(1024),
    'é'.repeat(512),
  ])('has the key %j', async (Key) => {
    await put(wire.s3, Bucket, Key, `content of ${Key}`);
    expect((await read(wire.s3, { Bucket, Key })).content.toString()).toBe(`content of ${Key}`);
    const { Contents } = await wire.s3.send(new ListObjectsV2Command({ Bucket, Prefix: Key, EncodingType: 'url' }));
    expect(Contents?.map((entry) => decodeURIComponent(entry.Key ?? ''))).toEqual([Key]);
    await wire.s3.send(new DeleteObjectCommand({ Bucket, Key }));
    expect(await failure(wire.s3.send(new HeadObjectCommand({ Bucket, Key })))).toMatchObject({ status: 404 });
  });

  it('refuses keys longer than 1,024 bytes', async () => {
    for (const Key of ['x'.repeat(1025), 'é'.repeat(512) + 'x'])
      expect(await failure(put(wire.s3, Bucket, Key, 'x'))).toMatchObject({ status: 400, code: 'KeyTooLongError' });
  });

  it('tells one key from another that looks like it', async () => {
    const keys = ['same', 'same/', '/same', 'Same', 'same ', 'sam\u00e9', 'same\u0301'];
    for (const Key of keys) await put(wire.s3, Bucket, Key, Key);
    for (const Key of keys) expect((await read(wire.s3, { Bucket, Key })).content.toString()).toBe(Key);
  });

  it('needs a bucket and a storage class that are there', async () => {
    const Missing = bucketName();
    const refusals = await failures([
      put(wire.s3, Missing, 'key', 'x'),
      wire.s3.send(new GetObjectCommand({ Bucket: Missing, Key: 'key' })),
      wire.s3.send(new DeleteObjectCommand({ Bucket: Missing, Key: 'key' })),
    ]);
    for (const refusal of refusals) expect(refusal).toMatchObject({ status: 404, code: 'NoSuchBucket' });
    const glacier = new PutObjectCommand({ Bucket, Key: 'cold', Body: 'x', StorageClass: 'GLACIER' });
    expect(await failure(wire.s3.send(glacier))).toMatchObject({ status: 400, code: 'InvalidStorageClass' });
  });

  it('is one version or the other while many write the same key', async () => {
    const contents = Array.from({ length: 8 }, (_, i) => bytes(100 * KIB + i, i + 2));
    await Promise.all(contents.map((content) => put(wire.s3, Bucket, 'raced', content)));
    const { content, output } = await read(wire.s3, { Bucket, Key: 'raced' });
    expect(contents.map(etagOf)).toContain(output.ETag);
    expect(etagOf(content)).toBe(output.ETag);
    const { Contents } = await wire.s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'raced' }));
    expect(Contents).toMatchObject([{ ETag: output.ETag, Size: content.length }]);
  });
});
