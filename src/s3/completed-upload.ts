/**
 * Finds the object version that a multipart upload has become: what makes a repeated completion answerable. Stores remember it for a
 * while, whatever others have made of the object since; beyond that the version itself tells, as long as it is there.
 */
import type { BucketRef, MetadataStore, ObjectVersion, UploadRef } from '../store/types.js';
import { uploadIdTimeMs } from './multipart.js';

/** Gateways' clocks may differ by this much: a version may seem older than the upload it came from. */
const CLOCK_SKEW_MS = 60 * 60 * 1000;
const PAGE = 100;

export interface SearchOptions {
  /** Multipart versions of the key to look at, newest first. */
  readonly maxCandidates: number;
}

type Store = Pick<MetadataStore, 'getVersion' | 'scanVersions' | 'repairIndex' | 'finishedUpload'>;

/**
 * The version with this upload's id, null when no version (that was looked at) has it, and none is remembered; of one that is
 * remembered neither data nor parts. The newest version is asked first, as it nearly always is that one; others only as far back as
 * the upload's creation.
 * @throws StoreError when it cannot be told
 */
export async function findCompleted(
  metadata: Store,
  ref: UploadRef,
  { maxCandidates }: SearchOptions,
): Promise<ObjectVersion | null> {
  const { bucket, key, uploadId } = ref;
  const createdAtMs = uploadIdTimeMs(uploadId);
  if (createdAtMs === null) return null;
  const finished = await metadata.finishedUpload(ref);
  if (finished !== null) {
    await metadata.repairIndex(bucket, key);
    return finished;
  }
  const latest = await metadata.getVersion(bucket, key, 'latest', { withInline: false });
  if (latest === null) return null;
  // A completion that stopped between its commit and the index is not listed yet, and what is found is acknowledged.
  await metadata.repairIndex(bucket, key);
  if (latest.uploadId === uploadId) return latest;
  const seqFloor = (createdAtMs - CLOCK_SKEW_MS) * 1000;
  let candidates = 0;
  for await (const versionId of olderMultipartVersions(metadata, bucket, key, latest.seq, seqFloor)) {
    candidates += 1;
    if (candidates > maxCandidates) return null;
    const version = await metadata.getVersion(bucket, key, { versionId }, { withInline: false });
    if (version?.uploadId === uploadId) return version;
  }
  return null;
}

/** Ids of the key's versions below a seq that came from multipart uploads (their ETags tell), newest first. */
async function* olderMultipartVersions(
  metadata: Store,
  bucket: BucketRef,
  key: string,
  belowSeq: number,
  seqFloor: number,
): AsyncGenerator<string, void, void> {
  let fromSeqBelow = belowSeq;
  for (;;) {
    const page = await metadata.scanVersions(bucket, {
      from: key,
      inclusive: false,
      end: null,
      fromSeqBelow,
      limit: PAGE,
    });
    for (const entry of page) {
      if (entry.key !== key || entry.seq < seqFloor) return;
      if (!entry.deleteMarker && /-\d+$/.test(entry.etag)) yield entry.versionId;
      fromSeqBelow = entry.seq;
    }
    if (page.length < PAGE) return;
  }
}
