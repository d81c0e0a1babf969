/** What a request says about the object it creates, apart from its bytes: shared by Put, Copy, Post and CreateMultipartUpload. */
import { aclFromHeaders } from '../iam/acl-headers.js';
import { serialiseAcl } from '../iam/acl.js';
import type { BucketRecord, Retention } from '../store/types.js';
import type { OperationContext } from './context.js';
import { ownerOf, regionOf } from './context.js';
import { S3Error } from './errors.js';
import { storedHeaders } from './object-headers.js';
import { checkMayLock } from './object-lock-access.js';
import { requestedLock } from './object-lock.js';
import { parseTaggingHeader } from './tagging.js';

export interface ObjectAttributes {
  readonly headers: Record<string, string>;
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
  checkMayLock(context, bucket, lock);
  const tagging = headers['x-amz-tagging'];
  return {
    headers: storedHeaders(headers),
    acl: await objectAclOf(context, bucket, headers),
    tags: tagging === undefined ? {} : parseTaggingHeader(tagging),
    storageClass: storageClassOf(context, bucket, headers['x-amz-storage-class']),
    ...lock,
  };
}

/** The ACL the headers ask for; null is private. */
export async function objectAclOf(
  context: Source,
  bucket: BucketRecord,
  headers: Readonly<Record<string, string>>,
): Promise<string | null> {
  const acl = await aclFromHeaders(headers, {
    owner: ownerOf(context.identity),
    bucketOwner: bucket.owner,
    target: 'object',
    directory: context.services.directory,
  });
  return acl === null ? null : serialiseAcl(acl);
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
