/** Get-, Put- and DeleteBucketLimits: how much a bucket may ask of all gateways together, each second. */
import { IamError } from '../../iam/iam-errors.js';
import { bucketThroughput, LIMITS_DOCUMENT } from '../../limits/throughput.js';
import type { Throughput } from '../../limits/throughput.js';
import { requireBucket } from '../../s3/access.js';
import { S3Error } from '../../s3/errors.js';
import type { BucketRecord } from '../../store/types.js';
import type { AdminContext, AdminOperation } from '../admin-operation.js';
import type { JsonFields } from '../json-fields.js';

type Handler = AdminOperation['handler'];

const MAX_PER_SECOND = 2 ** 40;
const MIN_BYTES_PER_SECOND = 1024;

/** The figures that were set for this bucket; the configuration's defaults stand for those that were not (null). */
export const getBucketLimits: Handler = async (context) => {
  const bucket = await theBucket(context);
  if (!context.isOperator && bucket.owner.id !== context.account) throw new S3Error('AccessDenied');
  return shown(bucketThroughput(bucket));
};

export const putBucketLimits: Handler = async (context) => {
  const bucket = await theBucket(context);
  const throughput = readThroughput(await context.body());
  await change(context, bucket, JSON.stringify(throughput));
  return shown(throughput);
};

/** The configuration's defaults hold again. */
export const deleteBucketLimits: Handler = async (context) => {
  await change(context, await theBucket(context), null);
  return null;
};

function theBucket({ services, params }: AdminContext): Promise<BucketRecord> {
  return requireBucket({ services: services.s3 }, params['bucket'] ?? '');
}

async function change({ services }: AdminContext, bucket: BucketRecord, document: string | null): Promise<void> {
  await services.s3.stores.buckets.update(bucket, () => ({ documents: { [LIMITS_DOCUMENT]: document } }));
}

function readThroughput(fields: JsonFields): Throughput {
  const requests = fields.raw('requestsPerSecond') ?? null;
  if (requests !== null && !(typeof requests === 'number' && requests >= 0 && requests <= MAX_PER_SECOND))
    throw new IamError('ValidationError', `requestsPerSecond must be a number from 0 to ${MAX_PER_SECOND}.`);
  const bytesIn = readBytes(fields, 'bytesInPerSecond');
  const bytesOut = readBytes(fields, 'bytesOutPerSecond');
  fields.done();
  return {
    ...(requests === null ? {} : { requestsPerSecond: requests }),
    ...(bytesIn === null ? {} : { bytesInPerSecond: bytesIn }),
    ...(bytesOut === null ? {} : { bytesOutPerSecond: bytesOut }),
  };
}

function readBytes(fields: JsonFields, name: string): number | null {
  const value = fields.optionalInteger(name, { min: 0, max: MAX_PER_SECOND });
  if (value !== null && value !== 0 && value < MIN_BYTES_PER_SECOND)
    throw new IamError('ValidationError', `${name} must be 0 or at least ${MIN_BYTES_PER_SECOND}.`);
  return value;
}

function shown({ requestsPerSecond, bytesInPerSecond, bytesOutPerSecond }: Throughput): object {
  return {
    requestsPerSecond: requestsPerSecond ?? null,
    bytesInPerSecond: bytesInPerSecond ?? null,
    bytesOutPerSecond: bytesOutPerSecond ?? null,
  };
}
