/**
 * CRC-64/NVME, the checksum that AWS's newest clients send by default: AWS's native implementation where its binary loads,
 * else tables. Both are loaded at first use, because most deployments never see this checksum.
 */
import { createRequire } from 'node:module';
import type * as NativeChecksums from 'aws-crt/dist/native/checksums.js';

/** The CRC (8 bytes, big-endian) of what previous covers followed by data. */
export type Crc64 = (data: Buffer, previous?: DataView) => DataView;

/** x^64 + ... of CRC-64/NVME, bit-reversed, as its upper and lower word. */
export const CRC64NVME_POLYNOMIAL = { high: 0x9a6c9329, low: 0xac4bc9b5 } as const;

/** The fastest implementation that works here; chosen once, since looking for a binary that is missing takes long. */
export const crc64nvme: () => Crc64 = once(() => nativeCrc64nvme() ?? tableCrc64nvme());

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}

/**
 * aws-crt's checksums without the rest of that package: about 60 ms and 9 MiB of memory at the first call. null when there is
 * no binary for this platform.
 */
export function nativeCrc64nvme(): Crc64 | null {
  try {
    const require = createRequire(import.meta.url);
    const native = require('aws-crt/dist/native/checksums.js') as typeof NativeChecksums;
    return native.crc64nvme;
  } catch {
    return null;
  }
}

/** Eight bytes a step by eight tables, each 64-bit word as two of 32 bits, which JavaScript computes on fastest. */
export function tableCrc64nvme(): Crc64 {
  const { high, low } = buildTables();
  const at = (table: Uint32Array, slice: number, byte: number) => table[slice * 256 + byte] ?? 0;
  return (data, previous) => {
    let hi = ~(previous?.getUint32(0) ?? 0);
    let lo = ~(previous?.getUint32(4) ?? 0);
    let i = 0;
    for (const end = data.length - 7; i < end; i += 8) {
      const a = lo ^ data.readInt32LE(i);
      const b = hi ^ data.readInt32LE(i + 4);
      const [a0, a1, a2, a3] = [a & 0xff, (a >>> 8) & 0xff, (a >>> 16) & 0xff, a >>> 24];
      const [b0, b1, b2, b3] = [b & 0xff, (b >>> 8) & 0xff, (b >>> 16) & 0xff, b >>> 24];
      hi = at(high, 7, a0) ^ at(high, 6, a1) ^ at(high, 5, a2) ^ at(high, 4, a3);
      hi ^= at(high, 3, b0) ^ at(high, 2, b1) ^ at(high, 1, b2) ^ at(high, 0, b3);
      lo = at(low, 7, a0) ^ at(low, 6, a1) ^ at(low, 5, a2) ^ at(low, 4, a3);
      lo ^= at(low, 3, b0) ^ at(low, 2, b1) ^ at(low, 1, b2) ^ at(low, 0, b3);
    }
    for (; i < data.length; i += 1) {
      const byte = (lo ^ (data[i] ?? 0)) & 0xff;
      lo = ((lo >>> 8) | (hi << 24)) ^ at(low, 0, byte);
      hi = (hi >>> 8) ^ at(high, 0, byte);
    }
    const result = new DataView(new ArrayBuffer(8));
    result.setInt32(0, ~hi);
    result.setInt32(4, ~lo);
    return result;
  };
}

/** Table s, entry b: the CRC register after byte b and s zero bytes. */
function buildTables(): { readonly high: Uint32Array; readonly low: Uint32Array } {
  const high = new Uint32Array(8 * 256);
  const low = new Uint32Array(8 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let hi = 0;
    let lo = byte;
    for (let bit = 0; bit < 8; bit += 1) {
      const odd = lo & 1;
      lo = (lo >>> 1) | (hi << 31);
      hi >>>= 1;
      if (odd) {
        hi ^= CRC64NVME_POLYNOMIAL.high;
        lo ^= CRC64NVME_POLYNOMIAL.low;
      }
    }
    high[byte] = hi;
    low[byte] = lo;
  }
  for (let i = 256; i < 8 * 256; i += 1) {
    const hi = high[i - 256] ?? 0;
    const lo = low[i - 256] ?? 0;
    low[i] = ((lo >>> 8) | (hi << 24)) ^ (low[lo & 0xff] ?? 0);
    high[i] = (hi >>> 8) ^ (high[lo & 0xff] ?? 0);
  }
  return { high, low };
}
