/** Contract of MetadataStore: keys of quorum buckets, one writer at a time. What several do at once: cassandra-quorum.test.ts. */
import { describe, expect, it } from 'vitest';
import { consistencyOf } from '../../../src/store/consistency.js';
import type { BucketRef, MetadataStore, ObjectVersion, VersionDraft } from '../../../src/store/types.js';
import {
  allKeys,
  allVersions,
  blobDraft,
  blobRef,
  draft,
  eventually,
  expectStoreError,
  garbageInodes,
  garbageOf,
  overwrite,
  partRecord,
  range,
  removeVersion,
  uploadRecord,
  useStores,
} from './harness.js';
import type { MakeStores } from './harness.js';

export function quorumContract(name: string, makeStores: MakeStores): void {
  describe(`${name}: quorum buckets`, () => {
    const fixture = useStores(makeStores);
    const setUp = async () => {
      const { metadata, stores, bucket: makeBucket } = fixture();
      const bucket = await makeBucket({ consistency: 'quorum' });
      const read = (key: string, select: 'latest' | { versionId: string } = 'latest') =>
        metadata.getVersion(bucket, key, select, { withInline: true });
      return { metadata, stores, bucket, read };
    };

    it('tells the mode of a bucket by any reference to it', async () => {
      const { stores, bucket } = await setUp();
      const { name: bucketName, instance, region } = bucket;
      expect(consistencyOf({ instance })).toBe('quorum');
      expect(bucket).not.toHaveProperty('consistency');
      expect(await stores.buckets.get(bucketName, { fresh: true })).toEqual(bucket);
      expect(region).toBe(fixture().region.name);
      expect(consistencyOf(await fixture().bucket())).toBe('linearizable');
    });

    it('keeps what was written last, and lists it', async () => {
      const { metadata, bucket, read } = await setUp();
      expect(await read('key')).toBeNull();
      for (const i of range(5)) {
        const bytes = Buffer.from(`\u0000bytes ${i}`);
        const { version } = await overwrite(metadata, bucket, 'key', inline(bytes, `etag-${i}`));
        expect(version).toMatchObject({ versionId: 'null', etag: `etag-${i}` });
        expect(await read('key')).toEqual({ ...version, data: { kind: 'inline', bytes } });
        expect(await read('key', { versionId: 'null' })).toEqual(await read('key'));
        expect(await read('key', { versionId: 'other' })).toBeNull();
        expect((await allVersions(metadata, bucket)).map(({ etag }) => etag)).toEqual([`etag-${i}`]);
      }
      expect(await allKeys(metadata, bucket)).toEqual(['key']);
      expect(await metadata.isEmpty(bucket)).toBe(false);
    });

    it('deletes, and writes again', async () => {
      const { metadata, bucket, read } = await setUp();
      await overwrite(metadata, bucket, 'key', inline(Buffer.alloc(0), 'empty'));
      expect((await read('key'))?.data).toEqual({ kind: 'inline', bytes: Buffer.alloc(0) });
      for (const i of range(3)) {
        expect((await removeVersion(metadata, bucket, 'key', 'null')).changed).toBe(true);
        expect((await removeVersion(metadata, bucket, 'key', 'null')).changed).toBe(false);
        expect(await read('key')).toBeNull();
        expect(await allKeys(metadata, bucket)).toEqual([]);
        expect(await metadata.isEmpty(bucket)).toBe(true);
        await overwrite(metadata, bucket, 'key', draft({ etag: `again-${i}` }));
        expect((await read('key'))?.etag).toBe(`again-${i}`);
      }
    });

    it('changes attributes without losing bytes', async () => {
      const { metadata, bucket, read } = await setUp();
      const { version } = await overwrite(metadata, bucket, 'key', inline(Buffer.from('stay'), 'etag'));
      await tag(metadata, bucket, 'key', { a: 'b' });
      await tag(metadata, bucket, 'key', { a: 'c' });
      const bytes = Buffer.from('stay');
      expect(await read('key')).toEqual({ ...version, tags: { a: 'c' }, data: { kind: 'inline', bytes } });
      await overwrite(metadata, bucket, 'key', draft({ etag: 'newer' }));
      expect(await read('key')).toMatchObject({ etag: 'newer', tags: {} });
    });

    it('hands blobs that are let go to the sweeper, and no others', async () => {
      const { metadata, bucket } = await setUp();
      const blobs = range(3).map(() => blobRef());
      for (const blob of blobs) await write(metadata, bucket, 'key', blob);
      await tag(metadata, bucket, 'key', { a: 'b' });
      const [first, second, last] = blobs.map(({ inode }) => inode);
      await eventually(() => freed(metadata, bucket, 'key'), [first, second].sort());
      await removeVersion(metadata, bucket, 'key', 'null');
      await eventually(() => freed(metadata, bucket, 'key'), [first, second, last].sort());
    });

    it('hands the blobs of a write that never came to the sweeper', async () => {
      const { metadata, bucket } = await setUp();
      const blob = blobRef();
      await metadata.openIntent(bucket, 'key', [blob]);
      expect(await garbageInodes(metadata, bucket, 'key')).toEqual([blob.inode]);
      expect(await freed(metadata, bucket, 'key')).toEqual([blob.inode]);
    });

    it('completes an upload once', async () => {
      const { metadata, bucket, read } = await setUp();
      const ref = { bucket, key: 'key', uploadId: 'u1' };
      await metadata.createUpload(bucket, uploadRecord('key', 'u1'));
      const part = partRecord(1);
      await metadata.putPart(ref, part, await metadata.openIntent(bucket, 'key', [part.blob]));
      await metadata.closeUpload(ref, 'completing');
      const complete = () =>
        metadata.commit({
          bucket,
          key: 'key',
          select: 'latest',
          completes: 'u1',
          decide: () => ({ put: { draft: { ...blobDraft(part.blob), uploadId: 'u1' }, isNull: true } }),
        });
      expect((await complete()).changed).toBe(true);
      expect((await read('key'))?.uploadId).toBe('u1');
      expect(await freed(metadata, bucket, 'key')).toEqual([]);
      await overwrite(metadata, bucket, 'key', draft({ etag: 'since' }));
      await expectStoreError(complete(), 'uploadGone');
      expect((await read('key'))?.etag).toBe('since');
    });

    it('refuses a write to a bucket that is gone', async () => {
      const { metadata, stores, bucket } = await setUp();
      await stores.buckets.delete(bucket, () => metadata.isEmpty(bucket));
      await expectStoreError(overwrite(metadata, bucket, 'key'), 'bucketGone');
    });
  });
}

