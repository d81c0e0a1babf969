/**
 * Who may do what: the owner and master keys always, others as the ACL of the bucket or object grants. Every operation
 * passes here before its body is read (authorize) and before it reads an object (loadVersion).
 */
import { isAllowed, parseAcl, privateAcl } from '../iam/acl.js';
import type { Acl } from '../iam/acl.js';
import type { BucketRecord, ObjectVersion, VersionSelector } from '../store/types.js';
import type { Identity, OperationContext } from './context.js';
import { keyOf, regionOf } from './context.js';
import { httpDate } from './dates.js';
import { S3Error } from './errors.js';
import type { AclPermission, OperationRow } from './operation.js';
import { versionIdHeader } from './versioning.js';

const parsedAcls = new WeakMap<BucketRecord, Acl>();

export function bucketAcl(bucket: BucketRecord): Acl {
  let acl = parsedAcls.get(bucket);
  if (acl === undefined) {
    const document = bucket.documents['acl'];
    acl = document === undefined ? privateAcl(bucket.owner) : parseAcl(document);
    parsedAcls.set(bucket, acl);
  }
  return acl;
}

export function objectAcl(version: Pick<ObjectVersion, 'acl' | 'owner'>): Acl {
  return version.acl === null ? privateAcl(version.owner) : parseAcl(version.acl);
}

function isOwner(identity: Identity, ownerId: string): boolean {
  return identity.kind === 'signed' && (identity.master || identity.tenant === ownerId);
}

export function bucketAllows(bucket: BucketRecord, identity: Identity, permission: AclPermission): boolean {
  return isOwner(identity, bucket.owner.id) || isAllowed(bucketAcl(bucket), identity, permission);
}

export function objectAllows(
  version: Pick<ObjectVersion, 'acl' | 'owner'>,
  identity: Identity,
  permission: AclPermission,
): boolean {
  return isOwner(identity, version.owner.id) || isAllowed(objectAcl(version), identity, permission);
}

/** A bucket by name. @throws S3Error NoSuchBucket */
export async function requireBucket(context: Pick<OperationContext, 'services'>, name: string): Promise<BucketRecord> {
  const bucket = await context.services.stores.buckets.get(name);
  if (bucket?.state !== 'active') throw new S3Error('NoSuchBucket', { detail: { BucketName: name } });
  return bucket;
}

/**
 * The check before the handler runs. Answers the request's bucket where the operation works on one.
 * @throws S3Error AccessDenied, NoSuchBucket
 */
export async function authorize(
  context: Pick<OperationContext, 'services' | 'request' | 'identity'> & { readonly operation: OperationRow },
): Promise<BucketRecord | null> {
  const { request, identity, operation } = context;
  const { access } = operation;
  if (access.kind === 'handler') return null;
  if (access.kind === 'account') {
    if (identity.kind === 'anonymous') throw new S3Error('AccessDenied');
    return null;
  }
  if (request.bucket === null) throw new Error(`${operation.name} has no bucket`);
  const bucket = await requireBucket(context, request.bucket);
  checkExpectedOwner(request.headers, bucket);
  if (access.kind === 'bucket' && !bucketAllows(bucket, identity, access.permission)) throw new S3Error('AccessDenied');
  if (access.kind === 'bucketOwner' && !isOwner(identity, bucket.owner.id)) throw new S3Error('AccessDenied');
  return bucket;
}

/** x-amz-expected-bucket-owner: the caller refuses to talk to anybody else's bucket. */
function checkExpectedOwner(headers: Readonly<Record<string, string>>, bucket: BucketRecord): void {
  const expected = headers['x-amz-expected-bucket-owner'];
  if (expected !== undefined && expected !== bucket.owner.id) throw new S3Error('AccessDenied');
}

export interface LoadOptions {
  readonly select: VersionSelector;
  readonly permission: AclPermission;
  readonly withInline: boolean;
  /** the copy source's, where it is not the request's own */
  readonly bucket?: BucketRecord;
  readonly key?: string;
}

/**
 * Reads an object's version and checks that the caller may. A caller who may not list the bucket does not learn which keys
 * exist.
 * @throws S3Error NoSuchKey, NoSuchVersion, MethodNotAllowed (a delete marker by its id), AccessDenied
 */
export async function loadVersion(context: OperationContext, options: LoadOptions): Promise<ObjectVersion> {
  const bucket = options.bucket ?? context.bucket;
  const key = options.key ?? keyOf(context);
  const { select, permission, withInline } = options;
  const version = await regionOf(context, bucket).metadata.getVersion(bucket, key, select, { withInline });
  const { identity } = context;
  if (version !== null && !version.deleteMarker) {
    if (!objectAllows(version, identity, permission)) throw new S3Error('AccessDenied');
    return version;
  }
  if (!bucketAllows(bucket, identity, 'READ')) throw new S3Error('AccessDenied');
  if (version === null) throw missing(select, key);
  const headers = { 'x-amz-delete-marker': 'true', ...versionIdHeader(bucket.versioning, version.versionId) };
  if (select === 'latest') throw new S3Error('NoSuchKey', { detail: { Key: key }, headers });
  throw new S3Error('MethodNotAllowed', {
    detail: { Method: context.request.method, ResourceType: 'DeleteMarker' },
    headers: { ...headers, allow: 'DELETE', 'last-modified': httpDate(version.lastModified) },
  });
}

export function missing(select: VersionSelector, key: string): S3Error {
  return select === 'latest'
    ? new S3Error('NoSuchKey', { detail: { Key: key } })
    : new S3Error('NoSuchVersion', { detail: { Key: key, VersionId: select.versionId } });
}
