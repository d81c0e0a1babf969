/**
 * The outbox of a region on LMDB: entries are written by the transaction that makes the change.
 *
 * outbox: queue, 0, due time, seq, id -> JSON. outboxLease: queue -> {holder, untilMs}: processes that share the data directory
 * take turns at a queue, and whoever finds it empty lets go of it.
 */
import { randomBytes } from 'node:crypto';
import { encodeEntry, checkQueue, decodeEntry, OutboxWatchers } from '../shared/outbox.js';
import type { OutboxContent } from '../shared/outbox.js';
import type { BucketRef, Outbox, OutboxDraft, OutboxEntry } from '../types.js';
import { OUTBOX_TAKE_MS } from '../types.js';
import type { RegionContext } from './context.js';
import type { Writes } from './database.js';

/** How long a queue stays with a process that has died. */
const LEASE_MS = 3 * OUTBOX_TAKE_MS;
const ID_BYTES = 4;
const NUMBER_BYTES = 8;

interface Lease {
  readonly holder: string;
  /** ms since the epoch */
  readonly untilMs: number;
}

export class EmbeddedOutbox implements Outbox {
  readonly #context: RegionContext;
  readonly #holder = randomBytes(8).toString('hex');
  readonly #watchers = new OutboxWatchers();
  /** Entries that were handed out, by queue. */
  readonly #taken = new Map<string, Set<string>>();
  /** When the lease of a queue was written last: performance.now(). */
  readonly #leased = new Map<string, number>();

  constructor(context: RegionContext) {
    this.#context = context;
  }

  /** Within the transaction of the change. */
  write(
    writes: Writes,
    { bucket, key, seq }: { readonly bucket: BucketRef; readonly key: string; readonly seq: number },
    drafts: readonly OutboxDraft[],
  ): void {
    const createdMs = this.#context.now();
    for (const { queue, body } of drafts) {
      checkQueue(queue);
      this.#put(writes, queue, createdMs, { bucket, key, seq, createdMs, attempts: 0, body });
    }
  }

  /** After that transaction. */
  announce(drafts: readonly OutboxDraft[]): void {
    for (const { queue } of drafts) this.#watchers.tell(queue);
  }

  #put(writes: Writes, queue: string, dueMs: number, entry: OutboxContent): void {
    const { region, name, instance } = entry.bucket;
    const document = encodeEntry({ ...entry, bucket: { name, instance, region } });
    writes.put(this.#context.tables.outbox, entryKey(queue, dueMs, entry.seq), Buffer.from(document, 'utf8'));
  }

  async take(queue: string, { limit }: { readonly limit: number }): Promise<readonly OutboxEntry[]> {
    this.#context.db.fresh();
    const taken = this.#takenOf(queue);
    const found = this.#due(queue, Math.max(limit, 1), taken);
    if (found.length === 0 && taken.size === 0) {
      await this.#letGo(queue);
      return [];
    }
    if (!(await this.#lease(queue))) return [];
    // As of now: another process may have worked on them before the lease was ours.
    this.#context.db.fresh();
    const due = this.#due(queue, limit, taken);
    for (const { id } of due) taken.add(id);
    return due;
  }

  #due(queue: string, limit: number, taken: ReadonlySet<string>): OutboxEntry[] {
    const { tables, now, region } = this.#context;
    const due: OutboxEntry[] = [];
    if (limit <= 0) return due;
    const range = { start: queueStart(queue), end: dueEnd(queue, now()) };
    for (const { key, value } of tables.outbox.getRange(range)) {
      const id = key.toString('hex');
      if (taken.has(id)) continue;
      due.push({ id, queue, ...decodeEntry(value.toString('utf8'), region) });
      if (due.length >= limit) break;
    }
    return due;
  }

  async remove(entries: readonly OutboxEntry[]): Promise<void> {
    if (entries.length === 0) return;
    await this.#context.db.transact((writes) => {
      for (const { id } of entries) writes.remove(this.#context.tables.outbox, Buffer.from(id, 'hex'));
    });
    this.giveBack(entries);
  }

