/** A keyspace that holds blobs: its inodes and blocks, and whether a blob is what it should be. */
import { types } from 'cassandra-driver';
import type { AuditPage, AuditScan, BlobCheck, BlobFault, ExpectedBlob, PlaceAudit, StoredBlob } from '../audit.js';
import type { StoreLogger } from '../shared/logger.js';
import { rescueChunk } from './chunk-rescue.js';
import { chunkQuery, groupAt, verifiedPayload } from './chunk-rows.js';
import type { ChunkGroup } from './chunk-rows.js';
import type { Session } from './cluster.js';
import { tokenScan } from './fsck-token-scan.js';
import { bytesOf, numberOf, required, uuidOf } from './rows.js';

const PAGE_ROWS = 2_000;
const QUERY_BYTES = 1024 * 1024;
/** Faults of one blob that are told one by one. */
const MAX_FAULTS = 20;

export interface CassandraPlaceParts {
  readonly session: Session;
  readonly serves: PlaceAudit['serves'];
  readonly logger: StoreLogger;
}

export class CassandraPlace implements PlaceAudit {
  readonly name: string;
  readonly serves: PlaceAudit['serves'];
  readonly #session: Session;
  readonly #logger: StoreLogger;

  constructor({ session, serves, logger }: CassandraPlaceParts) {
    this.name = `keyspace ${session.target.keyspace}`;
    this.serves = serves;
    this.#session = session;
    this.#logger = logger;
  }

