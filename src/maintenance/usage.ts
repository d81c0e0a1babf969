/** Figures of what buckets hold. fsck counts them from the heads, the usage action from the listings: they agree. */
import type { BucketRecord, MetadataStore, PartRecord, VersionEntry } from '../store/types.js';

export interface Usage {
  /** of all versions, as clients count them: before encryption */
  readonly bytes: number;
  /** keys whose newest version is an object */
  readonly objects: number;
  /** objects, whether newest or not; delete markers are none */
  readonly versions: number;
  readonly deleteMarkers: number;
  /** multipart uploads that are open */
  readonly uploads: number;
  /** of their parts */
  readonly uploadBytes: number;
}

export const NO_USAGE: Usage = { bytes: 0, objects: 0, versions: 0, deleteMarkers: 0, uploads: 0, uploadBytes: 0 };

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    bytes: a.bytes + b.bytes,
    objects: a.objects + b.objects,
    versions: a.versions + b.versions,
    deleteMarkers: a.deleteMarkers + b.deleteMarkers,
    uploads: a.uploads + b.uploads,
    uploadBytes: a.uploadBytes + b.uploadBytes,
  };
}

export function usageOfVersion({
  deleteMarker,
  latest,
  sizeBytes,
}: Pick<VersionEntry, 'deleteMarker' | 'latest' | 'sizeBytes'>): Usage {
  if (deleteMarker) return { ...NO_USAGE, deleteMarkers: 1 };
  return { ...NO_USAGE, bytes: sizeBytes, objects: latest ? 1 : 0, versions: 1 };
}

export function usageOfUpload(parts: readonly Pick<PartRecord, 'sizeBytes'>[]): Usage {
  return { ...NO_USAGE, uploads: 1, uploadBytes: parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
}

const PAGE = 1_000;

export interface BucketUsageOptions {
  readonly metadata: MetadataStore;
  readonly bucket: BucketRecord;
  readonly signal: AbortSignal;
  /** Told of every page. */
  readonly onPage: (usage: Usage) => void;
}

/** Of one bucket, page by page along its listings. */
export async function countBucket({ metadata, bucket, signal, onPage }: BucketUsageOptions): Promise<Usage> {
  let total = NO_USAGE;
  const add = (usage: Usage): void => {
    total = addUsage(total, usage);
  };
  for (let from = '', below: number | null = null, inclusive = true; ;) {
    signal.throwIfAborted();
    const scan = { from, inclusive, end: null, limit: PAGE, fromSeqBelow: below };
    const page = await metadata.scanVersions(bucket, scan);
    for (const entry of page) add(usageOfVersion(entry));
    onPage(total);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) break;
    [from, below, inclusive] = [last.key, last.seq, false];
  }
  for (let from = '', afterId: string | null = null, inclusive = true; ;) {
    signal.throwIfAborted();
    const scan = { from, inclusive, end: null, limit: PAGE, fromUploadIdAfter: afterId };
    const page = await metadata.scanUploads(bucket, scan);
    for (const { key, uploadId } of page) {
      for (let afterPart = 0; ;) {
        const parts = await metadata.listParts({ bucket, key, uploadId }, { afterPart, limit: PAGE });
        add({ ...usageOfUpload(parts), uploads: 0 });
        const last = parts.at(-1);
        if (last === undefined || parts.length < PAGE) break;
        afterPart = last.partNumber;
      }
      add({ ...NO_USAGE, uploads: 1 });
    }
    onPage(total);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return total;
    [from, afterId, inclusive] = [last.key, last.uploadId, false];
  }
}
