/** Goes through all pages of a listing of buckets. */
import type { BucketPage, BucketRecord } from '../types.js';

export interface EveryBucketOptions {
  /** The page after a bucket's name, '' for the first: BucketStore.scanAll or list. */
  readonly pageAfter: (after: string) => Promise<BucketPage>;
  /** When it fires the rest is passed over: neither another page is read nor another bucket given. */
  readonly signal?: AbortSignal;
}

/** @throws StoreError when a page cannot be read */
export async function* everyBucket({ pageAfter, signal }: EveryBucketOptions): AsyncGenerator<BucketRecord> {
  const stopped = (): boolean => signal?.aborted === true;
  for (let after = ''; !stopped();) {
    const page = await pageAfter(after);
    for (const bucket of page.buckets) {
      if (stopped()) return;
      yield bucket;
    }
    const last = page.buckets.at(-1);
    if (last === undefined || !page.truncated) return;
    after = last.name;
  }
}
