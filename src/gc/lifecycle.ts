/**
 * Applies the lifecycle rules of all buckets, one bucket after another. Any number of gateways do so at the same time: a lease
 * on each bucket (lifecycle-lease.ts) sees to it that one sweeps it and the others pass it over.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { LifecycleAction } from '../s3/lifecycle-action.js';
import { everyBucket } from '../store/shared/every-bucket.js';
import type { BucketPage, BucketRecord, Stores } from '../store/types.js';
import type { LifecycleLease } from './lifecycle-lease.js';
import { lifecycleLease } from './lifecycle-lease.js';
import type { SweepCounts } from './lifecycle-sweep.js';
import { BucketSweep } from './lifecycle-sweep.js';
import { Periodic } from './periodic.js';

export interface LifecycleRunnerOptions {
  readonly stores: Stores;
  /** from one sweep of a bucket to the next */
  readonly intervalMs: number;
  /** how long a day of the rules lasts */
  readonly dayMs: number;
  readonly intentLeaseMs: number;
  /** How long a bucket stays with a gateway that has died; default 5 min. */
  readonly leaseMs?: number;
  /** After each thing that was done; must not throw. */
  readonly onAction?: (action: LifecycleAction) => void;
  readonly log: Logger;
  readonly now: () => number;
}

/** The first run does not wait for a whole interval: a gateway that is restarted often still gets to it. */
const FIRST_RUN_MS = 60_000;
const DEFAULT_LEASE_MS = 5 * 60_000;
const PAGE = 100;

export interface RunResult extends SweepCounts {
  /** swept to the end */
  buckets: number;
}

export class LifecycleRunner {
  readonly #options: LifecycleRunnerOptions;
  readonly #lease: LifecycleLease;
  readonly #leaseMs: number;
  readonly #stop = new AbortController();
  readonly #periodic: Periodic;

  constructor(options: LifecycleRunnerOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? DEFAULT_LEASE_MS;
    this.#lease = lifecycleLease({
      buckets: options.stores.buckets,
      holder: randomUUID(),
      leaseMs: this.#leaseMs,
      intervalMs: options.intervalMs,
      now: options.now,
    });
    this.#periodic = new Periodic({
      run: () => this.run(),
      onFailure: (error) => options.log.warn({ err: error }, 'the lifecycle run failed'),
      intervalMs: options.intervalMs,
      firstMs: Math.min(options.intervalMs, FIRST_RUN_MS),
    });
  }

  start(): void {
    this.#periodic.start();
  }

  /** Waits for what is under way, at most for a key or a chunk; the bucket is left to others. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the gateway stops'));
    await this.#periodic.stop();
  }

  /** Sweeps every bucket that waits for it. @throws StoreError when the buckets cannot be listed */
  async run(): Promise<RunResult> {
    const total: RunResult = {
      buckets: 0,
      listed: 0,
      expired: 0,
      noncurrent: 0,
      markers: 0,
      moved: 0,
      aborted: 0,
      failures: 0,
    };
    const { buckets } = this.#options.stores;
    const pageAfter = (after: string): Promise<BucketPage> => buckets.scanAll({ after, limit: PAGE });
    for await (const bucket of everyBucket({ pageAfter, signal: this.#stop.signal })) await this.#sweep(bucket, total);
    return total;
  }

  async #sweep(bucket: BucketRecord, total: RunResult): Promise<void> {
    const region = this.#options.stores.regions.get(bucket.region);
    if (region === undefined || !this.#lease.isFree(bucket)) return;
    const { log, now, dayMs, intentLeaseMs, onAction } = this.#options;
    const startedMs = performance.now();
    let sweep: BucketSweep | null = null;
    try {
      const held = await this.#lease.take(bucket);
      if (held === null) return;
      sweep = new BucketSweep(
        {
          region,
          lease: this.#lease,
          leaseMs: this.#leaseMs,
          intentLeaseMs,
          dayMs,
          now,
          log,
          ...(onAction === undefined ? {} : { onAction }),
          signal: this.#stop.signal,
        },
        held,
      );
      const outcome = await sweep.run();
      if (outcome === 'done') total.buckets += 1;
      const ms = Math.round(performance.now() - startedMs);
      log.info({ bucket: bucket.name, outcome, ms, ...sweep.counts }, 'lifecycle rules applied');
    } catch (error) {
      total.failures += 1;
      log.warn({ err: error, bucket: bucket.name }, 'a bucket could not be swept by its lifecycle rules');
    }
    if (sweep !== null) add(total, sweep.counts);
  }
}

function add(total: RunResult, counts: SweepCounts): void {
  total.listed += counts.listed;
  total.expired += counts.expired;
  total.noncurrent += counts.noncurrent;
  total.markers += counts.markers;
  total.moved += counts.moved;
  total.aborted += counts.aborted;
  total.failures += counts.failures;
}
