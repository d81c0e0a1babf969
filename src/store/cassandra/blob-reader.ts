/** Reads the chunks of one inode in order, ahead of its consumer within a window, and believes none without its CRC. */
import { types } from 'cassandra-driver';
import { StoreError } from '../errors.js';
import { chunkCrc } from '../shared/crc.js';
import type { Session } from './cluster.js';
import { bytesOf, numberOf } from './rows.js';
import type { Row } from './rows.js';

export interface BlobReaderParts {
  readonly session: Session;
  readonly inode: string;
  /** chunks of a block as configured now; the inode may have been written with others */
  readonly blockChunks: number;
  readonly window: number;
}

export interface ChunkRange {
  readonly first: number;
  /** inclusive */
  readonly last: number;
  readonly storedChunkSizeBytes: number;
  readonly signal?: AbortSignal;
}

/** One query fetches as many small chunks as fit. */
const QUERY_BYTES = 1024 * 1024;

/** What a query brought: chunks in order, and what stands in the way of the next one. */
interface Found {
  readonly chunks: readonly Buffer[];
  readonly failure: StoreError | null;
}

/** Consecutive chunks of one block. */
interface Group {
  readonly block: number;
  readonly first: number;
  readonly last: number;
}

export class CassandraBlobReader {
  readonly #session: Session;
  readonly #inode: types.Uuid;
  readonly #name: string;
  readonly #window: number;
  #blockChunks: number;
  #layout: Promise<number | null> | null = null;

  constructor(parts: BlobReaderParts) {
    this.#session = parts.session;
    this.#name = parts.inode;
    this.#inode = types.Uuid.fromString(parts.inode);
    this.#window = parts.window;
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
          const group = this.#groupAt(next, Math.min(last, next + perQuery - 1));
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

  /** From a chunk on, at most to another, but not across a block. */
  #groupAt(first: number, last: number): Group {
    const block = Math.floor(first / this.#blockChunks);
    return { block, first, last: Math.min(last, (block + 1) * this.#blockChunks - 1) };
  }

  async #read(group: Group): Promise<Found> {
    const rows = await this.#session.read(...this.#query(group));
    const found = verified(rows, group);
    if (found !== null) return { chunks: found, failure: null };
    this.#blockChunks = (await this.#writtenBlockChunks()) ?? this.#blockChunks;
    const chunks: Buffer[] = [];
    for (let chunk = group.first; chunk <= group.last; chunk++) {
      const payload = await this.#insist(this.#groupAt(chunk, chunk));
      if (payload === null) {
        const what = `chunk ${chunk} of inode ${this.#name} is missing or damaged`;
        return { chunks, failure: new StoreError('corrupt', 'notApplied', what) };
      }
      chunks.push(payload);
    }
    return { chunks, failure: null };
  }

  /** One chunk, once more, and if need be from all replicas: one may have what the others do not, or have wrong. */
  async #insist(group: Group): Promise<Buffer | null> {
    const usual = verified(await this.#session.read(...this.#query(group)), group);
    if (usual !== null) return usual[0] ?? null;
    return verified(await this.#session.readAll(...this.#query(group)), group)?.[0] ?? null;
  }

  #query({ block, first, last }: Group): [string, unknown[]] {
    const from = `SELECT chunk, crc, payload FROM ${this.#session.keyspace}.blob_block WHERE inode = ? AND block = ?`;
    return first === last
      ? [`${from} AND chunk = ?`, [this.#inode, block, first]]
      : [`${from} AND chunk >= ? AND chunk <= ?`, [this.#inode, block, first, last]];
  }

  async #writtenBlockChunks(): Promise<number | null> {
    this.#layout ??= this.#readLayout();
    return this.#layout;
  }

  async #readLayout(): Promise<number | null> {
    const query = `SELECT block_chunks FROM ${this.#session.keyspace}.blob_inode WHERE inode = ?`;
    const [row] = await this.#session.read(query, [this.#inode]);
    return row === undefined ? null : numberOf(row, 'block_chunks');
  }
}

/** The payloads in order, null when one is missing or does not have its CRC. */
function verified(rows: readonly Row[], { first, last }: Group): Buffer[] | null {
  if (rows.length !== last - first + 1) return null;
  const payloads: Buffer[] = [];
  for (const [i, row] of rows.entries()) {
    const payload = bytesOf(row, 'payload');
    const crc = numberOf(row, 'crc');
    if (payload === null || numberOf(row, 'chunk') !== first + i || crc === null) return null;
    if (chunkCrc([payload]) !== crc >>> 0) return null;
    payloads.push(payload);
  }
  return payloads;
}

function throwIfGivenUp(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new StoreError('closed', 'notApplied', 'the read was given up');
}
