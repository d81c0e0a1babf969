/** Settings of the Cassandra stores that are not about one keyspace, and the constants that all gateways must share. */

import type { StoreLogger } from '../shared/logger.js';
import { NO_OBSERVER } from '../shared/observer.js';
import type { StoreObserver } from '../shared/observer.js';
import { DEFAULT_MAX_BUCKETS_PER_TENANT, DEFAULT_MAX_VERSIONS_PER_KEY } from '../shared/version-limit.js';
import type { MoveStep } from './range-mover.js';
import { RANGE_LIMITS } from './range-plan.js';
import type { RangeLimits } from './range-plan.js';
import { RANGE_TIMES } from './range-times.js';
import type { RangeTimes } from './range-times.js';

export interface CassandraOptions {
  /** How old a record may be that BucketStore.get answers without asking Cassandra; 0 asks every time. */
  readonly bucketCacheTtlMs: number;
  /** How long an intent holds without being renewed before the sweeper may take its blobs. */
  readonly intentLeaseMs: number;
  /** How long blobs of overwritten and deleted versions stay for the readers that stream them. */
  readonly gcGraceMs: number;
  /** After this long a commit stops retrying under contention or uncertainty. */
  readonly commitDeadlineMs: number;
  /** TCP connections to each node of the local datacenter. */
  readonly connectionsPerHost: number;
  /** A repeatable statement that a node has not answered is sent to a second one after this long; 0 never. */
  readonly speculativeDelayMs: number;
  /** Chunks of one blob in flight. */
  readonly blobWindow: number;
  /** How much a partition of a listing may hold before it is cut or rewritten. */
  readonly indexLimits: RangeLimits;
  /** The same for all gateways; shorter only where all of them are one process. */
  readonly indexTimes: RangeTimes;
  /** Whether this process cuts and rewrites listings beside its requests. */
  readonly indexUpkeep: boolean;
  /** Told after each step of a listing that is cut anew; what it throws ends the work there, as a crash would. */
  readonly onIndexMove?: (step: MoveStep) => void | Promise<void>;
  /** Versions that are counted at a time when a quota is set: writers of their keys wait meanwhile. */
  readonly quotaPageRows: number;
  /** Of a key, delete markers too. */
  readonly maxVersionsPerKey: number;
  readonly maxBucketsPerTenant: number;
  readonly now: () => number;
  readonly logger: StoreLogger;
  /** Told of every statement but those of `bootstrap`. */
  readonly observer: StoreObserver;
}

/** How long before its end, by any clock, a lease counts as ended for its holder, and at most how late things of one change come. */
export function leaseMarginMs({ intentLeaseMs }: Pick<CassandraOptions, 'intentLeaseMs'>): number {
  return Math.min(intentLeaseMs * 0.25, 60_000);
}

export const DEFAULT_CASSANDRA_OPTIONS: CassandraOptions = {
  bucketCacheTtlMs: 500,
  intentLeaseMs: 15 * 60_000,
  gcGraceMs: 15 * 60_000,
  commitDeadlineMs: 20_000,
  connectionsPerHost: 2,
  speculativeDelayMs: 800,
  blobWindow: 4,
  indexLimits: RANGE_LIMITS,
  indexTimes: RANGE_TIMES,
  indexUpkeep: true,
  quotaPageRows: 500,
  maxVersionsPerKey: DEFAULT_MAX_VERSIONS_PER_KEY,
  maxBucketsPerTenant: DEFAULT_MAX_BUCKETS_PER_TENANT,
  now: Date.now,
  logger: { info: () => undefined, warn: () => undefined },
  observer: NO_OBSERVER,
};

/**
 * The fence that keeps a bucket's deletion from losing writes (docs/adr/0002): a gateway trusts a look at the bucket for
 * BUCKET_CHECK_MS; a write that is done within BUCKET_FENCE_MS of that look is seen by the deletion, which waits
 * BUCKET_DELETE_WAIT_MS. Constants, not settings: they must be the same on all gateways.
 */
export const BUCKET_CHECK_MS = 250;
export const BUCKET_FENCE_MS = 500;
export const BUCKET_DELETE_WAIT_MS = 600;
