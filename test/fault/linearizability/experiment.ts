/**
 * One run: gateways with wrong clocks on a ring (or on the embedded store), clients at work, a nemesis; then a look at everything
 * that was acknowledged, and the check of all histories.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CassandraRing } from '../../cassandra/index.mjs';
import { cassandraConfig, embeddedConfig } from '../../support/config.js';
import type { PithosConfig } from '../../support/config.js';
import { audit, disagreements } from './audit.js';
import { Client } from './client.js';
import type { Gateway } from './gateways.js';
import { Gateways } from './gateways.js';
import type { Operation } from './history.js';
import { Nemesis } from './nemesis.js';
import type { Blow } from './nemesis.js';
import { Random } from '../../support/random.js';
import { Recorder } from './recorder.js';
import { statisticsOf } from './statistics.js';
import type { Statistics } from './statistics.js';
import { Requests } from './requests.js';
import { checkAll } from './verdicts.js';
import type { Mode, Verdicts } from './verdicts.js';
import { prefixOf, Workload } from './workload.js';

export interface ExperimentOptions {
  /** null: the embedded store, one gateway. */
  readonly ring: CassandraRing | null;
  /** Of the bucket. Default linearizable. */
  readonly mode?: Mode;
  readonly seed: number;
  readonly operations: number;
  readonly gateways: number;
  readonly clients: number;
  readonly keys: number;
  readonly operationsPerKey: number;
  readonly maxSkewMs: number;
  readonly blows: readonly Blow[];
  /** Between two blows. */
  readonly pauseMs: { readonly from: number; readonly to: number };
  /** The clients stop after this long, however far they got; and not before each blow was dealt once. */
  readonly maxDurationMs: number;
  readonly progress: (line: string) => void;
}

export interface Report extends Statistics {
  readonly mode: Mode;
  readonly seed: number;
  readonly store: 'cassandra' | 'embedded';
  readonly durationMs: number;
  /** How far each gateway's clock was off when the run began, as its objects' Last-Modified showed, in whole seconds. */
  readonly clockOffsetsMs: readonly number[];
  readonly blows: Readonly<Record<string, number>>;
  /** Time in seconds, and what happened. */
  readonly events: readonly string[];
  readonly verdicts: Verdicts;
  readonly anomalies: readonly string[];
  /** Objects written once and acknowledged, and those of them that are lost. */
  readonly archived: number;
  readonly lost: readonly string[];
  readonly history: readonly Operation[];
  /** Of the gateways that ran at the end. */
  readonly logs: string;
}

/** Longer than the gateway tries to commit. */
const REQUEST_TIMEOUT_MS = 40_000;
const PROGRESS_MS = 250;

/** The sweeper has so long, beyond the lease, to settle writes that nobody knows the outcome of. */
const SWEEP_MS = 120_000;

/** Sweeps go on meanwhile. A lease covers four times what two clocks can differ by. */
function gcOf(maxSkewMs: number): PithosConfig {
  const lease = `${leaseSecondsOf(maxSkewMs)}s`;
  return { interval: '5s', grace: lease, 'intent-lease': lease };
}

function leaseSecondsOf(maxSkewMs: number): number {
  return Math.max(60, Math.ceil((8 * maxSkewMs) / 1000) + 20);
}

