/**
 * GetBucketCors, PutBucketCors, DeleteBucketCors and the preflight request that the rules answer.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
 */
import { bucketCorsRules } from '../bucket-cors.js';
import { parseCors, preflightHeaders, serialiseCors } from '../cors.js';
import { S3Error } from '../errors.js';
import type { Handler } from '../operation.js';
import { emptyResponse, xmlResponse } from '../operation.js';
import { xmlBody } from '../xml-body.js';
import { corsConfiguration, parseCorsConfiguration } from '../xml/documents.js';

export const getBucketCors: Handler = async ({ bucket }) => {
  const document = bucket.documents['cors'];
  if (document === undefined) throw new S3Error('NoSuchCORSConfiguration', { detail: { BucketName: bucket.name } });
  return xmlResponse(corsConfiguration(parseCors(document)));
};

export const putBucketCors: Handler = async (context) => {
  const rules = parseCorsConfiguration(await xmlBody(context, { required: true }));
  await context.services.stores.buckets.update(context.bucket, () => ({ documents: { cors: serialiseCors(rules) } }));
  return emptyResponse(200);
};

export const deleteBucketCors: Handler = async (context) => {
  await context.services.stores.buckets.update(context.bucket, () => ({ documents: { cors: null } }));
  return emptyResponse(204);
};

/** OPTIONS. Anonymous by nature: it tells only what the rules say. */
export const preflight: Handler = async (context) => {
  const { request, services } = context;
  const bucket = request.bucket === null ? null : await services.stores.buckets.get(request.bucket);
  const rules = bucketCorsRules(services, bucket?.state === 'active' ? bucket : null);
  const resourceType = request.key === null ? 'BUCKET' : 'OBJECT';
  return emptyResponse(200, preflightHeaders(rules, { headers: request.headers, resourceType }));
};
