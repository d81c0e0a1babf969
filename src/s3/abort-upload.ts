/** How a multipart upload is given up, by AbortMultipartUpload and by a lifecycle rule. */
import type { MetadataStore, UploadRef } from '../store/types.js';
import { findCompleted } from './completed-upload.js';

type Store = Pick<
  MetadataStore,
  'closeUpload' | 'removeUpload' | 'finishUpload' | 'finishedUpload' | 'getVersion' | 'scanVersions' | 'repairIndex'
>;

export type AbortOutcome =
  | 'aborted'
  /** there is no such upload */
  | 'gone'
  /** it has become an object: only what that leaves over went */
  | 'completed'
  /** a completion is under way, or its outcome is not known: nothing was removed */
  | 'completing';

/** Removes an upload and its parts unless a completion has got hold of them. @throws StoreError */
export async function abortUpload(metadata: Store, ref: UploadRef): Promise<AbortOutcome> {
  const before = await metadata.closeUpload(ref, 'aborting');
  if (before === null) return 'gone';
  if (before === 'completing') {
    // Its parts may be an object's data already, or become that any moment: a completion whose commit is on its way cannot be
    // called back, and one that was answered with a timeout may still take effect. Only what a committed version leaves over
    // may go. Otherwise the upload waits for the completion to be repeated, which decides it either way: it commits, or it
    // is refused and the upload is open again.
    const version = await findCompleted(metadata, ref, { maxCandidates: Infinity });
    if (version === null) return 'completing';
    await metadata.finishUpload(ref, version);
    return 'completed';
  }
  // 'aborting' was an abort that did not get this far: nothing but an abort can follow it.
  await metadata.removeUpload(ref);
  return 'aborted';
}
