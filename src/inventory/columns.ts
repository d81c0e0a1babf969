/**
 * The columns of a report: what AWS calls them in either format, their types, and what a version has in them.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory.html#storage-inventory-contents
 */
import { aclsDisabled, objectAcl } from '../s3/bucket-security.js';
import type { InventoryConfiguration, InventoryField } from '../s3/inventory.js';
import { INVENTORY_FIELDS } from '../s3/inventory.js';
import type { LifecycleConfiguration } from '../s3/lifecycle.js';
import { expirationOf } from '../s3/lifecycle.js';
import { legalHoldStatus } from '../s3/object-lock.js';
import type { BucketRecord, ObjectVersion, VersionEntry } from '../store/types.js';

/** Times are ms since the epoch. */
export type Cell = string | boolean | number | null;

/** One per column. */
export type Row = readonly Cell[];

/** A version that a report tells of. */
export interface Subject {
  readonly bucket: BucketRecord;
  readonly entry: Omit<VersionEntry, 'seq' | 'checksumType'>;
  /** null: no column asked for more than the entry, or it is a delete marker */
  readonly version: ObjectVersion | null;
  readonly lifecycle: LifecycleConfiguration | null;
  /** how long a day of lifecycle rules lasts */
  readonly lifecycleDayMs: number;
}

export interface Column {
  /** in the schema of a CSV report */
  readonly name: string;
  /** in that of a Parquet report */
  readonly parquetName: string;
  readonly type: 'string' | 'boolean' | 'int64' | 'time';
  /** Never null. */
  readonly required: boolean;
  /** The listing does not have it: the version must be read. */
  readonly needsVersion: boolean;
  readonly valueOf: (subject: Subject) => Cell;
}

function column(
  name: string,
  parquetName: string,
  type: Column['type'],
  valueOf: Column['valueOf'],
  { required = false, needsVersion = false }: Partial<Pick<Column, 'required' | 'needsVersion'>> = {},
): Column {
  return { name, parquetName, type, valueOf, required, needsVersion };
}

/** Of versions that are objects; delete markers have none. */
function ofObject(valueOf: Column['valueOf']): Column['valueOf'] {
  return (subject) => (subject.entry.deleteMarker ? null : valueOf(subject));
}

function ofVersion(valueOf: (version: ObjectVersion, subject: Subject) => Cell): Column['valueOf'] {
  return (subject) => (subject.version === null ? null : valueOf(subject.version, subject));
}

const BUCKET = column('Bucket', 'bucket', 'string', ({ bucket }) => bucket.name, { required: true });
const KEY = column('Key', 'key', 'string', ({ entry }) => entry.key, { required: true });

/** Reports of all versions have them. The null version's id is empty, as in AWS's reports. */
const OF_VERSIONS: readonly Column[] = [
  column('VersionId', 'version_id', 'string', ({ entry }) => (entry.versionId === 'null' ? '' : entry.versionId)),
  column('IsLatest', 'is_latest', 'boolean', ({ entry }) => entry.latest),
  column('IsDeleteMarker', 'is_delete_marker', 'boolean', ({ entry }) => entry.deleteMarker),
];

const NEEDED = { needsVersion: true };

