/**
 * The encodings of Parquet's values. Every count and length that a file claims is held against what is there before anything is
 * made of it. https://parquet.apache.org/docs/file-format/data-pages/encodings/
 */
import type { ParquetType } from 'hyparquet';
import type { ParquetBytes } from './parquet-bytes.js';
import { damaged } from './parquet-file.js';

/** As encoded: INT32, FLOAT and DOUBLE a number, INT64 and INT96 (nanoseconds since the epoch) a bigint. */
export type RawValue = number | bigint | boolean | Uint8Array;

/** Bits of levels and indexes. */
const MAX_WIDTH = 32;
const MAX_BLOCK_VALUES = 1 << 20;

/** Runs of equal values and runs of packed ones. @param width bits of a value, 0 to 32 */
export function readHybrid(bytes: ParquetBytes, width: number, count: number): Uint32Array {
  if (width > MAX_WIDTH) throw damaged('values are too wide');
  const output = new Uint32Array(count);
  // All of them are 0 then, and nothing needs to be written.
  if (width === 0 && bytes.left === 0) return output;
  for (let filled = 0; filled < count;) {
    const header = bytes.varint();
    if ((header & 1) === 1) {
      const packed = Math.floor(header / 2) * 8;
      const taken = Math.min(packed, count - filled);
      const content = bytes.upTo(Math.ceil((packed * width) / 8));
      if (taken === 0 || content.length * 8 < taken * width) throw damaged('packed values are cut off');
      for (let index = 0; index < taken; index += 1) output[filled + index] = bitsOf(content, index * width, width);
      filled += taken;
    } else {
      const run = Math.min(Math.floor(header / 2), count - filled);
      if (run === 0) throw damaged('a run is empty');
      output.fill(bytes.unsigned(Math.ceil(width / 8)), filled, filled + run);
      filled += run;
    }
  }
  return output;
}

/** @param width 0 to 32 */
function bitsOf(bytes: Uint8Array, bit: number, width: number): number {
  let value = 0;
  for (let have = 0; have < width;) {
    const offset = (bit + have) & 7;
    const take = Math.min(8 - offset, width - have);
    const part = ((bytes[(bit + have) >> 3] ?? 0) >> offset) & ((1 << take) - 1);
    value += part * 2 ** have;
    have += take;
  }
  return value;
}

export function readPlain(bytes: ParquetBytes, type: ParquetType, count: number, lengthBytes: number): RawValue[] {
  const values: RawValue[] = [];
  if (type === 'BOOLEAN') {
    const content = bytes.take(Math.ceil(count / 8));
    for (let index = 0; index < count; index += 1) values.push(bitsOf(content, index, 1) === 1);
    return values;
  }
  const width = widthOf(type, lengthBytes);
  bytes.require(count * (width ?? 4));
  for (let index = 0; index < count; index += 1)
    values.push(width === null ? bytes.take(bytes.unsigned(4)) : fixed(bytes.take(width), type));
  return values;
}

/** Bytes of a value; null: each has its length before it. */
function widthOf(type: ParquetType, lengthBytes: number): number | null {
  switch (type) {
    case 'INT32':
    case 'FLOAT':
      return 4;
    case 'INT64':
    case 'DOUBLE':
      return 8;
    case 'INT96':
      return 12;
    case 'FIXED_LEN_BYTE_ARRAY':
      if (!(lengthBytes > 0)) throw damaged('a type has no length');
      return lengthBytes;
    default:
      return null;
  }
}

const JULIAN_EPOCH_DAYS = 2_440_588n;
const DAY_NANOS = 86_400_000_000_000n;

function fixed(bytes: Uint8Array, type: ParquetType): RawValue {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  switch (type) {
    case 'INT32':
      return view.getInt32(0, true);
    case 'INT64':
      return view.getBigInt64(0, true);
    case 'FLOAT':
      return view.getFloat32(0, true);
    case 'DOUBLE':
      return view.getFloat64(0, true);
    case 'INT96':
      return (BigInt(view.getInt32(8, true)) - JULIAN_EPOCH_DAYS) * DAY_NANOS + view.getBigInt64(0, true);
    default:
      return bytes;
  }
}

/** The bytes of all values, the first ones of each first. */
export function readSplit(bytes: ParquetBytes, type: ParquetType, count: number, lengthBytes: number): RawValue[] {
  const width = widthOf(type, lengthBytes);
  if (width === null) throw damaged('values of any length are split');
  const content = bytes.take(count * width);
  return Array.from({ length: count }, (_, index) =>
    fixed(
      Uint8Array.from({ length: width }, (__, byte) => content[byte * count + index] ?? 0),
      type,
    ),
  );
}

/** Differences in blocks, each block in parts with a width of its own. @param bits 32 or 64 */
export function readDeltas(bytes: ParquetBytes, count: number, bits: 32 | 64): bigint[] {
  const blockValues = bytes.varint();
  const parts = bytes.varint();
  const total = bytes.varint();
  let value = bytes.zigzag();
  const partValues = blockValues / parts;
  if (!(blockValues <= MAX_BLOCK_VALUES) || !Number.isInteger(partValues) || partValues % 8 !== 0 || partValues === 0)
    throw damaged('a block of differences has a wrong size');
  if (total !== count) throw damaged('differences have a wrong number of values');
  const values: bigint[] = [];
  if (count > 0) values.push(value);
  while (values.length < count) {
    const least = bytes.zigzag();
    const widths = bytes.take(parts);
    for (const width of widths) {
      if (values.length >= count) break;
      if (width > 64) throw damaged('differences are too wide');
      const taken = Math.min(partValues, count - values.length);
      const content = bytes.upTo((partValues * width) / 8);
      if (content.length * 8 < taken * width) throw damaged('differences are cut off');
      for (let index = 0; index < taken; index += 1) {
        value = BigInt.asIntN(bits, value + least + wideBits(content, index * width, width));
        values.push(value);
      }
    }
  }
  return values;
}

function wideBits(bytes: Uint8Array, bit: number, width: number): bigint {
  if (width <= 32) return BigInt(bitsOf(bytes, bit, width));
  return BigInt(bitsOf(bytes, bit, 32)) | (BigInt(bitsOf(bytes, bit + 32, width - 32)) << 32n);
}

/** All lengths, then all values. */
export function readDeltaLengths(bytes: ParquetBytes, count: number): Uint8Array[] {
  return readDeltas(bytes, count, 32).map((length) => bytes.take(Number(length)));
}

/** Values that share their beginning with the one before. @param check is told the bytes of all of them before they are made */
export function readDeltaBytes(bytes: ParquetBytes, count: number, check: (sizeBytes: number) => void): Uint8Array[] {
  const prefixes = readDeltas(bytes, count, 32).map(Number);
  const suffixes = readDeltaLengths(bytes, count);
  let sizeBytes = 0;
  for (let index = 0; index < count; index += 1)
    sizeBytes += Math.max(0, prefixes[index] ?? 0) + (suffixes[index]?.length ?? 0);
  check(sizeBytes);
  let previous = new Uint8Array();
  return suffixes.map((suffix, index) => {
    const prefix = prefixes[index] ?? 0;
    if (prefix < 0 || prefix > previous.length) throw damaged('a value shares more than there is');
    const value = new Uint8Array(prefix + suffix.length);
    value.set(previous.subarray(0, prefix));
    value.set(suffix, prefix);
    previous = value;
    return value;
  });
}
