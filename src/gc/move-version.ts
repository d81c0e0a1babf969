/**
 * Moves a version's bytes to another storage class. Blobs are copied as they are stored, sealed or not: no key is needed, so
 * that objects under a customer's key move too. Order: intent -> copies durable -> commit; the old blobs then become garbage.
 */
import { randomUUID } from 'node:crypto';
import { abandonQuietly } from '../data/blob-upload.js';
import { TAG_BYTES } from '../data/chunk-cipher.js';
import { copyBlob, IntentKeeper } from '../data/copy-blob.js';
import { StoreError } from '../store/errors.js';
import { blobStoreOf } from '../store/shared/blob-store-of.js';
import type { BlobRef, BucketRef, CommitRequest, Intent, KeyState, ObjectVersion, Region } from '../store/types.js';

export interface MoveOptions {
  readonly region: Region;
  readonly bucket: BucketRef;
  readonly key: string;
  readonly version: ObjectVersion;
  readonly storageClass: string;
  readonly leaseMs: number;
  readonly signal: AbortSignal;
  /** The version to move as it is in the state that the commit is decided on; null: leave it where it is. */
  readonly decide: (state: KeyState) => ObjectVersion | null;
  /** as in CommitRequest */
  readonly events?: CommitRequest['events'];
}

/**
 * False when the version was not moved: it was changed meanwhile, or decide gave up.
 * @throws StoreError; the signal's reason
 */
export async function moveVersion(options: MoveOptions): Promise<boolean> {
  const { version, region, bucket, key } = options;
  const { data } = version;
  if (data.kind !== 'blobs') return commitMove(options, null, []);
  const blobs = data.blobs.map((blob) => moved(blob, options.storageClass));
  const intent = await region.metadata.openIntent(bucket, key, blobs);
  try {
    const keeper = new IntentKeeper(region.metadata, intent, options.leaseMs);
    for (const [i, blob] of data.blobs.entries()) {
      const to = blobs[i];
      if (to === undefined) continue;
      const storedChunkSizeBytes = blob.chunkSizeBytes + (version.encryption === null ? 0 : TAG_BYTES);
      await copyBlob({
        from: { store: blobStoreOf(region, blob.storageClass), blob, storedChunkSizeBytes },
        to: { store: blobStoreOf(region, to.storageClass), inode: to.inode, storedChunkSizeBytes },
        keeper,
        signal: options.signal,
      });
    }
    await keeper.renew();
    const done = await commitMove(options, intent, blobs);
    if (!done) await abandonQuietly(region.metadata, intent);
    return done;
  } catch (error) {
    // Of an unknown outcome the copies may be what the version refers to: the sweeper finds out.
    if (!(error instanceof StoreError) || error.outcome === 'notApplied') await abandonQuietly(region.metadata, intent);
    throw error;
  }
}

function moved(blob: BlobRef, storageClass: string): BlobRef {
  return { ...blob, inode: randomUUID(), storageClass, sealedAs: blob.sealedAs ?? blob.inode };
}

async function commitMove(options: MoveOptions, intent: Intent | null, blobs: readonly BlobRef[]): Promise<boolean> {
  const { region, bucket, key, version, storageClass } = options;
  const { changed } = await region.metadata.commit({
    bucket,
    key,
    select: { versionId: version.versionId },
    ...(intent === null ? {} : { intent }),
    ...(options.events && { events: options.events }),
    decide: (state) => {
      const current = options.decide(state);
      if (current === null || !sameData(current, version)) return null;
      if (intent === null) return { replace: { ...current, storageClass } };
      return { replace: { ...current, storageClass, data: { kind: 'blobs', blobs } }, moved: true };
    },
  });
  return changed;
}

function sameData(a: ObjectVersion, b: ObjectVersion): boolean {
  if (a.data.kind !== 'blobs' || b.data.kind !== 'blobs') return a.data.kind === b.data.kind;
  const others = b.data.blobs;
  return a.data.blobs.length === others.length && a.data.blobs.every(({ inode }, i) => inode === others[i]?.inode);
}
