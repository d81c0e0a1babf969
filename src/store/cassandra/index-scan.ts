/** Listings: object_index and version_index read in order of keys, across the ranges of a bucket. */
import { types } from 'cassandra-driver';
import { compareKeys } from '../key-order.js';
import type { BucketRef, KeyScan, ObjectEntry, VersionEntry, VersionScan } from '../types.js';
import type { Session } from './cluster.js';
import { readDivided } from './divided-read.js';
import { decodeAsNullVersion, decodeObjectEntry, decodeVersionEntry } from './entry-codec.js';
import { collect, lesser } from './range-scan.js';
import type { Page, Position } from './range-scan.js';
import { covers } from './range-map.js';
import type { RangeSpan } from './range-map.js';
import type { Ranges } from './ranges.js';
import { numberOf, required, textOf } from './rows.js';
import type { Row } from './rows.js';

/** Rows of one query: a listing page of S3 is at most 1,000 keys, and one that tells whether there are more. */
const MAX_ROWS = 2_000;

const uuid = (text: string) => types.Uuid.fromString(text);

interface ObjectRow {
  readonly key: string;
  readonly entry: string;
}

interface VersionRow extends ObjectRow {
  readonly seq: number;
}

/** sub: behind the version with this seq */
type VersionPosition = Position<number>;

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

  async objects(bucket: BucketRef, { from, inclusive, end, limit }: KeyScan): Promise<ObjectEntry[]> {
    const scan = {
      ranges: this.#ranges,
      bucket: bucket.instance,
      start: { key: from, inclusive, sub: null },
      end,
      limit,
    };
    const rows = await collect<ObjectRow, never>(scan, async (span, at, wanted) => {
      const most = Math.min(wanted, MAX_ROWS);
      const found = await this.#objectRows(bucket, span, at, lesser(span.end, end), most);
      const last = found.length === most ? found.at(-1) : undefined;
      return { rows: found, next: last === undefined ? null : { key: last.key, inclusive: false, sub: null } };
    });
    return rows.map(({ key, entry }) => decodeObjectEntry(key, entry));
  }

  async versions(
    bucket: BucketRef,
    { from, inclusive, end, limit, fromSeqBelow }: VersionScan,
  ): Promise<VersionEntry[]> {
    const start: VersionPosition = { key: from, inclusive, sub: fromSeqBelow };
    const scan = { ranges: this.#ranges, bucket: bucket.instance, start, end, limit };
    return collect<VersionEntry, number>(scan, (span, at, wanted) => this.#versionPage(bucket, span, at, end, wanted));
  }

  /**
   * A key that is in version_index has all its versions there; other keys are one null version in object_index. Both are read as
   * far as they are wanted, and merged as far as both were read.
   */
  async #versionPage(
    bucket: BucketRef,
    span: RangeSpan,
    at: VersionPosition,
    scanEnd: string | null,
    wanted: number,
  ): Promise<Page<VersionEntry, number>> {
    const end = lesser(span.end, scanEnd);
    const most = Math.min(wanted, MAX_ROWS);
    // The key to resume in may be among them for nothing.
    const mostObjects = most + (at.sub === null ? 0 : 1);
    const [versions, objects] = await Promise.all([
      this.#versionRows(bucket, span, at, end, most),
      this.#objectRows(bucket, span, at.sub === null ? at : { ...at, inclusive: true }, end, mostObjects),
    ]);
    const lastVersion = versions.length === most ? versions.at(-1) : undefined;
    const lastObject = objects.length === mostObjects ? objects.at(-1) : undefined;
    const merged: VersionEntry[] = [];
    // Resuming within a key: its newest version was listed before.
    let key = at.sub === null ? null : at.key;
    let [v, o] = [0, 0];
    while (merged.length < wanted) {
      const [version, object] = [versions[v], objects[o]];
      // Of the table that has no more rows here there may be more beyond.
      if (version === undefined && lastVersion !== undefined) break;
      if (
        object === undefined &&
        lastObject !== undefined &&
        (version === undefined || compareKeys(version.key, lastObject.key) > 0)
      )
        break;
      if (version === undefined && object === undefined) return { rows: merged, next: null };
      const order = version === undefined ? 1 : object === undefined ? -1 : compareKeys(version.key, object.key);
      if (order <= 0 && version !== undefined) {
        merged.push(decodeVersionEntry(version.key, version.entry, version.key !== key));
        key = version.key;
        v += 1;
        if (order === 0) o += 1;
      } else if (object !== undefined) {
        o += 1;
        const entry = decodeAsNullVersion(object.key, object.entry);
        const listedBefore = object.key === at.key && at.sub !== null && entry.seq >= at.sub;
        if (!listedBefore) merged.push(entry);
        if (!listedBefore) key = object.key;
      }
    }
    const last = merged.at(-1);
    return { rows: merged, next: last === undefined ? at : { key: last.key, inclusive: false, sub: last.seq } };
  }

  /** True when neither index has a row. */
  async isEmpty(bucket: BucketRef): Promise<boolean> {
    const scan = { from: '', inclusive: true, end: null, limit: 1, fromSeqBelow: null };
    return (await this.versions(bucket, scan)).length === 0;
  }

  #objectRows(
    bucket: BucketRef,
    span: RangeSpan,
    at: Position<unknown>,
    end: string | null,
    limit: number,
  ): Promise<ObjectRow[]> {
    return readDivided({
      stretch: { from: at.key, inclusive: at.inclusive, end },
      limit,
      onFailure: () => this.#ranges.unreadable(bucket, span.id),
      read: async (part, wanted) => {
        const query =
          `SELECT key, entry FROM ${this.#object} WHERE bucket = ? AND range = ? ` +
          `AND key ${part.inclusive ? '>=' : '>'} ?${part.end === null ? '' : ' AND key < ?'} LIMIT ?`;
        const bounds = [part.from, ...(part.end === null ? [] : [part.end])];
        return (await this.#session.read(query, [uuid(bucket.instance), span.id, ...bounds, wanted])).map(objectRow);
      },
    });
  }

  /** The rest of the key to resume in, then the keys behind it. */
  async #versionRows(
    bucket: BucketRef,
    span: RangeSpan,
    at: VersionPosition,
    end: string | null,
    limit: number,
  ): Promise<VersionRow[]> {
    const resumes = at.sub !== null && covers(span, at.key);
    const rest = resumes ? await this.#versionsBelow(bucket, span.id, at, limit) : [];
    if (rest.length === limit) return rest;
    const behind = await readDivided({
      stretch: { from: at.key, inclusive: at.inclusive && !resumes, end },
      limit: limit - rest.length,
      onFailure: () => this.#ranges.unreadable(bucket, span.id),
      read: async (part, wanted) => {
        const query =
          `SELECT key, seq, entry FROM ${this.#version} WHERE bucket = ? AND range = ? ` +
          `AND key ${part.inclusive ? '>=' : '>'} ?${part.end === null ? '' : ' AND key < ?'} LIMIT ?`;
        const bounds = [part.from, ...(part.end === null ? [] : [part.end])];
        return (await this.#session.read(query, [uuid(bucket.instance), span.id, ...bounds, wanted])).map(versionRow);
      },
    });
    return [...rest, ...behind];
  }

  async #versionsBelow(bucket: BucketRef, range: number, at: VersionPosition, limit: number): Promise<VersionRow[]> {
    const query =
      `SELECT key, seq, entry FROM ${this.#version} ` +
      'WHERE bucket = ? AND range = ? AND key = ? AND seq < ? LIMIT ?';
    const rows = await this.#session.read(query, [uuid(bucket.instance), range, at.key, at.sub, limit]);
    return rows.map(versionRow);
  }
}

function objectRow(row: Row): ObjectRow {
  return { key: required(textOf(row, 'key'), 'key'), entry: required(textOf(row, 'entry'), 'entry') };
}

function versionRow(row: Row): VersionRow {
  return { ...objectRow(row), seq: required(numberOf(row, 'seq'), 'seq') };
}
