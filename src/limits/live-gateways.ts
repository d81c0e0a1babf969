/**
 * How many servers there are. Each that has limits to share renews a note of itself every few seconds, and counts the notes that are
 * not out of date; workers of one server share a note, and whoever finds it half over renews it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { IamStore } from '../store/types.js';
import type { GatewayCount } from './request-limits.js';

export interface LiveGatewaysOptions {
  /** Where notes are kept, in a place of their own. */
  readonly store: Pick<IamStore, 'revision' | 'list' | 'commit'>;
  /** of this server, the same in all of its processes */
  readonly id: string;
  readonly log: { warn(fields: object, message: string): void };
  /** ms since the epoch; servers' clocks must agree to within a few seconds */
  readonly now: () => number;
  readonly intervalMs?: number;
}

interface Note {
  /** ms since the epoch */
  readonly untilMs: number;
}

/** No tenant is called so; its kind is none of the identity service's. */
const ACCOUNT = 'pithos:gateways';
const KIND = 'gateway';
const MAX_GATEWAYS = 1_000;
const INTERVAL_MS = 5_000;
/** A note outlives so many failed attempts to renew it. */
const LIFE_INTERVALS = 4;
/** Of gateways that died; removed by whoever sees them. */
const REMOVED_AFTER_INTERVALS = 120;
/** Nobody asked for so long: no note is needed. */
const IDLE_INTERVALS = 60;
const ATTEMPTS = 5;

export class LiveGateways implements GatewayCount {
  readonly #options: LiveGatewaysOptions;
  readonly #intervalMs: number;
  readonly #stopped = new AbortController();
  #running: Promise<void> | null = null;
  #askedMs = 0;
  #count = 1;
  #failing = false;

  constructor(options: LiveGatewaysOptions) {
    this.#options = options;
    this.#intervalMs = options.intervalMs ?? INTERVAL_MS;
  }

  count(): number {
    this.#askedMs = this.#options.now();
    if (this.#running === null && !this.#stopped.signal.aborted)
      this.#running = this.#run().finally(() => {
        this.#running = null;
      });
    return this.#count;
  }

  /** Takes the note away, so that the others need not wait for its end. Never throws. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    if (this.#running === null) return;
    await this.#running;
    await this.#change([{ kind: KIND, name: this.#options.id, json: null }]).catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { now, log } = this.#options;
    const { signal } = this.#stopped;
    while (!signal.aborted && now() - this.#askedMs < IDLE_INTERVALS * this.#intervalMs) {
      try {
        await this.#look();
        this.#failing = false;
      } catch (error) {
        // The last figure holds: limits go on meanwhile.
        if (!this.#failing) log.warn({ err: error }, 'the other gateways cannot be counted');
        this.#failing = true;
      }
      await sleep(this.#intervalMs * (0.75 + Math.random() / 2), undefined, { signal, ref: false }).catch(
        () => undefined,
      );
    }
  }

  async #look(): Promise<void> {
    const { id, now } = this.#options;
    const notes = await this.#notes();
    const own = notes.get(id)?.untilMs ?? 0;
    if (own - now() < (LIFE_INTERVALS / 2) * this.#intervalMs) {
      const untilMs = now() + LIFE_INTERVALS * this.#intervalMs;
      const dead = [...notes].filter(([, note]) => now() - note.untilMs > REMOVED_AFTER_INTERVALS * this.#intervalMs);
      await this.#change([
        { kind: KIND, name: id, json: JSON.stringify({ untilMs } satisfies Note) },
        ...dead.map(([name]) => ({ kind: KIND, name, json: null })),
      ]);
    }
    const others = [...notes].filter(([name, note]) => name !== id && note.untilMs > now());
    this.#count = 1 + others.length;
  }

  async #notes(): Promise<ReadonlyMap<string, Note>> {
    const documents = await this.#options.store.list(ACCOUNT, KIND, { prefix: '', after: '', limit: MAX_GATEWAYS });
    return new Map(documents.map(({ name, json }) => [name, JSON.parse(json) as Note]));
  }

  async #change(changes: Parameters<IamStore['commit']>[1]['changes']): Promise<void> {
    const { store } = this.#options;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const revision = await store.revision(ACCOUNT);
      if (await store.commit(ACCOUNT, { revision, changes })) return;
      await sleep(Math.random() * 50 * 2 ** attempt);
    }
    throw new Error('too many gateways write their notes at once');
  }
}
