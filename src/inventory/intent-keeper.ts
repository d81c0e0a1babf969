/** Keeps the intents of written data alive until that data is committed, however long the rest of a report takes. */
import { StoreError } from '../store/errors.js';
import type { Intent, MetadataStore } from '../store/types.js';

export interface IntentKeeperOptions {
  readonly metadata: Pick<MetadataStore, 'renewIntent'>;
  /** how long an intent holds without being renewed */
  readonly leaseMs: number;
}

export class IntentKeeper {
  readonly #options: IntentKeeperOptions;
  /** ms of performance.now() at which each was surely alive */
  readonly #aliveAtMs = new Map<Intent, number>();
  readonly #failed = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #renewing: Promise<void> | null = null;

  constructor(options: IntentKeeperOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      this.#renewing ??= this.#renewAll().finally(() => {
        this.#renewing = null;
      });
    }, options.leaseMs / 3);
    this.#timer.unref();
  }

  /** Fires when one is, or may be, lost: what was written under it cannot be committed any more. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** It was renewed, or opened, just now. */
  add(intent: Intent): void {
    this.#aliveAtMs.set(intent, performance.now());
  }

  /** Before its commit or abandonment: waits for a renewal under way, so that none revives it afterwards. */
  async drop(intent: Intent): Promise<void> {
    this.#aliveAtMs.delete(intent);
    await this.#renewing;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#aliveAtMs.clear();
    await this.#renewing;
  }

  async #renewAll(): Promise<void> {
    for (const intent of [...this.#aliveAtMs.keys()]) {
      if (this.#aliveAtMs.has(intent)) await this.#renew(intent);
    }
  }

  /** A renewal that only could not be answered is tried again next time, as long as the lease surely holds until then. */
  async #renew(intent: Intent): Promise<void> {
    const { metadata, leaseMs } = this.#options;
    const startedAtMs = performance.now();
    try {
      await metadata.renewIntent(intent);
      if (this.#aliveAtMs.has(intent)) this.#aliveAtMs.set(intent, startedAtMs);
    } catch (error) {
      const aliveAtMs = this.#aliveAtMs.get(intent);
      if (aliveAtMs === undefined) return;
      const lapsed = error instanceof StoreError && error.kind === 'closed';
      if (lapsed || performance.now() - aliveAtMs >= (leaseMs * 2) / 3) this.#failed.abort(error);
    }
  }
}
