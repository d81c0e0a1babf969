/** What the background runners have in common: a task again and again, never twice at a time. */

export interface PeriodicOptions {
  /** Runs one after another. */
  readonly run: () => Promise<unknown>;
  /** A run failed; there will be another one. */
  readonly onFailure: (error: unknown) => void;
  /** from the end of one run to the next */
  readonly intervalMs: number;
  /** until the first; default intervalMs */
  readonly firstMs?: number;
}

/** Does not keep the process alive. */
export class Periodic {
  readonly #options: PeriodicOptions;
  #timer: NodeJS.Timeout | null = null;
  #running: Promise<unknown> | null = null;
  #stopped = false;

  constructor(options: PeriodicOptions) {
    this.#options = options;
  }

  start(): void {
    const { intervalMs, firstMs = intervalMs } = this.#options;
    this.#schedule(firstMs);
  }

  /** No further run; waits for the one under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(delayMs: number): void {
    if (this.#stopped) return;
    const { run, onFailure, intervalMs } = this.#options;
    this.#timer = setTimeout(() => {
      this.#running = run()
        .catch(onFailure)
        .finally(() => this.#schedule(intervalMs));
    }, delayMs);
    this.#timer.unref();
  }
}
