/** What a decided change makes of a key. */
import { describe, expect, it } from 'vitest';
import { StoreError } from '../../../src/store/errors.js';
import { applyChange, unreferencedBlobs } from '../../../src/store/shared/key-change.js';
import type { KeyChange, KeyState, ObjectData, ObjectVersion, VersionDraft } from '../../../src/store/types.js';
import { seqOfVersionId } from '../../../src/store/versions.js';

const NOW_MS = 1_700_000_000_000;
const NOW_SEQ = NOW_MS * 1000;
const EMPTY: KeyState = { seq: 0, latest: null, previous: null, nullVersion: null, selected: null };

describe('applyChange', () => {
  it('puts the first version of a key', () => {
    const applied = applyChange(EMPTY, { put: { draft: draft(), isNull: false } }, NOW_MS);
    expect(applied).toEqual({
      seq: NOW_SEQ,
      put: { ...draft(), seq: NOW_SEQ, versionId: applied.put?.versionId },
      below: null,
      replace: null,
      placed: applied.put,
      removed: [],
      garbageBlobs: [],
      newLatest: applied.put,
    });
    expect(seqOfVersionId(applied.put?.versionId ?? '')).toBe(NOW_SEQ);
  });

  it('raises the clock above the last change and the floor', () => {
    const put: KeyChange = { put: { draft: draft(), isNull: true } };
    expect(applyChange({ ...EMPTY, seq: NOW_SEQ + 5 }, put, NOW_MS).seq).toBe(NOW_SEQ + 6);
    expect(applyChange({ ...EMPTY, seq: NOW_SEQ + 5 }, put, NOW_MS, NOW_SEQ + 9).seq).toBe(NOW_SEQ + 10);
    expect(applyChange({ ...EMPTY, seq: 7 }, put, NOW_MS, 8).seq).toBe(NOW_SEQ);
    expect(applyChange(state(version(1)), { remove: [version(1)] }, NOW_MS).seq).toBe(NOW_SEQ);
  });

  it('takes the null version before away with a null put, named or not, once', () => {
    const before = version(5, { versionId: 'null', data: blobs('a', 'b') });
    for (const remove of [undefined, [], [before]]) {
      const put = { draft: draft(blobs('c')), isNull: true };
      const applied = applyChange(state(before), remove === undefined ? { put } : { put, remove }, NOW_MS);
      expect(applied.put?.versionId).toBe('null');
      expect(applied.removed).toEqual([before]);
      expect(inodes(applied.garbageBlobs)).toEqual(['a', 'b']);
      expect(applied.newLatest).toBe(applied.put);
    }
  });

  it('keeps the null version when another is put', () => {
    const before = version(5, { versionId: 'null', data: blobs('a') });
    const applied = applyChange(state(before), { put: { draft: draft(), isNull: false } }, NOW_MS);
    expect(applied.removed).toEqual([]);
    expect(applied.garbageBlobs).toEqual([]);
  });

  it('finds the newest version after a removal', () => {
    const [latest, previous, old] = [version(9), version(5), version(2)];
    const full: KeyState = { ...state(latest, previous), selected: old };
    expect(applyChange(full, { remove: [latest] }, NOW_MS).newLatest).toEqual(previous);
    expect(applyChange(full, { remove: [previous] }, NOW_MS).newLatest).toEqual(latest);
    expect(applyChange(full, { remove: [old] }, NOW_MS).newLatest).toEqual(latest);
    expect(applyChange(state(latest), { remove: [latest] }, NOW_MS).newLatest).toBeNull();
  });

  it('refuses to lose sight of what is below', () => {
    const [latest, previous] = [version(9), version(5)];
    expect(() => applyChange(state(latest, previous), { remove: [latest, previous] }, NOW_MS)).toThrow(StoreError);
    const put = { draft: draft(), isNull: false };
    const applied = applyChange(state(latest, previous), { put, remove: [latest, previous] }, NOW_MS);
    expect(applied.newLatest).toBe(applied.put);
    expect(applied.removed).toHaveLength(2);
  });

  it('replaces in place, as the newest too', () => {
    const [latest, previous] = [version(9, { data: blobs('a') }), version(5)];
    const replace = { ...latest, tags: { a: 'b' } };
    const applied = applyChange(state(latest, previous), { replace }, NOW_MS);
    expect(applied).toMatchObject({ put: null, replace, removed: [], garbageBlobs: [], newLatest: replace });
    const promoted = applyChange(
      state(latest, previous),
      { replace: { ...previous, legalHold: true }, remove: [latest] },
      NOW_MS,
    );
    expect(promoted.newLatest).toEqual({ ...previous, legalHold: true });
    expect(inodes(promoted.garbageBlobs)).toEqual(['a']);
  });

  it.each([
    ['a version of which the state says nothing', version(3)],
    ['another version id', { ...version(9), versionId: 'other' }],
    ['other blobs', { ...version(9), data: blobs('z') }],
    ['another kind of data', { ...version(9), data: { kind: 'inline', bytes: null } as const }],
  ])('refuses to replace %s', (_, replace) => {
    const before = state(version(9, { data: blobs('a') }));
    expect(() => applyChange(before, { replace }, NOW_MS)).toThrow(/a change replaces/);
  });

  it('refuses to replace and remove one version', () => {
    const latest = version(9);
    expect(() => applyChange(state(latest), { replace: latest, remove: [latest] }, NOW_MS)).toThrow(StoreError);
  });

  it('makes no garbage of blobs that a known version keeps', () => {
    const latest = version(9, { data: blobs('a', 'b', 'c') });
    const previous = version(5, { data: blobs('a') });
    const selected = version(2, { data: blobs('b') });
    const full: KeyState = { ...state(latest, previous), selected };
    expect(inodes(applyChange(full, { remove: [latest] }, NOW_MS).garbageBlobs)).toEqual(['c']);
    const put = { draft: draft(blobs('a', 'b', 'c')), isNull: false };
    expect(applyChange(full, { put, remove: [latest] }, NOW_MS).garbageBlobs).toEqual([]);
    expect(inodes(applyChange(full, { remove: [latest, selected] }, NOW_MS).garbageBlobs)).toEqual(['b', 'c']);
  });
});

