/**
 * Quotas on LMDB. A bucket that is not counted yet is walked along, a page in each transaction; changes of keys that the walk has
 * passed are added to what it found, the others it will come to. So nothing is missed or counted twice, whoever writes meanwhile.
 */
import { randomUUID } from 'node:crypto';
import { StoreError } from '../errors.js';
import type { Quota, QuotaAmount, QuotaCheck, QuotaLimits, QuotaScope, QuotaStore } from '../quota-types.js';
import { amountOfVersion, beginCount, endCount, isSame, newTally, plus, shareOf, ZERO } from '../shared/quota.js';
import type { Count } from '../shared/quota.js';
import { refuseQuorum } from '../shared/quota-scope.js';
import type { BucketRecord } from '../types.js';
import { bucketGone, readBucket } from './bucket-rows.js';
import type { MetaDatabase, RegionTables, Writes } from './database.js';
import { tenantPrefix } from './keys.js';
import {
  hasTenantQuota,
  putBucketQuota,
  readBucketQuota,
  readTenantQuota,
  removeTenantQuota,
  tenantsAfter,
  writeBucketQuota,
  writeTenantQuota,
} from './quota-rows.js';
import type { BucketQuotaRow } from './quota-rows.js';
import { versionsAfter } from './scans.js';

/** Versions counted in one transaction. */
const PAGE = 500;

type Tables = (region: string) => RegionTables;

export class EmbeddedQuotas implements QuotaStore {
  readonly #db: MetaDatabase;
  readonly #tables: Tables;

  constructor(db: MetaDatabase, tables: Tables) {
    this.#db = db;
    this.#tables = tables;
  }

