/**
 * GetBucketWebsite, PutBucketWebsite and DeleteBucketWebsite.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketWebsite.html
 */
import { S3Error } from '../errors.js';
import type { Handler } from '../operation.js';
import { emptyResponse, xmlResponse } from '../operation.js';
import { WEBSITE_DOCUMENT, websiteOf } from '../website.js';
import { xmlBody } from '../xml-body.js';
import { parseWebsiteConfiguration, websiteConfiguration } from '../xml/documents.js';

export const getBucketWebsite: Handler = async ({ bucket }) => {
  const configuration = websiteOf(bucket);
  if (configuration === null) throw new S3Error('NoSuchWebsiteConfiguration', { detail: { BucketName: bucket.name } });
  return xmlResponse(websiteConfiguration(configuration));
};

export const putBucketWebsite: Handler = async (context) => {
  const configuration = parseWebsiteConfiguration(await xmlBody(context, { required: true }));
  await context.services.stores.buckets.update(context.bucket, () => ({
    documents: { [WEBSITE_DOCUMENT]: JSON.stringify(configuration) },
  }));
  return emptyResponse(200);
};

export const deleteBucketWebsite: Handler = async (context) => {
  await context.services.stores.buckets.update(context.bucket, () => ({ documents: { [WEBSITE_DOCUMENT]: null } }));
  return emptyResponse(204);
};
