// The load test: signed requests by autocannon against a gateway, beside the ceilings of the same run: bare HTTP on Node, and the raw
// store (LMDB and files, or cassandra-driver).
//
//   npm run build && node bench/load.mjs                                 # both stores, everything; starts and ends all it needs
//   node bench/load.mjs --stores embedded --sizes 4096 --connections 32 --operations put,get --seconds 8
//   node bench/load.mjs --cassandra 127.0.0.1:9042                       # a ring that runs already
//   node bench/load.mjs --url http://127.0.0.1:8080                      # only load a gateway that runs; keys from PITHOS_ACCESS_KEY, ...
//   node bench/load.mjs --out docs/performance                           # JSON, SVG and the table of a full run
//
// Figures of one machine tell ratios, not truths, and only while nothing else runs on it.
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fill, firstByteMs, measure, multipart } from './lib/http-load.mjs';
import { run, startBare, startGateway } from './lib/processes.mjs';
import { plot, sizeText, table } from './lib/report.mjs';
import { ask } from './lib/signing.mjs';

const { values: options } = parseArgs({
  options: {
    stores: { type: 'string', default: 'embedded,cassandra' },
    operations: { type: 'string', default: 'put,get,head,list,delete,mixed' },
    sizes: { type: 'string', default: '1024,4096,65536,1048576,67108864' },
    connections: { type: 'string', default: '1,32,256' },
    seconds: { type: 'string', default: '4' },
    workers: { type: 'string', default: String(os.availableParallelism()) },
    'multipart-mib': { type: 'string', default: '1024' },
    cassandra: { type: 'string' },
    url: { type: 'string' },
    out: { type: 'string' },
    'no-ceilings': { type: 'boolean', default: false },
  },
});
const numbers = (text) => text.split(',').map(Number);
const seconds = Number(options.seconds);
const workers = Number(options.workers);
/** Operations whose cost does not depend on the size of objects are measured at one size. */
const SIZELESS = new Set(['list', 'delete']);
const LARGE_BYTES = 16 * 1024 * 1024;

function* scenarios() {
  const sizes = numbers(options.sizes);
  for (const connections of numbers(options.connections)) {
    for (const operation of options.operations.split(',')) {
      for (const size of SIZELESS.has(operation) ? [null] : operation === 'mixed' ? [4096] : sizes) {
        // 256 streams of 64 MiB measure the client's memory, not the server.
        if (connections > 32 && size !== null && size >= LARGE_BYTES) continue;
        yield { operation, size, connections };
      }
    }
  }
}

async function ceiling(script, spec) {
  const file = fileURLToPath(new URL(`ceilings/${script}.mjs`, import.meta.url));
  return JSON.parse(await run([file, JSON.stringify(spec)]));
}

async function startCassandra() {
  if (options.cassandra !== undefined) return { contactPoint: options.cassandra, stop: async () => undefined };
  const { startNode } = await import('../test/cassandra/index.mjs');
  const node = await startNode({ tuning: 'throughput', heapMb: 4096 });
  return { contactPoint: node.contactPoint, stop: () => node.stop() };
}

async function measureStore(store) {
  const ring = store === 'cassandra' && options.url === undefined ? await startCassandra() : null;
  const keyspace = `bench_${randomBytes(4).toString('hex')}`;
  const cassandra = ring === null ? null : { contactPoint: ring.contactPoint, keyspace };
  const gateway =
    options.url === undefined
      ? await startGateway({ workers, cassandra })
      : { url: options.url, pid: process.pid, stop: async () => undefined };
  const withCeilings = !options['no-ceilings'] && options.url === undefined;
  const bare = withCeilings ? await startBare({ workers }) : null;
  const rows = [];
  try {
    const bucket = `bench-${randomBytes(6).toString('hex')}`;
    await ask(gateway.url, 'PUT', `/${bucket}`);
    for (const size of new Set([4096, ...numbers(options.sizes)])) await fill({ url: gateway.url, bucket, size });
    for (const scenario of scenarios()) {
      const load = { bucket, ...scenario, seconds };
      const pithos = await measure({ url: gateway.url, pid: gateway.pid, ...load });
      const http = bare === null ? null : await measure({ url: bare.url, pid: bare.pid, ...load });
      const width = scenario.connections;
      const raw =
        !withCeilings || scenario.operation === 'mixed'
          ? null
          : await ceiling(store === 'embedded' ? 'raw-store' : 'raw-driver', {
              ...cassandra,
              operation: scenario.operation,
              size: scenario.size ?? 0,
              width,
              seconds,
            });
      const ratio = (other) => (other === null || other.perSecond === 0 ? null : pithos.perSecond / other.perSecond);
      const row = { store, ...scenario, pithos, http, raw, ofBare: ratio(http), ofRaw: ratio(raw) };
      rows.push(row);
      process.stdout.write(
        `${store} ${scenario.operation.padEnd(7)}${sizeText(scenario.size).padStart(8)} x${String(width).padEnd(4)}` +
          `${pithos.perSecond.toFixed(0).padStart(7)}/s ${pithos.mibPerSecond.toFixed(1).padStart(7)} MiB/s  p99 ${pithos.p99Ms} ms` +
          `  of bare ${row.ofBare?.toFixed(2) ?? '-'}  of raw ${row.ofRaw?.toFixed(2) ?? '-'}  failed ${pithos.failed}\n`,
      );
    }
    const firstByte = {};
    for (const size of numbers(options.sizes)) firstByte[size] = await firstByteMs({ url: gateway.url, bucket, size });
    const mib = Number(options['multipart-mib']);
    const large = mib === 0 ? null : await multipart({ url: gateway.url, bucket, mib });
    process.stdout.write(
      `${store} first byte (ms): ${JSON.stringify(firstByte)}\n${store} multipart: ${JSON.stringify(large)}\n`,
    );
    return { store, rows, firstByteMs: firstByte, multipart: large };
  } finally {
    await gateway.stop();
    await bare?.stop();
    await ring?.stop();
  }
}

const results = [];
for (const store of options.url === undefined ? options.stores.split(',') : ['url'])
  results.push(await measureStore(store));
if (options.out !== undefined) {
  await mkdir(options.out, { recursive: true });
  const facts = { node: process.version, cpus: os.cpus().length, model: os.cpus()[0]?.model, seconds, workers };
  await writeFile(path.join(options.out, 'results.json'), `${JSON.stringify({ facts, results }, null, 2)}\n`);
  for (const { store, rows } of results) await writeFile(path.join(options.out, `${store}.svg`), plot(rows, store));
  await writeFile(path.join(options.out, 'table.md'), `${table(results.flatMap(({ rows }) => rows))}\n`);
}
