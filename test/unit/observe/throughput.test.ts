// Requests of the last minutes in slots, of one process and of several together.
import { describe, expect, it } from 'vitest';
import { addThroughput, SLOT_MS, SLOTS, Throughput } from '../../../src/observe/throughput.js';

const START_MS = 1_000 * SLOT_MS;
const SERVED = { failed: false, receivedBytes: 5, sentBytes: 7 };
const last = (values: readonly number[] | undefined, count: number) => values?.slice(-count);

describe('Throughput', () => {
  function counted() {
    const clock = { nowMs: START_MS };
    return { clock, throughput: new Throughput(() => clock.nowMs) };
  }

  it('counts complete slots, the oldest first', () => {
    const { clock, throughput } = counted();
    throughput.add('GetObject', SERVED);
    throughput.add('GetObject', { ...SERVED, failed: true });
    expect(throughput.figures().operations).toEqual([]);
    clock.nowMs += 2 * SLOT_MS;
    throughput.add('GetObject', SERVED);
    clock.nowMs += SLOT_MS;
    const { fromMs, operations } = throughput.figures();
    expect(fromMs).toBe(clock.nowMs - SLOTS * SLOT_MS);
    expect(operations.map(({ name }) => name)).toEqual(['GetObject']);
    expect(operations[0]?.requests).toHaveLength(SLOTS);
    expect(last(operations[0]?.requests, 4)).toEqual([0, 2, 0, 1]);
    expect(last(operations[0]?.failures, 4)).toEqual([0, 1, 0, 0]);
    expect(last(operations[0]?.receivedBytes, 4)).toEqual([0, 10, 0, 5]);
    expect(last(operations[0]?.sentBytes, 4)).toEqual([0, 14, 0, 7]);
  });

  it('forgets what is older than its slots', () => {
    const { clock, throughput } = counted();
    throughput.add('PutObject', SERVED);
    clock.nowMs += SLOTS * SLOT_MS;
    expect(throughput.figures().operations[0]?.requests[0]).toBe(1);
    clock.nowMs += SLOT_MS;
    expect(throughput.figures().operations).toEqual([]);
    clock.nowMs += 1_000_000 * SLOT_MS;
    expect(throughput.figures().operations).toEqual([]);
  });

  it('goes on where it was when the clock is set back', () => {
    const { clock, throughput } = counted();
    clock.nowMs += SLOT_MS;
    throughput.add('PutObject', SERVED);
    clock.nowMs -= 5 * SLOT_MS;
    throughput.add('PutObject', SERVED);
    clock.nowMs += 6 * SLOT_MS;
    expect(last(throughput.figures().operations[0]?.requests, 1)).toEqual([2]);
  });
});

describe('addThroughput', () => {
  it('adds processes slot by slot, also when one has gone on to the next', () => {
    const figures = [0, 0, SLOT_MS].map((aheadMs) => {
      const clock = { nowMs: START_MS };
      const throughput = new Throughput(() => clock.nowMs);
      throughput.add('GetObject', SERVED);
      if (aheadMs > 0) throughput.add('PutObject', SERVED);
      clock.nowMs += SLOT_MS + aheadMs;
      return throughput.figures();
    });
    const sum = addThroughput(figures, START_MS);
    expect(sum.fromMs).toBe(START_MS + 2 * SLOT_MS - SLOTS * SLOT_MS);
    expect(sum.operations.map(({ name, requests }) => [name, last(requests, 3)])).toEqual([
      ['GetObject', [0, 3, 0]],
      ['PutObject', [0, 1, 0]],
    ]);
  });

  it('is empty of nothing', () => {
    expect(addThroughput([], START_MS)).toEqual({
      slotMs: SLOT_MS,
      fromMs: START_MS - SLOTS * SLOT_MS,
      operations: [],
    });
  });
});
