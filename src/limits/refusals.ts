/** How many requests each of the limits of clients, buckets and tenants has refused, for who looks at the server from outside. */

/** What a request can be over: the rate of its address or key, or that of the bucket or tenant it is about. */
export const RATE_LIMITS = ['address', 'access-key', 'bucket', 'tenant'] as const;
export type RateLimit = (typeof RATE_LIMITS)[number];

export class Refusals {
  readonly #counts: Record<RateLimit, number> = { address: 0, 'access-key': 0, bucket: 0, tenant: 0 };

  add(limit: RateLimit): void {
    this.#counts[limit]++;
  }

  /** Since the start. */
  get counts(): Readonly<Record<RateLimit, number>> {
    return this.#counts;
  }
}
