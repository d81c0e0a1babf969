/**
 * Whether a version may be replicated. Out: the bucket's owner may read it, which objects of other accounts have to grant. In: the
 * policy of the destination lets replicas of the same owner in unless it denies them, those of others if it allows them. They come in
 * the name of the source bucket's account, and of the role where that is one of the account. Pure.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/setting-repl-config-perm-overview.html
 */
import { isAllowed } from '../iam/acl.js';
import { parseEntityArn, rootArn } from '../iam/iam-names.js';
import { evaluatePolicies, objectArn } from '../iam/policy.js';
import { bucketPolicy, objectAcl, objectOwner } from '../s3/bucket-security.js';
import type { ReplicationRule } from '../s3/replication.js';
import type { BucketRecord } from '../store/types.js';
import type { ReplicationSource } from './destination.js';
import { ReplicationRefused } from './destination.js';

/** @throws ReplicationRefused */
export function requireReadable({ bucket, version }: Pick<ReplicationSource, 'bucket' | 'version'>): void {
  if (version.deleteMarker || objectOwner(bucket, version).id === bucket.owner.id) return;
  const owner = { tenant: bucket.owner.id, memberOf: [] };
  if (!isAllowed(objectAcl(bucket, version), owner, 'READ'))
    throw new ReplicationRefused('the owner of the object does not let the owner of the bucket read it');
}

export interface PermissionQuestion {
  readonly source: ReplicationSource;
  readonly rule: ReplicationRule;
  readonly destination: BucketRecord;
  /** ms since the epoch */
  readonly nowMs: number;
}

/** @throws ReplicationRefused */
export function requirePermission(question: PermissionQuestion): void {
  const { source, destination } = question;
  const own = source.bucket.owner.id === destination.owner.id;
  for (const action of actionsOf(question)) {
    const decision = judge(question, action);
    if (decision === 'allow' || (own && decision === 'none')) continue;
    throw new ReplicationRefused(`the policy of the bucket ${destination.name} does not allow ${action}`);
  }
}

function actionsOf({ source: { version }, rule }: PermissionQuestion): readonly string[] {
  if (version.deleteMarker) return ['s3:ReplicateDelete'];
  return [
    's3:ReplicateObject',
    ...(Object.keys(version.tags).length > 0 ? ['s3:ReplicateTags'] : []),
    ...(rule.destination.ownerOverride ? ['s3:ObjectOwnerOverrideToBucketOwner'] : []),
  ];
}

function judge(question: PermissionQuestion, action: string): 'allow' | 'deny' | 'none' {
  const { source, destination } = question;
  const policy = bucketPolicy(destination);
  if (policy === null) return 'none';
  const account = source.bucket.owner.id;
  const isRole = parseEntityArn(source.role, 'role')?.account === account;
  const principal = {
    type: 'AssumedRole',
    account,
    names: [isRole ? source.role : rootArn(account)],
    id: null,
    userName: null,
    actsForUsers: false,
  } as const;
  const resource = objectArn(destination.name, source.key);
  const keys = {
    get: (name: string) => {
      const value = valueOf(question, principal.names[0], name.toLowerCase());
      return value === null ? null : [value];
    },
  };
  return evaluatePolicies([policy], { principal, action, resource, keys }).decision;
}

function valueOf({ source, destination, nowMs }: PermissionQuestion, arn: string, key: string): string | null {
  switch (key) {
    case 'aws:principalarn':
      return arn;
    case 'aws:principalaccount':
    case 'aws:sourceaccount':
      return source.bucket.owner.id;
    case 'aws:principaltype':
      return 'AssumedRole';
    case 'aws:principalisawsservice':
      return 'false';
    case 'aws:resourceaccount':
    case 's3:resourceaccount':
      return destination.owner.id;
    case 'aws:securetransport':
      // It never leaves the deployment.
      return 'true';
    case 'aws:currenttime':
      return new Date(nowMs).toISOString();
    case 'aws:epochtime':
      return String(Math.floor(nowMs / 1000));
    default:
      return null;
  }
}
