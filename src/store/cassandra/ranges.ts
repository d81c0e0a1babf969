/**
 * The range maps of buckets, remembered for a short time. All index reads and writes go through here: it sees to it that
 * whoever moves keys between ranges can rely on when gateways have noticed (docs/adr/0004-bounded-partitions.md).
 */
import { StoreError } from '../errors.js';
import { compareKeys } from '../key-order.js';
import type { BucketRef } from '../types.js';
import { RangeMap } from './range-map.js';
import type { RangeSpan } from './range-map.js';
import type { RangeTable } from './range-table.js';
import { RANGE_TIMES } from './range-times.js';
import type { RangeTimes } from './range-times.js';

const MAX_REMEMBERED = 10_000;
/** A map that changes each time it is looked at. */
const MAX_ATTEMPTS = 50;

/** A map as this gateway knows it. */
interface View {
  readonly revision: number;
  readonly map: RangeMap;
  /** performance.now() before it was looked up last */
  readonly atMs: number;
  /** performance.now() after each range was seen for the first time */
  readonly seenMs: ReadonlyMap<number, number>;
}

interface Known {
  readonly view: View | null;
  loading: Promise<View> | null;
}

/** What a write adds to a range, or what has been added to it. */
export interface RangeLoad {
  /** new rows, also those that have been deleted since */
  readonly rows: number;
  /** of the rows that are left */
  readonly bytes: number;
  /** deleted rows */
  readonly deletions: number;
}

export interface IndexWrite {
  readonly bucket: BucketRef;
  readonly key: string;
  /** performance.now() when what is written was known to be so, or before */
  readonly sinceMs: number;
  readonly load: RangeLoad;
  /** Repeatable; resolves when it is durable. */
  readonly to: (range: number) => Promise<void>;
}

export interface RangesParts {
  readonly table: Pick<RangeTable, 'revision' | 'load'>;
  readonly times?: RangeTimes;
  /** Told of what was written. */
  readonly onWrite?: (bucket: BucketRef, range: number, load: RangeLoad) => void;
  /** Told of a range that could not be read because of too many tombstones. */
  readonly onUnreadable?: (bucket: BucketRef, range: number) => void;
}

export interface SpanResult<T> {
  readonly span: RangeSpan;
  readonly result: T;
}

export class Ranges {
  readonly #parts: RangesParts;
  readonly #times: RangeTimes;
  readonly #known = new Map<string, Known>();

  constructor(parts: RangesParts) {
    this.#parts = parts;
    this.#times = parts.times ?? RANGE_TIMES;
  }

