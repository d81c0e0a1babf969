/** The Cassandra stores: buckets in one keyspace, metadata in one per region, blobs in one per storage class. */
import type { CassandraTarget, RegionConfig } from '../../config/types.js';
import type { Peers } from '../../cluster/peers.js';
import { NO_PEERS } from '../../cluster/peers.js';
import { StoreError } from '../errors.js';
import type { BlobStore, BucketRecord, Region, Stores } from '../types.js';
import { CassandraBlobStore } from './blob-store.js';
import { BucketGuard } from './bucket-guard.js';
import { CassandraBucketStore } from './bucket-store.js';
import { ClusterPool } from './cluster.js';
import type { Session } from './cluster.js';
import type { AuditedRegion } from './fsck-audit.js';
import { CassandraIam } from './iam.js';
import { CassandraMetadataStore } from './metadata-store.js';
import { DEFAULT_CASSANDRA_OPTIONS } from './options.js';
import type { CassandraOptions } from './options.js';
import { Quotas } from './quotas.js';
import { clocksOf } from './clocks.js';
import { topologyOf } from './topology.js';
import { verifySchema } from './verify-schema.js';
import type { Layer } from './migrations.js';

export { installSchema, schemaTargets } from './bootstrap.js';
export type { InstallSchemaOptions, KeyspaceReport, SchemaTarget } from './bootstrap.js';
export { DEFAULT_CASSANDRA_OPTIONS } from './options.js';
export { rangeLimits } from './range-plan.js';
export type { CassandraOptions } from './options.js';

export interface CassandraStoresOptions {
  readonly buckets: CassandraTarget;
  readonly regions: Readonly<Record<string, RegionConfig>>;
  readonly options?: Partial<CassandraOptions>;
  /** Other processes of the same server, which remember buckets too; default none. */
  readonly peers?: Peers;
}

/** Connects when first used. ready() tells whether the stores can serve. */
export function openCassandraStores(config: CassandraStoresOptions): Stores {
  const options: CassandraOptions = { ...DEFAULT_CASSANDRA_OPTIONS, ...config.options };
  const pool = new ClusterPool(options);
  const { peers = NO_PEERS } = config;
  const sessions: { readonly layer: Layer; readonly session: Session }[] = [];
  const open = (layer: Layer, target: CassandraTarget): Session => {
    const session = pool.session(target);
    sessions.push({ layer, session });
    return session;
  };

  const metadata = new Map<string, CassandraMetadataStore>();
  const bucketSession = open('bucketstore', config.buckets);
  const buckets: CassandraBucketStore = new CassandraBucketStore({
    session: bucketSession,
    options,
    onFenced: (bucket) => guard.forget(bucket),
    onChanged: (name) => peers.announce('bucket', name),
    beforeRemoval: async (bucket: BucketRecord) => metadata.get(bucket.region)?.removeUploads(bucket),
    quotas: {
      opening: (bucket) => quotas.store.opening(bucket),
      opened: (bucket) => quotas.store.opened(bucket),
      closed: (bucket) => quotas.store.closed(bucket),
    },
  });
  const quotas: Quotas = new Quotas({
    session: bucketSession,
    buckets,
    region: (name) => metadata.get(name)?.quotaRegion ?? null,
    options,
  });
  peers.onAnnounced('bucket', (name) => buckets.forget(name));
  const guard = new BucketGuard((name) => buckets.get(name, { fresh: true }));
  const regions = new Map<string, Region>();
  const audited: AuditedRegion[] = [];
  for (const [name, { metastore, storageClasses }] of Object.entries(config.regions)) {
    const session = open('metastore', metastore);
    const store = new CassandraMetadataStore({ region: name, session, guard, quotas: quotas.holds, options });
    metadata.set(name, store);
    const blobs = new Map<string, BlobStore>();
    const blobSessions = new Map<string, Session>();
    audited.push({ name, session, ranges: store.indexRanges.ranges, blobs: blobSessions });
    for (const [storageClass, target] of Object.entries(storageClasses)) {
      const blobSession = open('blobstore', target);
      blobSessions.set(storageClass, blobSession);
      blobs.set(
        storageClass,
        new CassandraBlobStore({
          session: blobSession,
          chunkSizeBytes: target.maxChunkBytes,
          blockChunks: target.maxBlockChunks,
          window: options.blobWindow,
          now: options.now,
          logger: options.logger,
        }),
      );
    }
    if (!blobs.has('STANDARD')) {
      throw new StoreError('internal', 'notApplied', `region ${name} has no storage class STANDARD`);
    }
    regions.set(name, { name, consistency: metastore.consistency ?? 'linearizable', metadata: store, blobs });
  }

  return {
    kind: 'cassandra',
    buckets,
    iam: new CassandraIam(bucketSession),
    quotas: quotas.store,
    regions,
    ready: () => verifySchema(sessions),
    topology: async () => ({
      kind: 'cassandra',
      clusters: await Promise.all(
        pool.clusters.map((cluster) => {
          const ours = sessions.filter(({ session }) => session.cluster === cluster);
          return topologyOf(cluster, new Set(ours.map(({ session }) => session.target.keyspace)));
        }),
      ),
    }),
    clocks: async () => (await Promise.all(pool.clusters.map(clocksOf))).flat(),
    audit: async () => {
      const { CassandraAudit } = await import('./fsck-audit.js');
      return new CassandraAudit({ bucketSession, regions: audited, options });
    },
    close: async () => {
      await Promise.all([...metadata.values()].map((store) => store.drain().catch(() => undefined)));
      await quotas.drain().catch(() => undefined);
      await pool.close();
    },
  };
}
