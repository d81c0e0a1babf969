/**
 * Keeps writes out of buckets that are being deleted, at the cost of one small read per bucket and BUCKET_CHECK_MS.
 *
 * A write enters with a look at the bucket that is at most BUCKET_CHECK_MS old and found it active. A deletion marks the
 * bucket, waits BUCKET_DELETE_WAIT_MS, then looks whether it is empty. A write that is done within BUCKET_FENCE_MS of its look
 * is seen by that deletion: the look came before the mark. One that took longer looks again before it is acknowledged:
 * still active means not yet marked, so it will be seen; otherwise it fails. Only durations are compared, never clocks of two
 * machines.
 */
import { StoreError } from '../errors.js';
import type { BucketRecord, BucketRef } from '../types.js';
import { BUCKET_CHECK_MS, BUCKET_FENCE_MS } from './options.js';
import { countingTenant, QUOTA_LOOK_MS } from './quota-mark.js';

export interface BucketPass {
  readonly bucket: BucketRef;
  /** Whose quotas count the bucket's changes; null: they are not counted. */
  readonly countedFor: string | null;
  /** performance.now() before the look was taken */
  readonly lookedAtMs: number;
}

export type ReadBucket = (name: string) => Promise<BucketRecord | null>;

const MAX_LOOKS = 10_000;

export class BucketGuard {
  readonly #read: ReadBucket;
  readonly #now: () => number;
  readonly #looks = new Map<string, { readonly atMs: number; readonly pass: Promise<BucketPass> }>();

  /** read: from Cassandra, never from a cache. now: monotonic, ms. */
  constructor(read: ReadBucket, now: () => number = () => performance.now()) {
    this.#read = read;
    this.#now = now;
  }

  /** @throws StoreError bucketGone, or what the read throws */
  async enter(bucket: BucketRef): Promise<BucketPass> {
    const now = this.#now();
    const known = this.#looks.get(bucket.instance);
    if (known !== undefined && now - known.atMs < BUCKET_CHECK_MS) return known.pass;
    if (this.#looks.size >= MAX_LOOKS) this.#looks.clear();
    const pass = this.#look(bucket, now);
    this.#looks.set(bucket.instance, { atMs: now, pass });
    try {
      return await pass;
    } catch (error) {
      this.#looks.delete(bucket.instance);
      throw error;
    }
  }

  /** After the write, before it is acknowledged. @throws StoreError bucketGone with outcome unknown */
  async confirm(pass: BucketPass): Promise<void> {
    const now = this.#now();
    if (now - pass.lookedAtMs < BUCKET_FENCE_MS) return;
    try {
      await this.#look(pass.bucket, now);
    } catch (error) {
      const kind = error instanceof StoreError ? error.kind : 'internal';
      throw new StoreError(
        kind,
        'unknown',
        `the write to bucket ${pass.bucket.name} may be lost with its bucket`,
        error,
      );
    }
  }

  /**
   * Whether a change that was not counted may be attempted now: the look that said so must not be old.
   * @throws StoreError bucketGone, or what the read throws
   */
  async isUncounted(pass: BucketPass): Promise<boolean> {
    for (let look = pass; ;) {
      const now = this.#now();
      if (now - look.lookedAtMs < QUOTA_LOOK_MS) return true;
      look = await this.#look(pass.bucket, now);
      if (look.countedFor !== null) return false;
    }
  }

  /** Whose quotas count the changes of the bucket, also of one that is being deleted; asked now. */
  async countedFor(bucket: BucketRef): Promise<string | null> {
    const record = await this.#read(bucket.name);
    return record?.instance === bucket.instance ? countingTenant(record) : null;
  }

  /** This gateway knows that the bucket is changing. */
  forget(bucket: BucketRef): void {
    this.#looks.delete(bucket.instance);
  }

  /** That life of the bucket has ended for good. */
  async isGone(bucket: BucketRef): Promise<boolean> {
    const record = await this.#read(bucket.name);
    return record?.instance !== bucket.instance;
  }

  async #look(bucket: BucketRef, lookedAtMs: number): Promise<BucketPass> {
    const record = await this.#read(bucket.name);
    if (record?.instance !== bucket.instance || record.state !== 'active') {
      throw new StoreError('bucketGone', 'notApplied', `bucket ${bucket.name} no longer exists`);
    }
    return { bucket, countedFor: countingTenant(record), lookedAtMs };
  }
}
