/** What the contract suites need of a store under test, and the builders that their cases share. */
import { afterAll, beforeAll, expect } from 'vitest';
import { randomUUID } from 'node:crypto';
import { StoreError } from '../../../src/store/errors.js';
import type { StoreErrorKind } from '../../../src/store/errors.js';
import type {
  BlobRef,
  BlobStore,
  BucketRecord,
  BucketRef,
  GarbageEntry,
  Intent,
  KeyCommit,
  MetadataStore,
  NewBucket,
  ObjectVersion,
  Owner,
  PartRecord,
  Region,
  Stores,
  UploadRecord,
  VersionDraft,
  VersionEntry,
} from '../../../src/store/types.js';

/** Both factories configure their stores with these. */
export const GC_GRACE_MS = 30_000;
export const INTENT_LEASE_MS = 60_000;
/** Added to the clock, makes everything due that these give time to. */
export const LATER_MS = 5 * 60_000;

/** What stores take at most; each has a default. */
export interface StoreLimits {
  readonly maxVersionsPerKey?: number;
  readonly maxBucketsPerTenant?: number;
}

export interface StoresUnderTest {
  /** Called once per suite, and for each gateway more that a suite has on the same data. */
  open(limits?: StoreLimits): Promise<Stores>;
  /** Changes at least one stored byte of a chunk behind the store's back. */
  corruptBlob(region: string, storageClass: string, inode: string, chunkIndex: number): Promise<void>;
  /** After stores.close(). */
  cleanup(): Promise<void>;
}

export type MakeStores = () => Promise<StoresUnderTest>;

export interface Fixture {
  readonly stores: Stores;
  readonly underTest: StoresUnderTest;
  readonly region: Region;
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  /** A new bucket of the first region. */
  readonly bucket: (overrides?: Partial<NewBucket>) => Promise<BucketRecord>;
}

/** Opens the stores before the suite's cases and closes them after. */
export function useStores(makeStores: MakeStores): () => Fixture {
  let fixture: Fixture | null = null;
  beforeAll(async () => {
    const underTest = await makeStores();
    const stores = await underTest.open();
    await stores.ready();
    const region = stores.regions.values().next().value;
    const blobs = region?.blobs.get('STANDARD');
    if (region === undefined || blobs === undefined) throw new Error('no region with storage class STANDARD');
    const bucket = async (overrides: Partial<NewBucket> = {}) => {
      const created = await stores.buckets.create(newBucket(region.name, overrides));
      expect(created.created).toBe(true);
      return created.bucket;
    };
    fixture = { stores, underTest, region, metadata: region.metadata, blobs, bucket };
  });
  afterAll(async () => {
    await fixture?.stores.close();
    await fixture?.underTest.cleanup();
  });
  return () => {
    if (fixture === null) throw new Error('the stores are not open');
    return fixture;
  };
}

export const OWNER: Owner = { id: 'tenant@example.com', displayName: 'A Tenant' };

export function newBucket(region: string, overrides: Partial<NewBucket> = {}): NewBucket {
  return {
    name: `bucket-${randomUUID()}`,
    region,
    owner: OWNER,
    versioning: 'unversioned',
    objectLock: false,
    documents: {},
    ...overrides,
  };
}

export function draft(overrides: Partial<VersionDraft> = {}): VersionDraft {
  return {
    deleteMarker: false,
    sizeBytes: 5,
    etag: '5d41402abc4b2a76b9719d911017c592',
    lastModified: 1_700_000_000_000,
    storageClass: 'STANDARD',
    owner: OWNER,
    headers: { 'content-type': 'text/plain' },
    data: { kind: 'inline', bytes: Buffer.from('hello') },
    acl: null,
    tags: {},
    parts: null,
    checksum: null,
    encryption: null,
    retention: null,
    legalHold: false,
    uploadId: null,
    extra: {},
    ...overrides,
  };
}

export function markerDraft(): VersionDraft {
  return draft({ deleteMarker: true, sizeBytes: 0, etag: '', headers: {}, data: { kind: 'none' } });
}

export function blobRef(overrides: Partial<BlobRef> = {}): BlobRef {
  return { inode: randomUUID(), storageClass: 'STANDARD', sizeBytes: 1000, chunkSizeBytes: 1024, ...overrides };
}

export function blobDraft(...blobs: readonly BlobRef[]): VersionDraft {
  const sizeBytes = blobs.reduce((sum, blob) => sum + blob.sizeBytes, 0);
  return draft({ sizeBytes, data: { kind: 'blobs', blobs } });
}

