/** Keys and paths of the embedded store: order and bounds. */
import { describe, expect, it } from 'vitest';
import {
  after,
  bucketEnd,
  bucketStart,
  headKey,
  isOlderOf,
  objectKeyOf,
  olderEnd,
  olderKey,
  partKey,
  payloadKey,
  uploadKey,
  uploadsOfKey,
} from '../../../src/store/embedded/keys.js';
import { blobPath, pathComponent } from '../../../src/store/embedded/blob-file.js';
import { StoreError } from '../../../src/store/errors.js';
import { compareKeys } from '../../../src/store/key-order.js';

const BUCKET = { name: 'b', instance: '11111111-2222-3333-4444-555555555555', region: 'r' };
const NEIGHBOUR = { ...BUCKET, instance: '11111111-2222-3333-4444-555555555556' };
const KEYS = ['', '\u0000', '\u0000\u0000', '\u0001', 'a', 'a\u0000', 'a\u0000a', 'aa', 'é', '\uffff', '\u{10ffff}'];
/** LMDB's, with pages of 4 KiB */
const MAX_KEY_BYTES = 1978;

describe('keys of the embedded store', () => {
  it('sort as the object keys do, and turn back into them', () => {
    const shuffled = [...KEYS].reverse();
    const sorted = shuffled.map((key) => headKey(BUCKET, key)).sort((a, b) => a.compare(b));
    expect(sorted.map(objectKeyOf)).toEqual(KEYS);
    expect(shuffled.sort(compareKeys)).toEqual(KEYS);
  });

  it('lie within their bucket', () => {
    for (const key of KEYS) {
      const head = headKey(BUCKET, key);
      expect(bucketStart(BUCKET).compare(head)).toBeLessThanOrEqual(0);
      expect(olderEnd(head).compare(bucketEnd(BUCKET))).toBeLessThan(0);
      expect(head.compare(bucketStart(NEIGHBOUR))).toBeLessThan(0);
    }
  });

  it('put the older versions of a key between it and the next, newest first', () => {
    const seqs = [1, 1_700_000_000_000_000, 1_700_000_000_000_001, Number.MAX_SAFE_INTEGER - 1];
    for (const [i, key] of KEYS.entries()) {
      const head = headKey(BUCKET, key);
      const older = seqs.map((seq) => olderKey(head, seq));
      expect([...older].sort((a, b) => b.compare(a))).toEqual(older);
      for (const row of older) {
        expect(after(head).compare(row)).toBeLessThan(0);
        expect(row.compare(olderEnd(head))).toBeLessThan(0);
        expect(isOlderOf(row, head)).toBe(true);
        const next = KEYS[i + 1];
        if (next !== undefined) {
          expect(row.compare(olderKey(headKey(BUCKET, next), Number.MAX_SAFE_INTEGER))).toBeLessThan(0);
          expect(isOlderOf(row, headKey(BUCKET, next))).toBe(false);
        }
      }
    }
  });

  it('put the uploads of a key, and their parts, between it and the next', () => {
    const ids = ['0', '00', '1', '10', 'z'];
    for (const [i, key] of KEYS.entries()) {
      const { start, end } = uploadsOfKey(BUCKET, key);
      const uploads = ids.map((uploadId) => uploadKey({ bucket: BUCKET, key, uploadId }));
      expect([...uploads].sort((a, b) => a.compare(b))).toEqual(uploads);
      const next = uploadsOfKey(BUCKET, KEYS[i + 1] ?? '\u{10ffff}x');
      for (const upload of uploads) {
        const parts = [0, 1, 255, 256, 10_000, 65_535].map((n) => partKey(upload, n));
        expect([...parts].sort((a, b) => a.compare(b))).toEqual(parts);
        for (const row of [upload, ...parts]) {
          expect(start.compare(row)).toBeLessThan(0);
          expect(row.compare(end)).toBeLessThan(0);
          expect(row.compare(next.start)).toBeLessThan(0);
        }
      }
      const [first, second] = uploads;
      if (first === undefined || second === undefined) throw new Error('no uploads');
      expect(partKey(first, 65_535).compare(partKey(second, 0))).toBeLessThan(0);
    }
  });

  it('fit for the longest object keys', () => {
    const key = '\u0000'.repeat(1024);
    const upload = uploadKey({ bucket: BUCKET, key, uploadId: 'x'.repeat(256) });
    for (const row of [olderKey(headKey(BUCKET, key), 1), partKey(upload, 1)]) {
      expect(row.length).toBeLessThanOrEqual(MAX_KEY_BYTES);
    }
    expect(() => headKey(BUCKET, `${key}x`)).toThrow(StoreError);
    expect(() => headKey(BUCKET, 'é'.repeat(513))).toThrow(StoreError);
    expect(() => uploadKey({ bucket: BUCKET, key, uploadId: 'x'.repeat(257) })).toThrow(StoreError);
    expect(() => headKey({ ...BUCKET, instance: 'x' }, 'a')).toThrow(StoreError);
  });

  it('number payload pieces in order', () => {
    const rows = [payloadKey(5, 0), payloadKey(5, 1), payloadKey(5, 256), payloadKey(6, 0), payloadKey(2 ** 52, 0)];
    expect([...rows].sort((a, b) => a.compare(b))).toEqual(rows);
  });
});

describe('paths of the embedded store', () => {
  it('spread inodes over directories and take nothing else', () => {
    const inode = '0a1b2c3d-0000-4000-8000-000000000000';
    expect(blobPath('/root', inode)).toEqual({
      file: `/root/0a/1b/${inode}`,
      directories: ['/root/0a', '/root/0a/1b'],
    });
    for (const bad of ['', '..', inode.toUpperCase(), `${inode}/x`, `../${inode}`, `${inode}\n`]) {
      expect(() => blobPath('/root', bad)).toThrow(StoreError);
    }
  });

  it('make one component of any name', () => {
    expect(['a-b.c_d', 'a/b', '.', '..', '.x', 'ü', '*'].map(pathComponent)).toEqual([
      'a-b.c_d',
      'a%2Fb',
      '%2E',
      '%2E.',
      '%2Ex',
      '%C3%BC',
      '%2A',
    ]);
  });
});
