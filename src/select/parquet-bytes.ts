/** Bytes of a Parquet page, read in order and never beyond their end. */
import { damaged } from './parquet-file.js';

export class ParquetBytes {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  /** @throws S3Error ParquetParsingError when fewer are left */
  require(count: number): void {
    if (!(count >= 0 && count <= this.left)) throw damaged('a page is cut off');
  }

  take(count: number): Uint8Array {
    this.require(count);
    this.#offset += count;
    return this.#bytes.subarray(this.#offset - count, this.#offset);
  }

  /** That many, or all that are left. */
  upTo(count: number): Uint8Array {
    return this.take(Math.min(count, this.left));
  }

  /** Little-endian. @param width bytes, 0 to 4 */
  unsigned(width: number): number {
    return this.take(width).reduce((value, byte, index) => value + byte * 256 ** index, 0);
  }

  /** @returns an integer below 2 ** 35 */
  varint(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 28; factor *= 128) {
      const [byte = 0] = this.take(1);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
    throw damaged('a number is too long');
  }

  zigzag(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const [byte = 0] = this.take(1);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
    }
    throw damaged('a number is too long');
  }
}
