/** What fsck counts and what it finds wrong. */

export interface Figures {
  readonly buckets: number;
  /** rows of tenants' lists without their bucket: left by creations that died, passed over by everybody */
  readonly tenantLeftovers: number;
  readonly versions: number;
  readonly deleteMarkers: number;
  readonly uploads: number;
  readonly uploadsWithoutParts: number;
  /** uploads whose completion or abortion has begun */
  readonly uploadsClosing: number;
  readonly parts: number;
  readonly listingRows: number;
  /** blobs that are stored */
  readonly blobs: number;
  /** blobs that versions and parts refer to, and that were looked at */
  readonly checkedBlobs: number;
  /** chunks that were read, with --data */
  readonly checkedChunks: number;
  /** what waits for the sweeper, by kind: entries */
  readonly backlogCommits: number;
  readonly backlogIntents: number;
  readonly backlogGarbage: number;
  readonly backlogBlobs: number;
  /** keys whose listing is wrong, which the sweeper knows of */
  readonly pendingKeys: number;
  /** blobs that nothing refers to, too young to be called orphans */
  readonly youngBlobs: number;
  readonly orphans: number;
  /** counters of quotas that were compared */
  readonly quotas: number;
  readonly problems: number;
  readonly repaired: number;
}

export const NO_FIGURES: Figures = {
  buckets: 0,
  tenantLeftovers: 0,
  versions: 0,
  deleteMarkers: 0,
  uploads: 0,
  uploadsWithoutParts: 0,
  uploadsClosing: 0,
  parts: 0,
  listingRows: 0,
  blobs: 0,
  checkedBlobs: 0,
  checkedChunks: 0,
  backlogCommits: 0,
  backlogIntents: 0,
  backlogGarbage: 0,
  backlogBlobs: 0,
  pendingKeys: 0,
  youngBlobs: 0,
  orphans: 0,
  quotas: 0,
  problems: 0,
  repaired: 0,
};

export type ProblemKind =
  /** a bucket that its owner's list lacks */
  | 'bucket-unlisted'
  /** a key of a bucket that is not there */
  | 'key-without-bucket'
  /** listings and versions of a key do not agree */
  | 'listing'
  /** a key that changed faster than it could be checked */
  | 'unchecked'
  /** a version whose record or inline bytes are damaged, or contradict themselves */
  | 'version'
  | 'data-missing'
  | 'data-corrupt'
  | 'part-without-upload'
  /** a storage class that no configured place serves */
  | 'no-place'
  /** a counter of a quota says something else than what there is */
  | 'quota'
  /** a blob that nothing refers to */
  | 'orphan';

export interface Problem {
  readonly kind: ProblemKind;
  readonly what: string;
  /** It is mended; an orphan: handed over to the sweeper. */
  readonly repaired: boolean;
  /** name; the instance where there is no bucket of it */
  readonly bucket?: string;
  readonly key?: string;
  readonly versionId?: string;
  readonly uploadId?: string;
  readonly partNumber?: number;
  readonly inode?: string;
  readonly place?: string;
  readonly writtenAt?: string | null;
}
