/** Contract of MetadataStore: versions that were made elsewhere take their place among a key's. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { BucketRef, KeyCommit, MetadataStore, OutboxDraft, VersionDraft } from '../../../src/store/types.js';
import { makeVersionId, seqOfVersionId } from '../../../src/store/versions.js';
import {
  allKeys,
  allVersions,
  blobDraft,
  blobRef,
  draft,
  expectStoreError,
  garbageInodes,
  inParallel,
  LATER_MS,
  markerDraft,
  overwrite,
  putVersion,
  range,
  removeVersion,
  useStores,
} from './harness.js';
import type { MakeStores } from './harness.js';

const AGO_MS = 60 * 60_000;

/** An id as another store would have made it so long before now. */
function idFrom(agoMs: number): string {
  return makeVersionId(Math.floor((Date.now() - agoMs) * 1000));
}

function place(
  metadata: MetadataStore,
  bucket: BucketRef,
  versionId: string,
  version: VersionDraft = draft(),
  more: { readonly events?: () => readonly OutboxDraft[] } = {},
): Promise<KeyCommit> {
  return metadata.commit({
    bucket,
    key: 'key',
    select: { versionId },
    ...more,
    decide: ({ selected }) => (selected === null ? { place: { draft: version, versionId } } : null),
  });
}

