/**
 * A bucket's own rules about access, read from its documents: ACL, policy, public access block, object ownership; and what
 * they make of the objects in it.
 */
import { GROUPS, parseAcl, privateAcl } from '../iam/acl.js';
import type { Acl } from '../iam/acl.js';
import { parsePolicy } from '../iam/policy.js';
import type { Policy } from '../iam/policy.js';
import type { BucketRecord, ObjectVersion, Owner } from '../store/types.js';
import { S3Error } from './errors.js';

/** Names of the bucket documents. */
export const POLICY_DOCUMENT = 'policy';
/** Present when the policy was put with x-amz-confirm-remove-self-bucket-access. */
export const POLICY_SELF_REMOVAL_DOCUMENT = 'policy-self-removal';
export const PUBLIC_ACCESS_BLOCK_DOCUMENT = 'public-access-block';
export const OWNERSHIP_CONTROLS_DOCUMENT = 'ownership-controls';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_PublicAccessBlockConfiguration.html */
export interface PublicAccessBlock {
  readonly blockPublicAcls: boolean;
  readonly ignorePublicAcls: boolean;
  readonly blockPublicPolicy: boolean;
  readonly restrictPublicBuckets: boolean;
}

const NO_BLOCK: PublicAccessBlock = {
  blockPublicAcls: false,
  ignorePublicAcls: false,
  blockPublicPolicy: false,
  restrictPublicBuckets: false,
};

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html */
export const OBJECT_OWNERSHIPS = ['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'] as const;
export type ObjectOwnership = (typeof OBJECT_OWNERSHIPS)[number];

interface Parsed {
  readonly acl: Acl;
  readonly policy: Policy | null;
  readonly publicAccessBlock: PublicAccessBlock;
}

const parsed = new WeakMap<BucketRecord, Parsed>();

function rulesOf(bucket: BucketRecord): Parsed {
  let rules = parsed.get(bucket);
  if (rules === undefined) {
    const {
      acl,
      [POLICY_DOCUMENT]: policy,
      [PUBLIC_ACCESS_BLOCK_DOCUMENT]: publicAccessBlock,
    } = bucket.documents as Readonly<Record<string, string | undefined>>;
    rules = {
      acl: acl === undefined ? privateAcl(bucket.owner) : parseAcl(acl),
      policy: policy === undefined ? null : parsePolicy(policy, 'resource'),
      publicAccessBlock:
        publicAccessBlock === undefined ? NO_BLOCK : (JSON.parse(publicAccessBlock) as PublicAccessBlock),
    };
    parsed.set(bucket, rules);
  }
  return rules;
}

/** As it was put. */
export function bucketAcl(bucket: BucketRecord): Acl {
  return rulesOf(bucket).acl;
}

export function bucketPolicy(bucket: BucketRecord): Policy | null {
  return rulesOf(bucket).policy;
}

/** Nothing is blocked where nothing is configured. */
export function publicAccessBlock(bucket: BucketRecord): PublicAccessBlock {
  return rulesOf(bucket).publicAccessBlock;
}

/** null: not configured, which means ObjectWriter. */
export function configuredOwnership(bucket: Pick<BucketRecord, 'documents'>): ObjectOwnership | null {
  const document = bucket.documents[OWNERSHIP_CONTROLS_DOCUMENT];
  if (document === undefined) return null;
  const ownership = OBJECT_OWNERSHIPS.find((name) => name === document);
  if (ownership === undefined) throw new Error('the stored ownership controls are not readable');
  return ownership;
}

/** ACLs neither grant nor can be set. */
export function aclsDisabled(bucket: Pick<BucketRecord, 'documents'>): boolean {
  return configuredOwnership(bucket) === 'BucketOwnerEnforced';
}

export function objectOwner(
  bucket: Pick<BucketRecord, 'documents' | 'owner'>,
  version: Pick<ObjectVersion, 'owner'>,
): Owner {
  return aclsDisabled(bucket) ? bucket.owner : version.owner;
}

/** Rows of a listing with the owners that count. */
export function ownedEntries<Entry extends { readonly owner: Owner }>(
  bucket: Pick<BucketRecord, 'documents' | 'owner'>,
  entries: readonly Entry[],
): readonly Entry[] {
  return aclsDisabled(bucket) ? entries.map((entry) => ({ ...entry, owner: bucket.owner })) : entries;
}

/** The ACL of an object in that bucket. */
export function objectAcl(
  bucket: Pick<BucketRecord, 'documents' | 'owner'>,
  version: Pick<ObjectVersion, 'acl' | 'owner'>,
): Acl {
  if (aclsDisabled(bucket)) return privateAcl(bucket.owner);
  return version.acl === null ? privateAcl(version.owner) : parseAcl(version.acl);
}

/** What the ACL grants under the bucket's public access block. */
export function aclInForce(bucket: BucketRecord, acl: Acl): Acl {
  if (!publicAccessBlock(bucket).ignorePublicAcls) return acl;
  return { ...acl, grants: acl.grants.filter(({ grantee }) => !isPublicGrantee(grantee)) };
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html */
export function isPublicAcl(acl: Acl): boolean {
  return acl.grants.some(({ grantee }) => isPublicGrantee(grantee));
}

/** BlockPublicAcls. @throws S3Error AccessDenied */
export function checkPublicAcl(bucket: BucketRecord, acl: Acl): void {
  if (publicAccessBlock(bucket).blockPublicAcls && isPublicAcl(acl))
    throw new S3Error('AccessDenied', {
      message: 'The public access block of the bucket does not allow public access control lists.',
    });
}

function isPublicGrantee(grantee: Acl['grants'][number]['grantee']): boolean {
  return grantee.type === 'Group' && (grantee.uri === GROUPS.allUsers || grantee.uri === GROUPS.authenticatedUsers);
}

/** Whether the ACL gives anything to anybody but its owner. */
export function grantsToOthers(acl: Acl): boolean {
  return acl.grants.some(({ grantee }) => grantee.type !== 'CanonicalUser' || grantee.id !== acl.owner.id);
}
