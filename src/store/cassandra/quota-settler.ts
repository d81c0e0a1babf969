/** Settles changes that processes have announced for quotas and then left behind, by what became of them. */
import type { CassandraOptions } from './options.js';
import type { Ledger } from './quota-ledger.js';
import { settleHold } from './quota-ops.js';
import type { QuotaRegion } from './quota-region.js';
import type { Hold, QuotaTable } from './quota-table.js';

/** Rows of processes without anything under way that a partition may have. */
const MAX_IDLE = 32;

export interface QuotaSettlerParts {
  readonly table: Pick<QuotaTable, 'allHolds'>;
  readonly ledger: (tenant: string) => Pick<Ledger, 'run'>;
  /** null: not one of this process's */
  readonly region: (name: string) => QuotaRegion | null;
  /** this process */
  readonly gateway: string;
  readonly options: Pick<CassandraOptions, 'now' | 'commitDeadlineMs'>;
}

export class QuotaSettler {
  readonly #parts: QuotaSettlerParts;

  constructor(parts: QuotaSettlerParts) {
    this.#parts = parts;
  }

  /** Those that have taken longer than any change may. Should one be under way still, it is stopped: its process tries again. */
  async settle(tenant: string): Promise<void> {
    const { table, options } = this.#parts;
    const beforeMs = options.now() - 1.5 * options.commitDeadlineMs;
    const all = await table.allHolds(tenant);
    for (const [gateway, holds] of all)
      for (const hold of holds) if (hold.createdMs < beforeMs) await this.#settle(tenant, gateway, hold);
    const idle = [...all].filter(([, holds]) => holds.length === 0).map(([gateway]) => gateway);
    if (idle.length > MAX_IDLE) await this.#forget(tenant, idle);
  }

  /** Rows of processes that have nothing under way, most of which are long gone: one that is not writes its row anew. */
  async #forget(tenant: string, gateways: readonly string[]): Promise<void> {
    await this.#parts.ledger(tenant).run({
      buckets: [],
      gateways,
      run: (draft) => {
        for (const gateway of gateways) if (draft.holdsOf(gateway).length === 0) draft.setHolds(gateway, null);
      },
    });
  }

  async #settle(tenant: string, gateway: string, hold: Hold): Promise<void> {
    const { ledger, region, gateway: own } = this.#parts;
    const fate = await region(hold.bucket.region)?.fateOf(hold);
    if (fate === undefined) return;
    await ledger(tenant).run(settleHold(gateway, hold, fate, gateway === own));
  }

  /** Changes of the bucket's keys that wanted concerns, whoever has announced them. */
  async underWay(tenant: string, instance: string, wanted: (key: string) => boolean): Promise<number> {
    const lists = [...(await this.#parts.table.allHolds(tenant)).values()];
    return lists.flat().filter(({ bucket, key }) => bucket.instance === instance && wanted(key)).length;
  }
}
