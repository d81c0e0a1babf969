// How a server that starts waits for its store: for what passes, as long as configured, and no longer than the process lives.
import { describe, expect, it } from 'vitest';
import { awaitStores } from '../../../src/serve/await-stores.js';
import { StoreError } from '../../../src/store/errors.js';

function waiting(tries: readonly (Error | null)[], waitMs = 60_000) {
  const aborter = new AbortController();
  const logged: object[] = [];
  let asked = 0;
  const log = { warn: (fields: object) => void logged.push(fields) };
  const ready = async (): Promise<void> => {
    const outcome = tries[Math.min(asked++, tries.length - 1)];
    if (outcome !== null) throw outcome ?? new Error('no tries');
  };
  const done = awaitStores({ ready, waitMs, pauseMs: 1, signal: aborter.signal, log });
  return { done, aborter, logged, asked: () => asked };
}

const unavailable = new StoreError('unavailable', 'notApplied', 'no quorum');

describe('awaitStores', () => {
  it('asks again while the store cannot be reached, and logs why', async () => {
    const timeout = new StoreError('timeout', 'notApplied', 'no answer');
    const { done, logged } = waiting([unavailable, timeout, null]);
    await done;
    expect(logged).toEqual([
      { attempt: 1, reason: 'no quorum', leftMs: expect.any(Number) as number },
      { attempt: 2, reason: 'no answer', leftMs: expect.any(Number) as number },
    ]);
  });

  it('does not wait for what does not pass', async () => {
    const outdated = new StoreError('internal', 'notApplied', 'run bootstrap first');
    const { done, asked } = waiting([outdated]);
    await expect(done).rejects.toBe(outdated);
    expect(asked()).toBe(1);
  });

  it('gives up with the last reason when the time is over', async () => {
    const { done, asked } = waiting([unavailable], 50);
    await expect(done).rejects.toBe(unavailable);
    expect(asked()).toBeGreaterThan(1);
  });

  it('ends at once when it is told to, also in the midst of a try', async () => {
    const reason = new Error('stopped');
    const between = waiting([unavailable]);
    await expect.poll(() => between.logged.length).toBeGreaterThan(0);
    between.aborter.abort(reason);
    await expect(between.done).rejects.toBe(reason);

    const aborter = new AbortController();
    const hanging = awaitStores({
      ready: () => new Promise(() => undefined),
      waitMs: 60_000,
      signal: aborter.signal,
      log: { warn: () => undefined },
    });
    aborter.abort(reason);
    await expect(hanging).rejects.toBe(reason);
  });
});
