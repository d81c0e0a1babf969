import { describe, expect, it } from 'vitest';
import { TokenBucket } from '../../../src/limits/token-bucket.js';

describe('TokenBucket', () => {
  it('is full at first and holds one second’s worth', () => {
    const bucket = new TokenBucket(10, 0);
    expect(bucket.available(0)).toBe(10);
    expect(bucket.available(60_000)).toBe(10);
    for (let i = 0; i < 10; i++) expect(bucket.take(1, 60_000)).toBe(0);
    expect(bucket.take(1, 60_000)).toBe(100);
  });

  it('lets a rate below one a second pass one by one', () => {
    const bucket = new TokenBucket(0.5, 0);
    expect(bucket.take(1, 0)).toBe(0);
    expect(bucket.untilReady(1, 0)).toBe(2000);
    expect(bucket.untilReady(1, 1500)).toBe(500);
    expect(bucket.take(1, 2000)).toBe(0);
  });

  it('never gives more than its rate over any stretch, however it is asked', () => {
    const bucket = new TokenBucket(1000, 0);
    let nowMs = 0;
    let taken = 0;
    for (const [sizeBytes, pauseMs] of Array.from(
      { length: 500 },
      (_, i) => [(i * 37) % 300, (i * 13) % 29] as const,
    )) {
      const dueMs = nowMs + bucket.take(sizeBytes, nowMs);
      taken += sizeBytes;
      // What is due by then is at most the slack and what has come in since the start.
      expect(taken).toBeLessThanOrEqual(1000 + dueMs + 1e-6);
      nowMs += pauseMs;
    }
  });

  it('keeps what is owed when the rate changes, and no more slack than the new one has', () => {
    const bucket = new TokenBucket(100, 0);
    expect(bucket.take(200, 0)).toBe(1000);
    bucket.setRate(10, 0);
    expect(bucket.untilReady(0, 0)).toBe(10_000);
    const full = new TokenBucket(100, 0);
    full.setRate(10, 0);
    expect(full.available(0)).toBe(10);
  });

  it('is not moved by a clock that stands or goes back', () => {
    const bucket = new TokenBucket(1, 1000);
    bucket.take(1, 1000);
    expect(bucket.available(500)).toBe(0);
    expect(bucket.available(1000)).toBe(0);
    expect(bucket.available(2000)).toBe(1);
  });

  it('refuses a rate that is none', () => {
    for (const rate of [0, -1, Number.NaN]) expect(() => new TokenBucket(rate, 0)).toThrow(RangeError);
  });
});
