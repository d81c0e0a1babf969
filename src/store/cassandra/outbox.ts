/**
 * The outbox of a region on Cassandra.
 *
 * An entry is durable before its change is attempted, and bears what tells later whether the change was made: its token in the
 * key's trail of commits. The process that makes the change knows the answer and delivers without asking; after its death whoever
 * takes over finds out (outbox-settle.ts). So an event costs a change one plain write before it, and one delete once it is
 * delivered.
 *
 * Each process reads its own partitions, and those of processes whose lease has run out.
 */
import { randomBytes } from 'node:crypto';
import { decodeEntry, encodeEntry, OutboxWatchers } from '../shared/outbox.js';
import type { Outbox, OutboxEntry } from '../types.js';
import { KeyedMutex } from './keyed-mutex.js';
import type { CassandraOptions } from './options.js';
import { OutboxAnnouncer } from './outbox-announcer.js';
import type { AnnouncedChange, Announcement } from './outbox-announcer.js';
import type { OutboxLeases } from './outbox-leases.js';
import type { OutboxSettler } from './outbox-settle.js';
import { KnownShards, ShardState } from './outbox-shards.js';
import type { QueueShards } from './outbox-shards.js';
import { CLOSED_AFTER_MS, timeOfId } from './outbox-table.js';
import type { OutboxRow, OutboxTable } from './outbox-table.js';

interface Parts {
  readonly table: OutboxTable;
  readonly leases: OutboxLeases;
  readonly settler: OutboxSettler;
  readonly options: Pick<CassandraOptions, 'now' | 'logger'>;
}

const PAGE = 500;
/** How often partitions of others are looked for. */
const DISCOVER_MS = 5_000;
/** ... and how much of the time that may take. */
const DISCOVER_SHARE = 0.05;
/** The lease of a process that has just begun may be under way yet. */
const ADOPT_AFTER_MS = 3_000;

export class CassandraOutbox implements Outbox {
  readonly #parts: Parts;
  readonly #gateway = randomBytes(5).toString('hex');
  readonly #watchers = new OutboxWatchers();
  readonly #shards: KnownShards;
  readonly #announcer: OutboxAnnouncer;
  readonly #takes = new KeyedMutex();

