/**
 * The model of access control lists, their stored form, canned ACLs, and who may do what.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
 */
import { S3Error, invalidArgument } from '../s3/errors.js';
import type { Permission } from '../s3/xml/access-control.js';
import { PERMISSIONS } from '../s3/xml/access-control.js';
import type { Owner } from '../store/types.js';

export type { Permission } from '../s3/xml/access-control.js';

export type Grantee =
  | { readonly type: 'CanonicalUser'; readonly id: string; readonly displayName: string }
  /** one of GROUPS, or the name of a group that keys are members of (Pithos's memberof) */
  | { readonly type: 'Group'; readonly uri: string };

export interface Grant {
  readonly grantee: Grantee;
  readonly permission: Permission;
}

export interface Acl {
  readonly owner: Owner;
  readonly grants: readonly Grant[];
}

/** AWS's predefined groups. */
export const GROUPS = {
  allUsers: 'http://acs.amazonaws.com/groups/global/AllUsers',
  authenticatedUsers: 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers',
  logDelivery: 'http://acs.amazonaws.com/groups/s3/LogDelivery',
} as const;

/** Who may be granted something. */
export interface GranteeDirectory {
  /** by canonical id (= tenant) */
  findTenant(id: string): Promise<Owner | null>;
  findByEmail(email: string): Promise<Owner | null>;
  /** whether any key is a member of that group (Pithos's memberof) */
  isGroup(name: string): Promise<boolean>;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_Grant.html */
export const MAX_GRANTS = 100;

export type AclTarget = 'bucket' | 'object';

export interface AclContext {
  /** of the bucket or object that gets the ACL */
  readonly owner: Owner;
  /** of its bucket; the same as owner for a bucket */
  readonly bucketOwner: Owner;
  readonly target: AclTarget;
}

export function privateAcl(owner: Owner): Acl {
  return { owner, grants: [fullControl(owner)] };
}

/**
 * The ACL behind a name of x-amz-acl (or a POST form's acl field). bucket-owner-* on a bucket are private, as on S3;
 * aws-exec-read is private too: its grantee, Amazon EC2, does not exist here.
 * @throws S3Error InvalidArgument for other names, and for log-delivery-write on an object
 */
export function cannedAcl(name: string, context: AclContext): Acl {
  const { owner, bucketOwner, target } = context;
  const grants = cannedGrants(name, target, bucketOwner);
  if (!grants) throw invalidArgument('x-amz-acl', name);
  return { owner, grants: orderGrants([fullControl(owner), ...grants]) };
}

function cannedGrants(name: string, target: AclTarget, bucketOwner: Owner): readonly Grant[] | null {
  switch (name) {
    case 'private':
    case 'aws-exec-read':
      return [];
    case 'public-read':
      return [group(GROUPS.allUsers, 'READ')];
    case 'public-read-write':
      return [group(GROUPS.allUsers, 'READ'), group(GROUPS.allUsers, 'WRITE')];
    case 'authenticated-read':
      return [group(GROUPS.authenticatedUsers, 'READ')];
    case 'bucket-owner-read':
      return target === 'bucket' ? [] : [user(bucketOwner, 'READ')];
    case 'bucket-owner-full-control':
      return target === 'bucket' ? [] : [fullControl(bucketOwner)];
    case 'log-delivery-write':
      return target === 'object' ? null : [group(GROUPS.logDelivery, 'WRITE'), group(GROUPS.logDelivery, 'READ_ACP')];
    default:
      return null;
  }
}

/**
 * Groups before users, otherwise as given, without repetitions. S3 promises no order; with this one, readers that expect
 * the owner's grant last (Ceph's suite) and readers that look grants up are both content. An owner's READ beside the same
 * owner's FULL_CONTROL is kept when it was asked for.
 */
export function orderGrants(grants: readonly Grant[]): readonly Grant[] {
  const seen = new Set<string>();
  const unique = grants.filter(({ grantee, permission }) => {
    const identity = `${permission} ${grantee.type} ${grantee.type === 'Group' ? grantee.uri : grantee.id}`;
    if (seen.has(identity)) return false;
    seen.add(identity);
    return true;
  });
  return [
    ...unique.filter(({ grantee }) => grantee.type === 'Group'),
    ...unique.filter(({ grantee }) => grantee.type === 'CanonicalUser'),
  ];
}

/** @throws S3Error InvalidRequest above MAX_GRANTS */
export function checkGrantCount(grants: readonly unknown[]): void {
  if (grants.length > MAX_GRANTS)
    throw new S3Error('InvalidRequest', { message: `An ACL can have at most ${MAX_GRANTS} grants.` });
}

export interface AclSubject {
  /** null: anonymous */
  readonly tenant: string | null;
  readonly memberOf: readonly string[];
}

/**
 * Whether the ACL lets the subject do what the permission stands for. Its owner always may: on S3 the account that owns
 * something needs no grant. AuthenticatedUsers are all with a valid signature; LogDelivery are members of that group.
 */
export function isAllowed(acl: Acl, subject: AclSubject, permission: Permission): boolean {
  if (subject.tenant !== null && subject.tenant === acl.owner.id) return true;
  return acl.grants.some(
    (grant) =>
      (grant.permission === permission || grant.permission === 'FULL_CONTROL') && includes(grant.grantee, subject),
  );
}

function includes(grantee: Grantee, subject: AclSubject): boolean {
  if (grantee.type === 'CanonicalUser') return grantee.id === subject.tenant;
  if (grantee.uri === GROUPS.allUsers) return true;
  if (grantee.uri === GROUPS.authenticatedUsers) return subject.tenant !== null;
  return subject.tenant !== null && subject.memberOf.includes(grantee.uri);
}

/** How an ACL is stored. */
export function serialiseAcl(acl: Acl): string {
  const { owner, grants } = acl;
  return JSON.stringify({ owner: { id: owner.id, displayName: owner.displayName }, grants });
}

/** @throws Error when the stored text is not what serialiseAcl wrote: nothing is allowed or shown on a guess */
export function parseAcl(text: string): Acl {
  const acl: unknown = JSON.parse(text);
  if (!isAcl(acl)) throw new Error('the stored ACL is not readable');
  return acl;
}

/** The ACL in force for a stored one; null means private to the owner. */
export function storedAcl(text: string | null | undefined, owner: Owner): Acl {
  return text === null || text === undefined ? privateAcl(owner) : parseAcl(text);
}

function isAcl(value: unknown): value is Acl {
  if (!isRecord(value) || !isOwner(value['owner']) || !Array.isArray(value['grants'])) return false;
  return value['grants'].every(
    (grant: unknown) =>
      isRecord(grant) &&
      (PERMISSIONS as readonly unknown[]).includes(grant['permission']) &&
      isRecord(grant['grantee']) &&
      (grant['grantee']['type'] === 'Group'
        ? typeof grant['grantee']['uri'] === 'string'
        : grant['grantee']['type'] === 'CanonicalUser' && isOwner(grant['grantee'])),
  );
}

function isOwner(value: unknown): boolean {
  return isRecord(value) && typeof value['id'] === 'string' && typeof value['displayName'] === 'string';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function user({ id, displayName }: Owner, permission: Permission): Grant {
  return { grantee: { type: 'CanonicalUser', id, displayName }, permission };
}

function fullControl(owner: Owner): Grant {
  return user(owner, 'FULL_CONTROL');
}

function group(uri: string, permission: Permission): Grant {
  return { grantee: { type: 'Group', uri }, permission };
}
