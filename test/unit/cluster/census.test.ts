// One question to all workers: who answers, who does not, and who asks.
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CENSUS_TIMEOUT_MS, LocalCensus, PrimaryCensus, WorkerCensus } from '../../../src/cluster/census.js';
import type { AskedWorker } from '../../../src/cluster/census.js';

/** A primary and its workers, whose channels hand messages over at once, as JSON. */
function server(count: number) {
  const primary = new PrimaryCensus();
  const workers = Array.from({ length: count }, (_, id) => {
    const channel = new EventEmitter();
    const state = { connected: true };
    const asked: AskedWorker = {
      id,
      isConnected: () => state.connected,
      send: (message) => queueMicrotask(() => channel.emit('message', JSON.parse(JSON.stringify(message)))),
    };
    const census = new WorkerCensus({
      on: (event, listener) => channel.on(event, listener),
      send: (message: unknown) => queueMicrotask(() => primary.receive(asked, JSON.parse(JSON.stringify(message)))),
    });
    primary.join(asked);
    return { census, asked, state };
  });
  return { primary, workers };
}

describe('census', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('asks all workers, from the primary and from a worker', async () => {
    const { primary, workers } = server(3);
    workers.forEach(({ census }, index) => census.onAsked('number', () => ({ index })));
    expect(await primary.gather('number')).toEqual([{ index: 0 }, { index: 1 }, { index: 2 }]);
    expect(await workers[1]?.census.gather('number')).toHaveLength(3);
    expect(await primary.gather('nobody knows')).toEqual([]);
  });

  it('leaves out who fails, and who does not answer in time', async () => {
    const { primary, workers } = server(3);
    workers[0]?.census.onAsked('t', () => 'well');
    workers[1]?.census.onAsked('t', () => Promise.reject(new Error('no')));
    workers[2]?.census.onAsked('t', () => new Promise(() => undefined));
    const gathered = primary.gather('t');
    await vi.advanceTimersByTimeAsync(CENSUS_TIMEOUT_MS);
    expect(await gathered).toEqual(['well']);
  });

  it('does not wait for workers that end, or are not connected', async () => {
    const { primary, workers } = server(3);
    workers[0]?.census.onAsked('t', () => 1);
    workers[1]?.census.onAsked('t', () => new Promise(() => undefined));
    if (workers[2] !== undefined) workers[2].state.connected = false;
    const gathered = primary.gather('t');
    await vi.advanceTimersByTimeAsync(1);
    if (workers[1] !== undefined) primary.leave(workers[1].asked);
    expect(await gathered).toEqual([1]);
    expect(await new PrimaryCensus().gather('t')).toEqual([]);
  });

  it('does not leave a worker waiting for a primary that is gone', async () => {
    const alone = new WorkerCensus({ on: () => undefined, send: () => undefined });
    const gathered = alone.gather('t');
    await vi.advanceTimersByTimeAsync(2 * CENSUS_TIMEOUT_MS);
    expect(await gathered).toEqual([]);
  });

  it('is the process itself where there is one', async () => {
    const census = new LocalCensus();
    census.onAsked('t', () => 'me');
    census.onAsked('hangs', () => new Promise(() => undefined));
    expect(await census.gather('t')).toEqual(['me']);
    const hanging = census.gather('hangs');
    await vi.advanceTimersByTimeAsync(CENSUS_TIMEOUT_MS);
    expect(await hanging).toEqual([]);
  });
});
