/** The Cassandra stores for the contract suites: on the run's shared node, in keyspaces of their own. */
import type { Client } from 'cassandra-driver';
import { types } from 'cassandra-driver';
import type { BlobTarget, CassandraTarget } from '../../src/config/types.js';
import { installSchema, openCassandraStores, schemaTargets } from '../../src/store/cassandra/index.js';
import type { CassandraOptions } from '../../src/store/cassandra/index.js';
import type { Stores } from '../../src/store/types.js';
import { connectCassandra, dropKeyspace, uniqueKeyspace, useCassandra } from '../support/cassandra.js';
import type { SharedCassandra } from '../support/cassandra.js';
import { GC_GRACE_MS, INTENT_LEASE_MS } from './suite/harness.js';
import type { StoresUnderTest } from './suite/harness.js';

/** Small, so that blobs of a few chunks cross blocks. */
const CHUNK_BYTES = 64 * 1024;
const BLOCK_CHUNKS = 3;

/** One keyspace for all layers, as in Pithos's own example configuration. */
export async function makeCassandraStores(): Promise<StoresUnderTest> {
  const shared = useCassandra();
  const keyspace = uniqueKeyspace('contract');
  const config = cassandraConfig(shared, keyspace);
  await installSchema({ targets: schemaTargets(config), waitMs: 60_000 });
  return {
    open: async (limits = {}) =>
      openCassandraStores({
        buckets: config.bucketstore,
        regions: config.regions,
        options: { gcGraceMs: GC_GRACE_MS, intentLeaseMs: INTENT_LEASE_MS, ...limits },
      }),
    corruptBlob: async (_region, _storageClass, inode, chunkIndex) => {
      const client = await connectCassandra({ ...shared, keyspace });
      try {
        await flipByte(client, inode, chunkIndex);
      } finally {
        await client.shutdown();
      }
    },
    cleanup: () => dropKeyspace({ ...shared, keyspace }),
  };
}

/** Stores of one region in a keyspace of their own, for who looks at rows: closing and dropping it is the caller's. */
export async function openOwnStores(
  keyspace: string,
  region: string,
  options: Partial<CassandraOptions> = {},
): Promise<{ readonly stores: Stores; readonly target: CassandraTarget }> {
  const target = cassandraTarget(useCassandra(), keyspace);
  const blobs: BlobTarget = { ...target, maxChunkBytes: CHUNK_BYTES, maxBlockChunks: BLOCK_CHUNKS };
  const regions = { [region]: { metastore: target, storageClasses: { STANDARD: blobs } } };
  await installSchema({ targets: schemaTargets({ bucketstore: target, regions }), waitMs: 60_000 });
  return { stores: openCassandraStores({ buckets: target, regions, options }), target };
}

export function cassandraTarget(shared: SharedCassandra, keyspace: string): CassandraTarget {
  return {
    contactPoints: [shared.contactPoint],
    port: Number(shared.contactPoint.split(':').at(-1)),
    keyspace,
    repfactor: 1,
    readConsistency: 'local-quorum',
    writeConsistency: 'local-quorum',
    serialConsistency: 'local-serial',
    requestTimeoutMs: 12_000,
    connectTimeoutMs: 5_000,
  };
}

function cassandraConfig(shared: SharedCassandra, keyspace: string) {
  const target = cassandraTarget(shared, keyspace);
  const blobs: BlobTarget = { ...target, maxChunkBytes: CHUNK_BYTES, maxBlockChunks: BLOCK_CHUNKS };
  return {
    bucketstore: target,
    regions: {
      'contract-1': { metastore: target, storageClasses: { STANDARD: blobs, STANDARD_IA: blobs } },
      'contract-2': { metastore: target, storageClasses: { STANDARD: blobs } },
    },
  };
}

async function flipByte(client: Client, inode: string, chunk: number): Promise<void> {
  const at = [types.Uuid.fromString(inode), Math.floor(chunk / BLOCK_CHUNKS), chunk];
  const where = 'WHERE inode = ? AND block = ? AND chunk = ?';
  const found = await client.execute(`SELECT payload FROM blob_block ${where}`, at, { prepare: true });
  const payload = Buffer.from(found.first().get('payload') as Buffer);
  const middle = payload.length >> 1;
  payload.writeUInt8(payload.readUInt8(middle) ^ 1, middle);
  await client.execute(`UPDATE blob_block SET payload = ? ${where}`, [payload, ...at], { prepare: true });
}
