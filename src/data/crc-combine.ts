/**
 * The CRC of a concatenation from the CRCs of its pieces, without reading the pieces: what makes a full-object checksum
 * of a multipart upload a matter of metadata.
 *
 * All three CRCs start from and end with all ones, so crc(A || B) = crc(A) * x^(8 * |B|) mod P  xor  crc(B), computed on
 * polynomials over GF(2) whose coefficients are stored lowest power first (bit-reversed), in two words of 32 bits.
 */
import type { CrcAlgorithm } from './checksums.js';
import { CRC64NVME_POLYNOMIAL } from './crc64nvme.js';

export interface CrcPart {
  /** the part's CRC, big-endian */
  readonly crc: Buffer;
  /** bytes that it covers */
  readonly sizeBytes: number;
}

/** A CRC of 32 bits lives in high; low is 0. */
interface Polynomial {
  readonly high: number;
  readonly low: number;
}

interface Field {
  readonly widthBits: 32 | 64;
  readonly modulus: Polynomial;
}

const FIELDS: Readonly<Record<CrcAlgorithm, Field>> = {
  CRC32: { widthBits: 32, modulus: { high: 0xedb88320, low: 0 } },
  CRC32C: { widthBits: 32, modulus: { high: 0x82f63b78, low: 0 } },
  CRC64NVME: { widthBits: 64, modulus: CRC64NVME_POLYNOMIAL },
};

const ONE: Polynomial = { high: 0x80000000, low: 0 };
/** x^8: one byte further */
const BYTE: Polynomial = { high: 0x00800000, low: 0 };

/** The CRC (big-endian) of all parts one after another; of no parts, the CRC of nothing. */
export function combineCrc(algorithm: CrcAlgorithm, parts: readonly CrcPart[]): Buffer {
  const field = FIELDS[algorithm];
  const shift = shifter(field);
  let high = 0;
  let low = 0;
  for (const { crc, sizeBytes } of parts) {
    if (crc.length * 8 !== field.widthBits) throw new RangeError(`${algorithm} of ${crc.length} bytes`);
    const moved = multiply(field, { high, low }, shift(sizeBytes));
    high = moved.high ^ crc.readInt32BE(0);
    low = field.widthBits === 64 ? moved.low ^ crc.readInt32BE(4) : 0;
  }
  const result = Buffer.alloc(8);
  result.writeInt32BE(high | 0, 0);
  result.writeInt32BE(low | 0, 4);
  return result.subarray(0, field.widthBits / 8);
}

/** Powers x^(8n), remembered: parts mostly have the same size. */
function shifter(field: Field): (sizeBytes: number) => Polynomial {
  const squares: Polynomial[] = [BYTE];
  const known = new Map<number, Polynomial>();
  return (sizeBytes) => {
    const before = known.get(sizeBytes);
    if (before) return before;
    let power = ONE;
    for (let k = 0, rest = sizeBytes; rest > 0; k += 1, rest = Math.floor(rest / 2)) {
      let square = squares[k];
      if (!square) {
        const root = squares[k - 1] ?? BYTE;
        square = multiply(field, root, root);
        squares.push(square);
      }
      if (rest % 2 === 1) power = multiply(field, power, square);
    }
    known.set(sizeBytes, power);
    return power;
  };
}

function multiply({ widthBits, modulus }: Field, a: Polynomial, b: Polynomial): Polynomial {
  let high = 0;
  let low = 0;
  let bHigh = b.high;
  let bLow = b.low;
  for (let power = 0; power < widthBits; power += 1) {
    const word = power < 32 ? a.high : a.low;
    if ((word >>> (31 - (power & 31))) & 1) {
      high ^= bHigh;
      low ^= bLow;
    }
    // b times x: one bit to the right, the power that falls out is reduced by the modulus.
    const out = (widthBits === 64 ? bLow : bHigh) & 1;
    if (widthBits === 64) bLow = (bLow >>> 1) | (bHigh << 31);
    bHigh >>>= 1;
    if (out) {
      bHigh ^= modulus.high;
      bLow ^= modulus.low;
    }
  }
  return { high, low };
}
