/**
 * What S3 checks of a replication configuration besides its form. Pure.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketReplication.html
 */
import { S3Error, invalidArgument } from './errors.js';
import type { ReplicationConfiguration, ReplicationRule } from './replication.js';

/** @throws S3Error InvalidRequest, InvalidArgument */
export function checkReplication({ role, rules }: ReplicationConfiguration): void {
  if (!/^arn:aws[a-z-]*:iam::[^:]*:role\/.+$/.test(role)) throw invalidArgument('Role', role, 'Invalid role ARN.');
  const ids = new Set(rules.map(({ id }) => id));
  if (ids.size < rules.length)
    throw invalidArgument('ID', '', 'Rule Id must be unique. Found the same ID for more than one rule.');
  const firstSchema = rules.filter(isFirstSchema);
  if (firstSchema.length > 0 && firstSchema.length < rules.length)
    throw invalidRequest('Rules with a Prefix and rules with a Filter cannot be in one replication configuration.');
  for (const rule of rules) {
    if (!isFirstSchema(rule)) checkSecondSchema(rule);
    checkDestination(rule);
  }
  if (firstSchema.length > 0) checkFirstSchema(rules);
  else checkPriorities(rules);
}

function isFirstSchema({ filter }: ReplicationRule): boolean {
  return filter.form === 'prefix';
}

const THIS_SCHEMA = 'for this version of Cross Region Replication configuration schema.';

function checkSecondSchema({ priority, deleteMarkers, filter }: ReplicationRule): void {
  if (priority === null) throw invalidRequest(`Priority must be specified ${THIS_SCHEMA}`);
  if (deleteMarkers === null) throw invalidRequest(`DeleteMarkerReplication must be specified ${THIS_SCHEMA}`);
  if (deleteMarkers && Object.keys(filter.tags).length > 0)
    throw invalidRequest('Delete marker replication is not supported if any Tag filter is specified.');
}

/** One destination, and every key is the business of one rule at most. */
function checkFirstSchema(rules: readonly ReplicationRule[]): void {
  if (new Set(rules.map(({ destination }) => destination.arn)).size > 1)
    throw invalidRequest(`All rules must have the same destination bucket ${THIS_SCHEMA}`);
  for (const [i, { filter }] of rules.entries()) {
    const prefix = filter.prefix ?? '';
    const other = rules.slice(i + 1).find((rule) => overlap(prefix, rule.filter.prefix ?? ''));
    if (other !== undefined)
      throw invalidRequest(
        `Found overlapping prefixes '${prefix}' and '${other.filter.prefix ?? ''}' for same action type 'Replication'`,
      );
  }
}

function overlap(a: string, b: string): boolean {
  return a.startsWith(b) || b.startsWith(a);
}

function checkPriorities(rules: readonly ReplicationRule[]): void {
  const seen = new Set<number>();
  for (const { priority } of rules) {
    if (priority === null) continue;
    if (seen.has(priority))
      throw invalidRequest(`Found duplicate priority '${priority}'. Priority must be unique for each rule.`);
    seen.add(priority);
  }
}

function checkDestination({ destination, kmsObjects }: ReplicationRule): void {
  const { kmsKeyId, metrics, replicationTime } = destination;
  if (kmsObjects === true && (kmsKeyId === null || kmsKeyId === ''))
    throw invalidRequest('ReplicaKmsKeyID must be specified if SseKmsEncryptedObjects tag is present.');
  if (kmsKeyId !== null && kmsObjects === null)
    throw invalidRequest('SseKmsEncryptedObjects must be specified if EncryptionConfiguration is present.');
  if (replicationTime?.enabled === true && metrics?.enabled !== true)
    throw invalidRequest('Replication Time Control requires replication metrics to be enabled.');
  if (metrics?.enabled === true && metrics.minutes === null && replicationTime?.enabled === true)
    throw invalidRequest('Replication Time Control requires an EventThreshold of its metrics.');
}

function invalidRequest(message: string): S3Error {
  return new S3Error('InvalidRequest', { message });
}
