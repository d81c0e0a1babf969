/**
 * The memory that all requests together may hold in object data. Waiting for it is what slows clients down instead of
 * letting the process grow.
 */
import { StoreError } from '../store/errors.js';
import { abortError } from './interrupt.js';

/** Gives the bytes back; the second call does nothing. */
export type Release = () => void;

export interface MemoryBudgetOptions {
  readonly limitBytes: number;
  /** Requests that may wait; one more is refused as overloaded. Default: any number. */
  readonly maxWaiting?: number;
}

interface Waiter {
  readonly bytes: number;
  readonly admit: (release: Release) => void;
}

/** First come, first served: a large request is never overtaken, so it cannot starve. */
export class MemoryBudget {
  readonly limitBytes: number;
  readonly #maxWaiting: number;
  readonly #queue = new Set<Waiter>();
  #usedBytes = 0;

  constructor({ limitBytes, maxWaiting = Infinity }: MemoryBudgetOptions) {
    if (!(limitBytes > 0)) throw new RangeError(`memory budget of ${limitBytes} bytes`);
    this.limitBytes = limitBytes;
    this.#maxWaiting = maxWaiting;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** How many requests wait. */
  get waiting(): number {
    return this.#queue.size;
  }

  /** null when it would have to wait. More bytes than the limit count as the limit. */
  tryAcquire(bytes: number): Release | null {
    const wanted = this.#clamp(bytes);
    if (wanted > 0 && (this.#queue.size > 0 || this.#usedBytes + wanted > this.limitBytes)) return null;
    return this.#take(wanted);
  }

  /**
   * Waits for its turn. More bytes than the limit count as the limit.
   * @throws StoreError overloaded when too many wait already; the signal's reason when it fires
   */
  async acquire(bytes: number, signal?: AbortSignal): Promise<Release> {
    if (signal?.aborted) throw abortError(signal);
    const release = this.tryAcquire(bytes);
    if (release) return release;
    if (this.#queue.size >= this.#maxWaiting) {
      throw new StoreError('overloaded', 'notApplied', `${this.#queue.size} requests wait for buffer memory already`);
    }
    return new Promise<Release>((resolve, reject) => {
      const onAbort = (): void => {
        this.#queue.delete(waiter);
        reject(abortError(signal));
        // The one that left may have been the one that the others could not get past.
        this.#admit();
      };
      const waiter: Waiter = {
        bytes: this.#clamp(bytes),
        admit: (granted) => {
          signal?.removeEventListener('abort', onAbort);
          resolve(granted);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#queue.add(waiter);
    });
  }

  #clamp(bytes: number): number {
    if (!(bytes >= 0)) throw new RangeError(`cannot acquire ${bytes} bytes`);
    return Math.min(bytes, this.limitBytes);
  }

  #take(bytes: number): Release {
    this.#usedBytes += bytes;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#usedBytes -= bytes;
      this.#admit();
    };
  }

  #admit(): void {
    for (const waiter of this.#queue) {
      if (this.#usedBytes + waiter.bytes > this.limitBytes) return;
      this.#queue.delete(waiter);
      waiter.admit(this.#take(waiter.bytes));
    }
  }
}
