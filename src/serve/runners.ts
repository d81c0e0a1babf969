/** What runs beside the requests for as long as the server does. */
import type { AccessLog } from '../accesslog/access-log.js';
import type { Config } from '../config/index.js';
import { DeliveryRunner } from '../events/delivery-runner.js';
import type { Targets } from '../events/targets.js';
import { LifecycleRunner } from '../gc/lifecycle.js';
import { Sweeper } from '../gc/sweeper.js';
import { InventoryRunner } from '../inventory/runner.js';
import type { Logs } from '../observe/logger.js';
import type { ReplicationQueues } from '../replication/replication-targets.js';
import type { Services } from '../s3/context.js';
import { NOTIFICATION_QUEUE } from '../s3/events.js';
import { REPLICATION_QUEUE } from '../s3/replication.js';
import type { Metrics } from '../observe/metrics.js';
import type { WorkerRole } from './role.js';

/** Works beside the requests for as long as the server runs. */
export interface BackgroundRunner {
  start(): void;
  /** Waits for what is under way. */
  stop(): Promise<void>;
}

/** What runners are made of. */
export interface RunnerParts {
  readonly config: Config;
  readonly role: WorkerRole;
  readonly services: Services;
  readonly targets: Targets;
  readonly replication: ReplicationQueues;
  readonly accessLog: AccessLog;
  readonly metrics: Metrics;
  readonly logs: Logs;
}

/** What works beside the requests of this process: deliveries in each, sweeps and reports in the first. */
export function openRunners(parts: RunnerParts): BackgroundRunner[] {
  const { config, role, services, targets, replication, accessLog, metrics, logs } = parts;
  const { stores, now } = services;
  const deliveries = [
    new DeliveryRunner({
      stores,
      queuePrefix: NOTIFICATION_QUEUE,
      targets,
      config: config.notifications,
      log: logs.events,
      now,
    }),
    new DeliveryRunner({
      stores,
      queuePrefix: REPLICATION_QUEUE,
      targets: replication,
      config: config.replication,
      log: logs.events,
      now,
    }),
  ];
  metrics.watchDeliveries(deliveries);
  const runners: BackgroundRunner[] = [...deliveries];
  if (config.gc.intervalMs > 0 && role.slot === 0) {
    runners.push(
      new Sweeper({
        stores,
        intervalMs: config.gc.intervalMs,
        batch: 500,
        onSwept: (result) => metrics.background.swept(result),
        log: logs.gc,
        now,
      }),
    );
  }
  if (config.gc.lifecycleIntervalMs > 0 && role.slot === 0) {
    runners.push(
      new LifecycleRunner({
        stores,
        intervalMs: config.gc.lifecycleIntervalMs,
        dayMs: config.gc.lifecycleDayMs,
        intentLeaseMs: config.gc.intentLeaseMs,
        onAction: (action) => {
          metrics.background.lifecycle(action);
          accessLog.lifecycle(action);
        },
        log: logs.gc,
        now,
      }),
    );
  }
  if (config.gc.inventoryIntervalMs > 0 && role.slot === 0) {
    const { inventoryIntervalMs, inventoryDayMs } = config.gc;
    runners.push(
      new InventoryRunner({ services, intervalMs: inventoryIntervalMs, dayMs: inventoryDayMs, log: logs.gc }),
    );
  }
  return runners;
}
