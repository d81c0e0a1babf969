/** Who may lock and unlock: what Object Lock asks of the caller, beside the rules in object-lock.ts. */
import type { BucketRecord, ObjectVersion, VersionSelector } from '../store/types.js';
import { missing } from './access.js';
import type { Identity, OperationContext } from './context.js';
import { keyOf, regionOf } from './context.js';
import { S3Error } from './errors.js';
import type { LockJudgement, RequestedLock } from './object-lock.js';
import { requireObjectLock } from './object-lock.js';
import { selectorOf } from './versioning.js';

type Caller = Pick<OperationContext, 'identity' | 'request' | 'services'>;

/** No ACL grants the permissions of Object Lock: they are the bucket owner's. */
function ownsBucket(identity: Identity, bucket: Pick<BucketRecord, 'owner'>): boolean {
  return identity.kind === 'signed' && (identity.master || identity.tenant === bucket.owner.id);
}

/** For writes that bring a lock along (s3:PutObjectRetention, s3:PutObjectLegalHold). @throws S3Error AccessDenied */
export function checkMayLock(
  { identity }: Pick<Caller, 'identity'>,
  bucket: Pick<BucketRecord, 'owner'>,
  { retention, legalHold }: RequestedLock,
): void {
  if ((retention !== null || legalHold) && !ownsBucket(identity, bucket)) throw new S3Error('AccessDenied');
}

/** What the rules need to know of the request: the time, and whether governance is bypassed (s3:BypassGovernanceRetention). */
export function lockJudgement(context: Caller, bucket: Pick<BucketRecord, 'owner'>): LockJudgement {
  const asked = context.request.headers['x-amz-bypass-governance-retention']?.toLowerCase() === 'true';
  return { nowMs: context.services.now(), bypass: asked && ownsBucket(context.identity, bucket) };
}

/**
 * The version whose lock is asked about or changed.
 * @throws S3Error InvalidRequest when the bucket has no Object Lock, NoSuchKey, NoSuchVersion, MethodNotAllowed for a delete
 * marker
 */
export async function loadLockable(
  context: OperationContext,
): Promise<{ readonly version: ObjectVersion; readonly select: VersionSelector }> {
  const { bucket, request } = context;
  requireObjectLock(bucket);
  const key = keyOf(context);
  const select = selectorOf(request.query.get('versionId'));
  const version = await regionOf(context, bucket).metadata.getVersion(bucket, key, select, { withInline: false });
  if (version === null || (version.deleteMarker && select === 'latest')) throw missing(select, key);
  if (version.deleteMarker)
    throw new S3Error('MethodNotAllowed', {
      detail: { Method: request.method, ResourceType: 'DeleteMarker' },
      headers: { allow: 'DELETE', 'x-amz-delete-marker': 'true', 'x-amz-version-id': version.versionId },
    });
  return { version, select };
}
