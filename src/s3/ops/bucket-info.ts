/** The small questions and switches of a bucket: location, who pays, versioning. */
import { invalidArgument, S3Error } from '../errors.js';
import type { Handler } from '../operation.js';
import { emptyResponse, xmlResponse } from '../operation.js';
import { consistencyHeader } from '../quorum-bucket.js';
import { replicationOf } from '../replication.js';
import { payerDocument, payerOf } from '../requester-pays.js';
import { xmlBody } from '../xml-body.js';
import {
  locationConstraint,
  parseRequestPaymentConfiguration,
  parseVersioningConfiguration,
  requestPaymentConfiguration,
  versioningConfiguration,
} from '../xml/documents.js';

/** AWS answers an empty constraint for its first region; a region that the operator named is told by its name. */
export const getBucketLocation: Handler = async ({ bucket }) =>
  xmlResponse(locationConstraint(bucket.region === 'us-east-1' ? null : bucket.region), consistencyHeader(bucket));

export const getBucketRequestPayment: Handler = async ({ bucket }) =>
  xmlResponse(requestPaymentConfiguration(payerOf(bucket)));

export const putBucketRequestPayment: Handler = async (context) => {
  const payer = parseRequestPaymentConfiguration(await xmlBody(context, { required: true }));
  await context.services.stores.buckets.update(context.bucket, () => ({ documents: payerDocument(payer) }));
  return emptyResponse(200);
};

export const getBucketVersioning: Handler = async ({ bucket }) =>
  xmlResponse(
    versioningConfiguration(
      bucket.versioning === 'unversioned' ? {} : { status: bucket.versioning === 'enabled' ? 'Enabled' : 'Suspended' },
    ),
  );

export const putBucketVersioning: Handler = async (context) => {
  const { status, mfaDelete } = parseVersioningConfiguration(await xmlBody(context, { required: true }));
  if (mfaDelete === 'Enabled') throw invalidArgument('MfaDelete', mfaDelete, 'MFA delete is not served');
  await context.services.stores.buckets.update(context.bucket, (current) => {
    if (current.objectLock && status === 'Suspended')
      throw new S3Error('InvalidBucketState', {
        message: 'An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.',
      });
    if (status === 'Suspended' && replicationOf(current) !== null)
      throw new S3Error('InvalidBucketState', {
        message:
          'A replication configuration is present on this bucket, so you cannot change the versioning state. To change the versioning state, first delete the replication configuration.',
      });
    return { versioning: status === 'Enabled' ? 'enabled' : 'suspended' };
  });
  return emptyResponse(200);
};
