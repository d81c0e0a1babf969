/**
 * migrate: copies what an original Pithos (0.7) has stored into the stores of this configuration, bucket by bucket in the order of
 * their names. The old tables are only read. Every step may be repeated: a run that is cut off goes on at its last checkpoint, and
 * passes over what it finds done.
 */
import type { MemoryBudget } from '../data/budget.js';
import type { Stores } from '../store/types.js';
import { Journal } from './journal.js';
import { migrateBucket, repeated } from './migrate-bucket.js';
import type { OldStore } from './old-store.js';

export interface MigrateOptions {
  readonly old: OldStore;
  /** of buckets that name none */
  readonly oldDefaultRegion: string;
  readonly stores: Stores;
  /** what names the old store: a state is of one */
  readonly source: string;
  /** null: all */
  readonly bucket: string | null;
  /** Reads and checks everything, writes nothing. */
  readonly dryRun: boolean;
  /** objects at once */
  readonly parallel: number;
  readonly stateFile: string | null;
  readonly budget: MemoryBudget;
  readonly inlineThresholdBytes: number;
  readonly intentLeaseMs: number;
  readonly displayNameOf: (tenant: string) => string;
  readonly onProgress: (progress: MigrateProgress) => void;
  readonly signal: AbortSignal;
  readonly now: () => number;
}

export interface MigrateProgress {
  readonly bucket: string;
  /** of all buckets, 0 to 1 */
  readonly fraction: number;
  readonly objects: number;
  readonly bytes: number;
}

export class NoSuchBucketError extends Error {
  override readonly name = 'NoSuchBucketError';
}

/** After the last bucket: what is left is not of any. */
const END = '\u{10ffff}';

/**
 * @returns what was done and found; the caller closes it
 * @throws ForeignStateError, NoOldStoreError, NoSuchBucketError; StoreError when a store does not answer; the signal's reason. The
 * state stays.
 */
export async function runMigrate(options: MigrateOptions): Promise<Journal> {
  const { old, stores, bucket, dryRun, source, stateFile, signal, now } = options;
  await old.check();
  const request = JSON.stringify({ source, kind: stores.kind, regions: [...stores.regions.keys()], bucket, dryRun });
  const names = await namesOf(options);
  const journal = await Journal.open({ stateFile, request, now });
  try {
    const { cursor } = journal;
    if (cursor === null) await journal.checkpoint({ bucket: '', after: '' });
    for (const [index, name] of names.entries()) {
      if (cursor !== null && name < cursor.bucket) continue;
      signal.throwIfAborted();
      const found = await repeated(() => old.bucket(name), signal);
      // Deleted since the names were read.
      if (found === null) continue;
      const progress = (): void =>
        options.onProgress({ bucket: name, fraction: index / names.length, ...journal.figures });
      progress();
      const after = cursor?.bucket === name ? cursor.after : '';
      await migrateBucket({ options, journal, bucket: found, after, onObjects: progress });
      journal.count({ buckets: 1 });
      // The next bucket's, so that this one is not counted twice.
      await journal.checkpoint({ bucket: names[index + 1] ?? END, after: '' });
    }
    await reportLeftovers(options, journal, new Set(names));
    return journal;
  } catch (error) {
    await journal.close({ keep: true });
    throw error;
  }
}

/** Sorted, so that a run that goes on knows what it has passed. */
async function namesOf({ old, bucket, signal }: MigrateOptions): Promise<string[]> {
  if (bucket !== null) {
    if ((await repeated(() => old.bucket(bucket), signal)) === null)
      throw new NoSuchBucketError(`the old store has no bucket '${bucket}'`);
    return [bucket];
  }
  const names: string[] = [];
  for await (const { name } of old.buckets()) {
    signal.throwIfAborted();
    names.push(name);
  }
  return names.sort();
}

/** What stays behind, and is said: uploads that nobody completed, objects that no bucket holds. */
async function reportLeftovers(
  { old, bucket, signal }: MigrateOptions,
  journal: Journal,
  names: ReadonlySet<string>,
): Promise<void> {
  for (const region of old.regions.values()) {
    for await (const upload of region.uploads()) {
      signal.throwIfAborted();
      if (!names.has(upload.bucket)) continue;
      journal.count({ unfinishedUploads: 1 });
      await journal.report({
        kind: 'upload',
        bucket: upload.bucket,
        key: upload.key,
        what: `upload ${upload.uploadId} was not completed: left out`,
      });
    }
    if (bucket !== null) continue;
    for await (const name of region.objectBuckets()) {
      signal.throwIfAborted();
      if (!names.has(name))
        await journal.report({
          kind: 'no-bucket',
          bucket: name,
          what: 'objects of a bucket that is not there: left out',
        });
    }
  }
}
