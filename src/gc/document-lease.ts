/**
 * Who does a recurring piece of work about a bucket: a note among the bucket's documents, changed only by the bucket store's
 * atomic update. It names the gateway that has the work until when, and how far it has come, so that another one can take over
 * when that one dies. Whoever changes what the work is about removes the note: the holder notices and stops.
 */
import { StoreError } from '../store/errors.js';
import type { BucketRecord, BucketStore } from '../store/types.js';

interface Note<Progress> {
  /** null when nobody has the work */
  readonly holder: string | null;
  /** ms since the epoch */
  readonly untilMs: number;
  /** ms since the epoch: when the run began */
  readonly startedMs: number;
  /** null: the run went through */
  readonly progress: Progress | null;
}

export interface DocumentLeaseOptions<Progress> {
  readonly buckets: Pick<BucketStore, 'update'>;
  /** name of the bucket document that is the note */
  readonly document: string;
  /** this process */
  readonly holder: string;
  /** how long the work stays with a gateway that does not renew */
  readonly leaseMs: number;
  /** Whether the bucket has such work at all. */
  readonly concerns: (bucket: BucketRecord) => boolean;
  /** Whether a run is due after one that began then and went through; ms since the epoch. */
  readonly isDueAfter: (startedMs: number, bucket: BucketRecord) => boolean;
  /** where a run begins */
  readonly start: Progress;
  /** Where a run goes on that was left there; null: it begins anew. */
  readonly resume: (progress: Progress) => Progress | null;
  readonly now: () => number;
}

export interface Held<Progress> {
  /** As of now: what the work is about may have changed. */
  readonly bucket: BucketRecord;
  readonly progress: Progress;
}

/** Stops an update without writing anything. */
class NotMine extends Error {}

/** Progress must survive JSON and not be null. */
export class DocumentLease<Progress> {
  readonly #options: DocumentLeaseOptions<Progress>;

  constructor(options: DocumentLeaseOptions<Progress>) {
    this.#options = options;
  }

  /** Whether the work, as far as the record says, waits for somebody. */
  isFree(bucket: BucketRecord): boolean {
    const { now, concerns, isDueAfter } = this.#options;
    if (bucket.state !== 'active' || !concerns(bucket)) return false;
    const note = this.#noteOf(bucket);
    if (note === null) return true;
    if (note.holder !== null && note.untilMs > now()) return false;
    return note.progress !== null || isDueAfter(note.startedMs, bucket);
  }

  /** null: another gateway was faster, or the bucket is gone. @throws StoreError */
  async take(bucket: BucketRecord): Promise<Held<Progress> | null> {
    const { start, resume, now } = this.#options;
    let progress = start;
    const taken = await this.#update(bucket, (current) => {
      if (!this.isFree(current)) throw new NotMine();
      const before = this.#noteOf(current);
      const left = before === null || before.progress === null ? null : resume(before.progress);
      progress = left ?? start;
      return this.#held(before === null || left === null ? now() : before.startedMs, progress);
    });
    return taken === null ? null : { bucket: taken, progress };
  }

  /**
   * Keeps the work and notes how far it is. null: it is another's, what it is about has changed, or the bucket is gone: stop.
   * @throws StoreError
   */
  async renew(bucket: BucketRecord, progress: Progress): Promise<BucketRecord | null> {
    return this.#update(bucket, (current) => this.#held(this.#mine(current).startedMs, progress));
  }

  /** Lets go. progress: where to go on; null when all is done. @throws StoreError */
  async release(bucket: BucketRecord, progress: Progress | null): Promise<void> {
    await this.#update(bucket, (current) => {
      const { startedMs } = this.#mine(current);
      return { holder: null, untilMs: 0, startedMs, progress };
    });
  }

  #noteOf(bucket: BucketRecord): Note<Progress> | null {
    const document = bucket.documents[this.#options.document];
    return document === undefined ? null : (JSON.parse(document) as Note<Progress>);
  }

  #held(startedMs: number, progress: Progress): Note<Progress> {
    const { holder, leaseMs, now } = this.#options;
    return { holder, untilMs: now() + leaseMs, startedMs, progress };
  }

  #mine(bucket: BucketRecord): Note<Progress> {
    const note = this.#noteOf(bucket);
    if (note?.holder !== this.#options.holder) throw new NotMine();
    return note;
  }

  async #update(bucket: BucketRecord, next: (current: BucketRecord) => Note<Progress>): Promise<BucketRecord | null> {
    const { buckets, document } = this.#options;
    try {
      return await buckets.update(bucket, (current) => ({ documents: { [document]: JSON.stringify(next(current)) } }));
    } catch (error) {
      if (error instanceof NotMine || (error instanceof StoreError && error.kind === 'bucketGone')) return null;
      throw error;
    }
  }
}
