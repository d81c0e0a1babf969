/**
 * SHA-256 and HMAC by WebCrypto. Browsers have it in secure contexts only, and a gateway in a private network may be plain HTTP:
 * there the same is worked out here. FIPS 180-4.
 */
import type { Bytes } from './bytes.js';

const BLOCK_BYTES = 64;

export async function sha256(data: Bytes): Promise<Bytes> {
  // Absent outside secure contexts, whatever its type says.
  const subtle = globalThis.crypto.subtle as typeof globalThis.crypto.subtle | undefined;
  return subtle === undefined ? sha256Plain(data) : new Uint8Array(await subtle.digest('SHA-256', data));
}

/** RFC 2104. */
export async function hmacSha256(key: Bytes, data: Bytes): Promise<Bytes> {
  const short = key.length > BLOCK_BYTES ? await sha256(key) : key;
  const inner = padded(short, 0x36, data.length);
  inner.set(data, BLOCK_BYTES);
  const digest = await sha256(inner);
  const outer = padded(short, 0x5c, digest.length);
  outer.set(digest, BLOCK_BYTES);
  return sha256(outer);
}

function padded(key: Bytes, pad: number, extraBytes: number): Bytes {
  const block = new Uint8Array(BLOCK_BYTES + extraBytes);
  block.fill(pad, 0, BLOCK_BYTES);
  key.forEach((byte, at) => (block[at] = byte ^ pad));
  return block;
}

// The first 32 bits of the fractions of the cube and square roots of the first primes.
const PRIMES = firstPrimes(64);
const ROUND = Uint32Array.from(PRIMES, (prime) => fraction(Math.cbrt(prime)));
const START = Uint32Array.from(PRIMES.slice(0, 8), (prime) => fraction(Math.sqrt(prime)));

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  return primes;
}

function fraction(root: number): number {
  return Math.floor((root % 1) * 2 ** 32);
}

export function sha256Plain(data: Uint8Array): Bytes {
  const tail = new Uint8Array((((data.length + 8) >> 6) + 1) * BLOCK_BYTES - (data.length & ~63));
  tail.set(data.subarray(data.length & ~63));
  tail[data.length & 63] = 0x80;
  const view = new DataView(tail.buffer);
  view.setUint32(tail.length - 8, Math.floor(data.length / 2 ** 29));
  view.setUint32(tail.length - 4, data.length * 8);
  const state = START.slice();
  const words = new Uint32Array(64);
  const whole = new DataView(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at < (data.length & ~63); at += BLOCK_BYTES) compress(state, words, whole, at);
  for (let at = 0; at < tail.length; at += BLOCK_BYTES) compress(state, words, view, at);
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, at) => digest.setUint32(at * 4, word));
  return new Uint8Array(digest.buffer);
}

function compress(state: Uint32Array, w: Uint32Array, data: DataView, at: number): void {
  const word = (i: number): number => w[i] ?? 0;
  for (let i = 0; i < 16; i++) w[i] = data.getUint32(at + i * 4);
  for (let i = 16; i < 64; i++) {
    const [x, y] = [word(i - 15), word(i - 2)];
    const s0 = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3);
    const s1 = turn(y, 17) ^ turn(y, 19) ^ (y >>> 10);
    w[i] = word(i - 16) + s0 + word(i - 7) + s1;
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let i = 0; i < 64; i++) {
    const t1 = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + (ROUND[i] ?? 0) + word(i);
    const t2 = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((value, i) => (state[i] = (state[i] ?? 0) + value));
}

function turn(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}
