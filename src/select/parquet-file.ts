/** Ranges of a Parquet object's plaintext, and its footer. */
import type { FileMetaData } from 'hyparquet';
import { parquetMetadata } from 'hyparquet';
import { S3Error } from '../s3/errors.js';
import { StoreError } from '../store/errors.js';
import { fault } from './fault.js';
import { thriftEnd } from './parquet-thrift.js';
import type { SelectedObject } from './types.js';

const TAIL_BYTES = 8;
const FIRST_READ_BYTES = 64 * 1024;
/** Parsed, a footer takes some ten times as much. */
const MAX_FOOTER_BYTES = 8 * 1024 * 1024;

export class ParquetFile {
  readonly #sizeBytes: number;
  readonly #object: SelectedObject;
  readonly #count: (bytes: number) => void;

  /** @param count is told the bytes of every read */
  constructor(object: SelectedObject, count: (bytes: number) => void) {
    this.#sizeBytes = object.sizeBytes;
    this.#object = object;
    this.#count = count;
  }

  /** @param end exclusive */
  async read(start: number, end: number): Promise<Buffer> {
    if (start < 0 || end > this.#sizeBytes || start > end) throw damaged('it refers to bytes that are not there');
    if (start === end) return Buffer.alloc(0);
    const pieces: Buffer[] = [];
    for await (const piece of this.#object.read({ start, end: end - 1 })) {
      this.#count(piece.length);
      pieces.push(Buffer.from(piece));
    }
    return Buffer.concat(pieces);
  }

  /** @throws S3Error ParquetParsingError */
  async metadata(): Promise<FileMetaData> {
    const size = this.#sizeBytes;
    if (size < 12) throw damaged('it is too short');
    let tail = await this.read(Math.max(0, size - FIRST_READ_BYTES), size);
    if (tail.toString('latin1', tail.length - 4) !== 'PAR1') throw damaged('it does not end as Parquet does');
    const footerBytes = tail.readUInt32LE(tail.length - TAIL_BYTES);
    if (footerBytes > size - TAIL_BYTES) throw damaged('its footer is longer than itself');
    if (footerBytes > MAX_FOOTER_BYTES) throw damaged(`its footer is longer than ${MAX_FOOTER_BYTES} bytes`);
    const start = size - TAIL_BYTES - footerBytes;
    if (footerBytes + TAIL_BYTES > tail.length) tail = await this.read(start, size);
    const footer = tail.subarray(tail.length - TAIL_BYTES - footerBytes);
    if (thriftEnd(footer.subarray(0, footerBytes), 0) === null) throw damaged('its footer is cut off');
    return guarded(() => parquetMetadata(arrayBufferOf(footer), { geoparquet: false }));
  }
}

function arrayBufferOf(bytes: Buffer): ArrayBuffer {
  const copy = new ArrayBuffer(bytes.length);
  new Uint8Array(copy).set(bytes);
  return copy;
}

export function damaged(what: string): S3Error {
  return fault('ParquetParsingError', null, what);
}

/** The library throws plain errors at files it does not understand. */
export function guarded<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw parquetFault(error);
  }
}

function parquetFault(error: unknown): unknown {
  if (error instanceof S3Error || error instanceof StoreError || !(error instanceof Error)) return error;
  if (error.name === 'AbortError') return error;
  return damaged(error.message.replace(/^parquet /, '').slice(0, 200));
}
