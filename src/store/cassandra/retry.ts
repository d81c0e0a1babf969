/** Waiting between attempts. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Full jitter, doubling from 4 ms to 250 ms: contenders spread out instead of meeting again. attempt counts from 0. */
export async function backoff(attempt: number): Promise<void> {
  const ceilingMs = Math.min(250, 4 * 2 ** Math.min(attempt, 10));
  await sleep(Math.random() * ceilingMs);
}

/** @throws the signal's reason when it fires */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, signal ? { signal } : {});
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