function inline(bytes: Buffer, etag: string): VersionDraft {
  return draft({ etag, sizeBytes: bytes.length, data: { kind: 'inline', bytes } });
}

async function write(
  metadata: MetadataStore,
  bucket: BucketRef,
  key: string,
  blob: ReturnType<typeof blobRef>,
): Promise<void> {
  const intent = await metadata.openIntent(bucket, key, [blob]);
  await overwrite(metadata, bucket, key, blobDraft(blob), intent);
}

async function tag(
  metadata: MetadataStore,
  bucket: BucketRef,
  key: string,
  tags: Readonly<Record<string, string>>,
): Promise<void> {
  await metadata.commit({
    bucket,
    key,
    select: 'latest',
    decide: ({ selected }) => (selected === null ? null : { replace: { ...withoutBytes(selected), tags } }),
  });
}

function withoutBytes(version: ObjectVersion): ObjectVersion {
  return version.data.kind === 'inline' ? { ...version, data: { kind: 'inline', bytes: null } } : version;
}

/** Inodes that the sweeper would remove, each once, sorted. */
async function freed(metadata: MetadataStore, bucket: BucketRef, key: string): Promise<string[]> {
  const free = new Set<string>();
  for (const entry of await garbageOf(metadata, bucket, key)) {
    for (const { inode } of await metadata.unreferenced(entry)) free.add(inode);
  }
  return [...free].sort();
}
