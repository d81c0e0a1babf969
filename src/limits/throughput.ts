/** How much a bucket or a tenant may ask for each second, and the bucket document that says so for one bucket. */
import type { BucketRecord } from '../store/types.js';

/** Per second, all gateways together; 0: no limit, whatever the default says; absent: the default. */
export interface Throughput {
  readonly requestsPerSecond?: number;
  /** of bodies of requests */
  readonly bytesInPerSecond?: number;
  /** of bodies of answers */
  readonly bytesOutPerSecond?: number;
}

/** Name of the bucket document, which is a Throughput as JSON. */
export const LIMITS_DOCUMENT = 'limits';

const NONE: Throughput = {};
const parsed = new WeakMap<BucketRecord, Throughput>();

/** What was set for this bucket alone. */
export function bucketThroughput(bucket: BucketRecord): Throughput {
  const document = (bucket.documents as Readonly<Record<string, string | undefined>>)[LIMITS_DOCUMENT];
  if (document === undefined) return NONE;
  let own = parsed.get(bucket);
  if (own === undefined) {
    own = JSON.parse(document) as Throughput;
    parsed.set(bucket, own);
  }
  return own;
}

/** The own figures where there are some, else the default's; 0: no limit. */
export function effectiveThroughput(own: Throughput, fallback: Throughput): Required<Throughput> {
  return {
    requestsPerSecond: own.requestsPerSecond ?? fallback.requestsPerSecond ?? 0,
    bytesInPerSecond: own.bytesInPerSecond ?? fallback.bytesInPerSecond ?? 0,
    bytesOutPerSecond: own.bytesOutPerSecond ?? fallback.bytesOutPerSecond ?? 0,
  };
}
