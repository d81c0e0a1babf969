/**
 * Measures a struct of Thrift's compact protocol, in which Parquet writes its footer and page headers, before the library parses
 * it: counts in it that nothing stands behind would have it allocate without end.
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
import { fault } from './fault.js';

const MAX_DEPTH = 32;
const BOOLEANS = 2;
const LIST = 9;
const SET = 10;
const STRUCT = 12;

/** The struct goes on after the bytes that are there. */
class Incomplete extends Error {}

/** @returns the offset after the struct; null when it is cut off @throws S3Error ParquetParsingError */
export function thriftEnd(bytes: Uint8Array, offset: number): number | null {
  const walk = new Walk(bytes, offset);
  try {
    walk.struct(0);
  } catch (error) {
    if (error instanceof Incomplete) return null;
    throw error;
  }
  return walk.offset;
}

class Walk {
  readonly #bytes: Uint8Array;
  offset: number;

  constructor(bytes: Uint8Array, offset: number) {
    this.#bytes = bytes;
    this.offset = offset;
  }

  struct(depth: number): void {
    if (depth > MAX_DEPTH) throw broken();
    for (;;) {
      const header = this.#byte();
      const type = header & 0x0f;
      if (type === 0) return;
      if (header >> 4 === 0) this.#varint();
      // The value of a field that is true or false is its type.
      if (type > BOOLEANS) this.#value(type, depth);
    }
  }

  #value(type: number, depth: number): void {
    switch (type) {
      case 1:
      case 2:
      case 3:
        this.#skip(1);
        return;
      case 4:
      case 5:
      case 6:
        this.#varint();
        return;
      case 7:
        this.#skip(8);
        return;
      case 8:
        this.#skip(this.#varint());
        return;
      case LIST:
      case SET:
        this.#list(depth);
        return;
      case STRUCT:
        this.struct(depth + 1);
        return;
      default:
        throw broken();
    }
  }

  #list(depth: number): void {
    if (depth > MAX_DEPTH) throw broken();
    const header = this.#byte();
    const short = header >> 4;
    const count = short === 15 ? this.#varint() : short;
    // Every element takes a byte at least.
    if (count > this.#bytes.length - this.offset) throw new Incomplete();
    for (let index = 0; index < count; index += 1) this.#value(header & 0x0f, depth + 1);
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw broken();
  }

  #byte(): number {
    const byte = this.#bytes[this.offset];
    if (byte === undefined) throw new Incomplete();
    this.offset += 1;
    return byte;
  }

  #skip(bytes: number): void {
    if (bytes > this.#bytes.length - this.offset) throw new Incomplete();
    this.offset += bytes;
  }
}

function broken(): Error {
  return fault('ParquetParsingError', null, 'a header is damaged');
}
