// Versioned buckets: every version stays readable, delete markers hide, null versions come and go. And tags of objects.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html
import {
  CopyObjectCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import type { BucketVersioningStatus } from '@aws-sdk/client-s3';
import { beforeEach, describe, expect, it } from 'vitest';
import { bytes, etagOf, failure, failures, MIB, read } from './helpers.js';
import { describeWire } from './servers.js';

describeWire('versions', (wire) => {
  let Bucket = '';
  beforeEach(async () => {
    Bucket = await wire.bucket();
    await setVersioning('Enabled');
  });

  const setVersioning = (Status: BucketVersioningStatus) =>
    wire.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));
  const write = async (Key: string, Body: string | Buffer): Promise<string | undefined> =>
    (await wire.s3.send(new PutObjectCommand({ Bucket, Key, Body }))).VersionId;
  const textOf = async (Key: string, VersionId?: string): Promise<string> =>
    (await read(wire.s3, { Bucket, Key, ...(VersionId !== undefined && { VersionId }) })).content.toString();
  const remove = (Key: string, VersionId?: string) => wire.s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
  /** 'key version latest?' of versions and markers, in the order of the listing. */
  const listed = async (): Promise<string[]> => {
    const { Versions = [], DeleteMarkers = [] } = await wire.s3.send(new ListObjectVersionsCommand({ Bucket }));
    return [
      ...Versions.map((v) => `${v.Key} ${v.VersionId}${v.IsLatest === true ? ' latest' : ''}`),
      ...DeleteMarkers.map((v) => `${v.Key} ${v.VersionId} marker${v.IsLatest === true ? ' latest' : ''}`),
    ];
  };

  it('are off until they are switched on, and can only be suspended then', async () => {
    const fresh = await wire.bucket();
    expect((await wire.s3.send(new GetBucketVersioningCommand({ Bucket: fresh }))).Status).toBeUndefined();
    const put = await wire.s3.send(new PutObjectCommand({ Bucket: fresh, Key: 'key', Body: 'x' }));
    expect(put.VersionId).toBeUndefined();
    for (const status of ['Suspended', 'Enabled'] as const) {
      await setVersioning(status);
      expect((await wire.s3.send(new GetBucketVersioningCommand({ Bucket }))).Status).toBe(status);
    }
  });

  it('stay, each with its own content', async () => {
    const contents = ['first', bytes(MIB + 1, 2), 'third'];
    const ids: (string | undefined)[] = [];
    for (const content of contents) ids.push(await write('key', content));
    expect(new Set(ids).size).toBe(3);
    expect(await textOf('key')).toBe('third');
    for (const [i, content] of contents.entries()) {
      const got = await read(wire.s3, { Bucket, Key: 'key', VersionId: ids[i] });
      expect(got.output).toMatchObject({ VersionId: ids[i], ETag: etagOf(content) });
      expect(got.content.equals(Buffer.from(content))).toBe(true);
    }
    expect(await listed()).toEqual([`key ${ids[2]} latest`, `key ${ids[1]}`, `key ${ids[0]}`]);
    const { Contents } = await wire.s3.send(new ListObjectsV2Command({ Bucket }));
    expect(Contents).toMatchObject([{ Key: 'key', ETag: etagOf('third') }]);
  });

  it('are hidden by a delete marker and come back without it', async () => {
    const first = await write('key', 'first');
    const marker = await remove('key');
    expect(marker).toMatchObject({ DeleteMarker: true });
    const hidden = await failure(wire.s3.send(new GetObjectCommand({ Bucket, Key: 'key' })));
    expect(hidden).toMatchObject({ status: 404, code: 'NoSuchKey' });
    expect((await wire.s3.send(new ListObjectsV2Command({ Bucket }))).KeyCount).toBe(0);
    expect(await textOf('key', first)).toBe('first');
    const direct = await failure(
      wire.s3.send(new GetObjectCommand({ Bucket, Key: 'key', VersionId: marker.VersionId })),
    );
    expect(direct).toMatchObject({ status: 405, code: 'MethodNotAllowed' });
    expect(await listed()).toEqual([`key ${first}`, `key ${marker.VersionId} marker latest`]);

    const undone = await remove('key', marker.VersionId);
    expect(undone).toMatchObject({ DeleteMarker: true, VersionId: marker.VersionId });
    expect(await textOf('key')).toBe('first');
  });

  it('have ids of their own: what cannot be one is an invalid argument, not a version that is missing', async () => {
    await write('key', 'content');
    const VersionId = 'no-version-id';
    const target = { Bucket, Key: 'key', VersionId };
    const refused = await failures([
      wire.s3.send(new GetObjectCommand(target)),
      wire.s3.send(new DeleteObjectCommand(target)),
      wire.s3.send(new GetObjectTaggingCommand(target)),
      wire.s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/key?versionId=${VersionId}` })),
    ]);
    for (const each of refused) expect(each).toMatchObject({ status: 400, code: 'InvalidArgument' });
    expect(await failure(wire.s3.send(new HeadObjectCommand(target)))).toMatchObject({ status: 400 });
    const Objects = [{ Key: 'key', VersionId }, { Key: 'other' }];
    const { Errors } = await wire.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(Errors).toMatchObject([{ Key: 'key', VersionId, Code: 'InvalidArgument' }]);
    expect(await textOf('key')).toBe('content');
  });

  it('are deleted one by one for good', async () => {
    const ids = [await write('key', '1'), await write('key', '2'), await write('key', '3')];
    await remove('key', ids[2]);
    expect(await textOf('key')).toBe('2');
    await remove('key', ids[0]);
    expect(await listed()).toEqual([`key ${ids[1]} latest`]);
    const gone = wire.s3.send(new GetObjectCommand({ Bucket, Key: 'key', VersionId: ids[0] }));
    expect(await failure(gone)).toMatchObject({ status: 404, code: 'NoSuchVersion' });
    await remove('key', ids[0]);
    expect(await failure(wire.s3.send(new DeleteBucketCommand({ Bucket })))).toMatchObject({ code: 'BucketNotEmpty' });
    const Objects = [{ Key: 'key', VersionId: ids[1] }, { Key: 'other' }];
    const { Deleted = [] } = await wire.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    const markers = Deleted.filter(({ DeleteMarker }) => DeleteMarker === true);
    expect(markers).toMatchObject([{ Key: 'other' }]);
    await remove('other', markers[0]?.DeleteMarkerVersionId);
    expect(await listed()).toEqual([]);
    await wire.s3.send(new DeleteBucketCommand({ Bucket }));
  });

  it('named null are those of unversioned times', async () => {
    const plain = await wire.bucket();
    await wire.s3.send(new PutObjectCommand({ Bucket: plain, Key: 'key', Body: 'before' }));
    Bucket = plain;
    await setVersioning('Enabled');
    const id = await write('key', 'versioned');
    expect(await textOf('key', 'null')).toBe('before');
    await setVersioning('Suspended');
    await write('key', 'suspended');
    expect(await textOf('key', 'null')).toBe('suspended');
    expect(await textOf('key', id)).toBe('versioned');
    expect(await listed()).toEqual(['key null latest', `key ${id}`]);
    expect(await remove('key')).toMatchObject({ DeleteMarker: true, VersionId: 'null' });
    expect(await listed()).toEqual([`key ${id}`, 'key null marker latest']);
  });

  it('are listed page by page, with prefixes', async () => {
    const expected: string[] = [];
    for (const key of ['a', 'b/1', 'b/2', 'c']) {
      const ids = [await write(key, '1'), await write(key, '2')];
      expected.push(`${key} ${ids[1]}`, `${key} ${ids[0]}`);
    }
    for (const MaxKeys of [1, 3]) {
      const found: string[] = [];
      let markers = {};
      for (;;) {
        const page = await wire.s3.send(new ListObjectVersionsCommand({ Bucket, MaxKeys, ...markers }));
        found.push(...(page.Versions ?? []).map((v) => `${v.Key} ${v.VersionId}`));
        if (page.IsTruncated !== true) break;
        markers = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
      }
      expect(found).toEqual(expected);
    }
    const grouped = await wire.s3.send(new ListObjectVersionsCommand({ Bucket, Delimiter: '/' }));
    expect(grouped.CommonPrefixes).toEqual([{ Prefix: 'b/' }]);
    expect(grouped.Versions?.map(({ Key }) => Key)).toEqual(['a', 'a', 'c', 'c']);
  });

  it('are copied by their id', async () => {
    const first = await write('key', 'first');
    await write('key', 'second');
    const CopySource = `${Bucket}/key?versionId=${first}`;
    const copied = await wire.s3.send(new CopyObjectCommand({ Bucket, Key: 'key', CopySource }));
    expect(copied.CopySourceVersionId).toBe(first);
    expect(await textOf('key')).toBe('first');
    expect(await listed()).toHaveLength(3);
  });

  it('are all kept when many write at once', async () => {
    const ids = await Promise.all(Array.from({ length: 12 }, (_, i) => write('raced', `content ${i}`)));
    expect(new Set(ids).size).toBe(12);
    for (const [i, id] of ids.entries()) expect(await textOf('raced', id)).toBe(`content ${i}`);
    const all = await listed();
    expect(all).toHaveLength(12);
    expect(all.filter((line) => line.endsWith(' latest'))).toHaveLength(1);
  });

  describe('tags', () => {
    const tags = (Key: string, VersionId?: string) =>
      wire.s3.send(new GetObjectTaggingCommand({ Bucket, Key, VersionId }));

    it('belong to a version', async () => {
      const first = await write('key', 'first');
      const second = await write('key', 'second');
      const TagSet = [
        { Key: 'a', Value: '1' },
        { Key: 'ü /=', Value: '' },
      ];
      await wire.s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'key', VersionId: first, Tagging: { TagSet } }));
      expect((await tags('key', first)).TagSet).toEqual(TagSet);
      expect(await tags('key')).toMatchObject({ TagSet: [], VersionId: second });
      const headed = await wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'key', VersionId: first }));
      expect(headed).toMatchObject({ VersionId: first });
      await wire.s3.send(new DeleteObjectTaggingCommand({ Bucket, Key: 'key', VersionId: first }));
      expect((await tags('key', first)).TagSet).toEqual([]);
      expect(await textOf('key', first)).toBe('first');
    });

    it('are refused when there are more than ten, the same twice, or one too long', async () => {
      await write('key', 'x');
      const many = Array.from({ length: 11 }, (_, i) => ({ Key: String(i), Value: '' }));
      for (const TagSet of [
        many,
        [many[0], many[0]],
        [{ Key: 'k'.repeat(129), Value: '' }],
        [{ Key: 'k', Value: 'v'.repeat(257) }],
      ]) {
        const Tagging = { TagSet: TagSet.map((tag) => ({ Key: tag?.Key, Value: tag?.Value })) };
        const refused = wire.s3.send(new PutObjectTaggingCommand({ Bucket, Key: 'key', Tagging }));
        expect(await failure(refused)).toMatchObject({ status: 400 });
      }
      expect((await tags('key')).TagSet).toEqual([]);
    });
  });
});
