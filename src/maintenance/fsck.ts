/**
 * fsck: everything that is stored belongs to something, and everything that is said to be there is. Memory is bounded by the number of
 * buckets and of places, not by what is in them; what has to be compared as a whole goes through files.
 */
import { BucketIndex } from './buckets.js';
import type { FsckContext, FsckOptions, Step } from './fsck-context.js';
import { groupsOf, regionsOf } from './fsck-context.js';
import { bucketsStep, tenantsStep } from './step-buckets.js';
import { CandidateFilter, compareBlobsStep, inventoryStep, orphansStep } from './step-blobs.js';
import { backlogStep, intoHeap, uploadsStep, versionsStep } from './step-keys.js';
import type { KeysOptions } from './step-keys.js';
import { compareListingsStep, listingsStep } from './step-listings.js';
import { quotasStep, quotaSumsStep } from './step-quotas.js';
import { Throttle } from './throttle.js';
import { Work } from './work.js';

export type { FsckOptions } from './fsck-context.js';

const CHECKPOINT_MS = 15_000;

export interface FsckRun {
  readonly work: Work;
  readonly buckets: BucketIndex;
}

/**
 * @returns what was found; the caller closes the work
 * @throws ForeignStateError; StoreError when the store cannot be read; the signal's reason. The state file stays.
 */
export async function runFsck(options: FsckOptions): Promise<FsckRun> {
  const { stores, bucket, data, repair, minAgeMs, stateFile, now } = options;
  const audit = await stores.audit();
  const buckets = new BucketIndex(stores.buckets);
  await buckets.refresh();
  const request = JSON.stringify({
    kind: stores.kind,
    bucket: bucket?.instance ?? null,
    data,
    repair,
    minAgeMs,
    regions: [...audit.regions.keys()],
    places: audit.places.map(({ name, serves }) => [name, serves]),
  });
  const work = await Work.open({ stateFile, request, now });
  const throttle = new Throttle({ perSecond: options.perSecond, signal: options.signal });
  const context: FsckContext = { options, audit, work, buckets, throttle };
  try {
    await runSteps(context, stepsOf(context));
    return { work, buckets };
  } catch (error) {
    await work.close({ keep: true });
    throw error;
  }
}

/** In this order, which orphans depend on: see step-blobs.ts. What refers to a blob moves from the backlog on, never back. */
function stepsOf(context: FsckContext): Step[] {
  const regions = regionsOf(context);
  const first: KeysOptions = { check: true, refers: intoHeap(context, 'references', () => true), idle: () => false };
  const groups = groupsOf(context);
  const checked = groups.flatMap((group) => [uploadsStep(context, group, first), versionsStep(context, group, first)]);
  const listings = [...regions.map((parts) => listingsStep(context, parts)), compareListingsStep(context)];
  // Orphans of one bucket cannot be told from what other buckets refer to.
  if (context.options.bucket !== null) return [bucketsStep(context), ...checked, ...listings, quotasStep(context)];
  const unchecked: KeysOptions = { ...first, check: false };
  const filter = new CandidateFilter();
  const again: KeysOptions = {
    check: false,
    refers: intoHeap(context, 'again', (id) => filter.mayHave(id)),
    idle: () => filter.isEmpty,
  };
  return [
    bucketsStep(context),
    tenantsStep(context),
    ...context.audit.places.map((_, place) => inventoryStep(context, place)),
    ...regions.map((parts) => backlogStep(context, parts, first)),
    ...checked,
    ...regions.map((parts) => backlogStep(context, parts, unchecked)),
    ...listings,
    quotasStep(context),
    quotaSumsStep(context),
    compareBlobsStep(context),
    ...[
      ...regions.map((parts) => backlogStep(context, parts, again)),
      ...groups.flatMap((group) => [uploadsStep(context, group, again), versionsStep(context, group, again)]),
      ...regions.map((parts) => backlogStep(context, parts, again)),
      orphansStep(context),
    ].map((step) => filtered(context, filter, step)),
  ];
}

/** The filter is made of the candidates when it is needed first, in this run or a later one. */
function filtered(context: FsckContext, filter: CandidateFilter, step: Step): Step {
  return {
    label: step.label,
    run: async function* (cursor) {
      if (filter.isEmpty) await filter.load(context);
      yield* step.run(cursor);
    },
  };
}

async function runSteps({ options, work }: FsckContext, steps: readonly Step[]): Promise<void> {
  const checkpointMs = options.checkpointMs ?? CHECKPOINT_MS;
  let savedMs = performance.now();
  for (const [i, step] of steps.entries()) {
    if (i < work.step) continue;
    const detail = (): string =>
      `${work.figures.versions} versions, ${work.figures.blobs} blobs, ${work.figures.problems} problems`;
    const label = `${i + 1}/${steps.length} ${step.label}`;
    options.onProgress({ label, fraction: null, detail: detail() });
    for await (const { cursor, fraction } of step.run(i === work.step ? work.cursor : null)) {
      options.signal.throwIfAborted();
      await work.relieve();
      options.onProgress({ label, fraction, detail: detail() });
      if (cursor === null || performance.now() - savedMs < checkpointMs) continue;
      await work.checkpoint(i, cursor);
      savedMs = performance.now();
    }
    if (performance.now() - savedMs >= checkpointMs || i === steps.length - 1) {
      await work.checkpoint(i + 1, null);
      savedMs = performance.now();
    }
  }
}
