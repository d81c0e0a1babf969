/** Whether this process can serve: it listens, is not ending, and its store answers. */

export interface ReadyReport {
  readonly ready: boolean;
  /** what is wrong, for people; null: nothing */
  readonly reason: string | null;
}

export interface ReadinessOptions {
  /** Resolves when the store can serve. */
  readonly storeReady: () => Promise<void>;
  /** A store that has not answered by then is not ready, ms. */
  readonly timeoutMs: number;
  /** How long an answer of the store holds, ms: however many ask, it is asked so often. */
  readonly holdsMs: number;
}

export class Readiness {
  readonly #options: ReadinessOptions;
  #state: 'starting' | 'serving' | 'draining' = 'starting';
  #asked: Promise<ReadyReport> | null = null;
  #askedMs = Number.NEGATIVE_INFINITY;

  constructor(options: ReadinessOptions) {
    this.#options = options;
  }

  serving(): void {
    if (this.#state === 'starting') this.#state = 'serving';
  }

  /** From now on it is not ready, for good. */
  draining(): void {
    this.#state = 'draining';
  }

  /** Never rejects. */
  async check(): Promise<ReadyReport> {
    if (this.#state !== 'serving') return { ready: false, reason: this.#state };
    const nowMs = performance.now();
    if (this.#asked === null || nowMs - this.#askedMs > this.#options.holdsMs) {
      this.#askedMs = nowMs;
      this.#asked = this.#ask();
    }
    const report = await this.#asked;
    // It may have come to an end while the store was asked.
    return this.#isDraining() ? { ready: false, reason: 'draining' } : report;
  }

  #isDraining(): boolean {
    return this.#state === 'draining';
  }

  #ask(): Promise<ReadyReport> {
    const { storeReady, timeoutMs } = this.#options;
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => resolve({ ready: false, reason: `the store has not answered in ${timeoutMs} ms` }),
        timeoutMs,
      );
      storeReady()
        .then(
          () => resolve({ ready: true, reason: null }),
          (error: unknown) => resolve({ ready: false, reason: error instanceof Error ? error.message : String(error) }),
        )
        .finally(() => clearTimeout(timer));
    });
  }
}

/** Of a server of several processes: all of them must be. */
export function allReady(reports: readonly ReadyReport[], workers: number): ReadyReport {
  const wrong = reports.find(({ ready }) => !ready);
  if (wrong !== undefined) return wrong;
  if (reports.length >= workers) return { ready: true, reason: null };
  return { ready: false, reason: `${reports.length} of ${workers} workers answer` };
}
