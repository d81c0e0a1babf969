/** Contract of MetadataStore: single keys, commits and their versions. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { KeyState, ObjectVersion, VersionDraft } from '../../../src/store/types.js';
import { seqOfVersionId } from '../../../src/store/versions.js';
import {
  allKeys,
  allVersions,
  blobDraft,
  blobRef,
  draft,
  expectStoreError,
  markerDraft,
  overwrite,
  putVersion,
  range,
  removeVersion,
  useStores,
} from './harness.js';
import type { MakeStores } from './harness.js';

export function commitContract(name: string, makeStores: MakeStores): void {
  describe(`${name}: commits`, () => {
    const fixture = useStores(makeStores);
    const setUp = async () => {
      const { metadata, bucket: makeBucket } = fixture();
      const bucket = await makeBucket();
      const get = (key: string, versionId?: string, withInline = false) =>
        metadata.getVersion(bucket, key, versionId === undefined ? 'latest' : { versionId }, { withInline });
      return { metadata, bucket, get, stores: fixture().stores };
    };

    it('answers null for keys and versions that are not there', async () => {
      const { metadata, bucket, get } = await setUp();
      expect(await get('key')).toBeNull();
      expect(await get('key', 'null')).toBeNull();
      const version = await putVersion(metadata, bucket, 'key');
      expect(await get('ke')).toBeNull();
      expect(await get('key2')).toBeNull();
      expect(await get('key', 'null')).toBeNull();
      expect(await get('key', 'no-version-id')).toBeNull();
      expect(await get('key', '0'.repeat(24))).toBeNull();
      const forged = version.versionId.slice(0, -1) + (version.versionId.endsWith('a') ? 'b' : 'a');
      expect(seqOfVersionId(forged)).toBe(version.seq);
      expect(await get('key', forged)).toBeNull();
    });

    it('keeps everything of a version', async () => {
      const { metadata, bucket, get } = await setUp();
      const rich = richDraft();
      const put = await putVersion(metadata, bucket, 'key', rich);
      expect(put).toEqual({ ...rich, versionId: put.versionId, seq: put.seq });
      expect(seqOfVersionId(put.versionId)).toBe(put.seq);
      expect(Math.abs(put.seq / 1000 - Date.now())).toBeLessThan(60_000);
      expect(await get('key', put.versionId)).toEqual(put);
      expect(await get('key')).toEqual(put);
      const marker = await putVersion(metadata, bucket, 'key', markerDraft());
      expect(await get('key')).toEqual({ ...markerDraft(), versionId: marker.versionId, seq: marker.seq });
      expect(await get('key', put.versionId)).toEqual(put);
    });

    it.each([0, 1, 4000, 4096, 65_536, 100_001])(
      'keeps %i inline bytes and loads them only when asked',
      async (size) => {
        const { metadata, bucket, get } = await setUp();
        const bytes = randomBytes(size);
        const version = draft({ sizeBytes: size, data: { kind: 'inline', bytes } });
        const put = await putVersion(metadata, bucket, 'key', version);
        expect((await get('key'))?.data).toEqual({ kind: 'inline', bytes: null });
        const loaded = await get('key', put.versionId, true);
        if (loaded?.data.kind !== 'inline') throw new Error('not inline');
        expect(loaded.data.bytes?.equals(bytes)).toBe(true);
      },
    );

    it('keeps the lists of 10,000 parts', async () => {
      const { metadata, bucket, get } = await setUp();
      const parts = range(10_000).map((i) => ({
        partNumber: i + 1,
        sizeBytes: 5 * 1024 * 1024 + i,
        checksums: i % 2 === 0 ? { CRC32: 'AAAAAA==' } : {},
      }));
      const blobs = parts.map((part) => blobRef({ sizeBytes: part.sizeBytes, chunkSizeBytes: 1024 * 1024 }));
      const put = await putVersion(metadata, bucket, 'key', draft({ data: { kind: 'blobs', blobs }, parts }));
      await putVersion(metadata, bucket, 'key2', blobDraft(blobRef(), blobRef({ storageClass: 'GLACIER' })));
      expect(await get('key')).toEqual(put);
      expect(await allKeys(metadata, bucket)).toEqual(['key', 'key2']);
      expect(await allVersions(metadata, bucket)).toHaveLength(2);
      const replaced = { ...put, tags: { a: 'b' } };
      await metadata.commit({ bucket, key: 'key', select: 'latest', decide: () => ({ replace: replaced }) });
      expect(await get('key')).toEqual(replaced);
      expect(await removeVersion(metadata, bucket, 'key', put.versionId)).toMatchObject({ changed: true });
      expect(await get('key')).toBeNull();
    });

    it('shows decide the state of the key', async () => {
      const { metadata, bucket } = await setUp();
      const seen: KeyState[] = [];
      const look = async (versionId?: string, withInline = false) => {
        const { before, changed, version } = await metadata.commit({
          bucket,
          key: 'key',
          select: versionId === undefined ? 'latest' : { versionId },
          withInline,
          decide: (state) => {
            seen.push(state);
            return null;
          },
        });
        expect({ changed, version }).toEqual({ changed: false, version: null });
        expect(before).toEqual(seen.at(-1));
        return before;
      };
      expect(await look()).toEqual({ seq: 0, latest: null, previous: null, nullVersion: null, selected: null });

      const nullVersion = (await overwrite(metadata, bucket, 'key')).version;
      if (nullVersion === null) throw new Error('no version');
      const stored = withoutBytes(nullVersion);
      expect(nullVersion.versionId).toBe('null');
      expect(await look()).toEqual({
        seq: nullVersion.seq,
        latest: stored,
        previous: null,
        nullVersion: stored,
        selected: stored,
      });

      const second = withoutBytes(await putVersion(metadata, bucket, 'key'));
      const third = withoutBytes(await putVersion(metadata, bucket, 'key'));
      const state = { seq: third.seq, latest: third, previous: second, nullVersion: stored };
      expect(await look()).toEqual({ ...state, selected: third });
      expect(await look(second.versionId)).toEqual({ ...state, selected: second });
      expect(await look('null')).toEqual({ ...state, selected: stored });
      expect(await look('no-version-id')).toEqual({ ...state, selected: null });
      const withBytes = await look('null', true);
      expect(withBytes.selected?.data).toEqual({ kind: 'inline', bytes: Buffer.from('hello') });
    });

    it('writes nothing when decide throws, and hands the throw on', async () => {
      const { metadata, bucket, get } = await setUp();
      const before = await putVersion(metadata, bucket, 'key');
      const refused = new Error('precondition failed');
      const commit = metadata.commit({
        bucket,
        key: 'key',
        select: 'latest',
        decide: () => {
          throw refused;
        },
      });
      await expect(commit).rejects.toBe(refused);
      expect(await get('key')).toEqual(withoutBytes(before));
      expect(await allVersions(metadata, bucket)).toHaveLength(1);
    });

    it('keeps throwing commits and others at the same time apart', async () => {
      const { metadata, bucket } = await setUp();
      const outcomes = await Promise.allSettled(
        range(60).map((i) =>
          metadata.commit({
            bucket,
            key: `key-${String(i).padStart(2, '0')}`,
            select: 'latest',
            decide: () => {
              if (i % 3 === 0) throw new Error(`refused ${i}`);
              return { put: { draft: draft({ etag: `etag-${i}` }), isNull: true } };
            },
          }),
        ),
      );
      for (const [i, outcome] of outcomes.entries()) {
        if (i % 3 === 0) expect(outcome).toMatchObject({ status: 'rejected', reason: { message: `refused ${i}` } });
        else expect(outcome).toMatchObject({ status: 'fulfilled', value: { version: { etag: `etag-${i}` } } });
      }
      const expected = range(60)
        .filter((i) => i % 3 !== 0)
        .map((i) => `key-${String(i).padStart(2, '0')}`);
      expect(await allKeys(metadata, bucket)).toEqual(expected);
    });

    it('loses none of 50 concurrent commits of one key', async () => {
      const { metadata, bucket, get } = await setUp();
      const commits = await Promise.all(
        range(50).map(() =>
          metadata.commit({
            bucket,
            key: 'counter',
            select: 'latest',
            decide: ({ latest, nullVersion }) => ({
              put: { draft: draft({ headers: { count: String(countOf(latest) + 1) } }), isNull: true },
              remove: nullVersion === null ? [] : [nullVersion],
            }),
          }),
        ),
      );
      expect((await get('counter'))?.headers).toEqual({ count: '50' });
      const byCount = [...commits].sort((a, b) => countOf(a.version) - countOf(b.version));
      let lastSeq = 0;
      for (const [i, { before, version, changed }] of byCount.entries()) {
        expect(changed).toBe(true);
        expect(countOf(version)).toBe(i + 1);
        expect(countOf(before.latest)).toBe(i);
        expect(before.seq).toBe(lastSeq);
        expect(version?.seq).toBeGreaterThan(lastSeq);
        lastSeq = version?.seq ?? 0;
      }
      expect(await allVersions(metadata, bucket)).toHaveLength(1);
    });

    it('lets one of 20 concurrent creators win when decide says so', async () => {
      const { metadata, bucket, get } = await setUp();
      const commits = await Promise.all(
        range(20).map((i) =>
          metadata.commit({
            bucket,
            key: 'once',
            select: 'latest',
            decide: ({ latest }) =>
              latest === null ? { put: { draft: draft({ etag: `etag-${i}` }), isNull: true } } : null,
          }),
        ),
      );
      const winners = commits.filter((commit) => commit.changed);
      expect(winners).toHaveLength(1);
      expect((await get('once'))?.etag).toBe(winners[0]?.version?.etag);
    });

    it('keeps all of 30 concurrent versions, newest first', async () => {
      const { metadata, bucket, get } = await setUp();
      const put = await Promise.all(range(30).map(() => putVersion(metadata, bucket, 'key')));
      const newestFirst = put.map((version) => version.seq).sort((a, b) => b - a);
      expect(new Set(newestFirst).size).toBe(30);
      const listed = await allVersions(metadata, bucket);
      expect(listed.map((entry) => entry.seq)).toEqual(newestFirst);
      expect(listed.map((entry) => entry.latest)).toEqual(range(30).map((i) => i === 0));
      expect((await get('key'))?.seq).toBe(newestFirst[0]);
    });

    it('keeps one null version, wherever among the others it is', async () => {
      const { metadata, bucket, get } = await setUp();
      const first = (await overwrite(metadata, bucket, 'key', draft({ etag: 'n1' }))).version;
      const second = await putVersion(metadata, bucket, 'key', draft({ etag: 'v2' }));
      expect((await get('key', 'null'))?.etag).toBe('n1');
      const third = (await overwrite(metadata, bucket, 'key', draft({ etag: 'n3' }))).version;
      expect((await get('key', 'null'))?.etag).toBe('n3');
      expect((await allVersions(metadata, bucket)).map((entry) => entry.seq)).toEqual([third?.seq, second.seq]);
      expect(first?.seq).toBeLessThan(second.seq);
      const fourth = await putVersion(metadata, bucket, 'key', markerDraft());
      const fifth = await putVersion(metadata, bucket, 'key');
      expect((await get('key', 'null'))?.etag).toBe('n3');
      // a put of the null version that does not name the one before still takes its place
      const sixth = await metadata.commit({
        bucket,
        key: 'key',
        select: 'latest',
        decide: () => ({ put: { draft: draft({ etag: 'n6' }), isNull: true } }),
      });
      const listed = await allVersions(metadata, bucket);
      expect(listed.map((entry) => entry.seq)).toEqual([sixth.version?.seq, fifth.seq, fourth.seq, second.seq]);
      await removeVersion(metadata, bucket, 'key', 'null');
      expect(await get('key', 'null')).toBeNull();
      expect((await get('key'))?.seq).toBe(fifth.seq);
    });

    it('promotes the version below when the newest is removed', async () => {
      const { metadata, bucket, get } = await setUp();
      const versions: ObjectVersion[] = [];
      for (const i of range(4)) {
        versions.push(await putVersion(metadata, bucket, 'key', draft({ etag: `etag-${i}` })));
      }
      const [v0, v1, v2, v3] = versions as [ObjectVersion, ObjectVersion, ObjectVersion, ObjectVersion];
      // from the middle: the newest stays
      await removeVersion(metadata, bucket, 'key', v2.versionId);
      expect(await get('key')).toEqual(withoutBytes(v3));
      await removeVersion(metadata, bucket, 'key', v3.versionId);
      expect(await get('key')).toEqual(withoutBytes(v1));
      expect(await get('key', v3.versionId)).toBeNull();
      const [entry] = await metadata.scanObjects(bucket, { from: '', inclusive: true, end: null, limit: 10 });
      expect(entry?.etag).toBe('etag-1');
      await removeVersion(metadata, bucket, 'key', v1.versionId);
      await removeVersion(metadata, bucket, 'key', v0.versionId);
      expect(await get('key')).toBeNull();
      expect(await allKeys(metadata, bucket)).toEqual([]);
      expect(await allVersions(metadata, bucket)).toEqual([]);
      expect(await metadata.isEmpty(bucket)).toBe(true);
    });

    it('hides a key under a delete marker and shows it when the marker goes', async () => {
      const { metadata, bucket, get } = await setUp();
      const object = await putVersion(metadata, bucket, 'key');
      const marker = await putVersion(metadata, bucket, 'key', markerDraft());
      expect(await allKeys(metadata, bucket)).toEqual([]);
      expect(await metadata.isEmpty(bucket)).toBe(false);
      expect((await get('key'))?.deleteMarker).toBe(true);
      await removeVersion(metadata, bucket, 'key', marker.versionId);
      expect(await allKeys(metadata, bucket)).toEqual(['key']);
      expect(await get('key')).toEqual(withoutBytes(object));
      const lone = await putVersion(metadata, bucket, 'lone', markerDraft());
      expect(await allKeys(metadata, bucket)).toEqual(['key']);
      await removeVersion(metadata, bucket, 'lone', lone.versionId);
      expect(await get('lone')).toBeNull();
    });

    it('never repeats a seq, also when a key had no versions in between', async () => {
      const { metadata, bucket } = await setUp();
      let last = 0;
      for (const _ of range(5)) {
        const version = await putVersion(metadata, bucket, 'key');
        expect(version.seq).toBeGreaterThan(last);
        last = version.seq;
        await removeVersion(metadata, bucket, 'key', version.versionId);
      }
    });

    it('replaces attributes in place: id, seq and bytes stay, the clock goes on', async () => {
      const { metadata, bucket, get } = await setUp();
      const old = await putVersion(metadata, bucket, 'key', draft({ etag: 'old' }));
      const newest = await putVersion(metadata, bucket, 'key', draft({ etag: 'newest' }));
      let clock = newest.seq;
      for (const target of [newest, old]) {
        const commit = await metadata.commit({
          bucket,
          key: 'key',
          select: { versionId: target.versionId },
          decide: ({ selected, seq }) => {
            expect(seq).toBeGreaterThanOrEqual(clock);
            clock = seq;
            return selected === null ? null : { replace: { ...selected, tags: { color: 'red' }, legalHold: true } };
          },
        });
        const expected = { ...target, tags: { color: 'red' }, legalHold: true };
        expect(commit.version).toEqual(withoutBytes(expected));
        expect(await get('key', target.versionId, true)).toEqual(expected);
        const next = await metadata.commit({ bucket, key: 'key', select: 'latest', decide: () => null });
        expect(next.before.seq).toBeGreaterThan(clock);
      }
      const listed = await allVersions(metadata, bucket);
      expect(listed.map((entry) => [entry.etag, entry.seq])).toEqual([
        ['newest', newest.seq],
        ['old', old.seq],
      ]);
    });

    it('replaces by a document of another size, there and back', async () => {
      const { metadata, bucket, get } = await setUp();
      const bytes = randomBytes(9000);
      const put = await putVersion(metadata, bucket, 'key', draft({ data: { kind: 'inline', bytes } }));
      for (const length of [3000, 30, 12_000, 0]) {
        await metadata.commit({
          bucket,
          key: 'key',
          select: 'latest',
          decide: ({ latest }) => (latest === null ? null : { replace: { ...latest, acl: 'x'.repeat(length) } }),
        });
        expect(await get('key', put.versionId, true)).toEqual({ ...put, acl: 'x'.repeat(length) });
      }
    });

    it('applies a removal and a put of one change together', async () => {
      const { metadata, bucket, get } = await setUp();
      const first = await putVersion(metadata, bucket, 'key', draft({ etag: 'first' }));
      const second = await putVersion(metadata, bucket, 'key', draft({ etag: 'second' }));
      const { version } = await metadata.commit({
        bucket,
        key: 'key',
        select: { versionId: first.versionId },
        decide: ({ latest }) => ({
          put: { draft: draft({ etag: 'third' }), isNull: false },
          remove: latest === null ? [] : [latest],
        }),
      });
      expect((await allVersions(metadata, bucket)).map((entry) => entry.etag)).toEqual(['third', 'first']);
      expect(await get('key', second.versionId)).toBeNull();
      await removeVersion(metadata, bucket, 'key', version?.versionId ?? '');
      expect(await get('key')).toEqual(withoutBytes(first));
    });

    it('refuses commits to a bucket that is not there', async () => {
      const { metadata, bucket, stores } = await setUp();
      const stranger = { ...bucket, instance: '00000000-0000-4000-8000-000000000000' };
      const error = await expectStoreError(overwrite(metadata, stranger, 'key'), 'bucketGone');
      expect(error.outcome).toBe('notApplied');
      await stores.buckets.delete(bucket, async () => true);
      await expectStoreError(overwrite(metadata, bucket, 'key'), 'bucketGone');
      await expectStoreError(
        metadata.commit({ bucket, key: 'key', select: 'latest', decide: () => null }),
        'bucketGone',
      );
    });

    it('repairIndex leaves a sound key as it is', async () => {
      const { metadata, bucket } = await setUp();
      await overwrite(metadata, bucket, 'key');
      await putVersion(metadata, bucket, 'key');
      await putVersion(metadata, bucket, 'hidden', markerDraft());
      const before = await allVersions(metadata, bucket);
      for (const key of ['key', 'hidden', 'unknown']) await metadata.repairIndex(bucket, key);
      expect(await allVersions(metadata, bucket)).toEqual(before);
      expect(await allKeys(metadata, bucket)).toEqual(['key']);
    });
  });
}

function countOf(version: ObjectVersion | null): number {
  return Number(version?.headers['count'] ?? 0);
}

/** As it is read without inline bytes. */
function withoutBytes(version: ObjectVersion): ObjectVersion {
  return version.data.kind === 'inline' ? { ...version, data: { kind: 'inline', bytes: null } } : version;
}

