/**
 * GetObjectLockConfiguration and PutObjectLockConfiguration. Object Lock can be enabled on a bucket with versioning at any
 * time, never disabled. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html
 */
import { S3Error } from '../errors.js';
import { defaultRetentionOf, OBJECT_LOCK_DOCUMENT } from '../object-lock.js';
import type { Handler } from '../operation.js';
import { emptyResponse, xmlResponse } from '../operation.js';
import { xmlBody } from '../xml-body.js';
import { objectLockConfiguration, parseObjectLockConfiguration } from '../xml/documents.js';

export const getObjectLockConfiguration: Handler = async ({ bucket }) => {
  if (!bucket.objectLock)
    throw new S3Error('ObjectLockConfigurationNotFoundError', { detail: { BucketName: bucket.name } });
  return xmlResponse(objectLockConfiguration(defaultRetentionOf(bucket)));
};

export const putObjectLockConfiguration: Handler = async (context) => {
  const rule = parseObjectLockConfiguration(await xmlBody(context, { required: true, digest: true }));
  await context.services.stores.buckets.update(context.bucket, ({ versioning }) => {
    if (versioning !== 'enabled')
      throw new S3Error('InvalidBucketState', {
        message: "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
      });
    return { objectLock: true, documents: { [OBJECT_LOCK_DOCUMENT]: rule === null ? null : JSON.stringify(rule) } };
  });
  return emptyResponse(200);
};
