/**
 * Keys whose listing seems to be wrong, looked at again: changes under way are given time, what the sweeper knows of is left to it, and
 * what remains is a problem, mended by the sweeper's own means.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../store/errors.js';
import type { BucketRef } from '../store/types.js';
import { WIDTH } from './fsck-context.js';
import type { FsckContext, RegionParts } from './fsck-context.js';
import { inParallel } from './throttle.js';

export interface SuspectKey {
  readonly bucket: BucketRef;
  readonly key: string;
  /** Uploads of it that are suspect. */
  readonly uploadIds: readonly string[];
}

interface Verdict {
  readonly suspect: SuspectKey;
  readonly faults: readonly string[];
}

/** A change that is under way has written the listing after that long. */
const SETTLE_MS = 5_000;
const LOOKS = 5;

export async function judgeKeys(
  context: FsckContext,
  parts: RegionParts,
  suspects: readonly SuspectKey[],
): Promise<void> {
  const { work, options } = context;
  let wrong: readonly Verdict[] = suspects.map((suspect) => ({ suspect, faults: [] }));
  for (let look = 0; look < LOOKS && wrong.length > 0; look++) {
    if (look > 0) await sleep((options.settleMs ?? SETTLE_MS) / LOOKS, undefined, { signal: options.signal });
    wrong = await stillWrong(context, parts, wrong);
  }
  const pending = await pendingAmong(
    context,
    parts,
    wrong.map(({ suspect }) => suspect),
  );
  for (const { suspect, faults } of wrong) {
    const { bucket, key } = suspect;
    if (pending.has(nameOf(suspect))) {
      work.count({ pendingKeys: 1 });
      continue;
    }
    const kind = faults[0] === BUSY ? 'unchecked' : 'listing';
    const repaired = options.repair && kind === 'listing' && (await mend(context, parts, suspect));
    await work.report({ kind, what: faults.join('; '), repaired, bucket: bucket.name, key });
  }
}

const BUSY = 'it changes faster than it can be checked';

async function stillWrong(
  { throttle }: FsckContext,
  { audit }: RegionParts,
  verdicts: readonly Verdict[],
): Promise<Verdict[]> {
  const wrong: Verdict[] = [];
  await inParallel(verdicts, WIDTH, async ({ suspect }) => {
    const { bucket, key, uploadIds } = suspect;
    await throttle.take(5);
    try {
      const faults = await audit.checkKey(bucket, key, uploadIds);
      if (faults.length > 0) wrong.push({ suspect, faults });
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== 'contention') throw error;
      wrong.push({ suspect, faults: [BUSY] });
    }
  });
  return wrong;
}

async function mend({ options }: FsckContext, { region, audit }: RegionParts, suspect: SuspectKey): Promise<boolean> {
  options.signal.throwIfAborted();
  const { bucket, key, uploadIds } = suspect;
  await region.metadata.repairIndex(bucket, key);
  return (await audit.checkKey(bucket, key, uploadIds)).length === 0;
}

/** Those that an intent or garbage names: the sweeper will look at them. */
export async function pendingAmong(
  { options, throttle }: FsckContext,
  { audit }: RegionParts,
  keys: readonly Pick<SuspectKey, 'bucket' | 'key'>[],
): Promise<ReadonlySet<string>> {
  const names = new Set(keys.map(nameOf));
  const pending = new Set<string>();
  if (names.size === 0) return pending;
  for await (const entries of audit.backlog({ signal: options.signal })) {
    await throttle.take(entries.length);
    for (const entry of entries) if (names.has(nameOf(entry))) pending.add(nameOf(entry));
  }
  return pending;
}

export function nameOf({ bucket, key }: Pick<SuspectKey, 'bucket' | 'key'>): string {
  return `${bucket.instance}/${key}`;
}
