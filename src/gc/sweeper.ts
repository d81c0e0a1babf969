/**
 * Removes what no key refers to any more: blobs of overwritten and deleted versions once their readers had time to finish,
 * and the blobs of writes that never committed. It never trusts an entry: it asks the key first.
 */
import type { Logger } from 'pino';
import { blobStoreOf } from '../store/shared/blob-store-of.js';
import type { GarbageEntry, Region, Stores } from '../store/types.js';
import { Periodic } from './periodic.js';

export interface SweeperOptions {
  readonly stores: Stores;
  readonly intervalMs: number;
  /** entries read at once */
  readonly batch: number;
  /** After each sweep; must not throw. */
  readonly onSwept?: (result: SweepResult) => void;
  readonly log: Logger;
  readonly now: () => number;
}

export interface SweepResult {
  readonly entries: number;
  readonly blobs: number;
  readonly failures: number;
}

export class Sweeper {
  readonly #options: SweeperOptions;
  readonly #periodic: Periodic;
  #stopped = false;

  constructor(options: SweeperOptions) {
    this.#options = options;
    this.#periodic = new Periodic({
      run: async () => options.onSwept?.(await this.sweep()),
      onFailure: (error) => options.log.warn({ err: error }, 'the garbage sweep failed'),
      intervalMs: options.intervalMs,
    });
  }

  start(): void {
    this.#periodic.start();
  }

  /** Waits for the sweep under way, at most for its current entry. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#periodic.stop();
  }

  /** Works off everything that is due. An entry that fails stays for the next sweep. */
  async sweep(): Promise<SweepResult> {
    const total = { entries: 0, blobs: 0, failures: 0 };
    await this.#settleQuotas();
    for (const region of this.#options.stores.regions.values()) {
      const failed = new Set<string>();
      for (;;) {
        const due = await region.metadata.dueGarbage({
          nowMs: this.#options.now(),
          limit: this.#options.batch + failed.size,
        });
        const entries = due.filter((entry) => !failed.has(entry.id));
        if (entries.length === 0 || this.#isStopped()) break;
        for (const entry of entries) {
          if (this.#isStopped()) break;
          try {
            total.blobs += await this.#collect(region, entry);
            total.entries += 1;
          } catch (error) {
            failed.add(entry.id);
            total.failures += 1;
            this.#options.log.warn(
              { err: error, bucket: entry.bucket.name, key: entry.key },
              'garbage could not be removed',
            );
          }
        }
      }
    }
    if (total.entries > 0) this.#options.log.info(total, 'garbage swept');
    return total;
  }

  /** What waits for it is room, not data: a failure leaves it to the next sweep. */
  async #settleQuotas(): Promise<void> {
    try {
      await this.#options.stores.quotas.settle();
    } catch (error) {
      this.#options.log.warn({ err: error }, 'changes that quotas wait for were not settled');
    }
  }

  #isStopped(): boolean {
    return this.#stopped;
  }

  async #collect(region: Region, entry: GarbageEntry): Promise<number> {
    await region.metadata.repairIndex(entry.bucket, entry.key);
    const blobs = await region.metadata.unreferenced(entry);
    for (const { inode, storageClass } of blobs) {
      await blobStoreOf(region, storageClass).delete(inode);
    }
    await region.metadata.removeGarbage(entry);
    return blobs.length;
  }
}
