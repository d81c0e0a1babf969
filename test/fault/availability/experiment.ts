/**
 * One run: two gateways on a ring of three nodes under load; a node is killed and comes back; then two are killed, so that nothing
 * has a quorum, and come back. What clients saw of it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import type { CassandraNode, CassandraRing } from '../../cassandra/index.mjs';
import { cassandraConfig } from '../../support/config.js';
import { spawnPithos } from '../../support/server.js';
import type { PithosProcess } from '../../support/server.js';
import { Clients, clientOf } from './clients.js';
import { Timeline } from './timeline.js';
import type { Failure, Sample, Window } from './timeline.js';

export interface ExperimentOptions {
  readonly ring: CassandraRing;
  readonly clients: number;
  /** How long each state lasts, ms. */
  readonly phaseMs: number;
  readonly progress: (line: string) => void;
}

export interface Report {
  /** All well: what the others are compared with. */
  readonly before: Window;
  readonly nodeKilled: Outage;
  readonly nodeBack: Window;
  readonly quorumLost: QuorumLost;
  readonly wrong: readonly string[];
  readonly acknowledged: number;
  readonly lost: readonly string[];
}

export interface Outage extends Window {
  /** Until the 99th percentile was at most thrice what it was before and 50 ms; null: it never was. */
  readonly calmAfterMs: number | null;
  /** What the clients' own retries could not mend. */
  readonly failures: readonly Failure[];
}

export interface QuorumLost extends Window {
  /** `operation: status code, Retry-After` and how often, without retries of the SDK. */
  readonly answers: Readonly<Record<string, number>>;
  /** Resident memory of both gateways before and at most during it, MiB. */
  readonly rssMib: readonly [before: number, peak: number];
  /** From the moment at which the nodes answered again until the first request that worked. */
  readonly firstSuccessMs: number | null;
  readonly calmAfterMs: number | null;
}

const BUCKET = 'availability';
const MIB = 1024 * 1024;
/** A node that comes back takes its time until all others see it. */
const AT_LEAST_MS = 3000;

export async function runExperiment(options: ExperimentOptions): Promise<Report> {
  const { ring } = options;
  const config = {
    ...cassandraConfig({
      contactPoints: ring.contactPoints,
      localDataCenter: ring.localDataCenter,
      keyspace: 'availability',
      repfactor: 3,
    }),
    service: { host: '127.0.0.1', workers: 1 },
  };
  const first = await spawnPithos({ config, bootstrap: true });
  const gateways = [first];
  try {
    gateways.push(await spawnPithos({ config }));
    const s3 = clientOf(first.url, 3);
    await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
    s3.destroy();
    return await observe(options, gateways);
  } finally {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
  }
}

async function observe(options: ExperimentOptions, gateways: readonly PithosProcess[]): Promise<Report> {
  const { ring, phaseMs, progress } = options;
  const [, victim, other] = ring.nodes as readonly [CassandraNode, CassandraNode, CassandraNode];
  const timeline = new Timeline();
  const common = { endpoints: gateways.map(({ url }) => url), bucket: BUCKET, count: options.clients };
  const clients = new Clients({ ...common, attempts: 3, timeline, prefix: 'patient/' });

  clients.start();
  progress('warming up');
  await sleep(phaseMs / 2);
  const calmMs = timeline.nowMs;
  await sleep(phaseMs);
  const before = timeline.window(calmMs, timeline.nowMs);
  const limitMs = Math.max(3 * before.p99Ms, 50);

  progress('a node is killed');
  const killedMs = timeline.nowMs;
  await victim.kill();
  await sleep(phaseMs);
  const killedToMs = timeline.nowMs;
  const nodeKilled = {
    ...timeline.window(killedMs, killedToMs),
    calmAfterMs: timeline.calmAfterMs(killedMs, killedToMs, limitMs),
    failures: failuresIn(timeline, killedMs, killedToMs),
  };

  progress('it comes back');
  const backMs = timeline.nowMs;
  await victim.restart();
  await ring.waitUntilUp();
  await sleep(AT_LEAST_MS);
  const nodeBack = timeline.window(backMs, timeline.nowMs);
  await clients.stop();

  progress('two nodes are killed');
  const quorumLost = await loseQuorum(options, { gateways, nodes: [victim, other], limitMs });

  progress('reading everything that was acknowledged');
  const lost = await clients.audit(gateways[0]?.url ?? '');
  return {
    before,
    nodeKilled,
    nodeBack,
    quorumLost: quorumLost.seen,
    wrong: [...clients.wrong, ...quorumLost.clients.wrong],
    acknowledged: clients.keys + quorumLost.clients.keys,
    lost: [...lost, ...(await quorumLost.clients.audit(gateways[1]?.url ?? ''))],
  };
}

interface QuorumParts {
  readonly gateways: readonly PithosProcess[];
  readonly nodes: readonly CassandraNode[];
  readonly limitMs: number;
}

/** With clients that do not retry by themselves. */
async function loseQuorum(
  { ring, phaseMs, clients: count, progress }: ExperimentOptions,
  { gateways, nodes, limitMs }: QuorumParts,
): Promise<{ readonly seen: QuorumLost; readonly clients: Clients }> {
  const timeline = new Timeline();
  const endpoints = gateways.map(({ url }) => url);
  const clients = new Clients({ endpoints, bucket: BUCKET, count, attempts: 1, timeline, prefix: 'plain/' });
  const rssMib = (): number => gateways.reduce((sum, gateway) => sum + gateway.rssBytes(), 0) / MIB;
  clients.start();
  await sleep(phaseMs / 2);
  const rssBefore = rssMib();
  await Promise.all(nodes.map((node) => node.kill()));
  const lostMs = timeline.nowMs;
  let rssPeak = rssBefore;
  while (timeline.nowMs < lostMs + phaseMs) {
    await sleep(500);
    rssPeak = Math.max(rssPeak, rssMib());
  }
  const lostToMs = timeline.nowMs;
  progress('they come back');
  await Promise.all(nodes.map((node) => node.restart()));
  const upMs = timeline.nowMs;
  await ring.waitUntilUp();
  await sleep(phaseMs);
  await clients.stop();
  const firstMs = timeline.samples.find(({ endMs, failure }) => endMs > upMs && failure === null)?.endMs;
  return {
    clients,
    seen: {
      ...timeline.window(lostMs, lostToMs),
      answers: tally(timeline.samples.filter(({ endMs }) => endMs >= lostMs && endMs < lostToMs)),
      rssMib: [Math.round(rssBefore), Math.round(rssPeak)],
      firstSuccessMs: firstMs === undefined ? null : Math.round(firstMs - upMs),
      calmAfterMs: timeline.calmAfterMs(upMs, timeline.nowMs, limitMs),
    },
  };
}

function failuresIn(timeline: Timeline, fromMs: number, toMs: number): Failure[] {
  return timeline.samples.flatMap(({ endMs, failure }) =>
    failure !== null && endMs >= fromMs && endMs < toMs ? [failure] : [],
  );
}

function tally(samples: readonly Sample[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { operation, failure } of samples) {
    if (failure === null) continue;
    const name = `${operation}: ${failure.status} ${failure.code}, Retry-After ${failure.retryAfter ?? 'none'}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
