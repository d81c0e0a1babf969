/** Which buckets quotas cannot count: a plain write (consistency.ts) cannot be told afterwards to have been made, or not. */
import { consistencyOf } from '../consistency.js';
import { StoreError } from '../errors.js';
import type { QuotaScope } from '../quota-types.js';
import type { BucketRef, BucketStore } from '../types.js';
import { everyBucket } from './every-bucket.js';

const PAGE = 500;

/** The first quorum bucket of the scope; null: it has none. */
export async function quorumBucketOf(buckets: Pick<BucketStore, 'list'>, scope: QuotaScope): Promise<string | null> {
  if (scope.kind === 'bucket') return consistencyOf(scope.bucket) === 'quorum' ? scope.bucket.name : null;
  const pageAfter = (after: string) => buckets.list(scope.tenant, { prefix: '', after, limit: PAGE });
  for await (const bucket of everyBucket({ pageAfter })) if (consistencyOf(bucket) === 'quorum') return bucket.name;
  return null;
}

/** For stores: who asks for it has been told by then. @throws StoreError internal */
export function refuseQuorum(buckets: readonly BucketRef[]): void {
  const found = buckets.find((bucket) => consistencyOf(bucket) === 'quorum');
  if (found !== undefined) throw new StoreError('internal', 'notApplied', `a quota of the quorum bucket ${found.name}`);
}
