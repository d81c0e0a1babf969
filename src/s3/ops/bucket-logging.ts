/**
 * GetBucketLogging and PutBucketLogging. That the log may be delivered is checked when it is switched on, and again with every
 * delivery.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLogging.html
 */
import { granteeResolver } from '../../iam/acl-grantees.js';
import type { Grant } from '../../iam/acl.js';
import { checkGrantCount, orderGrants, serialiseAcl } from '../../iam/acl.js';
import type { BucketRecord } from '../../store/types.js';
import { checkObjectKey } from '../bucket-name.js';
import { aclsDisabled } from '../bucket-security.js';
import type { OperationContext } from '../context.js';
import { S3Error } from '../errors.js';
import { logAcl, LOGGING_DOCUMENT, loggingOf, logObjectKey, mayDeliverLogs } from '../logging.js';
import type { LoggingConfiguration } from '../logging.js';
import type { Handler } from '../operation.js';
import { emptyResponse, xmlResponse } from '../operation.js';
import { payerOf } from '../requester-pays.js';
import { xmlBody } from '../xml-body.js';
import { bucketLoggingStatus, parseBucketLoggingStatus } from '../xml/documents.js';
import type { RequestedLogging } from '../xml/documents.js';

export const getBucketLogging: Handler = async ({ bucket }) => {
  const configuration = loggingOf(bucket);
  if (configuration === null) return xmlResponse(bucketLoggingStatus(null));
  return xmlResponse(bucketLoggingStatus({ ...configuration, grants: logAcl(configuration)?.grants ?? [] }));
};

export const putBucketLogging: Handler = async (context) => {
  const { bucket, services } = context;
  const requested = parseBucketLoggingStatus(await xmlBody(context, { required: true }));
  let document: string | null = null;
  if (requested !== null) {
    const target = await checkedTarget(context, requested);
    const { targetBucket, targetPrefix, keyFormat } = requested;
    const acl = await grantsOf(context, target, requested);
    const configuration: LoggingConfiguration = { targetBucket, targetPrefix, keyFormat, acl };
    document = JSON.stringify(configuration);
  }
  await services.stores.buckets.update(bucket, () => ({ documents: { [LOGGING_DOCUMENT]: document } }));
  return emptyResponse(200);
};

/** @throws S3Error InvalidTargetBucketForLogging, CrossLocationLoggingProhibited, KeyTooLongError (by the prefix) */
async function checkedTarget(
  { bucket, services }: OperationContext,
  { targetBucket, targetPrefix, keyFormat }: RequestedLogging,
): Promise<BucketRecord> {
  const invalid = (message: string): S3Error =>
    new S3Error('InvalidTargetBucketForLogging', { message, detail: { TargetBucket: targetBucket } });
  const target = await services.stores.buckets.get(targetBucket, { fresh: true });
  if (target?.state !== 'active') throw invalid('The target bucket for logging does not exist');
  if (target.owner.id !== bucket.owner.id)
    throw invalid('The owner for the bucket to be logged and the target bucket must be the same.');
  if (target.region !== bucket.region)
    throw new S3Error('CrossLocationLoggingProhibited', {
      detail: { TargetBucketLocation: target.region, SourceBucketLocation: bucket.region },
    });
  if (target.objectLock) throw invalid('The target bucket for logging must not have Object Lock enabled.');
  if (payerOf(target) === 'Requester')
    throw invalid('The target bucket for logging must not be configured for requester pays.');
  const nowMs = services.now();
  const configuration = { targetPrefix, keyFormat };
  const key = logObjectKey({ source: bucket, configuration, dayMs: nowMs, nowMs, unique: '0'.repeat(16) });
  checkObjectKey(key);
  if (!mayDeliverLogs({ source: bucket, target, key, nowMs }))
    throw invalid('You must give the log-delivery group WRITE and READ_ACP permissions to the target bucket');
  return target;
}

/** Serialised ACL of the log objects. */
async function grantsOf(
  { services }: OperationContext,
  target: BucketRecord,
  { grants }: RequestedLogging,
): Promise<string | null> {
  if (grants.length === 0) return null;
  if (aclsDisabled(target))
    throw new S3Error('AccessControlListNotSupported', {
      message: 'Target grants not allowed for bucket owner enforced buckets',
    });
  checkGrantCount(grants);
  const resolve = granteeResolver(services.directory, [target.owner]);
  const resolved: Grant[] = [];
  for (const { grantee, permission } of grants) resolved.push({ grantee: await resolve(grantee), permission });
  const own: Grant = {
    grantee: { type: 'CanonicalUser', id: target.owner.id, displayName: target.owner.displayName },
    permission: 'FULL_CONTROL',
  };
  return serialiseAcl({ owner: target.owner, grants: orderGrants([own, ...resolved]) });
}
