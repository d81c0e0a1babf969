/**
 * What a version tells of its replication, kept with it (extra.replication): x-amz-replication-status and what it is made of. Pure.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-status.html
 */
import type { VersionDraft } from '../store/types.js';

export type DeliveryStatus = 'PENDING' | 'COMPLETED' | 'FAILED';

export interface ReplicationRecord {
  /** It came from elsewhere: it is not replicated again. */
  readonly replica?: true;
  /** ARN of the destination -> what became of it there */
  readonly to?: Readonly<Record<string, DeliveryStatus>>;
  /** ms since the epoch: last change of tags, ACL or lock, wherever it was made. The later one counts; absent: none since creation. */
  readonly changedMs?: number;
  /** ARN of the destination -> version id there, of servers that make ids of their own */
  readonly ids?: Readonly<Record<string, string>>;
}

const FIELD = 'replication';

type Extra = Pick<VersionDraft, 'extra'>;

export function replicationRecord({ extra }: Extra): ReplicationRecord | null {
  return (extra[FIELD] as ReplicationRecord | undefined) ?? null;
}

/** null takes it away. */
export function withReplicationRecord<V extends Extra>(version: V, record: ReplicationRecord | null): V {
  const { [FIELD]: _before, ...extra } = version.extra;
  return { ...version, extra: record === null ? extra : { ...extra, [FIELD]: record } };
}

/** Of all destinations together; null: it is not replicated. */
export function replicationStatus(version: Extra): DeliveryStatus | 'REPLICA' | null {
  const record = replicationRecord(version);
  if (record === null) return null;
  if (record.replica === true) return 'REPLICA';
  const statuses = Object.values(record.to ?? {});
  if (statuses.length === 0) return null;
  if (statuses.includes('FAILED')) return 'FAILED';
  return statuses.includes('PENDING') ? 'PENDING' : 'COMPLETED';
}

/** The answer's header of GET and HEAD. */
export function replicationHeaders(version: Extra): Record<string, string> {
  const status = replicationStatus(version);
  return status === null ? {} : { 'x-amz-replication-status': status };
}

/**
 * The version after a delivery of what it was when its record was `delivered`; null: the record stays. A change that came meanwhile
 * has a delivery of its own to come.
 */
export function afterDelivery<V extends Extra>(
  current: V,
  delivered: ReplicationRecord,
  outcome: { readonly arn: string; readonly status: DeliveryStatus; readonly versionId: string | null },
): V | null {
  const record = replicationRecord(current);
  const before = record?.to?.[outcome.arn];
  if (record === null || before === undefined) return null;
  const { versionId } = outcome;
  const outdated = record.changedMs !== delivered.changedMs && outcome.status === 'COMPLETED';
  const status = outdated ? before : outcome.status;
  const knownId = versionId === null || record.ids?.[outcome.arn] === versionId;
  if (status === before && knownId) return null;
  return withReplicationRecord(current, {
    ...record,
    to: { ...record.to, [outcome.arn]: status },
    ...(versionId !== null && { ids: { ...record.ids, [outcome.arn]: versionId } }),
  });
}
