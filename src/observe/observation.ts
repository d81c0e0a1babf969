/** What one process knows of its own work, and its part of what the server as a whole tells. */
import type { Logger } from 'pino';
import type { Census } from '../cluster/census.js';
import type { Served } from '../http/request-log.js';
import { StoreError } from '../store/errors.js';
import type { Stores } from '../store/types.js';
import { BacklogSampler } from './backlog-sample.js';
import type { GaugeSources } from './gauges.js';
import { registerGauges } from './gauges.js';
import { METRICS_TOPIC, READY_TOPIC } from './health.js';
import type { Metrics } from './metrics.js';
import { operationOf } from './operation-name.js';
import { Readiness } from './readiness.js';
import type { ServerFacts, ServerReporter } from './server-report.js';
import { serverReporter } from './server-report.js';
import { Throughput } from './throughput.js';
import { TopologySampler } from './topology-sample.js';

/** Counting goes through the backlog entry by entry: rarely, and never through all of a very long one. */
const BACKLOG_INTERVAL_MS = 60_000;
const BACKLOG_MAX_ENTRIES = 20_000;
/** Sooner than a census gives up a worker. */
const READY_TIMEOUT_MS = 2_000;
const READY_HOLDS_MS = 1_000;

export interface ObservationOptions {
  readonly facts: ServerFacts;
  readonly stores: Stores;
  readonly census: Census;
  readonly metrics: Metrics;
  /** what gauges are read off; events and connections come later */
  readonly gauges: Omit<GaugeSources, 'version' | 'backlog' | 'topology'>;
  /** Whether this is the process that counts what is the same for all. */
  readonly isFirst: boolean;
  readonly log: Logger;
  readonly now: () => number;
}

export class Observation {
  readonly reporter: ServerReporter;
  readonly readiness: Readiness;
  readonly #metrics: Metrics;
  readonly #throughput: Throughput;
  readonly #backlog: BacklogSampler | null;
  readonly #topology: TopologySampler | null;

  constructor({ facts, stores, census, metrics, gauges, isFirst, log, now }: ObservationOptions) {
    this.#metrics = metrics;
    this.#throughput = new Throughput(now);
    this.#backlog = isFirst
      ? new BacklogSampler({ stores, intervalMs: BACKLOG_INTERVAL_MS, maxEntries: BACKLOG_MAX_ENTRIES, log, now })
      : null;
    this.#topology = isFirst ? new TopologySampler({ stores, log }) : null;
    const backlog = () => this.#backlog?.last ?? null;
    registerGauges(metrics.registry, {
      ...gauges,
      version: facts.version,
      backlog,
      topology: () => this.#topology?.last ?? null,
    });
    this.reporter = serverReporter({ facts, census, throughput: this.#throughput, backlog, now });
    this.readiness = new Readiness({
      storeReady: () => stores.ready(),
      timeoutMs: READY_TIMEOUT_MS,
      holdsMs: READY_HOLDS_MS,
    });
    census.onAsked(READY_TOPIC, () => this.readiness.check());
    census.onAsked(METRICS_TOPIC, () => metrics.toJson());
  }

  started(): void {
    this.#metrics.requests.started();
  }

  served({ trace, response, failure, sentBytes, turnAroundMs, durationMs }: Served): void {
    const operation = operationOf(trace);
    const { receivedBytes } = trace;
    const { status } = response;
    if (failure?.cause instanceof StoreError && failure.cause.kind === 'corrupt') this.#metrics.requests.corrupt();
    this.#throughput.add(operation, { failed: status >= 500, receivedBytes, sentBytes });
    this.#metrics.requests.served(operation, {
      status,
      firstByteMs: turnAroundMs,
      totalMs: durationMs,
      receivedBytes,
      sentBytes,
    });
  }

  start(): void {
    this.#backlog?.start();
    this.#topology?.start();
  }

  async stop(): Promise<void> {
    await Promise.all([this.#backlog?.stop(), this.#topology?.stop()]);
  }
}
