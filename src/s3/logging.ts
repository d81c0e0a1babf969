/**
 * A bucket's access logging: where its log goes, and whether it may.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
 */
import { GROUPS, isAllowed, parseAcl } from '../iam/acl.js';
import { bucketArn, isServiceAllowed, objectArn } from '../iam/policy.js';
import type { BucketRecord } from '../store/types.js';
import { aclsDisabled, bucketAcl, bucketPolicy } from './bucket-security.js';

/** The bucket document that holds it, JSON. */
export const LOGGING_DOCUMENT = 'logging';
export const LOGGING_SERVICE = 'logging.s3.amazonaws.com';

export interface LoggingConfiguration {
  readonly targetBucket: string;
  /** may be '' */
  readonly targetPrefix: string;
  /** 'simple': all under the prefix; else in folders by account, region, bucket and day of the event or of the delivery */
  readonly keyFormat: 'simple' | 'by-event-time' | 'by-delivery-time';
  /** serialised ACL of the log objects; null: the owner's alone */
  readonly acl: string | null;
}

/** null: the bucket keeps no log */
export function loggingOf({ documents }: Pick<BucketRecord, 'documents'>): LoggingConfiguration | null {
  const document = documents[LOGGING_DOCUMENT];
  return document === undefined ? null : (JSON.parse(document) as LoggingConfiguration);
}

export interface LogDelivery {
  readonly source: Pick<BucketRecord, 'name' | 'owner'>;
  readonly target: BucketRecord;
  /** of the object to be written; at configuration time the prefix */
  readonly key: string;
  readonly nowMs: number;
}

/**
 * The target's policy grants it to the service, or its ACL to the group LogDelivery: on buckets with ACLs, WRITE of the
 * bucket is enough, as it was before there were policies for it.
 */
export function mayDeliverLogs({ source, target, key, nowMs }: LogDelivery): boolean {
  const allowed = isServiceAllowed({
    policy: bucketPolicy(target),
    service: LOGGING_SERVICE,
    action: 's3:PutObject',
    resource: objectArn(target.name, key),
    resourceAccount: target.owner.id,
    sourceArn: bucketArn(source.name),
    sourceAccount: source.owner.id,
    nowMs,
  });
  if (allowed) return true;
  return !aclsDisabled(target) && isAllowed(bucketAcl(target), LOG_DELIVERY, 'WRITE');
}

const LOG_DELIVERY = { tenant: 'logging.s3.amazonaws.com', memberOf: [GROUPS.logDelivery] };

/** The ACL of log objects, parsed; null: the owner's alone. */
export function logAcl({ acl }: LoggingConfiguration): ReturnType<typeof parseAcl> | null {
  return acl === null ? null : parseAcl(acl);
}
