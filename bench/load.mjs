// A load test with autocannon: signed requests against a gateway, a line per operation and size.
//
//   npm run build && node bench/load.mjs                       # a gateway of its own, embedded store in a temporary folder
//   node bench/load.mjs --url http://127.0.0.1:8080            # one that runs; keys from PITHOS_ACCESS_KEY, PITHOS_SECRET_KEY
//   node bench/load.mjs --operations put,get --sizes 4096,1048576 --connections 32 --seconds 8 --json results.json
//
// Every request carries its own SigV4 signature (UNSIGNED-PAYLOAD). Figures of one machine tell ratios, not truths: compare runs
// made one after another. docs/performance.md will keep those.
import { spawn } from 'node:child_process';
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import autocannon from 'autocannon';

const REGION = 'us-east-1';
const ACCESS_KEY = process.env.PITHOS_ACCESS_KEY ?? 'AKIAIOSFODNN7EXAMPLE';
const SECRET_KEY = process.env.PITHOS_SECRET_KEY ?? 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
/** Keys that reads and overwrites go round. */
const KEYS = 1000;

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' },
    operations: { type: 'string', default: 'put,get,head,list,delete' },
    sizes: { type: 'string', default: '1024,4096,65536,1048576' },
    connections: { type: 'string', default: '32' },
    seconds: { type: 'string', default: '5' },
    json: { type: 'string' },
  },
});

const hmac = (key, text) => createHmac('sha256', key).update(text).digest();
const sha256 = (text) => createHash('sha256').update(text).digest('hex');

/** Headers of a request, signed now. path holds no characters that need encoding; query is canonical already. */
function signed(method, host, requestPath, query = '') {
  const date = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = `${date.slice(0, 8)}/${REGION}/s3/aws4_request`;
  const names = 'host;x-amz-content-sha256;x-amz-date';
  const canonical = [
    method,
    requestPath,
    query,
    `host:${host}\nx-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:${date}\n`,
    names,
    'UNSIGNED-PAYLOAD',
  ].join('\n');
  const key = scope.split('/').reduce((secret, part) => hmac(secret, part), `AWS4${SECRET_KEY}`);
  const signature = hmac(key, `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(canonical)}`).toString('hex');
  return {
    host,
    'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
    'x-amz-date': date,
    authorization: `AWS4-HMAC-SHA256 Credential=${ACCESS_KEY}/${scope},SignedHeaders=${names},Signature=${signature}`,
  };
}

async function ask(url, method, requestPath, body, query = '') {
  const { host } = new URL(url);
  const target = `${url}${requestPath}${query === '' ? '' : `?${query}`}`;
  const response = await fetch(target, { method, headers: signed(method, host, requestPath, query), body });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${requestPath}: ${response.status} ${text}`);
}

/** One operation under load. keyOf numbers the requests. */
async function measure({ url, method, size, pathOf, query = '' }) {
  const { host } = new URL(url);
  const body = method === 'PUT' ? randomBytes(size) : undefined;
  let count = 0;
  const result = await autocannon({
    url,
    connections: Number(options.connections),
    duration: Number(options.seconds),
    requests: [
      {
        method,
        body,
        setupRequest: (request) => {
          const requestPath = pathOf(count++);
          return {
            ...request,
            path: query === '' ? requestPath : `${requestPath}?${query}`,
            headers: { ...request.headers, ...signed(method, host, requestPath, query) },
          };
        },
      },
    ],
  });
  const bytes = method === 'PUT' ? result.requests.total * size : result.throughput.total;
  return {
    perSecond: Math.round(result.requests.average),
    mibPerSecond: Math.round(bytes / result.duration / 1024 / 102.4) / 10,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    failed: result.non2xx + result.errors + result.timeouts,
  };
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A gateway on the embedded store that ends with the measurement. */
async function startGateway() {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'pithos-bench-'));
  const port = await freePort();
  const file = path.join(dir, 'pithos.yaml');
  await writeFile(
    file,
    JSON.stringify({
      service: { host: '127.0.0.1', port },
      logging: { level: 'warn' },
      options: { 'data-dir': path.join(dir, 'data') },
      keystore: { keys: { [ACCESS_KEY]: { tenant: 'bench', secret: SECRET_KEY } } },
    }),
  );
  const server = fileURLToPath(new URL('../dist/server.js', import.meta.url));
  const child = spawn(process.execPath, [server, '-f', file], { stdio: ['ignore', 'inherit', 'inherit'] });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 100; tries++) {
    if (child.exitCode !== null) throw new Error(`the gateway ended with exit code ${child.exitCode}`);
    const up = await fetch(url).then(
      () => true,
      () => false,
    );
    if (up) break;
    await sleep(100);
  }
  const stop = async () => {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
    await rm(dir, { recursive: true, force: true });
  };
  return { url, stop };
}

const gateway = options.url === undefined ? await startGateway() : { url: options.url, stop: async () => undefined };
const { url } = gateway;
const bucket = `bench-${randomBytes(6).toString('hex')}`;
const rows = [];
const report = (operation, size, figures) => {
  rows.push({ operation, size, ...figures });
  process.stdout.write(
    `${operation.padEnd(7)}${String(size ?? '').padStart(9)} B ${String(figures.perSecond).padStart(8)}/s ` +
      `${String(figures.mibPerSecond).padStart(8)} MiB/s  p50 ${figures.p50Ms} ms  p99 ${figures.p99Ms} ms  failed ${figures.failed}\n`,
  );
};
try {
  await ask(url, 'PUT', `/${bucket}`);
  const wanted = new Set(options.operations.split(','));
  for (const size of options.sizes.split(',').map(Number)) {
    const pathOf = (i) => `/${bucket}/${size}/${i % KEYS}`;
    for (let i = 0; i < KEYS; i += 50)
      await Promise.all(Array.from({ length: 50 }, (_, j) => ask(url, 'PUT', pathOf(i + j), randomBytes(size))));
    for (const method of ['PUT', 'GET', 'HEAD'])
      if (wanted.has(method.toLowerCase()))
        report(method.toLowerCase(), size, await measure({ url, method, size, pathOf }));
  }
  if (wanted.has('list'))
    report('list', null, await measure({ url, method: 'GET', pathOf: () => `/${bucket}`, query: 'list-type=2' }));
  if (wanted.has('delete'))
    report('delete', null, await measure({ url, method: 'DELETE', pathOf: (i) => `/${bucket}/gone/${i}` }));
  if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify({ options, rows }, null, 2)}\n`);
} finally {
  await gateway.stop();
}
