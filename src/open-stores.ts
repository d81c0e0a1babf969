/**
 * Configuration -> stores and the keys that protect what is in them. Only the store in use is loaded: a laptop needs no
 * Cassandra driver, a gateway no LMDB.
 */
import type { Logger } from 'pino';
import type { Peers } from './cluster/peers.js';
import type { Config } from './config/index.js';
import type { MasterKey } from './config/types.js';
import { LocalKms } from './data/kms-local.js';
import { KeyRing } from './data/sse.js';
import type { EncryptionServices } from './s3/encryption.js';
import { NO_OBSERVER } from './store/shared/observer.js';
import type { StoreObserver } from './store/shared/observer.js';
import type { Stores } from './store/types.js';

export interface OpenedStores {
  readonly stores: Stores;
  readonly encryption: EncryptionServices;
  /** newest first; empty: none is configured */
  readonly masterKeys: readonly MasterKey[];
}

export interface OpenStoresOptions {
  readonly log: Logger;
  readonly peers: Peers;
  /** Told of the calls that the stores make; default nobody. */
  readonly observer?: StoreObserver;
}

export async function openStores(
  config: Config,
  { log, peers, observer = NO_OBSERVER }: OpenStoresOptions,
): Promise<OpenedStores> {
  const { store, encryption, gc, limits, options } = config;
  const { maxVersionsPerKey, maxBucketsPerTenant } = limits;
  if (store.kind === 'embedded') {
    const { openEmbeddedStores } = await import('./store/embedded/index.js');
    const { loadOrCreateMasterKey } = await import('./store/embedded/master-key.js');
    const stores = await openEmbeddedStores({
      dataDir: store.dataDir,
      regionNames: [options.defaultRegion],
      storageClasses: store.storageClasses,
      gcGraceMs: gc.graceMs,
      intentLeaseMs: gc.intentLeaseMs,
      maxVersionsPerKey,
      maxBucketsPerTenant,
      logger: log,
      observer,
    });
    const current = encryption.masterKey ?? (await loadOrCreateMasterKey(store.dataDir));
    return {
      stores,
      encryption: encryptionServices(config, current, [options.defaultRegion]),
      masterKeys: [current, ...encryption.previousKeys],
    };
  }
  const { openCassandraStores, rangeLimits } = await import('./store/cassandra/index.js');
  const stores = openCassandraStores({
    buckets: store.bucketstore,
    regions: store.regions,
    peers,
    options: {
      bucketCacheTtlMs: options.bucketCacheTtlMs,
      indexLimits: rangeLimits(options.indexRangeRows),
      gcGraceMs: gc.graceMs,
      intentLeaseMs: gc.intentLeaseMs,
      maxVersionsPerKey,
      maxBucketsPerTenant,
      logger: log,
      observer,
    },
  });
  const { masterKey, previousKeys } = encryption;
  return {
    stores,
    encryption: encryptionServices(config, masterKey, Object.keys(store.regions)),
    masterKeys: masterKey === null ? [] : [masterKey, ...previousKeys],
  };
}

function encryptionServices(
  { encryption, options }: Config,
  masterKey: MasterKey | null,
  regions: readonly string[],
): EncryptionServices {
  const previous = encryption.previousKeys;
  return {
    offered: options.serverSideEncryption,
    keyRing: masterKey === null ? null : new KeyRing({ current: masterKey, previous }),
    kms: new LocalKms({
      keys: encryption.kmsKeys,
      defaultKeyId: encryption.kmsDefaultKey,
      masterKeys: masterKey === null ? [] : [masterKey, ...previous].map(({ key }) => key),
      regions,
    }),
    customerKeysRequireTls: encryption.customerKeysRequireTls,
  };
}
