/**
 * Entries of changes that this process is making. They are durable before their change is attempted; afterwards the process knows
 * whether it was made, and need not write that down.
 */
import { StoreError } from '../errors.js';
import { checkQueue, encodeEntry } from '../shared/outbox.js';
import type { BucketRef, OutboxDraft } from '../types.js';
import type { CassandraOptions } from './options.js';
import type { KnownShards, ShardState } from './outbox-shards.js';
import { timeOfId } from './outbox-table.js';
import type { OutboxRow, OutboxTable } from './outbox-table.js';

/** What a change wants delivered, told of before it is attempted. */
export interface Announcement {
  /** It was made. */
  made(): void;
  /** It was not made, and never will be. */
  cancel(): void;
  /** This process will not find out. */
  lost(): void;
}

export interface AnnouncedChange {
  readonly bucket: BucketRef;
  readonly key: string;
  readonly seq: number;
  readonly token: Buffer;
  /** the trail that the change is made on */
  readonly base: Buffer;
  readonly drafts: readonly OutboxDraft[];
}

export interface AnnouncerParts {
  readonly table: Pick<OutboxTable, 'place' | 'write' | 'confirm' | 'remove'>;
  readonly shards: KnownShards;
  readonly gateway: string;
  /** An entry is being written to that queue. */
  readonly onAnnounced: (queue: string) => void;
  /** An entry of that queue can be delivered. */
  readonly onMade: (queue: string) => void;
  readonly options: Pick<CassandraOptions, 'now' | 'logger'>;
}

const NOTHING: Announcement = { made: () => undefined, cancel: () => undefined, lost: () => undefined };
/** Undelivered changes that a process remembers as made; of others the row says so. */
const MAX_REMEMBERED = 4_096;

export class OutboxAnnouncer {
  readonly #parts: AnnouncerParts;
  readonly #background = new Set<Promise<void>>();
  #remembered = 0;

  constructor(parts: AnnouncerParts) {
    this.#parts = parts;
  }

  /** Durable when it resolves; no change is told of before made(). @throws StoreError notApplied */
  async announce({ bucket, key, seq, token, base, drafts }: AnnouncedChange): Promise<Announcement> {
    if (drafts.length === 0) return NOTHING;
    const { table, shards, gateway, options } = this.#parts;
    const createdMs = options.now();
    const rows = drafts.map(({ queue, body }) => {
      checkQueue(queue);
      const { shard, id } = table.place(queue, gateway, null);
      const state = shards.state(shard);
      const atMs = timeOfId(id);
      state.announced.set(id, 'open');
      state.open.set(id, atMs);
      state.fromMs = Math.min(state.fromMs, atMs);
      this.#parts.onAnnounced(queue);
      const doc = encodeEntry({ bucket, key, seq, createdMs, attempts: 0, body });
      return { state, row: { shard: state.key, id, doc, proof: { token, base } } };
    });
    const announcement: Announcement = {
      made: () => {
        for (const { state, row } of rows) this.#made(state, row);
      },
      cancel: () => {
        for (const { state, row } of rows) this.#cancel(state, row);
      },
      lost: () => {
        for (const { state, row } of rows) this.#lost(state, row);
      },
    };
    try {
      await Promise.all(rows.map(({ state, row }) => table.write(state, row)));
    } catch (error) {
      announcement.cancel();
      if (!(error instanceof StoreError)) throw error;
      throw new StoreError(error.kind, 'notApplied', error.message, error);
    }
    return announcement;
  }

  #made(state: ShardState, row: OutboxRow): void {
    state.open.delete(row.id);
    state.announced.set(row.id, 'made');
    state.dirty = true;
    this.#remembered += 1;
    if (this.#remembered > MAX_REMEMBERED) {
      const confirmed = this.#parts.table.confirm(row).then(() => this.forget(state, row.id));
      this.inBackground(confirmed, 'an outbox entry was not marked');
    }
    this.#parts.onMade(state.queue);
  }

  #cancel(state: ShardState, row: OutboxRow): void {
    state.open.delete(row.id);
    state.announced.set(row.id, 'cancelled');
    const removed = this.#parts.table.remove([row]).then(() => {
      state.removed.add(row.id);
      this.forget(state, row.id);
    });
    this.inBackground(removed, 'an outbox entry of a change that was not made stays');
  }

  #lost(state: ShardState, row: OutboxRow): void {
    this.forget(state, row.id);
    state.touch(timeOfId(row.id));
  }

  /** From now on the row alone says what became of the change. */
  forget(state: ShardState, id: string): void {
    state.open.delete(id);
    if (state.announced.get(id) === 'made') this.#remembered -= 1;
    state.announced.delete(id);
  }

  inBackground(work: Promise<unknown>, otherwise: string): void {
    const tracked: Promise<void> = work
      .then(
        () => undefined,
        (error: unknown) => this.#parts.options.logger.warn({ err: error }, otherwise),
      )
      .finally(() => this.#background.delete(tracked));
    this.#background.add(tracked);
  }

  /** Waits for what goes on behind commits. */
  async drain(): Promise<void> {
    await Promise.all(this.#background);
  }
}
