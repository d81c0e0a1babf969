/**
 * Intents: what a gateway is about to do, durable before it does it, so that a crash leaves nothing unfindable.
 *
 * Every change of a key announces itself, also one without blobs: its listing would otherwise stay wrong after a crash. That is
 * made cheap by group commit: all changes that begin while one row is being written share the next row, which is removed,
 * together with others, when all of them are done.
 */
import { StoreError, asNotApplied } from '../errors.js';
import type { BlobName } from '../shared/key-change.js';
import type { BucketRef, Intent } from '../types.js';
import type { GarbageItem } from './garbage-rows.js';
import type { GarbageRow, GarbageTable } from './garbage-table.js';
import { leaseMarginMs } from './options.js';
import type { CassandraOptions } from './options.js';

/** A change of a key that announced itself. */
export interface Ticket {
  /** Resolves when the announcement is durable: not before may the change be attempted. */
  readonly durable: Promise<void>;
  /** Nothing is left to repair: either all of it happened, or nothing did and nothing will. */
  done(): void;
}

/** An announced blob, or garbage announced before the change that makes it such. */
interface Held {
  row: GarbageRow;
  /** performance.now() before it was last written */
  heldSinceMs: number;
  /** A commit under it was attempted: the writer cannot promise any more that nothing refers to its blobs. */
  attempted: boolean;
}

/** A plain write that was announced. */
export interface Pinned {
  readonly rows: readonly GarbageRow[];
  /** performance.now() when it may be called off: what is not acknowledged by then must not be. */
  readonly untilMs: number;
}

interface Group {
  /** null until it is being written */
  row: GarbageRow | null;
  readonly items: GarbageItem[];
  open: number;
  readonly durable: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

/** Entries of one row: about 64 KiB with keys of usual length. */
const GROUP_ITEMS = 256;
/** Blobs of one row. */
const GARBAGE_BLOBS = 500;
/** Finished rows are removed together: so many, or so long after the first. */
const REMOVE_ROWS = 64;
const REMOVE_AFTER_MS = 250;

export class IntentLog {
  readonly #table: Pick<GarbageTable, 'newRow' | 'write' | 'remove'>;
  readonly #options: CassandraOptions;
  readonly #intents = new Map<string, Held>();
  readonly #waiting: Group[] = [];
  #flushing = false;
  #finished: GarbageRow[] = [];
  #removal: NodeJS.Timeout | null = null;
  readonly #background = new Set<Promise<void>>();

  constructor(table: Pick<GarbageTable, 'newRow' | 'write' | 'remove'>, options: CassandraOptions) {
    this.#table = table;
    this.#options = options;
  }

  /** Announces a change of a key. */
  announce(bucket: BucketRef, key: string): Ticket {
    const group = this.#openGroup();
    group.items.push({ bucket, key, blobs: [] });
    group.open += 1;
    if (!this.#flushing) void this.#flush();
    let open = true;
    return {
      durable: group.durable,
      done: () => {
        if (!open) return;
        open = false;
        group.open -= 1;
        if (group.open === 0 && group.row !== null) this.#finish(group.row);
      },
    };
  }

  #openGroup(): Group {
    const last = this.#waiting.at(-1);
    if (last !== undefined && last.items.length < GROUP_ITEMS) return last;
    const group = newGroup();
    this.#waiting.push(group);
    return group;
  }

  /** One row at a time: what comes meanwhile goes into the next one. */
  async #flush(): Promise<void> {
    this.#flushing = true;
    // Callers of the same turn come along.
    await Promise.resolve();
    for (let group = this.#waiting.shift(); group !== undefined; group = this.#waiting.shift()) {
      const row = this.#table.newRow('commit', group.items, this.#options.now() + this.#options.intentLeaseMs);
      group.row = row;
      try {
        await this.#table.write(row);
        group.resolve();
      } catch (error) {
        group.reject(asNotApplied(error));
      }
      if (group.open === 0) this.#finish(row);
    }
    this.#flushing = false;
  }

