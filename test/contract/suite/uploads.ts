/** Contract of MetadataStore: multipart uploads. */
import { describe, expect, it } from 'vitest';
import type { BucketRef, MetadataStore, PartRecord, UploadRef, UploadScan } from '../../../src/store/types.js';
import {
  eventually,
  expectStoreError,
  garbageInodes,
  inParallel,
  partRecord,
  range,
  uploadRecord,
  useStores,
} from './harness.js';
import type { MakeStores } from './harness.js';

export function uploadContract(name: string, makeStores: MakeStores): void {
  describe(`${name}: uploads`, () => {
    const fixture = useStores(makeStores);
    const setUp = async () => {
      const { metadata, bucket: makeBucket } = fixture();
      const bucket = await makeBucket();
      const create = async (key: string, uploadId: string): Promise<UploadRef> => {
        await metadata.createUpload(bucket, uploadRecord(key, uploadId));
        return { bucket, key, uploadId };
      };
      const parts = (ref: UploadRef) => metadata.listParts(ref, { afterPart: 0, limit: 10_000 });
      return { metadata, bucket, create, parts, stores: fixture().stores };
    };

    it('keeps everything of an upload', async () => {
      const { metadata, bucket } = await setUp();
      const rich = uploadRecord('kéy', 'u1', {
        headers: { 'content-type': 'x/y' },
        acl: 'acl',
        tags: { t: '🙂' },
        storageClass: 'GLACIER',
        checksum: { algorithm: 'CRC32', type: 'COMPOSITE' },
        encryption: { kind: 'SSE-S3', keyId: 'k', wrappedKey: 'w' },
        retention: { mode: 'GOVERNANCE', untilMs: 5 },
        legalHold: true,
        extra: { a: [1] },
      });
      await metadata.createUpload(bucket, rich);
      expect(await metadata.getUpload({ bucket, key: 'kéy', uploadId: 'u1' })).toEqual(rich);
      expect(await metadata.getUpload({ bucket, key: 'kéy', uploadId: 'u' })).toBeNull();
      expect(await metadata.getUpload({ bucket, key: 'ké', uploadId: 'u1' })).toBeNull();
    });

    it('refuses an upload to a bucket that is gone', async () => {
      const { metadata, bucket, stores } = await setUp();
      await stores.buckets.delete(bucket, async () => true);
      await expectStoreError(metadata.createUpload(bucket, uploadRecord('key', 'u1')), 'bucketGone');
    });

    it('does not count open uploads as contents of the bucket', async () => {
      const { metadata, bucket, create } = await setUp();
      const upload = await create('key', 'u1');
      await addPart(metadata, upload, partRecord(1));
      expect(await metadata.isEmpty(bucket)).toBe(true);
    });

    it('lists parts in order, in pages', async () => {
      const { metadata, create, parts } = await setUp();
      const upload = await create('key', 'u1');
      const neighbour = await create('key', 'u10');
      const records = [1, 2, 9, 10, 255, 256, 9999, 10_000].map((n) =>
        partRecord(n, { checksums: n % 2 === 0 ? { CRC32: `${n}` } : {} }),
      );
      await inParallel([...records].reverse(), 4, (part) => addPart(metadata, upload, part));
      await addPart(metadata, neighbour, partRecord(3));
      expect(await parts(upload)).toEqual(records);
      expect(await metadata.listParts(upload, { afterPart: 2, limit: 3 })).toEqual(records.slice(2, 5));
      expect(await metadata.listParts(upload, { afterPart: 9999, limit: 3 })).toEqual(records.slice(7));
      expect(await metadata.listParts(upload, { afterPart: 10_000, limit: 3 })).toEqual([]);
      expect((await parts(neighbour)).map((part) => part.partNumber)).toEqual([3]);
    });

    it('takes the last of the parts with one number, and hands the others to the sweeper', async () => {
      const { metadata, bucket, create, parts } = await setUp();
      const upload = await create('key', 'u1');
      const [first, second, other] = [partRecord(1), partRecord(1, { etag: 'second' }), partRecord(2)];
      for (const part of [first, other, second]) await addPart(metadata, upload, part);
      expect(await parts(upload)).toEqual([second, other]);
      await eventually(() => garbageInodes(metadata, bucket, 'key'), [first.blob.inode]);
    });

    it('moves through its states', async () => {
      const { metadata, create } = await setUp();
      const upload = await create('key', 'u1');
      const state = async () => (await metadata.getUpload(upload))?.state;
      expect(await metadata.closeUpload(upload, 'completing')).toBe('open');
      expect(await state()).toBe('completing');
      expect(await metadata.closeUpload(upload, 'completing')).toBe('completing');
      expect(await metadata.closeUpload(upload, 'aborting')).toBe('completing');
      expect(await state()).toBe('completing');
      await metadata.reopenUpload(upload);
      expect(await state()).toBe('open');
      await metadata.reopenUpload(upload);
      expect(await state()).toBe('open');
      expect(await metadata.closeUpload(upload, 'aborting')).toBe('open');
      expect(await metadata.closeUpload(upload, 'completing')).toBe('aborting');
      await metadata.reopenUpload(upload);
      expect(await state()).toBe('aborting');
      await metadata.removeUpload(upload);
      expect(await metadata.getUpload(upload)).toBeNull();
      expect(await metadata.closeUpload(upload, 'completing')).toBeNull();
      await metadata.reopenUpload(upload);
      await metadata.removeUpload(upload);
      expect(await metadata.getUpload(upload)).toBeNull();
    });

    it.each(['completing', 'aborting'] as const)('takes no part once it is %s', async (to) => {
      const { metadata, create, parts } = await setUp();
      const upload = await create('key', 'u1');
      const part = partRecord(1);
      await addPart(metadata, upload, part);
      await metadata.closeUpload(upload, to);
      const error = await expectStoreError(addPart(metadata, upload, partRecord(2)), 'uploadGone');
      expect(error.outcome).toBe('notApplied');
      await expectStoreError(addPart(metadata, upload, partRecord(1)), 'uploadGone');
      expect(await parts(upload)).toEqual([part]);
    });

    it('takes no part for an upload that never was or is removed', async () => {
      const { metadata, bucket, create, parts } = await setUp();
      await expectStoreError(addPart(metadata, { bucket, key: 'key', uploadId: 'u0' }, partRecord(1)), 'uploadGone');
      const upload = await create('key', 'u1');
      await metadata.removeUpload(upload);
      await expectStoreError(addPart(metadata, upload, partRecord(1)), 'uploadGone');
      expect(await parts(upload)).toEqual([]);
    });

    it('closes for exactly one of racing completions and abortions', async () => {
      const { metadata, create } = await setUp();
      for (const round of range(5)) {
        const upload = await create('key', `u-${round}`);
        const answers = await Promise.all(
          range(8).map(async (i) => {
            const to = i % 2 === 0 ? 'completing' : 'aborting';
            return { to, before: await metadata.closeUpload(upload, to) };
          }),
        );
        const closers = answers.filter((answer) => answer.before === 'open');
        expect(closers).toHaveLength(1);
        expect((await metadata.getUpload(upload))?.state).toBe(closers[0]?.to);
      }
    });

    it('has every acknowledged part when a close races with parts', async () => {
      const { metadata, create, parts } = await setUp();
      for (const round of range(5)) {
        const upload = await create('key', `u-${round}`);
        const [closed, ...added] = await Promise.allSettled([
          metadata.closeUpload(upload, 'completing'),
          ...range(8).map((i) => addPart(metadata, upload, partRecord(i + 1))),
        ]);
        expect(closed).toMatchObject({ status: 'fulfilled', value: 'open' });
        const listed = (await parts(upload)).map((part) => part.partNumber);
        for (const [i, outcome] of added.entries()) {
          if (outcome.status === 'rejected') {
            await expectStoreError(Promise.reject(outcome.reason as Error), 'uploadGone');
          }
          expect(listed.includes(i + 1)).toBe(outcome.status === 'fulfilled');
        }
      }
    });

    it('hands the blobs of its parts to the sweeper when it is removed', async () => {
      const { metadata, bucket, create, parts } = await setUp();
      const upload = await create('key', 'u1');
      const neighbour = await create('key', 'u2');
      const records = range(6).map((i) => partRecord(i + 1));
      for (const part of records) await addPart(metadata, upload, part);
      const untouched = partRecord(1);
      await addPart(metadata, neighbour, untouched);
      await metadata.closeUpload(upload, 'aborting');
      await metadata.removeUpload(upload);
      expect(await metadata.getUpload(upload)).toBeNull();
      expect(await parts(upload)).toEqual([]);
      expect(await parts(neighbour)).toEqual([untouched]);
      const dropped = records.map((part) => part.blob.inode);
      await eventually(() => garbageInodes(metadata, bucket, 'key'), dropped.sort());
    });

    it('lists open uploads by key and id, in pages', async () => {
      const { metadata, bucket, create } = await setUp();
      const refs = [];
      for (const [key, uploadId] of [
        ['a', 'u1'],
        ['a', 'u2'],
        ['a', 'u3'],
        ['a/b', 'u1'],
        ['b', 'u0'],
        ['\uffff', 'u9'],
        ['\u{10000}', 'u1'],
      ] as const) {
        refs.push(await create(key, uploadId));
      }
      const closed = await create('a', 'u15');
      await metadata.closeUpload(closed, 'aborting');
      const scan = async (query: Partial<UploadScan>) => {
        const all = { from: '', inclusive: true, end: null, limit: 100, fromUploadIdAfter: null, ...query };
        return (await metadata.scanUploads(bucket, all)).map((upload) => `${upload.key} ${upload.uploadId}`);
      };
      const names = refs.map((ref) => `${ref.key} ${ref.uploadId}`);
      expect(await scan({})).toEqual(names);
      expect(await scan({ limit: 3 })).toEqual(names.slice(0, 3));
      expect(await scan({ from: 'a', inclusive: false })).toEqual(names.slice(3));
      expect(await scan({ from: 'a', end: 'b' })).toEqual(names.slice(0, 4));
      for (const [i, ref] of refs.entries()) {
        for (const inclusive of [true, false]) {
          const rest = { from: ref.key, inclusive, fromUploadIdAfter: ref.uploadId };
          expect(await scan(rest)).toEqual(names.slice(i + 1));
          expect(await scan({ ...rest, limit: 2 })).toEqual(names.slice(i + 1, i + 3));
        }
      }
      expect(await scan({ from: 'a', fromUploadIdAfter: 'u15' })).toEqual(names.slice(1));
    });

    it('keeps the uploads of buckets apart', async () => {
      const { metadata, bucket, create } = await setUp();
      const other = await fixture().bucket();
      await create('key', 'u1');
      const all = { from: '', inclusive: true, end: null, limit: 100, fromUploadIdAfter: null };
      expect(await metadata.scanUploads(other, all)).toEqual([]);
      expect(await metadata.scanUploads(bucket, all)).toHaveLength(1);
      expect(await metadata.getUpload({ bucket: other, key: 'key', uploadId: 'u1' })).toBeNull();
    });
  });
}

/** As the data path does it: the blob announced, then recorded. */
async function addPart(metadata: MetadataStore, ref: UploadRef, part: PartRecord): Promise<void> {
  const intent = await metadata.openIntent(asRef(ref.bucket), ref.key, [part.blob]);
  await metadata.putPart(ref, part, intent);
}

function asRef({ name, instance, region }: BucketRef): BucketRef {
  return { name, instance, region };
}
