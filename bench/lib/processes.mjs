// Processes under measurement: gateways and the bare server, with what they cost.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ACCESS_KEY, SECRET_KEY } from './signing.mjs';

const SERVER = fileURLToPath(new URL('../../dist/server.js', import.meta.url));
const BARE = fileURLToPath(new URL('../ceilings/bare-server.mjs', import.meta.url));
const CLOCK_TICKS_PER_SECOND = 100;

export async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A process and its workers: pids, the parent first. */
export function family(pid) {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  return [pid, ...children.flatMap(family)];
}

/** CPU time so far, seconds; resident memory at its highest, MiB (sum over the processes). Linux. */
export function costOf(pid) {
  let cpuSeconds = 0;
  let peakRssMib = 0;
  for (const member of family(pid)) {
    const fields = readFileSync(`/proc/${member}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    cpuSeconds += (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
    const [, kib = 0] = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${member}/status`, 'utf8')) ?? [];
    peakRssMib += Number(kib) / 1024;
  }
  return { cpuSeconds, peakRssMib };
}

async function started(child, url) {
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) throw new Error(`the server ended with exit code ${child.exitCode}`);
    const up = await fetch(url).then(
      () => true,
      () => false,
    );
    if (up) return;
    await sleep(100);
  }
  throw new Error(`the server at ${url} did not come up`);
}

async function stopped(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

/**
 * A gateway of its own. cassandra: `{ contactPoint, keyspace, repfactor? }` of a running ring, else the embedded store in a temporary folder.
 */
export async function startGateway({ workers, cassandra = null, options = {} }) {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'pithos-bench-'));
  const port = await freePort();
  const file = path.join(dir, 'pithos.yaml');
  const config = {
    service: { host: '127.0.0.1', port, workers },
    logging: { level: 'warn' },
    options: { 'default-region': 'us-east-1', ...(cassandra === null ? { 'data-dir': path.join(dir, 'data') } : {}) },
    keystore: { keys: { [ACCESS_KEY]: { tenant: 'bench', secret: SECRET_KEY } } },
    ...options,
  };
  const url = `http://127.0.0.1:${config.service.port}`;
  if (cassandra !== null) {
    const { contactPoint, keyspace, repfactor } = cassandra;
    const target = { cluster: contactPoint, keyspace, ...(repfactor === undefined ? {} : { repfactor }) };
    config.bucketstore = target;
    config.regions = { 'us-east-1': { metastore: target, 'storage-classes': { standard: target } } };
  }
  await writeFile(file, JSON.stringify(config));
  if (cassandra !== null) await run([SERVER, 'bootstrap', '-q', '-f', file]);
  const child = spawn(process.execPath, [SERVER, '-f', file], { stdio: ['ignore', 'ignore', 'inherit'] });
  await started(child, url);
  return {
    url,
    pid: child.pid,
    stop: async () => {
      await stopped(child);
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** The bare server: HTTP, a digest, nothing else. */
export async function startBare({ workers }) {
  const port = await freePort();
  const child = spawn(process.execPath, [BARE, String(port), String(workers)], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  await started(child, url);
  return { url, pid: child.pid, stop: () => stopped(child) };
}

/** Runs a script of this project, or another program, and answers what it printed. @throws Error when it fails */
export async function run(args, { program = process.execPath } = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const chunks = [];
  child.stdout.on('data', (chunk) => chunks.push(chunk));
  const code = await new Promise((resolve) => child.once('close', resolve));
  if (code !== 0) throw new Error(`${args.join(' ')} ended with exit code ${code}`);
  return Buffer.concat(chunks).toString();
}
