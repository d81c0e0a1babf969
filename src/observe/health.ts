/** Health and metrics of the server as a whole: of its one process, or gathered by the primary from all workers. */
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { PrimaryCensus } from '../cluster/census.js';
import type { ServiceConfig } from '../config/types.js';
import { startHealthServer } from './health-server.js';
import { addExpositions } from './metrics.js';
import type { Metrics } from './metrics.js';
import type { Readiness, ReadyReport } from './readiness.js';
import { allReady } from './readiness.js';

export const READY_TOPIC = 'ready';
export const METRICS_TOPIC = 'metrics';

interface HealthOptions {
  readonly service: Pick<ServiceConfig, 'host' | 'healthHost' | 'healthPort'>;
  readonly log: Logger;
}

/** Of a server of one process. @returns null: the configuration wants none @throws when the port is taken */
export async function openHealth(
  { service, log }: HealthOptions,
  { metrics, readiness }: { readonly metrics: Metrics; readonly readiness: Readiness },
): Promise<AddressInfo | null> {
  if (service.healthPort === undefined) return null;
  return startHealthServer({
    host: service.healthHost ?? service.host,
    port: service.healthPort,
    ready: () => readiness.check(),
    metrics: () => metrics.exposition(),
    log,
  });
}

export interface ClusterHealthOptions extends HealthOptions {
  readonly census: PrimaryCensus;
  /** as configured */
  readonly workers: number;
  /** the server is about to end */
  readonly isStopping: () => boolean;
}

/** In the primary process. @returns null: the configuration wants none @throws when the port is taken */
export async function openClusterHealth(options: ClusterHealthOptions): Promise<AddressInfo | null> {
  const { service, census, workers, isStopping, log } = options;
  if (service.healthPort === undefined) return null;
  return startHealthServer({
    host: service.healthHost ?? service.host,
    port: service.healthPort,
    ready: async () => {
      if (isStopping()) return { ready: false, reason: 'draining' };
      // What workers of the same version answered.
      const reports = (await census.gather(READY_TOPIC)) as readonly ReadyReport[];
      return isStopping() ? { ready: false, reason: 'draining' } : allReady(reports, workers);
    },
    metrics: async () => addExpositions((await census.gather(METRICS_TOPIC)) as readonly object[]),
    log,
  });
}
