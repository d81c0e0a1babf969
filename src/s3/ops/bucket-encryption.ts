/**
 * GetBucketEncryption, PutBucketEncryption and DeleteBucketEncryption.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketEncryption.html
 *
 * Deviations: a bucket that was never configured has no default encryption, and says so (AWS answers AES256 since 2023, because
 * it encrypts everything); a default that no write could be served with (unknown key, no master key) is refused when it is put.
 */
import { bucketEncryption, serialiseBucketEncryption } from '../bucket-encryption.js';
import { checkBucketDefault } from '../encryption.js';
import { S3Error } from '../errors.js';
import type { Handler } from '../operation.js';
import { emptyResponse, xmlResponse } from '../operation.js';
import { xmlBody } from '../xml-body.js';
import { parseServerSideEncryptionConfiguration, serverSideEncryptionConfiguration } from '../xml/documents.js';

export const getBucketEncryption: Handler = async ({ bucket }) => {
  const encryption = bucketEncryption(bucket);
  if (encryption === null)
    throw new S3Error('ServerSideEncryptionConfigurationNotFoundError', { detail: { BucketName: bucket.name } });
  return xmlResponse(serverSideEncryptionConfiguration(encryption));
};

export const putBucketEncryption: Handler = async (context) => {
  const encryption = parseServerSideEncryptionConfiguration(await xmlBody(context, { required: true }));
  await checkBucketDefault(context, encryption);
  await context.services.stores.buckets.update(context.bucket, () => ({
    documents: { encryption: serialiseBucketEncryption(encryption) },
  }));
  return emptyResponse(200);
};

export const deleteBucketEncryption: Handler = async (context) => {
  await context.services.stores.buckets.update(context.bucket, () => ({ documents: { encryption: null } }));
  return emptyResponse(204);
};
