/** The lifecycle runner on the store under test: its clock runs ahead, so that nothing has to be waited for. */
import { randomBytes, randomUUID } from 'node:crypto';
import pino from 'pino';
import { describe, expect, it } from 'vitest';
import type { DataCipher } from '../../../src/data/chunk-cipher.js';
import { createDataCipher } from '../../../src/data/chunk-cipher.js';
import { readObject } from '../../../src/data/read.js';
import type { RunResult } from '../../../src/gc/lifecycle.js';
import { LifecycleRunner } from '../../../src/gc/lifecycle.js';
import type { LifecycleRule } from '../../../src/s3/lifecycle.js';
import { LIFECYCLE_DOCUMENT, LIFECYCLE_LEASE_DOCUMENT } from '../../../src/s3/lifecycle.js';
import { makeUploadId } from '../../../src/s3/multipart.js';
import type { BlobRef, BlobStore, NewBucket, ObjectVersion, Region, VersionDraft } from '../../../src/store/types.js';
import {
  INTENT_LEASE_MS,
  OWNER,
  allKeys,
  allVersions,
  blobDraft,
  draft,
  eventually,
  garbageInodes,
  inParallel,
  markerDraft,
  overwrite,
  partRecord,
  putVersion,
  range,
  uploadRecord,
  useStores,
} from './harness.js';
import type { MakeStores } from './harness.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const CHUNK_BYTES = 64 * 1024;

