/** Goes through all quotas, tenant by tenant. */
import type { Quota, QuotaStore } from '../store/quota-types.js';

const PAGE = 500;

export interface EveryQuotaOptions {
  /** null: of all */
  readonly tenant: string | null;
  readonly signal: AbortSignal;
}

/** @throws StoreError; the signal's reason */
export async function* everyQuota(
  quotas: Pick<QuotaStore, 'tenants' | 'ofTenant'>,
  { tenant, signal }: EveryQuotaOptions,
): AsyncGenerator<Quota> {
  if (tenant !== null) {
    yield* await quotas.ofTenant(tenant);
    return;
  }
  for (let after = ''; ;) {
    const tenants = await quotas.tenants({ after, limit: PAGE });
    for (const one of tenants) {
      signal.throwIfAborted();
      yield* await quotas.ofTenant(one);
    }
    const last = tenants.at(-1);
    if (last === undefined || tenants.length < PAGE) return;
    after = last;
  }
}
