/** What the steps of an fsck share. */
import type { BlobName } from '../store/shared/key-change.js';
import type { PlaceAudit, RegionAudit, StoreAudit } from '../store/audit.js';
import type { BucketRecord, Region, Stores } from '../store/types.js';
import type { BucketIndex } from './buckets.js';
import type { Throttle } from './throttle.js';
import type { Work } from './work.js';

export interface FsckOptions {
  readonly stores: Stores;
  /** null: all */
  readonly bucket: BucketRecord | null;
  /** every chunk is read */
  readonly data: boolean;
  readonly repair: boolean;
  /** Blobs that nothing refers to are orphans when they are older. */
  readonly minAgeMs: number;
  /** rows, files and chunks; null: no limit */
  readonly perSecond: number | null;
  readonly stateFile: string | null;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: {
    readonly label: string;
    readonly fraction: number | null;
    readonly detail: string;
  }) => void;
  readonly now: () => number;
  /** How often the state is written. */
  readonly checkpointMs?: number;
  /** How long a listing that lags may take to follow. */
  readonly settleMs?: number;
}

export interface FsckContext {
  readonly options: FsckOptions;
  readonly audit: StoreAudit;
  readonly work: Work;
  readonly buckets: BucketIndex;
  readonly throttle: Throttle;
}

/** A step of the run. */
export interface Step {
  readonly label: string;
  /** Yields after each page, when all that it brought is in the context's work. */
  run(cursor: string | null): AsyncIterable<StepPage>;
}

export interface StepPage {
  /** Where a later run may go on; null: at an earlier one only. */
  readonly cursor: string | null;
  readonly fraction: number | null;
}

/** Looks at single things that are under way at once. */
export const WIDTH = 8;

export interface RegionParts {
  readonly region: Region;
  readonly audit: RegionAudit;
}

export function regionsOf({ options, audit }: FsckContext): RegionParts[] {
  const { bucket, stores } = options;
  return [...stores.regions.values()]
    .filter(({ name }) => bucket === null || bucket.region === name)
    .map((region) => {
      const regionAudit = audit.regions.get(region.name);
      if (regionAudit === undefined) throw new Error(`region ${region.name} cannot be audited`);
      return { region, audit: regionAudit };
    });
}

/** Regions whose keys lie in the same tables. */
export type RegionGroup = readonly [RegionParts, ...RegionParts[]];

export function groupsOf(context: FsckContext): RegionGroup[] {
  const groups = new Map<string, [RegionParts, ...RegionParts[]]>();
  for (const parts of regionsOf(context)) {
    const group = groups.get(parts.audit.tables);
    if (group === undefined) groups.set(parts.audit.tables, [parts]);
    else group.push(parts);
  }
  return [...groups.values()];
}

export function namesOf(group: RegionGroup): string {
  return group.map(({ region }) => region.name).join(', ');
}

/** Which of the places a blob lies in; null: none that is configured. */
export function placeOf(
  places: readonly PlaceAudit[],
  region: string,
  { storageClass }: Pick<BlobName, 'storageClass'>,
): number | null {
  const at = places.findIndex(({ serves }) =>
    serves.some(([name, serving]) => name === region && serving === storageClass),
  );
  return at < 0 ? null : at;
}

/** Names a blob of a place: what its records are compared by. */
export function blobId(place: number, inode: string): Buffer {
  return Buffer.concat([Buffer.of(place), Buffer.from(inode.replaceAll('-', ''), 'hex')]);
}

export function inodeOf(id: Buffer): { readonly place: number; readonly inode: string } {
  const hex = id.toString('hex', 1);
  return { place: id[0] ?? 0, inode: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5') };
}
