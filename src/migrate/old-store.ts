/**
 * The tables of the original Pithos (0.7), read only: bucket in the bucketstore, object and object_uploads in each region's
 * metastore, inode_blocks and block in each blobstore. They may lie in several clusters and keyspaces.
 */
import type { BlobTarget, CassandraStoreConfig, CassandraTarget, Consistency } from '../config/types.js';
import { ClusterPool } from '../store/cassandra/cluster.js';
import type { Session } from '../store/cassandra/cluster.js';
import { toStoreError } from '../store/cassandra/driver-errors.js';
import { DEFAULT_CASSANDRA_OPTIONS } from '../store/cassandra/options.js';
import { bytesOf, numberOf, required, textMapOf, textOf, uuidOf } from '../store/cassandra/rows.js';
import type { Row } from '../store/cassandra/rows.js';
import type { StoreLogger } from '../store/shared/logger.js';
import type { OldBlobs, OldChunk, OldInode } from './old-content.js';

/** Tables of the original, by the layer that has them. None of ours has such a name: old and new may share a keyspace. */
export const OLD_TABLES = {
  bucketstore: ['bucket'],
  metastore: ['object', 'object_uploads', 'upload'],
  blobstore: ['inode_blocks', 'block'],
} as const;

const PAGE_ROWS = 500;
/** Chunks of one page, together, and their number at most: chunks may be larger than the old configuration says today. */
const PAGE_BYTES = 4 * 1024 * 1024;
const MAX_PAGE_CHUNKS = 64;

export interface OldBucket {
  readonly name: string;
  readonly tenant: string | null;
  /** null: the original's default region */
  readonly region: string | null;
  /** ISO 8601 */
  readonly created: string | null;
  readonly acl: string | null;
  readonly cors: string | null;
}

export interface OldObject {
  readonly key: string;
  readonly inode: string | null;
  readonly version: string | null;
  readonly sizeBytes: number | null;
  /** MD5 in hexadecimal digits */
  readonly checksum: string | null;
  /** ISO 8601: when it was written */
  readonly atime: string | null;
  /** null: standard. The original never set it. */
  readonly storageClass: string | null;
  readonly acl: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface OldUpload {
  readonly bucket: string;
  readonly key: string;
  /** uuid */
  readonly uploadId: string;
}

/** The keyspaces are not those of an original Pithos. */
export class NoOldStoreError extends Error {
  override readonly name = 'NoOldStoreError';
}

export class OldStore {
  readonly #pool: ClusterPool;
  readonly #bucketstore: Session;
  readonly regions: ReadonlyMap<string, OldRegion>;

