/** Contract of MetadataStore: listings of objects and versions. */
import { describe, expect, it } from 'vitest';
import { compareKeys } from '../../../src/store/key-order.js';
import type { BucketRef, KeyScan, MetadataStore, VersionEntry } from '../../../src/store/types.js';
import {
  OWNER,
  allKeys,
  allVersions,
  draft,
  inParallel,
  markerDraft,
  overwrite,
  putVersion,
  range,
  useStores,
} from './harness.js';
import type { MakeStores } from './harness.js';

/** In UTF-8 order, which is not that of UTF-16 units for the last ones. */
const SORTED_KEYS = [
  ' ',
  '!',
  'a',
  'a\u0000',
  'a\u0000b',
  'a\u0001',
  'a ',
  'a/',
  'a/b',
  'aa',
  `b${'x'.repeat(1023)}`,
  'c',
  'z',
  '\u007f',
  'é',
  'ü/ü',
  '\ud7ff',
  '\ue000',
  '\uffff',
  '\uffffx',
  '\u{10000}',
  '\u{1f642}',
  '\u{1f642}'.repeat(256),
  '\u{10ffff}',
];

export function listingContract(name: string, makeStores: MakeStores): void {
  describe(`${name}: listings`, () => {
    const fixture = useStores(makeStores);
    const setUp = async () => {
      const { metadata, bucket: makeBucket } = fixture();
      const bucket = await makeBucket();
      const keys = async (scan: Partial<KeyScan>) => {
        const entries = await metadata.scanObjects(bucket, {
          from: '',
          inclusive: true,
          end: null,
          limit: 1000,
          ...scan,
        });
        return entries.map((entry) => entry.key);
      };
      return { metadata, bucket, keys };
    };

    it('knows the order it is asked for', () => {
      expect([...SORTED_KEYS].sort(compareKeys)).toEqual(SORTED_KEYS);
      expect([...SORTED_KEYS].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))).toEqual(SORTED_KEYS);
    });

    it('lists an empty bucket', async () => {
      const { metadata, bucket, keys } = await setUp();
      expect(await keys({})).toEqual([]);
      expect(await allVersions(metadata, bucket)).toEqual([]);
      expect(await metadata.isEmpty(bucket)).toBe(true);
    });

    it('says everything that ListObjects shows', async () => {
      const { metadata, bucket } = await setUp();
      const checksum = { algorithm: 'CRC64NVME', type: 'FULL_OBJECT', value: 'AAAAAAAAAAA=' } as const;
      await overwrite(metadata, bucket, 'with', draft({ sizeBytes: 2 ** 42, checksum, storageClass: 'GLACIER' }));
      await overwrite(metadata, bucket, 'without', draft({ owner: { id: 'x', displayName: 'x' } }));
      const listed = await metadata.scanObjects(bucket, { from: '', inclusive: true, end: null, limit: 10 });
      const { etag, lastModified } = draft();
      expect(listed).toEqual([
        {
          key: 'with',
          sizeBytes: 2 ** 42,
          etag,
          lastModified,
          storageClass: 'GLACIER',
          owner: OWNER,
          checksumAlgorithm: 'CRC64NVME',
          checksumType: 'FULL_OBJECT',
        },
        {
          key: 'without',
          sizeBytes: 5,
          etag,
          lastModified,
          storageClass: 'STANDARD',
          owner: { id: 'x', displayName: 'x' },
          checksumAlgorithm: null,
          checksumType: null,
        },
      ]);
      const versions = await allVersions(metadata, bucket);
      expect(versions).toEqual(
        listed.map((entry, i) => ({
          ...entry,
          versionId: 'null',
          seq: versions[i]?.seq,
          deleteMarker: false,
          latest: true,
        })),
      );
    });

    it('lists in UTF-8 order, whatever the keys', async () => {
      const { metadata, bucket, keys } = await setUp();
      await inParallel([...SORTED_KEYS].reverse(), 6, (key) => overwrite(metadata, bucket, key));
      expect(await keys({})).toEqual(SORTED_KEYS);
      expect((await allVersions(metadata, bucket)).map((entry) => entry.key)).toEqual(SORTED_KEYS);
      for (const key of SORTED_KEYS) {
        const version = await metadata.getVersion(bucket, key, 'latest', { withInline: false });
        expect(version?.versionId).toBe('null');
      }
    });

    it('starts and ends where it is told to', async () => {
      const { metadata, bucket, keys } = await setUp();
      await inParallel(SORTED_KEYS, 6, (key) => overwrite(metadata, bucket, key));
      for (const [i, key] of SORTED_KEYS.entries()) {
        expect(await keys({ from: key, limit: 3 })).toEqual(SORTED_KEYS.slice(i, i + 3));
        expect(await keys({ from: key, inclusive: false, limit: 3 })).toEqual(SORTED_KEYS.slice(i + 1, i + 4));
        expect(await keys({ end: key })).toEqual(SORTED_KEYS.slice(0, i));
        expect(await keys({ from: 'a', end: key })).toEqual(SORTED_KEYS.slice(2, Math.max(2, i)));
      }
      // keys that are not there
      expect(await keys({ from: 'a\u0000a', limit: 1 })).toEqual(['a\u0000b']);
      expect(await keys({ from: 'b', inclusive: false, limit: 1 })).toEqual([`b${'x'.repeat(1023)}`]);
      expect(await keys({ from: 'a', end: 'a0' })).toEqual(SORTED_KEYS.slice(2, 9));
      expect(await keys({ from: 'zz', end: 'a' })).toEqual([]);
    });

    it('bounds may be longer than any key', async () => {
      const { metadata, bucket, keys } = await setUp();
      await inParallel(SORTED_KEYS, 6, (key) => overwrite(metadata, bucket, key));
      const longest = `b${'x'.repeat(1023)}`;
      for (const tail of ['', 'x', '\uffff', 'x'.repeat(2000)]) {
        const from = longest + tail;
        const wanted = SORTED_KEYS.slice(SORTED_KEYS.indexOf(longest) + 1);
        expect(await keys({ from, inclusive: false })).toEqual(wanted);
        expect(await keys({ end: `${from}y` })).toEqual(SORTED_KEYS.slice(0, SORTED_KEYS.indexOf(longest) + 1));
      }
      const uploads = {
        from: `${longest}xx`,
        inclusive: true,
        end: `${longest}${'y'.repeat(500)}`,
        limit: 10,
        fromUploadIdAfter: null,
      };
      expect(await metadata.scanUploads(bucket, uploads)).toEqual([]);
      expect(await metadata.scanVersions(bucket, { ...uploads, fromSeqBelow: 5 })).toEqual([]);
    });

    it('goes through many keys in pages of any size, missing and repeating none', async () => {
      const { metadata, bucket, keys } = await setUp();
      const wanted = range(300).map((i) => `dir-${i % 7}/${String((i * 7919) % 300).padStart(4, '0')}`);
      await inParallel(wanted, 16, (key) => overwrite(metadata, bucket, key));
      const sorted = [...new Set(wanted)].sort(compareKeys);
      for (const limit of [1000, 300, 100, 37]) {
        const seen: string[] = [];
        for (;;) {
          const page = await keys({ from: seen.at(-1) ?? '', inclusive: seen.length === 0, limit });
          seen.push(...page);
          if (page.length < limit) break;
        }
        expect(seen).toEqual(sorted);
      }
    });

    it('keeps buckets apart', async () => {
      const { metadata, bucket } = await setUp();
      const other = await fixture().bucket();
      await overwrite(metadata, bucket, 'key', draft({ etag: 'mine' }));
      await overwrite(metadata, other, 'key', draft({ etag: 'other' }));
      await putVersion(metadata, other, 'zzz', markerDraft());
      expect(await allKeys(metadata, bucket)).toEqual(['key']);
      expect((await allVersions(metadata, bucket)).map((entry) => entry.etag)).toEqual(['mine']);
      expect(await metadata.isEmpty(bucket)).toBe(false);
    });

    it('shows a commit at once, and its removal', async () => {
      const { metadata, bucket, keys } = await setUp();
      for (const i of range(20)) {
        const version = await putVersion(metadata, bucket, 'key', draft({ etag: `etag-${i}` }));
        const [entry] = await metadata.scanObjects(bucket, { from: '', inclusive: true, end: null, limit: 1 });
        expect(entry?.etag).toBe(`etag-${i}`);
        await metadata.commit({ bucket, key: 'key', select: 'latest', decide: () => ({ remove: [version] }) });
        expect(await keys({})).toEqual([]);
      }
    });

    it('steps over delete markers without coming up short', async () => {
      const { metadata, bucket, keys } = await setUp();
      const all = range(60).map((i) => `key-${String(i).padStart(3, '0')}`);
      await inParallel(all, 8, (key) => putVersion(metadata, bucket, key));
      const hidden = all.filter((_, i) => i % 10 !== 0);
      await inParallel(hidden, 8, (key) => putVersion(metadata, bucket, key, markerDraft()));
      const visible = all.filter((_, i) => i % 10 === 0);
      expect(await keys({ limit: 6 })).toEqual(visible);
      expect(await keys({ limit: 4 })).toEqual(visible.slice(0, 4));
      expect(await keys({ from: 'key-021', limit: 2 })).toEqual(['key-030', 'key-040']);
      expect(await allVersions(metadata, bucket)).toHaveLength(60 + 54);
    });

    it('lists versions newest first under their key, markers included', async () => {
      const { metadata, bucket } = await setUp();
      const { listed, expected } = await mixedVersions(metadata, bucket);
      expect(listed).toEqual(expected);
    });

    it('resumes a version listing after any version, with any page size', async () => {
      const { metadata, bucket } = await setUp();
      await mixedVersions(metadata, bucket);
      const all = await allVersions(metadata, bucket);
      for (const [i, { key, seq }] of all.entries()) {
        for (const inclusive of [true, false]) {
          const rest = await metadata.scanVersions(bucket, {
            from: key,
            inclusive,
            end: null,
            limit: 1000,
            fromSeqBelow: seq,
          });
          expect(rest).toEqual(all.slice(i + 1));
        }
      }
      for (const limit of [1, 2, 3, 5]) {
        const seen: VersionEntry[] = [];
        for (;;) {
          const last = seen.at(-1);
          const page = await metadata.scanVersions(bucket, {
            from: last?.key ?? '',
            inclusive: last === undefined,
            end: null,
            limit,
            fromSeqBelow: last?.seq ?? null,
          });
          seen.push(...page);
          if (page.length < limit) break;
        }
        expect(seen).toEqual(all);
      }
    });

    it('starts and ends a version listing at keys', async () => {
      const { metadata, bucket } = await setUp();
      await mixedVersions(metadata, bucket);
      const all = await allVersions(metadata, bucket);
      const scan = (from: string, inclusive: boolean, end: string | null) =>
        metadata.scanVersions(bucket, { from, inclusive, end, limit: 1000, fromSeqBelow: null });
      expect(await scan('b', true, null)).toEqual(all.filter(({ key }) => compareKeys(key, 'b') >= 0));
      expect(await scan('b', false, null)).toEqual(all.filter(({ key }) => compareKeys(key, 'b') > 0));
      expect(await scan('', true, 'c')).toEqual(all.filter(({ key }) => compareKeys(key, 'c') < 0));
      const [, second] = all.filter(({ key }) => key === 'b');
      const below = await metadata.scanVersions(bucket, {
        from: 'b',
        inclusive: true,
        end: 'c',
        limit: 1000,
        fromSeqBelow: second?.seq ?? 0,
      });
      expect(below).toEqual(
        all.filter(({ key, seq }) => (key === 'b' && seq < (second?.seq ?? 0)) || (key > 'b' && key < 'c')),
      );
    });
  });
}