  async postpone(entries: readonly OutboxEntry[], dueMs: number): Promise<void> {
    if (entries.length === 0) return;
    await this.#context.db.transact((writes) => {
      for (const entry of entries) {
        const before = Buffer.from(entry.id, 'hex');
        // Removed by another process that had it after this one.
        if (this.#context.tables.outbox.getBinary(before) === undefined) continue;
        writes.remove(this.#context.tables.outbox, before);
        this.#put(writes, entry.queue, dueMs, { ...entry, attempts: entry.attempts + 1 });
      }
    });
    this.giveBack(entries);
  }

  giveBack(entries: readonly OutboxEntry[]): void {
    for (const { queue, id } of entries) this.#taken.get(queue)?.delete(id);
  }

  async queues(): Promise<readonly string[]> {
    const { db, tables } = this.#context;
    db.fresh();
    const queues: string[] = [];
    let start = Buffer.alloc(0) as Buffer;
    for (;;) {
      const [first] = tables.outbox.getKeys({ start, limit: 1 });
      if (first === undefined) return queues;
      const queue = first.toString('latin1', 0, first.indexOf(0));
      queues.push(queue);
      start = queueEnd(queue);
    }
  }

  watch(listener: (queue: string) => void): () => void {
    return this.#watchers.add(listener);
  }

  async release(): Promise<void> {
    for (const queue of [...this.#leased.keys()]) await this.#letGo(queue);
    this.#taken.clear();
  }

  #takenOf(queue: string): Set<string> {
    const taken = this.#taken.get(queue) ?? new Set<string>();
    this.#taken.set(queue, taken);
    return taken;
  }

  async #lease(queue: string): Promise<boolean> {
    const writtenMs = this.#leased.get(queue);
    const startedMs = performance.now();
    if (writtenMs !== undefined && startedMs - writtenMs < OUTBOX_TAKE_MS) return true;
    const { db, tables, now } = this.#context;
    const key = Buffer.from(queue, 'latin1');
    const ours = await db.transact((writes) => {
      const lease = leaseOf(tables.outboxLease.getBinary(key));
      // Nobody's lease reaches further than its length: a clock that was wrong must not keep a queue from all.
      const held = lease !== null && lease.untilMs > now() && lease.untilMs <= now() + LEASE_MS;
      if (held && lease.holder !== this.#holder) return false;
      const next: Lease = { holder: this.#holder, untilMs: now() + LEASE_MS };
      writes.put(tables.outboxLease, key, Buffer.from(JSON.stringify(next), 'utf8'));
      return true;
    });
    if (ours) this.#leased.set(queue, startedMs);
    else this.#forget(queue);
    return ours;
  }

  #forget(queue: string): void {
    this.#leased.delete(queue);
    this.#taken.delete(queue);
  }

  async #letGo(queue: string): Promise<void> {
    if (!this.#leased.delete(queue)) return;
    const { db, tables } = this.#context;
    const key = Buffer.from(queue, 'latin1');
    await db.transact((writes) => {
      if (leaseOf(tables.outboxLease.getBinary(key))?.holder === this.#holder) writes.remove(tables.outboxLease, key);
    });
  }
}

function leaseOf(stored: Buffer | undefined): Lease | null {
  return stored === undefined ? null : (JSON.parse(stored.toString('utf8')) as Lease);
}

function entryKey(queue: string, dueMs: number, seq: number): Buffer {
  const start = queueStart(queue);
  const numbers = Buffer.allocUnsafe(2 * NUMBER_BYTES);
  // Positive doubles sort like their bytes.
  numbers.writeDoubleBE(Math.max(0, dueMs), 0);
  numbers.writeDoubleBE(seq, NUMBER_BYTES);
  return Buffer.concat([start, numbers, randomBytes(ID_BYTES)]);
}

function queueStart(queue: string): Buffer {
  return Buffer.from(`${queue}\0`, 'latin1');
}

/** Where the queue's entries end (exclusive). */
function queueEnd(queue: string): Buffer {
  return Buffer.from(`${queue}\x01`, 'latin1');
}

/** Where those that are due end (exclusive). */
function dueEnd(queue: string, nowMs: number): Buffer {
  const end = Buffer.concat([queueStart(queue), Buffer.allocUnsafe(NUMBER_BYTES)]);
  end.writeDoubleBE(nowMs + 1, end.length - NUMBER_BYTES);
  return end;
}