  async set(
    scope: QuotaScope,
    limits: QuotaLimits,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<Quota> {
    const db = this.#db;
    const counting = await db.transact((writes) => {
      if (scope.kind === 'bucket') return this.#startCounting(writes, [scope.bucket]);
      const sums = readTenantQuota(db, scope.tenant);
      const started = this.#startCounting(writes, this.#bucketsOf(scope.tenant));
      writeTenantQuota(db, writes, { ...sums, all: true });
      return started;
    });
    for (const bucket of counting) await this.#count(bucket, { adopt: true, signal });
    return db.transact((writes): Quota => {
      if (scope.kind === 'tenant') {
        const sums = readTenantQuota(db, scope.tenant);
        writeTenantQuota(db, writes, { ...sums, limits });
        return { tenant: scope.tenant, bucket: null, limits, usage: sums.used };
      }
      const row = readBucketQuota(db, scope.bucket);
      // Removed meanwhile, by a deletion of the bucket or of the quota.
      if (row === null) throw this.#goneOr(scope.bucket);
      writeBucketQuota(db, writes, scope.bucket, { tenant: row.tenant, before: row, next: { ...row, limits } });
      return { tenant: row.tenant, bucket: row.name, limits, usage: row.used };
    });
  }

  #goneOr(bucket: BucketRecord): StoreError {
    if (readBucket(this.#db, bucket.name)?.instance !== bucket.instance) return bucketGone(bucket);
    return new StoreError('contention', 'notApplied', `the quota of bucket ${bucket.name} was removed meanwhile`);
  }

  /** Counters for those of the buckets that have none. Answers those whose counters mean nothing yet. */
  #startCounting(writes: Writes, buckets: readonly BucketRecord[]): BucketRecord[] {
    refuseQuorum(buckets);
    return buckets.filter((bucket) => {
      const { name, region, owner } = bucket;
      const row = readBucketQuota(this.#db, bucket);
      if (row !== null) return !row.counted;
      if (readBucket(this.#db, name)?.instance !== bucket.instance) throw bucketGone(bucket);
      const tally = newTally({ name, region, epoch: randomUUID(), counted: false });
      putBucketQuota(this.#db, writes, bucket, owner.id, tally);
      if (!hasTenantQuota(this.#db, owner.id)) writeTenantQuota(this.#db, writes, readTenantQuota(this.#db, owner.id));
      return true;
    });
  }

  /** In the current snapshot or transaction. */
  #bucketsOf(tenant: string): BucketRecord[] {
    const start = tenantPrefix(tenant);
    const found: BucketRecord[] = [];
    for (const { key } of this.#db.tenants.getRange({ start })) {
      if (key.compare(start, 0, start.length, 0, start.length) !== 0) break;
      const bucket = readBucket(this.#db, key.toString('utf8', start.length));
      if (bucket !== null) found.push(bucket);
    }
    return found;
  }

  /** What the counter said at the end of the walk, and what the walk found. */
  async #count(
    bucket: BucketRecord,
    { adopt, signal }: { readonly adopt: boolean; readonly signal?: AbortSignal | undefined },
  ): Promise<QuotaCheck | null> {
    const id = randomUUID();
    const tables = this.#tables(bucket.region);
    let row: BucketQuotaRow | null = null;
    for (let first = true; ; first = false) {
      signal?.throwIfAborted();
      const result = await this.#db.transact((writes): QuotaCheck | 'more' | null => {
        row = readBucketQuota(this.#db, bucket);
        if (row === null) return null;
        const begun = first ? beginCount(row, id) : row;
        if (begun.count?.id !== id)
          throw new StoreError('contention', 'notApplied', `bucket ${bucket.name} is being counted by others`);
        const page = pageAfter(tables, bucket, begun.count);
        const count: Count = { ...begun.count, after: page.after, found: plus(begun.count.found, page.found) };
        const next = page.more ? { ...begun, count } : endCount(row, count, adopt);
        writeBucketQuota(this.#db, writes, bucket, { tenant: row.tenant, before: row, next });
        if (page.more) return 'more';
        return { counter: row.counted ? row.used : null, counted: count.found, repaired: adopt };
      });
      if (result !== 'more') return result;
    }
  }

  async get(scope: QuotaScope): Promise<Quota | null> {
    this.#db.fresh();
    if (scope.kind === 'tenant') return this.#tenantQuota(scope.tenant);
    const row = readBucketQuota(this.#db, scope.bucket);
    return row === null ? null : quotaOf(row);
  }

  #tenantQuota(tenant: string): Quota | null {
    const { limits, used } = readTenantQuota(this.#db, tenant);
    return limits === null ? null : { tenant, bucket: null, limits, usage: used };
  }

  remove(scope: QuotaScope): Promise<boolean> {
    const db = this.#db;
    return db.transact((writes) => {
      if (scope.kind === 'bucket') {
        const row = readBucketQuota(db, scope.bucket);
        if (row === null || row.limits === null) return false;
        const next = readTenantQuota(db, row.tenant).all ? { ...row, limits: null } : null;
        writeBucketQuota(db, writes, scope.bucket, { tenant: row.tenant, before: row, next });
        return true;
      }
      const sums = readTenantQuota(db, scope.tenant);
      let used = ZERO;
      for (const bucket of sums.all ? this.#bucketsOf(scope.tenant) : []) {
        const row = readBucketQuota(db, bucket);
        if (row === null) continue;
        if (row.limits === null) putBucketQuota(db, writes, bucket, row.tenant, null);
        else used = plus(used, shareOf(row));
      }
      if (sums.all) writeTenantQuota(db, writes, { ...sums, limits: null, all: false, used });
      if (sums.all && isSame(used, ZERO)) removeTenantQuota(db, writes, scope.tenant);
      return sums.limits !== null;
    });
  }

  async ofTenant(tenant: string): Promise<readonly Quota[]> {
    this.#db.fresh();
    const own = this.#tenantQuota(tenant);
    const buckets = this.#bucketsOf(tenant).map((bucket) => readBucketQuota(this.#db, bucket));
    return [own, ...buckets.map((row) => (row === null ? null : quotaOf(row)))].filter((quota) => quota !== null);
  }

  async tenants({ after, limit }: { readonly after: string; readonly limit: number }): Promise<readonly string[]> {
    this.#db.fresh();
    return tenantsAfter(this.#db, after, limit);
  }

  async check(
    bucket: BucketRecord,
    { repair, signal }: { readonly repair: boolean; readonly signal?: AbortSignal },
  ): Promise<QuotaCheck | null> {
    this.#db.fresh();
    const row = readBucketQuota(this.#db, bucket);
    // A walk that died before its end: the quota was never acknowledged.
    return row?.counted !== true ? null : this.#count(bucket, { adopt: repair, signal });
  }

  checkTenant(tenant: string, { repair }: { readonly repair: boolean }): Promise<QuotaCheck | null> {
    return this.#db.transact((writes): QuotaCheck | null => {
      if (!hasTenantQuota(this.#db, tenant)) return null;
      const sums = readTenantQuota(this.#db, tenant);
      const counted = this.#bucketsOf(tenant).reduce<QuotaAmount>(
        (sum, bucket) => plus(sum, shareOf(readBucketQuota(this.#db, bucket))),
        ZERO,
      );
      if (repair) writeTenantQuota(this.#db, writes, { ...sums, used: counted });
      return { counter: sums.used, counted, repaired: repair };
    });
  }

  /** Nothing is ever undecided: a change and what counts it are one transaction. */
  async settle(): Promise<void> {
    return Promise.resolve();
  }
}

function quotaOf({ tenant, name, limits, used }: BucketQuotaRow): Quota | null {
  return limits === null ? null : { tenant, bucket: name, limits, usage: used };
}

/** Whole keys: some PAGE versions after those that are counted. */
function pageAfter(
  tables: RegionTables,
  bucket: BucketRecord,
  { after }: Count,
): { readonly after: string; readonly found: QuotaAmount; readonly more: boolean } {
  let found = ZERO;
  let last = after;
  let seen = 0;
  for (const entry of versionsAfter(tables, bucket, after)) {
    if (seen >= PAGE && entry.key !== last) return { after: last, found, more: true };
    found = plus(found, amountOfVersion(entry));
    last = entry.key;
    seen += 1;
  }
  return { after: last, found, more: false };
}
