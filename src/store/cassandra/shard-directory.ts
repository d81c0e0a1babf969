/**
 * What the queues of garbage and events have in common: rows in shards (partitions of a minute and a gateway), and a directory of
 * the shards that exist, so that every gateway finds them.
 */
import { types } from 'cassandra-driver';
import type { Session } from './cluster.js';
import { textOf } from './rows.js';

export interface ShardDirectoryOptions {
  readonly session: Session;
  /** with its keyspace: (shard, id) rows */
  readonly rows: string;
  /** with its keyspace: (scope, name) rows */
  readonly names: string;
  /** Shards that are remembered to be registered: those that one process writes to at a time fit in. */
  readonly remembered: number;
}

export class ShardDirectory {
  readonly #options: ShardDirectoryOptions;
  readonly #registered = new Map<string, Promise<void>>();

  constructor(options: ShardDirectoryOptions) {
    this.#options = options;
  }

  /** Once for each shard, until it fails. places: where its name is written, in any order */
  async register(shard: string, places: () => readonly (readonly [scope: string, name: string])[]): Promise<void> {
    const known = this.#registered.get(shard);
    if (known !== undefined) return known;
    const [oldest] = this.#registered.keys();
    if (oldest !== undefined && this.#registered.size >= this.#options.remembered) this.#registered.delete(oldest);
    const registration = this.#insert(places());
    this.#registered.set(shard, registration);
    try {
      await registration;
    } catch (error) {
      this.#registered.delete(shard);
      throw error;
    }
  }

  async #insert(places: readonly (readonly [scope: string, name: string])[]): Promise<void> {
    const { session, names } = this.#options;
    const query = `INSERT INTO ${names} (scope, name) VALUES (?, ?)`;
    await Promise.all(places.map((place) => session.write(query, [...place])));
  }

  async names(scope: string): Promise<string[]> {
    const { session, names } = this.#options;
    const found: string[] = [];
    const query = `SELECT name FROM ${names} WHERE scope = ?`;
    for await (const page of session.pages(query, [scope], 1000)) {
      for (const row of page) found.push(textOf(row, 'name') ?? '');
    }
    return found;
  }

  /** Rows of any shards. */
  async removeRows(rows: readonly { readonly shard: string; readonly id: string }[]): Promise<void> {
    const byShard = new Map<string, types.TimeUuid[]>();
    for (const { shard, id } of rows) {
      const ids = byShard.get(shard) ?? [];
      ids.push(types.TimeUuid.fromString(id));
      byShard.set(shard, ids);
    }
    const { session, rows: table } = this.#options;
    const query = `DELETE FROM ${table} WHERE shard = ? AND id IN ?`;
    await Promise.all([...byShard].map(([shard, ids]) => session.write(query, [shard, ids])));
  }

  /** The partition with its tombstones goes as a whole, then its name; a name alone where there is no shard of it. */
  async drop(scope: string, name: string, shard?: string): Promise<void> {
    const { session, rows, names } = this.#options;
    if (shard !== undefined) await session.write(`DELETE FROM ${rows} WHERE shard = ?`, [shard]);
    await session.write(`DELETE FROM ${names} WHERE scope = ? AND name = ?`, [scope, name]);
  }
}
