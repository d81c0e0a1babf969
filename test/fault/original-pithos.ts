// What the original Pithos (0.7) leaves in Cassandra: its tables, and the statements that its operations come down to, in their
// order, with values written into the text as its query builder does. Made from reading its code, with those of its habits that
// a migration has to know of.
import { createHash, randomUUID } from 'node:crypto';
import { types } from 'cassandra-driver';
import type { Client } from 'cassandra-driver';

const TABLES = [
  'CREATE TABLE bucket (bucket text, created text, tenant text, region text, acl text, cors text, website text, policy text, versioned boolean, PRIMARY KEY (bucket))',
  'CREATE INDEX bucket_tenant ON bucket (tenant)',
  'CREATE TABLE object (bucket text, object text, inode uuid, version timeuuid, atime text, size bigint, checksum text, storageclass text, acl text, metadata map<text, text>, PRIMARY KEY (bucket, object))',
  'CREATE TABLE upload (upload uuid, version uuid, bucket text, object text, inode uuid, partno int, modified text, size bigint, checksum text, PRIMARY KEY ((bucket, object, upload), partno))',
  'CREATE TABLE object_uploads (bucket text, object text, upload uuid, metadata map<text, text>, PRIMARY KEY ((bucket, object), upload))',
  'CREATE INDEX object_inode ON object (inode)',
  'CREATE INDEX upload_bucket ON object_uploads (bucket)',
  'CREATE TABLE inode_blocks (inode uuid, version timeuuid, block bigint, PRIMARY KEY ((inode, version), block))',
  'CREATE TABLE block (inode uuid, version timeuuid, block bigint, offset bigint, chunksize int, payload blob, PRIMARY KEY ((inode, version, block), offset))',
] as const;

/** A value as it stands in a statement: uuids and numbers bare, blobs in hexadecimal digits, maps in braces. */
type Value = string | number | null | Buffer | { readonly uuid: string } | ReadonlyMap<string, string>;

function literal(value: Value): string {
  if (value === null) return 'null';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (Buffer.isBuffer(value)) return `0x${value.toString('hex')}`;
  if ('uuid' in value) return value.uuid;
  return `{${[...value].map(([name, text]) => `${literal(name)}: ${literal(text)}`).join(', ')}}`;
}

export interface Inode {
  readonly inode: string;
  readonly version: string;
}

export interface Written extends Inode {
  readonly size: number;
  readonly checksum: string;
}

export interface Part extends Written {
  readonly partNumber: number;
}

export interface PutOptions {
  /** as its printer writes it; default private to the owner */
  readonly acl?: string;
  /** names in lower case */
  readonly metadata?: Readonly<Record<string, string>>;
  /** ISO 8601 */
  readonly atime?: string;
  /** Bytes that each read of the request's body came to; default as much as a chunk holds. */
  readonly readBytes?: number;
}

export class OriginalPithos {
  readonly #client: Client;
  readonly #keyspace: string;
  /** Tenants by bucket. */
  readonly #tenants = new Map<string, string>();
  readonly chunkBytes: number;
  readonly blockBytes: number;

  constructor(
    client: Client,
    options: { readonly keyspace: string; readonly maxChunkBytes: number; readonly maxBlockChunks: number },
  ) {
    this.#client = client;
    this.#keyspace = options.keyspace;
    this.chunkBytes = options.maxChunkBytes;
    this.blockBytes = options.maxChunkBytes * options.maxBlockChunks;
  }

