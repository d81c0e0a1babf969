/** Counts the calls that stores make: statements of Cassandra, commits and syncs of the embedded store. */
import type { Registry } from 'prom-client';
import { Counter } from 'prom-client';
import type { EndCall, RetryReason, StoreObserver } from '../store/shared/observer.js';
import type { HistogramCell } from './cells.js';
import { CellHistogram } from './cells.js';

/** Seconds. */
const LATENCY_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

export class StoreMetrics implements StoreObserver {
  readonly #seconds: CellHistogram;
  readonly #failures: Counter<'kind'>;
  readonly #retries: Counter<'reason'>;
  readonly #speculative: Counter;
  readonly #children = new Map<string, HistogramCell>();

  constructor(registry: Registry) {
    const registers = [registry];
    this.#seconds = new CellHistogram({
      registry,
      name: 'pithos_store_call_seconds',
      help: 'Calls of the store: statements by what they do and their table, commits, syncs',
      labelNames: ['call'],
      buckets: LATENCY_BUCKETS,
    });
    this.#failures = new Counter({
      name: 'pithos_store_failures_total',
      help: 'Calls of the store that failed, by what went wrong (timeout, unavailable, ...)',
      labelNames: ['kind'],
      registers,
    });
    this.#retries = new Counter({
      name: 'pithos_store_retries_total',
      help: 'Statements that the driver sent again, by reason',
      labelNames: ['reason'],
      registers,
    });
    this.#speculative = new Counter({
      name: 'pithos_store_speculative_executions_total',
      help: 'Statements that were sent to a second node because the first was slow',
      registers,
    });
    // There from the start, so that the first failure is an increase.
    for (const kind of ['timeout', 'unavailable', 'overloaded', 'storage', 'internal']) this.#failures.inc({ kind }, 0);
    for (const reason of ['unavailable', 'read-timeout', 'write-timeout', 'request-error'] satisfies RetryReason[])
      this.#retries.inc({ reason }, 0);
  }

  began(call: string): EndCall {
    const startedMs = performance.now();
    return ({ error, speculative = 0 }) => {
      let child = this.#children.get(call);
      if (child === undefined) this.#children.set(call, (child = this.#seconds.cell({ call })));
      child.observe((performance.now() - startedMs) / 1000);
      if (error !== null) this.#failures.inc({ kind: error.kind });
      if (speculative > 0) this.#speculative.inc(speculative);
    };
  }

  retried(reason: RetryReason): void {
    this.#retries.inc({ reason });
  }
}
