/** Whether the data of versions and parts are there; what seems not to be is looked at again once the key still refers to it. */
import { TAG_BYTES } from '../data/chunk-cipher.js';
import type { AuditedUpload, AuditedVersion, BlobFault, ExpectedBlob } from '../store/audit.js';
import { StoreError } from '../store/errors.js';
import type { BlobRef, BucketRef } from '../store/types.js';
import type { Problem } from './figures.js';
import { placeOf } from './fsck-context.js';
import type { FsckContext, RegionParts } from './fsck-context.js';

/** sealed: its chunks are encrypted. */
export function expectedBlob({ inode, sizeBytes, chunkSizeBytes }: BlobRef, sealed: boolean): ExpectedBlob {
  const overheadBytes = sealed ? TAG_BYTES : 0;
  const chunks = Math.ceil(sizeBytes / chunkSizeBytes);
  const lastBytes = chunks === 0 ? 0 : sizeBytes - (chunks - 1) * chunkSizeBytes + overheadBytes;
  return { inode, chunks, storedChunkSizeBytes: chunkSizeBytes + overheadBytes, lastChunkSizeBytes: lastBytes };
}

export interface BlobOwner {
  readonly parts: RegionParts;
  readonly bucket: BucketRef;
  readonly blob: BlobRef;
  readonly sealed: boolean;
  /** Whether it still refers to the blob. */
  readonly stillRefers: () => Promise<boolean>;
  /** For the report. */
  readonly about: Pick<Problem, 'key' | 'versionId' | 'uploadId' | 'partNumber'>;
}

export async function checkBlob(context: FsckContext, owner: BlobOwner): Promise<void> {
  const { options, work, throttle, audit } = context;
  const { blob, bucket, about, parts } = owner;
  const at = placeOf(audit.places, parts.region.name, blob);
  const place = at === null ? undefined : audit.places[at];
  if (place === undefined) {
    const what = `no place is configured for storage class ${blob.storageClass}`;
    await work.report({ kind: 'no-place', what, repaired: false, bucket: bucket.name, ...about, inode: blob.inode });
    return;
  }
  let chunks = 0;
  const look = (): Promise<readonly BlobFault[]> =>
    place.check(expectedBlob(blob, owner.sealed), {
      data: options.data,
      repair: options.repair,
      signal: options.signal,
      onRead: async (count) => {
        chunks += count;
        await throttle.take(count);
      },
    });
  const faults = await look();
  work.count({ checkedBlobs: 1, checkedChunks: options.data ? chunks : 0 });
  if (faults.length === 0 || !(await owner.stillRefers())) return;
  for (const { kind, what, repaired } of faults) {
    await work.report({
      kind: kind === 'missing' ? 'data-missing' : 'data-corrupt',
      what,
      repaired,
      bucket: bucket.name,
      ...about,
      inode: blob.inode,
    });
  }
}

/** The blobs of a version, and whether it agrees with them. */
export function versionBlobs(parts: RegionParts, bucket: BucketRef, audited: AuditedVersion): BlobOwner[] {
  const { key, version } = audited;
  if (version.data.kind !== 'blobs') return [];
  return version.data.blobs.map((blob) => ({
    parts,
    bucket,
    blob,
    sealed: version.encryption !== null,
    about: { key, versionId: version.versionId },
    stillRefers: async () => {
      const { versionId } = version;
      const now = await parts.region.metadata.getVersion(bucket, key, { versionId }, { withInline: false });
      return now?.data.kind === 'blobs' && now.data.blobs.some(({ inode }) => inode === blob.inode);
    },
  }));
}

export function partBlobs(parts: RegionParts, bucket: BucketRef, audited: AuditedUpload): BlobOwner[] {
  const { key, uploadId, upload } = audited;
  return audited.parts.map(({ partNumber, blob }) => ({
    parts,
    bucket,
    blob,
    sealed: upload !== null && upload.encryption !== null,
    about: { key, uploadId, partNumber },
    stillRefers: async () => {
      const query = { afterPart: partNumber - 1, limit: 1 };
      const [now] = await parts.region.metadata.listParts({ bucket, key, uploadId }, query);
      return now?.partNumber === partNumber && now.blob.inode === blob.inode;
    },
  }));
}

/** What is wrong with a version by itself; inline: its bytes were read. */
export function contradiction({ version }: AuditedVersion, inline: boolean): string | null {
  const { data, sizeBytes, deleteMarker } = version;
  if (deleteMarker !== (data.kind === 'none')) return 'it is a delete marker with data, or an object without';
  if (data.kind === 'blobs') {
    const total = data.blobs.reduce((sum, blob) => sum + blob.sizeBytes, 0);
    return total === sizeBytes ? null : `its blobs have ${total} bytes, not ${sizeBytes}`;
  }
  if (data.kind !== 'inline' || !inline) return null;
  const expected = sizeBytes === 0 || version.encryption === null ? sizeBytes : sizeBytes + TAG_BYTES;
  const found = data.bytes?.length ?? 0;
  return found === expected ? null : `its inline bytes are ${found}, not ${expected}`;
}

/** Whether a version whose inline bytes seem to be damaged really is. */
export async function isDamaged(
  { region }: RegionParts,
  { bucket, key, versionId }: { readonly bucket: BucketRef; readonly key: string; readonly versionId: string },
): Promise<boolean> {
  try {
    await region.metadata.getVersion(bucket, key, { versionId }, { withInline: true });
    return false;
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'corrupt') return true;
    throw error;
  }
}
