/** Several processes on one data directory: no lost update, acknowledged means visible to all, crashes harm nobody. */
import { fork, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openEmbeddedStores } from '../../src/store/embedded/index.js';
import type { BucketRecord, MetadataStore, Stores } from '../../src/store/types.js';
import { embeddedOptions, makeDataDir } from './embedded-stores.js';
import { allKeys, newBucket, range } from './suite/harness.js';
import { setNumber } from './support/embedded-worker.js';
import type { WorkerReport, WorkerStart, WorkerTask } from './support/embedded-worker.js';
import { transpileStores } from './support/transpile.js';
import type { Transpiled } from './support/transpile.js';

let transpiled: Transpiled;
let dataDir: string;
let stores: Stores;
let metadata: MetadataStore;
let bucket: BucketRecord;

beforeAll(async () => {
  transpiled = await transpileStores();
  dataDir = await makeDataDir();
  stores = await openEmbeddedStores(embeddedOptions(dataDir));
  const region = stores.regions.get('test-region');
  if (region === undefined) throw new Error('no region');
  metadata = region.metadata;
  bucket = (await stores.buckets.create(newBucket(region.name))).bucket;
});

afterAll(async () => {
  await stores.close();
  await rm(dataDir, { recursive: true, force: true });
  await transpiled.remove();
});

it('loses no update of one key to four processes', async () => {
  const task = { kind: 'count', key: 'counter', times: 100, width: 8 } as const;
  const workers = range(3).map(() => finished(startWorker(task)));
  const mine = Promise.all(range(100).map(() => setNumber(metadata, bucket, 'counter', (current) => current + 1)));
  await Promise.all([mine, ...workers]);
  expect(await numberOf('counter')).toBe(400);
});

it('sees what another process has acknowledged, at once', async () => {
  const worker = startWorker({ kind: 'announce', key: 'announced', upTo: 200 });
  const seen: (readonly [number, number])[] = [];
  let stale = 0;
  // keeps this process's read snapshots busy while the other one commits
  const busy = setInterval(() => {
    void numberOf('announced').then((value) => {
      if (value < (seen.at(-1)?.[0] ?? 0)) stale += 1;
    });
  }, 0);
  worker.on('message', (report: WorkerReport) => {
    if (!('acknowledged' in report)) return;
    void numberOf('announced').then((value) => {
      seen.push([report.acknowledged, value]);
      worker.send('go on');
    });
  });
  await finished(worker);
  clearInterval(busy);
  expect(seen).toEqual(range(200).map((i) => [i + 1, i + 1]));
  expect(stale).toBe(0);
});

it('keeps what a killed process had acknowledged, and goes on', async () => {
  for (const round of range(3)) {
    const prefix = `flood-${round}-`;
    const worker = startWorker({ kind: 'flood', prefix, width: 16 });
    const acknowledged = new Set<string>();
    await new Promise<void>((resolve, reject) => {
      worker.on('message', (report: WorkerReport) => {
        if ('failed' in report) reject(new Error(report.failed));
        if ('acknowledged' in report && acknowledged.add(prefix + String(report.acknowledged)).size === 200) resolve();
      });
    });
    const exited = once(worker, 'exit');
    worker.kill('SIGKILL');
    await exited;
    const present = new Set(await allKeys(metadata, bucket));
    expect([...acknowledged].filter((key) => !present.has(key))).toEqual([]);
    await setNumber(metadata, bucket, `after-${round}`, () => round);
    expect(await numberOf(`after-${round}`)).toBe(round);
  }
});

it('reports a full disk, writes nothing then, and goes on', async () => {
  const sizeBytes = 100_000;
  // a limit on the size of files stands in for the disk that is full
  const limited = ['-c', 'ulimit -f 8192; exec "$0" "$@"', process.execPath, workerFile(), 'embedded-worker'];
  const worker = spawn('/bin/sh', limited, { stdio: ['ignore', 'inherit', 'ignore', 'ipc'] });
  const acknowledged: number[] = [];
  const refused: string[] = [];
  worker.on('message', (report: WorkerReport) => {
    if ('acknowledged' in report) acknowledged.push(report.acknowledged);
    if ('refused' in report) refused.push(report.errorKind);
  });
  start(worker, { kind: 'fill', prefix: 'fill-', times: 120, sizeBytes });
  await finished(worker);

  expect(refused.length).toBeGreaterThan(10);
  expect(new Set(refused)).toEqual(new Set(['storage']));
  expect(acknowledged.length + refused.length).toBe(120);
  const present = await metadata.scanObjects(bucket, {
    from: 'fill-',
    inclusive: true,
    end: 'fill.',
    limit: 1000,
  });
  expect(present.map((entry) => entry.key).sort()).toEqual(acknowledged.map((i) => `fill-${i}`).sort());
  for (const i of acknowledged) {
    const version = await metadata.getVersion(bucket, `fill-${i}`, 'latest', { withInline: true });
    if (version?.data.kind !== 'inline') throw new Error('not inline');
    expect(version.data.bytes?.equals(Buffer.alloc(sizeBytes, 7))).toBe(true);
  }
  await setNumber(metadata, bucket, 'after-full', () => 1);
  expect(await numberOf('after-full')).toBe(1);
});

it('starts at the same time as others on an empty directory', async () => {
  const fresh = await makeDataDir();
  try {
    const opened = await Promise.allSettled(
      range(3).map(() => finished(startWorker({ kind: 'count', key: 'none', times: 0, width: 1 }, fresh))),
    );
    expect(opened.map((outcome) => (outcome.status === 'rejected' ? String(outcome.reason) : 'ok'))).toEqual([
      'ok',
      'ok',
      'ok',
    ]);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
});

function startWorker(task: WorkerTask, dir = dataDir): ChildProcess {
  const worker = fork(workerFile(), ['embedded-worker']);
  start(worker, task, dir);
  return worker;
}

function start(worker: ChildProcess, task: WorkerTask, dir = dataDir): void {
  const message: WorkerStart = { options: embeddedOptions(dir), bucket, task };
  worker.send(message);
}

function workerFile(): string {
  return transpiled.path('test/contract/support/embedded-worker.ts');
}

/** Rejects with what the worker says when it fails. */
async function finished(worker: ChildProcess): Promise<void> {
  let outcome = 'ended without a word';
  worker.on('message', (report: WorkerReport) => {
    if ('failed' in report) outcome = report.failed;
    if ('done' in report) outcome = 'done';
  });
  await once(worker, 'exit');
  expect(outcome).toBe('done');
}

async function numberOf(key: string): Promise<number> {
  const version = await metadata.getVersion(bucket, key, 'latest', { withInline: false });
  return Number(version?.headers['count'] ?? 0);
}
