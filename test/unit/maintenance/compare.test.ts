// Heaps of records on disk and what two of them differ in, with parts that fit into memory and parts that do not.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { differences } from '../../../src/maintenance/compare.js';
import { hashOf, PARTS, Spill } from '../../../src/maintenance/spill.js';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pithos-spill-'));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

function add(spill: Spill, id: string, payload: string): void {
  spill.add({ hash: hashOf(id), id: Buffer.from(id), payload: Buffer.from(payload) });
}

async function allOf(spill: Spill): Promise<string[]> {
  const found: string[] = [];
  for (let part = 0; part < PARTS; part++)
    for await (const { id, payload } of spill.read(part)) found.push(`${id.toString()}=${payload.toString()}`);
  return found.sort();
}

async function differ(left: Spill, right: Spill, maxPartBytes?: number): Promise<string[]> {
  const found: string[] = [];
  for (let part = 0; part < PARTS; part++) {
    const options = { left, right, part, leftOnly: true, ...(maxPartBytes !== undefined && { maxPartBytes }) };
    for await (const { id, left: a, right: b } of differences(options))
      found.push(`${id.toString()}: ${a?.toString() ?? '-'} ${b?.toString() ?? '-'}`);
  }
  return found.sort();
}

describe('Spill', () => {
  it('gives back what was added, whatever its size', async () => {
    const spill = new Spill(join(dir, 'a'));
    const large = 'x'.repeat(3 * 1024 * 1024);
    add(spill, 'large', large);
    for (let i = 0; i < 2_000; i++) add(spill, `k${i}`, String(i));
    expect(await allOf(spill)).toEqual(
      [...Array.from({ length: 2_000 }, (_, i) => `k${i}=${i}`), `large=${large}`].sort(),
    );
    await spill.close();
  });

  it('goes on at sizes that it had, and forgets what came behind', async () => {
    const before = new Spill(join(dir, 'a'));
    for (let i = 0; i < 500; i++) add(before, `k${i}`, 'before');
    await before.sync();
    const sizes = [...before.sizes];
    for (let i = 500; i < 900; i++) add(before, `k${i}`, 'lost');
    await before.sync();
    await before.close();

    const after = new Spill(join(dir, 'a'), { sizes });
    expect(await after.isWhole()).toBe(true);
    for (let i = 500; i < 700; i++) add(after, `k${i}`, 'after');
    const expected = Array.from({ length: 700 }, (_, i) => `k${i}=${i < 500 ? 'before' : 'after'}`).sort();
    expect(await allOf(after)).toEqual(expected);
    await after.remove();
    expect(await after.isWhole()).toBe(false);
  });
});

describe('differences', () => {
  it.each([undefined, 100])(
    'finds what only one side has, and what they say differently (parts of %s bytes)',
    async (maxPartBytes) => {
      const [left, right] = [new Spill(join(dir, 'left')), new Spill(join(dir, 'right'))];
      for (let i = 0; i < 3_000; i++) {
        if (i !== 7) add(left, `k${i}`, 'same');
        if (i !== 2_500) add(right, `k${i}`, i === 1_234 ? 'other' : 'same');
      }
      expect(await differ(left, right, maxPartBytes)).toEqual(['k1234: same other', 'k2500: same -', 'k7: - same']);
      await left.close();
      await right.close();
    },
  );

  it('takes records of one id together', async () => {
    const [left, right] = [new Spill(join(dir, 'left')), new Spill(join(dir, 'right'))];
    for (const payload of ['old', 'new']) add(left, 'k', payload);
    for (let i = 0; i < 3; i++) add(right, 'k', 'new');
    expect(await differ(left, right)).toEqual([]);
    await left.close();
    await right.close();
  });
});
