/** What operations on a tenant's quotas see and change: a copy of what is known of its partition, until it is written. Pure. */
import { minus, plus, shareOf, ZERO } from '../shared/quota.js';
import type { BucketTally, TenantTally } from '../shared/quota.js';
import type { Hold, LedgerHead } from './quota-table.js';

/** A partition as it was read, or written last by this process. */
export interface LedgerState extends LedgerHead {
  /** by instance, null: it is not there; those that were not asked for are missing */
  readonly buckets: ReadonlyMap<string, BucketTally | null>;
  /** by process, likewise */
  readonly holds: ReadonlyMap<string, readonly Hold[]>;
}

export class LedgerDraft {
  /** It was read just now: what it says is not out of date because of others. */
  readonly fresh: boolean;
  readonly changedBuckets = new Map<string, BucketTally | null>();
  readonly changedHolds = new Map<string, readonly Hold[] | null>();
  readonly #state: LedgerState;
  #tenant: TenantTally;

  constructor(state: LedgerState, fresh: boolean) {
    this.#state = state;
    this.#tenant = state.tenant;
    this.fresh = fresh;
  }

  get revision(): number {
    return this.#state.revision;
  }

  get tenant(): TenantTally {
    return this.#tenant;
  }

  get changed(): boolean {
    return this.#tenant !== this.#state.tenant || this.changedBuckets.size > 0 || this.changedHolds.size > 0;
  }

  setTenant(tenant: TenantTally): void {
    this.#tenant = tenant;
  }

  bucket(instance: string): BucketTally | null {
    const changed = this.changedBuckets.get(instance);
    return changed === undefined ? (this.#state.buckets.get(instance) ?? null) : changed;
  }

  /** null: it goes. The tenant's sums follow. */
  setBucket(instance: string, next: BucketTally | null): void {
    const before = this.bucket(instance);
    this.changedBuckets.set(instance, next);
    const used = plus(this.#tenant.used, minus(shareOf(next), shareOf(before)));
    const held = plus(this.#tenant.held, minus(next?.held ?? ZERO, before?.held ?? ZERO));
    this.#tenant = { ...this.#tenant, used, held };
  }

  holdsOf(gateway: string): readonly Hold[] {
    const changed = this.changedHolds.get(gateway);
    return changed === undefined ? (this.#state.holds.get(gateway) ?? []) : (changed ?? []);
  }

  /** null: the process's row goes. */
  setHolds(gateway: string, next: readonly Hold[] | null): void {
    this.changedHolds.set(gateway, next);
  }

  /** The partition once the draft is written. */
  written(changeId: string): LedgerState {
    const holds = new Map(this.#state.holds);
    for (const [gateway, list] of this.changedHolds) holds.set(gateway, list ?? []);
    return {
      revision: this.#state.revision + 1,
      changeId,
      tenant: this.#tenant,
      buckets: new Map([...this.#state.buckets, ...this.changedBuckets]),
      holds,
    };
  }
}