  constructor(config: CassandraStoreConfig, logger: StoreLogger) {
    this.#pool = new ClusterPool({ ...DEFAULT_CASSANDRA_OPTIONS, logger });
    this.#bucketstore = this.#pool.session(readTarget(config.bucketstore));
    this.regions = new Map(
      Object.entries(config.regions).map(([name, { metastore, storageClasses }]) => {
        // Whatever an object's storage class, the original reads and writes its data here.
        const data = storageClasses['STANDARD'];
        if (data === undefined) throw new NoOldStoreError(`region '${name}' has no storage class 'standard'`);
        return [name, new OldRegion({ pool: this.#pool, metastore, data })];
      }),
    );
  }

  /** @throws NoOldStoreError when a table is missing; StoreError */
  async check(): Promise<void> {
    await checkTables(this.#bucketstore, OLD_TABLES.bucketstore);
    for (const region of this.regions.values()) await region.check();
  }

  /** In the order of the ring. */
  async *buckets(): AsyncGenerator<OldBucket> {
    const query = `SELECT bucket, tenant, region, created, acl, cors FROM ${this.#bucketstore.keyspace}.bucket`;
    for await (const page of this.#bucketstore.pages(query, [], PAGE_ROWS)) for (const row of page) yield bucketOf(row);
  }

  async bucket(name: string): Promise<OldBucket | null> {
    const query = `SELECT bucket, tenant, region, created, acl, cors FROM ${this.#bucketstore.keyspace}.bucket WHERE bucket = ?`;
    const [row] = await this.#bucketstore.read(query, [name]);
    return row === undefined ? null : bucketOf(row);
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }
}

export class OldRegion implements OldBlobs {
  readonly #meta: Session;
  readonly #data: Session;
  readonly #pageChunks: number;

  constructor(parts: { readonly pool: ClusterPool; readonly metastore: CassandraTarget; readonly data: BlobTarget }) {
    this.#meta = parts.pool.session(readTarget(parts.metastore));
    this.#data = parts.pool.session(readTarget(parts.data));
    this.#pageChunks = Math.min(MAX_PAGE_CHUNKS, Math.max(1, Math.floor(PAGE_BYTES / parts.data.maxChunkBytes)));
  }

  async check(): Promise<void> {
    await checkTables(this.#meta, OLD_TABLES.metastore);
    await checkTables(this.#data, OLD_TABLES.blobstore);
  }

  /** By key, strictly after that one ('' from the start). */
  async objects(bucket: string, after: string, limit: number): Promise<OldObject[]> {
    const query =
      `SELECT object, inode, version, size, checksum, atime, storageclass, acl, metadata FROM ${this.#meta.keyspace}.object ` +
      `WHERE bucket = ? AND object > ? LIMIT ?`;
    return (await this.#meta.read(query, [bucket, after, limit])).map(objectOf);
  }

  /** Names of buckets that have objects, whether there is such a bucket or not. */
  async *objectBuckets(): AsyncGenerator<string> {
    const query = `SELECT DISTINCT bucket FROM ${this.#meta.keyspace}.object`;
    for await (const page of this.#meta.pages(query, [], PAGE_ROWS))
      for (const row of page) yield required(textOf(row, 'bucket'), 'bucket');
  }

  /** Of all buckets: the table is small, and its index may be gone. */
  async *uploads(): AsyncGenerator<OldUpload> {
    const query = `SELECT bucket, object, upload FROM ${this.#meta.keyspace}.object_uploads`;
    for await (const page of this.#meta.pages(query, [], PAGE_ROWS))
      for (const row of page)
        yield {
          bucket: required(textOf(row, 'bucket'), 'bucket'),
          key: required(textOf(row, 'object'), 'object'),
          uploadId: required(uuidOf(row, 'upload'), 'upload'),
        };
  }

  async *blocks({ inode, version }: OldInode): AsyncGenerator<number> {
    const query =
      `SELECT block FROM ${this.#data.keyspace}.inode_blocks WHERE inode = ? AND version = ? ` + `ORDER BY block ASC`;
    for await (const page of this.#data.pages(query, [inode, version], PAGE_ROWS))
      for (const row of page) yield required(numberOf(row, 'block'), 'block');
  }

  async *chunks({ inode, version }: OldInode, block: number): AsyncGenerator<readonly OldChunk[]> {
    const query = `SELECT offset, payload FROM ${this.#data.keyspace}.block WHERE inode = ? AND version = ? AND block = ?`;
    for await (const page of this.#data.pages(query, [inode, version, block], this.#pageChunks))
      yield page.map(chunkOf);
  }
}

/**
 * The old target, read so that nothing acknowledged is missed. The original's levels are QUORUM unless configured; what was written
 * at ONE may be on any one replica.
 */
export function readTarget(target: CassandraTarget): CassandraTarget {
  const { readConsistency, writeConsistency } = target;
  const single = writeConsistency === 'one' || writeConsistency === 'local-one';
  const sure: readonly Consistency[] = ['quorum', 'local-quorum', 'all'];
  const level: Consistency = single ? 'all' : sure.includes(readConsistency) ? readConsistency : 'quorum';
  return { ...target, readConsistency: level };
}

async function checkTables({ cluster, target }: Session, tables: readonly string[]): Promise<void> {
  const client = await cluster.client();
  for (const table of tables) {
    let found: unknown;
    try {
      found = await client.metadata.getTable(target.keyspace, table);
    } catch (error) {
      throw toStoreError(error, 'read');
    }
    if (found === null)
      throw new NoOldStoreError(`keyspace '${target.keyspace}' has no table '${table}' of an original Pithos`);
  }
}

function bucketOf(row: Row): OldBucket {
  return {
    name: required(textOf(row, 'bucket'), 'bucket'),
    tenant: textOf(row, 'tenant'),
    region: textOf(row, 'region'),
    created: textOf(row, 'created'),
    acl: textOf(row, 'acl'),
    cors: textOf(row, 'cors'),
  };
}

function objectOf(row: Row): OldObject {
  return {
    key: required(textOf(row, 'object'), 'object'),
    inode: uuidOf(row, 'inode'),
    version: uuidOf(row, 'version'),
    sizeBytes: numberOf(row, 'size'),
    checksum: textOf(row, 'checksum'),
    atime: textOf(row, 'atime'),
    storageClass: textOf(row, 'storageclass'),
    acl: textOf(row, 'acl'),
    metadata: textMapOf(row, 'metadata'),
  };
}

function chunkOf(row: Row): OldChunk {
  return {
    offset: required(numberOf(row, 'offset'), 'offset'),
    payload: bytesOf(row, 'payload') ?? Buffer.alloc(0),
  };
}
