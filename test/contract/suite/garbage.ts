/** Contract of MetadataStore and BlobStore together: intents, garbage and the sweeper's questions. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { BlobRef, BucketRef, Intent, KeyCommit, MetadataStore } from '../../../src/store/types.js';
import {
  GC_GRACE_MS,
  INTENT_LEASE_MS,
  LATER_MS,
  blobDraft,
  blobRef,
  draft,
  eventually,
  expectStoreError,
  garbageInodes,
  garbageOf,
  overwrite,
  partRecord,
  putVersion,
  range,
  removeVersion,
  uploadRecord,
  useStores,
} from './harness.js';
import type { MakeStores } from './harness.js';

export function garbageContract(name: string, makeStores: MakeStores): void {
  describe(`${name}: garbage`, () => {
    const fixture = useStores(makeStores);
    const setUp = async () => {
      const { metadata, bucket: makeBucket } = fixture();
      const bucket = await makeBucket();
      const inodes = (key: string) => garbageInodes(metadata, bucket, key);
      return { ...fixture(), metadata, bucket, inodes };
    };

    it('makes the blobs of an overwritten object garbage, and only those', async () => {
      const { metadata, bucket, inodes } = await setUp();
      const old = [blobRef(), blobRef({ storageClass: 'GLACIER' })];
      const current = blobRef();
      const before = Date.now();
      await overwrite(metadata, bucket, 'key', blobDraft(...old));
      await overwrite(metadata, bucket, 'other', blobDraft(blobRef()));
      expect(await inodes('key')).toEqual([]);
      await overwrite(metadata, bucket, 'key', blobDraft(current));
      await eventually(() => inodes('key'), namesOf(old));
      expect(await inodes('other')).toEqual([]);
      const [entry] = await garbageOf(metadata, bucket, 'key');
      if (entry === undefined) throw new Error('no garbage');
      expect(new Map(entry.blobs.map((blob) => [blob.inode, blob.storageClass]))).toEqual(
        new Map(old.map((blob) => [blob.inode, blob.storageClass])),
      );
      expect(entry.notBeforeMs).toBeGreaterThanOrEqual(before + GC_GRACE_MS - 1000);
      expect(namesOf(await metadata.unreferenced(entry))).toEqual(namesOf(old));
    });

    it('gives readers the grace period', async () => {
      const { metadata, bucket, inodes } = await setUp();
      await overwrite(metadata, bucket, 'key', blobDraft(blobRef()));
      await overwrite(metadata, bucket, 'key', draft());
      await eventually(async () => (await inodes('key')).length, 1);
      const due = await metadata.dueGarbage({ nowMs: Date.now(), limit: 100_000 });
      expect(due.filter((entry) => entry.bucket.instance === bucket.instance)).toEqual([]);
    });

    it('makes nothing garbage when data is inline or blobs live on', async () => {
      const { metadata, bucket, inodes } = await setUp();
      await overwrite(metadata, bucket, 'inline');
      await overwrite(metadata, bucket, 'inline');
      const version = await putVersion(metadata, bucket, 'versioned', blobDraft(blobRef()));
      await putVersion(metadata, bucket, 'versioned', blobDraft(blobRef()));
      const replaced = { ...version, tags: { a: 'b' } };
      await metadata.commit({
        bucket,
        key: 'versioned',
        select: { versionId: version.versionId },
        decide: () => ({ replace: replaced }),
      });
      // a copy onto itself takes the blobs along
      const shared = blobRef();
      await overwrite(metadata, bucket, 'self', blobDraft(shared));
      await overwrite(metadata, bucket, 'self', { ...blobDraft(shared), headers: { 'x-amz-meta-a': 'b' } });
      await overwrite(metadata, bucket, 'last', blobDraft(blobRef()));
      await overwrite(metadata, bucket, 'last', draft());
      await eventually(async () => (await inodes('last')).length, 1);
      for (const key of ['inline', 'versioned', 'self']) expect(await inodes(key)).toEqual([]);
    });

    it('makes the blobs of removed versions garbage', async () => {
      const { metadata, bucket, inodes } = await setUp();
      const [kept, gone] = [blobRef(), blobRef()];
      await putVersion(metadata, bucket, 'key', blobDraft(kept));
      const version = await putVersion(metadata, bucket, 'key', blobDraft(gone));
      await removeVersion(metadata, bucket, 'key', version.versionId);
      await eventually(() => inodes('key'), [gone.inode]);
    });

    it('keeps a blob that another version of the key still has', async () => {
      const { metadata, bucket } = await setUp();
      const [shared, own] = [blobRef(), blobRef()];
      await putVersion(metadata, bucket, 'key', blobDraft(shared));
      for (const _ of range(3)) await putVersion(metadata, bucket, 'key', draft());
      const second = await putVersion(metadata, bucket, 'key', blobDraft(shared, own));
      await removeVersion(metadata, bucket, 'key', second.versionId);
      await eventually(async () => {
        const entries = await garbageOf(metadata, bucket, 'key');
        const left = await Promise.all(entries.map((entry) => metadata.unreferenced(entry)));
        return left.flat().map((blob) => blob.inode);
      }, [own.inode]);
    });

    it('keeps a blob that an upload of the key still has', async () => {
      const { metadata, bucket } = await setUp();
      const upload = { bucket, key: 'key', uploadId: 'u1' };
      await metadata.createUpload(bucket, uploadRecord('key', 'u1'));
      const part = partRecord(1);
      const intent = await metadata.openIntent(bucket, 'key', [part.blob]);
      await metadata.putPart(upload, part, intent);
      const entry = { id: intent.id, bucket, key: 'key', blobs: [part.blob], notBeforeMs: 0 };
      expect(await metadata.unreferenced(entry)).toEqual([]);
      expect(namesOf(await metadata.unreferenced({ ...entry, key: 'other' }))).toEqual([part.blob.inode]);
      await metadata.removeUpload(upload);
      expect(namesOf(await metadata.unreferenced(entry))).toEqual([part.blob.inode]);
    });

    it('finds data that was written and never committed', async () => {
      const { metadata, bucket, blobs, inodes } = await setUp();
      const blob = blobRef();
      await metadata.openIntent(bucket, 'key', [blob]);
      const writer = await blobs.openWriter(blob.inode, { storedChunkSizeBytes: blobs.chunkSizeBytes });
      await writer.write(0, [randomBytes(100)]);
      await writer.finish();

      const early = await metadata.dueGarbage({ nowMs: Date.now() + INTENT_LEASE_MS / 2, limit: 100_000 });
      expect(early.filter((entry) => entry.bucket.instance === bucket.instance)).toEqual([]);
      expect(await inodes('key')).toEqual([blob.inode]);
      const [entry] = await garbageOf(metadata, bucket, 'key');
      if (entry === undefined) throw new Error('no garbage');
      expect(await metadata.unreferenced(entry)).toEqual([{ inode: blob.inode, storageClass: 'STANDARD' }]);
      await blobs.delete(blob.inode);
      await metadata.removeGarbage(entry);
      await metadata.removeGarbage(entry);
      expect(await inodes('key')).toEqual([]);
    });

    it('closes the intent of a commit', async () => {
      const { metadata, bucket, inodes } = await setUp();
      const blob = blobRef();
      const intent = await metadata.openIntent(bucket, 'key', [blob]);
      await commitUnder(metadata, bucket, intent, [blob]);
      await eventually(() => inodes('key'), []);
      const entry = { id: intent.id, bucket, key: 'key', blobs: [blob], notBeforeMs: 0 };
      expect(await metadata.unreferenced(entry)).toEqual([]);
    });

    it('closes the intent of a part', async () => {
      const { metadata, bucket, inodes } = await setUp();
      await metadata.createUpload(bucket, uploadRecord('key', 'u1'));
      const part = partRecord(1);
      const intent = await metadata.openIntent(bucket, 'key', [part.blob]);
      await metadata.putPart({ bucket, key: 'key', uploadId: 'u1' }, part, intent);
      await eventually(() => inodes('key'), []);
    });

    it('keeps the intent of a commit that changed nothing or failed', async () => {
      const { metadata, bucket, inodes } = await setUp();
      const blob = blobRef();
      const intent = await metadata.openIntent(bucket, 'key', [blob]);
      await metadata.commit({ bucket, key: 'key', select: 'latest', intent, decide: () => null });
      const refused = new Error('refused');
      const failing = metadata.commit({
        bucket,
        key: 'key',
        select: 'latest',
        intent,
        decide: () => {
          throw refused;
        },
      });
      await expect(failing).rejects.toBe(refused);
      await metadata.renewIntent(intent);
      expect(await inodes('key')).toEqual([blob.inode]);
    });

    it('sweeps an abandoned intent at once', async () => {
      const { metadata, bucket } = await setUp();
      const blob = blobRef();
      const intent = await metadata.openIntent(bucket, 'key', [blob]);
      await metadata.abandonIntent(intent);
      await eventually(async () => {
        const due = await metadata.dueGarbage({ nowMs: Date.now() + 1000, limit: 100_000 });
        return due
          .filter((entry) => entry.bucket.instance === bucket.instance)
          .flatMap((entry) => entry.blobs.map((each) => each.inode));
      }, [blob.inode]);
      await metadata.abandonIntent(intent);
      await metadata.abandonIntent({ ...intent, id: '00000000-0000-4000-8000-000000000000' });
      await expectStoreError(metadata.renewIntent(intent), 'closed');
    });

    it('refuses a commit whose intent was given to the sweeper', async () => {
      const { metadata, bucket, inodes } = await setUp();
      const blob = blobRef();
      const intent = await metadata.openIntent(bucket, 'key', [blob]);
      expect(await inodes('key')).toEqual([blob.inode]);
      await expectStoreError(metadata.renewIntent(intent), 'closed');
      const error = await expectStoreError(commitUnder(metadata, bucket, intent, [blob]), 'closed');
      expect(error.outcome).toBe('notApplied');
      expect(await metadata.getVersion(bucket, 'key', 'latest', { withInline: false })).toBeNull();

      await metadata.createUpload(bucket, uploadRecord('part', 'u1'));
      const part = partRecord(1);
      const partIntent = await metadata.openIntent(bucket, 'part', [part.blob]);
      expect(await inodes('part')).toEqual([part.blob.inode]);
      const upload = { bucket, key: 'part', uploadId: 'u1' };
      await expectStoreError(metadata.putPart(upload, part, partIntent), 'closed');
      expect(await metadata.listParts(upload, { afterPart: 0, limit: 10 })).toEqual([]);
    });

    it('never sweeps what a racing commit references', async () => {
      const { metadata, bucket } = await setUp();
      for (const round of range(10)) {
        const key = `key-${round}`;
        const blob = blobRef();
        const intent = await metadata.openIntent(bucket, key, [blob]);
        const [committed, swept] = await Promise.allSettled([
          commitUnder(metadata, bucket, intent, [blob]),
          garbageOf(metadata, bucket, key).then((entries) =>
            Promise.all(entries.map((entry) => metadata.unreferenced(entry))),
          ),
        ]);
        if (swept.status === 'rejected') throw swept.reason;
        const removable = swept.value.flat().map((each) => each.inode);
        const referenced = (await metadata.getVersion(bucket, key, 'latest', { withInline: false })) !== null;
        expect(referenced).toBe(committed.status === 'fulfilled');
        if (referenced) expect(removable).toEqual([]);
      }
    });

    it('answers what is due oldest first, at most as much as is asked for', async () => {
      const { metadata, bucket } = await setUp();
      for (const i of range(6)) {
        await overwrite(metadata, bucket, `key-${i}`, blobDraft(blobRef()));
        await overwrite(metadata, bucket, `key-${i}`, draft());
      }
      const nowMs = Date.now() + LATER_MS;
      const mine = async () => {
        const due = await metadata.dueGarbage({ nowMs, limit: 100_000 });
        return due.filter((entry) => entry.bucket.instance === bucket.instance).length;
      };
      await eventually(mine, 6);
      const all = await metadata.dueGarbage({ nowMs, limit: 100_000 });
      const times = all.map((entry) => entry.notBeforeMs);
      expect([...times].sort((a, b) => a - b)).toEqual(times);
      expect(await metadata.dueGarbage({ nowMs, limit: 4 })).toHaveLength(4);
    });

    it('lets a sweeper bring the store back to exactly what is referenced', async () => {
      const { metadata, bucket, inodes } = await setUp();
      const current = new Map<string, string>();
      await Promise.all(
        range(40).map(async (i) => {
          const key = `key-${i % 5}`;
          const blob = blobRef();
          const intent = await metadata.openIntent(bucket, key, [blob]);
          if (i % 4 === 3) await metadata.abandonIntent(intent);
          else await commitUnder(metadata, bucket, intent, [blob], key);
        }),
      );
      for (const i of range(5)) {
        const version = await metadata.getVersion(bucket, `key-${i}`, 'latest', { withInline: false });
        if (version?.data.kind !== 'blobs') throw new Error('no blobs');
        current.set(`key-${i}`, version.data.blobs[0]?.inode ?? '');
      }
      const garbage = async () => {
        const perKey = await Promise.all(range(5).map((i) => inodes(`key-${i}`)));
        return perKey.flat().length;
      };
      await eventually(garbage, 40 - 5);
      for (const i of range(5)) {
        for (const entry of await garbageOf(metadata, bucket, `key-${i}`)) {
          const removable = await metadata.unreferenced(entry);
          expect(removable).toHaveLength(entry.blobs.length);
          expect(removable.map((blob) => blob.inode)).not.toContain(current.get(`key-${i}`));
          await metadata.removeGarbage(entry);
        }
      }
      expect(await garbage()).toBe(0);
    });
  });
}

function commitUnder(
  metadata: MetadataStore,
  bucket: BucketRef,
  intent: Intent,
  blobs: readonly BlobRef[],
  key = intent.key,
): Promise<KeyCommit> {
  return metadata.commit({
    bucket,
    key,
    select: 'latest',
    intent,
    decide: ({ nullVersion }) => ({
      put: { draft: blobDraft(...blobs), isNull: true },
      remove: nullVersion === null ? [] : [nullVersion],
    }),
  });
}

function namesOf(blobs: readonly { readonly inode: string }[]): string[] {
  return blobs.map((blob) => blob.inode).sort();
}
