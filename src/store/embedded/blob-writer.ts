/** Writes one blob file: positional writes in any order, a sync of what is there now and then, one at the end, then the directory's. */
import { unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { StoreError } from '../errors.js';
import { chunkCrc } from '../shared/crc.js';
import type { StoreObserver } from '../shared/observer.js';
import type { BlobWriter } from '../types.js';
import { CRC_BYTES, strideBytes } from './blob-file.js';
import { errorCode, fileError } from './fs-errors.js';

/**
 * So much is written before it is synced while more comes: else the disk would rest until the last byte is there, and all of a large
 * blob would wait in the page cache.
 */
const SYNC_BYTES = 16 * 1024 * 1024;
/** More pieces than this are copied together first: the kernel takes at most 1024 per call. */
const MAX_PIECES = 512;

export interface FileBlobWriterOptions {
  readonly file: FileHandle;
  readonly path: string;
  readonly storedChunkSizeBytes: number;
  readonly signal: AbortSignal | undefined;
  readonly observer: StoreObserver;
  /** makes the file's name durable; null: it is */
  readonly syncName: (() => Promise<void>) | null;
}

export class FileBlobWriter implements BlobWriter {
  readonly #options: FileBlobWriterOptions;
  readonly #writing = new Set<Promise<void>>();
  /** since the last sync began */
  #unsyncedBytes = 0;
  #syncing: Promise<void> | null = null;
  #failure: StoreError | null = null;
  #ended = false;

  constructor(options: FileBlobWriterOptions) {
    this.#options = options;
  }

  async write(index: number, payload: readonly Buffer[]): Promise<void> {
    this.#checkUsable();
    const writing = this.#writeChunk(index, payload);
    this.#writing.add(writing);
    try {
      await writing;
    } catch (cause) {
      this.#failure ??= fileError(`write the blob file ${this.#options.path}`, cause);
      throw this.#failure;
    } finally {
      this.#writing.delete(writing);
    }
  }

  async finish(): Promise<void> {
    await Promise.allSettled(this.#writing);
    await this.#syncing;
    this.#checkUsable();
    this.#ended = true;
    const { file, path, observer, syncName } = this.#options;
    const end = observer.began('sync');
    try {
      try {
        await file.datasync();
      } finally {
        await file.close();
      }
      await syncName?.();
      end({ error: null });
    } catch (cause) {
      const error = fileError(`make the blob file ${path} durable`, cause);
      end({ error });
      throw error;
    }
  }

  async abort(): Promise<void> {
    this.#failure ??= new StoreError('closed', 'notApplied', 'the blob writer was aborted');
    await Promise.allSettled(this.#writing);
    await this.#syncing;
    const { file, path } = this.#options;
    // what cannot be removed here is found by the blob's intent
    if (!this.#ended) await file.close().catch(() => undefined);
    this.#ended = true;
    await unlink(path).catch(() => undefined);
  }

  async #writeChunk(index: number, payload: readonly Buffer[]): Promise<void> {
    const { file, storedChunkSizeBytes } = this.#options;
    let sizeBytes = 0;
    for (const piece of payload) sizeBytes += piece.length;
    if (sizeBytes > storedChunkSizeBytes) {
      throw new StoreError('internal', 'notApplied', `chunk of ${sizeBytes} bytes exceeds ${storedChunkSizeBytes}`);
    }
    const crc = Buffer.allocUnsafe(CRC_BYTES);
    crc.writeUInt32BE(chunkCrc(payload), 0);
    const pieces = payload.length > MAX_PIECES ? [Buffer.concat(payload), crc] : [...payload, crc];
    await writeAll(file, pieces, index * strideBytes(storedChunkSizeBytes));
    this.#unsyncedBytes += sizeBytes;
    if (this.#unsyncedBytes >= SYNC_BYTES) this.#syncEarly();
  }

  /** Its failure is the blob's: the kernel tells of bytes that it could not write but once. */
  #syncEarly(): void {
    if (this.#syncing !== null || this.#ended) return;
    const { file, path, observer } = this.#options;
    this.#unsyncedBytes = 0;
    const end = observer.began('early sync');
    this.#syncing = file
      .datasync()
      .then(
        () => end({ error: null }),
        (cause: unknown) => {
          const error = fileError(`make the blob file ${path} durable`, cause);
          this.#failure ??= error;
          end({ error });
        },
      )
      .finally(() => {
        this.#syncing = null;
      });
  }

  #checkUsable(): void {
    if (this.#failure !== null) throw this.#failure;
    const { signal, path } = this.#options;
    if (signal?.aborted === true) {
      throw new StoreError('closed', 'notApplied', 'writing the blob was given up', signal.reason);
    }
    if (this.#ended) throw new StoreError('internal', 'notApplied', `the writer of ${path} has ended`);
  }
}

/** Goes on after short writes, which a full disk or a limit causes before it fails. */
async function writeAll(file: FileHandle, pieces: readonly Buffer[], position: number): Promise<void> {
  let rest = pieces.filter((piece) => piece.length > 0);
  let at = position;
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev(rest, at);
    if (bytesWritten === 0) throw new StoreError('storage', 'notApplied', 'the file system takes no more bytes');
    at += bytesWritten;
    rest = skip(rest, bytesWritten);
  }
}

function skip(pieces: readonly Buffer[], bytes: number): Buffer[] {
  let left = bytes;
  const rest: Buffer[] = [];
  for (const piece of pieces) {
    if (left >= piece.length) left -= piece.length;
    else {
      rest.push(left > 0 ? piece.subarray(left) : piece);
      left = 0;
    }
  }
  return rest;
}

/** Idempotent. */
export async function unlinkIfThere(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return false;
    throw cause;
  }
}
