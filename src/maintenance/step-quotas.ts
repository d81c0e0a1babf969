/** Steps along the quotas: their counters say what there is. Each is counted anew while others write, and compared at one moment. */
import type { QuotaAmount, QuotaCheck } from '../store/quota-types.js';
import { StoreError } from '../store/errors.js';
import type { Problem } from './figures.js';
import type { FsckContext, Step, StepPage } from './fsck-context.js';

const TENANTS = 500;

export function quotasStep(context: FsckContext): Step {
  const { buckets, options } = context;
  return {
    label: 'counters of quotas',
    run: async function* (): AsyncGenerator<StepPage> {
      const { repair, signal } = options;
      for (const { name, instance } of buckets.all()) {
        if (options.bucket !== null && options.bucket.instance !== instance) continue;
        signal.throwIfAborted();
        // Removed meanwhile, perhaps.
        const bucket = await options.stores.buckets.get(name, { fresh: true });
        if (bucket?.instance !== instance || bucket.state !== 'active') continue;
        const check = (): Promise<QuotaCheck | null> => options.stores.quotas.check(bucket, { repair, signal });
        await judge(context, check, { bucket: name });
        yield { cursor: null, fraction: null };
      }
    },
  };
}

export function quotaSumsStep(context: FsckContext): Step {
  const { options } = context;
  return {
    label: 'sums of quotas',
    run: async function* (): AsyncGenerator<StepPage> {
      const { quotas } = options.stores;
      for (let after: string | null = ''; after !== null;) {
        const tenants: readonly string[] = await quotas.tenants({ after, limit: TENANTS });
        for (const tenant of tenants) {
          options.signal.throwIfAborted();
          const check = (): Promise<QuotaCheck | null> => quotas.checkTenant(tenant, { repair: options.repair });
          await judge(context, check, { tenant });
        }
        after = tenants.length < TENANTS ? null : (tenants.at(-1) ?? null);
        yield { cursor: null, fraction: null };
      }
    },
  };
}

async function judge(
  { work, throttle }: FsckContext,
  look: () => Promise<QuotaCheck | null>,
  about: { readonly bucket?: string; readonly tenant?: string },
): Promise<void> {
  await throttle.take(1);
  const whose = about.tenant === undefined ? '' : ` of tenant ${about.tenant}`;
  const named: Pick<Problem, 'bucket'> = about.bucket === undefined ? {} : { bucket: about.bucket };
  try {
    const check = await look();
    if (check === null) return;
    work.count({ quotas: 1 });
    const { counter, counted, repaired } = check;
    if (counter?.bytes === counted.bytes && counter.objects === counted.objects) return;
    const says = counter === null ? 'nothing' : textOf(counter);
    const what = `the counter${whose} says ${says}, there are ${textOf(counted)}`;
    await work.report({ kind: 'quota', what, repaired, ...named });
  } catch (error) {
    if (!(error instanceof StoreError) || error.kind !== 'contention') throw error;
    await work.report({ kind: 'unchecked', what: `the quota${whose}: ${error.message}`, repaired: false, ...named });
  }
}

function textOf({ bytes, objects }: QuotaAmount): string {
  return `${bytes} bytes and ${objects} objects`;
}
