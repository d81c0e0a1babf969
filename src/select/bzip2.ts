/**
 * Decompresses BZIP2 block by block. A block is decoded in steps between which others get their turn; memory is that of one block
 * (some 7 MiB). Format: the comments of bzip2's decompress.c.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { S3Error } from '../s3/errors.js';
import { Bzip2Bits, Bzip2Truncated } from './bzip2-bits.js';
import { fault } from './fault.js';

const OUTPUT_BYTES = 64 * 1024;
/** Symbols decoded, or bytes sorted, in one turn. */
const TURN_STEPS = 64 * 1024;
const GROUP_SYMBOLS = 50;
const MAX_CODE_BITS = 20;
const BLOCK_MAGIC = [0x314159, 0x265359] as const;
const END_MAGIC = [0x177245, 0x385090] as const;

/** @throws S3Error InvalidCompressionFormat, TruncatedInput; whatever the source throws */
export async function* bunzip2(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  const bits = new Bzip2Bits(source);
  try {
    await bits.ensure(4);
    // Several streams one after another are one.
    do yield* stream(bits);
    while (await bits.more());
  } catch (error) {
    throw error instanceof Bzip2Truncated ? fault('TruncatedInput', null) : error;
  } finally {
    await bits.close();
  }
}

async function* stream(bits: Bzip2Bits): AsyncGenerator<Buffer, void, void> {
  await bits.ensure(4);
  const level = bits.take(24) === 0x425a68 ? bits.take(8) - 0x30 : 0;
  if (level < 1 || level > 9) throw fault('InvalidCompressionFormat', null, 'the object is not what BZIP2 makes');
  const blockBytes = level * 100_000;
  const links = new Uint32Array(blockBytes);
  for (;;) {
    // More than any block can take, so that decoding one never waits.
    await bits.ensure(Math.ceil((blockBytes * MAX_CODE_BITS) / 8) + OUTPUT_BYTES);
    const [high, low] = [bits.take(24), bits.take(24)];
    if (high === END_MAGIC[0] && low === END_MAGIC[1]) {
      bits.take(32);
      bits.align();
      return;
    }
    if (high !== BLOCK_MAGIC[0] || low !== BLOCK_MAGIC[1]) throw corrupt('a block has no beginning');
    for (const output of block(bits, links)) {
      if (output === null) await nextTurn();
      else yield output;
    }
  }
}

function corrupt(what: string): S3Error {
  return fault('TruncatedInput', null, what);
}

/** Yields output, and null where others may have their turn. */
function* block(bits: Bzip2Bits, links: Uint32Array): Generator<Buffer | null, void, void> {
  const expectedCrc = bits.take(32);
  if (bits.take(1) === 1) throw corrupt('randomised blocks, which bzip2 made before 1999, are not read');
  const origin = bits.take(24);
  const counts = new Uint32Array(256);
  const length = yield* symbols(bits, links, counts);
  if (origin >= length) throw corrupt('a block begins outside itself');
  let sum = 0;
  for (let byte = 0; byte < 256; byte += 1) {
    const count = counts[byte] ?? 0;
    counts[byte] = sum;
    sum += count;
  }
  for (let index = 0; index < length; index += 1) {
    const byte = (links[index] ?? 0) & 0xff;
    const place = counts[byte] ?? 0;
    counts[byte] = place + 1;
    links[place] = (links[place] ?? 0) | (index << 8);
    if (index % TURN_STEPS === TURN_STEPS - 1) yield null;
  }
  const crc = yield* unrolled(links, length, (links[origin] ?? 0) >>> 8);
  if (crc !== expectedCrc) throw corrupt('a block is damaged');
}

/** The bytes in the order of the sorted block, in the low bits of `links`. @returns how many there are */
function* symbols(bits: Bzip2Bits, links: Uint32Array, counts: Uint32Array): Generator<null, number, void> {
  const front = usedBytes(bits);
  const { tables, selectors } = codeTables(bits, front.length + 2);
  const endOfBlock = front.length + 1;
  let length = 0;
  let runLength = 0;
  let runBit = 1;
  let group = -1;
  let left = 0;
  let table: CodeTable | undefined;
  for (let steps = 1; ; steps += 1) {
    if (steps % TURN_STEPS === 0) yield null;
    if (left === 0) {
      group += 1;
      table = tables[selectors[group] ?? -1];
      left = GROUP_SYMBOLS;
    }
    left -= 1;
    if (table === undefined) throw corrupt('a block has too few selectors');
    const symbol = readSymbol(bits, table);
    if (symbol <= 1) {
      runLength += runBit << symbol;
      runBit <<= 1;
      if (runLength > links.length) throw corrupt('a run is too long');
      continue;
    }
    if (runLength > 0) {
      const byte = front[0] ?? 0;
      if (length + runLength > links.length) throw corrupt('a block is too long');
      links.fill(byte, length, length + runLength);
      counts[byte] = (counts[byte] ?? 0) + runLength;
      length += runLength;
      runLength = 0;
      runBit = 1;
    }
    if (symbol === endOfBlock) return length;
    if (length >= links.length) throw corrupt('a block is too long');
    const byte = front[symbol - 1] ?? 0;
    front.copyWithin(1, 0, symbol - 1);
    front[0] = byte;
    links[length] = byte;
    counts[byte] = (counts[byte] ?? 0) + 1;
    length += 1;
  }
}

