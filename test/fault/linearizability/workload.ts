/**
 * Clients that read, write, delete and list a few keys through all gateways, with and without conditions, as fast as they are
 * answered. Keys are left for new ones after a while, so that the history of each stays short enough to be checked.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { makeContent } from './contents.js';
import type { Gateway } from './gateways.js';
import type { Condition } from './history.js';
import type { Random } from '../../support/random.js';
import type { Recorder } from './recorder.js';
import type { Requests, Way } from './requests.js';
import type { Mode } from './verdicts.js';

export interface WorkloadOptions {
  readonly requests: Requests;
  readonly recorder: Recorder;
  readonly gateways: { readonly running: readonly Gateway[] };
  readonly random: Random;
  readonly clients: number;
  /** In use at the same time. */
  readonly keys: number;
  /** A key has about so many operations before another takes its place. */
  readonly operationsPerKey: number;
  /** quorum: writes have no conditions, and a key has one writer at a time. */
  readonly mode: Mode;
}

const NONE: Condition = { kind: 'none' };
/** A gateway that was killed is not asked again at once. */
const NOBODY_THERE_MS = 50;
/** Copies and completions cost more requests. */
const WAYS: readonly Way[] = ['put', 'put', 'put', 'put', 'put', 'copy', 'complete'];
/** A deletion of unknown outcome is repeated, as SDKs do. */
const DELETIONS = 3;

export class Workload {
  readonly #options: WorkloadOptions;
  #recorded = 0;
  #contents = 0;
  /** Keys that have their writer. */
  readonly #written = new Set<string>();

  constructor(options: WorkloadOptions) {
    this.#options = options;
  }

  get recorded(): number {
    return this.#recorded;
  }

  /** Until `signal` aborts: then operations under way are finished. */
  async run(signal: AbortSignal): Promise<void> {
    const { clients, random } = this.#options;
    await Promise.all(Array.from({ length: clients }, () => this.#client(random.fork(), signal)));
  }

  async #client(random: Random, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const { running } = this.#options.gateways;
      const recorded = running.length === 0 ? 0 : await this.#operation(random.pick(running), random);
      this.#recorded += recorded;
      if (recorded === 0) await sleep(NOBODY_THERE_MS);
    }
  }

  /** @returns how many operations were recorded */
  async #operation(gateway: Gateway, random: Random): Promise<number> {
    const { requests, recorder } = this.#options;
    const round = this.#round();
    const key = random.pick(this.keysOf(round));
    const seen = recorder.seen.get(key) ?? null;
    const dice = random.next();
    if (dice < 0.24) return count(await requests.read(gateway, key, 'GET'));
    if (dice < 0.38) return count(await requests.read(gateway, key, 'HEAD'));
    if (dice < 0.5) return this.#list(gateway, round);
    if (this.#options.mode === 'quorum') return this.#writeAlone(gateway, round, { key, random });
    if (dice < 0.6) return this.#remove(gateway, round, key);
    if (dice < 0.66)
      return count(await requests.remove(gateway, key, seen === null ? { kind: 'present' } : ifMatch(seen)));
    return this.#write(gateway, key, { condition: conditionOf(random, seen), random });
  }

  async #write(
    gateway: Gateway,
    key: string,
    { condition, random }: { readonly condition: Condition; readonly random: Random },
  ): Promise<number> {
    return count(
      await this.#options.requests.write(gateway, key, {
        way: random.pick(WAYS),
        content: makeContent(`${key} content ${this.#contents++}`, random),
        condition,
        elsewhere: () => this.#other(gateway),
      }),
    );
  }

  /** Whoever finds the key being written reads it. */
  async #writeAlone(
    gateway: Gateway,
    round: number,
    { key, random }: { readonly key: string; readonly random: Random },
  ): Promise<number> {
    if (this.#written.has(key)) return count(await this.#options.requests.read(gateway, key, 'GET'));
    this.#written.add(key);
    try {
      if (random.chance(0.3)) return await this.#remove(gateway, round, key);
      return await this.#write(gateway, key, { condition: NONE, random });
    } finally {
      this.#written.delete(key);
    }
  }

  async #list(gateway: Gateway, round: number): Promise<number> {
    return count(await this.#options.requests.list(gateway, prefixOf(round), this.keysOf(round)));
  }

  /** Repeated until the outcome is known, and then the listing is looked at: what a client does that wants the key gone. */
  async #remove(gateway: Gateway, round: number, key: string): Promise<number> {
    let recorded = 0;
    for (
      let turn: Gateway | undefined = gateway;
      turn !== undefined && recorded < DELETIONS;
      turn = this.#other(turn)
    ) {
      const outcome = await this.#options.requests.remove(turn, key, NONE);
      recorded += count(outcome);
      if (outcome === 'unknown') continue;
      return recorded > 1 ? recorded + (await this.#list(turn, round)) : recorded;
    }
    return recorded;
  }

  #other(than: Gateway): Gateway | undefined {
    const { running } = this.#options.gateways;
    return running.find(({ url }) => url !== than.url) ?? running[0];
  }

  #round(): number {
    const { keys, operationsPerKey } = this.#options;
    return Math.floor(this.#recorded / (keys * operationsPerKey));
  }

  get rounds(): number {
    return this.#round() + 1;
  }

  keysOf(round: number): string[] {
    return Array.from({ length: this.#options.keys }, (_, index) => `${prefixOf(round)}key-${index}`);
  }
}

export function prefixOf(round: number): string {
  return `round-${String(round).padStart(4, '0')}/`;
}

function conditionOf(random: Random, seen: string | null): Condition {
  const dice = random.next();
  if (dice < 0.4) return NONE;
  if (dice < (seen === null ? 0.85 : 0.6)) return { kind: 'absent' };
  return seen === null ? { kind: 'present' } : ifMatch(seen);
}

function ifMatch(etag: string): Condition {
  return { kind: 'etag', etag };
}

function count(recorded: unknown): number {
  return recorded === null ? 0 : 1;
}
