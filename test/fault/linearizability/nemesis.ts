/** Kills and pauses nodes and gateways while clients work, on a schedule that the seed determines. One node at a time: quorum stays. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { CassandraNode, CassandraRing } from '../../cassandra/index.mjs';
import type { Gateways } from './gateways.js';
import type { Random } from '../../support/random.js';

export type Blow = 'kill-node' | 'pause-node' | 'kill-gateway' | 'pause-gateway';

export interface NemesisOptions {
  /** null: there are no nodes */
  readonly ring: CassandraRing | null;
  readonly gateways: Gateways;
  readonly random: Random;
  /** In turn, over and over; nodes and gateways independently of each other. */
  readonly blows: readonly Blow[];
  /** Between two blows to nodes, and between two to gateways. */
  readonly pauseMs: { readonly from: number; readonly to: number };
  readonly report: (event: string) => void;
}

/** Seconds that a node stays dead or hangs, and a gateway. */
const NODE_DEAD_S = { from: 3, to: 15 };
const NODE_HANGS_S = { from: 1, to: 8 };
const GATEWAY_DEAD_S = { from: 0, to: 3 };
const GATEWAY_HANGS_S = { from: 1, to: 5 };

const NODE_UP_TIMEOUT_MS = 180_000;

export class Nemesis {
  readonly #options: NemesisOptions;
  readonly #dealt = new Map<Blow, number>();

  constructor(options: NemesisOptions) {
    this.#options = options;
  }

  /** How many of each kind are over. */
  get dealt(): ReadonlyMap<Blow, number> {
    return this.#dealt;
  }

  /** Until `signal` aborts; what was killed or paused is well again when it resolves. */
  async run(signal: AbortSignal): Promise<void> {
    const ofNodes = this.#options.blows.filter((blow) => blow.endsWith('-node'));
    const ofGateways = this.#options.blows.filter((blow) => blow.endsWith('-gateway'));
    await Promise.all([this.#series(ofNodes, signal), this.#series(ofGateways, signal)]);
  }

  async #series(blows: readonly Blow[], signal: AbortSignal): Promise<void> {
    const { pauseMs } = this.#options;
    const random = this.#options.random.fork();
    for (let turn = 0; blows.length > 0; turn++) {
      await pause(random.integer(pauseMs.from, pauseMs.to), signal);
      const blow = blows[turn % blows.length];
      if (signal.aborted || blow === undefined) return;
      await this.#deal(blow, random, signal);
      this.#dealt.set(blow, (this.#dealt.get(blow) ?? 0) + 1);
    }
  }

  async #deal(blow: Blow, random: Random, signal: AbortSignal): Promise<void> {
    const { ring, gateways, report } = this.#options;
    const between = ({ from, to }: { readonly from: number; readonly to: number }): Promise<void> =>
      pause(random.integer(from * 1000, to * 1000), signal);
    if (blow === 'kill-gateway' || blow === 'pause-gateway') {
      const slot = random.integer(0, gateways.count);
      report(`${blow} ${slot}`);
      if (blow === 'kill-gateway') {
        await gateways.kill(slot);
        await between(GATEWAY_DEAD_S);
        const { clockOffsetsMs } = await gateways.start(slot);
        report(`gateway ${slot} is back, clock off by ${clockOffsetsMs.join(' or ')} ms`);
        return;
      }
      gateways.signal(slot, 'SIGSTOP');
      await between(GATEWAY_HANGS_S);
      gateways.signal(slot, 'SIGCONT');
      report(`gateway ${slot} goes on`);
      return;
    }
    if (ring === null) throw new Error(`${blow} without a ring`);
    const node = random.pick(ring.nodes);
    report(`${blow} ${node.address}`);
    if (blow === 'kill-node') await killNode(ring, node, () => between(NODE_DEAD_S));
    else await pauseNode(ring, node, () => between(NODE_HANGS_S));
    report(`node ${node.address} is back`);
  }
}

async function killNode(ring: CassandraRing, node: CassandraNode, meanwhile: () => Promise<void>): Promise<void> {
  await node.kill();
  await meanwhile();
  await node.restart();
  // Two nodes that do not talk to each other yet are one node less for quorum than there seem to be.
  await ring.waitUntilUp({ timeoutMs: NODE_UP_TIMEOUT_MS });
}

async function pauseNode(ring: CassandraRing, node: CassandraNode, meanwhile: () => Promise<void>): Promise<void> {
  node.pause();
  try {
    await meanwhile();
  } finally {
    node.resume();
  }
  await ring.waitUntilUp({ timeoutMs: NODE_UP_TIMEOUT_MS });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
