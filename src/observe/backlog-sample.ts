/**
 * How much waits for the sweeper, counted now and then at a bounded cost: entries only, without asking how large their blobs are,
 * and no more than a fixed number of them.
 */
import type { Logger } from 'pino';
import { Periodic } from '../gc/periodic.js';
import type { BacklogKind } from '../maintenance/backlog.js';
import { BACKLOG_KINDS } from '../maintenance/backlog.js';
import type { Stores } from '../store/types.js';

export interface BacklogCount {
  readonly entries: number;
  /** that the sweeper may take */
  readonly due: number;
  /** how long the entry that is due for longest has been so, ms; 0: none is */
  readonly mostOverdueMs: number;
}

export interface RegionBacklog {
  readonly region: string;
  /** There are more: counting ended at the limit. */
  readonly truncated: boolean;
  readonly kinds: Readonly<Record<BacklogKind, BacklogCount>>;
}

export interface BacklogSample {
  /** ms since the epoch */
  readonly takenAtMs: number;
  readonly regions: readonly RegionBacklog[];
}

export interface BacklogSamplerOptions {
  readonly stores: Pick<Stores, 'regions' | 'audit'>;
  readonly intervalMs: number;
  /** Entries of a region that are looked at. */
  readonly maxEntries: number;
  readonly log: Logger;
  readonly now: () => number;
}

/** Runs in one process of a server. */
export class BacklogSampler {
  readonly #options: BacklogSamplerOptions;
  readonly #stop = new AbortController();
  readonly #periodic: Periodic;
  #last: BacklogSample | null = null;

  constructor(options: BacklogSamplerOptions) {
    this.#options = options;
    this.#periodic = new Periodic({
      run: () => this.#sample(),
      onFailure: (error) => {
        if (!this.#stop.signal.aborted) options.log.warn({ err: error }, 'the backlog could not be counted');
      },
      intervalMs: options.intervalMs,
      firstMs: 0,
    });
  }

  /** null before the first */
  get last(): BacklogSample | null {
    return this.#last;
  }

  start(): void {
    this.#periodic.start();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('the gateway stops'));
    await this.#periodic.stop();
  }

  async #sample(): Promise<void> {
    const { stores, now } = this.#options;
    const audit = await stores.audit();
    const regions: RegionBacklog[] = [];
    for (const region of stores.regions.keys()) {
      const pages = audit.regions.get(region)?.backlog({ signal: this.#stop.signal }) ?? [];
      regions.push({ region, ...(await this.#count(pages)) });
    }
    this.#last = { takenAtMs: now(), regions };
  }

  async #count(
    pages: AsyncIterable<readonly CountedEntry[]> | Iterable<readonly CountedEntry[]>,
  ): Promise<Omit<RegionBacklog, 'region'>> {
    const { maxEntries, now } = this.#options;
    const kinds = Object.fromEntries(
      BACKLOG_KINDS.map((kind) => [kind, { entries: 0, due: 0, mostOverdueMs: 0 }]),
    ) as Record<BacklogKind, { entries: number; due: number; mostOverdueMs: number }>;
    let left = maxEntries;
    for await (const page of pages) {
      for (const { kind, notBeforeMs } of page) {
        if (left-- === 0) return { truncated: true, kinds };
        const count = kinds[kind];
        const overdueMs = now() - notBeforeMs;
        count.entries++;
        if (overdueMs < 0) continue;
        count.due++;
        count.mostOverdueMs = Math.max(count.mostOverdueMs, overdueMs);
      }
    }
    return { truncated: false, kinds };
  }
}

interface CountedEntry {
  readonly kind: BacklogKind;
  readonly notBeforeMs: number;
}
