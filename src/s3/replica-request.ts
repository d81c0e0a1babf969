/**
 * Requests by which another Pithos replicates: ordinary ones with the header x-pithos-replica, which tells what S3 lets no client say
 * about a version. They need s3:ReplicateObject, s3:ReplicateDelete or s3:ReplicateTags besides what they need anyway, and what they
 * make is a replica. The header: base64url of JSON, ReplicaFacts.
 */
import type { KeyState, ObjectVersion, VersionDraft, VersionSelector } from '../store/types.js';
import { seqOfVersionId } from '../store/versions.js';
import { requireAccess } from './access.js';
import { needsPolicy } from './access-actions.js';
import type { OperationContext } from './context.js';
import { keyOf } from './context.js';
import { S3Error, invalidArgument } from './errors.js';
import { replicationRecord, withReplicationRecord } from './replication-record.js';

export const REPLICA_HEADER = 'x-pithos-replica';

export interface ReplicaFacts {
  readonly versionId: string;
  /** ms since the epoch */
  readonly lastModified: number;
  /** of the version; absent: that of the content as it comes, or it is a delete marker */
  readonly etag?: string;
  /** ms since the epoch: last change of its tags or lock; absent: none since it was made */
  readonly changedMs?: number;
}

/** Versions are ordered by their ids: one from too far ahead would stay the newest for as long. Requests of such a clock are refused too. */
const MAX_AHEAD_MS = 15 * 60_000;

export function replicaHeader(facts: ReplicaFacts): string {
  return Buffer.from(JSON.stringify(facts)).toString('base64url');
}

/** null: it is no replication. @throws S3Error InvalidArgument, InvalidRequest (no versioning), AccessDenied */
export function requestedReplica(
  context: OperationContext,
  action: 'ReplicateObject' | 'ReplicateDelete' | 'ReplicateTags',
): ReplicaFacts | null {
  const { bucket, request, services } = context;
  const header = request.headers[REPLICA_HEADER];
  if (header === undefined) return null;
  requireAccess(context, { bucket, key: keyOf(context), actions: [needsPolicy(action)], permission: null });
  const facts = parseReplicaHeader(header, services.now());
  if (bucket.versioning !== 'enabled')
    throw new S3Error('InvalidRequest', { message: 'Destination bucket must have versioning enabled.' });
  return facts;
}

/** @throws S3Error InvalidArgument */
export function parseReplicaHeader(header: string, nowMs: number): ReplicaFacts {
  let given: unknown;
  try {
    given = JSON.parse(Buffer.from(header, 'base64url').toString('utf8'));
  } catch {
    given = null;
  }
  if (typeof given !== 'object' || given === null)
    throw invalidArgument(REPLICA_HEADER, header, 'The header is not base64url of JSON.');
  const { versionId, lastModified, etag, changedMs } = given as Readonly<Record<string, unknown>>;
  const seq = typeof versionId === 'string' ? seqOfVersionId(versionId) : null;
  const good =
    typeof versionId === 'string' &&
    seq !== null &&
    seq <= (nowMs + MAX_AHEAD_MS) * 1000 &&
    isTime(lastModified) &&
    (etag === undefined || (typeof etag === 'string' && /^[0-9a-f]{32}(-\d{1,5})?$/.test(etag))) &&
    (changedMs === undefined || (isTime(changedMs) && changedMs <= nowMs + MAX_AHEAD_MS));
  if (!good) throw invalidArgument(REPLICA_HEADER, header, 'The header does not describe a version.');
  return {
    versionId,
    lastModified,
    ...(etag !== undefined && { etag }),
    ...(changedMs !== undefined && { changedMs }),
  };
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** The selector of a commit that places the replica. */
export function replicaSelector({ versionId }: Pick<ReplicaFacts, 'versionId'>): VersionSelector {
  return { versionId };
}

/** The change that places the replica; null: it is there already. @throws S3Error InvalidRequest when another version has its place */
export function placeReplica(state: KeyState, draft: VersionDraft, facts: ReplicaFacts) {
  if (state.selected !== null) return null;
  if (state.taken === true)
    throw new S3Error('InvalidRequest', {
      message: 'Another version, made at the same moment, has the place of this one.',
    });
  const { versionId, lastModified, etag, changedMs } = facts;
  const record = { replica: true, ...(changedMs !== undefined && { changedMs }) } as const;
  const placed = { ...draft, lastModified, ...(etag !== undefined && { etag }) };
  return { place: { draft: withReplicationRecord(placed, record), versionId } };
}

/** A change of a version that came from its replica or its original; null: a later one is there. */
export function replicaChange(before: ObjectVersion, after: ObjectVersion, facts: ReplicaFacts): ObjectVersion | null {
  const record = replicationRecord(before);
  const changedMs = facts.changedMs ?? 0;
  if (changedMs < (record?.changedMs ?? 0)) return null;
  return withReplicationRecord(after, { ...(record ?? { replica: true }), changedMs });
}
