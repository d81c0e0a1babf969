import { describe, expect, it } from 'vitest';
import type { Reservation, Reserved } from '../../../src/cluster/messages.js';
import { RateHub } from '../../../src/limits/rate-hub.js';
import { Rates } from '../../../src/limits/rates.js';

/** A clock that stands until it is moved. */
class Clock {
  ms = 1_000;
  readonly now = (): number => this.ms;
}

describe('RateHub', () => {
  it('counts by key', () => {
    const clock = new Clock();
    const hub = new RateHub({ now: clock.now });
    const one = (key: string) => hub.reserve({ key, perSecond: 2, min: 1, want: 1, maxWaitMs: 0 });
    expect([one('a'), one('a')].map(({ granted }) => granted)).toEqual([1, 1]);
    expect(one('a')).toEqual({ granted: 0, waitMs: 500 });
    expect(one('b').granted).toBe(1);
    clock.ms += 500;
    expect(one('a').granted).toBe(1);
  });

  it('gives more than is needed only of what is there', () => {
    const hub = new RateHub({ now: new Clock().now });
    const ask = (min: number, want: number) =>
      hub.reserve({ key: 'k', perSecond: 100, min, want, maxWaitMs: 1_000_000 });
    expect(ask(10, 80)).toEqual({ granted: 80, waitMs: 0 });
    expect(ask(10, 80)).toEqual({ granted: 20, waitMs: 0 });
    expect(ask(10, 80)).toEqual({ granted: 10, waitMs: 100 });
    expect(ask(10, 80)).toEqual({ granted: 10, waitMs: 200 });
  });

  it('lets nobody wait longer than it is willing to, and takes nothing then', () => {
    const hub = new RateHub({ now: new Clock().now });
    const ask = (maxWaitMs: number) => hub.reserve({ key: 'k', perSecond: 1, min: 1, want: 1, maxWaitMs });
    expect(ask(1000)).toEqual({ granted: 1, waitMs: 0 });
    expect(ask(1000)).toEqual({ granted: 1, waitMs: 1000 });
    for (let i = 0; i < 3; i++) expect(ask(1000)).toEqual({ granted: 0, waitMs: 2000 });
  });

  it('forgets the keys that were not used for longest', () => {
    const hub = new RateHub({ now: new Clock().now, maxCounters: 100 });
    const one = (key: string) => hub.reserve({ key, perSecond: 1, min: 1, want: 1, maxWaitMs: 0 }).granted;
    expect(one('kept')).toBe(1);
    for (let i = 0; i < 1000; i++) {
      expect(one(`address ${i}`)).toBe(1);
      expect(one('kept')).toBe(0);
    }
    expect(hub.size).toBe(100);
  });
});

/** Answers one turn later, as another process does, and counts the questions. */
class Elsewhere {
  asked = 0;
  readonly #hub: RateHub;

  constructor(clock: Clock) {
    this.#hub = new RateHub({ now: clock.now });
  }

  async reserve(reservation: Reservation): Promise<Reserved> {
    this.asked++;
    await new Promise((resolve) => setImmediate(resolve));
    return this.#hub.reserve(reservation);
  }
}

describe('Rates of several processes', () => {
  const open = (processes: number) => {
    const clock = new Clock();
    const source = new Elsewhere(clock);
    const rates = Array.from({ length: processes }, () => new Rates({ source, remote: true, now: clock.now }));
    return { clock, source, rates };
  };

  it('let pass together what one would, with few questions', async () => {
    const { source, rates } = open(4);
    const permits = await Promise.all(
      Array.from({ length: 4000 }, (_, i) => rates[i % 4]?.take('key', 1000, 0) ?? Promise.reject(new Error('none'))),
    );
    const granted = permits.filter((permit) => permit.granted).length;
    expect(granted).toBeLessThanOrEqual(1000);
    expect(granted).toBeGreaterThan(900);
    expect(source.asked).toBeLessThan(100);
  });

  it('give back nothing that lapsed, but all that comes in', async () => {
    const { clock, rates } = open(2);
    const [first, second] = rates;
    if (first === undefined || second === undefined) throw new Error('two');
    let granted = 0;
    for (let step = 0; step < 100; step++) {
      for (const one of [first, second]) if ((await one.take('key', 10, 0)).granted) granted++;
      clock.ms += 100;
    }
    // 10 s of 10 a second, and the slack at the start.
    expect(granted).toBeLessThanOrEqual(110);
    expect(granted).toBeGreaterThanOrEqual(95);
  });

  it('obey a new rate at once', async () => {
    const { clock, rates } = open(1);
    const [one] = rates;
    if (one === undefined) throw new Error('one');
    expect((await one.take('key', 1000, 0)).granted).toBe(true);
    clock.ms += 10_000;
    const permits = await Promise.all(Array.from({ length: 10 }, () => one.take('key', 2, 0)));
    expect(permits.filter((permit) => permit.granted)).toHaveLength(2);
  });
});

describe('pace', () => {
  it('adds up over streams, and ends with its signal', async () => {
    const clock = new Clock();
    const rates = new Rates({ source: new RateHub({ now: clock.now }), remote: false, now: clock.now });
    const aborter = new AbortController();
    const pass = () => rates.pace('bucket', { perSecond: 1000, sizeBytes: 1000 }, aborter.signal);
    await pass();
    const waiting = [pass(), pass()];
    aborter.abort(new Error('gone'));
    for (const one of waiting) await expect(one).rejects.toThrow('gone');
  });
});
