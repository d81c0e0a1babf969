/**
 * Gathers the lines of buckets' access logs and delivers them as objects: when their time has come, when there are many, when
 * memory for them runs short, and when the server stops. What waits is bounded (line-buffer.ts); lines are dropped, counted and
 * reported only when the store cannot take them (S3 promises no more than its best effort).
 */
import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import type { Served } from '../http/request-log.js';
import type { LifecycleAction } from '../s3/lifecycle-action.js';
import { loggingOf } from '../s3/logging.js';
import type { BucketRecord } from '../store/types.js';
import type { LogDeliverer } from './deliver.js';
import { DeliveryRefused } from './deliver.js';
import type { Delivered } from './entries.js';
import { copySourceRecord, deliveryRecord, lifecycleRecord, recordsOf } from './entries.js';
import type { Batch } from './line-buffer.js';
import { LineBuffer } from './line-buffer.js';
import type { LogRecord } from './record.js';
import { logLine } from './record.js';

export interface AccessLogOptions {
  readonly buckets: { get(name: string): Promise<BucketRecord | null> };
  readonly deliverer: Pick<LogDeliverer, 'deliver'>;
  /** Lines wait at most so long. */
  readonly flushIntervalMs: number;
  /** So many bytes of one bucket are delivered at once. */
  readonly flushBytes: number;
  /** So many bytes are held altogether; from half of it on the fullest bucket's are delivered early. */
  readonly maxBytes: number;
  readonly log: Logger;
  /** ms since the epoch */
  readonly now: () => number;
}

/** Objects written at once when all that waits is delivered. */
const PARALLEL = 8;
/** Requests refused before their bucket was known that are looked up at once: whoever floods a server gets no lines. */
const MAX_LOOKUPS = 256;
/** After a failure nothing is delivered early for so long. */
const PAUSE_MS = 10_000;

export class AccessLog {
  readonly #options: AccessLogOptions;
  readonly #buffer: LineBuffer;
  readonly #lookups = new Set<Promise<void>>();
  readonly #deliveries = new Set<Promise<void>>();
  #unknown = 0;
  #pausedUntilMs = 0;
  #stopping = false;
  #flushing: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: AccessLogOptions) {
    this.#options = options;
    this.#buffer = new LineBuffer(options);
  }

  /** Of all lines that are not delivered yet. */
  get heldBytes(): number {
    return this.#buffer.heldBytes;
  }

  start(): void {
    this.#timer = setInterval(() => void this.flush(), this.#options.flushIntervalMs);
    this.#timer.unref();
  }

  /** Delivers what waits. The stores must still be open, and whatever has something to log must have ended. */
  async stop(): Promise<void> {
    this.#stopping = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    // Requests that failed before their bucket was known are still being looked up.
    await Promise.all(this.#lookups);
    // A flush that is under way has taken what waited then; what has come since, or come back, is delivered by the next.
    await this.flush();
    await Promise.all(this.#deliveries);
    await this.flush();
    const lines = this.#buffer.waitingLines;
    if (lines > 0) this.#options.log.error({ lines }, 'lines of access logs could not be delivered and are lost');
  }

  /** Never throws; costs nothing where the bucket keeps no log. */
  served(served: Served): void {
    const { bucket, request, entries } = served.trace;
    for (const entry of entries)
      if (entry.source !== null)
        this.#record(entry.source, (source) => [copySourceRecord(served, entry, source, this.#options.now())]);
    if (bucket !== null) {
      this.#recordRequest(served, bucket);
      return;
    }
    if (request?.bucket === null || request?.bucket === undefined || served.failure?.code === 'NoSuchBucket') return;
    // Refused before the bucket was looked at: its owner wants to know all the more.
    if (this.#lookups.size >= MAX_LOOKUPS) {
      this.#unknown += 1;
      return;
    }
    const looked = this.#options.buckets
      .get(request.bucket)
      .then((found) => {
        if (found?.state === 'active') this.#recordRequest(served, found);
      })
      .catch(() => {
        this.#unknown += 1;
      })
      .finally(() => this.#lookups.delete(looked));
    this.#lookups.add(looked);
  }

  /** What a lifecycle rule did. */
  lifecycle(action: LifecycleAction): void {
    this.#record(action.bucket, () => [lifecycleRecord(action, requestId(), this.#options.now())]);
  }

  /** Resolves when everything that waits now was delivered, given up, or put back for the next time. */
  async flush(): Promise<void> {
    while (this.#flushing !== null) await this.#flushing;
    const flushing = this.#flushAll().finally(() => (this.#flushing = null));
    this.#flushing = flushing;
    await flushing;
  }

  async #flushAll(): Promise<void> {
    const batches = this.#buffer.takeAll().values();
    const worker = async (): Promise<void> => {
      for (const batch of batches) await this.#deliver(batch);
    };
    await Promise.all(Array.from({ length: PARALLEL }, worker));
    const { log } = this.#options;
    const lines = this.#buffer.takeDropped();
    if (lines > 0) log.warn({ lines }, 'lines of access logs were dropped: the store does not take them fast enough');
    if (this.#unknown > 0)
      log.warn({ requests: this.#unknown }, 'refused requests are in no access log: their buckets were not looked up');
    this.#unknown = 0;
  }

  #recordRequest(served: Served, source: BucketRecord): void {
    this.#record(source, (bucket) => recordsOf(served, bucket, this.#options.now()));
  }

  #record(source: BucketRecord, records: (source: BucketRecord) => readonly LogRecord[]): void {
    const configuration = loggingOf(source);
    if (configuration === null) return;
    for (const record of records(source)) {
      const line = { text: logLine(record), timeMs: record.timeMs };
      this.#deliverEarly(this.#buffer.add(source, configuration, line));
    }
  }

  #deliverEarly(batch: Batch): void {
    const { flushBytes, maxBytes, now } = this.#options;
    if (now() < this.#pausedUntilMs) return;
    const full = batch.sizeBytes >= flushBytes ? batch : null;
    const early = full ?? (this.#buffer.waitingBytes > maxBytes / 2 ? this.#buffer.largest() : null);
    if (early === null) return;
    this.#buffer.take(early);
    const delivery = this.#deliver(early).finally(() => this.#deliveries.delete(delivery));
    this.#deliveries.add(delivery);
  }

  /** Never rejects. @param batch taken from the buffer */
  async #deliver(batch: Batch): Promise<void> {
    const { deliverer, log, now } = this.#options;
    const { source, lines } = batch;
    try {
      const delivered = await deliverer.deliver(batch);
      this.#buffer.done(batch);
      this.#pausedUntilMs = 0;
      this.#recordDelivery(delivered);
    } catch (error) {
      if (error instanceof DeliveryRefused) {
        this.#buffer.done(batch);
        log.warn(
          { bucket: source.name, lines: lines.length, reason: error.message },
          'an access log was not delivered',
        );
        return;
      }
      this.#pausedUntilMs = now() + PAUSE_MS;
      log.warn({ err: error, bucket: source.name }, 'an access log could not be delivered: it waits');
      this.#buffer.putBack(batch);
    }
  }

  /** The target may keep a log too, even in itself: that adds a line for each delivery. It has to end with the server. */
  #recordDelivery(delivered: Delivered): void {
    if (this.#stopping) return;
    this.#record(delivered.target, () => [deliveryRecord(delivered, requestId(), this.#options.now())]);
  }
}

function requestId(): string {
  return randomBytes(10).toString('hex').toUpperCase();
}
