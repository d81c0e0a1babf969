// Listings, versions 1 and 2: order, prefixes, delimiters, pages, encodings, and that they follow every change at once.
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  ListObjectsCommand,
  ListObjectsV2Command,
} from '@aws-sdk/client-s3';
import type { ListObjectsCommandInput, ListObjectsV2CommandInput } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { etagOf, failure, inParallel, put, text } from './helpers.js';
import { signedExchange } from './raw.js';
import { bucketName, describeWire, USER_KEY } from './servers.js';

const KEYS = [
  'a',
  'b/',
  'b/1',
  'b/2',
  'b/c/1',
  'b/c/2',
  'b0',
  'd/e/f/g',
  'photos/2025/01.jpg',
  'photos/2025/02.jpg',
  'photos/2026/01.jpg',
  'z',
];

describeWire('listings', (wire) => {
  let Bucket = '';
  beforeAll(async () => {
    Bucket = await wire.bucket();
    for (const key of [...KEYS].reverse()) await put(wire.s3, Bucket, key, key);
  });

  const v2 = (input: Partial<ListObjectsV2CommandInput>) =>
    wire.s3.send(new ListObjectsV2Command({ Bucket, ...input }));
  const v1 = (input: Partial<ListObjectsCommandInput>) => wire.s3.send(new ListObjectsCommand({ Bucket, ...input }));
  const keysOf = (page: { readonly Contents?: readonly { readonly Key?: string | undefined }[] | undefined }) =>
    (page.Contents ?? []).map(({ Key }) => Key);
  const prefixesOf = (page: {
    readonly CommonPrefixes?: readonly { readonly Prefix?: string | undefined }[] | undefined;
  }) => (page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix);

  it('tells of each object what it is', async () => {
    const page = await v2({ Prefix: 'a', FetchOwner: true });
    expect(page).toMatchObject({ Name: Bucket, Prefix: 'a', KeyCount: 1, MaxKeys: 1000, IsTruncated: false });
    const [entry] = page.Contents ?? [];
    expect(entry).toMatchObject({ Key: 'a', Size: 1, ETag: etagOf('a'), StorageClass: 'STANDARD' });
    expect(entry?.Owner?.ID).toBe(USER_KEY.tenant);
    expect(Math.abs(Date.now() - (entry?.LastModified?.getTime() ?? 0))).toBeLessThan(120_000);
    expect((await v2({ Prefix: 'a' })).Contents?.[0]).not.toHaveProperty('Owner');
    expect((await v1({ Prefix: 'a' })).Contents?.[0]?.Owner?.ID).toBe(USER_KEY.tenant);
  });

  it.each([
    ['everything', {}, KEYS, []],
    ['a prefix', { Prefix: 'b/' }, ['b/', 'b/1', 'b/2', 'b/c/1', 'b/c/2'], []],
    ['a prefix inside a name', { Prefix: 'photos/2025/0' }, ['photos/2025/01.jpg', 'photos/2025/02.jpg'], []],
    ['a prefix of nothing', { Prefix: 'c' }, [], []],
    ['a delimiter', { Delimiter: '/' }, ['a', 'b0', 'z'], ['b/', 'd/', 'photos/']],
    ['a prefix and a delimiter', { Prefix: 'b/', Delimiter: '/' }, ['b/', 'b/1', 'b/2'], ['b/c/']],
    ['a prefix without its slash', { Prefix: 'photos', Delimiter: '/' }, [], ['photos/']],
    ['a longer delimiter', { Delimiter: '/20' }, KEYS.slice(0, 8).concat('z'), ['photos/20']],
    ['a delimiter that no key has', { Delimiter: '!' }, KEYS, []],
    ['a start', { StartAfter: 'd/e/f/g' }, KEYS.slice(8), []],
    ['a start between keys', { StartAfter: 'b/c' }, KEYS.slice(4), []],
    ['a start inside a common prefix', { StartAfter: 'photos/2025/02.jpg', Delimiter: '/' }, ['z'], ['photos/']],
    ['no keys at all', { MaxKeys: 0 }, [], []],
  ] as const)('lists %s', async (_name, query, keys, prefixes) => {
    const page = await v2(query);
    expect(keysOf(page)).toEqual(keys);
    expect(prefixesOf(page)).toEqual(prefixes);
    expect(page.KeyCount).toBe(keys.length + prefixes.length);
    expect(page.IsTruncated).toBe(false);
    const { StartAfter, ...rest } = query as Partial<ListObjectsV2CommandInput>;
    const first = await v1({ ...rest, Marker: StartAfter });
    expect([keysOf(first), first.IsTruncated]).toEqual([keys, false]);
    // A v1 marker inside a common prefix does not bring the prefix back (it is how v1 goes on after one).
    if (StartAfter === undefined) expect(prefixesOf(first)).toEqual(prefixes);
  });

  describe.each([1, 2, 3, 5, 11])('in pages of %i', (MaxKeys) => {
    it.each([{}, { Delimiter: '/' }, { Prefix: 'b/', Delimiter: '/' }, { Prefix: 'photos/', Delimiter: '/' }])(
      'version 2 of %j gives each thing once, in order',
      async (query) => {
        const whole = await v2(query);
        const found: (string | undefined)[] = [];
        let ContinuationToken: string | undefined;
        do {
          const page = await v2({ ...query, MaxKeys, ContinuationToken });
          const names = [...keysOf(page), ...prefixesOf(page)].sort();
          expect(page.KeyCount).toBe(names.length);
          expect(names.length).toBeLessThanOrEqual(MaxKeys);
          if (page.IsTruncated === true) expect(names).toHaveLength(MaxKeys);
          found.push(...names);
          ContinuationToken = page.NextContinuationToken;
          expect(page.IsTruncated).toBe(ContinuationToken !== undefined);
        } while (ContinuationToken !== undefined);
        expect(found).toEqual([...keysOf(whole), ...prefixesOf(whole)].sort());
      },
    );

    it('version 1 goes on by NextMarker or the last key', async () => {
      for (const query of [{}, { Delimiter: '/' }]) {
        const whole = await v1(query);
        const found: (string | undefined)[] = [];
        let Marker: string | undefined;
        for (;;) {
          const page = await v1({ ...query, MaxKeys, ...(Marker !== undefined && { Marker }) });
          const names = [...keysOf(page), ...prefixesOf(page)].sort();
          found.push(...names);
          if (page.IsTruncated !== true) break;
          expect(page.NextMarker).toBe('Delimiter' in query ? names.at(-1) : undefined);
          Marker = names.at(-1);
        }
        expect(found).toEqual([...keysOf(whole), ...prefixesOf(whole)].sort());
      }
    });
  });

  it('refuses arguments that mean nothing', async () => {
    for (const query of ['max-keys=-1', 'max-keys=x', 'encoding-type=base64', 'list-type=2&continuation-token=!!']) {
      const answer = await signedExchange(wire.server, {
        method: 'GET',
        target: `/${Bucket}?${query.replace('!!', '%21%21')}`,
      });
      expect([query, answer.status, answer.code]).toEqual([query, 400, 'InvalidArgument']);
    }
    expect((await v2({ MaxKeys: 5000 })).MaxKeys).toBe(1000);
  });

  it('sorts by the bytes of UTF-8 and encodes what XML cannot hold', async () => {
    const special = await wire.bucket();
    const keys = ['A', 'a b+c%', 'control-\u0001', 'é', '\uffee', '🎉', '\u{10ffff}'];
    for (const key of keys) await put(wire.s3, special, key, 'x');
    const encoded = await v2({ Bucket: special, EncodingType: 'url' });
    expect(encoded.EncodingType).toBe('url');
    expect(keysOf(encoded).map((key) => decodeURIComponent(key?.replaceAll('+', ' ') ?? ''))).toEqual(keys);
    expect(keysOf(encoded)[4]).toBe('%EF%BF%AE');
    const plain = await v2({ Bucket: special, StartAfter: 'control-\u0001' });
    expect(keysOf(plain)).toEqual(keys.slice(3));
  });

  it('follows every change at once', async () => {
    const changing = await wire.bucket();
    const listed = async () => {
      const page = await v2({ Bucket: changing });
      return page.Contents?.map(({ Key, Size, ETag }) => [Key, Size, ETag]) ?? [];
    };
    for (const content of ['one', 'a longer one', '']) {
      await put(wire.s3, changing, 'key', content);
      expect(await listed()).toEqual([['key', content.length, etagOf(content)]]);
    }
    await wire.s3.send(new DeleteObjectCommand({ Bucket: changing, Key: 'key' }));
    expect(await listed()).toEqual([]);
    await put(wire.s3, changing, 'key', 'back');
    expect(await listed()).toEqual([['key', 4, etagOf('back')]]);
  });

  it('gives 1,010 keys in two pages, and none when all are deleted', async () => {
    const large = await wire.bucket();
    const keys = text(0, 1010).map((n) => `n/${n}`);
    await inParallel(keys, 24, (key) => put(wire.s3, large, key, 'x'));
    const first = await v2({ Bucket: large });
    expect([first.KeyCount, first.IsTruncated]).toEqual([1000, true]);
    const second = await v2({ Bucket: large, ContinuationToken: first.NextContinuationToken });
    expect([...keysOf(first), ...keysOf(second)]).toEqual(keys);
    expect(second.IsTruncated).toBe(false);
    expect(prefixesOf(await v2({ Bucket: large, Delimiter: '/', MaxKeys: 1 }))).toEqual(['n/']);

    for (const part of [keys.slice(0, 1000), keys.slice(1000)]) {
      const Delete = { Objects: part.map((Key) => ({ Key })) };
      const { Deleted, Errors } = await wire.s3.send(new DeleteObjectsCommand({ Bucket: large, Delete }));
      expect(Errors ?? []).toEqual([]);
      expect(Deleted?.map(({ Key }) => Key).sort()).toEqual(part);
    }
    expect((await v2({ Bucket: large })).KeyCount).toBe(0);
  });

  it('needs a bucket', async () => {
    expect(await failure(v2({ Bucket: bucketName() }))).toMatchObject({ status: 404, code: 'NoSuchBucket' });
  });
});
