/**
 * What maintenance (fsck, gc) asks of a store: everything that is in it, streamed in an order of the store's own, and exact looks at
 * single keys and blobs. Reads only, unless a method says otherwise. Scans see each thing that does not move meanwhile; what moves
 * may be missed or seen twice, so whoever concludes something from a scan looks again.
 */
import type { BlobName } from './shared/key-change.js';
import type { BucketRecord, BucketRef, ObjectVersion, PartRecord, UploadRecord } from './types.js';

export interface AuditScan {
  /** Where an earlier scan was: a page's cursor; null from the start. */
  readonly cursor: string | null;
  readonly signal: AbortSignal;
}

export interface AuditPage<T> {
  readonly items: readonly T[];
  readonly faults: readonly RowFault[];
  /** Going on here brings everything behind this page; null: goes on at an earlier cursor only. */
  readonly cursor: string | null;
  /** of the scan that is done, 0 to 1; null: not known */
  readonly fraction: number | null;
}

/** A row that makes no sense by itself. */
export interface RowFault {
  /** instance */
  readonly bucket: string;
  readonly key: string;
  readonly what: string;
  /** The version that it is about, where reading that one again tells whether it is so; else null. */
  readonly versionId: string | null;
  /** Mending the key's listing (repairIndex) helps. */
  readonly mendable: boolean;
}

/** A row of a listing: as it is, or as it should be. */
export interface ListingRow {
  readonly list: 'objects' | 'versions' | 'uploads';
  /** instance */
  readonly bucket: string;
  readonly key: string;
  /** tells the rows of a key apart: seq, upload id */
  readonly sub: string;
  /** what it says, comparable as text */
  readonly entry: string;
}

export interface AuditedVersion {
  /** instance */
  readonly bucket: string;
  readonly key: string;
  readonly version: ObjectVersion;
  readonly latest: boolean;
  /** Rows that the listings must have of it; none where listings and versions are the same rows. */
  readonly listed: readonly ListingRow[];
}

export interface AuditedUpload {
  /** instance */
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
  /** null: there are parts, but no upload */
  readonly upload: UploadRecord | null;
  readonly parts: readonly PartRecord[];
  readonly listed: readonly ListingRow[];
}

/** What waits for the sweeper. */
export interface BacklogEntry {
  /** commit: a change of a key that was under way; intent: blobs being written; garbage: blobs let go */
  readonly kind: 'commit' | 'intent' | 'garbage';
  readonly bucket: BucketRef;
  readonly key: string;
  readonly blobs: readonly BlobName[];
  /** ms since the epoch; null: not known */
  readonly createdMs: number | null;
  /** ms since the epoch: not before this */
  readonly notBeforeMs: number;
}

export interface RegionAudit {
  readonly region: string;
  /** Regions with the same have their keys in the same tables: the scan of one brings those of all of them. */
  readonly tables: string;
  /** Every version of every key; all versions of a key come together. withInline: their inline bytes too, checked. */
  versions(scan: AuditScan & { readonly withInline: boolean }): AsyncIterable<AuditPage<AuditedVersion>>;
  /** Every upload with its parts. */
  uploads(scan: AuditScan): AsyncIterable<AuditPage<AuditedUpload>>;
  /** Every row of the bucket's listings, where these are rows of their own. */
  listings(bucket: BucketRef, scan: AuditScan): AsyncIterable<AuditPage<ListingRow>>;
  backlog(options: { readonly signal: AbortSignal }): AsyncIterable<readonly BacklogEntry[]>;
  /**
   * What is wrong with the listing rows of one key, and of these uploads of it, at one moment.
   * @throws StoreError contention when the key changes faster than it can be read
   */
  checkKey(bucket: BucketRef, key: string, uploadIds: readonly string[]): Promise<readonly string[]>;
  /** Whether a version of the key refers to the blob, now. */
  refersTo(bucket: BucketRef, key: string, inode: string): Promise<boolean>;
  /** Keys that a rename may have carried the blob to. */
  holdersOf(inode: string): Promise<readonly string[]>;
  /** Writes: hands blobs that nothing refers to over to the sweeper. */
  queueOrphans(blobs: readonly BlobName[]): Promise<void>;
}

/** A blob that is there. */
export interface StoredBlob {
  readonly inode: string;
  /** when it was begun or written to last: ms since the epoch; null: not known */
  readonly writtenMs: number | null;
  /** It is known by this block of it alone: what should name all its blocks is not there. null: it is as it should be. */
  readonly strayBlock: number | null;
}

/** A blob as it should be. */
export interface ExpectedBlob {
  readonly inode: string;
  readonly chunks: number;
  /** of every stored chunk but the last */
  readonly storedChunkSizeBytes: number;
  readonly lastChunkSizeBytes: number;
}

export interface BlobFault {
  readonly what: string;
  /** missing: (some of) it is not there; corrupt: it is not what was written */
  readonly kind: 'missing' | 'corrupt';
  /** A good replica was found and written back. */
  readonly repaired: boolean;
}

export interface BlobCheck {
  /** Every chunk is read; else only looked for. */
  readonly data: boolean;
  /** Writes: chunks that a replica has are written back. */
  readonly repair: boolean;
  /** Told of what is about to be read: chunks. */
  readonly onRead: (chunks: number) => Promise<void>;
  readonly signal: AbortSignal;
}

/** One place that blobs lie in: a keyspace, a folder. Several storage classes, and regions, may share it. */
export interface PlaceAudit {
  /** for people */
  readonly name: string;
  /** [region, storage class] that have their blobs here */
  readonly serves: readonly (readonly [region: string, storageClass: string])[];
  blobs(scan: AuditScan): AsyncIterable<AuditPage<StoredBlob>>;
  /** Looks again; null: there is none any more. */
  find(blob: Pick<StoredBlob, 'inode' | 'strayBlock'>): Promise<StoredBlob | null>;
  /** Writes: makes sure that a deletion of the blob finds all of it. */
  prepareDeletion(blob: StoredBlob): Promise<void>;
  check(blob: ExpectedBlob, options: BlobCheck): Promise<readonly BlobFault[]>;
  /** Stored bytes; null: not known without reading them. */
  sizeBytes(inode: string): Promise<number | null>;
}

/** A row that says that a tenant has a bucket. */
export interface TenantBucket {
  readonly name: string;
  /** null: the store does not say */
  readonly instance: string | null;
}

export interface StoreAudit {
  readonly regions: ReadonlyMap<string, RegionAudit>;
  readonly places: readonly PlaceAudit[];
  /** Rows of the tenants' lists of buckets. */
  tenantBuckets(scan: AuditScan): AsyncIterable<AuditPage<TenantBucket>>;
  /** Whether the owner's list has the bucket. */
  isListedByTenant(bucket: BucketRecord): Promise<boolean>;
  /** Writes: puts it there. */
  listByTenant(bucket: BucketRecord): Promise<void>;
}

/**
 * The key that orphans are handed over under: of a bucket that no name can have, so that the sweeper finds nothing that refers to
 * them. By then two scans of everything have found nothing either, and what nothing refers to nothing can come to refer to: blobs are
 * referred to by whoever announced them, or by who renames what refers to them.
 */
export function orphanage(region: string): { readonly bucket: BucketRef; readonly key: string } {
  return { bucket: { name: '(orphans)', instance: '00000000-0000-4000-8000-000000000000', region }, key: 'orphans' };
}