export function lifecycleContract(name: string, makeStores: MakeStores): void {
  describe(`${name}: lifecycle`, () => {
    const fixture = useStores(makeStores);

    const setUp = async (rules: readonly Partial<LifecycleRule>[], overrides: Partial<NewBucket> = {}) => {
      const { metadata, region, stores, bucket: makeBucket } = fixture();
      const documents = {
        [LIFECYCLE_DOCUMENT]: JSON.stringify({ rules: rules.map(rule), transitionMinimum: MINIMUM }),
      };
      const bucket = await makeBucket({ documents, ...overrides });
      return { metadata, region, stores, bucket, runAt: (days: number) => runner(days).run() };
    };

    /** days: how far its clock runs ahead */
    const runner = (days: number, more: { leaseMs?: number } = {}) =>
      new LifecycleRunner({
        stores: fixture().stores,
        intervalMs: 60_000,
        dayMs: DAY_MS,
        intentLeaseMs: INTENT_LEASE_MS,
        log: pino({ level: 'silent' }),
        now: () => Date.now() + days * DAY_MS,
        ...more,
      });

    it('removes what is old enough where there are no versions, and nothing else', async () => {
      const { metadata, bucket, runAt } = await setUp([
        { filter: filter({ prefix: 'logs/' }), expiration: { kind: 'days', days: 3 } },
        { filter: filter({ tags: { keep: 'no' } }), expiration: { kind: 'days', days: 1 } },
        { enabled: false, filter: filter({}), expiration: { kind: 'days', days: 1 } },
      ]);
      await overwrite(metadata, bucket, 'logs/a', now());
      await overwrite(metadata, bucket, 'data/a', now());
      await overwrite(metadata, bucket, 'data/b', now({ tags: { keep: 'no', other: 'x' } }));
      await overwrite(metadata, bucket, 'data/c', now({ tags: { keep: 'yes' } }));
      expect(await runAt(0)).toMatchObject({ expired: 0 });
      expect(await allKeys(metadata, bucket)).toHaveLength(4);
      await runAt(2.1);
      expect(await allKeys(metadata, bucket)).toEqual(['data/a', 'data/c', 'logs/a']);
      await runAt(5);
      expect(await allKeys(metadata, bucket)).toEqual(['data/a', 'data/c']);
      expect(await allVersions(metadata, bucket)).toHaveLength(2);
    });

    it('lays delete markers over versions, and removes noncurrent versions and lone markers in their time', async () => {
      const { metadata, bucket, runAt } = await setUp(
        [{ expiration: { kind: 'days', days: 1 }, noncurrentExpiration: { days: 2, newer: null } }],
        { versioning: 'enabled' },
      );
      for (let i = 0; i < 3; i++) await putVersion(metadata, bucket, 'key', now());
      const listed = async () => (await allVersions(metadata, bucket)).map(({ deleteMarker }) => deleteMarker);
      await runAt(2.1);
      expect(await listed()).toEqual([true, false, false, false]);
      // Two were noncurrent from the start, one since its marker.
      await runAt(3.1);
      expect(await listed()).toEqual([true, false]);
      await runAt(5.5);
      await runAt(6.5);
      expect(await listed()).toEqual([]);
      expect(await metadata.isEmpty(bucket)).toBe(true);
    });

    it('keeps so many newer noncurrent versions', async () => {
      const { metadata, bucket, runAt } = await setUp([{ noncurrentExpiration: { days: 1, newer: 2 } }], {
        versioning: 'enabled',
      });
      const put = [];
      for (let i = 0; i < 6; i++) put.push(await putVersion(metadata, bucket, 'key', now()));
      await runAt(10);
      const kept = (await allVersions(metadata, bucket)).map(({ versionId }) => versionId);
      expect(kept).toEqual(
        put
          .slice(3)
          .map(({ versionId }) => versionId)
          .reverse(),
      );
    });

    it('replaces the null version where versioning is suspended', async () => {
      const { metadata, bucket, runAt } = await setUp([{ expiration: { kind: 'days', days: 1 } }], {
        versioning: 'suspended',
      });
      const older = await putVersion(metadata, bucket, 'key', now());
      await overwrite(metadata, bucket, 'key', now());
      await runAt(3);
      const left = await allVersions(metadata, bucket);
      expect(left.map(({ versionId, deleteMarker }) => [versionId, deleteMarker])).toEqual([
        ['null', true],
        [older.versionId, false],
      ]);
    });

    it('removes markers of their own rule at once, but not those that hide something', async () => {
      const { metadata, bucket, runAt } = await setUp([{ expiration: { kind: 'deleteMarker', remove: true } }], {
        versioning: 'enabled',
      });
      await putVersion(metadata, bucket, 'lone', markerDraft());
      await putVersion(metadata, bucket, 'hiding', now());
      await putVersion(metadata, bucket, 'hiding', markerDraft());
      await putVersion(metadata, bucket, 'object', now());
      await runAt(0);
      expect((await allVersions(metadata, bucket)).map(({ key }) => key)).toEqual(['hiding', 'hiding', 'object']);
    });

    it('leaves what Object Lock protects', async () => {
      const { metadata, bucket, runAt } = await setUp([{ noncurrentExpiration: { days: 1, newer: null } }], {
        versioning: 'enabled',
        objectLock: true,
      });
      const untilMs = Date.now() + 30 * DAY_MS;
      const held = await putVersion(metadata, bucket, 'key', now({ legalHold: true }));
      const retained = await putVersion(metadata, bucket, 'key', now({ retention: { mode: 'GOVERNANCE', untilMs } }));
      await putVersion(metadata, bucket, 'key', now({ retention: { mode: 'COMPLIANCE', untilMs: Date.now() } }));
      const current = await putVersion(metadata, bucket, 'key', now());
      await runAt(20);
      const ids = async () => (await allVersions(metadata, bucket)).map(({ versionId }) => versionId);
      expect(await ids()).toEqual([current.versionId, retained.versionId, held.versionId]);
      await runAt(40);
      expect(await ids()).toEqual([current.versionId, held.versionId]);
    });

    it('aborts uploads that were not completed in time', async () => {
      const { metadata, bucket, runAt } = await setUp([{ filter: filter({ prefix: 'a' }), abortUploadDays: 2 }]);
      const ids = new Map<string, string>();
      for (const key of ['a', 'b']) {
        const uploadId = makeUploadId(Date.now());
        ids.set(key, uploadId);
        await metadata.createUpload(bucket, uploadRecord(key, uploadId, { createdAt: Date.now() }));
      }
      const part = partRecord(1);
      const ref = { bucket, key: 'a', uploadId: ids.get('a') ?? '' };
      await metadata.putPart(ref, part, await metadata.openIntent(bucket, 'a', [part.blob]));
      await runAt(1);
      expect(await metadata.getUpload(ref)).not.toBeNull();
      expect(await runAt(3.1)).toMatchObject({ aborted: 1 });
      expect(await metadata.getUpload(ref)).toBeNull();
      expect(await metadata.getUpload({ bucket, key: 'b', uploadId: ids.get('b') ?? '' })).not.toBeNull();
      await eventually(() => garbageInodes(metadata, bucket, 'a'), [part.blob.inode]);
    });

    it.each(['plain', 'sealed'])('moves %s objects to another storage class and lets the old blobs go', async (how) => {
      const { region } = fixture();
      const storageClass = otherClass(region);
      const cipher = how === 'sealed' ? createDataCipher(randomBytes(32)) : null;
      const { metadata, bucket, runAt } = await setUp([
        { filter: filter({ largerThanBytes: 0 }), transitions: [{ kind: 'days', days: 1, storageClass }] },
      ]);
      const stored = await Promise.all(
        [3 * CHUNK_BYTES + 7, CHUNK_BYTES].map((size) => writeBlob(region, size, cipher)),
      );
      await overwrite(metadata, bucket, 'big', {
        ...blobDraft(...stored.map(({ blob }) => blob)),
        lastModified: Date.now(),
        encryption: cipher === null ? null : { kind: 'SSE-C', keyId: 'md5', wrappedKey: 'salt' },
      });
      await overwrite(metadata, bucket, 'small', now());
      const before = await metadata.getVersion(bucket, 'big', 'latest', { withInline: false });
      expect(await runAt(2.1)).toMatchObject({ moved: 2, failures: 0 });
      const after = await metadata.getVersion(bucket, 'big', 'latest', { withInline: false });
      if (after?.data.kind !== 'blobs') throw new Error('the object is gone');
      expect(after).toEqual({ ...before, storageClass, data: after.data });
      expect(after.data.blobs.map((blob) => blob.storageClass)).toEqual([storageClass, storageClass]);
      expect(await contentOf(region, after, cipher)).toEqual(Buffer.concat(stored.map(({ bytes }) => bytes)));
      const small = await metadata.getVersion(bucket, 'small', 'latest', { withInline: true });
      expect(small).toMatchObject({ storageClass, data: { kind: 'inline', bytes: Buffer.from('hello') } });
      const listed = await metadata.scanObjects(bucket, { from: '', inclusive: true, end: null, limit: 10 });
      expect(listed.map((entry) => entry.storageClass)).toEqual([storageClass, storageClass]);
      await eventually(() => garbageInodes(metadata, bucket, 'big'), stored.map(({ blob }) => blob.inode).sort());
      expect(await runAt(3)).toMatchObject({ moved: 0 });
    });

    it('moves a noncurrent version and keeps its place', async () => {
      const { region } = fixture();
      const storageClass = otherClass(region);
      const { metadata, bucket, runAt } = await setUp(
        [{ filter: filter({ largerThanBytes: 0 }), noncurrentTransitions: [{ days: 1, newer: null, storageClass }] }],
        { versioning: 'enabled' },
      );
      const { blob, bytes } = await writeBlob(region, 10);
      const old = await putVersion(metadata, bucket, 'key', { ...blobDraft(blob), lastModified: Date.now() });
      await putVersion(metadata, bucket, 'key', now());
      await runAt(3);
      const listed = await allVersions(metadata, bucket);
      expect(listed.map((entry) => entry.storageClass)).toEqual(['STANDARD', storageClass]);
      const moved = await metadata.getVersion(bucket, 'key', { versionId: old.versionId }, { withInline: false });
      if (moved === null) throw new Error('the version is gone');
      expect(await contentOf(region, moved, null)).toEqual(bytes);
    });

    it('works through more than a page, with many versions of one key among them', async () => {
      const { metadata, bucket, runAt } = await setUp([{ noncurrentExpiration: { days: 1, newer: null } }], {
        versioning: 'enabled',
      });
      await inParallel(range(400), 16, (i) => putVersion(metadata, bucket, `a/${String(i).padStart(4, '0')}`, now()));
      await inParallel(range(700), 16, () => putVersion(metadata, bucket, 'b', now()));
      await inParallel(range(20), 16, (i) => putVersion(metadata, bucket, `c/${i}`, now()));
      expect(await runAt(5)).toMatchObject({ noncurrent: 699, failures: 0 });
      expect(await allVersions(metadata, bucket)).toHaveLength(421);
    });

    it('lets one of several gateways sweep a bucket, and not again before its time', async () => {
      const { metadata, bucket } = await setUp([{ expiration: { kind: 'days', days: 1 } }]);
      await inParallel(range(50), 8, (i) => overwrite(metadata, bucket, `key-${i}`, now()));
      const results = await Promise.all(range(4).map(() => runner(5).run()));
      expect(sum(results, 'expired')).toBe(50);
      await overwrite(metadata, bucket, 'later', now());
      await runner(5).run();
      expect(await allKeys(metadata, bucket)).toEqual(['later']);
      await runner(5 + 1 / 24).run();
      expect(await allKeys(metadata, bucket)).toEqual([]);
    });

    it('goes on where a gateway that died stopped, once its lease has passed', async () => {
      const { metadata, bucket, stores } = await setUp([{ expiration: { kind: 'days', days: 1 } }]);
      for (const key of ['a', 'b', 'c']) await overwrite(metadata, bucket, key, now());
      const at = (days: number) => Date.now() + days * DAY_MS;
      const note = {
        holder: randomUUID(),
        untilMs: at(5) + 60_000,
        startedMs: at(5),
        progress: { phase: 'versions', afterKey: 'a' },
      };
      await stores.buckets.update(bucket, () => ({ documents: { [LIFECYCLE_LEASE_DOCUMENT]: JSON.stringify(note) } }));
      await runner(5).run();
      expect(await allKeys(metadata, bucket)).toEqual(['a', 'b', 'c']);
      await runner(5.01).run();
      expect(await allKeys(metadata, bucket)).toEqual(['a']);
      await runner(5.02).run();
      expect(await allKeys(metadata, bucket)).toEqual([]);
    });

    it('leaves a bucket that has no rules any more alone', async () => {
      const { metadata, bucket, stores } = await setUp([{ expiration: { kind: 'days', days: 1 } }]);
      await overwrite(metadata, bucket, 'key', now());
      await stores.buckets.update(bucket, () => ({ documents: { [LIFECYCLE_DOCUMENT]: null } }));
      await runner(5).run();
      expect(await allKeys(metadata, bucket)).toEqual(['key']);
    });
  });
}

