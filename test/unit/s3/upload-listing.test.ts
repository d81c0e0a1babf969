import { describe, expect, it } from 'vitest';
import type { UploadListRequest } from '../../../src/s3/upload-listing.js';
import { listUploads } from '../../../src/s3/upload-listing.js';
import { compareKeys } from '../../../src/store/key-order.js';
import type { UploadScan } from '../../../src/store/types.js';

interface Upload {
  readonly key: string;
  readonly uploadId: string;
}

/** A store's ordered scan over a fixed set of uploads, as UploadScan documents it; counts the rows it reads. */
class Uploads {
  readonly #sorted: readonly Upload[];
  rows = 0;
  scans = 0;

  constructor(names: readonly string[]) {
    this.#sorted = names
      .map((name) => {
        const at = name.lastIndexOf('@');
        return { key: name.slice(0, at), uploadId: name.slice(at + 1) };
      })
      .sort((a, b) => compareKeys(a.key, b.key) || compareKeys(a.uploadId, b.uploadId));
  }

  readonly scan = async (scan: UploadScan): Promise<readonly Upload[]> => {
    const { from, inclusive, end, limit, fromUploadIdAfter } = scan;
    const found = this.#sorted.filter(({ key, uploadId }) => {
      if (end !== null && compareKeys(key, end) >= 0) return false;
      const order = compareKeys(key, from);
      if (order !== 0) return order > 0;
      return fromUploadIdAfter === null ? inclusive : uploadId > fromUploadIdAfter;
    });
    this.scans += 1;
    this.rows += Math.min(limit, found.length);
    return found.slice(0, limit);
  };
}

const DEFAULTS: UploadListRequest = { prefix: '', delimiter: '', keyMarker: '', uploadIdMarker: '', maxUploads: 1000 };

async function page(uploads: Uploads, request: Partial<UploadListRequest> = {}) {
  const listing = await listUploads(uploads.scan, { ...DEFAULTS, ...request });
  const { truncated, nextKeyMarker, nextUploadIdMarker } = listing;
  return {
    names: listing.uploads.map(({ key, uploadId }) => `${key}@${uploadId}`),
    prefixes: listing.commonPrefixes,
    truncated,
    next: { keyMarker: nextKeyMarker, uploadIdMarker: nextUploadIdMarker },
  };
}

/** Everything, in pages of maxUploads, following the markers as a client does. */
async function allPages(uploads: Uploads, request: Partial<UploadListRequest>) {
  const seen: string[] = [];
  let markers = { keyMarker: '', uploadIdMarker: '' };
  for (;;) {
    const { names, prefixes, truncated, next } = await page(uploads, { ...request, ...markers });
    expect(names.length + prefixes.length).toBeLessThanOrEqual(request.maxUploads ?? 1000);
    seen.push(...names, ...prefixes);
    if (!truncated) return seen;
    markers = { keyMarker: next.keyMarker ?? '', uploadIdMarker: next.uploadIdMarker ?? '' };
  }
}

const NAMES = ['a@1', 'a@2', 'a@3', 'b/1@1', 'b/1@2', 'b/2@1', 'c@1', 'd/x/1@1', 'd/x/2@1', 'd/y@1', 'd/y@2'];

