/** The range maps of buckets, read from index_range and remembered for a short time. All index reads and writes ask here. */
import { types } from 'cassandra-driver';
import type { Session } from './cluster.js';
import { RangeMap } from './range-map.js';
import type { RangeRow } from './range-map.js';
import { numberOf, required, textOf } from './rows.js';

/** How long a gateway may go on with an old map: whoever changes one must keep old and new map working that long. */
export const RANGE_CACHE_MS = 5_000;
const MAX_REMEMBERED = 10_000;

export class Ranges {
  readonly #session: Session;
  readonly #query: string;
  readonly #maps = new Map<string, { readonly atMs: number; readonly map: Promise<RangeMap> }>();

  constructor(session: Session) {
    this.#session = session;
    this.#query = `SELECT start, id, state FROM ${session.keyspace}.index_range WHERE bucket = ?`;
  }

  /** bucket: its instance */
  async of(bucket: string): Promise<RangeMap> {
    const now = performance.now();
    const known = this.#maps.get(bucket);
    if (known !== undefined && now - known.atMs < RANGE_CACHE_MS) return known.map;
    if (this.#maps.size >= MAX_REMEMBERED) this.#maps.clear();
    const map = this.#load(bucket);
    this.#maps.set(bucket, { atMs: now, map });
    try {
      return await map;
    } catch (error) {
      this.#maps.delete(bucket);
      throw error;
    }
  }

  async #load(bucket: string): Promise<RangeMap> {
    const rows = await this.#session.read(this.#query, [types.Uuid.fromString(bucket)]);
    return new RangeMap(
      rows.map((row): RangeRow => {
        const state = textOf(row, 'state');
        return {
          start: required(textOf(row, 'start'), 'start'),
          id: required(numberOf(row, 'id'), 'id'),
          state: state === 'filling' ? 'filling' : 'active',
        };
      }),
    );
  }
}
