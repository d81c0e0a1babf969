/**
 * Keeps the ranges of a region's listings in bounds, beside the requests: what this gateway's writes and reads find too full is noted
 * where every gateway sees it, and worked off; what a gateway that has died left is gone on with.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { types } from 'cassandra-driver';
import type { StoreLogger } from '../shared/logger.js';
import type { BucketRef } from '../types.js';
import type { BucketGuard } from './bucket-guard.js';
import { dropRange } from './index-tables.js';
import type { RangeDues, DueRange, DueReason } from './range-due.js';
import type { RangeLoads } from './range-load.js';
import type { RangeMover } from './range-mover.js';
import type { RangeTable } from './range-table.js';
import type { RangeLoad } from './ranges.js';
import type { Session } from './cluster.js';

/** At the levels that moving keys needs. */
export interface RangeTools {
  readonly session: Session;
  readonly table: RangeTable;
  readonly mover: RangeMover;
}

export interface RangeKeeperParts {
  readonly tools: () => Promise<RangeTools>;
  readonly dues: RangeDues;
  readonly loads: RangeLoads;
  readonly isTooMuch: (load: RangeLoad) => boolean;
  readonly guard: Pick<BucketGuard, 'isGone'>;
  readonly logger: StoreLogger;
  readonly now: () => number;
}

/** How often the notes of others are looked at. */
const POLL_MS = 15_000;
/** Notes looked at in one go, and worked on at once: mostly they wait. */
const BATCH = 64;
const LANES = 6;
/** A range that was looked at in vain, or failed, is left alone so long, or until it has grown by a quarter. */
const AGAIN_MS = 20_000;
const GROWN = 1.25;
/** A removal that has not come to its end after this long has been given up. */
const REMOVAL_MS = 10 * 60_000;
const MAX_REMEMBERED = 10_000;
/** Stands for all ranges of a bucket. */
const WHOLE = -1;

interface Quiet {
  /** performance.now() */
  readonly untilMs: number;
  readonly load: RangeLoad | null;
}

export class RangeKeeper {
  readonly #parts: RangeKeeperParts;
  readonly #stop = new AbortController();
  readonly #running = new Map<string, Promise<void>>();
  readonly #waiting: DueRange[] = [];
  /** Ranges that this gateway has asked to look at, until that is done. */
  readonly #asked = new Set<string>();
  /** Ranges that were looked at in vain. */
  readonly #quiet = new Map<string, Quiet>();
  readonly #background = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | null = null;

  constructor(parts: RangeKeeperParts) {
    this.#parts = parts;
  }

