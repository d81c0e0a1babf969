/** The embedded store: LMDB for metadata and small objects, files for blobs, all under one data directory. */
import { access, constants, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreError } from '../errors.js';
import type { StoreLogger } from '../shared/logger.js';
import { NO_OBSERVER } from '../shared/observer.js';
import type { StoreObserver } from '../shared/observer.js';
import { DEFAULT_MAX_VERSIONS_PER_KEY } from '../shared/version-limit.js';
import type { Region, Stores } from '../types.js';
import { pathComponent } from './blob-file.js';
import { BlobReserve } from './blob-reserve.js';
import { FileBlobStore } from './blob-store.js';
import { EmbeddedBuckets } from './buckets.js';
import type { RegionContext } from './context.js';
import { prepareDataDir } from './data-dir.js';
import { MetaDatabase } from './database.js';
import { DirectorySyncs, fileError, syncDirectory } from './fs-errors.js';
import { EmbeddedAudit } from './fsck-audit.js';
import { FolderPlace } from './fsck-place.js';
import { EmbeddedIam } from './iam.js';
import { EmbeddedMetadata } from './metadata.js';
import { embeddedTopology } from './topology.js';
import { dropQuota, openQuota } from './quota-rows.js';
import { EmbeddedQuotas } from './quotas.js';
import { dropUploadsOfBucket } from './uploads.js';

export interface EmbeddedStoresOptions {
  /** created when it is not there; must be Pithos data of a known format, or empty */
  readonly dataDir: string;
  readonly regionNames: readonly string[];
  /** name -> folder that holds its blobs, null: dataDir; every region has them all */
  readonly storageClasses: Readonly<Record<string, string | null>>;
  /** plaintext bytes of a chunk of new blobs, default 1 MiB */
  readonly chunkSizeBytes?: number;
  /** how long superseded blobs stay, for those who still read them */
  readonly gcGraceMs: number;
  readonly intentLeaseMs: number;
  /** Of a key, delete markers too; default 10,000. */
  readonly maxVersionsPerKey?: number;
  /** Default 10,000. */
  readonly maxBucketsPerTenant?: number;
  /** the clock, ms since the epoch */
  readonly now?: () => number;
  readonly logger?: StoreLogger;
  /** Told of commits and syncs; default nobody. */
  readonly observer?: StoreObserver;
}

const DEFAULT_CHUNK_SIZE_BYTES = 1024 * 1024;

/**
 * Any number of processes may have the same directory open.
 * @throws StoreError storage (no access, no space), internal (foreign or newer data)
 */
export async function openEmbeddedStores(options: EmbeddedStoresOptions): Promise<Stores> {
  const { dataDir, regionNames, storageClasses, gcGraceMs, intentLeaseMs, now = Date.now } = options;
  const { observer = NO_OBSERVER, maxVersionsPerKey = DEFAULT_MAX_VERSIONS_PER_KEY, maxBucketsPerTenant } = options;
  await prepareDataDir(dataDir);
  const db = await openDatabase(options);
  const directorySyncs = new DirectorySyncs();
  const regions = new Map<string, Region>();
  const contexts = new Map<string, RegionContext>();
  const places: FolderPlace[] = [];
  const allReserves: BlobReserve[] = [];
  const folders = [{ path: join(dataDir, 'meta'), holds: 'metadata' }];
  try {
    for (const name of regionNames) {
      const context = { region: name, db, tables: db.region(name), now, gcGraceMs, intentLeaseMs, maxVersionsPerKey };
      contexts.set(name, context);
      const blobs = new Map<string, FileBlobStore>();
      const reserves = new Map<string, BlobReserve>();
      for (const [storageClass, folder] of Object.entries(storageClasses)) {
        const root = await createBlobRoot(directorySyncs, folder ?? dataDir, [name, storageClass]);
        const chunkSizeBytes = options.chunkSizeBytes ?? DEFAULT_CHUNK_SIZE_BYTES;
        const files = new FileBlobStore({ root, chunkSizeBytes, directorySyncs, observer });
        blobs.set(storageClass, files);
        reserves.set(storageClass, new BlobReserve({ context, storageClass, blobs: files }));
        places.push(new FolderPlace(root, [name, storageClass]));
        folders.push({ path: root, holds: `${name} ${storageClass}` });
      }
      regions.set(name, { name, metadata: new EmbeddedMetadata(context, reserves), blobs });
      allReserves.push(...reserves.values());
    }
  } catch (cause) {
    await db.close();
    throw cause;
  }
  const classes = Object.keys(storageClasses);
  options.logger?.info({ dataDir, regions: regionNames, storageClasses: classes }, 'embedded store open');

  return {
    kind: 'embedded',
    regions,
    iam: new EmbeddedIam(db),
    quotas: new EmbeddedQuotas(db, (region) => db.region(region)),
    buckets: new EmbeddedBuckets({
      db,
      now,
      ...(maxBucketsPerTenant === undefined ? {} : { maxPerTenant: maxBucketsPerTenant }),
      onCreated: (writes, bucket) => openQuota(db, writes, bucket),
      onRemoved: (writes, bucket) => {
        dropQuota(db, writes, bucket);
        const context = contexts.get(bucket.region);
        if (context !== undefined) dropUploadsOfBucket(context, writes, bucket);
      },
    }),
    ready: async () => {
      db.fresh();
      try {
        await access(dataDir, constants.R_OK | constants.W_OK);
      } catch (cause) {
        throw fileError(`write to the data directory ${dataDir}`, cause);
      }
    },
    topology: () => embeddedTopology(folders),
    // There is but this machine.
    clocks: async () => [],
    audit: async () => new EmbeddedAudit(db, contexts.values(), places),
    close: async () => {
      await Promise.all(allReserves.map((reserve) => reserve.close()));
      await db.close();
    },
  };
}

async function openDatabase({
  dataDir,
  regionNames,
  observer = NO_OBSERVER,
}: EmbeddedStoresOptions): Promise<MetaDatabase> {
  const path = join(dataDir, 'meta');
  try {
    const db = new MetaDatabase({ path, regionNames, observer });
    // LMDB syncs its file, not the file's name
    await syncDirectory(path);
    return db;
  } catch (cause) {
    const reason = cause instanceof Error ? `: ${cause.message}` : '';
    throw new StoreError('storage', 'notApplied', `cannot open the metadata in ${path}${reason}`, cause);
  }
}

/** <folder>/blobs/<region>/<class>, durable. */
async function createBlobRoot(
  syncs: DirectorySyncs,
  folder: string,
  [region, storageClass]: readonly [region: string, storageClass: string],
): Promise<string> {
  let path = folder;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    for (const component of ['blobs', pathComponent(region), pathComponent(storageClass)]) {
      const parent = path;
      path = join(path, component);
      await mkdir(path, { recursive: true, mode: 0o700 });
      await syncs.sync(parent);
    }
  } catch (cause) {
    throw fileError(`create the directory ${path}`, cause);
  }
  return path;
}
