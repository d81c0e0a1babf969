/** Steps along the buckets: their owners' lists have them, and nothing else. */
import type { FsckContext, Step, StepPage } from './fsck-context.js';
import { WIDTH } from './fsck-context.js';
import { inParallel } from './throttle.js';

export function bucketsStep(context: FsckContext): Step {
  const { buckets, work, audit, options, throttle } = context;
  return {
    label: 'buckets',
    run: async function* (): AsyncGenerator<StepPage> {
      await inParallel([...buckets.all()], WIDTH, async (bucket) => {
        if (options.bucket !== null && options.bucket.instance !== bucket.instance) return;
        await throttle.take(2);
        work.count({ buckets: 1 });
        if (await audit.isListedByTenant(bucket)) return;
        // Removed meanwhile, perhaps.
        const now = await options.stores.buckets.get(bucket.name, { fresh: true });
        if (now?.instance !== bucket.instance) return;
        if (options.repair) await audit.listByTenant(now);
        const what = `the list of its owner ${bucket.owner.id} lacks it`;
        await work.report({ kind: 'bucket-unlisted', what, repaired: options.repair, bucket: bucket.name });
      });
      yield { cursor: null, fraction: 1 };
    },
  };
}

export function tenantsStep(context: FsckContext): Step {
  const { buckets, work, audit, options, throttle } = context;
  return {
    label: "tenants' lists of buckets",
    run: async function* (cursor): AsyncGenerator<StepPage> {
      for await (const page of audit.tenantBuckets({ cursor, signal: options.signal })) {
        await throttle.take(page.items.length);
        await inParallel(page.items, WIDTH, async ({ name, instance }) => {
          if (instance !== null && buckets.get(instance)?.name === name) return;
          const now = await options.stores.buckets.get(name, { fresh: true });
          if (now === null || (instance !== null && now.instance !== instance)) work.count({ tenantLeftovers: 1 });
        });
        yield page;
      }
    },
  };
}
