/** What a process knows of the outbox's partitions: its own, and those of others that it has found. */
import { shardEndMs } from './garbage-rows.js';
import { gatewayOf } from './outbox-table.js';
import type { ShardName } from './outbox-table.js';

const MINUTE_MS = 60_000;

/** An entry of a change that this process is making, or has made. */
export type Announced = 'open' | 'made' | 'cancelled';

export class ShardState implements ShardName {
  readonly queue: string;
  readonly name: string;
  /** partition key */
  readonly key: string;
  readonly gateway: string;
  readonly startMs: number;
  readonly endMs: number;
  /** performance.now() */
  readonly seenMs = performance.now();
  /** Entries before this time are done with, or in hand. */
  fromMs: number;
  /** There may be entries to read. */
  dirty = true;
  readonly announced = new Map<string, Announced>();
  /** Of these, the open ones, oldest first. Value: time of the id, ms since the epoch */
  readonly open = new Map<string, number>();
  /** In hand. */
  readonly taken = new Set<string>();
  /** Removed since the last read began: it may have seen them yet. */
  readonly removed = new Set<string>();

  constructor({ queue, name }: ShardName, key: string) {
    this.queue = queue;
    this.name = name;
    this.key = key;
    this.gateway = gatewayOf(name);
    this.endMs = shardEndMs(name);
    this.startMs = this.endMs - MINUTE_MS;
    this.fromMs = this.startMs;
  }

  /** Something at that time is to be read (again). */
  touch(atMs: number): void {
    this.fromMs = Math.min(this.fromMs, atMs);
    this.dirty = true;
  }

  /** Nothing of this process is in it. */
  get idle(): boolean {
    return !this.dirty && this.taken.size === 0 && this.announced.size === 0;
  }
}

export class QueueShards {
  readonly #byName = new Map<string, ShardState>();
  #sorted: ShardState[] | null = null;
  /** performance.now(): when to look again for those of others */
  discoverAtMs = 0;

  get(name: string): ShardState | undefined {
    return this.#byName.get(name);
  }

  add(state: ShardState): void {
    this.#byName.set(state.name, state);
    this.#sorted = null;
  }

  remove(name: string): void {
    this.#byName.delete(name);
    this.#sorted = null;
  }

  /** Oldest first. */
  all(): readonly ShardState[] {
    this.#sorted ??= [...this.#byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
    return this.#sorted;
  }
}

export class KnownShards {
  readonly #keyOf: (shard: ShardName) => string;
  readonly #queues = new Map<string, QueueShards>();

  /** keyOf: the partition key of a shard */
  constructor(keyOf: (shard: ShardName) => string) {
    this.#keyOf = keyOf;
  }

  of(queue: string): QueueShards {
    const shards = this.#queues.get(queue) ?? new QueueShards();
    this.#queues.set(queue, shards);
    return shards;
  }

  state(shard: ShardName): ShardState {
    const shards = this.of(shard.queue);
    const known = shards.get(shard.name);
    if (known !== undefined) return known;
    const state = new ShardState(shard, this.#keyOf(shard));
    shards.add(state);
    return state;
  }
}
