/** Contract of MetadataStore: a multipart upload becomes a version once, however often its completion is repeated. */
import { describe, expect, it } from 'vitest';
import { StoreError } from '../../../src/store/errors.js';
import type { BucketRef, KeyCommit, MetadataStore, PartRecord, UploadRef } from '../../../src/store/types.js';
import {
  allKeys,
  blobDraft,
  draft,
  eventually,
  expectStoreError,
  garbageInodes,
  markerDraft,
  overwrite,
  partRecord,
  putVersion,
  range,
  removeVersion,
  uploadRecord,
  useStores,
} from './harness.js';
import type { MakeStores } from './harness.js';

export function completionContract(name: string, makeStores: MakeStores): void {
  describe(`${name}: completions of uploads`, () => {
    const fixture = useStores(makeStores);
    const setUp = async (isNull = true) => {
      const { metadata, bucket: makeBucket } = fixture();
      const bucket = await makeBucket();
      const ref: UploadRef = { bucket, key: 'key', uploadId: 'u1' };
      await metadata.createUpload(bucket, uploadRecord('key', 'u1'));
      const parts = [partRecord(1), partRecord(2), partRecord(3)];
      for (const part of parts) await addPart(metadata, ref, part);
      await metadata.closeUpload(ref, 'completing');
      const used = parts.slice(0, 2);
      // What the client was told of nobody knows: a repetition begins with nothing but the upload's id.
      const complete = () => completion(metadata, ref, used, isNull);
      const etag = async () => (await metadata.getVersion(bucket, 'key', 'latest', { withInline: false }))?.etag;
      return { metadata, bucket, ref, parts, used, complete, etag };
    };

    it.each([
      ['was overwritten', (metadata: MetadataStore, bucket: BucketRef) => overwrite(metadata, bucket, 'key')],
      ['was deleted', (metadata: MetadataStore, bucket: BucketRef) => removeVersion(metadata, bucket, 'key', 'null')],
      [
        'was hidden',
        (metadata: MetadataStore, bucket: BucketRef) => putVersion(metadata, bucket, 'key', markerDraft()),
      ],
      ['was moved away', moveAway],
    ] as const)('does not bring back an object that %s', async (_what, change) => {
      const { metadata, bucket, ref, complete, etag } = await setUp();
      expect((await complete()).changed).toBe(true);
      await change(metadata, bucket);
      const before = await etag();
      expect((await expectStoreError(complete(), 'uploadGone')).outcome).toBe('notApplied');
      expect(await etag()).toBe(before);
      expect(await metadata.finishedUpload(ref)).toMatchObject({ etag: 'completed-2', uploadId: 'u1' });
      expect(await metadata.getUpload(ref)).toBeNull();
    });

    it('does not put a version upon newer ones once more', async () => {
      const { metadata, bucket, complete, etag } = await setUp(false);
      const { version } = await complete();
      for (const i of range(4)) await putVersion(metadata, bucket, 'key', draft({ etag: `newer-${i}` }));
      await expectStoreError(complete(), 'uploadGone');
      expect(await etag()).toBe('newer-3');
      if (version === null) throw new Error('the completion answered no version');
      await removeVersion(metadata, bucket, 'key', version.versionId);
      await expectStoreError(complete(), 'uploadGone');
      expect(await etag()).toBe('newer-3');
    });

    it('makes what was completed only once of any number of completions, whatever others write meanwhile', async () => {
      for (const round of range(4)) {
        const { metadata, bucket, ref, complete } = await setUp(round % 2 === 0);
        const attempts = range(12).map(async (i) => {
          if (i % 3 === 2) return (await overwrite(metadata, bucket, 'key')).changed && null;
          return complete().then(
            ({ changed }) => changed,
            (error: unknown) => {
              // Also by contention: neither is made.
              expect(error).toBeInstanceOf(StoreError);
              expect((error as StoreError).outcome).toBe('notApplied');
              return false;
            },
          );
        });
        const outcomes = await Promise.all(attempts);
        expect(outcomes.filter((made) => made === true)).toHaveLength(1);
        await overwrite(metadata, bucket, 'key');
        expect(await metadata.finishedUpload(ref)).toMatchObject({ etag: 'completed-2' });
        await expectStoreError(complete(), 'uploadGone');
      }
    });

    it('completes an upload only while it is being completed', async () => {
      const { metadata, bucket, ref, complete } = await setUp();
      await metadata.reopenUpload(ref);
      await expectStoreError(complete(), 'uploadGone');
      await metadata.closeUpload(ref, 'aborting');
      await expectStoreError(complete(), 'uploadGone');
      await metadata.removeUpload(ref);
      await expectStoreError(complete(), 'uploadGone');
      expect(await metadata.finishedUpload(ref)).toBeNull();
      expect(await allKeys(metadata, bucket)).toEqual([]);
    });

    it('hands the parts that the version does not use to the sweeper, and keeps the others', async () => {
      const { metadata, bucket, ref, parts, complete } = await setUp();
      const { version } = await complete();
      if (version === null) throw new Error('the completion answered no version');
      await metadata.finishUpload(ref, version);
      await metadata.finishUpload(ref, version);
      expect(await metadata.listParts(ref, { afterPart: 0, limit: 10 })).toEqual([]);
      await eventually(() => garbageInodes(metadata, bucket, 'key'), [parts[2]?.blob.inode]);
      expect(await metadata.finishedUpload(ref)).toEqual({ ...version, data: { kind: 'none' }, parts: null });
      expect(await metadata.finishedUpload({ ...ref, uploadId: 'u2' })).toBeNull();
    });

    it('finishes an upload, parts and all, that nobody finished before its object was overwritten', async () => {
      const { metadata, bucket, parts, complete } = await setUp();
      await complete();
      await overwrite(metadata, bucket, 'key');
      const all = parts.map((part) => part.blob.inode).sort();
      await eventually(async () => [...new Set(await garbageInodes(metadata, bucket, 'key'))].sort(), all);
      const entries = await metadata.dueGarbage({ nowMs: Date.now() + 10 * 60_000, limit: 1000 });
      const free: string[] = [];
      for (const entry of entries) {
        if (entry.bucket.instance !== bucket.instance) continue;
        free.push(...(await metadata.unreferenced(entry)).map(({ inode }) => inode));
      }
      expect([...new Set(free)].sort()).toEqual(all);
    });
  });
}

function completion(
  metadata: MetadataStore,
  { bucket, key, uploadId }: UploadRef,
  parts: readonly PartRecord[],
  isNull: boolean,
): Promise<KeyCommit> {
  const version = { ...blobDraft(...parts.map(({ blob }) => blob)), etag: `completed-${parts.length}`, uploadId };
  return metadata.commit({
    bucket,
    key,
    select: 'latest',
    completes: uploadId,
    decide: ({ latest, nullVersion }) =>
      latest?.uploadId === uploadId
        ? null
        : { put: { draft: version, isNull }, remove: isNull && nullVersion !== null ? [nullVersion] : [] },
  });
}

async function moveAway(metadata: MetadataStore, bucket: BucketRef): Promise<void> {
  await metadata.rename({
    bucket,
    from: 'key',
    to: 'elsewhere',
    decide: ({ selected }) =>
      selected === null ? null : { draft: { ...selected, uploadId: null }, isNull: true, marker: null },
  });
}

async function addPart(metadata: MetadataStore, ref: UploadRef, part: PartRecord): Promise<void> {
  const intent = await metadata.openIntent(ref.bucket, ref.key, [part.blob]);
  await metadata.putPart(ref, part, intent);
}
