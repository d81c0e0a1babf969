/**
 * How many requests are under way at once, and how many may wait for their turn. One more is refused at once, before anything of its
 * body is read: a server that is asked for more than it can do answers what it does at its usual pace.
 */
import { S3Error } from '../s3/errors.js';

export interface AdmissionLimits {
  /** requests under way */
  readonly maxRunning: number;
  /** requests that wait */
  readonly maxWaiting: number;
  /** longest wait, ms */
  readonly maxWaitMs: number;
}

export interface AdmissionOptions {
  readonly limits: AdmissionLimits;
}

interface Waiter {
  readonly admit: () => void;
}

/** First come, first served. */
export class Admission {
  #limits: AdmissionLimits;
  readonly #queue = new Set<Waiter>();
  #running = 0;
  #refused = 0;

  constructor({ limits }: AdmissionOptions) {
    this.#limits = limits;
  }

  get limits(): AdmissionLimits {
    return this.#limits;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#queue.size;
  }

  /** How many were refused since the start. */
  get refused(): number {
    return this.#refused;
  }

  update(limits: AdmissionLimits): void {
    this.#limits = limits;
    this.#admit();
  }

  /**
   * Resolves when the request may go on; what it resolves with ends it, once.
   * @throws S3Error SlowDown when too many wait, or it waited too long; the signal's reason when it fires
   */
  async enter(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    const { maxRunning, maxWaiting, maxWaitMs } = this.#limits;
    if (this.#queue.size === 0 && this.#running < maxRunning) return this.#begin();
    if (this.#queue.size >= maxWaiting) throw this.#refusal();
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        this.#queue.delete(waiter);
        signal.removeEventListener('abort', onAbort);
      };
      const onAbort = (): void => {
        leave();
        reject(signal.reason as Error);
      };
      const timer = setTimeout(() => {
        leave();
        reject(this.#refusal());
      }, maxWaitMs);
      const waiter: Waiter = {
        admit: () => {
          leave();
          resolve(this.#begin());
        },
      };
      signal.addEventListener('abort', onAbort, { once: true });
      this.#queue.add(waiter);
    });
  }

  #begin(): () => void {
    this.#running++;
    let under = true;
    return () => {
      if (!under) return;
      under = false;
      this.#running--;
      this.#admit();
    };
  }

  #admit(): void {
    for (const waiter of this.#queue) {
      if (this.#running >= this.#limits.maxRunning) return;
      waiter.admit();
    }
  }

  #refusal(): S3Error {
    this.#refused++;
    return slowDown(1000);
  }
}

/** @param waitMs when it is worth trying again */
export function slowDown(waitMs: number): S3Error {
  const seconds = Math.min(3600, Math.max(1, Math.ceil(waitMs / 1000)));
  return new S3Error('SlowDown', { headers: { 'retry-after': String(seconds) } });
}
