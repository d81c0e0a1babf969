/**
 * From the stored object to text: decompressed, counted, in pieces small enough that parsing one does not hold up the process,
 * and known to be UTF-8.
 */
import { isUtf8 } from 'node:buffer';
import { Readable, pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { S3Error } from '../s3/errors.js';
import { bunzip2 } from './bzip2.js';
import { fault } from './fault.js';
import type { CompressionType } from './types.js';

const PIECE_BYTES = 64 * 1024;

/** How far a query has come; sizes in bytes. */
export interface Progress {
  /** read of the object */
  scanned: number;
  /** of those, decompressed */
  processed: number;
  /** in Records messages */
  returned: number;
}

export async function* counted(
  source: AsyncIterable<Buffer>,
  count: (bytes: number) => void,
): AsyncGenerator<Buffer, void, void> {
  for await (const chunk of source) {
    for (let start = 0; start < chunk.length; start += PIECE_BYTES) {
      const piece = chunk.subarray(start, start + PIECE_BYTES);
      count(piece.length);
      yield piece;
    }
  }
}

/** @throws S3Error InvalidCompressionFormat, TruncatedInput; whatever the source throws */
export function decompressed(source: AsyncIterable<Buffer>, compression: CompressionType): AsyncIterable<Buffer> {
  switch (compression) {
    case 'NONE':
      return source;
    case 'GZIP':
      return gunzipped(source);
    case 'BZIP2':
      return bunzip2(source);
  }
}

async function* gunzipped(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  const gunzip = createGunzip();
  // Its errors arrive at the iteration below; a callback of its own keeps them from being thrown elsewhere.
  const output = pipeline(Readable.from(source, { objectMode: false }), gunzip, () => undefined);
  try {
    for await (const piece of output) yield piece as Buffer;
  } catch (error) {
    throw gzipFault(error);
  }
}

function gzipFault(error: unknown): unknown {
  if (error instanceof S3Error || !(error instanceof Error) || !('code' in error)) return error;
  if (error.code === 'Z_BUF_ERROR') return fault('TruncatedInput', null);
  if (typeof error.code === 'string' && error.code.startsWith('Z_'))
    return fault('InvalidCompressionFormat', null, 'the object is not what GZIP makes');
  return error;
}

/** Whole characters of each piece; a byte order mark at the start is dropped. @throws S3Error InvalidTextEncoding */
export async function* textOf(source: AsyncIterable<Buffer>): AsyncGenerator<string, void, void> {
  let rest: Buffer = Buffer.alloc(0);
  let first = true;
  for await (const piece of source) {
    const bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    const end = wholeCharacters(bytes);
    // The source may use its buffer again.
    rest = Buffer.from(bytes.subarray(end));
    const whole = bytes.subarray(0, end);
    if (!isUtf8(whole)) throw fault('InvalidTextEncoding', null);
    let text = whole.toString('utf8');
    if (first && text !== '') {
      first = false;
      if (text.startsWith('\ufeff')) text = text.slice(1);
    }
    if (text !== '') yield text;
  }
  if (rest.length > 0) throw fault('InvalidTextEncoding', null);
}

/** Bytes up to the last character, if that is cut off. */
function wholeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
