/**
 * The metrics of one process, in a registry of its own. Labels are the server's own words (operations, statements, regions, targets of
 * the configuration), never what clients send. Children are made once and kept: a request costs a few additions.
 */
import { AggregatorRegistry, collectDefaultMetrics, Registry } from 'prom-client';
import type { PrometheusContentType } from 'prom-client';
import type { DeliveryRunner, QueueFigures } from '../events/delivery-runner.js';
import { BackgroundMetrics } from './background-metrics.js';
import type { Exposition } from './health-server.js';
import { RequestMetrics } from './request-metrics.js';
import { StoreMetrics } from './store-metrics.js';

export class Metrics {
  readonly registry = new Registry();
  readonly requests: RequestMetrics;
  /** for who opens the stores */
  readonly store: StoreMetrics;
  readonly background: BackgroundMetrics;

  #deliveries: readonly DeliveryRunner[] = [];

  constructor() {
    collectDefaultMetrics({ register: this.registry });
    this.requests = new RequestMetrics(this.registry);
    this.store = new StoreMetrics(this.registry);
    this.background = new BackgroundMetrics(this.registry);
  }

  /** Their figures become metrics. */
  watchDeliveries(deliveries: readonly DeliveryRunner[]): void {
    this.#deliveries = deliveries;
  }

  /** By queue. */
  deliveryFigures(): ReadonlyMap<string, QueueFigures> {
    return new Map(this.#deliveries.flatMap((runner) => [...runner.figures()]));
  }

  async exposition(): Promise<Exposition> {
    return { contentType: this.registry.contentType, text: await this.registry.metrics() };
  }

  /** For another process: what addExpositions takes. */
  toJson(): Promise<object> {
    return this.registry.getMetricsAsJSON();
  }
}

/** The metrics of several processes as one: counts are added, other figures as each metric says. */
export async function addExpositions(parts: readonly object[]): Promise<Exposition> {
  const sum = AggregatorRegistry.aggregate<PrometheusContentType>([...parts]);
  return { contentType: sum.contentType, text: await sum.metrics() };
}
