/** Keeps reads below a rate, so that those who serve are not disturbed. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface ThrottleOptions {
  /** null: no limit */
  readonly perSecond: number | null;
  readonly signal: AbortSignal;
}

/** Below this a pause is not worth its timer, ms. */
const MIN_PAUSE_MS = 10;

export class Throttle {
  readonly #options: ThrottleOptions;
  /** performance.now() when what was taken so far is used up */
  #freeAtMs = 0;

  constructor(options: ThrottleOptions) {
    this.#options = options;
  }

  /** Resolves when so many may be read. @throws the signal's reason */
  async take(count: number): Promise<void> {
    const { perSecond, signal } = this.#options;
    signal.throwIfAborted();
    if (perSecond === null || count === 0) return;
    const now = performance.now();
    this.#freeAtMs = Math.max(this.#freeAtMs, now) + (count * 1_000) / perSecond;
    const pauseMs = this.#freeAtMs - now;
    if (pauseMs >= MIN_PAUSE_MS) await sleep(pauseMs, undefined, { signal });
  }
}

/** Runs the task for every item, `width` at a time. */
export async function inParallel<T>(
  items: Iterable<T>,
  width: number,
  task: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let next = queue.next(); next.done !== true; next = queue.next()) await task(next.value);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
