/** CreateBucket. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html */
import { consistencyOf } from '../../store/consistency.js';
import { aclFromHeaders } from '../../iam/acl-headers.js';
import { privateAcl, serialiseAcl } from '../../iam/acl.js';
import { bucketAcl, grantsToOthers, OBJECT_OWNERSHIPS, OWNERSHIP_CONTROLS_DOCUMENT } from '../bucket-security.js';
import type { ObjectOwnership } from '../bucket-security.js';
import { checkBucketName } from '../bucket-name.js';
import type { OperationContext } from '../context.js';
import { ownerOf } from '../context.js';
import { S3Error, invalidArgument } from '../errors.js';
import type { Handler } from '../operation.js';
import { emptyResponse } from '../operation.js';
import { consistencyHeader, notInQuorumBucket, requestedConsistency } from '../quorum-bucket.js';
import type { Tags } from '../tagging.js';
import { checkTags } from '../tagging.js';
import { xmlBody } from '../xml-body.js';
import { parseCreateBucketConfiguration } from '../xml/documents.js';

export const createBucket: Handler = async (context) => {
  const { request, identity, services } = context;
  const name = request.bucket ?? '';
  checkBucketName(name);
  const owner = ownerOf(identity);
  const { region, tags } = await configuration(context);
  const acl = await aclFromHeaders(request.headers, {
    owner,
    bucketOwner: owner,
    target: 'bucket',
    directory: services.directory,
  });
  const ownership = ownershipAsked(request.headers['x-amz-object-ownership']);
  if (ownership === 'BucketOwnerEnforced' && acl !== null && grantsToOthers(acl))
    throw new S3Error('InvalidBucketAclWithObjectOwnership');
  const objectLock = objectLockAsked(request.headers['x-amz-bucket-object-lock-enabled']);
  const asked = requestedConsistency(request.headers);
  const wished = asked ?? services.stores.regions.get(region)?.consistency ?? 'linearizable';
  // A quota of the owner's counts all its buckets, and cannot count those.
  const counted =
    wished === 'quorum' && (await services.stores.quotas.get({ kind: 'tenant', tenant: owner.id })) !== null;
  if (counted && asked === 'quorum') throw notInQuorumBucket('A quota of the owner');
  const consistency = counted ? 'linearizable' : wished;
  if (objectLock && consistency === 'quorum') throw notInQuorumBucket('Object Lock');
  const { created, bucket } = await services.stores.buckets.create({
    name,
    region,
    owner,
    versioning: objectLock ? 'enabled' : 'unversioned',
    objectLock,
    consistency,
    documents: {
      ...(acl === null ? {} : { acl: serialiseAcl(acl) }),
      ...(tags === null ? {} : { tagging: JSON.stringify(tags) }),
      ...(ownership === null ? {} : { [OWNERSHIP_CONTROLS_DOCUMENT]: ownership }),
    },
  });
  if (!created) {
    if (bucket.state === 'deleting') throw new S3Error('OperationAborted');
    if (bucket.owner.id !== owner.id) throw new S3Error('BucketAlreadyExists', { detail: { BucketName: name } });
    if (bucket.region !== region) throw new S3Error('BucketAlreadyOwnedByYou', { detail: { BucketName: name } });
    // Creating one's own bucket again succeeds, as in AWS's us-east-1, unless it asks for another ACL: that would silently
    // open or close a bucket in use; and its consistency cannot change.
    if (
      serialiseAcl(acl ?? privateAcl(owner)) !== serialiseAcl(bucketAcl(bucket)) ||
      (asked !== null && asked !== consistencyOf(bucket))
    )
      throw new S3Error('BucketAlreadyExists', { detail: { BucketName: name } });
  }
  return emptyResponse(200, { location: `/${name}`, ...consistencyHeader(bucket) });
};

function ownershipAsked(header: string | undefined): ObjectOwnership | null {
  if (header === undefined) return null;
  const ownership = OBJECT_OWNERSHIPS.find((name) => name === header);
  if (ownership === undefined)
    throw invalidArgument('x-amz-object-ownership', header, 'Invalid x-amz-object-ownership header');
  return ownership;
}

/** Object Lock works on versions: such a bucket is versioned from its first object on. */
function objectLockAsked(header: string | undefined): boolean {
  const value = header?.toLowerCase() ?? 'false';
  if (value !== 'true' && value !== 'false') throw invalidArgument('x-amz-bucket-object-lock-enabled', header ?? '');
  return value === 'true';
}

/** LocationConstraint, else the default region, and the tags. @throws S3Error InvalidLocationConstraint, InvalidTag */
async function configuration(context: OperationContext): Promise<{ region: string; tags: Tags | null }> {
  const { services } = context;
  const asked = parseCreateBucketConfiguration(await xmlBody(context, { required: false }));
  const region = asked.locationConstraint ?? services.settings.defaultRegion;
  if (!services.stores.regions.has(region))
    throw new S3Error('InvalidLocationConstraint', { detail: { LocationConstraint: region } });
  return { region, tags: asked.tags.length === 0 ? null : checkTags(asked.tags, 'bucket') };
}
