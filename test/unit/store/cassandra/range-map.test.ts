import { describe, expect, it } from 'vitest';
import { RangeMap } from '../../../../src/store/cassandra/range-map.js';
import type { RangeRow } from '../../../../src/store/cassandra/range-map.js';

const row = (start: string, end: string | null, id: number, state: RangeRow['state'] = 'active'): RangeRow => ({
  start,
  end,
  id,
  state,
  slot: 0,
  move: null,
});

describe('RangeMap', () => {
  it('is one range, 0, without rows', () => {
    const map = new RangeMap([]);
    expect(map.forWrite('any')).toEqual({ first: [0], then: [] });
    expect(map.spanOf('')).toEqual({ id: 0, start: '', end: null });
    expect(map.spansFrom('m')).toEqual([{ id: 0, start: '', end: null }]);
    expect(map.isActive(0)).toBe(true);
  });

  const split = new RangeMap([row('m', 't', 2), row('', 'm', 1), row('t', null, 3)]);

  it('puts each key into the range that starts at or before it', () => {
    const ids = ['', 'a', 'lzzz', 'm', 'mm', 's', 't', 'z'].map((key) => split.spanOf(key).id);
    expect(ids).toEqual([1, 1, 1, 2, 2, 2, 3, 3]);
    expect(split.forWrite('m')).toEqual({ first: [2], then: [] });
    expect(split.isActive(0)).toBe(false);
  });

  it('spans the ranges from a key to the end in order', () => {
    expect(split.spansFrom('n')).toEqual([
      { id: 2, start: 'm', end: 't' },
      { id: 3, start: 't', end: null },
    ]);
    expect(split.spansFrom('').map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(split.spansFrom('', 2).map(({ id }) => id)).toEqual([1, 2]);
    expect(split.spansFrom('zzz').map(({ id }) => id)).toEqual([3]);
  });

  it('writes to a range that is being filled after the one that is read', () => {
    const map = new RangeMap([
      row('', 'p', 4),
      row('', 'g', 5, 'filling'),
      row('g', 'p', 6, 'filling'),
      row('p', null, 7),
    ]);
    expect(map.forWrite('f')).toEqual({ first: [4], then: [5] });
    expect(map.forWrite('g')).toEqual({ first: [4], then: [6] });
    expect(map.forWrite('p')).toEqual({ first: [7], then: [] });
    expect(map.spansFrom('h')).toEqual([
      { id: 4, start: '', end: 'p' },
      { id: 7, start: 'p', end: null },
    ]);
    expect([...map.ids()].sort()).toEqual([4, 5, 6, 7]);
  });

  it('writes on to a range that is not read any more, also while the next one is being filled', () => {
    const map = new RangeMap([row('', null, 2), row('', 'm', 1, 'leaving'), row('', null, 3, 'filling')]);
    expect(map.forWrite('a')).toEqual({ first: [2, 1], then: [3] });
    expect(map.forWrite('m')).toEqual({ first: [2], then: [3] });
    expect(map.isActive(1)).toBe(false);
  });

  it('orders by UTF-8, not by UTF-16 units', () => {
    const map = new RangeMap([row('\u{10000}', null, 2), row('', '\uFF00', 0), row('\uFF00', '\u{10000}', 1)]);
    expect(['\uFFFD', '\u{1F600}', '\uD7FF'].map((key) => map.spanOf(key).id)).toEqual([1, 2, 0]);
  });
});
