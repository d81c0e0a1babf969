// Renames: one change of two keys, without the data, and the garbage they must not make.
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type {
  BlobRef,
  BucketRecord,
  KeyRename,
  MetadataStore,
  ObjectVersion,
  RenameChange,
  VersionDraft,
} from '../../../src/store/types.js';
import {
  allKeys,
  allVersions,
  blobDraft,
  blobRef,
  draft,
  eventually,
  garbageOf,
  inParallel,
  markerDraft,
  overwrite,
  putVersion,
  range,
  removeVersion,
  useStores,
} from './harness.js';
import type { MakeStores } from './harness.js';

export function renameContract(name: string, makeStores: MakeStores): void {
  describe(`${name}: renames`, () => {
    const fixture = useStores(makeStores);

    async function setUp() {
      const { metadata, bucket } = fixture();
      return { metadata, bucket: await bucket() };
    }

    it('carries a version to another key', async () => {
      const { metadata, bucket } = await setUp();
      const object = draft({ headers: { 'x-amz-meta-a': 'b' }, tags: { t: '1' }, extra: { kept: true } });
      await overwrite(metadata, bucket, 'from', object);
      const { changed, version } = await rename(metadata, bucket, 'from', 'to');
      expect(changed).toBe(true);
      expect(version).toMatchObject({ versionId: 'null', etag: object.etag, extra: { kept: true } });
      expect(await read(metadata, bucket, 'from')).toBeNull();
      expect(await read(metadata, bucket, 'to')).toMatchObject({
        headers: object.headers,
        tags: object.tags,
        lastModified: object.lastModified,
        data: { kind: 'inline', bytes: Buffer.from('hello') },
      });
      expect(await allKeys(metadata, bucket)).toEqual(['to']);
    });

    it('decides on both keys, and changes neither when it refuses', async () => {
      const { metadata, bucket } = await setUp();
      await overwrite(metadata, bucket, 'from', draft({ etag: 'source' }));
      await overwrite(metadata, bucket, 'to', draft({ etag: 'target' }));
      const seen: unknown[] = [];
      const refusal = new Error('refused');
      const request = { bucket, from: 'from', to: 'to' };
      const refused = metadata.rename({
        ...request,
        decide: (source, target) => {
          seen.push(source.latest?.etag, target.latest?.etag, source.selected?.data);
          throw refusal;
        },
      });
      await expect(refused).rejects.toBe(refusal);
      expect(seen).toEqual(['source', 'target', { kind: 'inline', bytes: Buffer.from('hello') }]);
      expect(await metadata.rename({ ...request, decide: () => null })).toEqual({ changed: false, version: null });
      expect((await read(metadata, bucket, 'from'))?.etag).toBe('source');
      expect((await read(metadata, bucket, 'to'))?.etag).toBe('target');
      // Both are as free to be changed as before.
      await overwrite(metadata, bucket, 'from');
      expect((await rename(metadata, bucket, 'from', 'to')).changed).toBe(true);
    });

    it('keeps the blobs whatever is still said of them under the old key', async () => {
      const { metadata, bucket } = await setUp();
      const blob = blobRef();
      const intent = await metadata.openIntent(bucket, 'a', [blob]);
      await put(metadata, bucket, 'a', blob);
      // An announcement that was not removed in time, and one of an upload: the sweeper asks the key that they name.
      const stale = { id: intent.id, bucket, key: 'a', blobs: [blob], notBeforeMs: 0 };
      for (const [from, to] of [
        ['a', 'b'],
        ['b', 'c'],
        ['c', 'a'],
        ['a', 'd'],
      ] as const) {
        expect((await rename(metadata, bucket, from, to)).changed).toBe(true);
        for (const key of ['a', 'b', 'c', 'd']) expect(await metadata.unreferenced({ ...stale, key })).toEqual([]);
        await sweepAll(metadata, bucket, ['a', 'b', 'c', 'd'], []);
      }
      expect((await read(metadata, bucket, 'd'))?.data).toEqual({ kind: 'blobs', blobs: [blob] });
      await removeVersion(metadata, bucket, 'd', 'null');
      await eventually(() => sweepAll(metadata, bucket, ['a', 'b', 'c', 'd']), [blob.inode]);
      expect(await metadata.unreferenced(stale)).toEqual([{ inode: blob.inode, storageClass: 'STANDARD' }]);
    });

    it('makes garbage of what it replaces', async () => {
      const { metadata, bucket } = await setUp();
      const [moved, old] = [blobRef(), blobRef()];
      await put(metadata, bucket, 'from', moved);
      await put(metadata, bucket, 'to', old);
      await rename(metadata, bucket, 'from', 'to');
      await eventually(() => sweepAll(metadata, bucket, ['from', 'to']), [old.inode]);
      expect((await read(metadata, bucket, 'to'))?.data).toEqual({ kind: 'blobs', blobs: [moved] });
    });

    it('leaves a delete marker above the version, which shares its blobs, where it is told to', async () => {
      const { metadata, bucket } = await setUp();
      const blob = blobRef();
      const old = await putVersion(metadata, bucket, 'from', blobDraft(blob));
      await putVersion(metadata, bucket, 'to');
      const { version } = await rename(metadata, bucket, 'from', 'to', { marker: markerDraft(), isNull: false });
      const listed = (await allVersions(metadata, bucket)).map((entry) => [
        entry.key,
        entry.deleteMarker,
        entry.latest,
      ]);
      expect(listed).toEqual([
        ['from', true, true],
        ['from', false, false],
        ['to', false, true],
        ['to', false, false],
      ]);
      expect((await metadata.getVersion(bucket, 'from', { versionId: old.versionId }, ALL))?.data).toEqual(old.data);
      await removeVersion(metadata, bucket, 'from', old.versionId);
      await sweepAll(metadata, bucket, ['from', 'to'], []);
      await removeVersion(metadata, bucket, 'to', version?.versionId ?? '');
      await eventually(() => sweepAll(metadata, bucket, ['from', 'to']), [blob.inode]);
    });

    it('replaces the null versions of both keys where it is told to', async () => {
      const { metadata, bucket } = await setUp();
      await putVersion(metadata, bucket, 'from', draft({ etag: 'below' }));
      await overwrite(metadata, bucket, 'from', draft({ etag: 'null' }));
      await overwrite(metadata, bucket, 'to', draft({ etag: 'old' }));
      await rename(metadata, bucket, 'from', 'to', { marker: markerDraft(), isNull: true });
      const versions = await allVersions(metadata, bucket);
      expect(versions.map((entry) => [entry.key, entry.etag, entry.deleteMarker])).toEqual([
        ['from', '', true],
        ['from', 'below', false],
        ['to', 'null', false],
      ]);
      // The newest is no null version: it stays below the marker, which takes the place of the null one.
      await putVersion(metadata, bucket, 'from', draft({ etag: 'top' }));
      await rename(metadata, bucket, 'from', 'other', { marker: markerDraft(), isNull: true });
      const after = (await allVersions(metadata, bucket)).filter((entry) => entry.key === 'from');
      expect(after.map((entry) => [entry.etag, entry.deleteMarker, entry.versionId === 'null'])).toEqual([
        ['', true, true],
        ['top', false, false],
        ['below', false, false],
      ]);
    });

    it('leaves both keys to be changed as any other', async () => {
      const { metadata, bucket } = await setUp();
      await put(metadata, bucket, 'from', blobRef());
      await rename(metadata, bucket, 'from', 'to');
      await metadata.commit({
        bucket,
        key: 'to',
        select: 'latest',
        decide: ({ latest }) => (latest === null ? null : { replace: { ...latest, tags: { changed: 'yes' } } }),
      });
      const version = await read(metadata, bucket, 'to');
      expect(version?.tags).toEqual({ changed: 'yes' });
      expect(version?.extra).toEqual({});
      await overwrite(metadata, bucket, 'from', draft({ etag: 'again' }));
      expect((await read(metadata, bucket, 'from'))?.etag).toBe('again');
      await removeVersion(metadata, bucket, 'to', 'null');
      expect(await allKeys(metadata, bucket)).toEqual(['from']);
    });

    it('lets one of many have a version', async () => {
      const { metadata, bucket } = await setUp();
      await overwrite(metadata, bucket, 'from', draft({ etag: 'one' }));
      const results = await Promise.all(range(6).map((i) => rename(metadata, bucket, 'from', `to-${i}`)));
      expect(results.filter(({ changed }) => changed)).toHaveLength(1);
      const keys = await allKeys(metadata, bucket);
      expect(keys).toHaveLength(1);
      expect(keys[0]).toMatch(/^to-/);
    });

    it('loses nothing when keys are renamed in a circle, overwritten and deleted at once', async () => {
      const { metadata, bucket } = await setUp();
      const keys = ['a', 'b', 'c'];
      const alive = new Map<string, BlobRef>();
      const inodes = new Set<string>();
      await inParallel(range(60), 6, async (i) => {
        const [key = '', next = ''] = [keys[i % 3], keys[(i + 1) % 3]];
        if (i % 5 === 0) {
          const blob = blobRef();
          inodes.add(blob.inode);
          await put(metadata, bucket, key, blob);
        } else if (i % 7 === 0) await removeVersion(metadata, bucket, key, 'null');
        else await rename(metadata, bucket, key, next);
        const entries = await garbageOf(metadata, bucket, key);
        for (const entry of entries) await metadata.unreferenced(entry);
      });
      for (const key of keys) {
        const version = await read(metadata, bucket, key);
        if (version?.data.kind === 'blobs') for (const blob of version.data.blobs) alive.set(blob.inode, blob);
      }
      // A version is in one place, and every blob is either referred to or free.
      expect((await allKeys(metadata, bucket)).length).toBe(alive.size);
      const dead = [...inodes].filter((inode) => !alive.has(inode)).sort();
      await eventually(() => sweepAll(metadata, bucket, keys), dead);
      for (const inode of alive.keys()) {
        const entry = {
          id: randomUUID(),
          bucket,
          key: 'a',
          blobs: [{ inode, storageClass: 'STANDARD' }],
          notBeforeMs: 0,
        };
        expect(await metadata.unreferenced(entry)).toEqual([]);
      }
    });
  });
}