const MINIMUM = 'all_storage_classes_128K';

function rule(overrides: Partial<LifecycleRule>): LifecycleRule {
  return {
    id: randomUUID(),
    enabled: true,
    filter: filter({}),
    expiration: null,
    noncurrentExpiration: null,
    abortUploadDays: null,
    transitions: [],
    noncurrentTransitions: [],
    ...overrides,
  };
}

function filter(overrides: Partial<LifecycleRule['filter']>): LifecycleRule['filter'] {
  return { form: 'one', prefix: null, tags: {}, largerThanBytes: null, smallerThanBytes: null, ...overrides };
}

function now(overrides: Partial<VersionDraft> = {}): VersionDraft {
  return draft({ lastModified: Date.now(), owner: OWNER, ...overrides });
}

function otherClass(region: Region): string {
  const found = [...region.blobs.keys()].find((storageClass) => storageClass !== 'STANDARD');
  if (found === undefined) throw new Error('the region has one storage class only');
  return found;
}

async function writeBlob(
  region: Region,
  sizeBytes: number,
  cipher: DataCipher | null = null,
): Promise<{ readonly blob: BlobRef; readonly bytes: Buffer }> {
  const inode = randomUUID();
  const bytes = randomBytes(sizeBytes);
  const storedChunkSizeBytes = CHUNK_BYTES + (cipher?.overheadBytes ?? 0);
  const writer = await storeOf(region, 'STANDARD').openWriter(inode, { storedChunkSizeBytes });
  for (let i = 0; i * CHUNK_BYTES < sizeBytes; i++) {
    const chunk = [bytes.subarray(i * CHUNK_BYTES, (i + 1) * CHUNK_BYTES)];
    await writer.write(i, cipher?.seal(inode, i, chunk, (i + 1) * CHUNK_BYTES >= sizeBytes) ?? chunk);
  }
  await writer.finish();
  return { bytes, blob: { inode, storageClass: 'STANDARD', sizeBytes, chunkSizeBytes: CHUNK_BYTES } };
}

async function contentOf(region: Region, version: ObjectVersion, cipher: DataCipher | null): Promise<Buffer> {
  const pieces: Buffer[] = [];
  const blobStoreFor = (storageClass: string) => storeOf(region, storageClass);
  const { signal } = new AbortController();
  for await (const piece of readObject({ version, blobStoreFor, cipher, range: null, signal }))
    pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

function storeOf(region: Region, storageClass: string): BlobStore {
  const store = region.blobs.get(storageClass);
  if (store === undefined) throw new Error(`no ${storageClass}`);
  return store;
}

function sum(results: readonly RunResult[], what: keyof RunResult): number {
  return results.reduce((total, result) => total + result[what], 0);
}
