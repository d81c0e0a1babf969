/**
 * One tenant's partition of quota_ledger, as this process changes it: one conditional write at a time, which takes along all that has
 * come in while the one before was under way. As long as no other process changes the partition, nothing has to be read.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../errors.js';
import type { CassandraOptions } from './options.js';
import { LedgerDraft } from './quota-draft.js';
import type { LedgerState } from './quota-draft.js';
import type { Hold, QuotaTable } from './quota-table.js';
import { backoff } from './retry.js';

/** What was read before does not do: run again on the partition as it is. */
export const REFRESH = Symbol('refresh');
/** Run again in a moment. */
export const LATER = Symbol('later');

export interface LedgerOp<T> {
  /** instances of the counters that it looks at */
  readonly buckets: readonly string[];
  /** processes, besides this one, whose changes it looks at */
  readonly gateways?: readonly string[];
  /** It makes room: to be run before others. */
  readonly frees?: boolean;
  /**
   * Runs at least once, on what each attempt to write starts from, so it recognises what an attempt that got no answer has done.
   * What it throws reaches the caller; then it must not have changed the draft.
   */
  readonly run: (draft: LedgerDraft) => T | typeof REFRESH | typeof LATER;
}

/** Decides on the partition as it is, also when it changes nothing. */
export function freshly<T>(buckets: readonly string[], run: (draft: LedgerDraft) => T): LedgerOp<T> {
  return { buckets, run: (draft) => (draft.fresh ? run(draft) : REFRESH) };
}

export interface LedgerParts {
  readonly table: Pick<QuotaTable, 'head' | 'buckets' | 'holdsOf' | 'write'>;
  readonly tenant: string;
  /** this process */
  readonly gateway: string;
  readonly options: Pick<CassandraOptions, 'commitDeadlineMs'>;
}

interface Job {
  readonly op: LedgerOp<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Operations of one write. */
const GROUP = 128;
/** Operations that nobody waits for are written with others, or after so long. */
const LAZY_MS = 20;
const LATER_MS = 25;
const WRITE_TIMEOUT_MS = 3_000;
/** How long after a write that others were ahead of they are given way to, and for how long at most. */
const SHARED_MS = 5_000;
const MAX_PAUSE_MS = 150;

export class Ledger {
  readonly #parts: LedgerParts;
  #queue: Job[] = [];
  #state: LedgerState | null = null;
  #pumping: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #waiting = 0;
  /** Until then another process is taken to write here too: performance.now(). */
  #sharedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(parts: LedgerParts) {
    this.#parts = parts;
  }

  /** Nothing is under way, nothing is waiting. */
  get idle(): boolean {
    return this.#pumping === null && this.#queue.length === 0 && this.#waiting === 0;
  }

