/**
 * Buckets whose keys are written without agreement (docs/consistency.md): how one is asked for, and what it refuses. The refusals are the
 * same on every store, so that what works on one works on the other. An extension of Pithos; AWS has nothing like it.
 */
import { consistencyOf } from '../store/consistency.js';
import type { BucketConsistency, BucketRef } from '../store/types.js';
import { WRITE_OFFSET } from './append.js';
import { S3Error, invalidArgument } from './errors.js';

/** Asks for it in CreateBucket, and tells it in answers. */
export const CONSISTENCY_HEADER = 'x-pithos-consistency';

type Headers = Readonly<Record<string, string>>;

/** null: the request does not say. @throws S3Error InvalidArgument */
export function requestedConsistency(headers: Headers): BucketConsistency | null {
  const asked = headers[CONSISTENCY_HEADER];
  if (asked === undefined || asked === 'linearizable' || asked === 'quorum') return asked ?? null;
  throw invalidArgument(CONSISTENCY_HEADER, asked, 'The consistency of a bucket is linearizable or quorum');
}

export function consistencyHeader(bucket: BucketRef): Record<string, string> {
  return { [CONSISTENCY_HEADER]: consistencyOf(bucket) };
}

/** What depends on what a key was, or on all gateways agreeing, by operation. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['PutBucketVersioning', 'Versioning'],
  ['PutObjectLockConfiguration', 'Object Lock'],
  ['PutObjectRetention', 'Object Lock'],
  ['PutObjectLegalHold', 'Object Lock'],
  ['PutBucketReplication', 'Replication'],
  ['RenameObject', 'RenameObject'],
]);
const WRITES: ReadonlySet<string> = new Set(['PutObject', 'CopyObject', 'CompleteMultipartUpload', 'DeleteObject']);
const CONDITIONS: ReadonlyMap<string, string> = new Map([
  ['if-match', 'If-Match'],
  ['if-none-match', 'If-None-Match'],
  ['x-amz-if-match-last-modified-time', 'x-amz-if-match-last-modified-time'],
  ['x-amz-if-match-size', 'x-amz-if-match-size'],
]);

/** Before the operation's handler. @throws S3Error NotImplemented that names what the bucket does not do */
export function checkQuorumRequest(operation: string, headers: Headers, bucket: BucketRef): void {
  if (consistencyOf(bucket) !== 'quorum') return;
  const refused = REFUSED.get(operation);
  if (refused !== undefined) throw notInQuorumBucket(refused);
  if (!WRITES.has(operation)) return;
  for (const [header, name] of CONDITIONS) if (headers[header] !== undefined) throw notInQuorumBucket(name);
  if (headers[WRITE_OFFSET] !== undefined) throw notInQuorumBucket('Appending');
}

export function notInQuorumBucket(what: string): S3Error {
  return new S3Error('NotImplemented', {
    message: `${what} is not available in this bucket: it was created with ${CONSISTENCY_HEADER}: quorum.`,
    detail: { Consistency: 'quorum' },
  });
}
