/** Listings of a bucket along its rows: each is one snapshot, read in one go. */
import type { BucketRef, KeyScan, ObjectEntry, VersionEntry, VersionScan } from '../types.js';
import type { RegionContext } from './context.js';
import type { RegionTables, Table } from './database.js';
import {
  after,
  boundKey,
  bucketEnd,
  bucketStart,
  headKey,
  isOlderOf,
  isPossibleKey,
  objectKeyOf,
  olderEnd,
  olderKey,
} from './keys.js';
import { hasOlder, rowSeq, unpackObjectEntry, unpackVersionEntry } from './rows.js';

interface Range {
  readonly start: Buffer;
  readonly end: Buffer;
}

interface Stored {
  readonly key: Buffer;
  readonly value: Buffer;
}

export function scanObjects({ db, tables }: RegionContext, bucket: BucketRef, scan: KeyScan): ObjectEntry[] {
  db.fresh();
  if (scan.limit <= 0) return [];
  const range = { ...keyRange(bucket, scan), limit: scan.limit };
  return Array.from(tables.live.getRange(range), ({ key, value }) => unpackObjectEntry(objectKeyOf(key), value));
}

export function scanVersions({ db, tables }: RegionContext, bucket: BucketRef, scan: VersionScan): VersionEntry[] {
  db.fresh();
  const found: VersionEntry[] = [];
  const range = keyRange(bucket, scan.fromSeqBelow === null ? scan : { ...scan, inclusive: false });
  const entries =
    scan.fromSeqBelow === null
      ? versionEntries(tables, range)
      : chain(versionsBelow(tables, bucket, scan.from, scan.fromSeqBelow), versionEntries(tables, range));
  if (scan.limit <= 0) return found;
  for (const entry of entries) if (found.push(entry) >= scan.limit) break;
  return found;
}

/** All versions of keys after the given one, in the current snapshot or transaction. */
export function versionsAfter(tables: RegionTables, bucket: BucketRef, key: string): Generator<VersionEntry> {
  return versionEntries(tables, keyRange(bucket, { from: key, inclusive: false, end: null, limit: 0 }));
}

/** True when the bucket has no version in this region. */
export function isEmpty({ db, tables }: RegionContext, bucket: BucketRef): boolean {
  db.fresh();
  const range = { start: bucketStart(bucket), end: bucketEnd(bucket), limit: 1 };
  return [tables.live, tables.hidden].every((table) => table.getKeysCount(range) === 0);
}

function keyRange(bucket: BucketRef, { from, inclusive, end }: KeyScan): Range {
  const start = boundKey(bucket, from);
  return { start: inclusive ? start : after(start), end: end === null ? bucketEnd(bucket) : boundKey(bucket, end) };
}

/** All versions in the range, keys ascending, newest first. */
function* versionEntries(tables: RegionTables, range: Range): Generator<VersionEntry> {
  // only keys with older versions have rows in `older`, in the same order: one walk along it serves them all
  let older: RowWalk | null = null;
  try {
    for (const head of headRows(tables, range)) {
      const key = objectKeyOf(head.key);
      yield unpackVersionEntry(key, head.value, true);
      if (!hasOlder(head.value)) continue;
      older ??= new RowWalk(tables.older, { start: head.key, end: range.end });
      while (older.current !== null && isOlderOf(older.current.key, head.key)) {
        yield unpackVersionEntry(key, older.current.value, false);
        older.advance();
      }
    }
  } finally {
    older?.close();
  }
}

/** Versions of one key with a seq below the given one. */
function* versionsBelow(tables: RegionTables, bucket: BucketRef, key: string, seq: number): Generator<VersionEntry> {
  if (!isPossibleKey(key)) return;
  const head = headKey(bucket, key);
  const newest = tables.live.getBinary(head) ?? tables.hidden.getBinary(head);
  if (newest === undefined) return;
  if (rowSeq(newest) < seq) yield unpackVersionEntry(key, newest, true);
  const range = { start: after(olderKey(head, seq)), end: olderEnd(head) };
  for (const { value } of tables.older.getRange(range)) yield unpackVersionEntry(key, value, false);
}

/** Newest versions in key order, whichever of the two tables they are in. */
function* headRows(tables: RegionTables, range: Range): Generator<Stored> {
  const live = new RowWalk(tables.live, range);
  const hidden = new RowWalk(tables.hidden, range);
  try {
    for (;;) {
      const takeLive =
        hidden.current === null || (live.current !== null && live.current.key.compare(hidden.current.key) < 0);
      const walk = takeLive ? live : hidden;
      if (walk.current === null) return;
      yield walk.current;
      walk.advance();
    }
  } finally {
    live.close();
    hidden.close();
  }
}

/** A range that is walked along by hand. */
class RowWalk {
  readonly #rows: Iterator<Stored>;
  current: Stored | null = null;

  constructor(table: Table, range: Range) {
    this.#rows = table.getRange(range)[Symbol.iterator]();
    this.advance();
  }

  advance(): void {
    const next = this.#rows.next();
    this.current = next.done === true ? null : next.value;
  }

  /** Gives the cursor back. */
  close(): void {
    this.#rows.return?.();
  }
}

function* chain<T>(...iterables: readonly Iterable<T>[]): Generator<T> {
  for (const iterable of iterables) yield* iterable;
}