  constructor(parts: Parts) {
    this.#parts = parts;
    const { table, leases, options } = parts;
    const gateway = this.#gateway;
    this.#shards = new KnownShards((shard) => table.key(shard));
    this.#announcer = new OutboxAnnouncer({
      table,
      shards: this.#shards,
      gateway,
      options,
      // Others must see that these entries are somebody's.
      onAnnounced: (queue) => {
        const lease = leases.holds(this.#lease(queue, gateway));
        this.#announcer.inBackground(lease, 'an outbox lease was not taken');
      },
      onMade: (queue) => this.#watchers.tell(queue),
    });
  }

  /** Durable when it resolves; no change is told of before made(). @throws StoreError notApplied */
  announce(change: AnnouncedChange): Promise<Announcement> {
    return this.#announcer.announce(change);
  }

  take(queue: string, { limit }: { readonly limit: number }): Promise<readonly OutboxEntry[]> {
    return this.#takes.run(queue, async () => {
      const { now } = this.#parts.options;
      const shards = this.#shards.of(queue);
      await this.#discover(queue, shards);
      const entries: OutboxEntry[] = [];
      // As long as others can find entries of this process they must see that it lives.
      if (shards.all().some(({ gateway }) => gateway === this.#gateway))
        await this.#parts.leases.holds(this.#lease(queue, this.#gateway));
      for (const state of shards.all()) {
        if (state.startMs > now()) break;
        if (state.dirty || state.taken.size > 0) {
          // Also when there is room for nothing more: what is in hand stays in hand.
          if (!(await this.#holds(state))) continue;
          if (state.dirty && entries.length < limit) await this.#read(state, limit, entries);
        } else if (state.idle && state.endMs + CLOSED_AFTER_MS < now()) {
          if (await this.#holds(state)) await this.#close(shards, state);
        }
      }
      return entries;
    });
  }

  async #holds(state: ShardState): Promise<boolean> {
    const own = state.gateway === this.#gateway;
    if (!own && performance.now() - state.seenMs < ADOPT_AFTER_MS) return false;
    const holds = await this.#parts.leases.holds(this.#lease(state.queue, state.gateway));
    if (holds) return true;
    // Whoever has it reads all of it.
    state.taken.clear();
    for (const [id, status] of state.announced) if (status === 'made') this.#announcer.forget(state, id);
    state.fromMs = state.startMs;
    return false;
  }

  async #read(state: ShardState, limit: number, entries: OutboxEntry[]): Promise<void> {
    const { table, options } = this.#parts;
    const nowMs = options.now();
    let doneMs = state.fromMs;
    let heldMs = Number.POSITIVE_INFINITY;
    let again = false;
    state.dirty = false;
    state.removed.clear();
    try {
      for await (const page of table.rows(state.key, state.fromMs, Math.min(PAGE, limit * 2 + 1))) {
        for (const row of page) {
          const atMs = timeOfId(row.id);
          again = entries.length >= limit || atMs > nowMs;
          if (again) break;
          doneMs = atMs;
          const known = state.taken.has(row.id) || state.removed.has(row.id);
          const verdict = known ? 'no' : await this.#judge(state, row);
          if (verdict === 'later') heldMs = Math.min(heldMs, atMs);
          if (verdict !== 'yes') continue;
          state.taken.add(row.id);
          entries.push(this.#entryOf(state, row));
        }
        if (again) break;
      }
    } catch (error) {
      state.dirty = true;
      throw error;
    }
    const [firstOpenMs = Number.POSITIVE_INFINITY] = state.open.values();
    state.fromMs = Math.min(doneMs, heldMs, firstOpenMs);
    if (again || heldMs < Number.POSITIVE_INFINITY || state.open.size > 0) state.dirty = true;
  }

  async #judge(state: ShardState, row: OutboxRow): Promise<'yes' | 'no' | 'later'> {
    const status = state.announced.get(row.id);
    if (status === 'open') return 'later';
    if (status === 'cancelled') return 'no';
    if (status === 'made' || row.proof === null) return 'yes';
    const { bucket, key, createdMs } = this.#entryOf(state, row);
    try {
      if (await this.#parts.settler.wasMade({ bucket, key, createdMs, ...row.proof })) return 'yes';
      await this.#parts.table.remove([row]);
      return 'no';
    } catch (error) {
      // One key in trouble keeps no other from its turn.
      this.#parts.options.logger.warn({ err: error, bucket: bucket.name, key }, 'an outbox entry was not settled');
      return 'later';
    }
  }

  #entryOf(state: ShardState, row: OutboxRow): OutboxEntry {
    const content = decodeEntry(row.doc, this.#parts.table.region);
    return { id: `${row.id}|${state.name}`, queue: state.queue, ...content };
  }

  /** Full of tombstones, or of what somebody wrote very late. */
  async #close(shards: QueueShards, state: ShardState): Promise<void> {
    for await (const page of this.#parts.table.rows(state.key, 0, 1)) {
      if (page.length === 0) continue;
      state.touch(state.startMs);
      return;
    }
    await this.#parts.table.drop(state);
    shards.remove(state.name);
  }

  async #discover(queue: string, shards: QueueShards): Promise<void> {
    const startedMs = performance.now();
    if (startedMs < shards.discoverAtMs) return;
    const nowMs = this.#parts.options.now();
    const found = await this.#parts.table.shards(queue, nowMs);
    const names = new Set(found.map(({ name }) => name));
    for (const shard of found) {
      const state = shards.get(shard.name);
      if (state === undefined) shards.add(new ShardState(shard, this.#parts.table.key(shard)));
      else if (state.gateway !== this.#gateway && state.endMs + CLOSED_AFTER_MS > nowMs) state.dirty = true;
    }
    // Dropped by who worked them off.
    for (const state of shards.all())
      if (state.gateway !== this.#gateway && !names.has(state.name) && state.taken.size === 0)
        shards.remove(state.name);
    const endedMs = performance.now();
    shards.discoverAtMs = endedMs + Math.max(DISCOVER_MS, (endedMs - startedMs) / DISCOVER_SHARE);
  }

  async remove(entries: readonly OutboxEntry[]): Promise<void> {
    if (entries.length === 0) return;
    await this.#parts.table.remove(entries.map((entry) => this.#placeOf(entry)));
    for (const entry of entries) {
      const { state, id } = this.#placeOf(entry);
      if (state === undefined) continue;
      state.removed.add(id);
      state.taken.delete(id);
      this.#announcer.forget(state, id);
    }
  }

  async postpone(entries: readonly OutboxEntry[], dueMs: number): Promise<void> {
    const { table } = this.#parts;
    await Promise.all(
      entries.map(async (entry) => {
        const { shard, id } = table.place(entry.queue, this.#gateway, dueMs);
        const state = this.#shards.state(shard);
        const doc = encodeEntry({ ...entry, attempts: entry.attempts + 1 });
        await table.write(state, { shard: state.key, id, doc, proof: null });
        state.touch(timeOfId(id));
      }),
    );
    await this.remove(entries);
  }

  giveBack(entries: readonly OutboxEntry[]): void {
    for (const entry of entries) {
      const { state, id } = this.#placeOf(entry);
      if (state?.taken.delete(id) === true) state.touch(timeOfId(id));
    }
  }

  queues(): Promise<readonly string[]> {
    return this.#parts.table.queues();
  }

  watch(listener: (queue: string) => void): () => void {
    return this.#watchers.add(listener);
  }

  async release(): Promise<void> {
    await this.drain();
    await this.#parts.leases.release();
  }

  /** Waits for what goes on behind commits. */
  drain(): Promise<void> {
    return this.#announcer.drain();
  }

  #lease(queue: string, gateway: string): string {
    return `${this.#parts.table.region}/${queue}/${gateway}`;
  }

  #placeOf({ id, queue }: OutboxEntry): { readonly shard: string; readonly id: string; readonly state?: ShardState } {
    const at = id.indexOf('|');
    const name = id.slice(at + 1);
    const state = this.#shards.of(queue).get(name);
    return { shard: this.#parts.table.key({ queue, name }), id: id.slice(0, at), ...(state && { state }) };
  }
}