  /** lazy: it may wait a little for others. @throws StoreError, or what the operation throws */
  run<T>(op: LedgerOp<T>, { lazy = false }: { readonly lazy?: boolean } = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ op, resolve: resolve as (value: unknown) => void, reject });
      if (!lazy) this.#start();
      else this.#timer ??= setTimeout(() => this.#start(), LAZY_MS).unref();
    });
  }

  #start(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#pumping ??= this.#pump();
  }

  async #pump(): Promise<void> {
    // Callers of the same turn come along.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const jobs = this.#queue
        .splice(0, GROUP)
        .sort((a, b) => Number(b.op.frees ?? false) - Number(a.op.frees ?? false));
      try {
        for (const settle of await this.#write(jobs)) settle();
      } catch (error) {
        this.#state = null;
        for (const { reject } of jobs) reject(error);
      }
    }
    this.#pumping = null;
  }

  /** How each of the operations ended. @throws StoreError when nothing is known of any */
  async #write(jobs: readonly Job[]): Promise<(() => void)[]> {
    const { table, tenant, options } = this.#parts;
    const deadlineMs = performance.now() + options.commitDeadlineMs;
    let fresh = false;
    let uncertain: StoreError | null = null;
    for (let attempt = 0; ; attempt++) {
      const known: LedgerState | null = this.#state;
      fresh = known === null;
      const state = await this.#load(known, jobs);
      const draft = new LedgerDraft(state, fresh);
      const outcomes = jobs.map((job) => this.#run(job, draft));
      if (outcomes.includes(REFRESH)) {
        this.#state = null;
        continue;
      }
      const ends = outcomes.filter((end) => typeof end === 'function');
      if (!draft.changed) {
        this.#state = state;
        return ends;
      }
      const changeId = randomUUID();
      const { changedBuckets: buckets, changedHolds: holds } = draft;
      const write = { expected: state.revision, changeId, tenant: draft.tenant, buckets, holds };
      const sentMs = performance.now();
      try {
        if (await table.write(tenant, write, WRITE_TIMEOUT_MS)) {
          this.#state = draft.written(changeId);
          await this.#giveWay(performance.now() - sentMs);
          return ends;
        }
        this.#sharedUntilMs = performance.now() + SHARED_MS;
      } catch (error) {
        if (!(error instanceof StoreError) || error.outcome !== 'unknown' || error.kind === 'internal') throw error;
        uncertain = error;
      }
      this.#state = null;
      if (performance.now() > deadlineMs)
        throw (
          uncertain ?? new StoreError('contention', 'notApplied', `the quotas of ${tenant} are changed by too many`)
        );
      await backoff(Math.min(attempt, 2));
    }
  }

  /** Who has just written need not read before it writes again, and would always be ahead of others, who must. */
  async #giveWay(latencyMs: number): Promise<void> {
    if (performance.now() > this.#sharedUntilMs) return;
    await sleep(Math.random() * Math.min(MAX_PAUSE_MS, 3 * latencyMs));
  }

  #run({ op, resolve, reject }: Job, draft: LedgerDraft): (() => void) | typeof REFRESH {
    let value: unknown;
    try {
      value = op.run(draft);
    } catch (error) {
      return () => reject(error);
    }
    if (value === REFRESH) {
      if (draft.fresh) throw new TypeError('an operation on quotas does not believe what was just read');
      return REFRESH;
    }
    if (value !== LATER) return () => resolve(value);
    return () => {
      this.#waiting += 1;
      setTimeout(() => {
        this.#waiting -= 1;
        this.#queue.push({ op, resolve, reject });
        this.#start();
      }, LATER_MS);
    };
  }

  /** The partition, with all that the operations look at. */
  async #load(known: LedgerState | null, jobs: readonly Job[]): Promise<LedgerState> {
    const { table, tenant, gateway } = this.#parts;
    const instances = new Set(jobs.flatMap(({ op }) => op.buckets));
    const gateways = new Set([gateway, ...jobs.flatMap(({ op }) => op.gateways ?? [])]);
    const lacking = {
      buckets: [...instances].filter((instance) => known?.buckets.has(instance) !== true),
      gateways: [...gateways].filter((name) => known?.holds.has(name) !== true),
    };
    if (known !== null && lacking.buckets.length + lacking.gateways.length === 0) return known;
    // In this order: a row that is newer than the head makes the write fail, one that is older would not.
    const head = known ?? (await table.head(tenant));
    const [buckets, ...lists] = await Promise.all([
      table.buckets(tenant, lacking.buckets),
      ...lacking.gateways.map((name) => table.holdsOf(tenant, name)),
    ]);
    const found = lacking.buckets.map((instance) => [instance, buckets.get(instance) ?? null] as const);
    const holds = lacking.gateways.map((name, at): [string, readonly Hold[]] => [name, lists[at] ?? []]);
    return {
      ...head,
      buckets: new Map([...(known?.buckets ?? []), ...found]),
      holds: new Map([...(known?.holds ?? []), ...holds]),
    };
  }

  /** Waits for what was asked for. */
  async drain(): Promise<void> {
    while (!this.idle) {
      this.#start();
      await this.#pumping;
      if (this.#waiting > 0) await new Promise((resolve) => setTimeout(resolve, LATER_MS));
    }
  }
}