/** Keys with one to five versions of all kinds, among them a key that begins like another. */
async function mixedVersions(metadata: MetadataStore, bucket: BucketRef) {
  const put: { key: string; etag: string; deleteMarker: boolean; isNull: boolean; seq: number }[] = [];
  const add = async (key: string, etag: string, kind: 'object' | 'marker' | 'null') => {
    const version =
      kind === 'null'
        ? (await overwrite(metadata, bucket, key, draft({ etag }))).version
        : await putVersion(metadata, bucket, key, kind === 'marker' ? markerDraft() : draft({ etag }));
    put.push({
      key,
      etag: version?.etag ?? '',
      deleteMarker: kind === 'marker',
      isNull: kind === 'null',
      seq: version?.seq ?? 0,
    });
  };
  for (const key of ['a', 'b', 'b\u0000', 'ba', 'c', 'd']) await add(key, `1-${key}`, 'object');
  for (const key of ['b', 'ba', 'd']) await add(key, `2-${key}`, 'null');
  for (const key of ['b', 'b\u0000', 'd']) await add(key, '', 'marker');
  for (const key of ['b', 'c']) await add(key, `4-${key}`, 'object');
  await add('b', '5-b', 'object');
  await add('e', '', 'marker');
  const newestFirst = put.sort((x, y) => compareKeys(x.key, y.key) || y.seq - x.seq);
  const expected = newestFirst.map((version, i) => ({
    ...version,
    latest: newestFirst[i - 1]?.key !== version.key,
  }));
  const listed = (await allVersions(metadata, bucket)).map(({ key, etag, deleteMarker, seq, versionId, latest }) => ({
    key,
    etag,
    deleteMarker,
    isNull: versionId === 'null',
    seq,
    latest,
  }));
  return { listed, expected };
}
