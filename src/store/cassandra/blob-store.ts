/** Blobs on Cassandra: chunks (rows) in blocks (partitions) under an inode. */
import { types } from 'cassandra-driver';
import { StoreError } from '../errors.js';
import type { StoreLogger } from '../shared/logger.js';
import type { BlobStore, BlobWriter, ChunkRange } from '../types.js';
import { CassandraBlobReader } from './blob-reader.js';
import { CassandraBlobWriter } from './blob-writer.js';
import type { Session } from './cluster.js';
import { numberOf } from './rows.js';

/** Blocks whose partitions are removed at once. */
const DELETE_PARALLEL = 16;
/** Bounds on a block, whatever the configuration says: a partition stays between a row and "a few MiB". */
const MAX_BLOCK_BYTES = 64 * 1024 * 1024;

export interface BlobStoreOptions {
  readonly session: Session;
  /** plaintext bytes of a chunk of new blobs */
  readonly chunkSizeBytes: number;
  /** chunks of a block of new blobs */
  readonly blockChunks: number;
  /** chunks of one blob in flight */
  readonly window: number;
  readonly now: () => number;
  readonly logger: StoreLogger;
}

export class CassandraBlobStore implements BlobStore {
  readonly chunkSizeBytes: number;
  readonly window: number;
  readonly #session: Session;
  readonly #blockChunks: number;
  readonly #now: () => number;
  readonly #logger: StoreLogger;

  constructor(options: BlobStoreOptions) {
    this.chunkSizeBytes = options.chunkSizeBytes;
    this.window = options.window;
    this.#session = options.session;
    this.#now = options.now;
    this.#logger = options.logger;
    const fitting = Math.max(1, Math.floor(MAX_BLOCK_BYTES / options.chunkSizeBytes));
    this.#blockChunks = Math.max(1, Math.min(options.blockChunks, fitting));
  }

  async openWriter(
    inode: string,
    options: { readonly storedChunkSizeBytes: number; readonly signal?: AbortSignal },
  ): Promise<BlobWriter> {
    const { signal } = options;
    if (signal?.aborted === true) throw new StoreError('closed', 'notApplied', 'the write was given up');
    const writer = new CassandraBlobWriter({
      session: this.#session,
      inode,
      blockChunks: this.#blockChunks,
      window: this.window,
      remove: () => this.delete(inode),
      ...(signal && { signal }),
    });
    await writer.open();
    return writer;
  }

  readChunks(inode: string, range: ChunkRange): AsyncIterable<Buffer> {
    const { window } = this;
    const [session, blockChunks, logger] = [this.#session, this.#blockChunks, this.#logger];
    return new CassandraBlobReader({ session, inode, blockChunks, window, logger }).chunks(range);
  }

  /**
   * The inode row goes last: a deletion that fails is repeated. Inodes are never used twice, so the tombstones of blocks may
   * be dated ahead: they also cover chunks that are still under way, or that a gateway with a fast clock wrote. The inode's
   * own is not: a writer that goes on regardless announces further blocks, and they must be found.
   */
  async delete(inode: string): Promise<void> {
    const { keyspace } = this.#session;
    const id = types.Uuid.fromString(inode);
    const ahead = Math.floor((this.#now() + DAY_MS) * 1000);
    const [row] = await this.#session.read(`SELECT blocks FROM ${keyspace}.blob_inode WHERE inode = ?`, [id]);
    const blocks = row === undefined ? 0 : (numberOf(row, 'blocks') ?? 0);
    const query = `DELETE FROM ${keyspace}.blob_block USING TIMESTAMP ? WHERE inode = ? AND block = ?`;
    for (let first = 0; first < blocks; first += DELETE_PARALLEL) {
      const some = Array.from({ length: Math.min(DELETE_PARALLEL, blocks - first) }, (_, i) => first + i);
      await Promise.all(some.map((block) => this.#session.write(query, [ahead, id, block])));
    }
    if (row !== undefined) {
      await this.#session.write(`DELETE FROM ${keyspace}.blob_inode WHERE inode = ?`, [id]);
    }
  }
}

const DAY_MS = 86_400_000;
