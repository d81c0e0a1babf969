/** Operations on a tenant's quotas that go with changes of keys: before a change, and once it is known what became of it. Pure. */
import type { QuotaAmount } from '../quota-types.js';
import { charged, exceeded, growth, isOnPage, minus, plus, quotaExceeded, relief } from '../shared/quota.js';
import { LATER, REFRESH } from './quota-ledger.js';
import type { LedgerOp } from './quota-ledger.js';
import type { Hold } from './quota-table.js';

export interface HoldRequest {
  readonly hold: Omit<Hold, 'epoch'>;
  readonly gateway: string;
  /** Limits are held to: what else the caller is about to free counts as free. null: room is taken, whether there is any or not. */
  readonly frees: QuotaAmount | null;
  /** performance.now() of the first look */
  readonly sinceMs: number;
  /** Others' changes are in the way, and may yet turn out not to have been made. */
  readonly onWait: () => void;
}

/** How long the page of a walk keeps a change waiting: one that takes longer is counted once more. */
export const PAGE_PATIENCE_MS = 3_000;
/** How long a change waits for others, which have the room it needs, to be made or not. */
const HELD_PATIENCE_MS = 2_000;
/** Changes under way of one process and tenant: bounds the row that they are written in. */
const MAX_HOLDS = 256;

/** Takes room for a change. null: the bucket is not counted. @throws StoreError quotaExceeded */
export function takeRoom({ hold, gateway, frees, sinceMs, onWait }: HoldRequest): LedgerOp<Hold | null> {
  const { bucket, key, amount } = hold;
  return {
    buckets: [bucket.instance],
    run: (draft) => {
      const row = draft.bucket(bucket.instance);
      if (row === null) return draft.fresh ? null : REFRESH;
      const own = draft.holdsOf(gateway);
      const done = own.find(({ id }) => id === hold.id);
      if (done !== undefined) return done;
      const waitedMs = performance.now() - sinceMs;
      const onPage = isOnPage(row.count, key);
      if (onPage && waitedMs < PAGE_PATIENCE_MS) return draft.fresh ? LATER : REFRESH;
      if (own.length >= MAX_HOLDS) return LATER;
      if (frees !== null) {
        const need = plus(amount, relief(frees));
        const limited = [
          { whose: 'bucket', limits: row.counted ? row.limits : null, used: row.used, held: row.held },
          { whose: 'tenant', ...draft.tenant },
        ] as const;
        for (const { whose, limits, used, held } of limited) {
          const what = exceeded(limits, plus(used, held), need);
          if (what === null) continue;
          if (!draft.fresh) return REFRESH;
          const full = exceeded(limits, used, need) !== null;
          if (full || waitedMs > HELD_PATIENCE_MS) throw quotaExceeded({ bucket, key }, whose, what);
          onWait();
          return LATER;
        }
      }
      const taken: Hold = { ...hold, epoch: row.epoch };
      const count = onPage && row.count !== null ? { ...row.count, page: null } : row.count;
      draft.setBucket(bucket.instance, { ...row, count, held: plus(row.held, growth(amount)) });
      draft.setHolds(gateway, [...own, taken]);
      return taken;
    },
  };
}

export type HoldFate = 'made' | 'dead' | 'unknown';

/** Counts a change that was made, or gives back the room of one that was not. gateway: the process that has announced it. */
export function settleHold(
  gateway: string,
  { id, bucket }: Pick<Hold, 'id' | 'bucket'>,
  fate: HoldFate,
  own: boolean,
): LedgerOp<void> {
  return {
    buckets: [bucket.instance],
    gateways: own ? [] : [gateway],
    frees: true,
    run: (draft) => {
      const holds = draft.holdsOf(gateway);
      const hold = holds.find((one) => one.id === id);
      if (hold === undefined) return;
      const left = holds.filter((one) => one !== hold);
      draft.setHolds(gateway, left.length === 0 && !own ? null : left);
      const row = draft.bucket(bucket.instance);
      if (row?.epoch !== hold.epoch) return;
      const freed = { ...row, held: minus(row.held, growth(hold.amount)) };
      if (fate === 'dead') draft.setBucket(bucket.instance, freed);
      else if (fate === 'made') draft.setBucket(bucket.instance, charged(freed, hold.key, hold.amount));
      // On the safe side of the limit, until it is counted anew.
      else draft.setBucket(bucket.instance, { ...charged(freed, hold.key, growth(hold.amount)), doubtful: true });
    },
  };
}
