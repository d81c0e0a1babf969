/**
 * Which part of a bucket's listings (a partition of the index tables) a key belongs to. Pure. Without any row a bucket has
 * one range, 0. What ranges go through when keys move from one to another is told in docs/adr/0004-bounded-partitions.md.
 */
import { compareKeys } from '../key-order.js';

/**
 * active: read and written; filling: written besides the range that is read, and copied to; leaving: not read any more, but
 * written besides, for gateways that still read it.
 */
export type RangeState = 'active' | 'filling' | 'leaving';

export interface RangeRow {
  /** first key of the range */
  readonly start: string;
  /** exclusive; null: to the last key */
  readonly end: string | null;
  /** tells ranges that start at one key apart */
  readonly slot: number;
  readonly id: number;
  readonly state: RangeState;
  /** id of the range that the move it takes part in was begun for; null: none */
  readonly move: number | null;
}

/** A stretch of keys within one range. */
export interface RangeSpan {
  readonly id: number;
  /** inclusive */
  readonly start: string;
  /** exclusive; null: to the last key */
  readonly end: string | null;
}

/** Ranges that a change of a key is written to: all of `first` before any of `then`. */
export interface WriteSet {
  readonly first: readonly number[];
  readonly then: readonly number[];
}

/** The range that a bucket without rows has. */
export const WHOLE_BUCKET: RangeRow = { start: '', end: null, slot: 0, id: 0, state: 'active', move: null };

export class RangeMap {
  readonly #active: readonly RangeRow[];
  readonly #others: readonly RangeRow[];
  readonly #activeIds: ReadonlySet<number>;

  /** rows: in any order */
  constructor(rows: readonly RangeRow[]) {
    const active = rows.filter(({ state }) => state === 'active').sort((a, b) => compareKeys(a.start, b.start));
    this.#active = active.length === 0 ? [WHOLE_BUCKET] : active;
    this.#others = rows.filter(({ state }) => state !== 'active');
    this.#activeIds = new Set(this.#active.map(({ id }) => id));
  }

  /**
   * The range that is read comes before those being filled: what is found in a range that is being filled must have been in
   * the one it takes over from.
   */
  forWrite(key: string): WriteSet {
    const others = this.#others.filter((row) => covers(row, key));
    return {
      first: [this.spanOf(key).id, ...others.filter(({ state }) => state === 'leaving').map(({ id }) => id)],
      then: others.filter(({ state }) => state === 'filling').map(({ id }) => id),
    };
  }

  /** The range that a key is read from. */
  spanOf(key: string): RangeSpan {
    return this.#span(this.#indexOf(key));
  }

  /** The ranges that hold the keys from `from` on, in order of their keys; at most so many. */
  spansFrom(from: string, limit = Number.POSITIVE_INFINITY): readonly RangeSpan[] {
    const at = this.#indexOf(from);
    const count = Math.min(limit, this.#active.length - at);
    return Array.from({ length: count }, (_, i) => this.#span(at + i));
  }

  isActive(id: number): boolean {
    return this.#activeIds.has(id);
  }

  /** Of all ranges that are written. */
  ids(): readonly number[] {
    return [...this.#activeIds, ...this.#others.map(({ id }) => id)];
  }

  #span(at: number): RangeSpan {
    const { id, start } = this.#active[at] ?? WHOLE_BUCKET;
    return { id, start, end: this.#active[at + 1]?.start ?? null };
  }

  /** Position of the active range that the key is in. */
  #indexOf(key: string): number {
    let low = 0;
    let high = this.#active.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (compareKeys(this.#active[middle]?.start ?? '', key) <= 0) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

export function covers({ start, end }: Pick<RangeSpan, 'start' | 'end'>, key: string): boolean {
  return compareKeys(start, key) <= 0 && (end === null || compareKeys(key, end) < 0);
}
