// When a process, and a server of several, counts as ready.
import { describe, expect, it } from 'vitest';
import { allReady, Readiness } from '../../../src/observe/readiness.js';

const READY = { ready: true, reason: null };

describe('Readiness', () => {
  const options = { timeoutMs: 20, holdsMs: 0 };

  it('goes from starting to serving to draining, and never back', async () => {
    const readiness = new Readiness({ ...options, storeReady: async () => undefined });
    expect(await readiness.check()).toEqual({ ready: false, reason: 'starting' });
    readiness.serving();
    expect(await readiness.check()).toEqual(READY);
    readiness.draining();
    readiness.serving();
    expect(await readiness.check()).toEqual({ ready: false, reason: 'draining' });
  });

  it('is not ready while the store fails or does not answer, and again when it does', async () => {
    let store = (): Promise<void> => Promise.reject(new Error('no quorum'));
    const readiness = new Readiness({ ...options, storeReady: () => store() });
    readiness.serving();
    expect(await readiness.check()).toEqual({ ready: false, reason: 'no quorum' });
    store = () => new Promise(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 2));
    expect(await readiness.check()).toEqual({ ready: false, reason: 'the store has not answered in 20 ms' });
    store = () => Promise.resolve();
    await new Promise((resolve) => setTimeout(resolve, 2));
    expect(await readiness.check()).toEqual(READY);
  });

  it('asks the store once for all who ask at a time', async () => {
    let asked = 0;
    const storeReady = async (): Promise<void> => {
      asked++;
    };
    const readiness = new Readiness({ timeoutMs: 1000, holdsMs: 60_000, storeReady });
    readiness.serving();
    await Promise.all(Array.from({ length: 20 }, () => readiness.check()));
    await readiness.check();
    expect(asked).toBe(1);
  });

  it('is draining for who asked before', async () => {
    let answer = (): void => undefined;
    const readiness = new Readiness({
      timeoutMs: 60_000,
      holdsMs: 0,
      storeReady: () => new Promise((resolve) => (answer = resolve)),
    });
    readiness.serving();
    const checked = readiness.check();
    readiness.draining();
    answer();
    expect(await checked).toEqual({ ready: false, reason: 'draining' });
  });
});

describe('allReady', () => {
  it('needs every worker', () => {
    expect(allReady([READY, READY], 2)).toEqual(READY);
    expect(allReady([READY], 2)).toEqual({ ready: false, reason: '1 of 2 workers answer' });
    expect(allReady([], 2).ready).toBe(false);
    expect(allReady([READY, { ready: false, reason: 'starting' }], 2)).toEqual({ ready: false, reason: 'starting' });
  });
});