  /** Announces blobs that are about to be written. */
  async openIntent(bucket: BucketRef, key: string, blobs: readonly BlobName[]): Promise<Intent> {
    const heldSinceMs = performance.now();
    const row = this.#table.newRow('intent', [{ bucket, key, blobs }], this.#leaseEnd());
    await this.#table.write(row).catch((error: unknown) => {
      throw asNotApplied(error);
    });
    this.#intents.set(row.id, { row, heldSinceMs, attempted: false });
    return { id: row.id, bucket, key };
  }

  /** @throws StoreError closed when the lease has lapsed */
  async renew(intent: Intent): Promise<void> {
    const held = this.#held(intent);
    const heldSinceMs = performance.now();
    const row = { ...held.row, notBeforeMs: this.#leaseEnd() };
    await this.#table.write(row);
    // It may have been closed while the row was written.
    if (!this.#intents.has(intent.id)) {
      this.#finish(row);
      return;
    }
    held.row = row;
    held.heldSinceMs = heldSinceMs;
  }

  /**
   * Before a commit refers to the intent's blobs: the sweeper must have no right to them for a good while yet, by any clock.
   * @throws StoreError closed
   */
  use(intent: Intent): void {
    this.#held(intent).attempted = true;
  }

  #held(intent: Intent): Held {
    const held = this.#intents.get(intent.id);
    if (held === undefined) throw lapsed(intent);
    // By the clock that the sweeper compares, and by one that nobody can set.
    const { intentLeaseMs, now } = this.#options;
    const marginMs = leaseMarginMs(this.#options);
    const elapsedMs = performance.now() - held.heldSinceMs;
    if (elapsedMs > intentLeaseMs - marginMs || now() > held.row.notBeforeMs - marginMs) {
      this.#intents.delete(intent.id);
      throw lapsed(intent);
    }
    return held;
  }

  /** The sweeper of this gateway was told of these rows: their intents end here. */
  lapse(ids: Iterable<string>): void {
    for (const id of ids) this.#intents.delete(id);
  }

  #leaseEnd(): number {
    return this.#options.now() + this.#options.intentLeaseMs;
  }

  /**
   * Some of the blobs are referred to now: the intent ends, the others are garbage at once. Does nothing when none is.
   */
  close(intent: Intent, referred: readonly BlobName[]): void {
    const held = this.#intents.get(intent.id);
    if (held === undefined) return;
    const used = new Set(referred.map(({ inode }) => inode));
    const blobs = held.row.items.flatMap((item) => item.blobs);
    const unused = blobs.filter(({ inode }) => !used.has(inode));
    if (unused.length === blobs.length && blobs.length > 0) return;
    this.#intents.delete(intent.id);
    if (unused.length === 0) {
      this.#finish(held.row);
      return;
    }
    const { bucket, key } = intent;
    const row: GarbageRow = { ...held.row, items: [{ bucket, key, blobs: unused }], notBeforeMs: this.#options.now() };
    this.#inBackground(this.#table.write(row), 'unused blobs stay until their intent lapses');
  }

  /** The blobs may go at once. Never throws for an intent that is gone. */
  async abandon(intent: Intent): Promise<void> {
    const held = this.#intents.get(intent.id);
    if (held === undefined) return;
    this.#intents.delete(intent.id);
    const kind = held.attempted ? 'intent' : 'garbage';
    await this.#table.write({ ...held.row, kind, notBeforeMs: this.#options.now() });
  }

  /** Announces blobs that a change is about to let go; durable when it resolves. Rows for cancel(), should it not happen. */
  async announceGarbage(bucket: BucketRef, key: string, blobs: readonly BlobName[]): Promise<GarbageRow[]> {
    const notBeforeMs = this.#options.now() + this.#options.gcGraceMs;
    const rows: GarbageRow[] = [];
    for (let i = 0; i < blobs.length; i += GARBAGE_BLOBS) {
      const part = blobs.slice(i, i + GARBAGE_BLOBS);
      rows.push(this.#table.newRow('garbage', [{ bucket, key, blobs: part }], notBeforeMs));
    }
    try {
      await Promise.all(rows.map((row) => this.#table.write(row)));
    } catch (error) {
      throw asNotApplied(error);
    }
    return rows;
  }

  /**
   * Before a plain write that may come late: its own blobs, and those of what it takes the place of, are to be looked at with an eye on
   * that write (plain-sweep.ts). The intent under which they were written ends with it.
   */
  async pin(write: {
    readonly bucket: BucketRef;
    readonly key: string;
    readonly blobs: readonly BlobName[];
    readonly slot: number;
    readonly intent: Intent | null;
  }): Promise<Pinned> {
    const { bucket, key, slot, intent } = write;
    const { now, gcGraceMs, intentLeaseMs } = this.#options;
    const held = intent === null ? null : this.#held(intent);
    const announced = held?.row.items.flatMap((item) => item.blobs) ?? [];
    const blobs = [...new Map([...announced, ...write.blobs].map((blob) => [blob.inode, blob])).values()];
    const pinnedAtMs = performance.now();
    const leaseMs = Math.max(gcGraceMs, intentLeaseMs);
    const rows: GarbageRow[] = [];
    for (let i = 0; i < blobs.length; i += GARBAGE_BLOBS) {
      const item = { bucket, key, blobs: blobs.slice(i, i + GARBAGE_BLOBS), slot };
      const row = this.#table.newRow('garbage', [item], now() + leaseMs);
      // The first takes the place of the intent's own row.
      rows.push(held === null || i > 0 ? row : { ...row, shard: held.row.shard, id: held.row.id });
    }
    if (held !== null && intent !== null) held.attempted = true;
    try {
      // The intent's row last: until then it covers its blobs.
      await Promise.all(rows.slice(1).map((row) => this.#table.write(row)));
      if (rows[0] !== undefined) await this.#table.write(rows[0]);
    } catch (error) {
      throw asNotApplied(error);
    }
    if (intent !== null) this.#intents.delete(intent.id);
    return { rows, untilMs: pinnedAtMs + leaseMs - leaseMarginMs(this.#options) };
  }

  /** The write is made, for certain: its blobs are looked at like any others. */
  confirm({ rows }: Pinned): void {
    for (const row of rows) {
      const items = row.items.map(({ bucket, key, blobs }) => ({ bucket, key, blobs }));
      this.#inBackground(this.#table.write({ ...row, items }), 'the sweeper asks once more whether a write was made');
    }
  }

  cancelGarbage(rows: readonly GarbageRow[]): void {
    for (const row of rows) this.#finish(row);
  }

  /** Lazily: a row that stays behind is only looked at by the sweeper in vain. */
  #finish(row: GarbageRow): void {
    this.#finished.push(row);
    if (this.#finished.length >= REMOVE_ROWS) this.#removeFinished();
    else if (this.#removal === null) {
      this.#removal = setTimeout(() => this.#removeFinished(), REMOVE_AFTER_MS);
      this.#removal.unref();
    }
  }

  #removeFinished(): void {
    if (this.#removal !== null) clearTimeout(this.#removal);
    this.#removal = null;
    if (this.#finished.length === 0) return;
    const rows = this.#finished;
    this.#finished = [];
    this.#inBackground(this.#table.remove(rows), 'finished intents stay for the sweeper');
  }

  #inBackground(work: Promise<void>, otherwise: string): void {
    const tracked: Promise<void> = work
      .catch((error: unknown) => this.#options.logger.warn({ err: error }, otherwise))
      .finally(() => this.#background.delete(tracked));
    this.#background.add(tracked);
  }

  /** Removes what is finished; resolves when that is done. */
  async drain(): Promise<void> {
    this.#removeFinished();
    await Promise.all(this.#background);
  }
}

function newGroup(): Group {
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const durable = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  // Every ticket's holder waits for it; one that failed before must not turn this into an unhandled rejection.
  durable.catch(() => undefined);
  return { row: null, items: [], open: 0, durable, resolve, reject };
}

function lapsed(intent: Intent): StoreError {
  return new StoreError(
    'closed',
    'notApplied',
    `the intent for key ${JSON.stringify(intent.key)} has lapsed or was closed`,
  );
}
