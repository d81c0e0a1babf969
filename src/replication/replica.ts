/** What a replica is like, and what later changes of its source make of it. Pure. */
import { aclsDisabled } from '../s3/bucket-security.js';
import { S3Error } from '../s3/errors.js';
import { checkRetentionChange, retentionOfNew } from '../s3/object-lock.js';
import type { ReplicationRule } from '../s3/replication.js';
import { replicationRecord, withReplicationRecord } from '../s3/replication-record.js';
import type {
  BucketRecord,
  EncryptionInfo,
  ObjectData,
  ObjectVersion,
  Retention,
  VersionDraft,
} from '../store/types.js';

export interface ReplicaOptions {
  readonly version: ObjectVersion;
  readonly rule: ReplicationRule;
  readonly destination: BucketRecord;
  readonly storageClass: string;
  readonly data: ObjectData;
  readonly encryption: EncryptionInfo | null;
  /** ms since the epoch */
  readonly nowMs: number;
}

/** Made when the original was: the same content, entity tag, parts, times, metadata and tags. */
export function replicaDraft(options: ReplicaOptions): VersionDraft {
  const { version, rule, destination, storageClass, data, encryption, nowMs } = options;
  const { versionId: _id, seq: _seq, ...original } = version;
  const handedOver = rule.destination.ownerOverride || aclsDisabled(destination);
  const lockable = destination.objectLock && !version.deleteMarker;
  const changedMs = replicationRecord(version)?.changedMs;
  return withReplicationRecord(
    {
      ...original,
      storageClass,
      data,
      encryption,
      owner: handedOver ? destination.owner : version.owner,
      acl: handedOver ? null : version.acl,
      retention: lockable ? retentionOfNew(destination, version.retention, nowMs) : null,
      legalHold: lockable && version.legalHold,
      uploadId: null,
    },
    { replica: true, ...(changedMs !== undefined && { changedMs }) },
  );
}

/**
 * The version at the destination with the tags, ACL and lock of the source; null: it has them already, or later ones. A retention is
 * never weakened beyond what its own bucket lets its keepers do.
 */
export function withSourceChanges(
  current: ObjectVersion,
  { version, rule, destination, nowMs }: Pick<ReplicaOptions, 'version' | 'rule' | 'destination' | 'nowMs'>,
): ObjectVersion | null {
  const record = replicationRecord(current);
  const changedMs = replicationRecord(version)?.changedMs ?? 0;
  if (changedMs <= (record?.changedMs ?? 0) || current.deleteMarker) return null;
  const ownAcl = rule.destination.ownerOverride || aclsDisabled(destination) || current.owner.id !== version.owner.id;
  const { legalHoldReleased: _before, ...extra } = current.extra;
  const released = version.extra['legalHoldReleased'];
  const { objectLock } = destination;
  return withReplicationRecord(
    {
      ...current,
      tags: version.tags,
      acl: ownAcl ? current.acl : version.acl,
      retention: objectLock ? allowedRetention(current, version.retention, nowMs) : current.retention,
      legalHold: objectLock ? version.legalHold : current.legalHold,
      extra: objectLock && released !== undefined ? { ...extra, legalHoldReleased: released } : extra,
    },
    { ...(record ?? { replica: true }), changedMs },
  );
}

function allowedRetention(current: ObjectVersion, wanted: Retention | null, nowMs: number): Retention | null {
  try {
    checkRetentionChange(current, wanted, { nowMs, bypass: true });
    return wanted;
  } catch (error) {
    if (error instanceof S3Error) return current.retention;
    throw error;
  }
}
