/**
 * What a request may cost whom: the rates of client addresses and access keys, and what buckets and tenants may move. Requests beyond a
 * rate are refused (SlowDown); bytes beyond one wait, so that a client is slowed down by its own socket.
 */
import type { BucketRecord } from '../store/types.js';
import { slowDown } from './admission.js';
import type { Pace } from './pace.js';
import type { Rates } from './rates.js';
import { pause } from './rates.js';
import type { RateLimit, Refusals } from './refusals.js';
import type { Throughput } from './throughput.js';
import { bucketThroughput, effectiveThroughput } from './throughput.js';

export interface RequestLimitSettings {
  /** requests per second of one client address on this server; null: no limit */
  readonly perAddress: number | null;
  /** requests per second of one access key on this server; null: no limit */
  readonly perAccessKey: number | null;
  /** of each bucket that has no figures of its own */
  readonly perBucket: Throughput;
  /** of each tenant that `tenants` does not name */
  readonly perTenant: Throughput;
  readonly tenants: Readonly<Record<string, Throughput>>;
}

/** How many servers share what is granted to buckets and tenants. */
export interface GatewayCount {
  /** At least 1. Asking says that it matters: a server that nobody asks does not announce itself. */
  count(): number;
}

export interface RequestLimitsOptions {
  readonly settings: RequestLimitSettings;
  readonly rates: Rates;
  readonly gateways: GatewayCount;
  readonly refusals: Refusals;
}

/** Body bytes of one request, both ways; null: as fast as they come. */
export interface Lane {
  readonly in: Pace | null;
  readonly out: Pace | null;
}

/** A request of a bucket that is over its rate waits so long for its turn before it is refused. */
const MAX_TURN_MS = 1_000;
const OPEN: Lane = { in: null, out: null };

interface Subject extends Required<Throughput> {
  readonly kind: RateLimit;
  /** unique among all kinds */
  readonly name: string;
}

export class RequestLimits {
  readonly #options: RequestLimitsOptions;
  #settings: RequestLimitSettings;

  constructor(options: RequestLimitsOptions) {
    this.#options = options;
    this.#settings = options.settings;
  }

  get settings(): RequestLimitSettings {
    return this.#settings;
  }

  update(settings: RequestLimitSettings): void {
    this.#settings = settings;
  }

  /**
   * For a request about a bucket that its caller may make; tenant: whose bucket it is, else who calls (null: nobody).
   * @throws S3Error SlowDown; the signal's reason
   */
  async lane(
    { bucket, tenant }: { readonly bucket: BucketRecord | null; readonly tenant: string | null },
    signal: AbortSignal,
  ): Promise<Lane> {
    const subjects = this.#subjects(bucket, tenant);
    if (subjects.length === 0) return OPEN;
    for (const subject of subjects) if (subject.requestsPerSecond > 0) await this.#turn(subject, signal);
    return {
      in: this.#pace('in', subjects, ({ bytesInPerSecond }) => bytesInPerSecond),
      out: this.#pace('out', subjects, ({ bytesOutPerSecond }) => bytesOutPerSecond),
    };
  }

  #subjects(bucket: BucketRecord | null, tenant: string | null): readonly Subject[] {
    const { perBucket, perTenant, tenants } = this.#settings;
    const subjects: Subject[] = [];
    if (bucket !== null) {
      const own = effectiveThroughput(bucketThroughput(bucket), perBucket);
      if (isLimited(own)) subjects.push({ ...own, kind: 'bucket', name: `bucket ${bucket.name}` });
    }
    if (tenant !== null) {
      const own = effectiveThroughput(Object.hasOwn(tenants, tenant) ? (tenants[tenant] ?? {}) : {}, perTenant);
      if (isLimited(own)) subjects.push({ ...own, kind: 'tenant', name: `tenant ${tenant}` });
    }
    return subjects;
  }

  async #turn({ kind, name, requestsPerSecond }: Subject, signal: AbortSignal): Promise<void> {
    const { rates, refusals } = this.#options;
    const { granted, waitMs } = await rates.take(`requests ${name}`, this.#share(requestsPerSecond), MAX_TURN_MS);
    if (!granted) {
      refusals.add(kind);
      throw slowDown(waitMs);
    }
    await pause(waitMs, signal);
  }

  #pace(way: string, subjects: readonly Subject[], rateOf: (subject: Subject) => number): Pace | null {
    const paced = subjects.filter((subject) => rateOf(subject) > 0);
    if (paced.length === 0) return null;
    const slowest = Math.min(...paced.map(rateOf));
    return {
      perSecond: this.#share(slowest),
      wait: async (sizeBytes, signal) => {
        await Promise.all(
          paced.map((subject) =>
            this.#options.rates.pace(
              `${way} ${subject.name}`,
              { perSecond: this.#share(rateOf(subject)), sizeBytes },
              signal,
            ),
          ),
        );
      },
    };
  }

  #share(perSecond: number): number {
    return perSecond / this.#options.gateways.count();
  }
}

function isLimited({ requestsPerSecond, bytesInPerSecond, bytesOutPerSecond }: Required<Throughput>): boolean {
  return requestsPerSecond > 0 || bytesInPerSecond > 0 || bytesOutPerSecond > 0;
}