describe('a move', () => {
  const before = version(5, { data: blobs('a', 'b') });
  const after = { ...before, storageClass: 'GLACIER', data: blobs('c', 'b') };

  it('makes garbage of the blobs it leaves, and names the version that has the new ones', () => {
    const applied = applyChange(state(before), { replace: after, moved: true }, NOW_MS);
    expect(applied).toMatchObject({ put: null, replace: after, placed: after, removed: [], newLatest: after });
    expect(inodes(applied.garbageBlobs)).toEqual(['a']);
  });

  it('is needed to replace blobs, and an ordinary replacement places none', () => {
    expect(() => applyChange(state(before), { replace: after }, NOW_MS)).toThrow(StoreError);
    expect(applyChange(state(before), { replace: { ...before, tags: { a: 'b' } } }, NOW_MS).placed).toBeNull();
  });

  it('cannot change the kind of data or the version id', () => {
    for (const wrong of [
      { ...after, versionId: 'other' },
      { ...after, data: { kind: 'none' as const } },
    ])
      expect(() => applyChange(state(before), { replace: wrong, moved: true }, NOW_MS)).toThrow(StoreError);
  });
});

describe('unreferencedBlobs', () => {
  it('answers each once, names only', () => {
    const a = { inode: 'a', storageClass: 'STANDARD', sizeBytes: 1, chunkSizeBytes: 1 };
    expect(unreferencedBlobs([a, a, { ...a, inode: 'b' }], [{ data: blobs('b') }, { data: { kind: 'none' } }])).toEqual(
      [{ inode: 'a', storageClass: 'STANDARD' }],
    );
  });
});

function draft(data: ObjectData = { kind: 'none' }): VersionDraft {
  return {
    deleteMarker: false,
    sizeBytes: 1,
    etag: 'etag',
    lastModified: 1,
    storageClass: 'STANDARD',
    owner: { id: 'o', displayName: 'o' },
    headers: {},
    data,
    acl: null,
    tags: {},
    parts: null,
    checksum: null,
    encryption: null,
    retention: null,
    legalHold: false,
    uploadId: null,
    extra: {},
  };
}

function version(seq: number, overrides: Partial<ObjectVersion> = {}): ObjectVersion {
  return { ...draft(), seq, versionId: `id-${seq}`, ...overrides };
}

function state(latest: ObjectVersion, previous: ObjectVersion | null = null): KeyState {
  const nullVersion = [latest, previous].find((v) => v?.versionId === 'null') ?? null;
  return { seq: latest.seq, latest, previous, nullVersion, selected: latest };
}

function blobs(...names: readonly string[]): ObjectData {
  return {
    kind: 'blobs',
    blobs: names.map((inode) => ({ inode, storageClass: 'STANDARD', sizeBytes: 1, chunkSizeBytes: 1 })),
  };
}

function inodes(found: readonly { readonly inode: string }[]): string[] {
  return found.map((blob) => blob.inode);
}
