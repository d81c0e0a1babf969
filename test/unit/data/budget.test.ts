import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { MemoryBudget } from '../../../src/data/budget.js';
import { Random } from './memory-stores.js';

describe('MemoryBudget', () => {
  it('grants up to the limit and waits beyond it', async () => {
    const budget = new MemoryBudget({ limitBytes: 100 });
    const first = await budget.acquire(60);
    const second = await budget.acquire(40);
    expect(budget.usedBytes).toBe(100);
    expect(budget.tryAcquire(1)).toBeNull();
    let granted = false;
    const third = budget.acquire(30).then((release) => {
      granted = true;
      return release;
    });
    await nextTurn();
    expect(granted).toBe(false);
    expect(budget.waiting).toBe(1);
    first();
    (await third)();
    second();
    expect(budget.usedBytes).toBe(0);
    expect(budget.waiting).toBe(0);
  });

  it('is first come, first served: small requests do not overtake a large one', async () => {
    const budget = new MemoryBudget({ limitBytes: 100 });
    const hold = await budget.acquire(50);
    const order: string[] = [];
    const large = budget.acquire(80).then((release) => (order.push('large'), release));
    const small = budget.acquire(10).then((release) => (order.push('small'), release));
    expect(budget.tryAcquire(10)).toBeNull();
    await nextTurn();
    expect(order).toEqual([]);
    hold();
    (await large)();
    (await small)();
    expect(order).toEqual(['large', 'small']);
  });

  it('releases once', async () => {
    const budget = new MemoryBudget({ limitBytes: 100 });
    const first = await budget.acquire(40);
    await budget.acquire(40);
    first();
    first();
    expect(budget.usedBytes).toBe(40);
  });

  it('grants a request above the limit when nothing else is held', async () => {
    const budget = new MemoryBudget({ limitBytes: 100 });
    const small = await budget.acquire(1);
    const huge = budget.acquire(1_000_000);
    await nextTurn();
    expect(budget.waiting).toBe(1);
    small();
    const release = await huge;
    expect(budget.usedBytes).toBe(100);
    release();
    expect(budget.usedBytes).toBe(0);
  });

  it('lets requests for nothing through', async () => {
    const budget = new MemoryBudget({ limitBytes: 10 });
    await budget.acquire(10);
    const waiting = budget.acquire(5);
    (await budget.acquire(0))();
    expect(budget.usedBytes).toBe(10);
    expect(budget.waiting).toBe(1);
    void waiting;
  });

  it('is left when the signal fires, and the next in line moves up', async () => {
    const budget = new MemoryBudget({ limitBytes: 100 });
    const hold = await budget.acquire(50);
    const controller = new AbortController();
    const large = budget.acquire(100, controller.signal);
    const small = budget.acquire(50);
    const reason = new Error('client left');
    controller.abort(reason);
    await expect(large).rejects.toBe(reason);
    const release = await small;
    expect(budget.usedBytes).toBe(100);
    release();
    hold();
    expect(budget.usedBytes).toBe(0);
  });

  it('refuses when the signal has fired before, and wraps reasons that are no errors', async () => {
    const budget = new MemoryBudget({ limitBytes: 100 });
    await expect(budget.acquire(1, AbortSignal.abort('why'))).rejects.toMatchObject({ kind: 'closed', cause: 'why' });
    expect(budget.usedBytes).toBe(0);
  });

  it('does not take back what was granted before the signal fired', async () => {
    const budget = new MemoryBudget({ limitBytes: 10 });
    const hold = await budget.acquire(10);
    const controller = new AbortController();
    const second = budget.acquire(10, controller.signal);
    hold();
    controller.abort();
    const release = await second;
    expect(budget.usedBytes).toBe(10);
    release();
  });

  it('refuses as overloaded when the queue is full', async () => {
    const budget = new MemoryBudget({ limitBytes: 10, maxWaiting: 1 });
    const hold = await budget.acquire(10);
    const second = budget.acquire(10);
    await expect(budget.acquire(1)).rejects.toMatchObject({ kind: 'overloaded', outcome: 'notApplied' });
    hold();
    (await second)();
  });

  it('refuses nonsense', async () => {
    expect(() => new MemoryBudget({ limitBytes: 0 })).toThrow(RangeError);
    expect(() => new MemoryBudget({ limitBytes: Number.NaN })).toThrow(RangeError);
    const budget = new MemoryBudget({ limitBytes: 10 });
    await expect(budget.acquire(-1)).rejects.toThrow(RangeError);
    expect(() => budget.tryAcquire(Number.NaN)).toThrow(RangeError);
  });

  it('stays within the limit and serves everybody, whatever the requests', async () => {
    const budget = new MemoryBudget({ limitBytes: 1000 });
    const random = new Random(5);
    let highest = 0;
    await Promise.all(
      Array.from({ length: 300 }, async () => {
        const bytes = random.below(1200);
        for (let turns = random.below(5); turns > 0; turns -= 1) await nextTurn();
        const release = await budget.acquire(bytes);
        highest = Math.max(highest, budget.usedBytes);
        await nextTurn();
        release();
      }),
    );
    expect(highest).toBeGreaterThan(900);
    expect(highest).toBeLessThanOrEqual(1000);
    expect(budget.usedBytes).toBe(0);
  });
});
