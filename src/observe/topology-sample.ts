/** Where the data lies, looked at now and then, for metrics. */
import type { Logger } from 'pino';
import { Periodic } from '../gc/periodic.js';
import type { StoreTopology, Stores } from '../store/types.js';

const INTERVAL_MS = 15_000;

export class TopologySampler {
  readonly #periodic: Periodic;
  #last: StoreTopology | null = null;

  constructor({ stores, log }: { readonly stores: Pick<Stores, 'topology'>; readonly log: Logger }) {
    this.#periodic = new Periodic({
      run: async () => {
        this.#last = await stores.topology();
      },
      onFailure: (error) => log.warn({ err: error }, 'where the data lies cannot be told'),
      intervalMs: INTERVAL_MS,
      firstMs: 0,
    });
  }

  /** null before the first look */
  get last(): StoreTopology | null {
    return this.#last;
  }

  start(): void {
    this.#periodic.start();
  }

  async stop(): Promise<void> {
    await this.#periodic.stop();
  }
}
