/** A tenant's partition of quotas that behaves as one under Paxos does, and processes that change it. */
import { randomUUID } from 'node:crypto';
import { expect } from 'vitest';
import { Ledger } from '../../../../src/store/cassandra/quota-ledger.js';
import type { LedgerParts } from '../../../../src/store/cassandra/quota-ledger.js';
import { QuotaHolds } from '../../../../src/store/cassandra/quota-holds.js';
import type { Hold, LedgerWrite } from '../../../../src/store/cassandra/quota-table.js';
import { StoreError } from '../../../../src/store/errors.js';
import { newTally, NO_TENANT, shareOf } from '../../../../src/store/shared/quota.js';
import type { BucketTally, TenantTally } from '../../../../src/store/shared/quota.js';
import type { BucketRef } from '../../../../src/store/types.js';

export const BUCKET: BucketRef = { name: 'b', instance: randomUUID(), region: 'r' };
export const TENANT = 't';
const SILENT = { info: () => undefined, warn: () => undefined };

type Fault = 'none' | 'appliedButLost' | 'neverApplied' | 'appliedLater';

/** A partition, changed by compare-and-set on its revision. */
export class Partition {
  revision = 1;
  changeId: string | null = null;
  tenant: TenantTally = NO_TENANT;
  readonly buckets = new Map<string, BucketTally>();
  readonly holds = new Map<string, readonly Hold[]>();
  readonly late: (() => void)[] = [];
  writes = 0;
  reads = 0;
  fault: () => Fault = () => 'none';

  constructor(limitBytes: number, counted = true) {
    const tally = newTally({ name: 'b', region: 'r', epoch: 'e', counted });
    this.buckets.set(BUCKET.instance, { ...tally, limits: { bytes: limitBytes, objects: null } });
  }

  get bucket(): BucketTally {
    const found = this.buckets.get(BUCKET.instance);
    if (found === undefined) throw new Error('there is no counter');
    return found;
  }

  readonly table: LedgerParts['table'] = {
    head: async () => {
      await Promise.resolve();
      this.reads += 1;
      // Late writes come in at any time.
      if (this.fault() !== 'none') this.late.shift()?.();
      return { revision: this.revision, changeId: this.changeId, tenant: this.tenant };
    },
    buckets: async (_tenant, instances) =>
      new Map([...this.buckets].filter(([instance]) => instances.includes(instance))),
    holdsOf: async (_tenant, gateway) => this.holds.get(gateway) ?? [],
    write: async (_tenant, write) => {
      await Promise.resolve();
      this.writes += 1;
      const fault = this.fault();
      if (fault === 'none') return this.#apply(write);
      if (fault === 'appliedButLost') this.#apply(write);
      if (fault === 'appliedLater') this.late.push(() => this.#apply(write));
      throw new StoreError('timeout', 'unknown', 'the answer was lost');
    },
  };

  #apply({ expected, changeId, tenant, buckets, holds }: LedgerWrite): boolean {
    if (expected !== this.revision) return false;
    this.revision += 1;
    this.changeId = changeId;
    this.tenant = tenant;
    for (const [instance, tally] of buckets) {
      if (tally === null) this.buckets.delete(instance);
      else this.buckets.set(instance, tally);
    }
    for (const [gateway, list] of holds) this.holds.set(gateway, list ?? []);
    const { limits, used, held } = this.bucket;
    expect(used.bytes + held.bytes).toBeLessThanOrEqual(limits?.bytes ?? Infinity);
    expect(this.tenant.used).toEqual(shareOf(this.bucket));
    expect(this.tenant.held).toEqual(held);
    return true;
  }
}

export function gatewayOf({ table }: Partition): {
  readonly ledger: Ledger;
  readonly holds: QuotaHolds;
  readonly id: string;
} {
  const id = randomUUID();
  const ledger = new Ledger({ table, tenant: TENANT, gateway: id, options: { commitDeadlineMs: 20_000 } });
  const options = { now: Date.now, logger: SILENT };
  return { id, ledger, holds: new QuotaHolds({ ledger: () => ledger, gateway: id, onWait: () => undefined, options }) };
}
