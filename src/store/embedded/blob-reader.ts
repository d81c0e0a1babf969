/** Reads chunks of one blob file ahead of the consumer and checks them. */
import type { FileHandle } from 'node:fs/promises';
import { StoreError } from '../errors.js';
import { chunkCrc } from '../shared/crc.js';
import { CRC_BYTES, strideBytes } from './blob-file.js';
import { fileError } from './fs-errors.js';

/** Small chunks are read together, up to this much per call. */
const READ_BYTES = 1024 * 1024;

export interface ChunkReadOptions {
  readonly file: FileHandle;
  readonly path: string;
  readonly first: number;
  readonly last: number;
  readonly storedChunkSizeBytes: number;
  /** reads in flight */
  readonly window: number;
  readonly signal: AbortSignal | undefined;
}

interface PendingRead {
  readonly firstIndex: number;
  readonly bytes: Promise<Buffer>;
}

/** The chunks in order, as slices of what was read. Does not close the file. */
export async function* readFileChunks(options: ChunkReadOptions): AsyncGenerator<Buffer, void, undefined> {
  const { file, path, first, last, storedChunkSizeBytes, window, signal } = options;
  const stride = strideBytes(storedChunkSizeBytes);
  const perRead = Math.max(1, Math.floor(READ_BYTES / stride));
  const { size } = await file.stat();
  const pending: PendingRead[] = [];
  let next = first;
  try {
    for (;;) {
      while (pending.length < window && next <= last) {
        const count = Math.min(perRead, last - next + 1);
        const from = next * stride;
        const bytes = readAt(file, from, Math.max(0, Math.min(count * stride, size - from)));
        // an earlier failure ends the iteration before this one is looked at
        bytes.catch(() => undefined);
        pending.push({ firstIndex: next, bytes });
        next += count;
      }
      const read = pending.shift();
      if (read === undefined) return;
      const bytes = await read.bytes;
      const end = Math.min(read.firstIndex + perRead, last + 1);
      for (let index = read.firstIndex; index < end; index++) {
        if (signal?.aborted === true) {
          throw new StoreError('closed', 'notApplied', 'reading the blob was given up', signal.reason);
        }
        const at = (index - read.firstIndex) * stride;
        yield checkedChunk(bytes.subarray(at, at + stride), path, index);
      }
    }
  } catch (cause) {
    throw fileError(`read the blob file ${path}`, cause);
  } finally {
    await Promise.allSettled(pending.map((read) => read.bytes));
  }
}

function checkedChunk(stored: Buffer, path: string, index: number): Buffer {
  if (stored.length < CRC_BYTES) throw corrupt(path, index, 'is missing');
  const payload = stored.subarray(0, stored.length - CRC_BYTES);
  if (chunkCrc([payload]) !== stored.readUInt32BE(payload.length)) throw corrupt(path, index, 'fails its CRC32C');
  return payload;
}

function corrupt(path: string, index: number, what: string): StoreError {
  return new StoreError('corrupt', 'notApplied', `chunk ${index} of ${path} ${what}`);
}

async function readAt(file: FileHandle, position: number, sizeBytes: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(sizeBytes);
  let filled = 0;
  while (filled < sizeBytes) {
    const { bytesRead } = await file.read(buffer, filled, sizeBytes - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled === sizeBytes ? buffer : buffer.subarray(0, filled);
}
