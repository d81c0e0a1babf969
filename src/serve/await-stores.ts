/**
 * A server that starts in the seconds after a node of its ring has died, or before the ring, finds no quorum: it waits for one, as
 * `bootstrap` does, and serves when there is one. What waiting cannot mend, a missing schema for one, ends it at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { StoreErrorKind } from '../store/errors.js';
import { StoreError } from '../store/errors.js';

export interface AwaitStoresOptions {
  /** Resolves when the stores can serve. @throws StoreError */
  readonly ready: () => Promise<void>;
  /** When to give up, ms. */
  readonly waitMs: number;
  /** Between two tries, ms. Default 1,000. */
  readonly pauseMs?: number;
  /** Ends the wait at once, whatever is being tried. */
  readonly signal: AbortSignal;
  readonly log: { warn(fields: object, message: string): void };
}

const PAUSE_MS = 1_000;
const PASSING: ReadonlySet<StoreErrorKind> = new Set(['timeout', 'unavailable', 'overloaded', 'contention']);

/**
 * Resolves when the stores can serve. Each try that fails is logged with its reason.
 * @throws the last try's error, when it is none that passes or the time is over; the signal's reason when that fires
 */
export async function awaitStores({
  ready,
  waitMs,
  pauseMs = PAUSE_MS,
  signal,
  log,
}: AwaitStoresOptions): Promise<void> {
  const deadlineMs = performance.now() + waitMs;
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      await unlessAborted(ready, signal);
      return;
    } catch (error) {
      signal.throwIfAborted();
      const leftMs = deadlineMs - performance.now();
      if (!(error instanceof StoreError) || !PASSING.has(error.kind) || leftMs < pauseMs) throw error;
      const reason = error.message;
      log.warn({ attempt, reason, leftMs: Math.round(leftMs) }, 'the store cannot serve yet: it is asked again');
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** What was begun is left to itself when the signal fires. */
async function unlessAborted(task: () => Promise<void>, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => reject(new Error('aborted'));
    signal.addEventListener('abort', stop, { once: true });
    task()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop));
  });
}