  /** Inodes, then blocks: those whose inode is not there would be found by nobody else. */
  async *blobs({ cursor, signal }: AuditScan): AsyncGenerator<AuditPage<StoredBlob>> {
    const [, kind = 'inode', token = ''] = /^(inode|block):(.*)$/.exec(cursor ?? '') ?? [];
    const common = { session: this.#session, pageRows: PAGE_ROWS, signal };
    if (kind === 'inode') {
      const columns = ['inode', 'WRITETIME(blocks) AS written'];
      const scan = { ...common, table: 'blob_inode', partitionKey: ['inode'], columns, cursor: token || null };
      for await (const page of tokenScan(scan)) {
        const items = page.rows.map((row) => ({
          inode: required(uuidOf(row, 'inode'), 'inode'),
          writtenMs: msOf(numberOf(row, 'written')),
          strayBlock: null,
        }));
        yield pageOf(items, page.cursor === null ? null : `inode:${page.cursor}`, page.fraction / 2);
      }
    }
    const columns = ['inode', 'block'];
    const from = kind === 'block' ? token || null : null;
    const scan = { ...common, table: 'blob_block', distinct: true, partitionKey: columns, columns, cursor: from };
    for await (const page of tokenScan(scan)) {
      const items = page.rows.map((row) => ({
        inode: required(uuidOf(row, 'inode'), 'inode'),
        writtenMs: null,
        strayBlock: required(numberOf(row, 'block'), 'block'),
      }));
      yield pageOf(items, page.cursor === null ? null : `block:${page.cursor}`, 0.5 + page.fraction / 2);
    }
  }

  async find({ inode, strayBlock }: Pick<StoredBlob, 'inode' | 'strayBlock'>): Promise<StoredBlob | null> {
    const { keyspace } = this.#session;
    const id = types.Uuid.fromString(inode);
    const known = `SELECT WRITETIME(blocks) AS written FROM ${keyspace}.blob_inode WHERE inode = ?`;
    const [row] = await this.#session.read(known, [id]);
    if (row !== undefined) return { inode, writtenMs: msOf(numberOf(row, 'written')), strayBlock: null };
    if (strayBlock === null) return null;
    const chunks = `SELECT WRITETIME(crc) AS written FROM ${keyspace}.blob_block WHERE inode = ? AND block = ? LIMIT 1`;
    const [chunk] = await this.#session.read(chunks, [id, strayBlock]);
    return chunk === undefined ? null : { inode, writtenMs: msOf(numberOf(chunk, 'written')), strayBlock };
  }

  async prepareDeletion({ inode, strayBlock }: StoredBlob): Promise<void> {
    if (strayBlock === null) return;
    const query = `INSERT INTO ${this.#session.keyspace}.blob_inode (inode, blocks, block_chunks) VALUES (?, ?, ?)`;
    await this.#session.write(query, [types.Uuid.fromString(inode), strayBlock + 1, 1]);
  }

  async sizeBytes(): Promise<number | null> {
    return null;
  }

  async check(blob: ExpectedBlob, options: BlobCheck): Promise<readonly BlobFault[]> {
    if (blob.chunks === 0) return [];
    const query = `SELECT block_chunks FROM ${this.#session.keyspace}.blob_inode WHERE inode = ?`;
    await options.onRead(1);
    const [row] = await this.#session.read(query, [types.Uuid.fromString(blob.inode)]);
    const blockChunks = row === undefined ? null : numberOf(row, 'block_chunks');
    if (blockChunks === null) return [{ what: 'its inode is not there', kind: 'missing', repaired: false }];
    const faults: BlobFault[] = [];
    const perQuery = Math.max(1, Math.floor(QUERY_BYTES / Math.max(1, blob.storedChunkSizeBytes)));
    for (let next = 0; next < blob.chunks && faults.length < MAX_FAULTS;) {
      options.signal.throwIfAborted();
      const most = options.data ? next + perQuery - 1 : next + blockChunks - 1;
      const group = groupAt(next, Math.min(blob.chunks - 1, most), blockChunks);
      await options.onRead(options.data ? group.last - group.first + 1 : 1);
      const bad = options.data ? await this.#damaged(blob, group) : await this.#absent(blob, group);
      for (const [chunk, kind] of bad)
        faults.push(await this.#rescue(blob, { chunk, kind, blockChunks }, options.repair));
      next = group.last + 1;
    }
    if (faults.length < MAX_FAULTS) faults.push(...(await this.#surplus(blob, blockChunks)));
    return faults;
  }

  /** Chunks of the group that have no row. */
  async #absent({ inode }: ExpectedBlob, { block, first, last }: ChunkGroup): Promise<Map<number, 'missing'>> {
    const query =
      `SELECT chunk, crc FROM ${this.#session.keyspace}.blob_block ` +
      'WHERE inode = ? AND block = ? AND chunk >= ? AND chunk <= ?';
    const missing = new Map<number, 'missing'>();
    for (let chunk = first; chunk <= last; chunk++) missing.set(chunk, 'missing');
    const params = [types.Uuid.fromString(inode), block, first, last];
    for await (const page of this.#session.pages(query, params, 5_000))
      for (const row of page)
        if (numberOf(row, 'crc') !== null) missing.delete(required(numberOf(row, 'chunk'), 'chunk'));
    return missing;
  }

  async #damaged(blob: ExpectedBlob, group: ChunkGroup): Promise<Map<number, BlobFault['kind']>> {
    const rows = await this.#session.read(...chunkQuery(this.#session, blob.inode, group));
    const byChunk = new Map(rows.map((row) => [numberOf(row, 'chunk'), row]));
    const bad = new Map<number, BlobFault['kind']>();
    for (let chunk = group.first; chunk <= group.last; chunk++) {
      const row = byChunk.get(chunk);
      if (row === undefined || bytesOf(row, 'payload') === null) bad.set(chunk, 'missing');
      else if (verifiedPayload(row)?.length !== sizeOfChunk(blob, chunk)) bad.set(chunk, 'corrupt');
    }
    return bad;
  }

  async #rescue(
    blob: ExpectedBlob,
    {
      chunk,
      kind,
      blockChunks,
    }: { readonly chunk: number; readonly kind: BlobFault['kind']; readonly blockChunks: number },
    repair: boolean,
  ): Promise<BlobFault> {
    const parts = { session: this.#session, inode: blob.inode, blockChunks, logger: this.#logger, rewrite: repair };
    const found = await rescueChunk(parts, chunk);
    const state = kind === 'missing' ? 'missing' : 'damaged';
    if (found === null) return { what: `chunk ${chunk} is ${state} on all replicas`, kind, repaired: false };
    if (found.payload.length !== sizeOfChunk(blob, chunk)) {
      const what = `chunk ${chunk} has ${found.payload.length} bytes, not ${sizeOfChunk(blob, chunk)}`;
      return { what, kind: 'corrupt', repaired: false };
    }
    return { what: `chunk ${chunk} is ${state} on some replicas`, kind, repaired: found.rewritten };
  }

  /** Chunks behind the last one, in its block. */
  async #surplus({ inode, chunks }: ExpectedBlob, blockChunks: number): Promise<BlobFault[]> {
    const query = `SELECT chunk FROM ${this.#session.keyspace}.blob_block WHERE inode = ? AND block = ? AND chunk >= ? LIMIT 1`;
    const block = Math.floor((chunks - 1) / blockChunks);
    const rows = await this.#session.read(query, [types.Uuid.fromString(inode), block, chunks]);
    return rows.length === 0 ? [] : [{ what: `it has more than ${chunks} chunks`, kind: 'corrupt', repaired: false }];
  }
}

function sizeOfChunk({ chunks, storedChunkSizeBytes, lastChunkSizeBytes }: ExpectedBlob, chunk: number): number {
  return chunk === chunks - 1 ? lastChunkSizeBytes : storedChunkSizeBytes;
}

function pageOf(items: StoredBlob[], cursor: string | null, fraction: number): AuditPage<StoredBlob> {
  return { items, faults: [], cursor, fraction };
}

function msOf(microseconds: number | null): number | null {
  return microseconds === null ? null : Math.floor(microseconds / 1_000);
}
