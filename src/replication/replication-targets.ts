/** Where replicas can go: one queue for each region of this deployment, and one for each server that the configuration names. */
import type { Logger } from 'pino';
import type { ReplicationConfig } from '../config/types.js';
import type { ConfiguredTarget } from '../events/targets.js';
import type { ReplicationTargets } from '../s3/context.js';
import type { ReplicationServices } from './destination.js';
import { LocalDestination } from './local-destination.js';
import type { RemoteDestination } from './remote-destination.js';
import { Replicator } from './replicator.js';

export class ReplicationQueues implements ReplicationTargets {
  readonly #all: readonly ConfiguredTarget[];
  readonly #remote: ReadonlyMap<
    string,
    { readonly destination: RemoteDestination; readonly tenants: ReadonlySet<string> | null }
  >;

  /** Loads the client for other servers only where there are some: it is larger than all the rest of the server. */
  static async open(
    services: ReplicationServices,
    config: Pick<ReplicationConfig, 'targets' | 'concurrency'>,
    log: Logger,
  ): Promise<ReplicationQueues> {
    const named = Object.entries(config.targets);
    if (named.length === 0) return new ReplicationQueues(services, config, log, []);
    const { RemoteDestination } = await import('./remote-destination.js');
    const remote = named.map(([name, target]) => [name, new RemoteDestination(services, target)] as const);
    return new ReplicationQueues(services, config, log, remote);
  }

  private constructor(
    services: ReplicationServices,
    { targets, concurrency }: Pick<ReplicationConfig, 'targets' | 'concurrency'>,
    log: Logger,
    destinations: readonly (readonly [name: string, destination: RemoteDestination])[],
  ) {
    const local = [...services.stores.regions.keys()].map((region): ConfiguredTarget => {
      const destination = new LocalDestination(services);
      return { name: `region/${region}`, target: new Replicator({ services, destination, log }), concurrency };
    });
    this.#remote = new Map(
      destinations.map(([name, destination]) => {
        const tenants = targets[name]?.tenants;
        return [name, { destination, tenants: tenants === undefined ? null : new Set(tenants) }];
      }),
    );
    const remote = [...this.#remote].map(([name, { destination }]): ConfiguredTarget => ({
      name: `target/${name}`,
      target: new Replicator({ services, destination, log }),
      concurrency: targets[name]?.concurrency ?? concurrency,
    }));
    this.#all = [...local, ...remote];
  }

  all(): readonly ConfiguredTarget[] {
    return this.#all;
  }

  has(target: string, tenant: string): boolean {
    const found = this.#remote.get(target);
    return found !== undefined && (found.tenants === null || found.tenants.has(tenant));
  }

  async check(target: string, bucket: string, signal: AbortSignal): Promise<string | null> {
    return (await this.#remote.get(target)?.destination.check(bucket, signal)) ?? null;
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map(({ target }) => target.close()));
  }
}
