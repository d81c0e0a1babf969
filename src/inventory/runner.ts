/**
 * Makes the inventory reports of all buckets, one after another, so that the memory they take is that of one. Any number of
 * gateways do so at the same time: a lease on each configuration sees to it that one makes its report and the others pass it over.
 * A report that was not finished is begun anew at the next look.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory.html
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { DocumentLease } from '../gc/document-lease.js';
import { Periodic } from '../gc/periodic.js';
import { inventoryIds, inventoryLeaseDocument, inventoryOf } from '../s3/inventory.js';
import { everyBucket } from '../store/shared/every-bucket.js';
import type { BucketPage, BucketRecord } from '../store/types.js';
import type { FileLimits } from './data-file.js';
import { DEFAULT_FILE_LIMITS } from './data-file.js';
import type { InventoryServices } from './destination.js';
import { DeliveryRefused } from './destination.js';
import { makeReport } from './report.js';
import { isReportDue } from './schedule.js';

export interface InventoryRunnerOptions {
  readonly services: InventoryServices;
  /** from one look for reports that are due to the next */
  readonly intervalMs: number;
  /** how long a day of the schedules lasts */
  readonly dayMs: number;
  /** How long a report stays with a gateway that has died; default 5 min. */
  readonly leaseMs?: number;
  readonly limits?: FileLimits;
  readonly log: Logger;
}

/** The first run does not wait for a whole interval: a gateway that is restarted often still gets to it. */
const FIRST_RUN_MS = 60_000;
const DEFAULT_LEASE_MS = 5 * 60_000;
const PAGE = 100;

export interface InventoryRun {
  /** reports published */
  reports: number;
  /** of these reports */
  rows: number;
  /** reports that could not be made */
  failures: number;
}

/** The report is another gateway's, or its configuration is another one. */
class LeaseLost extends Error {}

/** What the note says of a report that was begun. */
type Begun = 'begun';

export class InventoryRunner {
  readonly #options: InventoryRunnerOptions;
  readonly #leaseMs: number;
  readonly #holder = randomUUID();
  readonly #stop = new AbortController();
  readonly #periodic: Periodic;

  constructor(options: InventoryRunnerOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs ?? DEFAULT_LEASE_MS;
    this.#periodic = new Periodic({
      run: () => this.run(),
      onFailure: (error) => options.log.warn({ err: error }, 'the inventory run failed'),
      intervalMs: options.intervalMs,
      firstMs: Math.min(options.intervalMs, FIRST_RUN_MS),
    });
  }

  start(): void {
    this.#periodic.start();
  }

  /** Gives up what is under way; another gateway, or the next start, begins it anew. */
  async stop(): Promise<void> {
    this.#stop.abort(new Error('the gateway stops'));
    await this.#periodic.stop();
  }

  /** Makes every report that is due. @throws StoreError when the buckets cannot be listed */
  async run(): Promise<InventoryRun> {
    const total: InventoryRun = { reports: 0, rows: 0, failures: 0 };
    const { buckets } = this.#options.services.stores;
    const pageAfter = (after: string): Promise<BucketPage> => buckets.scanAll({ after, limit: PAGE });
    for await (const bucket of everyBucket({ pageAfter, signal: this.#stop.signal }))
      for (const id of inventoryIds(bucket)) if (!this.#stopped()) await this.#report(bucket, id, total);
    return total;
  }

  #leaseOf(id: string): DocumentLease<Begun> {
    const { services, dayMs } = this.#options;
    const { now, stores } = services;
    return new DocumentLease<Begun>({
      buckets: stores.buckets,
      document: inventoryLeaseDocument(id),
      holder: this.#holder,
      leaseMs: this.#leaseMs,
      concerns: (current) => inventoryOf(current, id)?.enabled === true,
      isDueAfter: (startedMs, current) => {
        const configuration = inventoryOf(current, id);
        return configuration !== null && isReportDue(configuration, { startedMs, nowMs: now(), dayMs });
      },
      start: 'begun',
      resume: () => null,
      now,
    });
  }

  async #report(bucket: BucketRecord, id: string, total: InventoryRun): Promise<void> {
    const { services, log, limits = DEFAULT_FILE_LIMITS } = this.#options;
    const region = services.stores.regions.get(bucket.region);
    const lease = this.#leaseOf(id);
    if (region === undefined || !lease.isFree(bucket)) return;
    const startedMs = performance.now();
    const facts = { bucket: bucket.name, inventory: id };
    try {
      const held = await lease.take(bucket);
      const configuration = held === null ? null : inventoryOf(held.bucket, id);
      if (held === null || configuration === null) return;
      const { rows, files } = await this.#holding(lease, held.bucket, (keep) =>
        makeReport({ services, region, source: held.bucket, configuration, limits, keep, signal: this.#stop.signal }),
      );
      total.reports += 1;
      total.rows += rows;
      log.info({ ...facts, rows, files, ms: Math.round(performance.now() - startedMs) }, 'inventory report published');
    } catch (error) {
      if (error instanceof LeaseLost || this.#stopped()) {
        log.info(facts, 'an inventory report was given up');
        return;
      }
      total.failures += 1;
      if (error instanceof DeliveryRefused)
        log.warn({ ...facts, reason: error.message }, 'an inventory report may not be delivered');
      else log.warn({ ...facts, err: error }, 'an inventory report could not be made');
    }
  }

  /** Renews the lease when a third of it has passed, and before the report is published; lets go of it in the end. */
  async #holding<T>(
    lease: DocumentLease<Begun>,
    bucket: BucketRecord,
    work: (keep: (when: 'reading' | 'publishing') => Promise<void>) => Promise<T>,
  ): Promise<T> {
    let renewedMs = performance.now();
    let left: Begun | null = 'begun';
    try {
      const result = await work(async (when) => {
        if (when === 'reading' && performance.now() - renewedMs < this.#leaseMs / 3) return;
        if ((await lease.renew(bucket, 'begun')) === null) throw new LeaseLost();
        renewedMs = performance.now();
      });
      left = null;
      return result;
    } finally {
      await lease.release(bucket, left);
    }
  }

  #stopped(): boolean {
    return this.#stop.signal.aborted;
  }
}
