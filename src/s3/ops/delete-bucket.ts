/** DeleteBucket. https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteBucket.html */
import { regionOf } from '../context.js';
import { S3Error } from '../errors.js';
import type { Handler } from '../operation.js';
import { emptyResponse } from '../operation.js';

export const deleteBucket: Handler = async (context) => {
  const { bucket, services } = context;
  const { metadata } = regionOf(context, bucket);
  const outcome = await services.stores.buckets.delete(bucket, () => metadata.isEmpty(bucket));
  if (outcome === 'notEmpty') throw new S3Error('BucketNotEmpty', { detail: { BucketName: bucket.name } });
  if (outcome === 'gone') throw new S3Error('NoSuchBucket', { detail: { BucketName: bucket.name } });
  return emptyResponse(204);
};