export function placementContract(name: string, makeStores: MakeStores): void {
  describe(`${name}: placed versions`, () => {
    const fixture = useStores(makeStores);
    const setUp = async () => {
      const { metadata, bucket: makeBucket } = fixture();
      const bucket = await makeBucket({ versioning: 'enabled' });
      const get = (versionId?: string, withInline = false) =>
        metadata.getVersion(bucket, 'key', versionId === undefined ? 'latest' : { versionId }, { withInline });
      const listed = async () => (await allVersions(metadata, bucket)).map(({ versionId }) => versionId);
      return { metadata, bucket, get, listed };
    };

    it('are the first of a key, keep their id, and what comes later is newer', async () => {
      const { metadata, bucket, get, listed } = await setUp();
      const id = idFrom(AGO_MS);
      const { changed, version } = await place(metadata, bucket, id);
      expect(changed).toBe(true);
      expect(version).toEqual({ ...draft(), versionId: id, seq: seqOfVersionId(id) });
      expect(await get(undefined, true)).toEqual(version);
      expect(await allKeys(metadata, bucket)).toEqual(['key']);
      const later = await putVersion(metadata, bucket, 'key');
      expect(await listed()).toEqual([later.versionId, id]);
    });

    it('stand where their ids say, whatever order they come in', async () => {
      const { metadata, bucket, get, listed } = await setUp();
      const ids = range(6).map((i) => idFrom(AGO_MS + i * 1000));
      const middle = await putVersion(metadata, bucket, 'key');
      const order = [3, 0, 5, 1, 4, 2].map((i) => ids[i] ?? '');
      for (const id of order) expect((await place(metadata, bucket, id)).changed).toBe(true);
      expect(await listed()).toEqual([middle.versionId, ...ids]);
      expect((await get())?.versionId).toBe(middle.versionId);
      // The newest goes: the next one counts.
      await removeVersion(metadata, bucket, 'key', middle.versionId);
      expect((await get())?.versionId).toBe(ids[0]);
      await removeVersion(metadata, bucket, 'key', ids[1] ?? '');
      await removeVersion(metadata, bucket, 'key', ids[0] ?? '');
      expect((await get())?.versionId).toBe(ids[2]);
      expect(await listed()).toEqual(ids.slice(2));
    });

    it('become the newest when they are, also of a store whose clock is ahead', async () => {
      const { metadata, bucket, get, listed } = await setUp();
      const first = await putVersion(metadata, bucket, 'key');
      const ahead = idFrom(-10 * 60_000);
      await place(metadata, bucket, ahead, draft({ tags: { from: 'ahead' } }));
      expect((await get())?.versionId).toBe(ahead);
      const { version: last } = await metadata.commit({
        bucket,
        key: 'key',
        select: 'latest',
        decide: () => ({ put: { draft: draft(), isNull: false } }),
      });
      expect((await get())?.versionId).toBe(last?.versionId);
      expect(await listed()).toEqual([last?.versionId, ahead, first.versionId]);
    });

    it('are markers that hide a key, or that are below what it has', async () => {
      const { metadata, bucket, get } = await setUp();
      await place(metadata, bucket, idFrom(AGO_MS));
      await place(metadata, bucket, idFrom(AGO_MS + 1000), markerDraft());
      expect(await allKeys(metadata, bucket)).toEqual(['key']);
      const marker = idFrom(AGO_MS - 1000);
      await place(metadata, bucket, marker, markerDraft());
      expect(await allKeys(metadata, bucket)).toEqual([]);
      expect(await get()).toMatchObject({ versionId: marker, deleteMarker: true });
      await removeVersion(metadata, bucket, 'key', marker);
      expect(await allKeys(metadata, bucket)).toEqual(['key']);
    });

    it('come to a key that has a null version', async () => {
      const { metadata, bucket, listed } = await setUp();
      await overwrite(metadata, bucket, 'key');
      const below = idFrom(AGO_MS);
      await place(metadata, bucket, below);
      expect(await listed()).toEqual(['null', below]);
      // Ahead of what other cases have brought the embedded store's clock to.
      const ahead = idFrom(-20 * 60_000);
      await place(metadata, bucket, ahead);
      expect(await listed()).toEqual([ahead, 'null', below]);
      await overwrite(metadata, bucket, 'key');
      expect((await listed()).slice(1)).toEqual([ahead, below]);
    });

    it('are placed once', async () => {
      const { metadata, bucket, listed } = await setUp();
      const id = idFrom(AGO_MS);
      const made: KeyCommit[] = [];
      await inParallel(range(6), 6, async () => {
        made.push(await place(metadata, bucket, id));
      });
      expect(made.filter(({ changed }) => changed)).toHaveLength(1);
      expect(await listed()).toEqual([id]);
    });

    it('do not take the place of a version that was made at the same moment', async () => {
      const { metadata, bucket, listed } = await setUp();
      const seen: unknown[] = [];
      const seqs = range(5).map((i) => Math.floor((Date.now() - AGO_MS - i) * 1000));
      const ids = seqs.map(makeVersionId);
      for (const id of ids) await place(metadata, bucket, id);
      // The newest, one near it, and one that is far below.
      for (const seq of [seqs[0], seqs[1], seqs[4]]) {
        const versionId = makeVersionId(seq ?? 0);
        const look = metadata.commit({
          bucket,
          key: 'key',
          select: { versionId },
          decide: (state) => {
            seen.push(state.taken, state.selected);
            return { place: { draft: draft(), versionId } };
          },
        });
        await expectStoreError(look, 'internal');
      }
      expect(seen).toEqual([true, null, true, null, true, null]);
      expect(await listed()).toEqual(ids);
    });

    it('keep their bytes apart from those of the version of the same id in another bucket', async () => {
      const { metadata, bucket, get } = await setUp();
      const { bucket: makeBucket } = fixture();
      const source = await makeBucket({ versioning: 'enabled' });
      const long = { 'content-type': 'text/plain', 'x-amz-meta-long': 'm'.repeat(1900) };
      const [a, b] = [randomBytes(30_000), randomBytes(20_000)];
      const original = await putVersion(
        metadata,
        source,
        'key',
        draft({ sizeBytes: a.length, data: { kind: 'inline', bytes: a }, headers: long }),
      );
      const { versionId } = original;
      await putVersion(metadata, bucket, 'key');
      await place(metadata, bucket, versionId, draft({ sizeBytes: b.length, data: { kind: 'inline', bytes: b } }));
      const originalNow = () => metadata.getVersion(source, 'key', { versionId }, { withInline: true });
      expect(await originalNow()).toEqual(original);
      expect((await get(versionId, true))?.data).toEqual({ kind: 'inline', bytes: b });
      const replaced = await get(versionId);
      if (replaced === null) throw new Error('no version');
      const longer = { ...replaced, tags: { long: 'x'.repeat(250) }, headers: long };
      await metadata.commit({ bucket, key: 'key', select: { versionId }, decide: () => ({ replace: longer }) });
      expect(await get(versionId, true)).toEqual({ ...longer, data: { kind: 'inline', bytes: b } });
      expect(await originalNow()).toEqual(original);
      await removeVersion(metadata, bucket, 'key', versionId);
      expect(await originalNow()).toEqual(original);
    });

    it('use up the intent of their blobs, which go when they are removed', async () => {
      const { metadata, bucket, get } = await setUp();
      await putVersion(metadata, bucket, 'key');
      const blob = blobRef();
      const intent = await metadata.openIntent(bucket, 'key', [blob]);
      const id = idFrom(AGO_MS);
      await metadata.commit({
        bucket,
        key: 'key',
        select: { versionId: id },
        intent,
        decide: () => ({ place: { draft: blobDraft(blob), versionId: id } }),
      });
      expect((await get(id))?.data).toEqual({ kind: 'blobs', blobs: [blob] });
      await removeVersion(metadata, bucket, 'key', id);
      expect(await garbageInodes(metadata, bucket, 'key')).toContain(blob.inode);
    });

    it('tell of themselves like any change', async () => {
      const { metadata, bucket } = await setUp();
      await putVersion(metadata, bucket, 'key');
      const queue = `placed/${bucket.name}`;
      const id = idFrom(AGO_MS);
      await place(metadata, bucket, id, draft(), { events: () => [{ queue, body: '{}' }] });
      await expect
        .poll(
          async () => {
            const entries = await metadata.outbox.take(queue, { limit: 10 });
            await metadata.outbox.remove(entries);
            return entries.length;
          },
          { timeout: LATER_MS / 10 },
        )
        .toBe(1);
    });
  });
}