const ALL = { withInline: true } as const;

function read(metadata: MetadataStore, bucket: BucketRecord, key: string): Promise<ObjectVersion | null> {
  return metadata.getVersion(bucket, key, 'latest', ALL);
}

async function put(metadata: MetadataStore, bucket: BucketRecord, key: string, blob: BlobRef): Promise<void> {
  await overwrite(metadata, bucket, key, blobDraft(blob));
}

/** Of the newest version, if there is one. */
function rename(
  metadata: MetadataStore,
  bucket: BucketRecord,
  from: string,
  to: string,
  how: Pick<RenameChange, 'marker' | 'isNull'> = { marker: null, isNull: true },
): Promise<KeyRename> {
  return metadata.rename({
    bucket,
    from,
    to,
    decide: ({ selected }) => {
      if (selected === null || selected.deleteMarker) return null;
      const { versionId: _id, seq: _seq, ...moved } = selected;
      return { draft: moved satisfies VersionDraft, ...how };
    },
  });
}

/** Inodes that nothing refers to by all the garbage of the keys, sorted; fails when they are not as wanted. */
async function sweepAll(
  metadata: MetadataStore,
  bucket: BucketRecord,
  keys: readonly string[],
  wanted?: readonly string[],
): Promise<string[]> {
  const free = new Set<string>();
  for (const key of keys)
    for (const entry of await garbageOf(metadata, bucket, key))
      for (const { inode } of await metadata.unreferenced(entry)) free.add(inode);
  const found = [...free].sort();
  if (wanted !== undefined) expect(found).toEqual(wanted);
  return found;
}
