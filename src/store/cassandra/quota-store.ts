/** Quotas on Cassandra: limits, and when counting begins and ends. docs/adr/0005 tells why it is exact. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../errors.js';
import { isSame, newTally, plus, shareOf, ZERO } from '../shared/quota.js';
import type { BucketTally, TenantTally } from '../shared/quota.js';
import { everyBucket } from '../shared/every-bucket.js';
import { refuseQuorum } from '../shared/quota-scope.js';
import type { Quota, QuotaAmount, QuotaCheck, QuotaLimits, QuotaScope, QuotaStore } from '../quota-types.js';
import type { BucketRecord, BucketRef, BucketStore } from '../types.js';
import type { CassandraOptions } from './options.js';
import { countBucket } from './quota-count.js';
import type { LedgerDraft } from './quota-draft.js';
import { freshly } from './quota-ledger.js';
import type { Ledger } from './quota-ledger.js';
import { epochOf, marked, QUOTA_WAIT_MS, withEpoch } from './quota-mark.js';
import type { QuotaRegion } from './quota-region.js';
import type { QuotaSettler } from './quota-settler.js';
import type { QuotaTable } from './quota-table.js';

export interface QuotaStoreParts {
  readonly table: QuotaTable;
  readonly ledger: (tenant: string) => Pick<Ledger, 'run'>;
  readonly settler: QuotaSettler;
  readonly region: (name: string) => QuotaRegion | null;
  readonly buckets: Pick<BucketStore, 'get' | 'update' | 'list'>;
  readonly options: Pick<CassandraOptions, 'logger' | 'quotaPageRows'>;
}

const PAGE = 500;
const MAX_TENANTS = 500;
/** Looks at sums that others are changing. */
const MAX_LOOKS = 20;
/** How long a bucket's deletion is waited for, and how often it is looked at. */
const DELETION_MS = 10_000;
const DELETION_POLL_MS = 100;

export class CassandraQuotas implements QuotaStore {
  readonly #parts: QuotaStoreParts;

  constructor(parts: QuotaStoreParts) {
    this.#parts = parts;
  }

  async set(
    scope: QuotaScope,
    limits: QuotaLimits,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<Quota> {
    if (scope.kind === 'bucket') {
      const { bucket } = scope;
      refuseQuorum([bucket]);
      await this.#startCounting(bucket.owner.id, [bucket], signal);
      return this.#limitBucket(bucket, limits);
    }
    const { tenant } = scope;
    refuseQuorum(await this.#bucketsOf(tenant));
    // From now on new buckets are counted from the beginning; those that are there already are listed.
    await this.#change(tenant, [], (draft) => draft.setTenant({ ...draft.tenant, all: true }));
    for (let left = await this.#bucketsOf(tenant); left.length > 0;) {
      try {
        await this.#startCounting(tenant, left, signal);
        break;
      } catch (error) {
        if (!(error instanceof StoreError) || error.kind !== 'bucketGone') throw error;
        left = await this.#bucketsOf(tenant);
      }
    }
    const usage = await this.#change(tenant, [], (draft) => {
      if (!draft.tenant.all) throw removedMeanwhile(tenant);
      draft.setTenant({ ...draft.tenant, limits });
      return draft.tenant.used;
    });
    return { tenant, bucket: null, limits, usage };
  }

