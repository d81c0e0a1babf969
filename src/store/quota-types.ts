/**
 * Quotas: how much a bucket, or all buckets of a tenant together, may hold. What counts is what fsck and the usage action count: the
 * bytes of all versions as clients count them (before encryption), and the versions that are objects, newest or not. Delete markers
 * and parts of uploads that are not completed do not count.
 *
 * MetadataStore.commit and rename hold to them: a change after which there would be more than a limit allows, and more than before,
 * throws StoreError quotaExceeded, notApplied. A change that needs no more room is never refused. Nothing is counted, and nothing is
 * asked, where neither the bucket nor its tenant has a quota.
 */
import type { BucketRecord } from './types.js';

export interface QuotaAmount {
  readonly bytes: number;
  readonly objects: number;
}

/** null: no limit */
export interface QuotaLimits {
  readonly bytes: number | null;
  readonly objects: number | null;
}

export type QuotaScope =
  | { readonly kind: 'bucket'; readonly bucket: BucketRecord }
  /** all buckets that it owns */
  | { readonly kind: 'tenant'; readonly tenant: string };

export interface Quota {
  readonly tenant: string;
  /** name; null: of the tenant */
  readonly bucket: string | null;
  readonly limits: QuotaLimits;
  /** of what has been acknowledged, at least */
  readonly usage: QuotaAmount;
}

/** A counter, and what there is. */
export interface QuotaCheck {
  /** null: this bucket is not counted, although its tenant has a quota */
  readonly counter: QuotaAmount | null;
  readonly counted: QuotaAmount;
  /** The counter says now what was counted. */
  readonly repaired: boolean;
}

export interface QuotaStore {
  /**
   * What was not counted before is counted first, while others write; that takes as long as a walk along the listings. When it
   * resolves every gateway holds to the limits. Can be repeated when it failed.
   * @throws StoreError bucketGone; contention when others are counting the same bucket
   */
  set(scope: QuotaScope, limits: QuotaLimits, options?: { readonly signal?: AbortSignal }): Promise<Quota>;
  /** null: it has none */
  get(scope: QuotaScope): Promise<Quota | null>;
  /** Ends counting too where nothing needs it any more. @returns whether there was one */
  remove(scope: QuotaScope): Promise<boolean>;
  /** The tenant's own first, then those of its buckets in order of name. */
  ofTenant(tenant: string): Promise<readonly Quota[]>;
  /** Tenants that have, or had, quotas, in an order of the store's own. after: exclusive, '' from the start */
  tenants(query: { readonly after: string; readonly limit: number }): Promise<readonly string[]>;
  /**
   * Counts a bucket anew while others write, and compares at one moment. null: nothing counts it, and nothing has to.
   * @throws StoreError contention when others are counting it
   */
  check(
    bucket: BucketRecord,
    options: { readonly repair: boolean; readonly signal?: AbortSignal },
  ): Promise<QuotaCheck | null>;
  /** Compares the tenant's sum with its buckets' counters. null: nothing of it is counted. */
  checkTenant(tenant: string, options: { readonly repair: boolean }): Promise<QuotaCheck | null>;
  /** Settles what processes that died have left undecided; the sweeper calls it. */
  settle(): Promise<void>;
}
