/** How many versions a key may have, in both stores. */
import { StoreError } from '../errors.js';
import type { AppliedChange } from './key-change.js';

/** As many as MinIO allows. */
export const DEFAULT_MAX_VERSIONS_PER_KEY = 10_000;
/** As many as AWS allows an account. */
export const DEFAULT_MAX_BUCKETS_PER_TENANT = 10_000;

/** How many versions a key has more after the change; less than 0: fewer. */
export function versionsAdded({ put, below, removed }: AppliedChange): number {
  return (put === null ? 0 : 1) + (below === null ? 0 : 1) - removed.length;
}

/** what: what there is too much of */
export function tooManyVersions(what: string): StoreError {
  return new StoreError('tooManyVersions', 'notApplied', `the key has ${what}: it takes no further ones`);
}

export function tooManyBuckets(tenant: string, max: number): StoreError {
  return new StoreError('tooManyBuckets', 'notApplied', `tenant ${tenant} has ${max} buckets: it gets no further ones`);
}
