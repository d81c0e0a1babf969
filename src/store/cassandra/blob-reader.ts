/** Reads the chunks of one inode in order, ahead of its consumer within a window, and believes none without its CRC. */
import { types } from 'cassandra-driver';
import { StoreError } from '../errors.js';
import type { StoreLogger } from '../shared/logger.js';
import { rescueChunk } from './chunk-rescue.js';
import { chunkQuery, groupAt, verifiedPayloads } from './chunk-rows.js';
import type { ChunkGroup } from './chunk-rows.js';
import type { ChunkRange } from '../types.js';
import type { Session } from './cluster.js';
import { numberOf } from './rows.js';

export interface BlobReaderParts {
  readonly session: Session;
  readonly inode: string;
  /** chunks of a block as configured now; the inode may have been written with others */
  readonly blockChunks: number;
  readonly window: number;
  readonly logger: StoreLogger;
}

/** One query fetches as many small chunks as fit. */
const QUERY_BYTES = 1024 * 1024;

/** What a query brought: chunks in order, and what stands in the way of the next one. */
interface Found {
  readonly chunks: readonly Buffer[];
  readonly failure: StoreError | null;
}

export class CassandraBlobReader {
  readonly #session: Session;
  readonly #inode: string;
  readonly #window: number;
  readonly #logger: StoreLogger;
  #blockChunks: number;
  #layout: Promise<number | null> | null = null;

  constructor(parts: BlobReaderParts) {
    this.#session = parts.session;
    this.#inode = parts.inode;
    this.#window = parts.window;
    this.#logger = parts.logger;
    this.#blockChunks = parts.blockChunks;
  }

  async *chunks(range: ChunkRange): AsyncGenerator<Buffer> {
    const { last, storedChunkSizeBytes, signal } = range;
    const perQuery = Math.max(1, Math.floor(QUERY_BYTES / Math.max(1, storedChunkSizeBytes)));
    const ahead = Math.max(1, Math.ceil(this.#window / perQuery));
    const underway: Promise<Found>[] = [];
    let next = range.first;
    try {
      for (;;) {
        while (underway.length < ahead && next <= last) {
          const group = groupAt(next, Math.min(last, next + perQuery - 1), this.#blockChunks);
          next = group.last + 1;
          const reading = this.#read(group);
          // Awaited in its turn; until then its failure is nobody's.
          reading.catch(() => undefined);
          underway.push(reading);
        }
        const reading = underway.shift();
        if (reading === undefined) return;
        throwIfGivenUp(signal);
        const { chunks, failure } = await reading;
        for (const chunk of chunks) {
          throwIfGivenUp(signal);
          yield chunk;
        }
        if (failure !== null) throw failure;
      }
    } finally {
      // A consumer that stops early must not leave reads that fail unobserved.
      await Promise.allSettled(underway);
    }
  }

  async #read(group: ChunkGroup): Promise<Found> {
    const rows = await this.#session.read(...chunkQuery(this.#session, this.#inode, group));
    const found = verifiedPayloads(rows, group);
    if (found !== null) return { chunks: found, failure: null };
    this.#blockChunks = (await this.#writtenBlockChunks()) ?? this.#blockChunks;
    const chunks: Buffer[] = [];
    for (let chunk = group.first; chunk <= group.last; chunk++) {
      const payload = await this.#insist(chunk);
      if (payload === null) {
        const what = `chunk ${chunk} of inode ${this.#inode} is missing or damaged`;
        return { chunks, failure: new StoreError('corrupt', 'notApplied', what) };
      }
      chunks.push(payload);
    }
    return { chunks, failure: null };
  }

  /** One chunk, once more, and if need be from each replica: one may have what the others do not, or have wrong. */
  async #insist(chunk: number): Promise<Buffer | null> {
    const blockChunks = this.#blockChunks;
    const group = groupAt(chunk, chunk, blockChunks);
    const usual = verifiedPayloads(await this.#session.read(...chunkQuery(this.#session, this.#inode, group)), group);
    if (usual !== null) return usual[0] ?? null;
    const parts = { session: this.#session, inode: this.#inode, blockChunks, logger: this.#logger, rewrite: true };
    return (await rescueChunk(parts, chunk))?.payload ?? null;
  }

  async #writtenBlockChunks(): Promise<number | null> {
    this.#layout ??= this.#readLayout();
    return this.#layout;
  }

  async #readLayout(): Promise<number | null> {
    const query = `SELECT block_chunks FROM ${this.#session.keyspace}.blob_inode WHERE inode = ?`;
    const [row] = await this.#session.read(query, [types.Uuid.fromString(this.#inode)]);
    return row === undefined ? null : numberOf(row, 'block_chunks');
  }
}

function throwIfGivenUp(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new StoreError('closed', 'notApplied', 'the read was given up');
}
