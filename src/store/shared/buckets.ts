/** Bucket records: how they start and what a patch makes of them. */
import { newInstance } from '../consistency.js';
import type { BucketPatch, BucketRecord, NewBucket } from '../types.js';

/** A new life of the bucket: another instance, revision 1. */
export function newBucketRecord({ consistency, ...bucket }: NewBucket, nowMs: number): BucketRecord {
  const instance = newInstance(consistency ?? 'linearizable');
  return { ...bucket, instance, createdAt: bucket.createdAt ?? nowMs, revision: 1, state: 'active' };
}

/** The record after the patch, one revision on. */
export function patchBucket(current: BucketRecord, patch: BucketPatch): BucketRecord {
  const documents: Record<string, string> = { ...current.documents };
  for (const [name, document] of Object.entries(patch.documents ?? {})) {
    // documents is a fresh object and names are those of sub-resources
    if (document === null) Reflect.deleteProperty(documents, name);
    else documents[name] = document;
  }
  return {
    ...current,
    versioning: patch.versioning ?? current.versioning,
    objectLock: patch.objectLock ?? current.objectLock,
    documents,
    revision: current.revision + 1,
  };
}
