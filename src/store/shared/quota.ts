/** What quotas are reckoned with, the same on both stores. Pure. */
import { StoreError } from '../errors.js';
import { compareKeys } from '../key-order.js';
import type { QuotaAmount, QuotaLimits } from '../quota-types.js';
import type { KeyState, ObjectVersion } from '../types.js';
import type { AppliedChange } from './key-change.js';

/** A walk along a bucket's keys that counts them, while they change. */
export interface Count {
  /** uuid of the walk */
  readonly id: string;
  /** The last key that is counted, '' before the first: what changes up to here changes `found`. */
  readonly after: string;
  readonly found: QuotaAmount;
  /** Keys after `after`, up to `to` (null: all), that nobody may begin to change: they are being counted. Cassandra only. */
  readonly page: { readonly id: string; readonly to: string | null } | null;
  /** of the page before */
  readonly lastPage: string | null;
}

/** The counter of one bucket. */
export interface BucketTally {
  readonly name: string;
  readonly region: string;
  /** uuid of the counter's life: a counter that is removed and made anew has another one */
  readonly epoch: string;
  readonly limits: QuotaLimits | null;
  /** What there is; means nothing before the first walk is at its end. */
  readonly used: QuotaAmount;
  readonly counted: boolean;
  /** What changes under way may need in addition. */
  readonly held: QuotaAmount;
  readonly count: Count | null;
  /** The walk that ended last. */
  readonly lastCount: string | null;
  /** Nobody could tell what became of a change: to be counted anew. */
  readonly doubtful: boolean;
}

/** The sums of a tenant's counters. */
export interface TenantTally {
  readonly limits: QuotaLimits | null;
  /** All its buckets are to be counted, new ones from the beginning. */
  readonly all: boolean;
  readonly used: QuotaAmount;
  readonly held: QuotaAmount;
}

export const ZERO: QuotaAmount = { bytes: 0, objects: 0 };
export const NO_TENANT: TenantTally = { limits: null, all: false, used: ZERO, held: ZERO };

export function newTally(bucket: {
  readonly name: string;
  readonly region: string;
  readonly epoch: string;
  /** It is empty. */
  readonly counted: boolean;
}): BucketTally {
  const none = { limits: null, count: null, lastCount: null, doubtful: false } as const;
  return { ...bucket, ...none, used: ZERO, held: ZERO };
}

export function plus(a: QuotaAmount, b: QuotaAmount): QuotaAmount {
  return { bytes: a.bytes + b.bytes, objects: a.objects + b.objects };
}

export function minus(a: QuotaAmount, b: QuotaAmount): QuotaAmount {
  return { bytes: a.bytes - b.bytes, objects: a.objects - b.objects };
}

/** What of it needs room. */
export function growth({ bytes, objects }: QuotaAmount): QuotaAmount {
  return { bytes: Math.max(0, bytes), objects: Math.max(0, objects) };
}

/** What of it gives room. */
export function relief({ bytes, objects }: QuotaAmount): QuotaAmount {
  return { bytes: Math.min(0, bytes), objects: Math.min(0, objects) };
}

export function isSame(a: QuotaAmount, b: QuotaAmount): boolean {
  return a.bytes === b.bytes && a.objects === b.objects;
}

export function amountOfVersion({
  deleteMarker,
  sizeBytes,
}: Pick<ObjectVersion, 'deleteMarker' | 'sizeBytes'>): QuotaAmount {
  return deleteMarker ? ZERO : { bytes: sizeBytes, objects: 1 };
}

/** What a change adds, negative where it takes away; null: no version comes or goes. */
export function amountOfChange(state: KeyState, applied: AppliedChange): QuotaAmount | null {
  const { put, below, replace, removed } = applied;
  const came = [put, below].filter((version) => version !== null);
  const before = [state.latest, state.previous, state.nullVersion, state.selected].find(
    (version) => version !== null && version.seq === replace?.seq,
  );
  const resized = replace !== null && before !== undefined && before !== null && before.sizeBytes !== replace.sizeBytes;
  if (came.length === 0 && removed.length === 0 && !resized) return null;
  let sum = ZERO;
  for (const version of came) sum = plus(sum, amountOfVersion(version));
  for (const version of removed) sum = minus(sum, amountOfVersion(version));
  if (resized) sum = plus(sum, { bytes: replace.sizeBytes - before.sizeBytes, objects: 0 });
  return sum;
}

/** Which limit `used` and an amount more would be above; null: none, or the amount needs no more of it. */
export function exceeded(
  limits: QuotaLimits | null,
  used: QuotaAmount,
  amount: QuotaAmount,
): 'bytes' | 'objects' | null {
  if (limits === null) return null;
  for (const what of ['bytes', 'objects'] as const) {
    const limit = limits[what];
    if (limit !== null && amount[what] > 0 && used[what] + amount[what] > limit) return what;
  }
  return null;
}

export function quotaExceeded(
  { bucket, key }: { readonly bucket: { readonly name: string }; readonly key: string },
  whose: 'bucket' | 'tenant',
  what: 'bytes' | 'objects',
): StoreError {
  const of = whose === 'bucket' ? `bucket ${bucket.name}` : `the owner of bucket ${bucket.name}`;
  return new StoreError(
    'quotaExceeded',
    'notApplied',
    `the quota of ${of} has no room for the ${what} of key ${JSON.stringify(key)}`,
  );
}

/** Whether the walk is past the key. */
export function isCounted(count: Count | null, key: string): boolean {
  return count !== null && compareKeys(key, count.after) <= 0;
}

/** Whether the key is on the page that is being counted. */
export function isOnPage(count: Count | null, key: string): boolean {
  if (count === null || count.page === null || compareKeys(key, count.after) <= 0) return false;
  return count.page.to === null || compareKeys(key, count.page.to) <= 0;
}

/** The counter after a change of the key that was made. */
export function charged(tally: BucketTally, key: string, amount: QuotaAmount): BucketTally {
  const { used, counted, count } = tally;
  return {
    ...tally,
    used: counted ? plus(used, amount) : used,
    count: count !== null && isCounted(count, key) ? { ...count, found: plus(count.found, amount) } : count,
  };
}

export function beginCount(tally: BucketTally, id: string): BucketTally {
  return { ...tally, count: { id, after: '', found: ZERO, page: null, lastPage: null } };
}

/** The walk is at its end: the counter after it. adopt: it says what was found. */
export function endCount(tally: BucketTally, count: Count, adopt: boolean): BucketTally {
  const ended = { ...tally, count: null, lastCount: count.id };
  return adopt ? { ...ended, used: count.found, counted: true, doubtful: false } : ended;
}

/** What the tenant's sum has of a bucket. */
export function shareOf(tally: BucketTally | null): QuotaAmount {
  return tally?.counted === true ? tally.used : ZERO;
}
