/**
 * The mark in a bucket's record that says that its changes are counted: writers look at the record anyway (bucket-guard.ts), so
 * buckets without it cost nothing more. It names the life of the counter. Pure, but for the constants that all gateways share.
 */
import type { BucketPatch, BucketRecord } from '../types.js';

const MARK = 'quota';

/**
 * A change that is not counted is attempted within QUOTA_LOOK_MS of a look at its bucket that found no mark. Who sets the mark
 * waits for QUOTA_WAIT_MS: after that, every such change has been announced already, and can be found (docs/adr/0005).
 */
export const QUOTA_LOOK_MS = 2_000;
export const QUOTA_WAIT_MS = 2_600;

export function epochOf({ documents }: Pick<BucketRecord, 'documents'>): string | null {
  return documents[MARK] ?? null;
}

/** Whose quotas count the changes of the bucket; null: nobody's do. */
export function countingTenant(bucket: Pick<BucketRecord, 'documents' | 'owner'>): string | null {
  return epochOf(bucket) === null ? null : bucket.owner.id;
}

export function marked(epoch: string | null): Pick<BucketPatch, 'documents'> {
  return { documents: { [MARK]: epoch } };
}

/** A record that is yet to be written. */
export function withEpoch(bucket: BucketRecord, epoch: string): BucketRecord {
  return { ...bucket, documents: { ...bucket.documents, [MARK]: epoch } };
}
