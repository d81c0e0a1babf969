/**
 * The counters of all rates that a server's processes share: in the primary process, or in the only one. Bounded: counters that were
 * not used for longest are forgotten, which makes them full again.
 */
import type { Reservation, Reserved } from '../cluster/messages.js';
import { Lru } from './lru.js';
import { TokenBucket } from './token-bucket.js';

/** Where amounts are reserved. */
export interface RateSource {
  reserve(reservation: Reservation): Reserved | Promise<Reserved>;
}

/** A counter takes about 200 bytes. */
const MAX_COUNTERS = 50_000;

export interface RateHubOptions {
  /** ms, never goes back */
  readonly now: () => number;
  readonly maxCounters?: number;
}

export class RateHub implements RateSource {
  readonly #now: () => number;
  readonly #counters: Lru<TokenBucket>;

  constructor({ now, maxCounters = MAX_COUNTERS }: RateHubOptions) {
    this.#now = now;
    this.#counters = new Lru(maxCounters);
  }

  get size(): number {
    return this.#counters.size;
  }

  /** Whoever asks says the rate: it holds from then on. */
  reserve({ key, perSecond, min, want, maxWaitMs }: Reservation): Reserved {
    const nowMs = this.#now();
    let counter = this.#counters.get(key);
    if (counter === undefined) {
      counter = new TokenBucket(perSecond, nowMs);
      this.#counters.set(key, counter);
    } else counter.setRate(perSecond, nowMs);
    const delayMs = counter.untilReady(min, nowMs);
    if (delayMs > maxWaitMs) return { granted: 0, waitMs: delayMs };
    // More than asked for is given only of what is there: nobody else is to wait for it.
    const granted = Math.max(min, Math.min(want, Math.floor(counter.available(nowMs))));
    return { granted, waitMs: counter.take(granted, nowMs) };
  }
}