  async #limitBucket(bucket: BucketRecord, limits: QuotaLimits): Promise<Quota> {
    const { name, instance, owner } = bucket;
    const usage = await this.#change(owner.id, [instance], (draft) => {
      const row = draft.bucket(instance);
      if (row?.counted !== true) throw removedMeanwhile(name);
      draft.setBucket(instance, { ...row, limits });
      return row.used;
    });
    return { tenant: owner.id, bucket: name, limits, usage };
  }

  async #bucketsOf(tenant: string): Promise<BucketRecord[]> {
    const found: BucketRecord[] = [];
    const pageAfter = (after: string) => this.#parts.buckets.list(tenant, { prefix: '', after, limit: PAGE });
    for await (const bucket of everyBucket({ pageAfter })) found.push(bucket);
    return found;
  }

  /** Makes sure that all of the buckets are counted. */
  async #startCounting(tenant: string, buckets: readonly BucketRecord[], signal?: AbortSignal): Promise<void> {
    const waiting: BucketRecord[] = [];
    refuseQuorum(buckets);
    for (const bucket of buckets) {
      signal?.throwIfAborted();
      if (await this.#mark(tenant, bucket)) waiting.push(bucket);
    }
    if (waiting.length === 0) return;
    // After that, whatever is not counted has been announced, or never will be attempted.
    await sleep(QUOTA_WAIT_MS);
    const regions = new Map<string, Set<string>>();
    for (const { region, instance } of waiting) regions.set(region, (regions.get(region) ?? new Set()).add(instance));
    for (const [name, instances] of regions) await this.#region(name).settleUnderWay(instances, signal);
    for (const bucket of waiting) await this.#count(tenant, bucket, { adopt: true, signal });
  }

  /** Opens the bucket's counter and says so in its record. @returns whether it has to be counted */
  async #mark(tenant: string, bucket: BucketRecord): Promise<boolean> {
    const { name, region, instance } = bucket;
    const opened = await this.#change(tenant, [instance], (draft) => {
      const row = draft.bucket(instance);
      if (row !== null) return row;
      const tally = newTally({ name, region, epoch: randomUUID(), counted: false });
      draft.setBucket(instance, tally);
      return tally;
    });
    for (const untilMs = performance.now() + DELETION_MS; ;) {
      try {
        await this.#parts.buckets.update(bucket, () => marked(opened.epoch));
        return !opened.counted;
      } catch (error) {
        if (!(error instanceof StoreError) || error.kind !== 'bucketGone') throw error;
        // One that is being deleted may turn out not to be empty.
        const record = await this.#parts.buckets.get(name, { fresh: true });
        if (record?.instance !== instance || performance.now() > untilMs) {
          await this.#close(tenant, instance);
          throw error;
        }
        await sleep(DELETION_POLL_MS);
      }
    }
  }

  async #count(
    tenant: string,
    bucket: BucketRef,
    { adopt, signal }: { readonly adopt: boolean; readonly signal?: AbortSignal | undefined },
  ): Promise<QuotaCheck | null> {
    const { ledger, settler, options } = this.#parts;
    const region = this.#region(bucket.region);
    const pageSize = options.quotaPageRows;
    return countBucket({ ledger: ledger(tenant), region, settler, tenant, bucket, adopt, signal, pageSize });
  }

  #region(name: string): QuotaRegion {
    const region = this.#parts.region(name);
    if (region === null) throw new StoreError('internal', 'notApplied', `region ${name} is not configured`);
    return region;
  }

  /** What this process has acknowledged is in it; what others have within the last moments may not be. */
  get(scope: QuotaScope): Promise<Quota | null> {
    if (scope.kind === 'tenant') {
      const { tenant } = scope;
      return this.#change(tenant, [], (draft) => tenantQuota(tenant, draft.tenant));
    }
    const { instance, owner } = scope.bucket;
    return this.#change(owner.id, [instance], (draft) => {
      const row = draft.bucket(instance);
      return row === null ? null : quotaOf(owner.id, row);
    });
  }

  async remove(scope: QuotaScope): Promise<boolean> {
    if (scope.kind === 'bucket') {
      const { instance, owner } = scope.bucket;
      const had = await this.#change(owner.id, [instance], (draft) => {
        const row = draft.bucket(instance);
        if (row === null || row.limits === null) return false;
        draft.setBucket(instance, { ...row, limits: null });
        return true;
      });
      await this.#stopCounting(owner.id, [scope.bucket]);
      return had;
    }
    const { tenant } = scope;
    const had = await this.#change(tenant, [], (draft) => {
      const { limits, all } = draft.tenant;
      if (limits !== null || all) draft.setTenant({ ...draft.tenant, limits: null, all: false });
      return limits !== null;
    });
    await this.#stopCounting(tenant, await this.#bucketsOf(tenant));
    return had;
  }

  /** Those that neither have a quota nor count for one. */
  async #stopCounting(tenant: string, buckets: readonly BucketRecord[]): Promise<void> {
    for (const bucket of buckets) {
      const { instance } = bucket;
      const epoch = await this.#change(tenant, [instance], (draft) => {
        const row = draft.bucket(instance);
        if (row === null) return epochOf(bucket);
        if (row.limits !== null || draft.tenant.all) return null;
        draft.setBucket(instance, null);
        return row.epoch;
      });
      if (epoch === null) continue;
      try {
        // Counting may have begun anew meanwhile: then the mark is another one, and stays.
        await this.#parts.buckets.update(bucket, (now) => (epochOf(now) === epoch ? marked(null) : {}));
      } catch (error) {
        if (!(error instanceof StoreError) || error.kind !== 'bucketGone') throw error;
      }
    }
  }

  async ofTenant(tenant: string): Promise<readonly Quota[]> {
    // Before the rows: it writes what this process has yet to count.
    const own = await this.get({ kind: 'tenant', tenant });
    const rows = [...(await this.#parts.table.allBuckets(tenant)).values()].map((row) => quotaOf(tenant, row));
    const buckets = rows.filter((quota) => quota !== null);
    buckets.sort((a, b) => ((a.bucket ?? '') < (b.bucket ?? '') ? -1 : 1));
    return own === null ? buckets : [own, ...buckets];
  }

  async tenants({ after, limit }: { readonly after: string; readonly limit: number }): Promise<readonly string[]> {
    return this.#parts.table.tenants(after, limit);
  }

  async check(
    bucket: BucketRecord,
    { repair, signal }: { readonly repair: boolean; readonly signal?: AbortSignal },
  ): Promise<QuotaCheck | null> {
    const { table } = this.#parts;
    const tenant = bucket.owner.id;
    const row = (await table.buckets(tenant, [bucket.instance])).get(bucket.instance);
    if (row?.counted === true) {
      await this.#parts.settler.settle(tenant);
      return this.#count(tenant, bucket, { adopt: repair, signal });
    }
    if ((await table.head(tenant)).tenant.limits === null) return null;
    // It was created while its owner's quota was set, by a process that died then.
    if (repair) await this.#startCounting(tenant, [bucket], signal);
    return { counter: null, counted: ZERO, repaired: repair };
  }

  async checkTenant(tenant: string, { repair }: { readonly repair: boolean }): Promise<QuotaCheck | null> {
    for (const instance of await this.#gone(tenant)) await this.#close(tenant, instance);
    for (let attempt = 0; attempt < MAX_LOOKS; attempt++) {
      const { revision } = await this.#parts.table.head(tenant);
      const instances = [...(await this.#parts.table.allBuckets(tenant)).keys()];
      if (instances.length === 0) return null;
      const check = await this.#change(tenant, instances, (draft) => {
        // A counter that came meanwhile would be missing in the sum.
        return draft.revision === revision ? checkSums(draft, instances, repair) : null;
      });
      if (check !== null) return check;
    }
    throw new StoreError('contention', 'notApplied', `the quotas of ${tenant} change faster than they can be read`);
  }

  /** Counters of buckets that were removed by a process that died then. */
  async #gone(tenant: string): Promise<string[]> {
    const gone: string[] = [];
    for (const [instance, { name }] of await this.#parts.table.allBuckets(tenant)) {
      const record = await this.#parts.buckets.get(name, { fresh: true });
      if (record?.instance !== instance) gone.push(instance);
    }
    return gone;
  }

  async settle(): Promise<void> {
    for (let after = ''; ;) {
      const tenants = await this.tenants({ after, limit: MAX_TENANTS });
      for (const tenant of tenants) await this.#settle(tenant);
      const last = tenants.at(-1);
      if (last === undefined || tenants.length < MAX_TENANTS) return;
      after = last;
    }
  }

  async #settle(tenant: string): Promise<void> {
    await this.#parts.settler.settle(tenant);
    for (const [instance, row] of await this.#parts.table.allBuckets(tenant)) {
      if (!row.doubtful || this.#parts.region(row.region) === null) continue;
      await this.#count(tenant, { instance, name: row.name, region: row.region }, { adopt: true });
      this.#parts.options.logger.info({ bucket: row.name }, 'the bucket was counted anew for its quota');
    }
  }

  /** A bucket that is about to be created, with its counter where its owner's are all counted. */
  async opening(bucket: BucketRecord): Promise<BucketRecord> {
    const { name, region, instance, owner } = bucket;
    if (!(await this.#parts.table.head(owner.id)).tenant.all) return bucket;
    refuseQuorum([bucket]);
    const epoch = await this.#change(owner.id, [instance], (draft) => {
      const row = draft.bucket(instance);
      if (row !== null) return row.epoch;
      if (!draft.tenant.all) return null;
      const tally: BucketTally = newTally({ name, region, epoch: randomUUID(), counted: true });
      draft.setBucket(instance, tally);
      return tally.epoch;
    });
    return epoch === null ? bucket : withEpoch(bucket, epoch);
  }

  /** It is there. Its owner's quota may have been set while it was created. */
  async opened(bucket: BucketRecord): Promise<void> {
    if (epochOf(bucket) !== null || !(await this.#parts.table.head(bucket.owner.id)).tenant.all) return;
    await this.#startCounting(bucket.owner.id, [bucket]);
  }

  /** It is gone, or was not created. */
  async closed(bucket: BucketRecord): Promise<void> {
    if (epochOf(bucket) !== null) await this.#close(bucket.owner.id, bucket.instance);
  }

  #close(tenant: string, instance: string): Promise<void> {
    return this.#change(tenant, [instance], (draft) => {
      if (draft.bucket(instance) !== null) draft.setBucket(instance, null);
    });
  }

  #change<T>(tenant: string, instances: readonly string[], run: (draft: LedgerDraft) => T): Promise<T> {
    return this.#parts.ledger(tenant).run(freshly(instances, run));
  }
}

function quotaOf(tenant: string, { name, limits, used }: BucketTally): Quota | null {
  return limits === null ? null : { tenant, bucket: name, limits, usage: used };
}

function tenantQuota(tenant: string, { limits, used }: TenantTally): Quota | null {
  return limits === null ? null : { tenant, bucket: null, limits, usage: used };
}

/** The counters must be all that there are. */
function checkSums(draft: LedgerDraft, instances: readonly string[], repair: boolean): QuotaCheck {
  const rows = instances.map((instance) => draft.bucket(instance)).filter((row) => row !== null);
  const counted = rows.reduce<QuotaAmount>((sum, row) => plus(sum, shareOf(row)), ZERO);
  const held = rows.reduce<QuotaAmount>((sum, row) => plus(sum, row.held), ZERO);
  const { used } = draft.tenant;
  if (repair && !(isSame(used, counted) && isSame(draft.tenant.held, held)))
    draft.setTenant({ ...draft.tenant, used: counted, held });
  return { counter: used, counted, repaired: repair };
}

function removedMeanwhile(whose: string): StoreError {
  return new StoreError('contention', 'notApplied', `the quota of ${whose} was removed meanwhile`);
}
