/** Room for changes of keys in buckets that are counted: taken before a change is attempted, settled once its fate is known. */
import { randomUUID } from 'node:crypto';
import { asNotApplied, StoreError } from '../errors.js';
import type { QuotaAmount } from '../quota-types.js';
import { relief, ZERO, isSame } from '../shared/quota.js';
import type { BucketRef } from '../types.js';
import type { CassandraOptions } from './options.js';
import type { Ledger } from './quota-ledger.js';
import { settleHold, takeRoom } from './quota-ops.js';
import type { HoldFate } from './quota-ops.js';
import type { Hold } from './quota-table.js';

/** Room that was taken for a change. */
export interface QuotaHold {
  /** It was made. Resolves when what it frees can be used by others. Never rejects. */
  made(): Promise<void>;
  /** It was not made, and never will be. */
  cancel(): void;
  /** This process will not find out. */
  lost(): void;
}

export interface AnnouncedAmount {
  /** of the bucket */
  readonly tenant: string;
  readonly bucket: BucketRef;
  readonly key: string;
  readonly amount: QuotaAmount;
  /** The caller is about to free so much besides; null: the limits do not matter. */
  readonly frees: QuotaAmount | null;
  readonly token: Buffer;
  /** the trail that the change is made on */
  readonly base: Buffer;
}

export interface QuotaHoldsParts {
  readonly ledger: (tenant: string) => Pick<Ledger, 'run'>;
  /** this process */
  readonly gateway: string;
  /** Settles what dead processes have left, in the background. */
  readonly onWait: (tenant: string) => void;
  readonly options: Pick<CassandraOptions, 'now' | 'logger'>;
}

export const NO_HOLD: QuotaHold = {
  made: () => Promise.resolve(),
  cancel: () => undefined,
  lost: () => undefined,
};

export class QuotaHolds {
  readonly #parts: QuotaHoldsParts;

  constructor(parts: QuotaHoldsParts) {
    this.#parts = parts;
  }

  /** Durable when it resolves. @throws StoreError quotaExceeded, ...; notApplied */
  async take({ tenant, bucket, key, amount, frees, token, base }: AnnouncedAmount): Promise<QuotaHold> {
    const { ledger, gateway, onWait, options } = this.#parts;
    const { name, instance, region } = bucket;
    const hold = {
      id: randomUUID(),
      bucket: { name, instance, region },
      key,
      amount,
      token: token.toString('base64'),
      base: base.toString('base64'),
      createdMs: options.now(),
    };
    const sinceMs = performance.now();
    const op = takeRoom({ hold, gateway, frees, sinceMs, onWait: () => onWait(tenant) });
    let taken: Hold | null;
    try {
      taken = await ledger(tenant).run(op);
    } catch (error) {
      // It may be there, though nobody will refer to it.
      if (error instanceof StoreError && error.outcome === 'unknown') void this.#settle(tenant, hold, 'dead');
      throw asNotApplied(error);
    }
    if (taken === null) return NO_HOLD;
    const makesRoom = !isSame(relief(amount), ZERO);
    return {
      made: async () => {
        const settled = this.#settle(tenant, hold, 'made', !makesRoom);
        if (makesRoom) await settled;
      },
      cancel: () => void this.#settle(tenant, hold, 'dead'),
      lost: () => undefined,
    };
  }

  /** One that fails is settled by whoever looks for changes that are nobody's. */
  async #settle(tenant: string, hold: Pick<Hold, 'id' | 'bucket'>, fate: HoldFate, lazy = true): Promise<void> {
    const { ledger, gateway, options } = this.#parts;
    try {
      await ledger(tenant).run(settleHold(gateway, hold, fate, true), { lazy });
    } catch (error) {
      options.logger.warn({ err: error, bucket: hold.bucket.name }, 'a change waits to be counted for its quota');
    }
  }
}
