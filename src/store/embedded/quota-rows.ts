/**
 * Rows of the table quotas: a counter for each bucket that is counted ('b', instance), sums for its tenant ('t', digest), as JSON.
 * They change in the transaction of the change that they count.
 */
import {
  amountOfChange,
  charged,
  exceeded,
  minus,
  newTally,
  NO_TENANT,
  plus,
  quotaExceeded,
  shareOf,
  ZERO,
} from '../shared/quota.js';
import type { BucketTally, TenantTally } from '../shared/quota.js';
import { refuseQuorum } from '../shared/quota-scope.js';
import type { AppliedChange } from '../shared/key-change.js';
import type { BucketRecord, BucketRef, KeyState } from '../types.js';
import { randomUUID } from 'node:crypto';
import type { MetaDatabase, Writes } from './database.js';
import { after, bucketStart, tenantPrefix } from './keys.js';

const BUCKET = Buffer.from('b');
const TENANT = Buffer.from('t');

/** A counter, and whose it is. */
export interface BucketQuotaRow extends BucketTally {
  readonly tenant: string;
}

export interface TenantQuotaRow extends TenantTally {
  readonly tenant: string;
}

/** A change of one key. */
export interface KeyCharge {
  readonly key: string;
  readonly state: KeyState;
  readonly applied: AppliedChange;
}

function bucketRow(bucket: Pick<BucketRef, 'instance' | 'name' | 'region'>): Buffer {
  return Buffer.concat([BUCKET, bucketStart(bucket)]);
}

function tenantRow(tenant: string): Buffer {
  return Buffer.concat([TENANT, tenantPrefix(tenant)]);
}

/** In the current snapshot or transaction. */
export function readBucketQuota(db: MetaDatabase, bucket: BucketRef): BucketQuotaRow | null {
  return decode(db.quotas.getBinary(bucketRow(bucket))) as BucketQuotaRow | null;
}

export function readTenantQuota(db: MetaDatabase, tenant: string): TenantQuotaRow {
  return (decode(db.quotas.getBinary(tenantRow(tenant))) as TenantQuotaRow | null) ?? { tenant, ...NO_TENANT };
}

export function hasTenantQuota(db: MetaDatabase, tenant: string): boolean {
  return db.quotas.getBinaryFast(tenantRow(tenant)) !== undefined;
}

/** Tenants in order of their digests. */
export function tenantsAfter(db: MetaDatabase, tenant: string, limit: number): string[] {
  const start = tenant === '' ? TENANT : after(tenantRow(tenant));
  return Array.from(
    db.quotas.getRange({ start, limit }),
    ({ value }) => (JSON.parse(value.toString('utf8')) as TenantQuotaRow).tenant,
  );
}

function decode(stored: Buffer | undefined): unknown {
  return stored === undefined ? null : JSON.parse(stored.toString('utf8'));
}

export function writeTenantQuota({ quotas }: MetaDatabase, writes: Writes, row: TenantQuotaRow): void {
  writes.put(quotas, tenantRow(row.tenant), Buffer.from(JSON.stringify(row), 'utf8'));
}

export function removeTenantQuota({ quotas }: MetaDatabase, writes: Writes, tenant: string): void {
  writes.remove(quotas, tenantRow(tenant));
}

/** The bucket's counter becomes that, and the tenant's sum follows; next null: it goes. Once for a tenant and transaction. */
export function writeBucketQuota(
  db: MetaDatabase,
  writes: Writes,
  bucket: BucketRef,
  {
    tenant,
    before,
    next,
  }: { readonly tenant: string; readonly before: BucketTally | null; readonly next: BucketTally | null },
): void {
  putBucketQuota(db, writes, bucket, tenant, next);
  const sums = readTenantQuota(db, tenant);
  const used = plus(sums.used, minus(shareOf(next), shareOf(before)));
  writeTenantQuota(db, writes, { ...sums, used });
}

/** Without the sum. */
export function putBucketQuota(
  { quotas }: MetaDatabase,
  writes: Writes,
  bucket: BucketRef,
  tenant: string,
  next: BucketTally | null,
): void {
  if (next === null) writes.remove(quotas, bucketRow(bucket));
  else writes.put(quotas, bucketRow(bucket), Buffer.from(JSON.stringify({ ...next, tenant }), 'utf8'));
}

/**
 * Counts changes of keys of one bucket, within the transaction that makes them.
 * @throws StoreError quotaExceeded, before anything is written
 */
export function chargeQuota(db: MetaDatabase, writes: Writes, bucket: BucketRef, changes: readonly KeyCharge[]): void {
  const row = readBucketQuota(db, bucket);
  const [first] = changes;
  if (row === null || first === undefined) return;
  const amounts = changes.map(({ key, state, applied }) => ({ key, amount: amountOfChange(state, applied) ?? ZERO }));
  const total = amounts.reduce((sum, { amount }) => plus(sum, amount), ZERO);
  const sums = readTenantQuota(db, row.tenant);
  const own = row.counted ? exceeded(row.limits, row.used, total) : null;
  if (own !== null) throw quotaExceeded({ bucket, key: first.key }, 'bucket', own);
  const shared = exceeded(sums.limits, sums.used, total);
  if (shared !== null) throw quotaExceeded({ bucket, key: first.key }, 'tenant', shared);
  let next: BucketTally = row;
  for (const { key, amount } of amounts) next = charged(next, key, amount);
  writeBucketQuota(db, writes, bucket, { tenant: row.tenant, before: row, next });
}

/** A bucket is created, in this transaction: counted from the beginning where all of its owner's are. */
export function openQuota(db: MetaDatabase, writes: Writes, { name, region, instance, owner }: BucketRecord): void {
  if (!hasTenantQuota(db, owner.id) || !readTenantQuota(db, owner.id).all) return;
  refuseQuorum([{ name, region, instance }]);
  const tally = newTally({ name, region, epoch: randomUUID(), counted: true });
  putBucketQuota(db, writes, { name, region, instance }, owner.id, tally);
}

/** The bucket goes, in this transaction. */
export function dropQuota(db: MetaDatabase, writes: Writes, bucket: BucketRef): void {
  const row = readBucketQuota(db, bucket);
  if (row !== null) writeBucketQuota(db, writes, bucket, { tenant: row.tenant, before: row, next: null });
}