function richDraft(): VersionDraft {
  const blobs = [blobRef(), blobRef({ sizeBytes: 1 }), blobRef({ storageClass: 'STANDARD_IA', chunkSizeBytes: 4096 })];
  return draft({
    sizeBytes: 2 ** 42,
    etag: `${'0123456789abcdef'.repeat(2)}-3`,
    lastModified: 1_722_000_123_456,
    storageClass: 'STANDARD_IA',
    owner: { id: 'öwner', displayName: '𐀀 ￿ "quoted"' },
    headers: { 'content-type': 'text/plain; charset="utf-8"', 'x-amz-meta-ключ': 'значение', constructor: 'x', '': '' },
    data: { kind: 'blobs', blobs },
    acl: '{"grants":[]}',
    tags: { toString: 'a', 'key with space': '', 'emoji 🙂': '🙂' },
    parts: [
      { partNumber: 1, sizeBytes: 5, checksums: { SHA256: 'abc=', CRC32: 'def=' } },
      { partNumber: 10_000, sizeBytes: 0, checksums: {} },
    ],
    checksum: { algorithm: 'SHA256', type: 'COMPOSITE', value: 'abc=-2' },
    encryption: { kind: 'SSE-KMS', keyId: 'arn:aws:kms:key', wrappedKey: 'd3JhcHBlZA==', context: { a: 'b' } },
    retention: { mode: 'COMPLIANCE', untilMs: 4_000_000_000_000 },
    legalHold: true,
    uploadId: 'upload~1',
    extra: { nested: { list: [1, null, 'x', { y: false }] }, zero: 0 },
  });
}
