/** Writes the chunks of one inode, a bounded number at a time, each block announced before its first chunk. */
import { types } from 'cassandra-driver';
import { StoreError } from '../errors.js';
import { chunkCrc } from '../shared/crc.js';
import type { BlobWriter } from '../types.js';
import type { Session } from './cluster.js';
import { Semaphore } from './semaphore.js';

export interface BlobWriterParts {
  readonly session: Session;
  readonly inode: string;
  readonly blockChunks: number;
  readonly window: number;
  /** Drops everything under the inode. */
  readonly remove: () => Promise<void>;
  readonly signal?: AbortSignal;
}

/** Blocks that are announced at once when a blob outgrows what was announced. */
const BLOCKS_AHEAD = 4;

export class CassandraBlobWriter implements BlobWriter {
  readonly #parts: BlobWriterParts;
  readonly #inode: types.Uuid;
  readonly #slots: Semaphore;
  readonly #writing = new Set<Promise<void>>();
  #announced = 0;
  #announcing: Promise<void> = Promise.resolve();
  #failure: Error | null = null;
  #ended = false;

  constructor(parts: BlobWriterParts) {
    this.#parts = parts;
    this.#inode = types.Uuid.fromString(parts.inode);
    this.#slots = new Semaphore(parts.window);
  }

  /** Announces the first block. */
  async open(): Promise<void> {
    await this.#announce(1);
  }

  write(index: number, payload: readonly Buffer[]): Promise<void> {
    const writing = this.#slots.run(() => this.#write(index, payload));
    this.#writing.add(writing);
    writing
      .catch((error: unknown) => {
        this.#failure ??= error instanceof Error ? error : new Error(String(error));
      })
      .finally(() => this.#writing.delete(writing));
    return writing;
  }

  async #write(index: number, payload: readonly Buffer[]): Promise<void> {
    this.#check();
    const block = Math.floor(index / this.#parts.blockChunks);
    if (block >= this.#announced) await this.#announce(block + BLOCKS_AHEAD);
    const [only] = payload;
    const bytes = payload.length === 1 && only !== undefined ? only : Buffer.concat(payload);
    const { session } = this.#parts;
    const query = `INSERT INTO ${session.keyspace}.blob_block (inode, block, chunk, crc, payload) VALUES (?, ?, ?, ?, ?)`;
    await session.write(query, [this.#inode, block, index, chunkCrc(payload) | 0, bytes]);
  }

  /** Resolves when so many blocks can be found by a deletion. */
  async #announce(blocks: number): Promise<void> {
    const { session, blockChunks } = this.#parts;
    this.#announcing = this.#announcing.then(async () => {
      if (blocks <= this.#announced) return;
      const query = `INSERT INTO ${session.keyspace}.blob_inode (inode, blocks, block_chunks) VALUES (?, ?, ?)`;
      await session.write(query, [this.#inode, blocks, blockChunks]);
      this.#announced = blocks;
    });
    await this.#announcing;
  }

  #check(): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#ended) throw new StoreError('closed', 'notApplied', 'the blob has been finished or given up');
    if (this.#parts.signal?.aborted === true) throw new StoreError('closed', 'unknown', 'the write was given up');
  }

  async finish(): Promise<void> {
    await Promise.allSettled(this.#writing);
    this.#check();
    this.#ended = true;
  }

  async abort(): Promise<void> {
    this.#ended = true;
    this.#failure ??= new StoreError('closed', 'notApplied', 'the blob was given up');
    await Promise.allSettled(this.#writing);
    // What stays behind is found by the intent that was opened for it.
    await this.#parts.remove().catch(() => undefined);
  }
}
