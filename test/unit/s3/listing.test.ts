import { describe, expect, it } from 'vitest';
import { list } from '../../../src/s3/listing.js';
import type { VersionListing } from '../../../src/s3/listing-versions.js';
import { listVersioned } from '../../../src/s3/listing-versions.js';
import { compareKeys, prefixEnd } from '../../../src/store/key-order.js';
import type { KeyScan, VersionScan } from '../../../src/store/types.js';

function scanOf(keys: readonly string[]): {
  scan: (s: KeyScan) => Promise<readonly { key: string }[]>;
  queries: () => number;
} {
  const sorted = [...keys].sort(compareKeys);
  let queries = 0;
  return {
    queries: () => queries,
    scan: async ({ from, inclusive, end, limit }) => {
      queries += 1;
      return sorted
        .filter((key) => {
          const order = compareKeys(key, from);
          return (inclusive ? order >= 0 : order > 0) && (end === null || compareKeys(key, end) < 0);
        })
        .slice(0, limit)
        .map((key) => ({ key }));
    },
  };
}

/** What a listing must answer, computed the slow and obvious way. */
function expected(keys: readonly string[], prefix: string, delimiter: string): string[] {
  const all = new Set<string>();
  for (const key of keys) {
    if (!key.startsWith(prefix)) continue;
    const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    all.add(at < 0 ? key : key.slice(0, at + delimiter.length));
  }
  return [...all].sort(compareKeys);
}

async function pageThrough(
  keys: readonly string[],
  prefix: string,
  delimiter: string,
  maxKeys: number,
): Promise<string[]> {
  const { scan } = scanOf(keys);
  const found: string[] = [];
  let after = '';
  for (let pages = 0; pages <= keys.length + 1; pages++) {
    const page = await list(scan, { prefix, delimiter, after, maxKeys });
    const names = [...page.entries.map(({ key }) => key), ...page.commonPrefixes].sort(compareKeys);
    expect(names.length).toBeLessThanOrEqual(maxKeys);
    found.push(...names);
    if (!page.truncated) return found;
    expect(names.length).toBe(maxKeys);
    expect(page.last).toBe(names[names.length - 1]);
    after = page.last ?? '';
  }
  throw new Error('the listing does not end');
}

const SETS: Record<string, readonly string[]> = {
  flat: ['a', 'b', 'c', 'd', 'e'],
  folders: ['asdf', 'boo/bar', 'boo/baz/xyzzy', 'cquux/thud', 'cquux/bla', 'zzz/'],
  nested: ['a/b/c/1', 'a/b/c/2', 'a/b/d', 'a/e', 'a/', 'b', 'a!', 'a0'],
  unicode: ['\u{10000}/a', '\uffff/b', '\ue000', 'é/x', 'z', '\u{10ffff}/q', '\u{10ffff}\u{10ffff}'],
  many: Array.from({ length: 700 }, (_, i) => `d${i % 7}/f${i}`),
};

describe.each(Object.entries(SETS))('listing %s', (_name, keys) => {
  it.each([1, 2, 3, 1000])('pages of %i tell everything once', async (maxKeys) => {
    for (const delimiter of ['', '/', '!', 'f'])
      for (const prefix of ['', 'a', 'a/', 'd1/', 'boo/', '\u{10ffff}'])
        expect(await pageThrough(keys, prefix, delimiter, maxKeys)).toEqual(expected(keys, prefix, delimiter));
  });
});

describe('skip-scan', () => {
  it('needs about a query per common prefix, however many keys are below it', async () => {
    const keys = Array.from({ length: 20_000 }, (_, i) => `p${i % 10}/${String(i).padStart(6, '0')}`);
    const { scan, queries } = scanOf(keys);
    const page = await list(scan, { prefix: '', delimiter: '/', after: '', maxKeys: 1000 });
    expect(page.commonPrefixes).toHaveLength(10);
    expect(page.truncated).toBe(false);
    expect(queries()).toBeLessThanOrEqual(12);
  });

  it('max-keys 0 answers nothing and is not truncated', async () => {
    expect(await list(scanOf(['a']).scan, { prefix: '', delimiter: '', after: '', maxKeys: 0 })).toMatchObject({
      entries: [],
      truncated: false,
    });
  });
});

describe('version listing', () => {
  const rows = ['a/1', 'a/2', 'b', 'c', 'c/x'].flatMap((key) => [3, 2, 1].map((seq) => ({ key, seq })));
  const scan = async ({ from, inclusive, fromSeqBelow, end, limit }: VersionScan) =>
    rows
      .filter(({ key, seq }) => {
        if (end !== null && compareKeys(key, end) >= 0) return false;
        if (key === from && fromSeqBelow !== null) return seq < fromSeqBelow;
        const order = compareKeys(key, from);
        return inclusive ? order >= 0 : order > 0;
      })
      .slice(0, limit);

  it.each([1, 2, 4, 100])('pages of %i tell every version once', async (maxKeys) => {
    for (const delimiter of ['', '/']) {
      const found: string[] = [];
      let after = '';
      let afterSeq: number | null = null;
      for (let pages = 0; ; pages++) {
        expect(pages).toBeLessThan(30);
        const page: VersionListing<{ key: string; seq: number }> = await listVersioned(scan, {
          prefix: '',
          delimiter,
          after,
          afterSeq,
          maxKeys,
        });
        found.push(...page.entries.map(({ key, seq }) => `${key}@${seq}`), ...page.commonPrefixes);
        if (!page.truncated) break;
        after = page.lastKey ?? '';
        afterSeq = page.lastEntry?.seq ?? null;
      }
      const wanted =
        delimiter === ''
          ? rows.map(({ key, seq }) => `${key}@${seq}`)
          : ['a/', 'b@3', 'b@2', 'b@1', 'c@3', 'c@2', 'c@1', 'c/'];
      expect(found.sort()).toEqual([...wanted].sort());
    }
  });
});

describe('prefixEnd', () => {
  it.each([
    ['', null],
    ['a', 'b'],
    ['a/', 'a0'],
    ['\ud7ff', '\ue000'],
    ['\uffff', '\u{10000}'],
    ['a\u{10ffff}', 'b'],
    ['\u{10ffff}', null],
  ])('of %j', (prefix, end) => {
    expect(prefixEnd(prefix)).toBe(end);
  });
});