const OPTIONAL: Readonly<Record<InventoryField, Column>> = {
  Size: column(
    'Size',
    'size',
    'int64',
    ofObject(({ entry }) => entry.sizeBytes),
  ),
  LastModifiedDate: column('LastModifiedDate', 'last_modified_date', 'time', ({ entry }) =>
    wholeSeconds(entry.lastModified),
  ),
  ETag: column(
    'ETag',
    'e_tag',
    'string',
    ofObject(({ entry }) => entry.etag),
  ),
  StorageClass: column(
    'StorageClass',
    'storage_class',
    'string',
    ofObject(({ entry }) => entry.storageClass),
  ),
  IsMultipartUploaded: column(
    'IsMultipartUploaded',
    'is_multipart_uploaded',
    'boolean',
    ofVersion(({ parts }) => parts !== null),
    NEEDED,
  ),
  // Nothing is replicated here.
  ReplicationStatus: column('ReplicationStatus', 'replication_status', 'string', () => null),
  EncryptionStatus: column(
    'EncryptionStatus',
    'encryption_status',
    'string',
    ofVersion(({ encryption }) => encryption?.kind ?? 'NOT-SSE'),
    NEEDED,
  ),
  ObjectLockRetainUntilDate: column(
    'ObjectLockRetainUntilDate',
    'object_lock_retain_until_date',
    'time',
    ofVersion(({ retention }) => retention?.untilMs ?? null),
    NEEDED,
  ),
  ObjectLockMode: column(
    'ObjectLockMode',
    'object_lock_mode',
    'string',
    ofVersion(({ retention }) => retention?.mode ?? null),
    NEEDED,
  ),
  ObjectLockLegalHoldStatus: column(
    'ObjectLockLegalHoldStatus',
    'object_lock_legal_hold_status',
    'string',
    ofVersion((version, { bucket }) => (bucket.objectLock ? (legalHoldStatus(version) ?? 'OFF') : null)),
    NEEDED,
  ),
  // A blob store of that class has one tier.
  IntelligentTieringAccessTier: column(
    'IntelligentTieringAccessTier',
    'intelligent_tiering_access_tier',
    'string',
    ofObject(({ entry }) => (entry.storageClass === 'INTELLIGENT_TIERING' ? 'FREQUENT' : null)),
  ),
  BucketKeyStatus: column(
    'BucketKeyStatus',
    'bucket_key_status',
    'string',
    ofVersion(({ encryption }) => (encryption?.bucketKey === true ? 'ENABLED' : 'DISABLED')),
    NEEDED,
  ),
  ChecksumAlgorithm: column(
    'ChecksumAlgorithm',
    'checksum_algorithm',
    'string',
    ofObject(({ entry }) => entry.checksumAlgorithm),
  ),
  ObjectAccessControlList: column(
    'ObjectAccessControlList',
    'object_access_control_list',
    'string',
    ofVersion(aclField),
    NEEDED,
  ),
  ObjectOwner: column('ObjectOwner', 'object_owner', 'string', ({ bucket, entry }) =>
    aclsDisabled(bucket) ? bucket.owner.id : entry.owner.id,
  ),
  LifecycleExpirationDate: column(
    'LifecycleExpirationDate',
    'lifecycle_expiration_date',
    'time',
    ofVersion(expiration),
    NEEDED,
  ),
};

/** What a configuration asks for, in the order of AWS's reports. */
export function columnsOf({ allVersions, fields }: InventoryConfiguration): readonly Column[] {
  const asked = INVENTORY_FIELDS.filter((field) => fields?.includes(field) === true).map((field) => OPTIONAL[field]);
  return [BUCKET, KEY, ...(allVersions ? OF_VERSIONS : []), ...asked];
}

/** As everywhere else in S3. */
function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

/** JSON in base64. https://docs.aws.amazon.com/AmazonS3/latest/userguide/objectacl.html */
function aclField(version: ObjectVersion, { bucket }: Subject): string {
  const grants = objectAcl(bucket, version).grants.map(({ grantee, permission }) =>
    grantee.type === 'Group'
      ? { uri: grantee.uri, permission, type: 'Group' }
      : { canonicalId: grantee.id, permission, type: 'CanonicalUser' },
  );
  return Buffer.from(JSON.stringify({ version: '2022-11-10', status: 'AVAILABLE', grants })).toString('base64');
}

/** Of current versions, as x-amz-expiration. */
function expiration(version: ObjectVersion, { entry, lifecycle, lifecycleDayMs }: Subject): number | null {
  if (lifecycle === null || !entry.latest) return null;
  return expirationOf(lifecycle, { ...version, key: entry.key }, lifecycleDayMs)?.atMs ?? null;
}
