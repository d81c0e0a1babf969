/**
 * GetBucketTagging, PutBucketTagging and DeleteBucketTagging.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketTagging.html
 */
import { S3Error } from '../errors.js';
import type { Handler } from '../operation.js';
import { emptyResponse, xmlResponse } from '../operation.js';
import type { Tags } from '../tagging.js';
import { xmlBody } from '../xml-body.js';
import { parseTagging, tagging } from '../xml/documents.js';

export const getBucketTagging: Handler = async ({ bucket }) => {
  const document = bucket.documents['tagging'];
  if (document === undefined) throw new S3Error('NoSuchTagSet', { detail: { BucketName: bucket.name } });
  return xmlResponse(tagging(JSON.parse(document) as Tags));
};

export const putBucketTagging: Handler = async (context) => {
  const tags = parseTagging(await xmlBody(context, { required: true }), 'bucket');
  await context.services.stores.buckets.update(context.bucket, () => ({
    documents: { tagging: JSON.stringify(tags) },
  }));
  return emptyResponse(204);
};

export const deleteBucketTagging: Handler = async (context) => {
  await context.services.stores.buckets.update(context.bucket, () => ({ documents: { tagging: null } }));
  return emptyResponse(204);
};
