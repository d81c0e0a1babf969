/** Listings: object_index and version_index read in order of keys, across the ranges of a bucket. */
import { types } from 'cassandra-driver';
import { compareKeys } from '../key-order.js';
import type { BucketRef, KeyScan, ObjectEntry, VersionEntry, VersionScan } from '../types.js';
import type { Session } from './cluster.js';
import { decodeAsNullVersion, decodeObjectEntry, decodeVersionEntry } from './entry-codec.js';
import type { RangeSpan } from './range-map.js';
import type { Ranges } from './ranges.js';
import { numberOf, required, textOf } from './rows.js';

/** Rows of one query: a listing page of S3 is at most 1,000 keys. */
const PAGE_ROWS = 1_000;

const uuid = (text: string) => types.Uuid.fromString(text);

interface IndexRow {
  readonly key: string;
  readonly seq: number;
  readonly entry: string;
}

/** Rows of one table in order, fetched as they are asked for. */
class Cursor {
  readonly #fetch: (after: IndexRow | null) => Promise<IndexRow[]>;
  readonly #pageRows: number;
  #page: IndexRow[] = [];
  #at = 0;
  #more = true;

  /** fetch: at most pageRows rows behind the given one; fewer mean that there are no more. */
  constructor(pageRows: number, fetch: (after: IndexRow | null) => Promise<IndexRow[]>) {
    this.#fetch = fetch;
    this.#pageRows = pageRows;
  }

  /** The next row without taking it. */
  async peek(): Promise<IndexRow | null> {
    if (this.#at >= this.#page.length && this.#more) {
      this.#page = await this.#fetch(this.#page.at(-1) ?? null);
      this.#at = 0;
      this.#more = this.#page.length === this.#pageRows;
    }
    return this.#page[this.#at] ?? null;
  }

  take(): void {
    this.#at += 1;
  }
}

export class IndexScanner {
  readonly #session: Session;
  readonly #ranges: Ranges;
  readonly #object: string;
  readonly #version: string;

  constructor(session: Session, ranges: Ranges) {
    this.#session = session;
    this.#ranges = ranges;
    this.#object = `${session.keyspace}.object_index`;
    this.#version = `${session.keyspace}.version_index`;
  }

  async objects(bucket: BucketRef, scan: KeyScan): Promise<ObjectEntry[]> {
    const found: ObjectEntry[] = [];
    for (const span of await this.#spans(bucket, scan)) {
      const cursor = this.#objectCursor(bucket, span, scan, scan.limit - found.length);
      for (let row = await cursor.peek(); row !== null && found.length < scan.limit; row = await cursor.peek()) {
        found.push(decodeObjectEntry(row.key, row.entry));
        cursor.take();
      }
      if (found.length >= scan.limit) break;
    }
    return found;
  }

  async versions(bucket: BucketRef, scan: VersionScan): Promise<VersionEntry[]> {
    const found: VersionEntry[] = [];
    for (const span of await this.#spans(bucket, scan)) {
      if (found.length >= scan.limit) break;
      await this.#mergeVersions(bucket, span, scan, found);
    }
    return found;
  }

