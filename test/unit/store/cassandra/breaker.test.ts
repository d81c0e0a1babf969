import { describe, expect, it } from 'vitest';
import { Breaker } from '../../../../src/store/cassandra/breaker.js';
import type { StoreErrorKind } from '../../../../src/store/errors.js';

class Ring {
  ms = 0;
  readonly breaker = new Breaker({ now: () => this.ms });

  fail(times: number, kind: StoreErrorKind = 'timeout'): void {
    for (let i = 0; i < times; i++) {
      this.breaker.failed({ kind });
      this.ms += 100;
    }
  }

  /** How many of so many statements are let through. */
  passes(statements: number): number {
    let passed = 0;
    for (let i = 0; i < statements; i++) {
      try {
        this.breaker.check();
        passed++;
      } catch (error) {
        expect(error).toMatchObject({ kind: 'unavailable', outcome: 'notApplied' });
      }
    }
    return passed;
  }
}

describe('Breaker', () => {
  it('lets everything pass while anything succeeds', () => {
    const ring = new Ring();
    for (let i = 0; i < 50; i++) {
      ring.fail(19);
      ring.breaker.succeeded();
    }
    expect(ring.passes(10)).toBe(10);
  });

  it('fails at once after many failures in a row, and tries now and then', () => {
    const ring = new Ring();
    ring.fail(20, 'unavailable');
    expect(ring.passes(100)).toBe(0);
    ring.ms += 500;
    expect(ring.passes(100)).toBe(1);
    // That one has not come to its end.
    ring.ms += 10_000;
    expect(ring.passes(100)).toBe(0);
    ring.breaker.failed({ kind: 'timeout' });
    expect(ring.passes(100)).toBe(0);
    ring.ms += 499;
    expect(ring.passes(100)).toBe(0);
    ring.ms += 1;
    expect(ring.passes(100)).toBe(1);
    ring.breaker.succeeded();
    expect(ring.passes(100)).toBe(100);
  });

  it('is not moved by a burst of failures within a moment', () => {
    const ring = new Ring();
    for (let i = 0; i < 100; i++) ring.breaker.failed({ kind: 'overloaded' });
    expect(ring.passes(10)).toBe(10);
    ring.ms += 1000;
    expect(ring.passes(10)).toBe(1);
  });

  it('takes refusals of another kind for answers', () => {
    const ring = new Ring();
    for (let i = 0; i < 20; i++) {
      ring.fail(10);
      ring.breaker.failed({ kind: 'internal' });
    }
    expect(ring.passes(10)).toBe(10);
  });
});