  /** Begins to look at the notes of others, now and then; does nothing when it has begun. */
  start(): void {
    if (this.#timer !== null || this.#stop.signal.aborted) return;
    // Not all processes of a server at the same time.
    const delayMs = POLL_MS * (0.5 + Math.random());
    this.#timer = setTimeout(() => {
      this.#inBackground(
        this.poll().finally(() => {
          this.#timer = null;
          this.start();
        }),
        'the ranges that wait could not be read',
      );
    }, delayMs).unref();
  }

  /** A range should be looked at; noted and begun in the background. */
  request(bucket: BucketRef, range: number, reason: DueReason, load: RangeLoad | null = null): void {
    const name = nameOf({ bucket, range });
    if (this.#stop.signal.aborted || this.#asked.has(name) || this.#isQuiet(name, load)) return;
    this.#asked.add(name);
    const noted = this.#parts.dues.add(bucket, range, reason).then(
      (due) => this.#enqueue(due),
      (error: unknown) => {
        this.#asked.delete(name);
        throw error;
      },
    );
    this.#inBackground(noted, 'a range that should be looked at was not noted');
  }

  /** The bucket is about to be removed: once that is done its ranges go. Found by every gateway when it resolves. */
  async noteRemoval(bucket: BucketRef): Promise<void> {
    await this.#parts.dues.add(bucket, WHOLE, 'bucket');
  }

  /** Works on what is noted, own or not. */
  async poll(): Promise<void> {
    for (const due of await this.#parts.dues.list(BATCH)) {
      const name = nameOf(due);
      if (this.#running.has(name) || this.#waiting.some((other) => nameOf(other) === name)) continue;
      this.#enqueue(due);
    }
  }

  /** Until nothing that is noted can be worked on now. */
  async settled(): Promise<void> {
    do {
      await Promise.all([...this.#background, ...this.#running.values()]);
    } while (this.#background.size + this.#running.size > 0);
  }

  #enqueue(due: DueRange): void {
    this.#waiting.push(due);
    this.#next();
  }

  #next(): void {
    while (this.#running.size < LANES && !this.#stop.signal.aborted) {
      const at = this.#waiting.findIndex((due) => !this.#running.has(nameOf(due)));
      const [due] = at < 0 ? [] : this.#waiting.splice(at, 1);
      if (due === undefined) return;
      const name = nameOf(due);
      const work = this.#work(due).finally(() => {
        this.#running.delete(name);
        this.#asked.delete(name);
        this.#next();
      });
      this.#running.set(name, work);
    }
  }

  async #work(due: DueRange): Promise<void> {
    const { dues, logger } = this.#parts;
    try {
      if (!(await dues.holds(due))) return;
      try {
        if (await this.#settle(due)) await dues.remove(due.id);
      } finally {
        await dues.release(due);
      }
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      this.#hush(due, null);
      logger.warn(
        { err: error, bucket: due.bucket.name, range: due.range },
        'a range of a listing was not kept in bounds',
      );
    }
  }

  /** @returns whether nothing is left to do */
  async #settle(due: DueRange): Promise<boolean> {
    const { dues, guard, loads, logger } = this.#parts;
    const { bucket, range, reason } = due;
    if (await guard.isGone(bucket)) {
      await this.#removeMap(bucket);
      return true;
    }
    if (reason === 'bucket') return this.#isOld(due);
    const startedMs = performance.now();
    const { mover } = await this.#parts.tools();
    const report = await mover.run({
      bucket,
      range,
      unreadable: reason === 'tombstones',
      holds: () => dues.holds(due),
      signal: this.#stop.signal,
    });
    if (report !== null) {
      const ms = Math.round(performance.now() - startedMs);
      logger.info({ bucket: bucket.name, ...report, ms }, 'a listing was cut anew');
      // What was written while it was copied may be too much already.
      for (const id of report.to) await this.#lookAt(bucket, id);
    } else {
      // It cannot be cut, or has grown while it was looked at, or another one is at it.
      this.#hush(due, await loads.of(bucket.instance, range));
    }
    return true;
  }

  async #lookAt(bucket: BucketRef, range: number): Promise<void> {
    const { loads, isTooMuch } = this.#parts;
    const load = await loads.of(bucket.instance, range);
    if (isTooMuch(load)) this.request(bucket, range, 'load', load);
  }

  /** load: what it was looked at in vain with; null: it could not be looked at */
  #hush(due: DueRange, load: RangeLoad | null): void {
    if (this.#quiet.size >= MAX_REMEMBERED) this.#quiet.clear();
    this.#quiet.set(nameOf(due), { untilMs: performance.now() + AGAIN_MS, load });
  }

  #isQuiet(name: string, load: RangeLoad | null): boolean {
    const quiet = this.#quiet.get(name);
    if (quiet === undefined || quiet.untilMs < performance.now()) return false;
    if (quiet.load === null || load === null) return true;
    const { rows, bytes, deletions } = quiet.load;
    return load.rows <= rows * GROWN && load.bytes <= bytes * GROWN && load.deletions <= deletions * GROWN;
  }

  /** Whatever ranges the bucket had, and its map. */
  async #removeMap(bucket: BucketRef): Promise<void> {
    const { loads, now } = this.#parts;
    const { table, session } = await this.#parts.tools();
    await table.settle(bucket.instance);
    for (;;) {
      const map = await table.load(bucket.instance);
      if (map.rows.length === 0) return;
      for (const { id } of map.rows) {
        await dropRange(session, { bucket: bucket.instance, range: id }, now());
        await loads.remove(bucket.instance, id);
      }
      if (await table.remove(bucket.instance, map)) return;
    }
  }

  /** A note of a removal that did not come about. */
  #isOld({ id }: DueRange): boolean {
    return this.#parts.now() - types.TimeUuid.fromString(id).getDate().getTime() > REMOVAL_MS;
  }

  #inBackground(work: Promise<void>, otherwise: string): void {
    const tracked: Promise<void> = work
      .catch((error: unknown) => {
        if (!this.#stop.signal.aborted) this.#parts.logger.warn({ err: error }, otherwise);
      })
      .finally(() => this.#background.delete(tracked));
    this.#background.add(tracked);
  }

  /** Leaves what is under way to others. */
  async close(): Promise<void> {
    this.#stop.abort(new Error('the store closes'));
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#waiting.length = 0;
    // A statement that hangs is not waited for longer than a client would.
    const ended = Promise.allSettled([...this.#background, ...this.#running.values()]);
    const timeout = new AbortController();
    await Promise.race([ended, sleep(5_000, undefined, { signal: timeout.signal }).catch(() => undefined)]);
    timeout.abort();
  }
}

function nameOf({ bucket, range }: Pick<DueRange, 'bucket' | 'range'>): string {
  return `${bucket.instance}/${range}`;
}