  /** A key that is in version_index has all its versions there; other keys are one null version in object_index. */
  async #mergeVersions(bucket: BucketRef, span: RangeSpan, scan: VersionScan, found: VersionEntry[]): Promise<void> {
    const wanted = scan.limit - found.length;
    const versions = this.#versionCursor(bucket, span, scan, wanted);
    const objects = this.#objectCursor(bucket, span, scan, wanted);
    // Resuming within a key: its newest version was listed before.
    let key = scan.fromSeqBelow === null ? null : scan.from;
    while (found.length < scan.limit) {
      const [version, object] = await Promise.all([versions.peek(), objects.peek()]);
      if (version === null && object === null) return;
      const order = version === null ? 1 : object === null ? -1 : compareKeys(version.key, object.key);
      if (order <= 0 && version !== null) {
        found.push(decodeVersionEntry(version.key, version.entry, version.key !== key));
        key = version.key;
        versions.take();
        if (order === 0) objects.take();
      } else if (object !== null) {
        const entry = decodeAsNullVersion(object.key, object.entry);
        // Of the key to resume in, only what is older than where the listing stopped.
        const listedBefore = object.key === scan.from && scan.fromSeqBelow !== null && entry.seq >= scan.fromSeqBelow;
        if (!listedBefore) found.push(entry);
        objects.take();
      }
    }
  }

  /** True when neither index has a row. */
  async isEmpty(bucket: BucketRef): Promise<boolean> {
    for (const { id } of (await this.#ranges.of(bucket.instance)).spansFrom('')) {
      const found = await Promise.all(
        [this.#object, this.#version].map((table) =>
          this.#session.read(`SELECT key FROM ${table} WHERE bucket = ? AND range = ? LIMIT 1`, [
            uuid(bucket.instance),
            id,
          ]),
        ),
      );
      if (found.some((rows) => rows.length > 0)) return false;
    }
    return true;
  }

  async #spans(bucket: BucketRef, scan: KeyScan): Promise<readonly RangeSpan[]> {
    if (scan.limit <= 0) return [];
    const spans = (await this.#ranges.of(bucket.instance)).spansFrom(scan.from);
    const { end } = scan;
    return end === null ? spans : spans.filter(({ start }) => compareKeys(start, end) < 0);
  }

  #objectCursor(bucket: BucketRef, span: RangeSpan, scan: KeyScan | VersionScan, wanted: number): Cursor {
    const limit = Math.min(wanted + 1, PAGE_ROWS);
    const end = lesser(span.end, scan.end);
    const resumes = 'fromSeqBelow' in scan && scan.fromSeqBelow !== null;
    return new Cursor(limit, async (after) => {
      const first =
        after === null ? lowerBound(scan.from, scan.inclusive || resumes, span) : { key: after.key, op: '>' };
      const query =
        `SELECT key, entry FROM ${this.#object} WHERE bucket = ? AND range = ? AND key ${first.op} ?` +
        `${end === null ? '' : ' AND key < ?'} LIMIT ?`;
      const params = [uuid(bucket.instance), span.id, first.key, ...(end === null ? [] : [end]), limit];
      return (await this.#session.read(query, params)).map((row) => ({
        key: required(textOf(row, 'key'), 'key'),
        seq: 0,
        entry: required(textOf(row, 'entry'), 'entry'),
      }));
    });
  }

  /** The rest of the key to resume in, then the keys behind it. */
  #versionCursor(bucket: BucketRef, span: RangeSpan, scan: VersionScan, wanted: number): Cursor {
    const limit = Math.min(wanted + 1, PAGE_ROWS);
    const end = lesser(span.end, scan.end);
    const { fromSeqBelow } = scan;
    const resume = fromSeqBelow !== null && inSpan(scan.from, span) ? { key: scan.from, seq: fromSeqBelow } : null;
    return new Cursor(limit, async (after) => {
      const from = after ?? resume;
      const rest = from === null ? [] : await this.#versionsBelow(bucket, span.id, from.key, from.seq, limit);
      if (rest.length === limit) return rest;
      const first = from === null ? lowerBound(scan.from, scan.inclusive, span) : { key: from.key, op: '>' };
      const query =
        `SELECT key, seq, entry FROM ${this.#version} WHERE bucket = ? AND range = ? AND key ${first.op} ?` +
        `${end === null ? '' : ' AND key < ?'} LIMIT ?`;
      const params = [uuid(bucket.instance), span.id, first.key, ...(end === null ? [] : [end]), limit - rest.length];
      return [...rest, ...(await this.#session.read(query, params)).map(indexRow)];
    });
  }

  async #versionsBelow(bucket: BucketRef, range: number, key: string, seq: number, limit: number): Promise<IndexRow[]> {
    const query =
      `SELECT key, seq, entry FROM ${this.#version} ` +
      'WHERE bucket = ? AND range = ? AND key = ? AND seq < ? LIMIT ?';
    const rows = await this.#session.read(query, [uuid(bucket.instance), range, key, seq, limit]);
    return rows.map(indexRow);
  }
}

function indexRow(row: types.Row): IndexRow {
  return {
    key: required(textOf(row, 'key'), 'key'),
    seq: required(numberOf(row, 'seq'), 'seq'),
    entry: required(textOf(row, 'entry'), 'entry'),
  };
}

function inSpan(key: string, span: RangeSpan): boolean {
  return compareKeys(span.start, key) <= 0 && (span.end === null || compareKeys(key, span.end) < 0);
}

/** Where to begin within a span. */
function lowerBound(from: string, inclusive: boolean, span: RangeSpan): { readonly key: string; readonly op: string } {
  if (compareKeys(from, span.start) < 0) return { key: span.start, op: '>=' };
  return { key: from, op: inclusive ? '>=' : '>' };
}

function lesser(a: string | null, b: string | null): string | null {
  if (a === null) return b;
  return b === null || compareKeys(a, b) <= 0 ? a : b;
}
