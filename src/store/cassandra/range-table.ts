/** index_map: the ranges of a bucket, read at one revision and changed as a whole by conditional batches. */
import { types } from 'cassandra-driver';
import { StoreError } from '../errors.js';
import type { Session, Statement } from './cluster.js';
import type { RangeRow, RangeState } from './range-map.js';
import { numberOf, required, textOf } from './rows.js';
import type { Row } from './rows.js';

export interface StoredMap {
  /** 0: there are no rows */
  readonly revision: number;
  /** the least id that was never used */
  readonly nextId: number;
  readonly rows: readonly RangeRow[];
}

/** A row of a changed map; 'free' takes it out. */
export type ChangedRow = Omit<RangeRow, 'state'> & { readonly state: RangeState | 'free' };

const EMPTY: StoredMap = { revision: 0, nextId: 1, rows: [] };
const PAGE = 5_000;
/** A map of several pages that changes while it is read is read again, so many times. */
const MAX_READS = 20;
/** How long the revision of a removed bucket's map stays: longer than anybody works on it. */
const GONE_TTL_S = 86_400;

const uuid = (text: string) => types.Uuid.fromString(text);

export class RangeTable {
  readonly #session: Session;
  readonly #table: string;

  /** session: its levels are those of the map; see wideSession(). */
  constructor(session: Session) {
    this.#session = session;
    this.#table = `${session.keyspace}.index_map`;
  }

  /** 0: the bucket has one range. */
  async revision(bucket: string): Promise<number> {
    const query = `SELECT revision FROM ${this.#table} WHERE bucket = ? LIMIT 1`;
    const [row] = await this.#session.read(query, [uuid(bucket)]);
    return row === undefined ? 0 : (numberOf(row, 'revision') ?? 0);
  }

  async load(bucket: string): Promise<StoredMap> {
    const query = `SELECT start, slot, revision, next_id, until, id, state, move FROM ${this.#table} WHERE bucket = ?`;
    for (let attempt = 0; attempt < MAX_READS; attempt++) {
      const rows: Row[] = [];
      for await (const page of this.#session.pages(query, [uuid(bucket)], PAGE)) rows.push(...page);
      const revision = rows[0] === undefined ? 0 : (numberOf(rows[0], 'revision') ?? 0);
      if (rows.every((row) => (numberOf(row, 'revision') ?? 0) === revision)) return mapOf(rows);
    }
    throw new StoreError(
      'contention',
      'notApplied',
      `the range map of bucket ${bucket} changes faster than it can be read`,
    );
  }

  /** Finishes a change that is under way first. */
  async settle(bucket: string): Promise<void> {
    await this.#session.readSerial(`SELECT revision FROM ${this.#table} WHERE bucket = ? LIMIT 1`, [uuid(bucket)]);
  }

  /** @returns false: the map has changed since; @throws StoreError, outcome unknown when it may have been changed */
  async change(bucket: string, from: StoredMap, rows: readonly ChangedRow[], nextId = from.nextId): Promise<boolean> {
    const statements: Statement[] = [
      {
        query: `UPDATE ${this.#table} SET revision = ?, next_id = ? WHERE bucket = ? IF revision = ?`,
        params: [from.revision + 1, nextId, uuid(bucket), from.revision === 0 ? null : from.revision],
      },
    ];
    for (const { start, slot, end, id, state, move } of rows) {
      statements.push({
        query: `UPDATE ${this.#table} SET until = ?, id = ?, state = ?, move = ? WHERE bucket = ? AND start = ? AND slot = ?`,
        params: [end ?? '', id, state, move ?? -1, uuid(bucket), start, slot],
      });
    }
    return (await this.#session.cas(statements)).applied;
  }

  /** Of a bucket that is gone for good. */
  async remove(bucket: string, from: StoredMap): Promise<boolean> {
    const clear = {
      query: `UPDATE ${this.#table} USING TTL ${GONE_TTL_S} SET revision = ?, next_id = ? WHERE bucket = ? IF revision = ?`,
      params: [from.revision + 1, from.nextId, uuid(bucket), from.revision],
    };
    const rows = { query: `DELETE FROM ${this.#table} WHERE bucket = ? AND start >= ''`, params: [uuid(bucket)] };
    return (await this.#session.cas([clear, rows])).applied;
  }
}

function mapOf(rows: readonly Row[]): StoredMap {
  const [first] = rows;
  if (first === undefined) return EMPTY;
  const stored = rows.flatMap((row): RangeRow[] => {
    // A partition that holds nothing but its revision is one row without a start.
    const start = textOf(row, 'start');
    const state = textOf(row, 'state');
    if (start === null || state === 'free') return [];
    if (state !== 'active' && state !== 'filling' && state !== 'leaving') {
      throw new StoreError('corrupt', 'notApplied', `a range of keys has the unknown state ${state ?? 'null'}`);
    }
    const until = required(textOf(row, 'until'), 'until');
    const move = required(numberOf(row, 'move'), 'move');
    return [
      {
        start,
        end: until === '' ? null : until,
        slot: required(numberOf(row, 'slot'), 'slot'),
        id: required(numberOf(row, 'id'), 'id'),
        state,
        move: move < 0 ? null : move,
      },
    ];
  });
  return { revision: numberOf(first, 'revision') ?? 0, nextId: numberOf(first, 'next_id') ?? 1, rows: stored };
}
