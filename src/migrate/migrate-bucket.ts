/** Takes over one bucket: its record, once, and then its objects, a page of keys at a time. */
import { setTimeout as sleep } from 'node:timers/promises';
import { serialiseAcl } from '../iam/acl-model.js';
import { serialiseCors } from '../s3/cors.js';
import { StoreError } from '../store/errors.js';
import type { StoreErrorKind } from '../store/errors.js';
import type { BucketRecord, NewBucket, Owner } from '../store/types.js';
import type { Journal } from './journal.js';
import { migrateObject } from './migrate-object.js';
import type { ObjectOptions, ObjectTarget } from './migrate-object.js';
import type { MigrateOptions } from './migrate.js';
import { dateMs } from './old-dates.js';
import { translateAcl, translateCors } from './old-documents.js';
import type { OldBucket, OldObject, OldRegion } from './old-store.js';

const PAGE_KEYS = 200;
/** What passes by itself is tried so often. Everything here may be repeated. */
const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 500;
const PASSING: ReadonlySet<StoreErrorKind> = new Set(['timeout', 'unavailable', 'overloaded', 'contention']);

export interface BucketRun {
  readonly options: MigrateOptions;
  readonly journal: Journal;
  readonly bucket: OldBucket;
  /** Goes on after this key; '' from the start. */
  readonly after: string;
  readonly onObjects: () => void;
}

/** @throws StoreError; the signal's reason */
export async function migrateBucket(run: BucketRun): Promise<void> {
  const { options, journal, bucket } = run;
  const place = await placeOf(run);
  if (place === null) return;
  const { source, target, owner } = place;
  const { signal } = options;
  for (let { after } = run; ;) {
    const page = await repeated(() => source.objects(bucket.name, after, PAGE_KEYS), signal);
    const common = {
      source,
      target,
      bucketName: bucket.name,
      owner,
      displayNameOf: options.displayNameOf,
      dryRun: options.dryRun,
      budget: options.budget,
      inlineThresholdBytes: options.inlineThresholdBytes,
      intentLeaseMs: options.intentLeaseMs,
    };
    await inParallel(page, options, async (object, abort) => {
      await one({ ...common, object, signal: abort }, journal);
      run.onObjects();
    });
    const last = page.at(-1);
    if (last === undefined) return;
    after = last.key;
    await journal.checkpoint({ bucket: bucket.name, after });
  }
}

async function one(options: ObjectOptions, journal: Journal): Promise<void> {
  const { outcome, bytes, sizeOnly, findings } = await repeated(() => migrateObject(options), options.signal);
  for (const finding of findings) await journal.report(finding);
  journal.count({ objects: 1, [outcome]: 1, bytes, sizeOnly: sizeOnly ? 1 : 0 });
}

interface Place {
  readonly source: OldRegion;
  readonly target: ObjectTarget;
  readonly owner: Owner;
}

/** Where the bucket's objects come from and go to; null, and a problem reported, where they cannot. */
async function placeOf({ options, journal, bucket }: BucketRun): Promise<Place | null> {
  const { old, oldDefaultRegion, stores, displayNameOf, signal } = options;
  const refuse = async (what: string): Promise<null> => {
    await journal.report({ kind: 'bucket', bucket: bucket.name, what: `${what}: nothing of it was taken over` });
    return null;
  };
  const { name, tenant } = bucket;
  if (tenant === null || tenant === '') return refuse('the bucket has no owner');
  const regionName = bucket.region ?? oldDefaultRegion;
  const source = old.regions.get(regionName);
  if (source === undefined) return refuse(`its region '${regionName}' is not in the old configuration`);
  const region = stores.regions.get(regionName);
  if (region === undefined) return refuse(`its region '${regionName}' is not configured here`);
  const owner: Owner = { id: tenant, displayName: displayNameOf(tenant) };
  let found = await repeated(() => stores.buckets.get(name, { fresh: true }), signal);
  if (found === null) {
    // When this is repeated after an answer that was lost, the bucket is there, and is looked at like any other.
    const draft = await recordOf({ journal, bucket, region: regionName, owner, displayNameOf });
    if (options.dryRun) return { source, target: { region, bucket: null }, owner };
    const { created, bucket: record } = await repeated(() => stores.buckets.create(draft), signal);
    if (created) journal.count({ bucketsCreated: 1 });
    found = record;
  }
  const clash = clashOf(found, { owner, region: regionName });
  return clash === null ? { source, target: { region, bucket: found }, owner } : refuse(clash);
}

function clashOf(
  found: BucketRecord,
  { owner, region }: { readonly owner: Owner; readonly region: string },
): string | null {
  if (found.state === 'deleting') return 'a bucket of that name is being deleted here';
  if (found.owner.id !== owner.id) return `a bucket of that name belongs to '${found.owner.id}' here`;
  return found.region === region ? null : `a bucket of that name is in region '${found.region}' here`;
}

async function recordOf({
  journal,
  bucket,
  region,
  owner,
  displayNameOf,
}: Pick<BucketRun, 'journal' | 'bucket'> & {
  readonly region: string;
  readonly owner: Owner;
  readonly displayNameOf: (tenant: string) => string;
}): Promise<NewBucket> {
  const { name } = bucket;
  const acl = translateAcl(bucket.acl, { owner, displayNameOf });
  const cors = translateCors(bucket.cors);
  const createdAt = dateMs(bucket.created);
  for (const what of acl.notes) await journal.report({ kind: 'acl', bucket: name, what });
  for (const what of cors.notes) await journal.report({ kind: 'cors', bucket: name, what });
  if (createdAt === null)
    await journal.report({ kind: 'date', bucket: name, what: 'when it was created is not known: now' });
  return {
    name,
    region,
    owner,
    versioning: 'unversioned',
    objectLock: false,
    ...(createdAt === null ? {} : { createdAt }),
    documents: {
      ...(acl.value === null ? {} : { acl: serialiseAcl(acl.value) }),
      ...(cors.value === null ? {} : { cors: serialiseCors(cors.value) }),
    },
  };
}

/** The first failure stops the others and is thrown when they have ended. */
async function inParallel(
  objects: readonly OldObject[],
  { parallel, signal }: Pick<MigrateOptions, 'parallel' | 'signal'>,
  work: (object: OldObject, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const left = objects.values();
  let failure: { readonly error: unknown } | null = null;
  const worker = async (): Promise<void> => {
    for (const object of left) {
      if (either.aborted) return;
      try {
        await work(object, either);
      } catch (error) {
        failure ??= { error };
        failed.abort(error);
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  signal.throwIfAborted();
  rethrow(failure);
}

function rethrow(failure: { readonly error: unknown } | null): void {
  if (failure !== null) throw failure.error;
}

/** Again, later, what fails for a reason that passes. */
export async function repeated<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      const passes = error instanceof StoreError && PASSING.has(error.kind);
      if (!passes || attempt === ATTEMPTS || signal.aborted) throw error;
    }
    await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1), undefined, { signal });
  }
}
