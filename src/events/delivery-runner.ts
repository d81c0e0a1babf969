/** Delivers what commits left in the outboxes for as long as the server runs: a worker for each region and target. */
import type { Logger } from 'pino';
import type { NotificationsConfig } from '../config/types.js';
import type { Outbox, Stores } from '../store/types.js';
import type { DeliveryCounts } from './queue-worker.js';
import { QueueWorker } from './queue-worker.js';
import type { ConfiguredTarget } from './targets.js';

export interface DeliveryRunnerOptions {
  readonly stores: Pick<Stores, 'regions'>;
  /** What the names of its queues begin with; the target's name follows. */
  readonly queuePrefix: string;
  readonly targets: {
    all(): readonly ConfiguredTarget[];
    close(): Promise<void>;
  };
  readonly config: Pick<NotificationsConfig, 'pollIntervalMs' | 'maxAgeMs' | 'maxRetryIntervalMs'>;
  readonly log: Logger;
  /** ms since the epoch */
  readonly now: () => number;
}

/** Of a queue, in all regions. */
export interface QueueFigures extends Readonly<DeliveryCounts> {
  readonly inHand: number;
  /** of the oldest entry in hand, ms */
  readonly oldestAgeMs: number;
}

/** How often it is looked for events whose target is not configured. */
const STRAY_INTERVAL_MS = 10 * 60_000;
const STRAY_BATCH = 100;

export class DeliveryRunner {
  /** What all workers have done so far, by target. */
  readonly counts = new Map<string, DeliveryCounts>();
  readonly #options: DeliveryRunnerOptions;
  /** by outbox, by queue */
  readonly #workers = new Map<Outbox, Map<string, QueueWorker>>();
  readonly #unwatch: (() => void)[] = [];
  #timer: NodeJS.Timeout | null = null;
  #strays: Promise<void> | null = null;

  constructor(options: DeliveryRunnerOptions) {
    this.#options = options;
    const { stores, targets, queuePrefix, config, log, now } = options;
    for (const { metadata } of stores.regions.values()) {
      const { outbox } = metadata;
      const workers = new Map<string, QueueWorker>();
      for (const configured of targets.all()) {
        const { name } = configured;
        const queue = queuePrefix + name;
        const counts = this.counts.get(name) ?? { delivered: 0, failed: 0, dead: 0 };
        this.counts.set(name, counts);
        workers.set(queue, new QueueWorker({ ...configured, ...config, outbox, queue, counts, log, now }));
      }
      this.#workers.set(outbox, workers);
    }
  }

  /** By queue. */
  figures(): ReadonlyMap<string, QueueFigures> {
    const figures = new Map<string, QueueFigures>();
    for (const [name, counts] of this.counts) {
      const queue = this.#options.queuePrefix + name;
      const workers = [...this.#workers.values()].flatMap((byQueue) => byQueue.get(queue) ?? []);
      figures.set(queue, {
        ...counts,
        inHand: workers.reduce((sum, worker) => sum + worker.inHand, 0),
        oldestAgeMs: Math.max(0, ...workers.map((worker) => worker.oldestAgeMs)),
      });
    }
    return figures;
  }

  start(): void {
    for (const [outbox, workers] of this.#workers) {
      this.#unwatch.push(outbox.watch((queue) => workers.get(queue)?.wake()));
      for (const worker of workers.values()) worker.start();
    }
    this.#timer = setInterval(() => {
      this.#strays ??= this.#giveUpStrays().finally(() => {
        this.#strays = null;
      });
    }, STRAY_INTERVAL_MS);
    this.#timer.unref();
  }

  /** Waits for deliveries under way; what is left is other gateways', or the next start's. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    for (const unwatch of this.#unwatch) unwatch();
    const workers = [...this.#workers.values()].flatMap((byQueue) => [...byQueue.values()]);
    await Promise.all([this.#strays, ...workers.map((worker) => worker.stop())]);
    await Promise.all(
      [...this.#workers.keys()].map((outbox) =>
        outbox.release().catch((error: unknown) => {
          this.#options.log.warn(
            { err: error },
            'the outbox was not released: others have to wait until its leases end',
          );
        }),
      ),
    );
    await this.#options.targets.close();
  }

  /** Events for targets that are configured nowhere any more must not stay for ever; another gateway may know them, though. */
  async #giveUpStrays(): Promise<void> {
    const { log, now, config, queuePrefix } = this.#options;
    for (const [outbox, workers] of this.#workers) {
      try {
        for (const queue of await outbox.queues()) {
          if (!queue.startsWith(queuePrefix) || workers.has(queue)) continue;
          const target = queue.slice(queuePrefix.length);
          const count = await giveUp(outbox, queue, now() - config.maxAgeMs);
          if (count > 0) log.error({ target, events: count }, 'events were given up: no such target is configured');
        }
      } catch (error) {
        log.warn({ err: error }, 'events of targets that are not configured could not be looked at');
      }
    }
  }
}

/** Removes the queue's entries that are older. @returns how many */
export async function giveUp(outbox: Outbox, queue: string, beforeMs: number): Promise<number> {
  let count = 0;
  for (;;) {
    const entries = await outbox.take(queue, { limit: STRAY_BATCH });
    const old = entries.filter(({ createdMs }) => createdMs < beforeMs);
    outbox.giveBack(entries.filter(({ createdMs }) => createdMs >= beforeMs));
    await outbox.remove(old);
    count += old.length;
    if (old.length === 0 || old.length < entries.length) return count;
  }
}
