/**
 * Who sweeps a bucket: a note among the bucket's documents, changed only by the bucket store's atomic update. It names the
 * gateway that has the bucket until when, and how far it has come, so that another one can go on where it stopped.
 */
import { LIFECYCLE_DOCUMENT, LIFECYCLE_LEASE_DOCUMENT } from '../s3/lifecycle.js';
import { StoreError } from '../store/errors.js';
import type { BucketRecord, BucketStore } from '../store/types.js';

/** Where a sweep stands: through which phase, after which key. */
export interface Progress {
  readonly phase: 'versions' | 'uploads';
  readonly afterKey: string;
}

export const START: Progress = { phase: 'versions', afterKey: '' };

interface Note {
  /** null when nobody has the bucket */
  readonly holder: string | null;
  /** ms since the epoch */
  readonly untilMs: number;
  /** ms since the epoch: when the sweep began */
  readonly startedMs: number;
  /** null: the sweep went through */
  readonly progress: Progress | null;
}

export interface LeaseOptions {
  readonly buckets: Pick<BucketStore, 'update'>;
  /** this process */
  readonly holder: string;
  readonly leaseMs: number;
  /** from the start of one sweep to that of the next */
  readonly intervalMs: number;
  readonly now: () => number;
}

export interface Held {
  /** As of now: its rules may be other ones than before. */
  readonly bucket: BucketRecord;
  readonly progress: Progress;
}

function noteOf(bucket: BucketRecord): Note | null {
  const document = bucket.documents[LIFECYCLE_LEASE_DOCUMENT];
  return document === undefined ? null : (JSON.parse(document) as Note);
}

/** Stops an update without writing anything. */
class NotMine extends Error {}

export class LifecycleLease {
  readonly #options: LeaseOptions;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /** Whether the bucket, as far as the record says, waits for a sweep. */
  isFree(bucket: BucketRecord): boolean {
    if (bucket.state !== 'active' || bucket.documents[LIFECYCLE_DOCUMENT] === undefined) return false;
    const note = noteOf(bucket);
    const { now, intervalMs } = this.#options;
    if (note === null) return true;
    if (note.holder !== null && note.untilMs > now()) return false;
    return note.progress !== null || now() - note.startedMs >= intervalMs;
  }

  /** null: another gateway was faster, or the bucket is gone. */
  async take(bucket: BucketRecord): Promise<Held | null> {
    let progress = START;
    const taken = await this.#update(bucket, (current) => {
      if (!this.isFree(current)) throw new NotMine();
      const before = noteOf(current);
      const goesOn = before !== null && before.progress !== null;
      progress = goesOn ? before.progress : START;
      return this.#held(goesOn ? before.startedMs : this.#options.now(), progress);
    });
    return taken === null ? null : { bucket: taken, progress };
  }

  /** Keeps the bucket and notes how far the sweep is. null: it is another's, its rules are new, or it is gone: stop. */
  async renew(bucket: BucketRecord, progress: Progress): Promise<BucketRecord | null> {
    return this.#update(bucket, (current) => this.#held(this.#mine(current).startedMs, progress));
  }

  /** Lets go. progress: where to go on; null when all is done. */
  async release(bucket: BucketRecord, progress: Progress | null): Promise<void> {
    await this.#update(bucket, (current) => {
      const { startedMs } = this.#mine(current);
      return { holder: null, untilMs: 0, startedMs, progress };
    });
  }

  #held(startedMs: number, progress: Progress): Note {
    const { holder, leaseMs, now } = this.#options;
    return { holder, untilMs: now() + leaseMs, startedMs, progress };
  }

  #mine(bucket: BucketRecord): Note {
    const note = noteOf(bucket);
    if (note?.holder !== this.#options.holder) throw new NotMine();
    return note;
  }

  async #update(bucket: BucketRecord, next: (current: BucketRecord) => Note): Promise<BucketRecord | null> {
    try {
      return await this.#options.buckets.update(bucket, (current) => ({
        documents: { [LIFECYCLE_LEASE_DOCUMENT]: JSON.stringify(next(current)) },
      }));
    } catch (error) {
      if (error instanceof NotMine || (error instanceof StoreError && error.kind === 'bucketGone')) return null;
      throw error;
    }
  }
}
