/**
 * One partition of object_head on three replicas, as far as HeadTable can tell: reads of two of them that carry newer cells over
 * to the older one, but only those of the columns that were asked for, as Cassandra's blocking read repair does; a serial read
 * that finishes the change under way. On a real ring this takes a change that stops half-way, at the right moment.
 */
import { types } from 'cassandra-driver';
import type { CasResult, Session, Statement } from '../../../../src/store/cassandra/cluster.js';
import type { Row } from '../../../../src/store/cassandra/rows.js';

const STATIC = new Set(['key_clock', 'commits', 'versioned', 'tally']);
const KEYSPACE = 'ks';

interface Cell {
  readonly value: unknown;
  readonly at: number;
}

/** Cells by row ('' for statics) and column. */
type Replica = Map<string, Map<string, Cell>>;

export class Replicas {
  readonly #replicas: readonly Replica[] = [new Map(), new Map(), new Map()];
  #changes = 0;
  #underWay: { readonly statement: Statement; readonly at: number } | null = null;
  /** Which replicas answer reads, once `next` is used up. */
  quorum: readonly number[] = [0, 1];
  /** Which replicas answer the next reads, in order. */
  next: (readonly number[])[] = [];
  /** Which replicas a change reaches. */
  reached: readonly number[] = [0, 1, 2];

  get session(): Session {
    return {
      keyspace: KEYSPACE,
      read: async (query: string, params: unknown[]) => this.#read(query, params, this.next.shift() ?? this.quorum),
      readAll: async (query: string, params: unknown[]) => this.#read(query, params, [0, 1, 2]),
      readSerial: async (query: string, params: unknown[]) => {
        this.#finish();
        return this.#read(query, params, this.quorum);
      },
      cas: async (statements: readonly Statement[]) => this.#cas(statements),
    } as unknown as Session;
  }

  /** Damages the bytes everywhere. */
  damage(): void {
    for (const replica of this.#replicas) {
      for (const row of replica.values()) {
        const cell = row.get('inline');
        if (cell !== undefined) row.set('inline', { ...cell, value: Buffer.from('damaged') });
      }
    }
  }

  #cas([statement, ...more]: readonly Statement[]): CasResult {
    if (statement === undefined || more.length > 0) throw new Error('these replicas take one statement at a time');
    this.#finish();
    this.#underWay = { statement, at: ++this.#changes };
    if (this.reached.length === this.#replicas.length) this.#finish();
    else for (const index of this.reached) this.#apply(index);
    return { applied: true, found: null };
  }

  #finish(): void {
    for (const index of [0, 1, 2]) this.#apply(index);
    this.#underWay = null;
  }

  #apply(index: number): void {
    if (this.#underWay === null) return;
    const { statement, at } = this.#underWay;
    const [, sets = ''] = /SET (.*) WHERE/.exec(statement.query) ?? [];
    const columns = sets.split(', ').map((set) => set.replace(' = ?', ''));
    const slot = String(statement.params[columns.length + 2]);
    for (const [position, column] of columns.entries()) {
      const value = statement.params[position];
      if (value !== types.unset) put(this.#replicas[index], STATIC.has(column) ? '' : slot, column, { value, at });
    }
  }

  #read(query: string, params: readonly unknown[], from: readonly number[]): Row[] {
    const columns = (/SELECT (.*) FROM/.exec(query)?.[1] ?? '').split(', ').filter((column) => column !== 'slot');
    const slot = query.includes('slot = ?') ? String(params[2]) : null;
    const limit = Number(/LIMIT (\d+)/.exec(query)?.[1] ?? '1');
    const replicas = from.map((index) => this.#replicas[index]);
    const names = new Set(replicas.flatMap((replica) => [...(replica?.keys() ?? [])]));
    for (const name of names) {
      for (const column of columns) {
        const cells = replicas.map((replica) => replica?.get(name)?.get(column)).filter((cell) => cell !== undefined);
        const newest = cells.sort((a, b) => b.at - a.at)[0];
        if (newest !== undefined) for (const replica of replicas) put(replica, name, column, newest);
      }
    }
    const [first] = replicas;
    const cell = (row: string, column: string): unknown => first?.get(row)?.get(column)?.value ?? null;
    return [...names]
      .filter((name) => name !== '' && (slot === null || name === slot) && cell(name, 'doc') !== null)
      .sort((a, b) => (BigInt(b) > BigInt(a) ? 1 : -1))
      .slice(0, limit)
      .map((name) => {
        const entries = columns.map((column) => [column, cell(STATIC.has(column) ? '' : name, column)]);
        return { slot: types.Long.fromString(name), ...Object.fromEntries(entries) } as Row;
      });
  }
}

function put(replica: Replica | undefined, row: string, column: string, cell: Cell): void {
  const cells = replica?.get(row) ?? new Map<string, Cell>();
  replica?.set(row, cells);
  if ((cells.get(column)?.at ?? 0) <= cell.at) cells.set(column, cell);
}
