/** Which gateway sweeps a bucket by its lifecycle rules, and how far it has come: a lease among the bucket's documents. */
import { LIFECYCLE_DOCUMENT, LIFECYCLE_LEASE_DOCUMENT } from '../s3/lifecycle.js';
import type { BucketStore } from '../store/types.js';
import type { Held as HeldDocument } from './document-lease.js';
import { DocumentLease } from './document-lease.js';

/** Where a sweep stands: through which phase, after which key. */
export interface Progress {
  readonly phase: 'versions' | 'uploads';
  readonly afterKey: string;
}

export type LifecycleLease = DocumentLease<Progress>;
export type Held = HeldDocument<Progress>;

export interface LeaseOptions {
  readonly buckets: Pick<BucketStore, 'update'>;
  /** this process */
  readonly holder: string;
  readonly leaseMs: number;
  /** from the start of one sweep to that of the next */
  readonly intervalMs: number;
  readonly now: () => number;
}

export function lifecycleLease({ intervalMs, now, ...options }: LeaseOptions): LifecycleLease {
  return new DocumentLease<Progress>({
    ...options,
    now,
    document: LIFECYCLE_LEASE_DOCUMENT,
    concerns: ({ documents }) => documents[LIFECYCLE_DOCUMENT] !== undefined,
    isDueAfter: (startedMs) => now() - startedMs >= intervalMs,
    start: { phase: 'versions', afterKey: '' },
    resume: (progress) => progress,
  });
}
