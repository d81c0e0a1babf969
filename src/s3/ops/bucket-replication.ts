/**
 * GetBucketReplication, PutBucketReplication and DeleteBucketReplication.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketReplication.html
 *
 * Besides buckets ('arn:aws:s3:::bucket') a destination may be a bucket of a server that the gateway's configuration names:
 * 'arn:pithos:replication:::target/bucket'. Deviations: the role is not assumed (replicas are made in the name of the bucket's
 * owner); a destination that is not owned by its Account is refused here, not when it is written to.
 */
import type { BucketRecord } from '../../store/types.js';
import type { OperationContext } from '../context.js';
import { checkBucketDefault } from '../encryption.js';
import { S3Error, invalidArgument } from '../errors.js';
import type { Handler } from '../operation.js';
import { emptyResponse, xmlResponse } from '../operation.js';
import { checkReplication } from '../replication-checks.js';
import type { ReplicationConfiguration, ReplicationDestination, ReplicationRule } from '../replication.js';
import { parseDestination, REPLICATION_DOCUMENT, replicationOf } from '../replication.js';
import { xmlBody } from '../xml-body.js';
import { parseReplicationConfiguration, replicationConfiguration } from '../xml/documents.js';

export const getBucketReplication: Handler = async ({ bucket }) => {
  const configuration = replicationOf(bucket);
  if (configuration === null)
    throw new S3Error('ReplicationConfigurationNotFoundError', { detail: { BucketName: bucket.name } });
  return xmlResponse(replicationConfiguration(configuration));
};

export const putBucketReplication: Handler = async (context) => {
  const { bucket, services } = context;
  const body = await xmlBody(context, { required: true, digest: true });
  const given = parseReplicationConfiguration(body, { maxBytes: services.settings.maxXmlBytes });
  requireVersioning(bucket);
  checkReplication(given);
  const rules: ReplicationRule[] = [];
  for (const rule of given.rules)
    rules.push({ ...rule, destination: await checkedDestination(context, rule.destination) });
  const configuration: ReplicationConfiguration = { ...given, rules };
  await services.stores.buckets.update(bucket, (current) => {
    requireVersioning(current);
    return { documents: { [REPLICATION_DOCUMENT]: JSON.stringify(configuration) } };
  });
  return emptyResponse(200);
};

export const deleteBucketReplication: Handler = async ({ bucket, services }) => {
  await services.stores.buckets.update(bucket, () => ({ documents: { [REPLICATION_DOCUMENT]: null } }));
  return emptyResponse(204);
};

function requireVersioning({ versioning }: Pick<BucketRecord, 'versioning'>): void {
  if (versioning !== 'enabled')
    throw invalidRequest("Versioning must be 'Enabled' on the bucket to apply a replication configuration");
}

/** @throws S3Error InvalidRequest, InvalidArgument, and what the encryption's check throws */
async function checkedDestination(
  context: OperationContext,
  destination: ReplicationDestination,
): Promise<ReplicationDestination> {
  const name = parseDestination(destination.arn);
  if (name === null) throw invalidArgument('Bucket', destination.arn, 'Invalid bucket ARN.');
  if (name.kind === 'local') return checkedLocal(context, destination, name.bucket);
  const { replication } = context.services;
  if (!replication.has(name.target, context.bucket.owner.id)) throw noDestination();
  const fault = await replication.check(name.target, name.bucket, context.signal);
  if (fault !== null) throw invalidRequest(fault);
  return destination;
}

async function checkedLocal(
  context: OperationContext,
  destination: ReplicationDestination,
  name: string,
): Promise<ReplicationDestination> {
  const { bucket, services } = context;
  if (name === bucket.name) throw invalidRequest('Destination bucket cannot be the same as the source bucket.');
  const found = await services.stores.buckets.get(name, { fresh: true });
  const region = found?.state === 'active' ? services.stores.regions.get(found.region) : undefined;
  if (found === null || region === undefined) throw noDestination();
  if (found.versioning !== 'enabled') throw invalidRequest('Destination bucket must have versioning enabled.');
  if (bucket.objectLock && !found.objectLock)
    throw invalidRequest('Destination bucket must have Object Lock enabled, as the source bucket has.');
  const { account, storageClass, kmsKeyId } = destination;
  if (account !== null && account !== found.owner.id)
    throw invalidRequest('Account must be that of the destination bucket owner.');
  if (storageClass !== null && !region.blobs.has(storageClass))
    throw invalidArgument('StorageClass', storageClass, 'The storage class is not one of the destination bucket.');
  if (kmsKeyId !== null)
    await checkBucketDefault(context, {
      byDefault: { algorithm: 'aws:kms', keyId: kmsKeyId },
      bucketKeyEnabled: null,
      blocked: null,
    });
  return { ...destination, region: found.region };
}

function noDestination(): S3Error {
  return invalidRequest('Destination bucket must exist.');
}

function invalidRequest(message: string): S3Error {
  return new S3Error('InvalidRequest', { message });
}
