/** Buckets by instance: what rows of keys name them by. Some hundred bytes of memory for each bucket. */
import { everyBucket } from '../store/shared/every-bucket.js';
import type { BucketRecord, BucketStore } from '../store/types.js';

const PAGE = 1_000;
/** A bucket that is not known may be new: how often that is looked up at most, ms. */
const REFRESH_MS = 2_000;

export class BucketIndex {
  readonly #store: BucketStore;
  #byInstance = new Map<string, BucketRecord>();
  #atMs = Number.NEGATIVE_INFINITY;

  constructor(store: BucketStore) {
    this.#store = store;
  }

  async refresh(): Promise<void> {
    const found = new Map<string, BucketRecord>();
    for await (const bucket of this.scan()) found.set(bucket.instance, withoutDocuments(bucket));
    this.#byInstance = found;
    this.#atMs = performance.now();
  }

  scan(): AsyncGenerator<BucketRecord> {
    return everyBucket({ pageAfter: (after) => this.#store.scanAll({ after, limit: PAGE }) });
  }

  all(): Iterable<BucketRecord> {
    return this.#byInstance.values();
  }

  /** As known. */
  get(instance: string): BucketRecord | null {
    return this.#byInstance.get(instance) ?? null;
  }

  /** Also one that was created meanwhile. */
  async find(instance: string): Promise<BucketRecord | null> {
    const known = this.get(instance);
    if (known !== null) return known;
    if (performance.now() - this.#atMs > REFRESH_MS) await this.refresh();
    return this.get(instance);
  }
}

function withoutDocuments(bucket: BucketRecord): BucketRecord {
  return { ...bucket, documents: {} };
}
