/** Puts the parts of quotas together: one for all regions of a process. */
import { randomUUID } from 'node:crypto';
import type { BucketStore } from '../types.js';
import type { Session } from './cluster.js';
import type { CassandraOptions } from './options.js';
import { QuotaHolds } from './quota-holds.js';
import { Ledger } from './quota-ledger.js';
import type { QuotaRegion } from './quota-region.js';
import { QuotaSettler } from './quota-settler.js';
import { CassandraQuotas } from './quota-store.js';
import { QuotaTable } from './quota-table.js';

export interface QuotaPartsOptions {
  /** of the bucketstore */
  readonly session: Session;
  readonly buckets: BucketStore;
  readonly region: (name: string) => QuotaRegion | null;
  readonly options: CassandraOptions;
}

/** Ledgers that are remembered: one that nobody uses is read again when it is wanted. */
const MAX_LEDGERS = 1_000;

export class Quotas {
  readonly store: CassandraQuotas;
  readonly holds: QuotaHolds;
  readonly #ledgers = new Map<string, Ledger>();
  readonly #settling = new Map<string, Promise<void>>();
  readonly #settler: QuotaSettler;
  readonly #open: (tenant: string) => Ledger;
  readonly #logger: CassandraOptions['logger'];

  constructor({ session, buckets, region, options }: QuotaPartsOptions) {
    const table = new QuotaTable(session);
    const gateway = randomUUID();
    const ledger = (tenant: string): Ledger => this.#ledger(tenant);
    this.#open = (tenant) => new Ledger({ table, tenant, gateway, options });
    this.#settler = new QuotaSettler({ table, ledger, region, gateway, options });
    this.#logger = options.logger;
    this.holds = new QuotaHolds({ ledger, gateway, onWait: (tenant) => this.#settle(tenant), options });
    this.store = new CassandraQuotas({ table, ledger, settler: this.#settler, region, buckets, options });
  }

  #ledger(tenant: string): Ledger {
    const known = this.#ledgers.get(tenant);
    if (known !== undefined) return known;
    if (this.#ledgers.size >= MAX_LEDGERS)
      for (const [name, one] of this.#ledgers) if (one.idle) this.#ledgers.delete(name);
    const opened = this.#open(tenant);
    this.#ledgers.set(tenant, opened);
    return opened;
  }

  /** Once at a time for a tenant, behind what waits for it. */
  #settle(tenant: string): void {
    if (this.#settling.has(tenant)) return;
    const settling = this.#settler
      .settle(tenant)
      .catch((error: unknown) => this.#logger.warn({ err: error }, 'changes that a quota waits for were not settled'))
      .finally(() => this.#settling.delete(tenant));
    this.#settling.set(tenant, settling);
  }

  /** Before the store closes. */
  async drain(): Promise<void> {
    await Promise.all([...this.#settling.values()]);
    await Promise.all([...this.#ledgers.values()].map((ledger) => ledger.drain()));
  }
}
