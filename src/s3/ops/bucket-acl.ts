/**
 * GetBucketAcl and PutBucketAcl. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketAcl.html
 */
import { bucketAcl } from '../access.js';
import { aclToXml } from '../../iam/acl-document.js';
import { requestedAcl } from '../requested-acl.js';
import type { Handler } from '../operation.js';
import { emptyResponse, xmlResponse } from '../operation.js';

export const getBucketAcl: Handler = async ({ bucket }) => xmlResponse(aclToXml(bucketAcl(bucket)));

export const putBucketAcl: Handler = async (context) => {
  const { bucket, services } = context;
  const acl = await requestedAcl(context, { owner: bucket.owner, target: 'bucket' });
  await services.stores.buckets.update(bucket, () => ({ documents: { acl } }));
  return emptyResponse(200);
};
