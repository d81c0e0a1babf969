/** Counts what the server does beside its requests. */
import type { Registry } from 'prom-client';
import { Counter, Gauge } from 'prom-client';
import type { SweepResult } from '../gc/sweeper.js';
import type { LifecycleAction } from '../s3/lifecycle-action.js';

export class BackgroundMetrics {
  readonly #swept: Counter<'result'>;
  readonly #lastSweep: Gauge;
  readonly #lifecycle: Counter<'kind'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#swept = new Counter({
      name: 'pithos_swept_entries_total',
      help: 'Entries of the backlog that the sweeper took, by result (done, failed)',
      labelNames: ['result'],
      registers,
    });
    this.#lastSweep = new Gauge({
      name: 'pithos_last_sweep_timestamp_seconds',
      help: 'When the last sweep of this server ended, seconds since the epoch; 0 before the first',
      aggregator: 'max',
      registers,
    });
    this.#lifecycle = new Counter({
      name: 'pithos_lifecycle_actions_total',
      help: 'What lifecycle rules did, by kind',
      labelNames: ['kind'],
      registers,
    });
    for (const result of ['done', 'failed']) this.#swept.inc({ result }, 0);
    const kinds: readonly LifecycleAction['kind'][] = ['expire', 'create-delete-marker', 'transition', 'abort-upload'];
    for (const kind of kinds) this.#lifecycle.inc({ kind }, 0);
  }

  swept({ entries, failures }: SweepResult): void {
    this.#swept.inc({ result: 'done' }, entries);
    this.#swept.inc({ result: 'failed' }, failures);
    this.#lastSweep.setToCurrentTime();
  }

  lifecycle({ kind }: LifecycleAction): void {
    this.#lifecycle.inc({ kind });
  }
}
