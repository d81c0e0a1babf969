/**
 * Fails statements at once while a cluster answers none: otherwise each would wait for its own time-out, and requests would pile up behind
 * them. Now and then one is let through; the first that succeeds lets all of them through again.
 */
import { StoreError } from '../errors.js';

export interface BreakerOptions {
  /** ms, never goes back */
  readonly now: () => number;
}

/** Failures in a row, and for how long nothing has succeeded, before statements are failed at once. */
const FAILURES = 20;
const SILENCE_MS = 1_000;
/** Between the end of one statement that was let through and the next one. */
const PROBE_INTERVAL_MS = 500;

export class Breaker {
  readonly #now: () => number;
  #failures = 0;
  #firstFailureMs = 0;
  #nextProbeMs = 0;

  constructor({ now }: BreakerOptions) {
    this.#now = now;
  }

  get isOpen(): boolean {
    return this.#failures >= FAILURES && this.#now() - this.#firstFailureMs >= SILENCE_MS;
  }

  /** Before a statement is sent. @throws StoreError unavailable, notApplied */
  check(): void {
    if (!this.isOpen) return;
    if (this.#now() < this.#nextProbeMs)
      throw new StoreError('unavailable', 'notApplied', 'Cassandra has answered nothing for a while');
    // One at a time: its own time-out is long enough.
    this.#nextProbeMs = Infinity;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#nextProbeMs = 0;
  }

  failed({ kind }: Pick<StoreError, 'kind'>): void {
    // Whatever else an answer says: somebody gave it.
    if (kind !== 'timeout' && kind !== 'unavailable' && kind !== 'overloaded') {
      this.succeeded();
      return;
    }
    if (this.#failures++ === 0) this.#firstFailureMs = this.#now();
    if (this.isOpen) this.#nextProbeMs = this.#now() + PROBE_INTERVAL_MS;
  }
}
