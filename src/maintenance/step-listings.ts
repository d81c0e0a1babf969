/** Steps along the listings, and the comparison of what they say with what there is. */
import { differences } from './compare.js';
import { judgeKeys, nameOf } from './check-keys.js';
import type { SuspectKey } from './check-keys.js';
import { regionsOf } from './fsck-context.js';
import type { FsckContext, RegionParts, Step, StepPage } from './fsck-context.js';
import { addRow, rowOf } from './listing-records.js';
import { PARTS } from './spill.js';

/** Keys that are looked at together. */
const TOGETHER = 500;

/** Bucket by bucket; a cursor names the bucket and the place in it. */
type Place = readonly [instance: string, cursor: string | null];

export function listingsStep(context: FsckContext, parts: RegionParts): Step {
  const { work, throttle, options, buckets } = context;
  return {
    label: `listings of ${parts.region.name}`,
    run: async function* (cursor): AsyncGenerator<StepPage> {
      const resumed = cursor === null ? null : (JSON.parse(cursor) as Place);
      // Sorted, so that buckets that come and go do not matter.
      const all = [...buckets.all()]
        .filter(({ region }) => region === parts.region.name)
        .filter(({ instance }) => options.bucket === null || options.bucket.instance === instance)
        .sort((a, b) => (a.instance < b.instance ? -1 : 1));
      for (const [i, bucket] of all.entries()) {
        if (resumed !== null && bucket.instance < resumed[0]) continue;
        const from = resumed?.[0] === bucket.instance ? resumed[1] : null;
        for await (const page of parts.audit.listings(bucket, { cursor: from, signal: options.signal })) {
          await throttle.take(page.items.length);
          work.count({ listingRows: page.items.length });
          for (const row of page.items) addRow(work.heaps.listed, parts.region.name, row);
          const place: Place | null = page.cursor === null ? null : [bucket.instance, page.cursor];
          yield { cursor: place === null ? null : JSON.stringify(place), fraction: i / all.length };
        }
      }
    },
  };
}

export function compareListingsStep(context: FsckContext): Step {
  const { work } = context;
  return {
    label: 'listings against versions',
    run: async function* (cursor): AsyncGenerator<StepPage> {
      for (let part = cursor === null ? 0 : Number(cursor) + 1; part < PARTS; part++) {
        const suspects = new Map<string, SuspectKey>();
        for await (const { id } of differences({
          left: work.heaps.expected,
          right: work.heaps.listed,
          part,
          leftOnly: true,
        })) {
          const suspect = suspectOf(context, id);
          if (suspect === null) continue;
          const before = suspects.get(nameOf(suspect))?.uploadIds ?? [];
          suspects.set(nameOf(suspect), { ...suspect, uploadIds: [...before, ...suspect.uploadIds] });
          if (suspects.size < TOGETHER) continue;
          await judge(context, suspects);
          yield { cursor: null, fraction: part / PARTS };
        }
        await judge(context, suspects);
        yield { cursor: String(part), fraction: (part + 1) / PARTS };
      }
    },
  };
}

/** null: its bucket is gone, and its rows with it. */
function suspectOf({ buckets }: FsckContext, id: Buffer): SuspectKey | null {
  const { bucket: instance, key, list, sub } = rowOf(id);
  const bucket = buckets.get(instance);
  return bucket === null ? null : { bucket, key, uploadIds: list === 'uploads' ? [sub] : [] };
}

async function judge(context: FsckContext, suspects: Map<string, SuspectKey>): Promise<void> {
  if (suspects.size === 0) return;
  for (const parts of regionsOf(context)) {
    const own = [...suspects.values()].filter(({ bucket }) => bucket.region === parts.region.name);
    if (own.length > 0) await judgeKeys(context, parts, own);
  }
  suspects.clear();
}