describe('listUploads', () => {
  it('lists by key, then by upload id', async () => {
    const answer = await page(new Uploads([...NAMES].reverse()));
    expect(answer).toEqual({
      names: NAMES,
      prefixes: [],
      truncated: false,
      next: { keyMarker: null, uploadIdMarker: null },
    });
  });

  it('goes on in the middle of a key', async () => {
    const uploads = new Uploads(NAMES);
    const first = await page(uploads, { maxUploads: 2 });
    expect(first.names).toEqual(['a@1', 'a@2']);
    expect(first.truncated).toBe(true);
    expect(first.next).toEqual({ keyMarker: 'a', uploadIdMarker: '2' });
    const second = await page(uploads, { maxUploads: 2, keyMarker: 'a', uploadIdMarker: '2' });
    expect(second.names).toEqual(['a@3', 'b/1@1']);
  });

  it('skips all uploads of the key marker without an upload id marker', async () => {
    const { names } = await page(new Uploads(NAMES), { keyMarker: 'a', maxUploads: 1 });
    expect(names).toEqual(['b/1@1']);
  });

  it('cuts an upload id marker that is longer than any id', async () => {
    const asked: (string | null)[] = [];
    await listUploads(
      async (scan) => {
        asked.push(scan.fromUploadIdAfter);
        return [];
      },
      { ...DEFAULTS, keyMarker: 'a', uploadIdMarker: 'x'.repeat(5000) },
    );
    expect(asked).toEqual(['x'.repeat(64)]);
  });

  it('ignores an upload id marker without a key marker', async () => {
    const { names } = await page(new Uploads(NAMES), { uploadIdMarker: '2', maxUploads: 1 });
    expect(names).toEqual(['a@1']);
  });

  it('rolls up common prefixes, counted as one entry each', async () => {
    const uploads = new Uploads(NAMES);
    const answer = await page(uploads, { delimiter: '/' });
    expect(answer.names).toEqual(['a@1', 'a@2', 'a@3', 'c@1']);
    expect(answer.prefixes).toEqual(['b/', 'd/']);
    const first = await page(uploads, { delimiter: '/', maxUploads: 4 });
    expect(first.next).toEqual({ keyMarker: 'b/', uploadIdMarker: null });
    const second = await page(uploads, { delimiter: '/', maxUploads: 4, keyMarker: 'b/' });
    expect(second.names).toEqual(['c@1']);
    expect(second.prefixes).toEqual(['d/']);
    expect(second.truncated).toBe(false);
  });

  it('keeps to the prefix, also from a marker before or behind it', async () => {
    const uploads = new Uploads(NAMES);
    const below = await page(uploads, { prefix: 'd/', delimiter: '/' });
    expect(below.names).toEqual(['d/y@1', 'd/y@2']);
    expect(below.prefixes).toEqual(['d/x/']);
    expect((await page(uploads, { prefix: 'b/', keyMarker: 'a' })).names).toEqual(['b/1@1', 'b/1@2', 'b/2@1']);
    expect((await page(uploads, { prefix: 'b/', keyMarker: 'c' })).names).toEqual([]);
  });

  it('answers every entry once, whatever the page size', async () => {
    for (let maxUploads = 1; maxUploads <= NAMES.length + 1; maxUploads += 1) {
      expect(await allPages(new Uploads(NAMES), { maxUploads })).toEqual(NAMES);
      const rolled = await allPages(new Uploads(NAMES), { maxUploads, delimiter: '/' });
      expect(rolled.sort()).toEqual(['a@1', 'a@2', 'a@3', 'b/', 'c@1', 'd/']);
    }
  });

  it('is not truncated by what belongs to the last common prefix', async () => {
    const answer = await page(new Uploads(['x/1@1', 'x/2@1', 'x/3@1']), { delimiter: '/', maxUploads: 1 });
    expect(answer).toMatchObject({ prefixes: ['x/'], truncated: false });
  });

  it('asks nothing for no entries', async () => {
    const uploads = new Uploads(NAMES);
    expect(await page(uploads, { maxUploads: 0 })).toMatchObject({ names: [], prefixes: [], truncated: false });
    expect(uploads.scans).toBe(0);
  });

  it('jumps over what a common prefix hides', async () => {
    const many = Array.from({ length: 5000 }, (_, i) => `big/${String(i).padStart(5, '0')}@1`);
    const uploads = new Uploads([...many, 'z@1']);
    expect(await page(uploads, { delimiter: '/' })).toMatchObject({ names: ['z@1'], prefixes: ['big/'] });
    expect(uploads.rows).toBeLessThan(200);
  });

  it('orders keys by code point where UTF-16 units would not', async () => {
    const { names } = await page(new Uploads(['\u{1F600}@1', '\uFF5E@1']));
    expect(names).toEqual(['\uFF5E@1', '\u{1F600}@1']);
  });
});
