/**
 * GetBucketLifecycleConfiguration, PutBucketLifecycleConfiguration and DeleteBucketLifecycle.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html
 */
import { regionOf } from '../context.js';
import { S3Error } from '../errors.js';
import { checkLifecycle, TRANSITION_MINIMUM_HEADER, transitionMinimumOf } from '../lifecycle-checks.js';
import type { LifecycleConfiguration } from '../lifecycle.js';
import { LIFECYCLE_DOCUMENT, LIFECYCLE_LEASE_DOCUMENT, lifecycleOf } from '../lifecycle.js';
import type { Handler } from '../operation.js';
import { emptyResponse, xmlResponse } from '../operation.js';
import { xmlBody } from '../xml-body.js';
import { lifecycleConfiguration, parseLifecycleConfiguration } from '../xml/documents.js';

export const getBucketLifecycleConfiguration: Handler = async ({ bucket }) => {
  const configuration = lifecycleOf(bucket);
  if (configuration === null)
    throw new S3Error('NoSuchLifecycleConfiguration', { detail: { BucketName: bucket.name } });
  return xmlResponse(lifecycleConfiguration(configuration.rules), {
    [TRANSITION_MINIMUM_HEADER]: configuration.transitionMinimum,
  });
};

export const putBucketLifecycleConfiguration: Handler = async (context) => {
  const { bucket, request, services } = context;
  const transitionMinimum = transitionMinimumOf(request.headers);
  const maxBytes = services.settings.maxXmlBytes;
  const rules = parseLifecycleConfiguration(await xmlBody(context, { required: true, digest: true }), { maxBytes });
  const { blobs } = regionOf(context, bucket);
  checkLifecycle(rules, (storageClass) => blobs.has(storageClass));
  const configuration: LifecycleConfiguration = { rules, transitionMinimum };
  // Without the runners' notes the next one to come by starts a sweep by the new rules.
  await services.stores.buckets.update(bucket, () => ({
    documents: { [LIFECYCLE_DOCUMENT]: JSON.stringify(configuration), [LIFECYCLE_LEASE_DOCUMENT]: null },
  }));
  return emptyResponse(200, { [TRANSITION_MINIMUM_HEADER]: transitionMinimum });
};

export const deleteBucketLifecycle: Handler = async ({ bucket, services }) => {
  await services.stores.buckets.update(bucket, () => ({
    documents: { [LIFECYCLE_DOCUMENT]: null, [LIFECYCLE_LEASE_DOCUMENT]: null },
  }));
  return emptyResponse(204);
};
