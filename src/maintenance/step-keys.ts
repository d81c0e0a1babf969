/** Steps along all that refers to blobs: the backlog, uploads, versions. The first time each thing is checked besides. */
import type { AuditedUpload, AuditedVersion, RowFault } from '../store/audit.js';
import type { BlobName } from '../store/shared/key-change.js';
import type { BucketRef } from '../store/types.js';
import { checkBlob, contradiction, isDamaged, partBlobs, versionBlobs } from './check-data.js';
import type { BlobOwner } from './check-data.js';
import { judgeKeys, nameOf, pendingAmong } from './check-keys.js';
import type { SuspectKey } from './check-keys.js';
import { blobId, namesOf, placeOf, WIDTH } from './fsck-context.js';
import type { FsckContext, RegionGroup, RegionParts, Step, StepPage } from './fsck-context.js';
import { addRow } from './listing-records.js';
import { hashOf } from './spill.js';
import { inParallel } from './throttle.js';
import { addUsage, NO_USAGE, usageOfUpload, usageOfVersion } from './usage.js';
import type { Usage } from './usage.js';

/** check: things are looked at, counted, and compared with the listings. Else only what they refer to is noted. */
export interface KeysOptions {
  readonly check: boolean;
  /** Takes what something refers to. */
  readonly refers: (place: number, inode: string) => void;
  /** Nothing needs to be looked at. */
  readonly idle: () => boolean;
}

export function backlogStep(context: FsckContext, parts: RegionParts, options: KeysOptions): Step {
  const { work, throttle } = context;
  return {
    label: `what waits for the sweeper in ${parts.region.name}`,
    run: async function* (): AsyncGenerator<StepPage> {
      if (options.idle()) return;
      for await (const entries of parts.audit.backlog({ signal: context.options.signal })) {
        await throttle.take(entries.length);
        for (const { kind, blobs } of entries) {
          note(context, [parts], options, blobs);
          if (!options.check) continue;
          const counter = { commit: 'backlogCommits', intent: 'backlogIntents', garbage: 'backlogGarbage' } as const;
          work.count({ [counter[kind]]: 1, backlogBlobs: blobs.length });
        }
        yield { cursor: null, fraction: null };
      }
    },
  };
}

export function uploadsStep(context: FsckContext, group: RegionGroup, options: KeysOptions): Step {
  return {
    label: `uploads of ${namesOf(group)}`,
    run: async function* (cursor): AsyncGenerator<StepPage> {
      if (options.idle()) return;
      const { signal } = context.options;
      for await (const page of group[0].audit.uploads({ cursor, signal })) {
        await context.throttle.take(page.items.length);
        for (const { bucket, parts } of page.items) {
          const blobs = parts.map(({ blob }) => blob);
          note(context, await regionsWith(context, group, bucket), options, blobs);
        }
        if (options.check) await checkUploads(context, group, page.items, page.faults);
        yield page;
      }
    },
  };
}

export function versionsStep(context: FsckContext, group: RegionGroup, options: KeysOptions): Step {
  return {
    label: `versions of ${namesOf(group)}`,
    run: async function* (cursor): AsyncGenerator<StepPage> {
      if (options.idle()) return;
      const { signal, data } = context.options;
      for await (const page of group[0].audit.versions({ cursor, signal, withInline: data && options.check })) {
        await context.throttle.take(page.items.length);
        for (const { bucket, version } of page.items) {
          if (version.data.kind !== 'blobs') continue;
          note(context, await regionsWith(context, group, bucket), options, version.data.blobs);
        }
        if (options.check) await checkVersions(context, group, page.items, page.faults);
        yield page;
      }
    },
  };
}

/** Where the blobs of a bucket's keys may lie. */
async function regionsWith(
  { buckets }: FsckContext,
  group: RegionGroup,
  instance: string,
): Promise<readonly RegionParts[]> {
  const bucket = await buckets.find(instance);
  return bucket === null ? group : group.filter(({ region }) => region.name === bucket.region);
}

function note(
  { audit }: FsckContext,
  regions: readonly RegionParts[],
  { refers }: KeysOptions,
  blobs: readonly BlobName[],
): void {
  for (const { region } of regions) {
    for (const blob of blobs) {
      const place = placeOf(audit.places, region.name, blob);
      if (place !== null) refers(place, blob.inode);
    }
  }
}

async function checkUploads(
  context: FsckContext,
  group: RegionGroup,
  items: readonly AuditedUpload[],
  faults: readonly RowFault[],
): Promise<void> {
  const { work } = context;
  const { known, strays } = await ownedBy(context, group, items);
  const owners: BlobOwner[] = [];
  for (const { item, bucket, parts } of known) {
    const { key, uploadId, upload } = item;
    if (upload === null) {
      const what = 'there are parts of an upload that is not there';
      await work.report({ kind: 'part-without-upload', what, repaired: false, bucket: bucket.name, key, uploadId });
      continue;
    }
    const open = upload.state === 'open';
    work.count({ uploads: 1, parts: item.parts.length, uploadsClosing: open ? 0 : 1 });
    if (item.parts.length === 0) work.count({ uploadsWithoutParts: 1 });
    if (open) charge(context, bucket, usageOfUpload(item.parts));
    for (const row of item.listed) addRow(work.heaps.expected, parts.region.name, row);
    owners.push(...partBlobs(parts, bucket, item));
  }
  await inParallel(owners, WIDTH, (owner) => checkBlob(context, owner));
  await reportStrays(context, group, strays);
  await reportFaults(context, group, faults);
}

