/**
 * Configuration -> stores and the keys that protect what is in them. Only the store in use is loaded: a laptop needs no
 * Cassandra driver, a gateway no LMDB.
 */
import type { Logger } from 'pino';
import type { Config } from './config/index.js';
import { KeyRing } from './data/sse.js';
import type { Stores } from './store/types.js';

export interface OpenedStores {
  readonly stores: Stores;
  /** null: server-side encryption is refused by name */
  readonly keyRing: KeyRing | null;
}

export async function openStores(config: Config, log: Logger): Promise<OpenedStores> {
  const { store, encryption, gc, options } = config;
  const previous = encryption.previousKeys;
  if (store.kind === 'embedded') {
    const { openEmbeddedStores } = await import('./store/embedded/index.js');
    const { loadOrCreateMasterKey } = await import('./store/embedded/master-key.js');
    const stores = await openEmbeddedStores({
      dataDir: store.dataDir,
      regionNames: [options.defaultRegion],
      storageClasses: ['STANDARD'],
      gcGraceMs: gc.graceMs,
      intentLeaseMs: gc.intentLeaseMs,
      logger: log,
    });
    const current = encryption.masterKey ?? (await loadOrCreateMasterKey(store.dataDir));
    return { stores, keyRing: options.serverSideEncryption ? new KeyRing({ current, previous }) : null };
  }
  const { openCassandraStores } = await import('./store/cassandra/index.js');
  const stores = await openCassandraStores({
    buckets: store.bucketstore,
    regions: store.regions,
    options: {
      bucketCacheTtlMs: options.bucketCacheTtlMs,
      gcGraceMs: gc.graceMs,
      intentLeaseMs: gc.intentLeaseMs,
      logger: log,
    },
  });
  const { masterKey } = encryption;
  return {
    stores,
    keyRing: masterKey === null || !options.serverSideEncryption ? null : new KeyRing({ current: masterKey, previous }),
  };
}
