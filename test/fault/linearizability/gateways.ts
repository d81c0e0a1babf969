/** Gateway processes whose clocks are wrong, each in its own way, that can be killed and replaced. */
import { spawnPithos } from '../../support/server.js';
import type { PithosConfig, PithosProcess } from '../../support/server.js';
import type { Random } from '../../support/random.js';

const PRELOAD = new URL('clock-skew.mjs', import.meta.url).href;
/** A clock jumps this often. */
const CLOCK_STEP_MS = 7_000;
/** One that starts just when a node dies finds no quorum, and waits until Cassandra has noticed the death. */
const READY_TIMEOUT_MS = 240_000;

export interface Gateway {
  readonly slot: number;
  readonly url: string;
  /** Its clock is one of these off, now this one, now that. */
  readonly clockOffsetsMs: readonly number[];
}

interface Running extends Gateway {
  readonly process: PithosProcess;
}

export interface GatewaysOptions {
  readonly config: PithosConfig;
  readonly count: number;
  /** How far clocks are off at most, either way. */
  readonly maxSkewMs: number;
  readonly random: Random;
}

export class Gateways {
  readonly #options: GatewaysOptions;
  readonly #running = new Map<number, Running>();
  #started = 0;

  constructor(options: GatewaysOptions) {
    this.#options = options;
  }

  /** Starts all; the first one bootstraps the schema. */
  async startAll({ bootstrap }: { readonly bootstrap: boolean }): Promise<void> {
    const { count } = this.#options;
    await this.start(0, bootstrap);
    await Promise.all(Array.from({ length: count - 1 }, (_, index) => this.start(index + 1)));
  }

  async start(slot: number, bootstrap = false): Promise<Gateway> {
    const clockOffsetsMs = this.#offsets();
    const process = await spawnPithos({
      readyTimeoutMs: READY_TIMEOUT_MS,
      config: this.#options.config,
      bootstrap,
      env: {
        NODE_OPTIONS: `--import ${PRELOAD}`,
        PITHOS_TEST_CLOCK_OFFSETS_MS: clockOffsetsMs.join(','),
        PITHOS_TEST_CLOCK_STEP_MS: String(CLOCK_STEP_MS),
      },
    });
    const gateway = { slot, url: process.url, clockOffsetsMs, process };
    this.#running.set(slot, gateway);
    return gateway;
  }

  /** The first two clocks are as far apart as can be, later ones anywhere between, and jump. */
  #offsets(): number[] {
    const { maxSkewMs, random } = this.#options;
    const nth = this.#started++;
    if (nth < 2) return [nth === 0 ? maxSkewMs : -maxSkewMs];
    return [random.integer(-maxSkewMs, maxSkewMs + 1), random.integer(-maxSkewMs, maxSkewMs + 1)];
  }

  /** Those that are not dead, paused ones too, by their slots: they start at once, and whichever is first is listed first. */
  get running(): readonly Gateway[] {
    return [...this.#running.values()].sort((a, b) => a.slot - b.slot);
  }

  get count(): number {
    return this.#options.count;
  }

  /** SIGKILL. */
  async kill(slot: number): Promise<void> {
    const gateway = this.#running.get(slot);
    if (gateway === undefined) return;
    this.#running.delete(slot);
    await gateway.process.kill();
    // It is gone already: this removes its folder.
    await gateway.process.stop();
  }

  /** SIGSTOP and SIGCONT: a machine that hangs for a while and does not know it. */
  signal(slot: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
    const gateway = this.#running.get(slot);
    if (gateway?.process.running === true) process.kill(gateway.process.pid, signal);
  }

  /** A gateway that ended by itself, with the end of its log; null when none did. */
  crashed(): string | null {
    const one = [...this.#running.values()].find(({ process: { running } }) => !running);
    return one === undefined ? null : `gateway ${one.slot} ended by itself:\n${one.process.logs().slice(-4_000)}`;
  }

  logs(): string {
    return [...this.#running.values()].map(({ slot, process }) => `gateway ${slot}:\n${process.logs()}`).join('\n');
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running.values()].map(({ process }) => process.stop()));
    this.#running.clear();
  }
}
