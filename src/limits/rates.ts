/**
 * Rates as one process uses them. With several processes the counters are the primary's; a process asks it for a twentieth of a second's
 * worth at a time, so that neither a fast rate nor a flood of requests that are refused costs a message each.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Reservation, Reserved } from '../cluster/messages.js';
import { Lru } from './lru.js';
import type { RateSource } from './rate-hub.js';

export interface RatesOptions {
  readonly source: RateSource;
  /** Whether the source is in another process. */
  readonly remote: boolean;
  /** ms, never goes back */
  readonly now: () => number;
  readonly maxKeys?: number;
}

export interface Permit {
  readonly granted: boolean;
  /** granted: how long to wait before going on; otherwise: when it is worth trying again. ms */
  readonly waitMs: number;
}

/** What this process has been given of a rate and not used yet. */
interface Grant {
  perSecond: number;
  left: number;
  /** What is left may be used from then on, ms. */
  readyAtMs: number;
  /** Unused, it lapses: a process must not hoard. ms */
  lapsesAtMs: number;
  /** The counter was found empty: nobody is asked before, ms. */
  refusedUntilMs: number;
  /** Under way to the source. */
  asking: Promise<Reserved> | null;
}

const MAX_KEYS = 20_000;
const SHARE_OF_A_SECOND = 0.05;
const GRANT_LIFE_MS = 1_000;
/** How long a refusal is taken for granted. */
const REFUSAL_LIFE_MS = 50;
/** Node's timers take no longer ones. */
const FOREVER_MS = 2 ** 31 - 1;

export class Rates {
  readonly #options: RatesOptions;
  readonly #grants: Lru<Grant>;

  constructor(options: RatesOptions) {
    this.#options = options;
    this.#grants = new Lru(options.maxKeys ?? MAX_KEYS);
  }

  /** One of so many a second, if it comes within maxWaitMs. */
  async take(key: string, perSecond: number, maxWaitMs: number): Promise<Permit> {
    const permit = await this.#reserve({ key, perSecond, min: 1, want: 1, maxWaitMs });
    return { granted: permit.granted > 0, waitMs: permit.waitMs };
  }

  /**
   * Resolves when so many bytes may pass: a stream that awaits it before each piece keeps to the rate, together with all others of the
   * key. Pieces should be small against the rate.
   * @throws the signal's reason
   */
  async pace(
    key: string,
    { perSecond, sizeBytes }: { readonly perSecond: number; readonly sizeBytes: number },
    signal: AbortSignal,
  ): Promise<void> {
    if (sizeBytes === 0) return;
    const { waitMs } = await this.#reserve({
      key,
      perSecond,
      min: sizeBytes,
      want: sizeBytes,
      maxWaitMs: FOREVER_MS,
    });
    await pause(waitMs, signal);
  }

  async #reserve(reservation: Reservation): Promise<Reserved> {
    const { source, remote, now } = this.#options;
    if (!remote) return source.reserve(reservation);
    const { key, perSecond, min, maxWaitMs } = reservation;
    let grant = this.#grants.get(key);
    if (grant?.perSecond !== perSecond) {
      grant = { perSecond, left: 0, readyAtMs: 0, lapsesAtMs: 0, refusedUntilMs: 0, asking: null };
      this.#grants.set(key, grant);
    }
    for (;;) {
      const nowMs = now();
      if (nowMs > grant.lapsesAtMs) grant.left = 0;
      if (grant.left >= min) {
        grant.left -= min;
        return { granted: min, waitMs: Math.max(0, grant.readyAtMs - nowMs) };
      }
      if (nowMs < grant.refusedUntilMs && maxWaitMs === 0)
        return { granted: 0, waitMs: Math.max(1, grant.refusedUntilMs - nowMs) };
      if (grant.asking !== null) {
        await grant.asking;
        continue;
      }
      const reserved = await this.#ask(grant, reservation);
      if (reserved.granted === 0) return reserved;
    }
  }

  async #ask(grant: Grant, reservation: Reservation): Promise<Reserved> {
    const { source, now } = this.#options;
    const { perSecond, min } = reservation;
    const want = Math.max(min, Math.floor(perSecond * SHARE_OF_A_SECOND));
    grant.asking = Promise.resolve(source.reserve({ ...reservation, want }));
    try {
      const reserved = await grant.asking;
      const nowMs = now();
      if (reserved.granted === 0) grant.refusedUntilMs = nowMs + Math.min(reserved.waitMs, REFUSAL_LIFE_MS);
      else {
        grant.left += reserved.granted;
        grant.readyAtMs = nowMs + reserved.waitMs;
        grant.lapsesAtMs = grant.readyAtMs + GRANT_LIFE_MS;
      }
      return reserved;
    } finally {
      grant.asking = null;
    }
  }
}

/** @throws the signal's reason */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  // Timers round: a wait that is shorter than they can tell is owed to the next one.
  if (ms < 1) return;
  try {
    await sleep(Math.min(ms, FOREVER_MS), undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
