/** What quotas are reckoned with. */
import { describe, expect, it } from 'vitest';
import { applyChange } from '../../../src/store/shared/key-change.js';
import {
  amountOfChange,
  beginCount,
  charged,
  endCount,
  exceeded,
  isCounted,
  isOnPage,
  newTally,
  shareOf,
  ZERO,
} from '../../../src/store/shared/quota.js';
import type { KeyState, ObjectVersion } from '../../../src/store/types.js';
import { DRAFT, version } from './cassandra/heads.js';

function stateOf(...versions: readonly ObjectVersion[]): KeyState {
  const nullVersion = versions.find(({ versionId }) => versionId === 'null') ?? null;
  const latest = versions[0] ?? null;
  return { seq: latest?.seq ?? 0, latest, previous: versions[1] ?? null, nullVersion, selected: latest };
}

const nullOf = (sizeBytes: number) => version({ seq: 5, versionId: 'null', sizeBytes });
const draftOf = (sizeBytes: number) => ({ ...DRAFT, sizeBytes });
const marker = { ...DRAFT, deleteMarker: true, sizeBytes: 0, data: { kind: 'none' } as const };

describe('amountOfChange', () => {
  it.each([
    ['a new object', stateOf(), { put: { draft: draftOf(7), isNull: true } }, { bytes: 7, objects: 1 }],
    ['an overwrite', stateOf(nullOf(10)), { put: { draft: draftOf(7), isNull: true } }, { bytes: -3, objects: 0 }],
    ['another version', stateOf(nullOf(10)), { put: { draft: draftOf(7), isNull: false } }, { bytes: 7, objects: 1 }],
    ['a deletion', stateOf(nullOf(10)), { remove: [nullOf(10)] }, { bytes: -10, objects: -1 }],
    ['a delete marker', stateOf(nullOf(10)), { put: { draft: marker, isNull: false } }, { bytes: 0, objects: 0 }],
    [
      'a null delete marker',
      stateOf(nullOf(10)),
      { put: { draft: marker, isNull: true } },
      { bytes: -10, objects: -1 },
    ],
  ])('knows %s', (_what, state, change, amount) => {
    const found = amountOfChange(state, applyChange(state, change, 1_000));
    expect({ bytes: (found?.bytes ?? Number.NaN) + 0, objects: (found?.objects ?? Number.NaN) + 0 }).toEqual(amount);
  });

  it('is nothing at all where no version comes or goes', () => {
    const state = stateOf(nullOf(10));
    const replace = { ...nullOf(10), tags: { a: 'b' } };
    expect(amountOfChange(state, applyChange(state, { replace }, 1_000))).toBeNull();
  });

  it('counts a version that is placed below the newest', () => {
    const newest = version({ seq: 2_000_000 });
    const state = { ...stateOf(newest), selected: null };
    const versionId = `${(1_000_000).toString(36).padStart(11, '0')}abcdefghijklm`;
    const applied = applyChange(state, { place: { draft: draftOf(7), versionId } }, 3_000);
    expect(applied.below).not.toBeNull();
    expect(amountOfChange(state, applied)).toEqual({ bytes: 7, objects: 1 });
  });
});

describe('exceeded', () => {
  const limits = { bytes: 100, objects: 2 };
  it.each([
    [{ bytes: 90, objects: 1 }, { bytes: 10, objects: 1 }, null],
    [{ bytes: 90, objects: 1 }, { bytes: 11, objects: 1 }, 'bytes'],
    [{ bytes: 90, objects: 2 }, { bytes: 0, objects: 1 }, 'objects'],
    [{ bytes: 200, objects: 9 }, { bytes: 0, objects: 0 }, null],
    [{ bytes: 200, objects: 9 }, { bytes: -1, objects: 0 }, null],
    [{ bytes: 200, objects: 1 }, { bytes: -1, objects: 1 }, null],
    [{ bytes: 200, objects: 1 }, { bytes: 1, objects: -1 }, 'bytes'],
  ])('of %j and %j more', (used, amount, what) => {
    expect(exceeded(limits, used, amount)).toBe(what);
    expect(exceeded(null, used, amount)).toBeNull();
    expect(exceeded({ bytes: null, objects: null }, used, amount)).toBeNull();
  });
});

describe('a walk that counts', () => {
  const empty = newTally({ name: 'b', region: 'r', epoch: 'e', counted: false });
  const amount = { bytes: 5, objects: 1 };

  it('takes in changes of keys that it has passed, and of no others', () => {
    const begun = beginCount(empty, 'walk');
    if (begun.count === null) throw new Error('it has not begun');
    const half = { ...begun, count: { ...begun.count, after: 'm', found: { bytes: 50, objects: 5 } } };
    const changed = charged(charged(charged(half, 'a', amount), 'm', amount), 'z', amount);
    expect(changed.count?.found).toEqual({ bytes: 60, objects: 7 });
    expect(shareOf(changed)).toEqual(ZERO);
    if (changed.count === null) throw new Error('it has ended');
    const ended = endCount(changed, changed.count, true);
    expect(ended).toMatchObject({ used: { bytes: 60, objects: 7 }, counted: true, count: null, lastCount: 'walk' });
    expect(charged(ended, 'z', amount).used).toEqual({ bytes: 65, objects: 8 });
  });

  it('leaves the counter as it was when it only compares', () => {
    const counted = { ...beginCount(empty, 'walk'), counted: true, used: { bytes: 1, objects: 1 } };
    if (counted.count === null) throw new Error('it has not begun');
    expect(endCount(counted, counted.count, false).used).toEqual({ bytes: 1, objects: 1 });
  });

  it('knows its page in the order of UTF-8', () => {
    const { count } = beginCount(empty, 'walk');
    if (count === null) throw new Error('it has not begun');
    const on = (to: string | null) => ({ ...count, after: 'b', page: { id: 'p', to } });
    expect(['a', 'b', 'ba', 'd', '\u{ffff}', '\u{1f600}'].map((key) => isOnPage(on('\u{ffff}'), key))).toEqual([
      false,
      false,
      true,
      true,
      true,
      false,
    ]);
    expect(isOnPage(on(null), '\u{1f600}')).toBe(true);
    expect(isOnPage(count, 'a')).toBe(false);
    expect([isCounted(on(null), 'b'), isCounted(on(null), 'ba'), isCounted(null, 'a')]).toEqual([true, false, false]);
  });
});
