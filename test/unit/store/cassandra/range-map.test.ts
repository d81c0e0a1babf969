import { describe, expect, it } from 'vitest';
import { RangeMap } from '../../../../src/store/cassandra/range-map.js';

describe('RangeMap', () => {
  it('is one range, 0, without rows', () => {
    const map = new RangeMap([]);
    expect(map.forWrite('any')).toEqual([0]);
    expect(map.forRead('')).toBe(0);
    expect(map.spansFrom('m')).toEqual([{ id: 0, start: '', end: null }]);
  });

  const split = new RangeMap([
    { start: 'm', id: 2, state: 'active' },
    { start: '', id: 1, state: 'active' },
    { start: 't', id: 3, state: 'active' },
  ]);

  it('puts each key into the range that starts at or before it', () => {
    expect(['', 'a', 'lzzz', 'm', 'mm', 's', 't', 'z'].map((key) => split.forRead(key))).toEqual([
      1, 1, 1, 2, 2, 2, 3, 3,
    ]);
    expect(split.forWrite('m')).toEqual([2]);
  });

  it('spans the ranges from a key to the end in order', () => {
    expect(split.spansFrom('n')).toEqual([
      { id: 2, start: 'm', end: 't' },
      { id: 3, start: 't', end: null },
    ]);
    expect(split.spansFrom('').map(({ id }) => id)).toEqual([1, 2, 3]);
    expect(split.spansFrom('zzz').map(({ id }) => id)).toEqual([3]);
  });

  it('keeps the keys before the first row in range 0', () => {
    const map = new RangeMap([{ start: 'm', id: 7, state: 'active' }]);
    expect(map.forRead('a')).toBe(0);
    expect(map.forRead('m')).toBe(7);
  });

  it('writes to a range that is being filled besides the one that is read', () => {
    const map = new RangeMap([
      { start: '', id: 0, state: 'active' },
      { start: 'g', id: 5, state: 'filling' },
      { start: 'p', id: 6, state: 'active' },
    ]);
    expect(map.forWrite('f')).toEqual([0]);
    expect(map.forWrite('g')).toEqual([0, 5]);
    expect(map.forWrite('o')).toEqual([0, 5]);
    expect(map.forWrite('p')).toEqual([6]);
    expect(map.spansFrom('h')).toEqual([
      { id: 0, start: '', end: 'p' },
      { id: 6, start: 'p', end: null },
    ]);
  });

  it('orders by UTF-8, not by UTF-16 units', () => {
    const map = new RangeMap([
      { start: '\u{10000}', id: 2, state: 'active' },
      { start: '\uFF00', id: 1, state: 'active' },
    ]);
    expect(map.forRead('\uFFFD')).toBe(1);
    expect(map.forRead('\u{1F600}')).toBe(2);
    expect(map.forRead('\uD7FF')).toBe(0);
  });
});
