/** The targets of the configuration, opened. */
import type { NotificationsConfig } from '../config/types.js';
import type { NotificationTargets } from '../s3/context.js';
import { NatsTarget } from './nats.js';
import type { Target } from './target.js';
import { WebhookTarget } from './webhook.js';

export interface ConfiguredTarget {
  readonly name: string;
  readonly target: Target;
  readonly concurrency: number;
}

export class Targets implements NotificationTargets {
  readonly #byName: ReadonlyMap<string, ConfiguredTarget>;
  /** Whose buckets may name it; not there: everybody's. */
  readonly #tenants: ReadonlyMap<string, ReadonlySet<string>>;

  constructor({ targets }: Pick<NotificationsConfig, 'targets'>, now: () => number) {
    this.#byName = new Map(
      Object.entries(targets).map(([name, config]) => [
        name,
        {
          name,
          target: config.type === 'webhook' ? new WebhookTarget(config, now) : new NatsTarget(config),
          concurrency: config.concurrency,
        },
      ]),
    );
    this.#tenants = new Map(
      Object.entries(targets).flatMap(([name, { tenants }]) =>
        tenants === undefined ? [] : [[name, new Set(tenants)] as const],
      ),
    );
  }

  all(): readonly ConfiguredTarget[] {
    return [...this.#byName.values()];
  }

  has(target: string): boolean {
    return this.#byName.has(target);
  }

  allows(target: string, tenant: string): boolean {
    return this.#tenants.get(target)?.has(tenant) ?? true;
  }

  async test(name: string, message: { readonly id: string; readonly body: string }): Promise<string | null> {
    const target = this.#byName.get(name);
    if (target === undefined) return 'there is no such target';
    try {
      await target.target.deliver(message, new AbortController().signal);
      return null;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.all().map(({ target }) => target.close()));
  }
}
