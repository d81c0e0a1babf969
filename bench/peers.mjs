// Pithos on the embedded store beside other S3 servers, one after another on an otherwise quiet machine, under the same load generator.
//
//   npm run build && node bench/peers.mjs --s3load ./s3load --versitygw ./versitygw --minio ./minio --weed ./weed
//   ... --seconds 8 --rounds 3 --out docs/performance/peers.json
//
// The programs are not ours and have to be there: s3load signs requests of fixed sizes over fixed connections and prints a line of JSON.
// Each figure is the median of its rounds; rounds of all servers alternate, so that what else the machine does meets all of them.
// Only Pithos syncs what it acknowledges to the disk; the others are taken as they come.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { freePort, run, startGateway } from './lib/processes.mjs';
import { ACCESS_KEY, SECRET_KEY } from './lib/signing.mjs';

const { values: options } = parseArgs({
  options: {
    s3load: { type: 'string' },
    versitygw: { type: 'string' },
    minio: { type: 'string' },
    weed: { type: 'string' },
    seconds: { type: 'string', default: '6' },
    rounds: { type: 'string', default: '3' },
    out: { type: 'string' },
  },
});
if (options.s3load === undefined) throw new Error('--s3load names the load generator');
const MIB = 1024 * 1024;

const SCENARIOS = [
  { name: 'PUT 4 KiB', op: 'put', size: 4096, connections: 32, keys: 2000 },
  { name: 'GET 4 KiB', op: 'get', size: 4096, connections: 32, keys: 2000 },
  { name: 'HEAD', op: 'head', size: 4096, connections: 32, keys: 2000 },
  { name: 'LIST 1,000 keys', op: 'list', size: 4096, connections: 8, keys: 2000 },
  { name: 'PUT 1 MiB', op: 'put', size: MIB, connections: 8, keys: 100 },
  { name: 'GET 1 MiB', op: 'get', size: MIB, connections: 8, keys: 100 },
  { name: 'PUT 64 MiB', op: 'put', size: 64 * MIB, connections: 2, keys: 8 },
  { name: 'GET 64 MiB', op: 'get', size: 64 * MIB, connections: 2, keys: 8 },
];

/** How each server is told its folder, port and keys. */
const SERVERS = {
  pithos: async () => startGateway({ workers: os.availableParallelism(), cassandra: null }),
  versitygw: (dir, port) =>
    peer(options.versitygw, ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', dir], port, {
      ROOT_ACCESS_KEY: ACCESS_KEY,
      ROOT_SECRET_KEY: SECRET_KEY,
    }),
  minio: (dir, port) =>
    peer(options.minio, ['server', '--quiet', '--address', `127.0.0.1:${port}`, dir], port, {
      MINIO_ROOT_USER: ACCESS_KEY,
      MINIO_ROOT_PASSWORD: SECRET_KEY,
    }),
  seaweedfs: async (dir, port) => {
    const config = path.join(dir, 's3.json');
    const credentials = [{ accessKey: ACCESS_KEY, secretKey: SECRET_KEY }];
    const actions = ['Admin', 'Read', 'List', 'Tagging', 'Write'];
    await writeFile(config, JSON.stringify({ identities: [{ name: 'bench', credentials, actions }] }));
    const [master, volume, filer] = [await freePort(), await freePort(), await freePort()];
    const ports = [`-master.port=${master}`, `-volume.port=${volume}`, `-filer.port=${filer}`, `-s3.port=${port}`];
    const args = ['server', `-dir=${dir}`, '-ip=127.0.0.1', '-s3', `-s3.config=${config}`, '-volume.max=100', ...ports];
    return peer(options.weed, args, port, {});
  },
};
const present = Object.keys(SERVERS).filter(
  (name) => name === 'pithos' || options[name === 'seaweedfs' ? 'weed' : name] !== undefined,
);

async function peer(program, args, port, env) {
  const child = spawn(program, args, { stdio: 'ignore', env: { ...process.env, ...env } });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries++) {
    if (child.exitCode !== null) throw new Error(`${program} ended with exit code ${child.exitCode}`);
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      break;
    if (tries > 300) throw new Error(`${program} did not come up`);
    await sleep(100);
  }
  return {
    url,
    stop: async () => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), 10_000).unref();
      await ended;
    },
  };
}

async function load(url, { op, size, connections, keys }, seconds) {
  const args = ['-endpoint', url, '-ak', ACCESS_KEY, '-sk', SECRET_KEY, '-op', op, '-size', String(size)];
  args.push('-c', String(connections), '-keys', String(keys), '-d', `${seconds}s`, '-prefix', `s${size}-`);
  return JSON.parse((await run(args, { program: options.s3load })).trim().split('\n').at(-1));
}

async function measure(name, results) {
  const dir = await mkdtemp(path.join(os.tmpdir(), `bench-${name}-`));
  const server = await SERVERS[name](dir, await freePort());
  try {
    // The keys that are read have to be there.
    await load(server.url, SCENARIOS[0], 12);
    for (const scenario of SCENARIOS) {
      const figures = await load(server.url, scenario, Number(options.seconds));
      (results[scenario.name] ??= {})[name] ??= [];
      results[scenario.name][name].push(figures.ops_s);
      const failed = figures.errors > 0 ? `  ${figures.errors} failed: ${figures.first_error}` : '';
      process.stdout.write(
        `${name.padEnd(10)} ${scenario.name.padEnd(16)} ${figures.ops_s}/s  p99 ${figures.p99_ms} ms${failed}\n`,
      );
    }
  } finally {
    await server.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const results = {};
for (let round = 0; round < Number(options.rounds); round++) for (const name of present) await measure(name, results);

const others = present.filter((name) => name !== 'pithos');
const rows = SCENARIOS.map(({ name }) => {
  const medians = Object.fromEntries(present.map((server) => [server, median(results[name][server])]));
  const best = Math.max(...others.map((server) => medians[server]));
  return { scenario: name, ...medians, ratio: others.length === 0 ? null : medians.pithos / best };
});
const text = (value) => (value === null ? '' : value >= 100 ? String(Math.round(value)) : value.toPrecision(3));
const lines = [
  `| requests per second | ${present.join(' | ')} | Pithos to the best other |`,
  `|---|${'---|'.repeat(present.length + 1)}`,
  ...rows.map(
    (row) =>
      `| ${row.scenario} | ${present.map((server) => text(row[server])).join(' | ')} | ${row.ratio?.toFixed(2) ?? ''} |`,
  ),
];
process.stdout.write(`\n${lines.join('\n')}\n`);
if (options.out !== undefined) {
  const file = path.resolve(fileURLToPath(new URL('..', import.meta.url)), options.out);
  await writeFile(file, `${JSON.stringify({ cpus: os.availableParallelism(), rows, results }, null, 2)}\n`);
}