/** The bytes that occur, in order: what the codes of the block stand for first. */
function usedBytes(bits: Bzip2Bits): Uint8Array {
  const ranges = bits.take(16);
  const used: number[] = [];
  for (let range = 0; range < 16; range += 1) {
    if (((ranges >> (15 - range)) & 1) === 0) continue;
    const members = bits.take(16);
    for (let member = 0; member < 16; member += 1)
      if (((members >> (15 - member)) & 1) === 1) used.push(range * 16 + member);
  }
  if (used.length === 0) throw corrupt('a block uses no byte');
  return Uint8Array.from(used);
}

interface CodeTable {
  /** per number of bits: the greatest code, -1 where there is none */
  readonly limits: Int32Array;
  /** per number of bits: what to take off a code to find its symbol */
  readonly bases: Int32Array;
  readonly symbols: readonly number[];
}

function codeTables(bits: Bzip2Bits, symbolCount: number): { tables: CodeTable[]; selectors: Uint8Array } {
  const groups = bits.take(3);
  const count = bits.take(15);
  if (groups < 2 || groups > 6 || count < 1) throw corrupt('a block has no code tables');
  const order = [0, 1, 2, 3, 4, 5].slice(0, groups);
  const selectors = new Uint8Array(count);
  for (let index = 0; index < count; index += 1) {
    let position = 0;
    while (bits.take(1) === 1) position += 1;
    const [selector] = order.splice(position, 1);
    if (selector === undefined) throw corrupt('a selector is wrong');
    order.unshift(selector);
    selectors[index] = selector;
  }
  const tables = Array.from({ length: groups }, () => codeTable(codeLengths(bits, symbolCount)));
  return { tables, selectors };
}

function codeLengths(bits: Bzip2Bits, symbolCount: number): number[] {
  let length = bits.take(5);
  return Array.from({ length: symbolCount }, () => {
    while (bits.take(1) === 1) length += bits.take(1) === 0 ? 1 : -1;
    if (length < 1 || length > MAX_CODE_BITS) throw corrupt('a code has a wrong length');
    return length;
  });
}

/** Codes of the same length follow one another in the order of their symbols. */
function codeTable(lengths: readonly number[]): CodeTable {
  const limits = new Int32Array(MAX_CODE_BITS + 1).fill(-1);
  const bases = new Int32Array(MAX_CODE_BITS + 1);
  const symbols: number[] = [];
  let code = 0;
  for (let length = 1; length <= MAX_CODE_BITS; length += 1) {
    bases[length] = code - symbols.length;
    lengths.forEach((candidate, symbol) => {
      if (candidate !== length) return;
      symbols.push(symbol);
      code += 1;
    });
    limits[length] = code - 1;
    code <<= 1;
  }
  return { limits, bases, symbols };
}

function readSymbol(bits: Bzip2Bits, { limits, bases, symbols }: CodeTable): number {
  let code = 0;
  for (let length = 1; length <= MAX_CODE_BITS; length += 1) {
    code = (code << 1) | bits.take(1);
    if (code > (limits[length] ?? -1)) continue;
    const symbol = symbols[code - (bases[length] ?? 0)];
    if (symbol !== undefined) return symbol;
  }
  throw corrupt('a code stands for nothing');
}

/** Follows the links; four equal bytes are followed by how many more there are. @returns the CRC of the output */
function* unrolled(links: Uint32Array, length: number, first: number): Generator<Buffer | null, number, void> {
  let output = Buffer.allocUnsafe(OUTPUT_BYTES);
  let filled = 0;
  let crc = 0xffffffff;
  let place = first;
  let previous = -1;
  let equal = 0;
  for (let index = 0; index < length; index += 1) {
    const link = links[place] ?? 0;
    const byte = link & 0xff;
    place = link >>> 8;
    if (equal === 4) {
      for (let more = byte; more > 0; more -= 1) crc = crcStep(crc, previous);
      // At most 255 more, for which there is room.
      output.fill(previous, filled, filled + byte);
      filled += byte;
      equal = 0;
    } else {
      equal = byte === previous ? equal + 1 : 1;
      previous = byte;
      output[filled] = byte;
      filled += 1;
      crc = crcStep(crc, byte);
    }
    if (filled > OUTPUT_BYTES - 256) {
      yield output.subarray(0, filled);
      yield null;
      output = Buffer.allocUnsafe(OUTPUT_BYTES);
      filled = 0;
    }
  }
  if (filled > 0) yield output.subarray(0, filled);
  return ~crc >>> 0;
}

const CRC_TABLE: Readonly<Uint32Array> = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit += 1) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value >>> 0;
});

function crcStep(crc: number, byte: number): number {
  return (crc << 8) ^ (CRC_TABLE[((crc >>> 24) ^ byte) & 0xff] ?? 0);
}
