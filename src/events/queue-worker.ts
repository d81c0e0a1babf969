/**
 * Delivers one queue of a region's outbox to its target. Memory is bounded: what it does not hold lies in the outbox.
 *
 * Events of a key go one after another, others beside each other. An event that fails is put back, to be tried later; when several
 * in a row fail, the target counts as down, and only one event at a time finds out whether it is up again.
 */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Outbox, OutboxEntry } from '../store/types.js';
import type { ConfiguredTarget } from './targets.js';

export interface DeliveryCounts {
  delivered: number;
  /** attempts */
  failed: number;
  /** given up */
  dead: number;
}

export interface QueueWorkerOptions extends ConfiguredTarget {
  readonly outbox: Outbox;
  readonly queue: string;
  readonly pollIntervalMs: number;
  readonly maxAgeMs: number;
  readonly maxRetryIntervalMs: number;
  readonly counts: DeliveryCounts;
  readonly log: Logger;
  /** ms since the epoch */
  readonly now: () => number;
}

/** Failures in a row that make a target count as down. */
const DOWN_AFTER = 5;
const FIRST_RETRY_MS = 500;
/** A target that is down is asked at least so often. */
const MAX_PROBE_MS = 30_000;
/** How long deliveries under way may take when the gateway stops. */
const STOP_MS = 10_000;
const STORE_RETRY_MS = 1_000;
const REMOVE_ATTEMPTS = 5;
/** What goes on failing is logged so often. */
const LOG_EVERY_MS = 60_000;

export class QueueWorker {
  readonly #options: QueueWorkerOptions;
  /** entries in hand at most */
  readonly #window: number;
  readonly #abort = new AbortController();
  /** Entries in hand by key, in order; the first of one that is busy is being delivered. */
  readonly #chains = new Map<string, OutboxEntry[]>();
  /** Keys whose first entry waits for its turn. */
  #ready: string[] = [];
  readonly #active = new Set<Promise<void>>();
  #inHand = 0;
  #delivered: OutboxEntry[] = [];
  #removing: Promise<void> | null = null;
  /** failures in a row */
  #failures = 0;
  /** performance.now() */
  #pausedUntilMs = 0;
  #pauseTimer: NodeJS.Timeout | null = null;
  #loggedMs = Number.NEGATIVE_INFINITY;
  #unreadableMs = Number.NEGATIVE_INFINITY;
  #stopped = false;
  #loop: Promise<void> | null = null;
  #wakeUp: (() => void) | null = null;
  #woken = false;

  constructor(options: QueueWorkerOptions) {
    this.#options = options;
    this.#window = Math.max(64, 4 * options.concurrency);
  }

  /** Taken from the outbox, and not removed from it yet. */
  get inHand(): number {
    return this.#inHand;
  }

  /** Of the oldest entry in hand, ms; 0: there is none. */
  get oldestAgeMs(): number {
    let oldestMs = Number.POSITIVE_INFINITY;
    for (const [entry] of this.#chains.values()) oldestMs = Math.min(oldestMs, entry?.createdMs ?? oldestMs);
    return Number.isFinite(oldestMs) ? Math.max(0, this.#options.now() - oldestMs) : 0;
  }

  start(): void {
    this.#loop = this.#run();
  }

  /** There may be something new. */
  wake(): void {
    this.#woken = true;
    this.#wakeUp?.();
  }

  /** Lets deliveries under way end, for a while; gives the others back. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.wake();
    if (this.#pauseTimer !== null) clearTimeout(this.#pauseTimer);
    await this.#loop;
    const timer = setTimeout(() => this.#abort.abort(new Error('the gateway stops')), STOP_MS);
    await Promise.all(this.#active);
    clearTimeout(timer);
    await this.#removing;
    this.#options.outbox.giveBack([...this.#chains.values()].flat());
    this.#chains.clear();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#woken = false;
      const room = Math.max(0, this.#window - this.#inHand);
      let pauseMs = this.#options.pollIntervalMs;
      try {
        const entries = await this.#options.outbox.take(this.#options.queue, { limit: room });
        for (const entry of entries) this.#accept(entry);
        // There may be more than there was room for: whoever makes room wakes this loop up.
        this.#pump();
      } catch (error) {
        this.#unreadable(error);
        pauseMs = Math.max(pauseMs, STORE_RETRY_MS);
      }
      await this.#idle(pauseMs);
    }
  }

  #unreadable(error: unknown): void {
    const nowMs = performance.now();
    if (nowMs - this.#unreadableMs < LOG_EVERY_MS) return;
    this.#unreadableMs = nowMs;
    this.#options.log.warn({ err: error, target: this.#options.name }, 'events could not be read from the outbox');
  }

  async #idle(ms: number): Promise<void> {
    if (this.#woken || this.#stopped) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wakeUp = null;
  }

  #accept(entry: OutboxEntry): void {
    const key = `${entry.bucket.instance}/${entry.key}`;
    this.#inHand += 1;
    const chain = this.#chains.get(key);
    if (chain !== undefined) {
      chain.push(entry);
      return;
    }
    this.#chains.set(key, [entry]);
    this.#ready.push(key);
  }

  #pump(): void {
    while (!this.#stopped && this.#ready.length > 0 && this.#active.size < this.#allowed()) {
      const key = this.#ready.shift() ?? '';
      const delivery: Promise<void> = this.#deliver(key).finally(() => {
        this.#active.delete(delivery);
        this.#pump();
        if (this.#inHand <= this.#window / 2) this.wake();
      });
      this.#active.add(delivery);
    }
  }

  /** Deliveries at once. */
  #allowed(): number {
    if (this.#failures < DOWN_AFTER) return this.#options.concurrency;
    const waitMs = this.#pausedUntilMs - performance.now();
    if (waitMs <= 0) return 1;
    this.#pauseTimer ??= setTimeout(() => {
      this.#pauseTimer = null;
      this.#pump();
    }, waitMs);
    return 0;
  }

