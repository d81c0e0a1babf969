// What clients saw, second by second.

export interface Sample {
  /** Since the run began. */
  readonly endMs: number;
  readonly durationMs: number;
  readonly operation: 'GET' | 'HEAD' | 'PUT';
  readonly failure: Failure | null;
}

export interface Failure {
  /** Of the HTTP answer; 0 without one. */
  readonly status: number;
  readonly code: string;
  readonly retryAfter: string | null;
}

export interface Window {
  readonly requests: number;
  readonly failed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export class Timeline {
  readonly #startMs = performance.now();
  readonly samples: Sample[] = [];

  get nowMs(): number {
    return performance.now() - this.#startMs;
  }

  /** Keeps what `request` took and how it ended; answers null when it failed. */
  async observe<T>(operation: Sample['operation'], request: () => Promise<T>): Promise<T | null> {
    const beganMs = this.nowMs;
    try {
      const result = await request();
      this.#add(operation, beganMs, null);
      return result;
    } catch (error) {
      this.#add(operation, beganMs, failureOf(error));
      return null;
    }
  }

  #add(operation: Sample['operation'], beganMs: number, failure: Failure | null): void {
    const endMs = this.nowMs;
    this.samples.push({ endMs, durationMs: endMs - beganMs, operation, failure });
  }

  /** Requests that ended in [fromMs, toMs). */
  window(fromMs: number, toMs: number): Window {
    return windowOf(this.samples.filter(({ endMs }) => endMs >= fromMs && endMs < toMs));
  }

  /** How long after `fromMs` it took until for three seconds the 99th percentile stayed at or below `limitMs`; null: not by `toMs`. */
  calmAfterMs(fromMs: number, toMs: number, limitMs: number): number | null {
    for (let atMs = fromMs; atMs + 3000 <= toMs; atMs += 250) {
      const { requests, failed, p99Ms } = this.window(atMs, atMs + 3000);
      if (requests > 0 && failed === 0 && p99Ms <= limitMs) return atMs - fromMs;
    }
    return null;
  }
}

function windowOf(samples: readonly Sample[]): Window {
  const durations = samples.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
  const at = (share: number): number => Math.round(durations[Math.floor(share * (durations.length - 1))] ?? 0);
  return {
    requests: samples.length,
    failed: samples.filter(({ failure }) => failure !== null).length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: at(1),
  };
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) throw error;
  const { $metadata, $response } = error as Error & {
    readonly $metadata?: { readonly httpStatusCode?: number };
    readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
  };
  return {
    status: $metadata?.httpStatusCode ?? 0,
    code: error.name,
    retryAfter: $response?.headers?.['retry-after'] ?? null,
  };
}
