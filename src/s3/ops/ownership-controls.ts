/**
 * GetBucketOwnershipControls, PutBucketOwnershipControls and DeleteBucketOwnershipControls.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
 * Deviation: a bucket without them has ObjectWriter, as on S3 before April 2023, so that ACLs work unless they are disabled.
 */
import { bucketAcl, configuredOwnership, grantsToOthers, OWNERSHIP_CONTROLS_DOCUMENT } from '../bucket-security.js';
import { S3Error } from '../errors.js';
import type { Handler } from '../operation.js';
import { emptyResponse, xmlResponse } from '../operation.js';
import { xmlBody } from '../xml-body.js';
import { ownershipControls, parseOwnershipControls } from '../xml/documents.js';

export const getBucketOwnershipControls: Handler = async ({ bucket }) => {
  const ownership = configuredOwnership(bucket);
  if (ownership === null) throw new S3Error('OwnershipControlsNotFoundError', { detail: { BucketName: bucket.name } });
  return xmlResponse(ownershipControls(ownership));
};

export const putBucketOwnershipControls: Handler = async (context) => {
  const ownership = parseOwnershipControls(await xmlBody(context, { required: true }));
  await context.services.stores.buckets.update(context.bucket, (current) => {
    // What the ACL gives to others would end without a word.
    if (ownership === 'BucketOwnerEnforced' && grantsToOthers(bucketAcl(current)))
      throw new S3Error('InvalidBucketAclWithObjectOwnership');
    return { documents: { [OWNERSHIP_CONTROLS_DOCUMENT]: ownership } };
  });
  return emptyResponse(200);
};

export const deleteBucketOwnershipControls: Handler = async ({ bucket, services }) => {
  await services.stores.buckets.update(bucket, () => ({ documents: { [OWNERSHIP_CONTROLS_DOCUMENT]: null } }));
  return emptyResponse(204);
};
