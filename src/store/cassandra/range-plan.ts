/** When and where ranges are cut: pure arithmetic on what a survey of their rows found. */
import { compareKeys } from '../key-order.js';
import type { RangeLoad } from './ranges.js';

/** What a range may hold before it is cut or rewritten; it grows on while that is done. */
export interface RangeLimits {
  readonly rows: number;
  readonly bytes: number;
  /** Deleted rows whose tombstones are still there. */
  readonly deletions: number;
}

/** Half of what is allowed, with room for half as much again to come while a range is cut, for the largest keys too. */
export const RANGE_LIMITS: RangeLimits = { rows: 25_000, bytes: 24 * 1024 * 1024, deletions: 10_000 };

/** The limits of ranges of so many rows. */
export function rangeLimits(rows: number): RangeLimits {
  return { ...RANGE_LIMITS, rows, deletions: Math.floor(rows * 0.4) };
}

/** Ranges that one range is cut into at most; more are cut later. */
const MAX_PARTS = 64;
/** How full the parts are. */
const FILL = 0.6;

/** Neighbouring keys, in order. */
export interface Sample {
  /** the first one */
  readonly key: string;
  readonly rows: number;
  readonly bytes: number;
}

/** Whether a range is worth a survey. */
export function isWorthALook({ rows, bytes, deletions }: RangeLoad, limits: RangeLimits): boolean {
  // Of those that came, the others are gone.
  const live = Math.max(0, rows - deletions);
  return live > limits.rows || bytes > limits.bytes || isRidden({ live, deletions }, limits);
}

/** Rewriting costs a copy of each row: worth it when there is at least a tombstone for each. */
export function isRidden(
  { live, deletions }: { readonly live: number; readonly deletions: number },
  limits: RangeLimits,
): boolean {
  return deletions >= Math.max(limits.deletions, Math.min(live, limits.rows));
}

/** Where the parts of a range that is too large begin, in order, the first one at its start; one part when it is not, or cannot be cut. */
export function cutsOf(start: string, samples: readonly Sample[], limits: RangeLimits): string[] {
  const rows = samples.reduce((sum, sample) => sum + sample.rows, 0);
  const bytes = samples.reduce((sum, sample) => sum + sample.bytes, 0);
  const cuts = [start];
  const fullness = Math.max(rows / limits.rows, bytes / limits.bytes);
  if (fullness <= 1) return cuts;
  // By what there is too much of.
  const weigh = (sample: Sample): number => (rows / limits.rows >= bytes / limits.bytes ? sample.rows : sample.bytes);
  const total = samples.reduce((sum, sample) => sum + weigh(sample), 0);
  const parts = Math.min(MAX_PARTS, Math.max(2, Math.ceil(fullness / FILL)));
  let before = 0;
  for (const sample of samples) {
    const last = cuts.at(-1) ?? start;
    if (before >= (cuts.length * total) / parts && compareKeys(sample.key, last) > 0) cuts.push(sample.key);
    before += weigh(sample);
  }
  return cuts;
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** Keeps what it needs to cut a range of any size, in bounded memory. */
export class Sampler {
  readonly #maxSamples: number;
  #step = 1;
  #lastKey: string | null = null;
  #samples: Mutable<Sample>[] = [];

  constructor(maxSamples = 4_096) {
    this.#maxSamples = maxSamples;
  }

  /** In order of keys. */
  add(key: string, bytes: number): void {
    const last = this.#samples.at(-1);
    // Rows of one key stay together: a range begins with a key.
    const same = key === this.#lastKey;
    this.#lastKey = key;
    if (last !== undefined && (same || last.rows < this.#step)) {
      last.rows += 1;
      last.bytes += bytes;
      return;
    }
    this.#samples.push({ key, rows: 1, bytes });
    if (this.#samples.length > this.#maxSamples) this.#coarsen();
  }

  #coarsen(): void {
    this.#step *= 2;
    const coarse: Mutable<Sample>[] = [];
    for (const sample of this.#samples) {
      const last = coarse.at(-1);
      if (last === undefined || last.rows >= this.#step) coarse.push(sample);
      else {
        last.rows += sample.rows;
        last.bytes += sample.bytes;
      }
    }
    this.#samples = coarse;
  }

  get samples(): readonly Sample[] {
    return this.#samples;
  }
}

/** Samples of several tables as one. */
export function mergeSamples(tables: readonly (readonly Sample[])[]): Sample[] {
  return tables.flat().sort((a, b) => compareKeys(a.key, b.key));
}