/** Puts as a bucket without versioning does: the null version takes the place of the one before. */
export function overwrite(
  metadata: MetadataStore,
  bucket: BucketRef,
  key: string,
  version: VersionDraft = draft(),
  intent?: Intent,
): Promise<KeyCommit> {
  return metadata.commit({
    bucket,
    key,
    select: 'latest',
    ...(intent !== undefined && { intent }),
    decide: ({ nullVersion }) => ({
      put: { draft: version, isNull: true },
      remove: nullVersion === null ? [] : [nullVersion],
    }),
  });
}

/** Puts as a bucket with versioning does; answers the version. */
export async function putVersion(
  metadata: MetadataStore,
  bucket: BucketRef,
  key: string,
  version: VersionDraft = draft(),
): Promise<ObjectVersion> {
  const commit = await metadata.commit({
    bucket,
    key,
    select: 'latest',
    decide: () => ({ put: { draft: version, isNull: false } }),
  });
  if (commit.version === null) throw new Error('the commit answered no version');
  return commit.version;
}

/** Removes the version of that id, if there is one. */
export function removeVersion(
  metadata: MetadataStore,
  bucket: BucketRef,
  key: string,
  versionId: string,
): Promise<KeyCommit> {
  return metadata.commit({
    bucket,
    key,
    select: { versionId },
    decide: ({ selected }) => (selected === null ? null : { remove: [selected] }),
  });
}

export async function allVersions(metadata: MetadataStore, bucket: BucketRef): Promise<readonly VersionEntry[]> {
  return metadata.scanVersions(bucket, {
    from: '',
    inclusive: true,
    end: null,
    limit: 100_000,
    fromSeqBelow: null,
  });
}

export async function allKeys(metadata: MetadataStore, bucket: BucketRef): Promise<string[]> {
  const entries = await metadata.scanObjects(bucket, { from: '', inclusive: true, end: null, limit: 100_000 });
  return entries.map((entry) => entry.key);
}

export function uploadRecord(key: string, uploadId: string, overrides: Partial<UploadRecord> = {}): UploadRecord {
  return {
    uploadId,
    key,
    createdAt: 1_700_000_000_000,
    initiator: { id: 'initiator', displayName: 'Initiator' },
    owner: OWNER,
    state: 'open',
    storageClass: 'STANDARD',
    headers: {},
    acl: null,
    tags: {},
    checksum: null,
    encryption: null,
    retention: null,
    legalHold: false,
    extra: {},
    ...overrides,
  };
}

export function partRecord(partNumber: number, overrides: Partial<PartRecord> = {}): PartRecord {
  return {
    partNumber,
    sizeBytes: 1000,
    etag: `etag-of-${partNumber}`,
    lastModified: 1_700_000_000_000 + partNumber,
    checksums: {},
    blob: blobRef(),
    ...overrides,
  };
}

/** The garbage of a key that is due once everything that waits has waited. */
export async function garbageOf(
  metadata: MetadataStore,
  bucket: BucketRef,
  key: string,
): Promise<readonly GarbageEntry[]> {
  const due = await metadata.dueGarbage({ nowMs: Date.now() + LATER_MS, limit: 100_000 });
  return due.filter((entry) => entry.bucket.instance === bucket.instance && entry.key === key);
}

/** Inodes in the garbage of a key, sorted. */
export async function garbageInodes(metadata: MetadataStore, bucket: BucketRef, key: string): Promise<string[]> {
  const entries = await garbageOf(metadata, bucket, key);
  return entries.flatMap((entry) => entry.blobs.map((blob) => blob.inode)).sort();
}

/** Asserts that it rejects with a StoreError of that kind, and answers the error. */
export async function expectStoreError(operation: Promise<unknown>, kind: StoreErrorKind): Promise<StoreError> {
  const error: unknown = await operation.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StoreError);
  const storeError = error as StoreError;
  expect(storeError.kind, storeError.stack).toBe(kind);
  return storeError;
}

/** Garbage may be recorded after the acknowledgement: asks again until it is as expected or 10 s are over. */
export async function eventually<T>(read: () => Promise<T>, expected: T): Promise<void> {
  await expect.poll(read, { timeout: 60_000, interval: 50 }).toEqual(expected);
}

/** 0..count-1 */
export function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** Runs the task for every item, `width` at a time. */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  task: (item: T) => Promise<unknown>,
): Promise<void> {
  const queue = items.values();
  await Promise.all(
    range(width).map(async () => {
      for (const item of queue) await task(item);
    }),
  );
}
