/** The rules that whoever moves keys between ranges relies on, with a map that changes under way. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { RangeRow } from '../../../../src/store/cassandra/range-map.js';
import { Ranges } from '../../../../src/store/cassandra/ranges.js';

const BUCKET = { name: 'bucket', instance: 'instance', region: 'region' };
const LOAD = { rows: 1, bytes: 10, deletions: 0 };
const TIMES = { cacheMs: 200, fenceMs: 400, lateMs: 400 };
/** Longer than anything of TIMES. */
const LONG_MS = 600;

const row = (id: number, state: RangeRow['state']): RangeRow => ({
  start: '',
  end: null,
  slot: id,
  id,
  state,
  move: null,
});

const BEFORE = [row(0, 'active')];
const FILLING = [row(0, 'active'), row(1, 'filling')];
const FLIPPED = [row(0, 'leaving'), row(1, 'active')];
const AFTER = [row(1, 'active')];

class Table {
  revision_ = 1;
  rows: readonly RangeRow[] = BEFORE;
  loads = 0;

  set(rows: readonly RangeRow[]): void {
    this.rows = rows;
    this.revision_ += 1;
  }

  async revision(): Promise<number> {
    await Promise.resolve();
    return this.revision_;
  }

  async load() {
    await Promise.resolve();
    this.loads += 1;
    return { revision: this.revision_, nextId: 10, rows: this.rows };
  }
}

function setUp(times = TIMES) {
  const table = new Table();
  const noted: number[] = [];
  const ranges = new Ranges({ table, times, onWrite: (_bucket, range) => void noted.push(range) });
  const written: number[] = [];
  const write = (to: (range: number) => Promise<void> = async () => Promise.resolve(), sinceMs = performance.now()) =>
    ranges.write({
      bucket: BUCKET,
      key: 'key',
      sinceMs,
      load: LOAD,
      to: async (range) => {
        await to(range);
        written.push(range);
      },
    });
  return { table, ranges, write, written, noted };
}

describe('Ranges', () => {
  it('remembers a map for a while, and then looks whether it is still the one', async () => {
    const { table, ranges } = setUp();
    await Promise.all([ranges.map('instance'), ranges.map('instance')]);
    await sleep(TIMES.cacheMs + 50);
    expect((await ranges.map('instance')).spanOf('key').id).toBe(0);
    expect(table.loads).toBe(1);
    table.set(AFTER);
    await sleep(TIMES.cacheMs + 50);
    expect((await ranges.map('instance')).spanOf('key').id).toBe(1);
    expect(table.loads).toBe(2);
  });

  it('learns at once what this gateway changed itself', async () => {
    const { table, ranges } = setUp();
    await ranges.map('instance');
    table.set(AFTER);
    ranges.forget('instance');
    expect((await ranges.map('instance')).spanOf('key').id).toBe(1);
  });

  it('asks again after a failure to look', async () => {
    const { table, ranges } = setUp();
    const load = table.load.bind(table);
    table.load = () => Promise.reject(new Error('no'));
    await expect(ranges.map('instance')).rejects.toThrow('no');
    table.load = load;
    expect((await ranges.map('instance')).spanOf('key').id).toBe(0);
  });

  it('writes to the range that is read before the one that is being filled', async () => {
    const { table, write, written, noted } = setUp();
    table.set(FILLING);
    const order: string[] = [];
    const timely = await write(async (range) => {
      order.push(`${range} begins`);
      await sleep(20);
      order.push(`${range} ends`);
    });
    expect(timely).toBe(true);
    expect(order).toEqual(['0 begins', '0 ends', '1 begins', '1 ends']);
    expect(written).toEqual([0, 1]);
    expect(noted).toEqual([0, 1]);
  });

  it('writes to ranges that came up while it wrote, if it took longer than maps may be old', async () => {
    const { table, write, written } = setUp({ ...TIMES, lateMs: 60_000 });
    const timely = await write(async () => {
      if (table.rows !== BEFORE) return;
      table.set(FILLING);
      await sleep(LONG_MS);
    });
    expect(timely).toBe(true);
    expect(written).toEqual([0, 1]);
  });

  it('tells when a write came so late that a newer one may have missed a new range', async () => {
    const { table, write, written } = setUp();
    const timely = await write(async () => {
      if (table.rows !== BEFORE) return;
      table.set(FILLING);
      await sleep(LONG_MS);
    });
    expect(timely).toBe(false);
    expect(written).toEqual([0]);
  });

  it('does not write at all what is too old for a new range', async () => {
    const { table, write, written } = setUp();
    table.set(FLIPPED);
    expect(await write(undefined, performance.now() - LONG_MS)).toBe(false);
    expect(written).toEqual([]);
  });

  it('takes any time into a range that is older than the change', async () => {
    const { ranges, write, written } = setUp();
    await ranges.map('instance');
    await sleep(TIMES.fenceMs + 50);
    const sinceMs = performance.now();
    await sleep(TIMES.lateMs + 50);
    expect(await write(() => sleep(LONG_MS), sinceMs)).toBe(true);
    expect(written).toEqual([0]);
  });

  it('counts no write twice and none that failed', async () => {
    const { write, noted, written } = setUp();
    await expect(write(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(noted).toEqual([]);
    let slow = true;
    await write(async () => {
      if (slow) await sleep(LONG_MS);
      slow = false;
    });
    expect(noted).toEqual([0]);
    expect(written).toEqual([0]);
  });

  it('reads again what moved while it was read', async () => {
    const { table, ranges } = setUp();
    const asked: number[] = [];
    const found = await ranges.readAt('instance', 'key', async (range) => {
      asked.push(range);
      if (range === 0) {
        table.set(FLIPPED);
        await sleep(LONG_MS);
      }
      return `of ${range}`;
    });
    expect(found).toBe('of 1');
    expect(asked).toEqual([0, 1]);
  });

  it('reads once, however long it takes, what has not moved', async () => {
    const { ranges } = setUp();
    const asked: number[] = [];
    await ranges.readAt('instance', 'key', async (range) => {
      asked.push(range);
      await sleep(LONG_MS);
    });
    expect(asked).toEqual([0]);
  });
});
