/**
 * Which part of a bucket's listings (a partition of the index tables) a key belongs to. Pure. Without any row a bucket has
 * one range, 0. A range that is being filled gets the writes of its keys besides the range that holds them so far, and is
 * read from only once it is active.
 */
import { compareKeys } from '../key-order.js';

export interface RangeRow {
  /** first key of the range */
  readonly start: string;
  readonly id: number;
  readonly state: 'active' | 'filling';
}

/** A stretch of keys within one range. */
export interface RangeSpan {
  readonly id: number;
  /** inclusive */
  readonly start: string;
  /** exclusive; null: to the last key */
  readonly end: string | null;
}

export class RangeMap {
  readonly #active: readonly RangeRow[];
  readonly #filling: readonly RangeSpan[];

  /** rows: in any order */
  constructor(rows: readonly RangeRow[]) {
    const sorted = [...rows].sort((a, b) => compareKeys(a.start, b.start));
    const active = sorted.filter(({ state }) => state === 'active');
    if (active[0]?.start !== '') active.unshift({ start: '', id: 0, state: 'active' });
    this.#active = active;
    this.#filling = sorted.flatMap((row, i) =>
      row.state === 'filling' ? [{ id: row.id, start: row.start, end: sorted[i + 1]?.start ?? null }] : [],
    );
  }

  /** Ranges that a change of the key is written to; the first is the one that is read. */
  forWrite(key: string): readonly number[] {
    const filling = this.#filling.filter(
      ({ start, end }) => compareKeys(start, key) <= 0 && (end === null || compareKeys(key, end) < 0),
    );
    return [this.forRead(key), ...filling.map(({ id }) => id)];
  }

  forRead(key: string): number {
    return this.#active[this.#indexOf(key)]?.id ?? 0;
  }

  /** The ranges that hold the keys from `from` on, in order of their keys. */
  spansFrom(from: string): readonly RangeSpan[] {
    return this.#active
      .map(({ id, start }, i) => ({ id, start, end: this.#active[i + 1]?.start ?? null }))
      .slice(this.#indexOf(from));
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