export async function runExperiment(options: ExperimentOptions): Promise<Report> {
  const { ring, seed, maxSkewMs } = options;
  const random = new Random(seed);
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'pithos-linearizability-'));
  const store = ring === null ? embeddedConfig({ dataDir }) : onRing(ring, seed);
  const config = {
    ...store,
    // One process each, so that all of a gateway is killed and paused.
    service: { host: '127.0.0.1', workers: 1 },
    gc: gcOf(maxSkewMs),
  };
  const gateways = new Gateways({ config, count: options.gateways, maxSkewMs, random: random.fork() });
  const client = new Client({ timeoutMs: REQUEST_TIMEOUT_MS });
  try {
    await gateways.startAll({ bootstrap: ring !== null });
    return await observe(options, { random, gateways, client });
  } finally {
    client.close();
    await gateways.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

function onRing(ring: CassandraRing, seed: number): PithosConfig {
  return cassandraConfig({
    contactPoints: ring.contactPoints,
    localDataCenter: ring.localDataCenter,
    keyspace: `linearizability_${seed}`,
    repfactor: Math.min(3, ring.nodes.length),
  });
}

interface Parts {
  readonly random: Random;
  readonly gateways: Gateways;
  readonly client: Client;
}

async function observe(options: ExperimentOptions, { random, gateways, client }: Parts): Promise<Report> {
  const recorder = new Recorder();
  const { mode = 'linearizable' } = options;
  // One keyspace may hold the buckets of both modes.
  const bucket = `${mode}-keys`;
  const requests = new Requests({ client, recorder, bucket });
  await createBucket(client, gateways.running, bucket, mode);
  const clockOffsetsMs = await clockOffsets(client, gateways.running, bucket);
  const startMs = performance.now();
  const events: string[] = [];
  const nemesis = new Nemesis({
    ring: options.ring,
    gateways,
    random: random.fork(),
    blows: options.blows,
    pauseMs: options.pauseMs,
    report: (event) => events.push(`${((performance.now() - startMs) / 1000).toFixed(1)} ${event}`),
  });
  const workload = new Workload({ ...options, mode, requests, recorder, gateways, random: random.fork() });
  const durationMs = await work(options, { workload, nemesis, gateways, events });
  options.progress('reading everything that was acknowledged');
  const keys = new Map(
    Array.from({ length: workload.rounds }, (_, round) => [prefixOf(round), workload.keysOf(round)] as const),
  );
  const audited = { requests, client, recorder, gateways, random, bucket, keys };
  const lost = await audit(audited);
  // Of writes without an answer listings of quorum buckets may know more or less than GET until the sweeper has settled them.
  const patienceMs = leaseSecondsOf(options.maxSkewMs) * 1000 + SWEEP_MS;
  if (mode === 'quorum') lost.push(...(await disagreements(audited, patienceMs)));
  options.progress('checking the histories');
  return {
    ...statisticsOf(recorder, durationMs),
    mode,
    seed: options.seed,
    store: options.ring === null ? 'embedded' : 'cassandra',
    durationMs,
    clockOffsetsMs,
    blows: Object.fromEntries(nemesis.dealt),
    events,
    verdicts: checkAll(recorder.operations, { mode }),
    anomalies: recorder.anomalies,
    archived: recorder.archived.size,
    lost,
    history: recorder.operations,
    logs: gateways.logs(),
  };
}

interface Work {
  readonly workload: Workload;
  readonly nemesis: Nemesis;
  readonly gateways: Gateways;
  readonly events: readonly string[];
}

/** Clients and nemesis at work until the operations are done. @returns for how long, ms */
async function work(options: ExperimentOptions, { workload, nemesis, gateways, events }: Work): Promise<number> {
  const startMs = performance.now();
  const clients = new AbortController();
  const blows = new AbortController();
  const failures: unknown[] = [];
  const fail = (error: unknown): void => {
    failures.push(error);
    clients.abort();
  };
  const nemesisDone = nemesis.run(blows.signal).catch(fail);
  const watch = (async () => {
    while (!clients.signal.aborted) {
      await sleep(PROGRESS_MS);
      const crash = gateways.crashed();
      if (crash !== null) fail(new Error(crash));
      const ms = performance.now() - startMs;
      const line = `${(ms / 1000).toFixed(0)} s, ${workload.recorded} of ${options.operations} operations`;
      options.progress(`${line}, ${(workload.recorded / (ms / 1000)).toFixed(0)}/s; ${events.at(-1) ?? ''}`);
      const dealt = options.blows.every((blow) => nemesis.dealt.has(blow));
      if (ms > options.maxDurationMs || (workload.recorded >= options.operations && dealt)) clients.abort();
    }
  })();
  await workload.run(clients.signal);
  clients.abort();
  const durationMs = performance.now() - startMs;
  blows.abort();
  await Promise.all([nemesisDone, watch]);
  if (failures.length > 0) throw failures[0];
  return durationMs;
}

async function createBucket(client: Client, gateways: readonly Gateway[], bucket: string, mode: Mode): Promise<void> {
  const [first] = gateways;
  const headers = { 'x-pithos-consistency': mode };
  const created = first && (await client.send(first.url, { method: 'PUT', path: `/${bucket}`, headers }));
  if (created?.kind !== 'answer' || created.status !== 200)
    throw new Error(`the bucket cannot be created: ${JSON.stringify(created)}`);
}

async function clockOffsets(client: Client, gateways: readonly Gateway[], bucket: string): Promise<number[]> {
  const offsets: number[] = [];
  for (const { slot, url } of gateways) {
    const path = `/${bucket}/clock-${slot}`;
    const sentMs = Date.now();
    await client.send(url, { method: 'PUT', path, body: Buffer.from('tick') });
    const head = await client.send(url, { method: 'HEAD', path });
    if (head.kind !== 'answer' || head.status !== 200) throw new Error(`gateway ${slot} does not answer`);
    offsets.push(Date.parse(String(head.headers['last-modified'])) - Math.floor(sentMs / 1000) * 1000);
  }
  return offsets;
}
