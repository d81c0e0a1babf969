// Gateways that die: at each step of each operation that changes a key, and at any moment under load. Nothing acknowledged is lost,
// nothing is half done for good, and once the sweeper has passed fsck finds everything in order: no orphans, listings as the versions.
// On the embedded store and on a ring of three nodes (PITHOS_TEST_CASSANDRA=host:port: on that node instead).
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRing } from '../cassandra/index.mjs';
import { run } from '../support/run.js';
import { cassandraConfig, embeddedConfig, MASTER_KEY, REGION, spawnPithos } from '../support/server.js';
import type { PithosConfig, PithosProcess } from '../support/server.js';
import { callAdmin } from '../wire/admin.js';
import { bytes, inParallel, KIB } from '../wire/helpers.js';
import { contentsOf, OPERATIONS, same } from './crashes/operations.js';
import type { Contents, Operation } from './crashes/operations.js';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const HOOK = new URL('crashes/crash-hook.mjs', import.meta.url).href;
/** Longer than any write takes here, short enough to wait for. */
const GRACE_MS = 8_000;
/** No operation has so many steps. */
const MAX_STEPS = 40;
/** Of two gateways under load, and how much they have to have done meanwhile. */
const KILLS = 5;
const ACKNOWLEDGED = 100;
const TEST_MS = 1_500_000;

interface Subject extends Operation {
  readonly Bucket: string;
}

interface Death {
  /** Names of those that had steps left. */
  readonly died: ReadonlySet<string>;
  readonly ended: readonly { readonly name: string; readonly Bucket: string; readonly allowed: readonly Contents[] }[];
}

interface Place {
  readonly config: PithosConfig;
  /**
   * Whether operations can die together in one gateway. On Cassandra they share statements (announcements, names of shards), so one
   * that stands still at such a step would keep the others from theirs.
   */
  readonly together: boolean;
  readonly remove: () => Promise<void>;
}

async function embedded(): Promise<Place> {
  const dataDir = await mkdtemp(path.join(os.tmpdir(), 'pithos-crashes-'));
  return {
    config: embeddedConfig({ dataDir }),
    together: true,
    remove: () => rm(dataDir, { recursive: true, force: true }),
  };
}

async function onCassandra(): Promise<Place> {
  const external = process.env['PITHOS_TEST_CASSANDRA'];
  const keyspace = `crashes_${Date.now().toString(36)}`;
  if (external !== undefined && external !== '') {
    const config = cassandraConfig({ contactPoints: [external], keyspace });
    return { config, together: false, remove: () => Promise.resolve() };
  }
  const ring = await startRing({ nodes: 3, volatileSchema: true });
  const { localDataCenter } = ring;
  return {
    config: cassandraConfig({ contactPoints: [...ring.contactPoints], keyspace, repfactor: 3, localDataCenter }),
    together: false,
    remove: () => ring.stop(),
  };
}

function withGc(config: PithosConfig): PithosConfig {
  const gc = { interval: '0', grace: `${GRACE_MS}ms`, 'intent-lease': `${GRACE_MS}ms` };
  return { ...config, service: { ...(config['service'] as object), workers: 1 }, gc };
}

function clientOf(server: Pick<PithosProcess, 'url'>, maxAttempts = 1): S3Client {
  const { accessKeyId, secretAccessKey } = MASTER_KEY;
  const credentials = { accessKeyId, secretAccessKey };
  return new S3Client({ endpoint: server.url, region: REGION, forcePathStyle: true, maxAttempts, credentials });
}