async function checkVersions(
  context: FsckContext,
  group: RegionGroup,
  items: readonly AuditedVersion[],
  faults: readonly RowFault[],
): Promise<void> {
  const { work, options } = context;
  const { known, strays } = await ownedBy(context, group, items);
  const owners: BlobOwner[] = [];
  for (const { item, bucket, parts } of known) {
    const { key, version, latest } = item;
    work.count(version.deleteMarker ? { deleteMarkers: 1 } : { versions: 1 });
    charge(context, bucket, usageOfVersion({ ...version, latest }));
    for (const row of item.listed) addRow(work.heaps.expected, parts.region.name, row);
    const what = contradiction(item, options.data);
    if (what !== null) {
      const { versionId } = version;
      await work.report({ kind: 'version', what, repaired: false, bucket: bucket.name, key, versionId });
    }
    owners.push(...versionBlobs(parts, bucket, item));
  }
  await inParallel(owners, WIDTH, (owner) => checkBlob(context, owner));
  await reportStrays(context, group, strays);
  await reportFaults(context, group, faults);
}

interface Owned<T> {
  readonly known: readonly { readonly item: T; readonly bucket: BucketRef; readonly parts: RegionParts }[];
  /** of no bucket that is known */
  readonly strays: readonly { readonly bucket: string; readonly key: string }[];
}

async function ownedBy<T extends { readonly bucket: string; readonly key: string }>(
  { buckets, options }: FsckContext,
  group: RegionGroup,
  items: readonly T[],
): Promise<Owned<T>> {
  const known: { item: T; bucket: BucketRef; parts: RegionParts }[] = [];
  const strays: T[] = [];
  for (const item of items) {
    if (options.bucket !== null && options.bucket.instance !== item.bucket) continue;
    const bucket = await buckets.find(item.bucket);
    const parts = group.find(({ region }) => region.name === bucket?.region);
    if (bucket === null || parts === undefined) strays.push(item);
    else known.push({ item, bucket, parts });
  }
  return { known, strays };
}

/** Keys of buckets that are gone: writes that slipped in are known to the sweeper, which removes them. */
async function reportStrays(context: FsckContext, group: RegionGroup, strays: Owned<unknown>['strays']): Promise<void> {
  if (strays.length === 0) return;
  const { work, buckets } = context;
  await buckets.refresh();
  const keys = new Map<string, Pick<SuspectKey, 'bucket' | 'key'>>();
  for (const { bucket, key } of strays) {
    const found = buckets.get(bucket);
    if (group.some(({ region }) => region.name === found?.region)) continue;
    const stray = { bucket: { name: bucket, instance: bucket, region: group[0].region.name }, key };
    keys.set(nameOf(stray), stray);
  }
  const pending = new Set<string>();
  for (const parts of group)
    for (const name of await pendingAmong(context, parts, [...keys.values()])) pending.add(name);
  for (const [name, { bucket, key }] of keys) {
    if (pending.has(name)) work.count({ pendingKeys: 1 });
    else {
      const what = 'there is no such bucket in this region';
      await work.report({ kind: 'key-without-bucket', what, repaired: false, bucket: bucket.name, key });
    }
  }
}

async function reportFaults(context: FsckContext, group: RegionGroup, faults: readonly RowFault[]): Promise<void> {
  const { work, buckets, options } = context;
  const suspects = new Map<RegionParts, SuspectKey[]>();
  for (const { bucket: instance, key, what, versionId, mendable } of faults) {
    const record = await buckets.find(instance);
    if (options.bucket !== null && record?.instance !== options.bucket.instance) continue;
    const parts = group.find(({ region }) => region.name === record?.region) ?? group[0];
    const bucket = record ?? { name: instance, instance, region: parts.region.name };
    if (mendable) {
      suspects.set(parts, [...(suspects.get(parts) ?? []), { bucket, key, uploadIds: [] }]);
      continue;
    }
    if (versionId !== null && !(await isDamaged(parts, { bucket, key, versionId }))) continue;
    const about = versionId === null ? {} : { versionId };
    await work.report({ kind: 'version', what, repaired: false, bucket: bucket.name, key, ...about });
  }
  for (const [parts, keys] of suspects) await judgeKeys(context, parts, keys);
}

function charge({ work }: FsckContext, { instance }: BucketRef, usage: Usage): void {
  work.usage.set(instance, addUsage(work.usage.get(instance) ?? NO_USAGE, usage));
}

/** Notes references in a heap. */
export function intoHeap(context: FsckContext, heap: 'references' | 'again', wanted: (id: Buffer) => boolean) {
  return (place: number, inode: string): void => {
    const id = blobId(place, inode);
    if (wanted(id)) context.work.heaps[heap].add({ hash: hashOf(id), id, payload: Buffer.alloc(0) });
  };
}
