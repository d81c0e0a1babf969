/** The key's clock (seq) and the version ids made from it. */
import { randomBytes } from 'node:crypto';

/**
 * The next seq of a key: wall clock in microseconds, raised above the key's last one. A hybrid logical clock: versions are
 * ordered by commit whatever the gateways' clocks say, and it keeps growing even after a key's rows are all gone.
 */
export function nextSeq(lastSeq: number, nowMs: number): number {
  return Math.max(Math.floor(nowMs * 1000), lastSeq + 1);
}

const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz';
const SEQ_DIGITS = 11; // 36^11 > 2^53
const SALT_DIGITS = 13;

/** Opaque to clients: the seq, so that the row can be found, and a salt, so that ids cannot be guessed from time. */
export function makeVersionId(seq: number): string {
  const salt = randomBytes(SALT_DIGITS);
  let tail = '';
  for (const byte of salt) tail += ALPHABET.charAt(byte % 36);
  return seq.toString(36).padStart(SEQ_DIGITS, '0') + tail;
}

/** The seq in a version id, or null when it is not one of ours (such a version cannot exist). */
export function seqOfVersionId(versionId: string): number | null {
  if (versionId.length !== SEQ_DIGITS + SALT_DIGITS || !/^[0-9a-z]+$/.test(versionId)) return null;
  const seq = Number.parseInt(versionId.slice(0, SEQ_DIGITS), 36);
  return Number.isSafeInteger(seq) ? seq : null;
}
