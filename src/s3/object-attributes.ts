/** What a request says about the object it creates, apart from its bytes: shared by Put, Copy, Post and CreateMultipartUpload. */
import { aclFromHeaders } from '../iam/acl-headers.js';
import { serialiseAcl } from '../iam/acl.js';
import type { Acl } from '../iam/acl.js';
import type { BucketRecord, Owner, Retention } from '../store/types.js';
import { aclsDisabled, checkPublicAcl, configuredOwnership, grantsToOthers } from './bucket-security.js';
import type { OperationContext } from './context.js';
import { ownerOf, regionOf } from './context.js';
import { S3Error } from './errors.js';
import { storedHeaders } from './object-headers.js';
import { requestedLock } from './object-lock.js';
import { parseTaggingHeader } from './tagging.js';

export interface ObjectAttributes {
  readonly headers: Record<string, string>;
  readonly owner: Owner;
  readonly acl: string | null;
  readonly tags: Readonly<Record<string, string>>;
  readonly storageClass: string;
  /** Its own; without one the bucket's default applies when the version is created. */
  readonly retention: Retention | null;
  readonly legalHold: boolean;
}

type Source = Pick<OperationContext, 'request' | 'services' | 'identity'>;

/** @throws S3Error for any header that is not acceptable */
export async function objectAttributes(
  context: Source,
  bucket: BucketRecord,
  headers = context.request.headers,
): Promise<ObjectAttributes> {
  const lock = requestedLock(headers, bucket, context.services.now());
  const tagging = headers['x-amz-tagging'];
  return {
    headers: storedHeaders(headers),
    ...(await ownerAndAcl(context, bucket, headers)),
    tags: tagging === undefined ? {} : parseTaggingHeader(tagging),
    storageClass: storageClassOf(context, bucket, headers['x-amz-storage-class']),
    ...lock,
  };
}

/**
 * Whose the new object is and the ACL the headers ask for (null is private), under the bucket's object ownership and public
 * access block. https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
 * @throws S3Error AccessControlListNotSupported, AccessDenied for a public ACL, and what the headers' own checks throw
 */
async function ownerAndAcl(
  context: Source,
  bucket: BucketRecord,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly owner: Owner; readonly acl: string | null }> {
  const enforced = aclsDisabled(bucket);
  const handedOver =
    configuredOwnership(bucket) === 'BucketOwnerPreferred' && headers['x-amz-acl'] === 'bucket-owner-full-control';
  const owner = enforced || handedOver ? bucket.owner : ownerOf(context.identity);
  const acl = await aclFromHeaders(headers, {
    owner,
    bucketOwner: bucket.owner,
    target: 'object',
    directory: context.services.directory,
  });
  if (acl === null) return { owner, acl };
  if (enforced) {
    checkOwnersAlone(acl, headers['x-amz-acl']);
    return { owner, acl: null };
  }
  checkPublicAcl(bucket, acl);
  return { owner, acl: serialiseAcl(acl) };
}

/** With ACLs disabled the only one that may be asked for is what the bucket owner has anyway. */
function checkOwnersAlone(acl: Acl, canned: string | undefined): void {
  const [grant, ...more] = acl.grants;
  const full = more.length === 0 && grant?.permission === 'FULL_CONTROL' && !grantsToOthers(acl);
  if (canned === undefined ? !full : canned !== 'bucket-owner-full-control')
    throw new S3Error('AccessControlListNotSupported');
}

/** AWS's storage classes are accepted as names only where the region maps them to a blobstore. */
export function storageClassOf(
  context: Pick<OperationContext, 'services'>,
  bucket: BucketRecord,
  requested: string | undefined,
): string {
  const wanted = requested ?? 'STANDARD';
  if (!regionOf(context, bucket).blobs.has(wanted))
    throw new S3Error('InvalidStorageClass', { detail: { StorageClassRequested: wanted } });
  return wanted;
}
