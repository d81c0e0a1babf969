/** Reading across stretches that Cassandra refuses to read in one go. */
import { errors, types } from 'cassandra-driver';
import { describe, expect, it } from 'vitest';
import { compareKeys } from '../../../../src/store/key-order.js';
import { pagesDivided, readDivided } from '../../../../src/store/cassandra/divided-read.js';
import type { Stretch } from '../../../../src/store/cassandra/divided-read.js';
import { toStoreError } from '../../../../src/store/cassandra/driver-errors.js';
import { keyBetween } from '../../../../src/store/cassandra/key-middle.js';

const TOO_MANY = 5_000;

/** Rows, some of them deleted, of which at most TOO_MANY deleted ones are crossed in one query. */
class Partition {
  readonly #rows: readonly { readonly key: string; readonly live: boolean }[];
  queries = 0;

  constructor(rows: readonly { readonly key: string; readonly live: boolean }[]) {
    this.#rows = rows;
  }

  read({ from, inclusive, end }: Stretch, limit: number): string[] {
    this.queries += 1;
    const found: string[] = [];
    let crossed = 0;
    for (const { key, live } of this.#rows) {
      const order = compareKeys(key, from);
      if (order < 0 || (order === 0 && !inclusive)) continue;
      if (end !== null && compareKeys(key, end) >= 0) break;
      if (live) found.push(key);
      else if (++crossed > TOO_MANY) throw failure();
      if (found.length === limit) break;
    }
    return found;
  }
}

function failure() {
  return toStoreError(new errors.ResponseError(types.responseErrorCodes.readFailure, 'too many tombstones'), 'read');
}

const keyOf = (i: number) => `logs/2024/${String(i).padStart(8, '0')}`;
const ALL: Stretch = { from: '', inclusive: true, end: null };

describe('readDivided', () => {
  const rows = Array.from({ length: 30_000 }, (_, i) => ({
    key: keyOf(i),
    live: i < 5 || i === 17_000 || i >= 29_990,
  }));
  const live = rows.filter((row) => row.live).map(({ key }) => key);
  const read = (partition: Partition, stretch: Stretch, limit: number, onFailure = () => undefined) =>
    readDivided({ stretch, limit, read: async (part, wanted) => partition.read(part, wanted), onFailure });

  it('crosses any number of deletions', async () => {
    const partition = new Partition(rows);
    expect(await read(partition, ALL, 1000)).toEqual(live);
    expect(partition.queries).toBeLessThan(400);
    expect(await read(partition, { from: keyOf(4), inclusive: false, end: null }, 2)).toEqual(live.slice(5, 7));
    expect(await read(partition, { from: keyOf(4), inclusive: true, end: keyOf(29_991) }, 9)).toEqual(live.slice(4, 7));
  });

  it('takes one query where none fails, and tells of a failure once', async () => {
    const partition = new Partition(rows);
    let failures = 0;
    expect(await read(partition, ALL, 5, () => void (failures += 1))).toEqual(live.slice(0, 5));
    expect({ queries: partition.queries, failures }).toEqual({ queries: 1, failures: 0 });
    await read(partition, ALL, 6, () => void (failures += 1));
    expect(failures).toBe(1);
  });

  it('gives up on what is not a matter of parts', async () => {
    const always = { stretch: ALL, limit: 1, onFailure: () => undefined, read: () => Promise.reject(failure()) };
    await expect(readDivided(always)).rejects.toThrow('too many tombstones');
    const other = new Error('other');
    let queries = 0;
    const broken = { ...always, read: () => ((queries += 1), Promise.reject(other)) };
    await expect(readDivided(broken)).rejects.toBe(other);
    expect(queries).toBe(1);
  });

  it('goes through all pages of a stretch, none twice but the row where one broke off', async () => {
    const partition = new Partition(rows);
    const pages = async function* (part: Stretch) {
      let at = part;
      for (;;) {
        await Promise.resolve();
        const page = partition.read(at, 3);
        if (page.length > 0) yield page;
        const last = page.at(-1);
        if (last === undefined || page.length < 3) return;
        at = { from: last, inclusive: false, end: part.end };
      }
    };
    const seen: string[] = [];
    for await (const page of pagesDivided(ALL, pages, (key) => key)) seen.push(...page);
    expect([...new Set(seen)]).toEqual(live);
    expect(seen.length - live.length).toBeLessThan(live.length);
  });
});

describe('keyBetween', () => {
  it('finds a key between any two that have one', () => {
    const keys = [
      '',
      '\u0000',
      'a',
      'a\u0000',
      'aa',
      'ab',
      'b',
      'z',
      '\u007f',
      'é',
      '\ud7ff',
      '\ue000',
      '\uffff',
      '\u{10000}',
      '\u{10ffff}',
    ];
    for (const [i, low] of keys.entries()) {
      for (const high of [...keys.slice(i + 1), null]) {
        const middle = keyBetween(low, high);
        if (middle === null) continue;
        expect(compareKeys(low, middle), `${low} ${middle}`).toBeLessThan(0);
        if (high !== null) expect(compareKeys(middle, high), `${middle} ${high}`).toBeLessThan(0);
        expect(Buffer.from(middle).toString()).toBe(middle);
      }
    }
    for (const [low, high] of [
      ['a', 'b'],
      ['a', 'aa'],
      ['az', 'b'],
      ['', null],
      ['z', null],
      ['x1', 'x2'],
    ] as const)
      expect(keyBetween(low, high), `${low}..${high}`).not.toBeNull();
  });

  it('finds none where there is none', () => {
    expect(keyBetween('a', 'a\u0000')).toBeNull();
    expect(keyBetween('', '\u0000')).toBeNull();
  });

  it('comes to any stretch of usual keys within some tens of halvings', () => {
    let [low, high]: [string, string | null] = ['', null];
    const wanted = keyOf(12_345);
    let halvings = 0;
    while (compareKeys(low, keyOf(12_000)) < 0 || high === null || compareKeys(high, keyOf(13_000)) > 0) {
      const middle = keyBetween(low, high);
      if (middle === null) break;
      if (compareKeys(middle, wanted) <= 0) low = middle;
      else high = middle;
      halvings += 1;
      if (halvings > 200) break;
    }
    expect(halvings).toBeLessThan(150);
  });
});
