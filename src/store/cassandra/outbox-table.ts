/** outbox and outbox_shard: entries in partitions of one queue, one minute and one gateway, and finding them again. */
import { types } from 'cassandra-driver';
import type { Session } from './cluster.js';
import { hourEndMs, hourScope, shardAt, shardEndMs, shardKey } from './garbage-rows.js';
import { PartitionBatcher } from './partition-batcher.js';
import { bytesOf, required, textOf, uuidOf } from './rows.js';
import { ShardDirectory } from './shard-directory.js';

export interface OutboxRow {
  readonly shard: string;
  /** timeuuid, of the time when it is due */
  readonly id: string;
  readonly doc: string;
  /** What tells whether the change was made; null: it was. */
  readonly proof: { readonly token: Buffer; readonly base: Buffer } | null;
}

/** A partition, by the parts of its name. */
export interface ShardName {
  readonly queue: string;
  /** minute and gateway */
  readonly name: string;
}

/** Nobody writes to a shard any more when its minute ended so long ago, by any gateway's clock. */
export const CLOSED_AFTER_MS = 30 * 60_000;
const REGISTERED = 256;

export class OutboxTable {
  readonly region: string;
  readonly #session: Session;
  readonly #table: string;
  readonly #shards: ShardDirectory;
  readonly #batches: PartitionBatcher;

  constructor({ session, region }: { readonly session: Session; readonly region: string }) {
    this.region = region;
    this.#session = session;
    this.#table = `${session.keyspace}.outbox`;
    const names = `${session.keyspace}.outbox_shard`;
    this.#shards = new ShardDirectory({ session, rows: this.#table, names, remembered: REGISTERED });
    this.#batches = new PartitionBatcher((statements) => session.writeTogether(statements));
  }

  /** Where an entry goes that is due then, and its id: ids of one process grow with the time. */
  place(queue: string, gateway: string, dueMs: number | null): { readonly shard: ShardName; readonly id: string } {
    const id = dueMs === null ? types.TimeUuid.now() : types.TimeUuid.fromDate(new Date(dueMs));
    const { name } = shardAt(this.#scope(queue), gateway, id.getDate().getTime());
    return { shard: { queue, name }, id: id.toString() };
  }

  key({ queue, name }: ShardName): string {
    return shardKey({ region: this.#scope(queue), name, hour: '' });
  }

  #scope(queue: string): string {
    return `${this.region}/${queue}`;
  }

  /** Durable, and found by every gateway, when it resolves. Repeatable. */
  async write(shard: ShardName, row: OutboxRow): Promise<void> {
    const query = `INSERT INTO ${this.#table} (shard, id, doc, change_token, base) VALUES (?, ?, ?, ?, ?)`;
    const { token, base } = row.proof ?? { token: types.unset, base: types.unset };
    const params = [row.shard, types.TimeUuid.fromString(row.id), row.doc, token, base];
    await Promise.all([this.#register(shard), this.#batches.add(row.shard, [{ query, params }])]);
  }

  /** The row's change was made. Brings no row back that is removed already. */
  async confirm({ shard, id }: Pick<OutboxRow, 'shard' | 'id'>): Promise<void> {
    const query = `DELETE change_token, base FROM ${this.#table} WHERE shard = ? AND id = ?`;
    await this.#batches.add(shard, [{ query, params: [shard, types.TimeUuid.fromString(id)] }]);
  }

  /** Rows of any shards. */
  async remove(rows: readonly Pick<OutboxRow, 'shard' | 'id'>[]): Promise<void> {
    await this.#shards.removeRows(rows);
  }

  /** Rows from that time on, in order of their ids, page by page. fromMs: ms since the epoch */
  async *rows(shard: string, fromMs: number, pageSize: number): AsyncGenerator<OutboxRow[]> {
    const query = `SELECT id, doc, change_token, base FROM ${this.#table} WHERE shard = ? AND id >= minTimeuuid(?)`;
    for await (const page of this.#session.pages(query, [shard, new Date(fromMs)], pageSize)) {
      yield page.flatMap((row) => {
        const doc = textOf(row, 'doc');
        if (doc === null) return [];
        const token = bytesOf(row, 'change_token');
        const base = bytesOf(row, 'base') ?? Buffer.alloc(0);
        const proof = token === null ? null : { token, base };
        return [{ shard, id: required(uuidOf(row, 'id'), 'id'), doc, proof }];
      });
    }
  }

  async queues(): Promise<string[]> {
    return this.#shards.names(queuesScope(this.region));
  }

  /** Shards of the queue whose minute has begun, oldest first; drops hours that are worked off. */
  async shards(queue: string, nowMs: number): Promise<ShardName[]> {
    const scope = this.#scope(queue);
    const current = shardAt(scope, '', nowMs);
    const shards: ShardName[] = [];
    for (const hour of await this.#shards.names(scope)) {
      if (hour > current.hour) break;
      const names = await this.#shards.names(hourScope(scope, hour));
      if (names.length === 0 && hourEndMs(hour) + CLOSED_AFTER_MS < nowMs) await this.#shards.drop(scope, hour);
      // '-' sorts before what may follow it: a name of the current minute begins with the bound.
      for (const name of names) if (shardEndMs(name) <= shardEndMs(current.name)) shards.push({ queue, name });
    }
    return shards;
  }

  /** The partition with its tombstones goes as a whole, then its name. */
  async drop(shard: ShardName): Promise<void> {
    const scope = this.#scope(shard.queue);
    const { hour } = shardAt(scope, '', shardEndMs(shard.name) - 1);
    await this.#shards.drop(hourScope(scope, hour), shard.name, this.key(shard));
  }

  #register({ queue, name }: ShardName): Promise<void> {
    return this.#shards.register(this.key({ queue, name }), () => {
      const scope = this.#scope(queue);
      const { hour } = shardAt(scope, '', shardEndMs(name) - 1);
      return [
        [queuesScope(this.region), queue],
        [scope, hour],
        [hourScope(scope, hour), name],
      ];
    });
  }
}

function queuesScope(region: string): string {
  return `queues:${region}`;
}

/** Of a shard's name. */
export function gatewayOf(name: string): string {
  return name.slice(name.indexOf('-') + 1);
}

/** When an id is due: ms since the epoch. */
export function timeOfId(id: string): number {
  return types.TimeUuid.fromString(id).getDate().getTime();
}
