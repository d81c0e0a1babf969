#!/usr/bin/env node
// Runs Cassandra by hand: `node test/cassandra/cli.mjs --help`.
import { parseArgs } from 'node:util';
import { ensureCassandraInstalled, startNode, startRing, stopDetached } from './index.mjs';

const USAGE = `Usage: node test/cassandra/cli.mjs COMMAND [options]

  install            fetch the server with Maven
  start --dir DIR    run one node until Ctrl-C
  ring  --dir DIR    run a ring on 127.0.0.1, 127.0.0.2 ... until Ctrl-C
  stop  --dir DIR    stop what --detach left running

Options of start and ring:
  --detach           leave it running and return when it is up
  --fresh            empty the folder first (without it data is kept)
  --heap-mb N        Java heap of each node (start 1024, ring 512)
  --jmx              open JMX on a free port, for nodetool
  --nodes N          size of the ring (3)
  --port N           CQL port (9042)
  --throughput       full JIT, G1 and a heap of fixed size, for measurements
`;

const OPTIONS = /** @type {const} */ ({
  detach: { type: 'boolean', default: false },
  dir: { type: 'string' },
  fresh: { type: 'boolean', default: false },
  'heap-mb': { type: 'string' },
  help: { type: 'boolean', default: false },
  jmx: { type: 'boolean', default: false },
  nodes: { type: 'string', default: '3' },
  port: { type: 'string', default: '9042' },
  throughput: { type: 'boolean', default: false },
});

function parseCommandLine() {
  try {
    return parseArgs({ allowPositionals: true, options: OPTIONS });
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`, { cause: error });
  }
}

/** @typedef {ReturnType<typeof parseCommandLine>['values']} Values */

/** @param {string} text */
function say(text) {
  process.stdout.write(`${text}\n`);
}

/** @param {Values} values */
function dirOf(values) {
  if (values.dir === undefined) throw new Error(`--dir is missing\n\n${USAGE}`);
  return values.dir;
}

/**
 * @param {string} name
 * @param {string} text
 */
function wholeNumber(name, text) {
  if (!/^[1-9][0-9]*$/.test(text)) throw new Error(`--${name} must be a whole number, not "${text}"`);
  return Number(text);
}

/**
 * @param {Values} values
 * @param {AbortSignal} signal
 */
function startOptions(values, signal) {
  const heapMb = values['heap-mb'];
  return {
    dir: dirOf(values),
    keepData: !values.fresh,
    nativePort: wholeNumber('port', values.port),
    detached: values.detach,
    jmx: values.jmx,
    tuning: values.throughput ? /** @type {const} */ ('throughput') : /** @type {const} */ ('quickStart'),
    ...(heapMb !== undefined && { heapMb: wholeNumber('heap-mb', heapMb) }),
    signal,
  };
}

/** @param {import('./index.d.mts').CassandraNode} node */
function describe(node) {
  const jmx = node.jmxPort === undefined ? '' : `, JMX port ${node.jmxPort}`;
  return `${node.contactPoint} is up after ${node.startupMs} ms: process ${node.pid}${jmx}, log ${node.logFile}`;
}

/**
 * @param {readonly import('./index.d.mts').CassandraNode[]} nodes
 * @param {{ values: Values, signal: AbortSignal }} options
 */
async function serve(nodes, { values, signal }) {
  for (const node of nodes) say(describe(node));
  if (values.detach) return;
  say('Ctrl-C stops.');
  while (!signal.aborted && nodes.some((node) => node.running))
    await new Promise((resolve) => setTimeout(resolve, 200));
  await Promise.all(nodes.map((node) => node.stop()));
}

async function main() {
  const { values, positionals } = parseCommandLine();
  const interrupted = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => interrupted.abort());
  const { signal } = interrupted;
  switch (values.help ? 'help' : positionals[0]) {
    case 'install': {
      const install = await ensureCassandraInstalled({ signal });
      return say(`Cassandra ${install.version} is in ${install.libDir}`);
    }
    case 'start':
      return serve([await startNode(startOptions(values, signal))], { values, signal });
    case 'ring': {
      const ring = await startRing({ ...startOptions(values, signal), nodes: wholeNumber('nodes', values.nodes) });
      return serve(ring.nodes, { values, signal });
    }
    case 'stop': {
      const pids = await stopDetached({ dir: dirOf(values) });
      return say(pids.length === 0 ? 'Nothing was running.' : `Stopped ${pids.join(', ')}.`);
    }
    case 'help':
      return say(USAGE);
    default:
      throw new Error(USAGE);
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
