/** Reads chunks of one blob file ahead of the consumer and checks them. */
import type { FileHandle } from 'node:fs/promises';
import { StoreError } from '../errors.js';
import { chunkCrc } from '../shared/crc.js';
import type { ChunkRange, ReadMemory } from '../types.js';
import { CRC_BYTES, strideBytes } from './blob-file.js';
import { fileError } from './fs-errors.js';

/** Small chunks are read together, up to this much per call. */
const READ_BYTES = 1024 * 1024;

export interface ChunkReadOptions extends ChunkRange {
  readonly file: FileHandle;
  readonly path: string;
  /** reads in flight */
  readonly window: number;
}

interface PendingRead {
  readonly firstIndex: number;
  readonly count: number;
  readonly bytes: Promise<Buffer>;
  /** gives back the room for what is read ahead; null: the consumer waits for it */
  readonly settle: (() => void) | null;
}

/** The chunks in order, as slices of what was read. Does not close the file. */
export async function* readFileChunks(options: ChunkReadOptions): AsyncGenerator<Buffer, void, undefined> {
  const { path, first, storedChunkSizeBytes, window, signal } = options;
  const stride = strideBytes(storedChunkSizeBytes);
  const pending: PendingRead[] = [];
  let next = first;
  try {
    for (;;) {
      while (pending.length < window) {
        const read = begin(options, next, pending.length > 0);
        if (read === null) break;
        pending.push(read);
        next += read.count;
      }
      const read = pending.shift();
      if (read === undefined) return;
      read.settle?.();
      const bytes = await read.bytes;
      for (let i = 0; i < read.count; i++) {
        if (signal?.aborted === true) {
          throw new StoreError('closed', 'notApplied', 'reading the blob was given up', signal.reason);
        }
        yield checkedChunk(bytes.subarray(i * stride, (i + 1) * stride), path, read.firstIndex + i);
      }
    }
  } catch (cause) {
    throw fileError(`read the blob file ${path}`, cause);
  } finally {
    for (const read of pending) read.settle?.();
    await Promise.allSettled(pending.map((read) => read.bytes));
  }
}

/** The read of the chunks from next on; null: there is none, or no room to read ahead. */
function begin(options: ChunkReadOptions, next: number, ahead: boolean): PendingRead | null {
  const { file, last, storedChunkSizeBytes, lastSizeBytes = storedChunkSizeBytes, memory } = options;
  if (next > last) return null;
  const stride = strideBytes(storedChunkSizeBytes);
  const count = Math.min(Math.max(1, Math.floor(READ_BYTES / stride)), last - next + 1);
  const endsWithLast = next + count > last;
  const sizeBytes = endsWithLast ? (count - 1) * stride + lastSizeBytes + CRC_BYTES : count * stride;
  const settle = ahead && memory !== undefined ? memory.tryAhead(sizeBytes) : null;
  if (ahead && memory !== undefined && settle === null) return null;
  // The consumer gives memory back chunk by chunk.
  const bytes = readAt(file, next * stride, sizeBytes, count === 1 ? memory : undefined);
  // an earlier failure ends the iteration before this one is looked at
  bytes.catch(() => undefined);
  return { firstIndex: next, count, bytes, settle };
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

/** Fewer bytes where the file ends before. */
async function readAt(
  file: FileHandle,
  position: number,
  sizeBytes: number,
  memory: ReadMemory | undefined,
): Promise<Buffer> {
  const buffer = memory?.take(sizeBytes) ?? Buffer.allocUnsafeSlow(sizeBytes);
  let filled = 0;
  while (filled < sizeBytes) {
    const { bytesRead } = await file.read(buffer, filled, sizeBytes - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled === sizeBytes ? buffer : buffer.subarray(0, filled);
}
