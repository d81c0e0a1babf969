/**
 * Inventory configurations: what reports a bucket wants of itself. One document of the bucket per configuration.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory.html
 */
import type { BucketRecord } from '../store/types.js';
import { compareKeys } from '../store/key-order.js';

/** In the order in which reports have them. */
export const INVENTORY_FIELDS = [
  'Size',
  'LastModifiedDate',
  'ETag',
  'StorageClass',
  'IsMultipartUploaded',
  'ReplicationStatus',
  'EncryptionStatus',
  'ObjectLockRetainUntilDate',
  'ObjectLockMode',
  'ObjectLockLegalHoldStatus',
  'IntelligentTieringAccessTier',
  'BucketKeyStatus',
  'ChecksumAlgorithm',
  'ObjectAccessControlList',
  'ObjectOwner',
  'LifecycleExpirationDate',
] as const;

export type InventoryField = (typeof INVENTORY_FIELDS)[number];

export type InventoryFormat = 'CSV' | 'Parquet';

export type InventoryEncryption = { readonly kind: 'SSE-S3' } | { readonly kind: 'SSE-KMS'; readonly keyId: string };

export interface InventoryDestination {
  /** name of the bucket that reports go to */
  readonly bucket: string;
  /** the account that must own it; null: any may */
  readonly accountId: string | null;
  readonly format: InventoryFormat;
  readonly prefix: string | null;
  /** null: as the destination bucket encrypts by default */
  readonly encryption: InventoryEncryption | null;
}

export interface InventoryConfiguration {
  readonly id: string;
  readonly enabled: boolean;
  /** keys that the report is about; null: no filter */
  readonly prefix: string | null;
  /** true: all versions; false: the current ones */
  readonly allVersions: boolean;
  readonly frequency: 'Daily' | 'Weekly';
  /** as they were asked for; null: none were */
  readonly fields: readonly InventoryField[] | null;
  readonly destination: InventoryDestination;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketInventoryConfiguration.html */
export const MAX_INVENTORIES = 1000;

const DOCUMENT = 'inventory/';
const LEASE_DOCUMENT = 'inventory-lease/';

/** Name of the bucket document that holds the configuration as JSON. */
export function inventoryDocument(id: string): string {
  return DOCUMENT + id;
}

/** Name of the bucket document that says which gateway makes the report, and when it made the last one. */
export function inventoryLeaseDocument(id: string): string {
  return LEASE_DOCUMENT + id;
}

export function inventoryOf({ documents }: Pick<BucketRecord, 'documents'>, id: string): InventoryConfiguration | null {
  const document = documents[inventoryDocument(id)];
  return document === undefined ? null : (JSON.parse(document) as InventoryConfiguration);
}

/** Ids of a bucket's configurations in UTF-8 order. */
export function inventoryIds({ documents }: Pick<BucketRecord, 'documents'>): readonly string[] {
  return Object.keys(documents)
    .filter((name) => name.startsWith(DOCUMENT))
    .map((name) => name.slice(DOCUMENT.length))
    .sort(compareKeys);
}

/** The folder of a configuration's reports in the destination bucket, without a slash at its end. */
export function inventoryFolder(source: string, { id, destination }: InventoryConfiguration): string {
  const folder = `${source}/${id}`;
  const { prefix } = destination;
  return prefix === null || prefix === '' ? folder : `${prefix}/${folder}`;
}