  /** The first entry of the key. Never rejects. */
  async #deliver(key: string): Promise<void> {
    const chain = this.#chains.get(key) ?? [];
    const [entry] = chain;
    if (entry === undefined) return;
    const { target, now, maxAgeMs, counts, log, name } = this.#options;
    if (now() - entry.createdMs > maxAgeMs) {
      counts.dead += 1;
      log.error({ target: name, ...about(entry) }, 'an event was given up: it could not be delivered in time');
      await target.giveUp?.({ id: messageId(entry), body: entry.body }).catch((error: unknown) => {
        log.warn({ err: error, target: name, ...about(entry) }, 'that an event was given up could not be kept');
      });
      this.#done(key, chain, entry);
      return;
    }
    try {
      await target.deliver({ id: messageId(entry), body: entry.body }, this.#abort.signal);
      counts.delivered += 1;
      if (this.#failures >= DOWN_AFTER) log.info({ target: name }, 'the target of events is up again');
      this.#failures = 0;
      this.#done(key, chain, entry);
    } catch (error) {
      if (this.#abort.signal.aborted) return;
      counts.failed += 1;
      this.#failed(error, entry);
      // Those behind it wait with it, so that their order stays.
      this.#chains.delete(key);
      await this.#putBack(chain, entry.attempts);
    }
  }

  #done(key: string, chain: OutboxEntry[], entry: OutboxEntry): void {
    chain.shift();
    if (chain.length === 0) this.#chains.delete(key);
    else this.#ready.push(key);
    this.#delivered.push(entry);
    this.#removing ??= this.#remove();
  }

  /** What was delivered while a removal is under way goes with the next one. */
  async #remove(): Promise<void> {
    // Callers of the same turn come along.
    await Promise.resolve();
    while (this.#delivered.length > 0) {
      const entries = this.#delivered;
      this.#delivered = [];
      await this.#removeAll(entries);
      this.#inHand -= entries.length;
    }
    this.#removing = null;
    if (this.#inHand <= this.#window / 2) this.wake();
  }

  async #removeAll(entries: readonly OutboxEntry[]): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#options.outbox.remove(entries);
        return;
      } catch (error) {
        this.#options.log.warn({ err: error, target: this.#options.name }, 'delivered events stay in the outbox');
        if (attempt < REMOVE_ATTEMPTS && !this.#stopped) {
          await sleep(jittered(STORE_RETRY_MS));
          continue;
        }
        // They are delivered once more, later.
        this.#options.outbox.giveBack(entries);
        return;
      }
    }
  }

  async #putBack(chain: readonly OutboxEntry[], attempts: number): Promise<void> {
    const { outbox, now, maxRetryIntervalMs, log, name } = this.#options;
    try {
      await outbox.postpone(chain, now() + delayMs(attempts, maxRetryIntervalMs));
    } catch (error) {
      log.warn({ err: error, target: name }, 'events that failed could not be put back');
      await sleep(jittered(STORE_RETRY_MS));
      outbox.giveBack(chain);
    }
    this.#inHand -= chain.length;
  }

  #failed(error: unknown, entry: OutboxEntry): void {
    this.#failures += 1;
    if (this.#failures >= DOWN_AFTER) {
      const limitMs = Math.min(MAX_PROBE_MS, this.#options.maxRetryIntervalMs);
      this.#pausedUntilMs = performance.now() + delayMs(this.#failures - DOWN_AFTER, limitMs);
    }
    const nowMs = performance.now();
    if (nowMs - this.#loggedMs < LOG_EVERY_MS && this.#failures !== DOWN_AFTER) return;
    this.#loggedMs = nowMs;
    const message =
      this.#failures < DOWN_AFTER
        ? 'an event was not delivered: it is tried again'
        : 'a target of events is down: they wait';
    const reason = error instanceof Error ? error.message : String(error);
    this.#options.log.warn({ target: this.#options.name, reason, ...about(entry) }, message);
  }
}

function about({ bucket, key, attempts, createdMs }: OutboxEntry): Record<string, unknown> {
  return { bucket: bucket.name, key, attempts, created: new Date(createdMs).toISOString() };
}

/** Doubles with each attempt; with jitter, so that what failed together does not come back together. */
function delayMs(attempts: number, limitMs: number): number {
  return jittered(Math.min(limitMs, FIRST_RETRY_MS * 2 ** Math.min(attempts, 20)));
}

function jittered(ms: number): number {
  return ms * (0.5 + Math.random() / 2);
}

/** Of the event, not of the attempt. */
export function messageId({ bucket, key, seq, queue }: OutboxEntry): string {
  const name = [bucket.instance, key, String(seq), queue].join('\n');
  return createHash('sha256').update(name).digest('hex').slice(0, 32);
}
