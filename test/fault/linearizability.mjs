// Hours of test/fault/linearizability.test.ts in one command: checks that PUT, GET, DELETE, their conditions and listings are
// linearizable key by key while nodes and gateways are killed and paused, on a ring of its own.
//
//   npm run build && node test/fault/linearizability.mjs --operations 100000 --seed 1 --json report.json
//   node test/fault/linearizability.mjs --store embedded --operations 50000
//   node test/fault/linearizability.mjs --mode quorum --operations 5000 --max-skew-ms 2000
//
// `--mode quorum` checks a quorum bucket, with one writer of a key at a time, for what such buckets promise.
//
// Prints a progress line and, at the end, a summary; `--json` writes the report, `--history` all operations, a line of JSON each,
// `--logs` what the last gateways logged. Exits with 1 when anything is wrong.
import { writeFile } from 'node:fs/promises';
import { register } from 'node:module';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { startRing } from '../cassandra/index.mjs';

register('../support/typescript-hooks.mjs', import.meta.url);
/** @type {typeof import('./linearizability/experiment.js')} */
const { runExperiment } = await import(new URL('./linearizability/experiment.ts', import.meta.url).href);

const { values } = parseArgs({
  options: {
    store: { type: 'string', default: 'cassandra' },
    mode: { type: 'string', default: 'linearizable' },
    operations: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
    gateways: { type: 'string', default: '3' },
    clients: { type: 'string', default: '18' },
    keys: { type: 'string', default: '6' },
    'operations-per-key': { type: 'string', default: '1000' },
    'max-skew-ms': { type: 'string', default: '10000' },
    'max-minutes': { type: 'string', default: '120' },
    faults: { type: 'string', default: 'kill-node,pause-node,kill-gateway,pause-gateway' },
    'pause-between-faults-s': { type: 'string', default: '5-20' },
    'commitlog-sync': { type: 'string', default: 'batch' },
    'heap-mb': { type: 'string', default: '512' },
    json: { type: 'string' },
    history: { type: 'string' },
    logs: { type: 'string' },
  },
});

const embedded = values.store === 'embedded';
const { mode } = values;
if (mode !== 'linearizable' && mode !== 'quorum') throw new RangeError('--mode is linearizable or quorum');
const faults = values.faults.split(',').filter((blow) => blow !== '' && !(embedded && blow.endsWith('-node')));
const [from = 5, to = 20] = values['pause-between-faults-s'].split('-').map(Number);

let shown = 0;
/** @param {string} line */
function progress(line) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line.slice(0, (process.stderr.columns ?? 100) - 1)}`);
  else if (performance.now() - shown > 10_000) {
    shown = performance.now();
    process.stderr.write(`${line}\n`);
  }
}

/**
 * Cassandra acknowledges what it has not synced yet unless it is told to sync first ('batch'); a node that is killed may then have
 * forgotten the last tenth of a second, promises of lightweight transactions too.
 * @param {string} sync
 */
function commitLog(sync) {
  return sync === 'periodic' ? {} : { commitlog_sync: sync, commitlog_sync_period: '0ms' };
}

console.log(`seed ${values.seed}`);
const ring = embedded
  ? null
  : await startRing({ heapMb: Number(values['heap-mb']), extraConfig: commitLog(values['commitlog-sync']) });
let report;
try {
  report = await runExperiment({
    ring,
    mode,
    seed: Number(values.seed),
    operations: Number(values.operations),
    gateways: embedded ? 1 : Number(values.gateways),
    clients: Number(values.clients),
    keys: Number(values.keys),
    operationsPerKey: Number(values['operations-per-key']),
    maxSkewMs: Number(values['max-skew-ms']),
    blows: /** @type {readonly import('./linearizability/nemesis.js').Blow[]} */ (faults),
    pauseMs: { from: from * 1000, to: to * 1000 },
    maxDurationMs: Number(values['max-minutes']) * 60_000,
    progress,
  });
} finally {
  await ring?.stop();
}

const { history, logs, ...rest } = report;
if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(rest, null, 2)}\n`);
if (values.history !== undefined)
  await writeFile(values.history, history.map((operation) => `${JSON.stringify(operation)}\n`).join(''));
if (values.logs !== undefined) await writeFile(values.logs, logs);
const { verdicts, anomalies, lost, events, ...summary } = rest;
process.stderr.write('\n');
const { outcomes, latencyMs, ...figures } = summary;
console.log(figures);
console.table(outcomes);
console.table(latencyMs);
console.log(`${events.length} events of the nemesis, ${verdicts.checked} histories checked`);
for (const { key, view, kind, reason, excerpt } of verdicts.findings)
  console.log(`${kind} of ${key} as ${view}: ${reason}\n${excerpt.join('\n')}`);
for (const anomaly of anomalies) console.log(`anomaly: ${anomaly}`);
for (const one of lost) console.log(`lost: ${one}`);
const bad = verdicts.findings.length + anomalies.length + lost.length;
console.log(
  `${summary.operations} operations, ${verdicts.findings.length} violations, ${lost.length} acknowledged objects lost`,
);
process.exitCode = bad === 0 ? 0 : 1;
