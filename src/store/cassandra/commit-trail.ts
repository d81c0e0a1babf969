/**
 * Tokens of a key's last changes, newest first, kept beside the key. A writer that got no answer finds in them whether its
 * change was applied, even when others have changed the key since: within the last TRAIL_LENGTH changes for certain.
 */
import { randomBytes } from 'node:crypto';

export const TOKEN_BYTES = 8;
export const TRAIL_LENGTH = 8;

export function newToken(): Buffer {
  return randomBytes(TOKEN_BYTES);
}

/** The trail after a change. */
export function extendTrail(token: Buffer, trail: Buffer): Buffer {
  return Buffer.concat([token, trail.subarray(0, (TRAIL_LENGTH - 1) * TOKEN_BYTES)]);
}

export type Fate =
  | 'applied'
  /** It was not applied, and never will be: the key has changed since from the state it was made for. */
  | 'dead'
  /** The key is as it was: it may be applied yet. */
  | 'pending'
  | 'unknown';

/** What became of a change that was made for a key with the trail `base`, when the trail now is `now`. */
export function fateOf(token: Buffer, base: Buffer, now: Buffer): Fate {
  if (now.equals(base)) return 'pending';
  const tokens = split(now);
  if (tokens.some((one) => one.equals(token))) return 'applied';
  // The whole story since base is there when base's newest change is in it, or when it begins with the key itself.
  const newest = split(base)[0];
  const known = newest === undefined ? tokens.length < TRAIL_LENGTH : tokens.some((one) => one.equals(newest));
  return known ? 'dead' : 'unknown';
}

function split(trail: Buffer): Buffer[] {
  const tokens: Buffer[] = [];
  for (let at = 0; at + TOKEN_BYTES <= trail.length; at += TOKEN_BYTES) {
    tokens.push(trail.subarray(at, at + TOKEN_BYTES));
  }
  return tokens;
}
