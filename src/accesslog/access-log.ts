/**
 * Gathers the lines of buckets' access logs and delivers them as objects: when their time has come, when there are many, and when
 * the server stops. What waits is bounded: beyond that the oldest lines of the bucket that has most are dropped, counted
 * and reported (S3 promises no more than its best effort).
 */
import type { Logger } from 'pino';
import type { Served } from '../http/request-log.js';
import type { LoggingConfiguration } from '../s3/logging.js';
import { loggingOf } from '../s3/logging.js';
import type { BucketRecord } from '../store/types.js';
import type { LogDeliverer } from './deliver.js';
import { DeliveryRefused } from './deliver.js';
import { recordsOf } from './entries.js';
import { logLine } from './record.js';

export interface AccessLogOptions {
  readonly buckets: { get(name: string): Promise<BucketRecord | null> };
  readonly deliverer: Pick<LogDeliverer, 'deliver'>;
  /** Lines wait at most so long. */
  readonly flushIntervalMs: number;
  /** So many bytes of one bucket are delivered at once. */
  readonly flushBytes: number;
  /** So many bytes wait altogether. */
  readonly maxBytes: number;
  readonly log: Logger;
  /** ms since the epoch */
  readonly now: () => number;
}

interface Line {
  readonly text: string;
  readonly timeMs: number;
}

/** Lines of one bucket under one configuration. */
interface Batch {
  readonly source: BucketRecord;
  readonly configuration: LoggingConfiguration;
  lines: Line[];
  bytes: number;
}

export class AccessLog {
  readonly #options: AccessLogOptions;
  readonly #batches = new Map<string, Batch>();
  readonly #running = new Set<Promise<void>>();
  #bytes = 0;
  #dropped = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: AccessLogOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => void this.flush(), this.#options.flushIntervalMs);
    this.#timer.unref();
  }

  /** Delivers what waits. The stores must still be open. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    // Requests that failed before their bucket was known are still being looked up.
    while (this.#running.size > 0) await Promise.all(this.#running);
    await this.flush();
  }

  /** Never throws; costs nothing where the bucket keeps no log. */
  served(served: Served): void {
    const { bucket, request } = served.trace;
    if (bucket !== null) {
      this.#record(served, bucket);
      return;
    }
    // Refused before the bucket was looked at: its owner wants to know all the more.
    if (request?.bucket === null || request?.bucket === undefined) return;
    const looked = this.#options.buckets
      .get(request.bucket)
      .then((found) => {
        if (found?.state === 'active') this.#record(served, found);
      })
      .catch(() => undefined)
      .finally(() => this.#running.delete(looked));
    this.#running.add(looked);
  }

  /** Resolves when everything that waits now was delivered, given up, or put back for the next time. */
  async flush(): Promise<void> {
    const batches = [...this.#batches.values()];
    this.#batches.clear();
    await Promise.all(batches.map((batch) => this.#deliver(batch)));
    if (this.#dropped > 0) {
      this.#options.log.warn({ lines: this.#dropped }, 'lines of access logs were dropped');
      this.#dropped = 0;
    }
  }

  #record(served: Served, source: BucketRecord): void {
    const configuration = loggingOf(source);
    if (configuration === null) return;
    const nowMs = this.#options.now();
    for (const record of recordsOf(served, source, nowMs))
      this.#add(source, configuration, { text: logLine(record), timeMs: record.timeMs });
  }

  #add(source: BucketRecord, configuration: LoggingConfiguration, line: Line): void {
    const slot = `${source.instance} ${JSON.stringify(configuration)}`;
    let batch = this.#batches.get(slot);
    if (batch === undefined) {
      batch = { source, configuration, lines: [], bytes: 0 };
      this.#batches.set(slot, batch);
    }
    const bytes = Buffer.byteLength(line.text);
    batch.lines.push(line);
    batch.bytes += bytes;
    this.#bytes += bytes;
    if (batch.bytes >= this.#options.flushBytes) {
      this.#batches.delete(slot);
      const delivery = this.#deliver(batch).finally(() => this.#running.delete(delivery));
      this.#running.add(delivery);
    }
    this.#keepWithin();
  }

  async #deliver(batch: Batch): Promise<void> {
    const { deliverer, log } = this.#options;
    const { source, configuration, lines } = batch;
    try {
      await deliverer.deliver({ source, configuration, lines });
      this.#bytes -= batch.bytes;
    } catch (error) {
      if (error instanceof DeliveryRefused) {
        this.#bytes -= batch.bytes;
        log.warn(
          { bucket: source.name, lines: lines.length, reason: error.message },
          'an access log was not delivered',
        );
        return;
      }
      log.warn({ err: error, bucket: source.name }, 'an access log could not be delivered: it waits');
      this.#putBack(batch);
    }
  }

  #putBack(batch: Batch): void {
    const slot = `${batch.source.instance} ${JSON.stringify(batch.configuration)}`;
    const newer = this.#batches.get(slot);
    if (newer !== undefined) {
      batch.lines.push(...newer.lines);
      batch.bytes += newer.bytes;
    }
    this.#batches.set(slot, batch);
    this.#keepWithin();
  }

  /** Only what waits can be dropped; what is being delivered counts, so that a slow store does not let more come. */
  #keepWithin(): void {
    while (this.#bytes > this.#options.maxBytes) {
      const [slot, fullest] =
        [...this.#batches].reduce<[string, Batch] | null>(
          (most, one) => (most === null || one[1].bytes > most[1].bytes ? one : most),
          null,
        ) ?? [];
      if (slot === undefined || fullest === undefined) return;
      const half = fullest.lines.splice(0, Math.ceil(fullest.lines.length / 2));
      const bytes = half.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
      fullest.bytes -= bytes;
      this.#bytes -= bytes;
      this.#dropped += half.length;
      if (fullest.lines.length === 0) this.#batches.delete(slot);
    }
  }
}
