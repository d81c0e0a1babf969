import { describe, expect, it } from 'vitest';
import {
  extendTrail,
  fateOf,
  newToken,
  TOKEN_BYTES,
  TRAIL_LENGTH,
} from '../../../../src/store/cassandra/commit-trail.js';

const EMPTY = Buffer.alloc(0);

/** The trail after so many other changes. */
function after(trail: Buffer, changes: number): Buffer {
  let now = trail;
  for (let i = 0; i < changes; i++) now = extendTrail(newToken(), now);
  return now;
}

describe('commit trail', () => {
  it('keeps the last changes, newest first, and no more', () => {
    const token = newToken();
    const trail = extendTrail(token, after(EMPTY, 20));
    expect(trail.length).toBe(TRAIL_LENGTH * TOKEN_BYTES);
    expect(trail.subarray(0, TOKEN_BYTES).equals(token)).toBe(true);
  });

  it('says pending while the key is as it was', () => {
    expect(fateOf(newToken(), EMPTY, EMPTY)).toBe('pending');
    const base = after(EMPTY, 3);
    expect(fateOf(newToken(), base, Buffer.from(base))).toBe('pending');
  });

  it.each([0, 1, 3, TRAIL_LENGTH - 1])('finds a change below %i later ones', (later) => {
    const base = after(EMPTY, 5);
    const token = newToken();
    expect(fateOf(token, base, after(extendTrail(token, base), later))).toBe('applied');
  });

  it.each([1, 4, TRAIL_LENGTH - 1])('calls a change dead when %i others took its place', (others) => {
    const base = after(EMPTY, 5);
    expect(fateOf(newToken(), base, after(base, others))).toBe('dead');
  });

  it('does not guess beyond the end of the trail', () => {
    const base = after(EMPTY, 5);
    const token = newToken();
    expect(fateOf(token, base, after(extendTrail(token, base), TRAIL_LENGTH))).toBe('unknown');
    expect(fateOf(token, base, after(base, TRAIL_LENGTH))).toBe('unknown');
  });

  it('knows the whole story of a new key until the trail is full', () => {
    expect(fateOf(newToken(), EMPTY, after(EMPTY, TRAIL_LENGTH - 1))).toBe('dead');
    expect(fateOf(newToken(), EMPTY, after(EMPTY, TRAIL_LENGTH))).toBe('unknown');
  });
});