  /** bucket: its instance */
  async map(bucket: string): Promise<RangeMap> {
    return (await this.#view(bucket)).map;
  }

  /**
   * Asks the ranges that hold the keys from `key` on, so many of them, and answers in order of keys. Asks again when keys have
   * moved meanwhile: what is answered was there.
   */
  async read<T>(
    bucket: string,
    wanted: { readonly key: string; readonly end?: string | null; readonly width?: number },
    query: (span: RangeSpan) => Promise<T>,
  ): Promise<SpanResult<T>[]> {
    const { key, end = null, width = 1 } = wanted;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const { map, atMs } = await this.#view(bucket);
      const spans = map
        .spansFrom(key, width)
        .filter(({ start }, i) => i === 0 || end === null || compareKeys(start, end) < 0);
      const results = await Promise.all(spans.map(async (span) => ({ span, result: await query(span) })));
      if (performance.now() - atMs <= this.#times.fenceMs) return results;
      // Looked up after the reads, or so shortly before them that they were in time by that.
      const { map: now } = await this.#view(bucket);
      if (spans.every(({ id }) => now.isActive(id))) return results;
    }
    throw restless(bucket, 'notApplied');
  }

  /** Of the one range that the key is read from. */
  async readAt<T>(bucket: string, key: string, query: (range: number) => Promise<T>): Promise<T> {
    const [found] = await this.read(bucket, { key }, ({ id }) => query(id));
    if (found === undefined) throw new TypeError('a bucket without a range');
    return found.result;
  }

  /**
   * Writes to all ranges that must hold the key, also those that come up meanwhile.
   * @returns whether it was in time; if not, the key has to be looked at again, because a newer change may not have reached
   * every range that this one was written to
   */
  async write({ bucket, key, sinceMs, load, to }: IndexWrite): Promise<boolean> {
    const done = new Set<number>();
    const write = async (range: number): Promise<void> => {
      if (done.has(range)) return;
      await to(range);
      done.add(range);
      this.#parts.onWrite?.(bucket, range, load);
    };
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const view = await this.#view(bucket.instance);
      const { first, then } = view.map.forWrite(key);
      const ranges = [...first, ...then];
      if (this.#isLate(view, ranges, sinceMs)) return false;
      await Promise.all(first.map(write));
      await Promise.all(then.map(write));
      if (performance.now() - view.atMs > this.#times.fenceMs) continue;
      return !this.#isLate(view, ranges, sinceMs);
    }
    throw restless(bucket.instance, 'unknown');
  }

  /** A range that is older than the change by more than old maps live has got every newer change as well. */
  #isLate(view: View, ranges: readonly number[], sinceMs: number): boolean {
    const { fenceMs, lateMs } = this.#times;
    if (performance.now() - sinceMs <= lateMs) return false;
    return ranges.some((id) => (view.seenMs.get(id) ?? Number.POSITIVE_INFINITY) + fenceMs > sinceMs);
  }

  unreadable(bucket: BucketRef, range: number): void {
    this.#parts.onUnreadable?.(bucket, range);
  }

  /** This gateway knows that the map has changed. */
  forget(bucket: string): void {
    const known = this.#known.get(bucket);
    if (known?.view !== null && known !== undefined)
      this.#known.set(bucket, { view: { ...known.view, atMs: -Infinity }, loading: null });
    else this.#known.delete(bucket);
  }

  async #view(bucket: string): Promise<View> {
    const now = performance.now();
    const known = this.#known.get(bucket);
    const ageMs = known?.view ? now - known.view.atMs : Number.POSITIVE_INFINITY;
    if (known?.view && ageMs < this.#times.cacheMs / 2) return known.view;
    const loading = known?.loading ?? this.#refresh(bucket, known?.view ?? null, now);
    if (known?.view && ageMs < this.#times.cacheMs) {
      // Old enough to be looked up again, young enough not to wait for it.
      loading.catch(() => undefined);
      return known.view;
    }
    return loading;
  }

  #refresh(bucket: string, before: View | null, atMs: number): Promise<View> {
    if (before === null && this.#known.size >= MAX_REMEMBERED) this.#known.clear();
    const loading = this.#load(bucket, before, atMs).then(
      (view) => {
        if (this.#known.get(bucket)?.loading === loading) this.#known.set(bucket, { view, loading: null });
        return view;
      },
      (error: unknown) => {
        const known = this.#known.get(bucket);
        if (known?.loading === loading) known.loading = null;
        throw error;
      },
    );
    this.#known.set(bucket, { view: before, loading });
    return loading;
  }

  async #load(bucket: string, before: View | null, atMs: number): Promise<View> {
    const { table } = this.#parts;
    if (before !== null && (await table.revision(bucket)) === before.revision) return { ...before, atMs };
    const { revision, rows } = await table.load(bucket);
    const map = new RangeMap(rows);
    const seenMs = performance.now();
    const seen = new Map(map.ids().map((id) => [id, before?.seenMs.get(id) ?? seenMs]));
    return { revision, map, atMs, seenMs: seen };
  }
}

function restless(bucket: string, outcome: 'notApplied' | 'unknown'): StoreError {
  return new StoreError('contention', outcome, `the ranges of bucket ${bucket} change faster than they can be used`);
}
