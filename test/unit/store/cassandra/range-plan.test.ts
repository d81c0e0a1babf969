import { describe, expect, it } from 'vitest';
import { cutsOf, isRidden, isWorthALook, mergeSamples, Sampler } from '../../../../src/store/cassandra/range-plan.js';

const LIMITS = { rows: 100, bytes: 10_000, deletions: 40 };

const keyOf = (i: number) => `k${String(i).padStart(6, '0')}`;

function sampled(rows: number, bytes = 10, sampler = new Sampler()) {
  for (let i = 0; i < rows; i++) sampler.add(keyOf(i), bytes);
  return sampler.samples;
}

describe('cutsOf', () => {
  it('leaves a range alone that is not too large', () => {
    expect(cutsOf('', sampled(100), LIMITS)).toEqual(['']);
    expect(cutsOf('', [], LIMITS)).toEqual(['']);
  });

  it('halves one that has just grown too large', () => {
    expect(cutsOf('', sampled(101), LIMITS)).toEqual(['', keyOf(51)]);
  });

  it('cuts a large one into parts that are alike', () => {
    const cuts = cutsOf('a', sampled(1000), LIMITS);
    expect(cuts).toHaveLength(17);
    const at = [...cuts.slice(1).map((key) => Number(key.slice(1))), 1000];
    for (const [i, end] of at.entries()) expect(end - (at[i - 1] ?? 0)).toBeLessThanOrEqual(60);
  });

  it('cuts by bytes as well as by rows', () => {
    expect(cutsOf('', sampled(20, 1000), LIMITS)).toHaveLength(4);
  });

  it('does not cut through the rows of one key', () => {
    const sampler = new Sampler();
    for (let i = 0; i < 500; i++) sampler.add('one', 10);
    expect(cutsOf('', sampler.samples, LIMITS)).toEqual(['']);
    for (let i = 0; i < 500; i++) sampler.add('two', 10);
    expect(cutsOf('', sampler.samples, LIMITS)).toEqual(['', 'two']);
    expect(cutsOf('one', sampler.samples, LIMITS)).toEqual(['one', 'two']);
  });

  it('cuts evenly enough when memory holds a sample of the rows only', () => {
    const samples = sampled(100_000, 10, new Sampler(64));
    expect(samples.length).toBeLessThanOrEqual(64);
    expect(samples.reduce((sum, { rows }) => sum + rows, 0)).toBe(100_000);
    expect(samples.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(1_000_000);
    const cuts = cutsOf('', samples, { rows: 80_000, bytes: 1e9, deletions: 10 });
    expect(cuts).toHaveLength(3);
    expect(Math.abs(Number(cuts[1]?.slice(1)) - 33_333)).toBeLessThan(4_000);
  });

  it('weighs the tables of a range together', () => {
    const samples = mergeSamples([sampled(60), sampled(60)]);
    expect(cutsOf('', samples, LIMITS)).toEqual(['', keyOf(30)]);
  });
});

describe('isRidden', () => {
  it('asks for as many tombstones as there are rows, and a number worth the work', () => {
    expect(isRidden({ live: 0, deletions: 39 }, LIMITS)).toBe(false);
    expect(isRidden({ live: 0, deletions: 40 }, LIMITS)).toBe(true);
    expect(isRidden({ live: 90, deletions: 89 }, LIMITS)).toBe(false);
    expect(isRidden({ live: 90, deletions: 90 }, LIMITS)).toBe(true);
    expect(isRidden({ live: 100_000, deletions: 100 }, LIMITS)).toBe(true);
  });

  it('is one reason to look', () => {
    expect(isWorthALook({ rows: 10, bytes: 10, deletions: 39 }, LIMITS)).toBe(false);
    expect(isWorthALook({ rows: 10, bytes: 10, deletions: 40 }, LIMITS)).toBe(true);
    expect(isWorthALook({ rows: 200, bytes: 10, deletions: 99 }, LIMITS)).toBe(true);
    expect(isWorthALook({ rows: 80, bytes: 10, deletions: 39 }, LIMITS)).toBe(false);
    // All that came is gone, and more was counted than came.
    expect(isWorthALook({ rows: 95, bytes: 10, deletions: 50 }, LIMITS)).toBe(true);
    expect(isWorthALook({ rows: 101, bytes: 10, deletions: 0 }, LIMITS)).toBe(true);
    expect(isWorthALook({ rows: 10, bytes: 10_001, deletions: 0 }, LIMITS)).toBe(true);
  });
});