  /** It creates a keyspace that it does not find, then its tables. */
  async converge(): Promise<void> {
    await this.#client.execute(
      `CREATE KEYSPACE IF NOT EXISTS ${this.#keyspace} WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}`,
    );
    await this.run(`USE ${this.#keyspace}`);
    for (const table of TABLES) await this.run(table);
  }

  async run(statement: string): Promise<void> {
    await this.#client.execute(statement, [], { prepare: false, readTimeout: 60_000 });
  }

  async createBucket(bucket: string, options: { tenant: string; created: string; acl?: string }): Promise<void> {
    const { tenant, created, acl = ownerOnly(tenant) } = options;
    this.#tenants.set(bucket, tenant);
    await this.#update('bucket', { region: 'myregion', created, acl, tenant }, { bucket });
  }

  async putBucketCors(bucket: string, cors: string): Promise<void> {
    await this.#update('bucket', { cors }, { bucket });
  }

  async deleteBucketRow(bucket: string): Promise<void> {
    await this.run(`DELETE FROM bucket WHERE bucket = ${literal(bucket)}`);
  }

  async putObject(bucket: string, object: string, body: Buffer, options: PutOptions = {}): Promise<Written> {
    const written = await this.#streamFrom(body, newInode(), options.readBytes);
    await this.#save(bucket, object, written, options);
    return written;
  }

  /** A copy onto an object that is there goes over its chunks: same inode, same version. */
  async copyOnto(bucket: string, object: string, at: Inode, source: Written): Promise<void> {
    for (const block of await this.#blocks(source)) {
      await this.#startBlock(at, block);
      for (const { offset, payload } of await this.#chunks(source, block))
        await this.#chunk(at, block, offset, payload);
    }
    const { size, checksum } = source;
    await this.#save(bucket, object, { ...at, size, checksum }, {});
  }

  /** On a key that is not there it leaves a row with nothing else. */
  async putObjectAcl(bucket: string, object: string, acl: string): Promise<void> {
    await this.#update('object', { acl }, { bucket, object });
  }

  async initiateUpload(bucket: string, object: string, options: PutOptions = {}): Promise<string> {
    const upload = randomUUID();
    const metadata = new Map([
      ...metadataOf(options),
      ['initiated', new Date().toISOString()] as const,
      ['acl', options.acl ?? ownerOnly(this.#tenantOf(bucket))] as const,
    ]);
    await this.#update('object_uploads', { metadata }, { bucket, object, upload: { uuid: upload } });
    return upload;
  }

  async uploadPart(bucket: string, object: string, upload: string, partNumber: number, body: Buffer): Promise<Part> {
    const { inode, version, size, checksum } = await this.#streamFrom(body, newInode());
    await this.#update(
      'upload',
      { inode: { uuid: inode }, version: { uuid: version }, size, checksum, modified: new Date().toISOString() },
      { bucket, object, upload: { uuid: upload }, partno: partNumber },
    );
    return { inode, version, size, checksum, partNumber };
  }

  /**
   * Copies the parts into a new inode. The offset that a block's chunks are put at has the earlier blocks of the part in it twice:
   * size, and the offsets, are too great where a part has more than one block. The checksum is of the bytes.
   */
  async completeUpload(
    bucket: string,
    object: string,
    upload: string,
    parts: readonly Part[],
    options: PutOptions = {},
  ): Promise<Inode> {
    const at = newInode();
    const md5 = createHash('md5');
    let reached = 0;
    for (const part of parts) {
      for (const block of await this.#blocks(part)) {
        const base = reached;
        await this.#startBlock(at, base + block);
        for (const { offset, payload } of await this.#chunks(part, block)) {
          await this.#chunk(at, base + block, base + offset, payload);
          md5.update(payload);
          reached = base + offset + payload.length;
        }
      }
    }
    await this.#save(bucket, object, { ...at, size: reached, checksum: md5.digest('hex') }, options);
    for (const part of parts) await this.deleteInode(part);
    const where = `bucket = ${literal(bucket)} AND object = ${literal(object)} AND upload = ${upload}`;
    await this.run(`DELETE FROM object_uploads WHERE ${where}`);
    await this.run(`DELETE FROM upload WHERE ${where}`);
    return at;
  }

  async deleteInode({ inode, version }: Inode): Promise<void> {
    for (const block of await this.#blocks({ inode, version })) {
      await this.run(`DELETE FROM block WHERE inode = ${inode} AND version = ${version} AND block = ${block}`);
      await this.run(`DELETE FROM inode_blocks WHERE inode = ${inode} AND version = ${version}`);
    }
  }

  /** Flips a bit of the last chunk: what a broken disk does. */
  async damage(at: Inode): Promise<void> {
    const block = (await this.#blocks(at)).at(-1) ?? 0;
    const last = (await this.#chunks(at, block)).at(-1);
    if (last === undefined) throw new Error('nothing to damage');
    const payload = Buffer.from(last.payload);
    payload[0] = (payload[0] ?? 0) ^ 1;
    await this.#chunk(at, block, last.offset, payload);
  }

  async #streamFrom(body: Buffer, at: Inode, readBytes = this.chunkBytes): Promise<Written> {
    let block = 0;
    let offset = 0;
    for (;;) {
      // At a boundary, also when nothing comes after it.
      if (block >= offset) await this.#startBlock(at, block);
      const payload = body.subarray(offset, offset + Math.min(readBytes, this.chunkBytes));
      if (payload.length === 0) break;
      await this.#chunk(at, block, offset, payload);
      offset += payload.length;
      if (offset >= block + this.blockBytes) block = offset;
    }
    return { ...at, size: offset, checksum: createHash('md5').update(body).digest('hex') };
  }

  async #save(
    bucket: string,
    object: string,
    { inode, version, size, checksum }: Written,
    options: PutOptions,
  ): Promise<void> {
    const columns = {
      inode: { uuid: inode },
      version: { uuid: version },
      atime: options.atime ?? new Date().toISOString(),
      metadata: metadataOf(options),
      acl: options.acl ?? ownerOnly(this.#tenantOf(bucket)),
      size,
      checksum,
    };
    await this.#update('object', columns, { bucket, object });
  }

  async #startBlock({ inode, version }: Inode, block: number): Promise<void> {
    await this.run(`INSERT INTO inode_blocks (inode, version, block) VALUES (${inode}, ${version}, ${block})`);
  }

  async #chunk({ inode, version }: Inode, block: number, offset: number, payload: Buffer): Promise<void> {
    await this.run(
      'INSERT INTO block (inode, version, block, offset, chunksize, payload) ' +
        `VALUES (${inode}, ${version}, ${block}, ${offset}, ${payload.length}, ${literal(payload)})`,
    );
  }

  async #blocks({ inode, version }: Inode): Promise<number[]> {
    const { rows } = await this.#client.execute(
      `SELECT block FROM inode_blocks WHERE inode = ${inode} AND version = ${version} ORDER BY block ASC`,
    );
    return rows.map((row) => Number(row['block']));
  }

  async #chunks({ inode, version }: Inode, block: number): Promise<{ offset: number; payload: Buffer }[]> {
    const { rows } = await this.#client.execute(
      `SELECT * FROM block WHERE inode = ${inode} AND version = ${version} AND block = ${block} AND offset >= ${block} LIMIT 524288`,
    );
    return rows.map((row) => ({ offset: Number(row['offset']), payload: row['payload'] as Buffer }));
  }

  async #update(
    table: string,
    columns: Readonly<Record<string, Value>>,
    key: Readonly<Record<string, Value>>,
  ): Promise<void> {
    const pairs = (values: Readonly<Record<string, Value>>): string[] =>
      Object.entries(values).map(([name, value]) => `${name} = ${literal(value)}`);
    await this.run(`UPDATE ${table} SET ${pairs(columns).join(', ')} WHERE ${pairs(key).join(' AND ')}`);
  }

  #tenantOf(bucket: string): string {
    return this.#tenants.get(bucket) ?? 'nobody';
  }
}

function newInode(): Inode {
  return { inode: randomUUID(), version: types.TimeUuid.now().toString() };
}

function metadataOf({ metadata = {} }: PutOptions): ReadonlyMap<string, string> {
  return new Map(Object.entries({ 'content-type': 'application/binary', ...metadata }));
}

/** As x-amz-acl: private comes out, the owner twice. */
export function ownerOnly(tenant: string): string {
  return `{:FULL_CONTROL [{:ID "${tenant}", :DisplayName "${tenant}"} {:ID "${tenant}", :DisplayName "${tenant}"}]}`;
}
