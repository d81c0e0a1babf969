/**
 * GetPublicAccessBlock, PutPublicAccessBlock and DeletePublicAccessBlock.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
 * Deviation: buckets are created without one.
 */
import { PUBLIC_ACCESS_BLOCK_DOCUMENT, publicAccessBlock } from '../bucket-security.js';
import { S3Error } from '../errors.js';
import type { Handler } from '../operation.js';
import { emptyResponse, xmlResponse } from '../operation.js';
import { xmlBody } from '../xml-body.js';
import { parsePublicAccessBlock, publicAccessBlockConfiguration } from '../xml/documents.js';

export const getPublicAccessBlock: Handler = async ({ bucket }) => {
  if (bucket.documents[PUBLIC_ACCESS_BLOCK_DOCUMENT] === undefined)
    throw new S3Error('NoSuchPublicAccessBlockConfiguration', { detail: { BucketName: bucket.name } });
  return xmlResponse(publicAccessBlockConfiguration(publicAccessBlock(bucket)));
};

export const putPublicAccessBlock: Handler = async (context) => {
  const block = parsePublicAccessBlock(await xmlBody(context, { required: true }));
  await context.services.stores.buckets.update(context.bucket, () => ({
    documents: { [PUBLIC_ACCESS_BLOCK_DOCUMENT]: JSON.stringify(block) },
  }));
  return emptyResponse(200);
};

export const deletePublicAccessBlock: Handler = async ({ bucket, services }) => {
  await services.stores.buckets.update(bucket, () => ({ documents: { [PUBLIC_ACCESS_BLOCK_DOCUMENT]: null } }));
  return emptyResponse(204);
};
