/** Who may lock and unlock: what Object Lock asks of the caller, beside the rules in object-lock.ts. */
import type { BucketRecord, ObjectVersion, VersionSelector } from '../store/types.js';
import { mayByPolicy, missing, requireAccess } from './access.js';
import { actionsOf } from './access-actions.js';
import type { ExtraKeys } from './access-conditions.js';
import type { OperationContext } from './context.js';
import { keyOf, regionOf } from './context.js';
import { S3Error } from './errors.js';
import type { LockJudgement } from './object-lock.js';
import { requireObjectLock } from './object-lock.js';
import { selectorOf } from './versioning.js';

type Caller = Pick<OperationContext, 'identity' | 'request' | 'services' | 'operation'>;

/** What the rules need to know of the request: the time, and whether governance is bypassed (s3:BypassGovernanceRetention). */
export function lockJudgement(context: Caller, bucket: BucketRecord, key: string): LockJudgement {
  const asked = context.request.headers['x-amz-bypass-governance-retention']?.toLowerCase() === 'true';
  const bypass = asked && mayByPolicy(context, { bucket, key, action: 'BypassGovernanceRetention' });
  return { nowMs: context.services.now(), bypass };
}

/**
 * The check that authorize leaves to the handlers where a policy asks about the lock in the body.
 * @throws S3Error AccessDenied
 */
export function requireLockChange(context: OperationContext, keys: ExtraKeys): void {
  requireAccess(context, {
    bucket: context.bucket,
    key: keyOf(context),
    actions: actionsOf(context.operation, context.request),
    permission: null,
    keys,
  });
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
