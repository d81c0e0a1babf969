/** What is found out about a change whose gateway has died. */
import { describe, expect, it } from 'vitest';
import { extendTrail, newToken } from '../../../../src/store/cassandra/commit-trail.js';
import { OutboxSettler } from '../../../../src/store/cassandra/outbox-settle.js';
import { StoreError } from '../../../../src/store/errors.js';
import type { BucketRef } from '../../../../src/store/types.js';

const BUCKET: BucketRef = { name: 'b', instance: '11111111-1111-4111-8111-111111111111', region: 'r' };
const HOUR_MS = 3_600_000;
const NO_TRAIL = Buffer.alloc(0);

/** A key with a trail; answers of fences get lost as told. */
function setUp(trail: Buffer, lostAnswers: ('applied' | 'dropped')[] = []) {
  const key = { trail, clock: 5 as number | null, fences: 0 };
  const heads = {
    load: async () => ({
      state: { seq: key.clock ?? 0, latest: null, previous: null, nullVersion: null, selected: null },
      clock: key.clock,
      trail: key.trail,
      versioned: false,
    }),
    fence: async (_bucket: BucketRef, _key: string, head: { trail: Buffer }, fenced: { token: Buffer }) => {
      key.fences += 1;
      const fault = lostAnswers.shift();
      if (fault !== 'dropped') key.trail = extendTrail(fenced.token, head.trail);
      if (fault !== undefined) throw new StoreError('timeout', 'unknown', 'lost');
      return true;
    },
  };
  const settler = new OutboxSettler(heads as never, () => 100 * HOUR_MS);
  const wasMade = (token: Buffer, base: Buffer, ageMs = 0) =>
    settler.wasMade({ bucket: BUCKET, key: 'k', token, base, createdMs: 100 * HOUR_MS - ageMs });
  return { key, wasMade };
}

function changed(times: number, trail: Buffer): Buffer {
  let next = trail;
  for (let i = 0; i < times; i++) next = extendTrail(newToken(), next);
  return next;
}

describe('OutboxSettler', () => {
  const base = changed(3, NO_TRAIL);
  const token = newToken();

  it('finds a change that was made, also below later ones', async () => {
    const made = extendTrail(token, base);
    for (const later of [0, 1, 7]) {
      const { wasMade, key } = setUp(changed(later, made));
      expect(await wasMade(token, base)).toBe(true);
      expect(key.fences).toBe(0);
    }
  });

  it('knows of a change that was not made once the key has moved on', async () => {
    const { wasMade, key } = setUp(changed(2, base));
    expect(await wasMade(token, base)).toBe(false);
    expect(key.fences).toBe(0);
  });

  it.each([base, NO_TRAIL])('makes sure that a change that may come yet never will', async (before) => {
    const { wasMade, key } = setUp(before, ['dropped', 'applied']);
    expect(await wasMade(token, before)).toBe(false);
    expect(key.fences).toBe(2);
    expect(key.trail.includes(token)).toBe(false);
  });

  it('tells of a change rather once too often when nobody can know', async () => {
    expect(await setUp(changed(9, base)).wasMade(token, base)).toBe(true);
    // A key that was made, and deleted long enough ago, looks like one that never was.
    expect(await setUp(NO_TRAIL).wasMade(token, NO_TRAIL, 13 * HOUR_MS)).toBe(true);
  });
});
