// How cost grows with work: gateways and nodes of Cassandra, connections of large transfers, and the delay of the event loop.
//
//   npm run build && node bench/scaling.mjs                                # all of it; starts and ends all it needs
//   node bench/scaling.mjs --parts memory,delay --seconds 10 --out docs/performance/scaling.json
//
// ring    4 KiB PUT and GET over 1 and 2 gateways on rings of 1 and 3 nodes. Where all of them share the cores of one machine, the
//         throughput cannot grow; what an operation costs the gateways must not either.
// memory  16 MiB GET and PUT by 1, 10, 100 and 1,000 connections: the resident memory of one worker at its highest.
// delay   the 99th percentile of the event loop's delay while 256 connections read, write and delete 4 KiB. It is sampled by a
//         timer of 10 ms, so that an idle process shows 10 to 11 ms.
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { fill, measure } from './lib/http-load.mjs';
import { family, freePort, startGateway } from './lib/processes.mjs';
import { ask } from './lib/signing.mjs';

const MIB = 1024 * 1024;
const SMALL_BYTES = 4096;
const LARGE_BYTES = 16 * MIB;

const { values: options } = parseArgs({
  options: {
    parts: { type: 'string', default: 'memory,delay,ring' },
    stores: { type: 'string', default: 'embedded,cassandra' },
    seconds: { type: 'string', default: '8' },
    connections: { type: 'string', default: '1,10,100,1000' },
    nodes: { type: 'string', default: '1,3' },
    gateways: { type: 'string', default: '1,2' },
    'heap-mb': { type: 'string', default: '1024' },
    out: { type: 'string' },
  },
});
const list = (text) => text.split(',');
const numbers = (text) => list(text).map(Number);
const seconds = Number(options.seconds);

async function bucketOf(url) {
  const bucket = `bench-${randomBytes(6).toString('hex')}`;
  await ask(url, 'PUT', `/${bucket}`);
  return bucket;
}

async function withRing(nodes, use) {
  const { startRing } = await import('../test/cassandra/index.mjs');
  const ring = await startRing({ nodes, tuning: 'throughput', heapMb: Number(options['heap-mb']) });
  try {
    const contactPoint = ring.nodes.map((node) => node.contactPoint).join(',');
    return await use({ contactPoint, keyspace: `bench_${randomBytes(4).toString('hex')}`, repfactor: nodes });
  } finally {
    await ring.stop();
  }
}

/** Calls `use` with gateways on the store, and ends them. */
async function withGateways({ count = 1, workers = 1, cassandra = null, options: config = {} }, use) {
  const gateways = [];
  try {
    for (let i = 0; i < count; i++) gateways.push(await startGateway({ workers, cassandra, options: config }));
    return await use(gateways);
  } finally {
    for (const gateway of gateways) await gateway.stop();
  }
}

const onStore = (store, use) => (store === 'embedded' ? use(null) : withRing(1, use));

/** The highest resident memory counts anew from now on. Linux. */
function resetPeak(pid) {
  for (const member of family(pid)) writeFileSync(`/proc/${member}/clear_refs`, '5');
}

async function memory(store) {
  return onStore(store, (cassandra) =>
    withGateways({ cassandra }, async ([gateway]) => {
      const bucket = await bucketOf(gateway.url);
      await fill({ url: gateway.url, bucket, size: LARGE_BYTES });
      const rows = [];
      for (const operation of ['get', 'put']) {
        for (const connections of numbers(options.connections)) {
          resetPeak(gateway.pid);
          const load = {
            url: gateway.url,
            pid: gateway.pid,
            bucket,
            operation,
            size: LARGE_BYTES,
            connections,
            seconds,
          };
          const { peakRssMib, perSecond, failed } = await measure(load);
          rows.push({ part: 'memory', store, operation, connections, peakRssMib, perSecond, failed });
          show(rows.at(-1));
        }
      }
      return rows;
    }),
  );
}

/** The worst delay of a worker's event loop since the figures were last asked for, ms. */
async function loopDelayMs(healthPort) {
  const text = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
  const found = [...text.matchAll(/^nodejs_eventloop_lag_p99_seconds(?:\{[^}]*\})? (\S+)$/gm)].map(([, value]) =>
    Number(value),
  );
  if (found.length === 0) throw new Error('the metrics have no delay of the event loop');
  return Math.max(...found) * 1000;
}

async function delay(store) {
  return onStore(store, async (cassandra) => {
    const healthPort = await freePort();
    const config = { service: { host: '127.0.0.1', port: await freePort(), workers: 1, 'health-port': healthPort } };
    return withGateways({ cassandra, options: config }, async ([gateway]) => {
      const bucket = await bucketOf(gateway.url);
      await fill({ url: gateway.url, bucket, size: SMALL_BYTES });
      const load = { url: gateway.url, pid: gateway.pid, bucket, size: SMALL_BYTES, connections: 256 };
      await measure({ ...load, operation: 'mixed', seconds: 2 });
      await loopDelayMs(healthPort);
      const { perSecond, p99Ms, failed } = await measure({ ...load, operation: 'mixed', seconds });
      const row = { part: 'delay', store, connections: 256, loopDelayP99Ms: await loopDelayMs(healthPort) };
      show({ ...row, perSecond, p99Ms, failed });
      return [{ ...row, perSecond, p99Ms, failed }];
    });
  });
}

async function ring() {
  const rows = [];
  for (const nodes of numbers(options.nodes)) {
    await withRing(nodes, async (cassandra) => {
      for (const gatewayCount of numbers(options.gateways)) {
        await withGateways({ count: gatewayCount, cassandra }, async (gateways) => {
          const bucket = await bucketOf(gateways[0].url);
          await fill({ url: gateways[0].url, bucket, size: SMALL_BYTES });
          for (const operation of ['put', 'get']) {
            const load = { bucket, operation, size: SMALL_BYTES, connections: 32 / gatewayCount, seconds };
            const figures = await Promise.all(gateways.map(({ url, pid }) => measure({ url, pid, ...load })));
            const perSecond = figures.reduce((sum, figure) => sum + figure.perSecond, 0);
            const cpuMsPerOperation =
              figures.reduce((sum, figure) => sum + figure.cpuMsPerOperation * figure.perSecond, 0) / perSecond;
            const failed = figures.reduce((sum, figure) => sum + figure.failed, 0);
            const p99Ms = Math.max(...figures.map((figure) => figure.p99Ms));
            rows.push({
              part: 'ring',
              nodes,
              gateways: gatewayCount,
              operation,
              perSecond,
              cpuMsPerOperation,
              p99Ms,
              failed,
            });
            show(rows.at(-1));
          }
        });
      }
    });
  }
  return rows;
}

function show(row) {
  const text = (value) => (typeof value === 'number' ? Number(value.toPrecision(3)) : value);
  const entries = Object.entries(row).map(([name, value]) => `${name} ${text(value)}`);
  process.stdout.write(`${entries.join('  ')}\n`);
}

const rows = [];
for (const part of list(options.parts)) {
  if (part === 'ring') rows.push(...(await ring()));
  else for (const store of list(options.stores)) rows.push(...(await { memory, delay }[part](store)));
}
if (options.out !== undefined) {
  const facts = { node: process.version, cpus: os.availableParallelism(), model: os.cpus()[0]?.model, seconds };
  await writeFile(path.resolve(options.out), `${JSON.stringify({ facts, rows }, null, 2)}\n`);
}
