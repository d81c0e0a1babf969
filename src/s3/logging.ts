/**
 * A bucket's access logging: where its log goes, and whether it may.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html
 */
import { GROUPS, isAllowed, parseAcl } from '../iam/acl.js';
import { bucketArn, judgeService, objectArn } from '../iam/policy.js';
import type { BucketRecord } from '../store/types.js';
import { aclsDisabled, bucketAcl, bucketPolicy } from './bucket-security.js';

/** The bucket document that holds it, JSON. */
export const LOGGING_DOCUMENT = 'logging';
export const LOGGING_SERVICE = 'logging.s3.amazonaws.com';

export interface LoggingConfiguration {
  readonly targetBucket: string;
  /** may be '' */
  readonly targetPrefix: string;
  /**
   * 'simple', and 'default' where nothing was asked for: all under the prefix; else in folders by account, region, bucket and day
   * of the event or of the delivery
   */
  readonly keyFormat: 'default' | 'simple' | 'by-event-time' | 'by-delivery-time';
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
  /** of the object to be written */
  readonly key: string;
  readonly nowMs: number;
}

/**
 * The target's policy grants it to the service, or its ACL to the group LogDelivery, which needs WRITE and READ_ACP of the bucket
 * then. What the policy denies no ACL gives.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
 */
export function mayDeliverLogs({ source, target, key, nowMs }: LogDelivery): boolean {
  const decision = judgeService({
    policy: bucketPolicy(target),
    service: LOGGING_SERVICE,
    action: 's3:PutObject',
    resource: objectArn(target.name, key),
    resourceAccount: target.owner.id,
    sourceArn: bucketArn(source.name),
    sourceAccount: source.owner.id,
    nowMs,
  });
  if (decision !== 'none') return decision === 'allow';
  if (aclsDisabled(target)) return false;
  const acl = bucketAcl(target);
  return isAllowed(acl, LOG_DELIVERY, 'WRITE') && isAllowed(acl, LOG_DELIVERY, 'READ_ACP');
}

const LOG_DELIVERY = { tenant: LOGGING_SERVICE, memberOf: [GROUPS.logDelivery] };

/** The ACL of log objects, parsed; null: the owner's alone. */
export function logAcl({ acl }: LoggingConfiguration): ReturnType<typeof parseAcl> | null {
  return acl === null ? null : parseAcl(acl);
}

export interface LogObject {
  readonly source: Pick<BucketRecord, 'name' | 'owner' | 'region'>;
  readonly configuration: Pick<LoggingConfiguration, 'targetPrefix' | 'keyFormat'>;
  /** the day the lines are of; counts only where keys are by the time of the event */
  readonly dayMs: number;
  readonly nowMs: number;
  /** 16 hexadecimal digits */
  readonly unique: string;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html#server-log-keyname-format */
export function logObjectKey({ source, configuration, dayMs, nowMs, unique }: LogObject): string {
  const { targetPrefix, keyFormat } = configuration;
  const time = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace(/[T:]/g, '-');
  if (keyFormat === 'default' || keyFormat === 'simple') return `${targetPrefix}${time(nowMs)}-${unique}`;
  // A day's lines are named by its first second.
  const atMs = keyFormat === 'by-event-time' ? startOfDay(dayMs) : nowMs;
  const folder = time(atMs).slice(0, 10).replaceAll('-', '/');
  return `${targetPrefix}${source.owner.id}/${source.region}/${source.name}/${folder}/${time(atMs)}-${unique}`;
}

const DAY_MS = 24 * 60 * 60_000;

/** @param ms since the epoch @returns the same of 00:00 UTC */
export function startOfDay(ms: number): number {
  return Math.floor(ms / DAY_MS) * DAY_MS;
}