describe.each([
  ['the embedded store', embedded],
  ['Cassandra', onCassandra],
] as const)('gateways that die on %s', (_name, makePlace) => {
  let place: Place;
  let config: PithosConfig;
  /** One that lives on. */
  let survivor: PithosProcess;
  let s3: S3Client;

  beforeAll(async () => {
    place = await makePlace();
    config = withGc(place.config);
    survivor = await spawnPithos({ config, bootstrap: 'regions' in config });
    s3 = clientOf(survivor, 5);
  });
  afterAll(async () => {
    s3.destroy();
    await survivor.stop();
    await place.remove();
  });

  const command = async (...args: readonly string[]): Promise<{ readonly code: number; readonly report: unknown }> => {
    const argv = [path.join('dist', 'server'), ...args, '--json', '-f', survivor.configFile];
    const { code, stdout, stderr } = await run(process.execPath, argv, { cwd: REPOSITORY, timeoutMs: 300_000 });
    expect(stdout, stderr).not.toBe('');
    return { code, report: JSON.parse(stdout) as unknown };
  };

  /** A quota that nothing reaches: changes are counted, and in the end fsck compares the counters. */
  const count = async (bucket: string): Promise<void> => {
    const body = JSON.stringify({ bytes: 2 ** 40 });
    const answer = await callAdmin(survivor, MASTER_KEY, { method: 'PUT', path: `/buckets/${bucket}/quota`, body });
    expect(answer.status).toBe(200);
  };

  /** The sweeper passes until nothing waits; then everything has to be in order. */
  const settle = async (): Promise<void> => {
    interface Backlog {
      readonly regions: readonly { readonly backlog: Readonly<Record<string, { readonly entries: number }>> }[];
    }
    await expect
      .poll(
        async () => {
          const { code, report } = await command('gc', '--drain');
          expect(code).toBe(0);
          const [region] = (report as Backlog).regions;
          return Object.values(region?.backlog ?? {}).map(({ entries }) => entries);
        },
        { timeout: 240_000, interval: 2_000 },
      )
      .toEqual([0, 0, 0]);
    const { code, report } = await command('fsck', '--data', '--min-age', '0');
    expect(report).toMatchObject({
      problems: [],
      figures: { orphans: 0, youngBlobs: 0, backlogBlobs: 0, pendingKeys: 0 },
    });
    expect(code).toBe(0);
  };

  /** Begins operations in a gateway that dies when each has done so many steps, or has come to its end. */
  const dieAt = async (step: number, subjects: readonly Subject[]): Promise<Death> => {
    expect(step, subjects.map(({ name }) => name).join()).toBeLessThan(MAX_STEPS);
    const env = { NODE_OPTIONS: `--import ${HOOK}`, PITHOS_TEST_CRASH_AT: String(step) };
    const prepared = await Promise.all(
      subjects.map(async (one) => ({ ...one, ...(await one.prepare(s3, one.Bucket, `${one.name}/${step}`)) })),
    );
    const victim = await spawnPithos({ config, env });
    const crashing = clientOf(victim);
    process.kill(victim.pid, 'SIGUSR2');
    await expect.poll(() => victim.logs(), { timeout: 60_000, interval: 20 }).toContain('crash armed');
    const acknowledged = new Set<string>();
    const failed: string[] = [];
    const running = prepared.map(async ({ name, run: operation }) => {
      try {
        await operation(crashing);
        acknowledged.add(name);
      } catch (error) {
        failed.push(`${name}: ${String(error)}`);
      }
    });
    const standsStill = ({ Bucket }: Subject) => victim.logs().includes(`stands still: /${Bucket}/`);
    const pending = () => subjects.filter((one) => !acknowledged.has(one.name) && !standsStill(one));
    await expect
      .poll(() => [...pending().map(({ name }) => name), ...failed], {
        timeout: 60_000,
        interval: 20,
        message: `step ${step}`,
      })
      .toEqual([]);
    // One that answers may still have steps to do, and stand still at them.
    if (acknowledged.size > 0) await sleep(500);
    const died = new Set(subjects.filter(standsStill).map(({ name }) => name));
    await victim.kill();
    await victim.stop();
    await Promise.all(running);
    crashing.destroy();
    const ended = prepared.map(({ name, Bucket, before, after }) => ({
      name,
      Bucket,
      allowed: acknowledged.has(name) ? [after] : [before, after],
    }));
    return { died, ended };
  };

  it(
    'lose nothing and leave nothing, at whatever step of an operation they die',
    async () => {
      // In buckets of their own, so that none waits for another one that stands still.
      const subjects = OPERATIONS.map((operation, index) => ({ ...operation, Bucket: `crash-points-${index}` }));
      for (const { Bucket } of subjects) {
        await s3.send(new CreateBucketCommand({ Bucket }));
        await count(Bucket);
      }
      const outcomes: { readonly what: string; readonly Bucket: string; readonly allowed: readonly Contents[] }[] = [];
      const crashes = new Map<string, number>();
      await inParallel(place.together ? [subjects] : subjects.map((one) => [one]), 2, async (group) => {
        let left = group;
        for (let step = 0; left.length > 0; step++) {
          const { died, ended } = await dieAt(step, left);
          for (const { name, Bucket, allowed } of ended)
            outcomes.push({ what: `${name}, step ${step}`, Bucket, allowed });
          left = left.filter(({ name }) => died.has(name));
          for (const { name } of left) crashes.set(name, step + 1);
        }
      });
      expect(crashes.size).toBe(OPERATIONS.length);
      await settle();
      for (const { what, Bucket, allowed } of outcomes) {
        const found = await contentsOf(s3, Bucket, allowed[0]?.keys() ?? []);
        expect(
          allowed.some((contents) => same(contents, found)),
          what,
        ).toBe(true);
      }
      process.stdout.write(`crashes: ${[...crashes].map(([name, steps]) => `${name} ${steps}`).join(', ')}\n`);
    },
    TEST_MS,
  );

  it(
    'lose nothing and leave nothing, killed at random under load',
    async () => {
      const Bucket = 'crash-load';
      await s3.send(new CreateBucketCommand({ Bucket }));
      await count(Bucket);
      const gateways = await Promise.all([0, 1].map(() => spawnPithos({ config })));
      /** What each key may be: what was acknowledged last, and all that was tried after it. */
      const possible = new Map<string, (Buffer | null)[]>();
      let acknowledged = 0;
      let kills = 0;
      const isOver = () => kills >= KILLS && acknowledged >= ACKNOWLEDGED;
      const worker = async (number: number): Promise<void> => {
        for (let turn = 0; !isOver(); turn++) {
          const gateway = gateways[(number + turn) % gateways.length];
          if (gateway?.running !== true) {
            await sleep(20);
            continue;
          }
          const client = clientOf(gateway);
          const Key = `${number}/${turn % 7}`;
          const Body = turn % 5 === 4 ? null : bytes(turn % 2 === 0 ? 200 * KIB : 100, 1 + (turn % 200));
          const tried = [...(possible.get(Key) ?? [null]), Body];
          possible.set(Key, tried);
          try {
            await (Body === null
              ? client.send(new DeleteObjectCommand({ Bucket, Key }))
              : client.send(new PutObjectCommand({ Bucket, Key, Body })));
            possible.set(Key, [Body]);
            acknowledged += 1;
          } catch {
            // Done or not.
          } finally {
            client.destroy();
          }
        }
      };
      const killer = async (): Promise<void> => {
        while (!isOver()) {
          await sleep(300 + Math.random() * 1_500);
          const at = kills % gateways.length;
          await gateways[at]?.kill();
          kills += 1;
          gateways[at] = await spawnPithos({ config });
        }
      };
      await Promise.all([killer(), ...Array.from({ length: 8 }, (_, number) => worker(number))]);
      await Promise.all(gateways.map((gateway) => gateway.stop()));
      await settle();
      const found = await contentsOf(s3, Bucket, possible.keys());
      for (const [key, contents] of possible) {
        const content = found.get(key) ?? null;
        const known = contents.some((one) =>
          one === null || content === null ? one === content : one.equals(content),
        );
        expect(known, key).toBe(true);
      }
      process.stdout.write(`load: ${acknowledged} acknowledged, ${kills} gateways killed\n`);
    },
    TEST_MS,
  );
});
