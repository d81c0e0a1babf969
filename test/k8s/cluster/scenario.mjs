// What a cluster does with the manifests, on this machine: the nodes of Cassandra start and find each other by DNS, the bootstrap
// runs, the gateway serves and drains. Everything is run as the manifests say, on the ports, names and paths that they say, so it
// needs a network and file systems of its own: kubernetes.test.ts starts it by `unshare`. Argument: a file with the plan as JSON.
// The last line that it prints is a report as JSON.
import { execFile, execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { Client, policies } from 'cassandra-driver';
import { startDnsServer } from '../../support/dns-server.mjs';
import { APP, start, startContainer, untilListening } from './containers.mjs';

/** @typedef {import('./containers.mjs').ContainerPlan} ContainerPlan */
/** @typedef {import('./containers.mjs').Running} Running */

/**
 * A bootstrap and the gateway that follows it.
 * @typedef {object} Shape
 * @property {ContainerPlan} bootstrap
 * @property {ContainerPlan} gateway
 * @property {readonly string[]} preStop
 * @property {number} graceSeconds
 * @property {readonly { path: string, port: number }[]} probes what the kubelet asks by HTTP
 * @property {{ readonly accessKeyId: string, readonly secretAccessKey: string }} credentials
 */
/**
 * @typedef {object} Plan
 * @property {string} root the repository
 * @property {string} dir a folder for data
 * @property {readonly { hostname: string, command: readonly string[], env: Record<string, string> }[]} nodes
 * @property {Shape} seed
 * @property {Shape} overlay
 */

const DOMAIN = 'default.svc.cluster.local';
const DNS_ADDRESS = '127.0.0.53';
const CQL_PORT = 9042;
const S3_PORT = 8080;
const PATIENCE_MS = 900_000;
/** In which news of a node that has joined get round. */
const SETTLE_MS = 120_000;
const MIB = 1024 * 1024;
/** Sent while the gateway is told to end. */
const SLOW_PART_BYTES = 256 * 1024;
const SLOW_PARTS = 24;
const SLOW_PAUSE_MS = 500;

const plan = /** @type {Plan} */ (JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')));
/** @param {string} text */
const say = (text) => process.stdout.write(`${text}\n`);
/** @param {number} index */
const addressOf = (index) => `10.42.0.${index + 1}`;

/** File systems, addresses and names as a pod finds them. */
async function prepare() {
  /** @param {...string} command */
  const run = (...command) => execFileSync(command[0] ?? '', command.slice(1));
  run('mount', '--make-rprivate', '/');
  run('ip', 'link', 'set', 'lo', 'up');
  plan.nodes.forEach((_, index) => run('ip', 'address', 'add', `${addressOf(index)}/32`, 'dev', 'lo'));
  run('mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', '/mnt');
  for (const name of ['app', 'upper', 'work', 'bin']) mkdirSync(path.join('/mnt', name));
  run('mount', '--bind', plan.root, APP);
  run('mount', '-t', 'overlay', 'overlay', '-o', 'lowerdir=/etc,upperdir=/mnt/upper,workdir=/mnt/work', '/etc');
  writeFileSync(
    '/etc/resolv.conf',
    `nameserver ${DNS_ADDRESS}\nsearch ${DOMAIN} svc.cluster.local cluster.local\noptions ndots:5\n`,
  );
  const entrypoint = fileURLToPath(new URL('./cassandra-entrypoint.mjs', import.meta.url));
  writeFileSync('/mnt/bin/docker-entrypoint.sh', `#!/bin/sh\nexec '${process.execPath}' '${entrypoint}' "$@"\n`);
  chmodSync('/mnt/bin/docker-entrypoint.sh', 0o755);

  const dns = await startDnsServer({ host: DNS_ADDRESS, port: 53 });
  const hosts = plan.nodes.map(({ hostname }) => `${hostname}.cassandra.${DOMAIN}`);
  hosts.forEach((host, index) => dns.setAddresses(host, [addressOf(index)]));
  dns.setAddresses(
    `cassandra.${DOMAIN}`,
    plan.nodes.map((_, index) => addressOf(index)),
  );
  dns.setServices(
    `_cql._tcp.cassandra.${DOMAIN}`,
    hosts.map((target) => ({ target, port: CQL_PORT })),
  );
  return dns;
}

/** @returns {Promise<Running[]>} */
async function startRing() {
  const inherited = Object.fromEntries(
    ['JAVA_HOME', 'HOME'].flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name] ?? '']])),
  );
  const programs = `/mnt/bin:${path.dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
  const nodes = plan.nodes.map(({ hostname, command, env }, index) =>
    start(
      command,
      { ...inherited, ...env, PATH: programs, HOSTNAME: hostname, TEST_POD_IP: addressOf(index), TEST_DATA: plan.dir },
      plan.dir,
    ),
  );
  await Promise.all(
    nodes.map((node, index) =>
      untilListening({ host: addressOf(index), port: CQL_PORT, timeoutMs: PATIENCE_MS, process: node }),
    ),
  );
  return nodes;
}

/** @param {ContainerPlan} container */
async function runToEnd(container) {
  const running = startContainer(container);
  const code = await Promise.race([running.exit, sleep(PATIENCE_MS, null, { ref: false })]);
  return { code, log: running.log };
}

/**
 * Asks until it is answered 200, as the kubelet does, and answers the last status.
 * @param {{ path: string, port: number }} probe
 */
async function probed({ path: asked, port }) {
  const deadlineMs = performance.now() + SETTLE_MS;
  for (;;) {
    const { status } = await fetch(`http://127.0.0.1:${port}${asked}`);
    if (status === 200 || performance.now() > deadlineMs) return status;
    await sleep(500);
  }
}

/** @param {Shape} shape */
async function serveAndDrain({ gateway, preStop, graceSeconds, probes, credentials }) {
  const running = startContainer(gateway);
  await untilListening({ host: '127.0.0.1', port: S3_PORT, timeoutMs: PATIENCE_MS, process: running });
  const answers = await Promise.all(probes.map(probed));
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${S3_PORT}`,
    region: 'myregion',
    forcePathStyle: true,
    credentials,
    maxAttempts: 1,
  });
  /** @param {string} key */
  const read = async (key) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: 'foobar', Key: key }));
    return Buffer.from((await Body?.transformToByteArray()) ?? []);
  };
  await client.send(new CreateBucketCommand({ Bucket: 'foobar' }));
  const data = Buffer.alloc(3 * MIB, 'pithos');
  await client.send(new PutObjectCommand({ Bucket: 'foobar', Key: 'large', Body: data }));
  await client.send(new PutObjectCommand({ Bucket: 'foobar', Key: 'small', Body: 'small' }));
  const roundTrip = data.equals(await read('large')) && (await read('small')).toString() === 'small';

  // As the kubelet ends a pod: preStop, then SIGTERM, all within the grace period.
  const slow = putSlowly(await getSignedUrl(client, new PutObjectCommand({ Bucket: 'foobar', Key: 'slow' })));
  const stoppingMs = performance.now();
  const [program = 'true', ...args] = preStop;
  await promisify(execFile)(program, args);
  running.kill('SIGTERM');
  const inFlight = await slow;
  const code = await running.exit;
  client.destroy();
  const inTime = performance.now() - stoppingMs < graceSeconds * 1000;
  return { answers, roundTrip, inFlight, code, inTime, log: running.log };
}

/**
 * An upload that takes longer than preStop, so that its end comes after the signal. Answers the status, or what went wrong.
 * @param {string} url
 * @returns {Promise<number | string>}
 */
async function putSlowly(url) {
  const headers = { 'content-length': SLOW_PARTS * SLOW_PART_BYTES };
  const request = http.request(url, { method: 'PUT', headers, agent: false });
  /** @type {Promise<number | string>} */
  const answer = new Promise((resolve) => {
    request.on('error', (error) => resolve(String(error)));
    request.on('response', (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
  });
  for (let part = 0; part < SLOW_PARTS && !request.destroyed; part += 1) {
    request.write(Buffer.alloc(SLOW_PART_BYTES, part));
    await sleep(SLOW_PAUSE_MS);
  }
  request.end();
  return answer;
}

/** As the first node sees it, once that sees all. */
async function lookAtRing() {
  const first = `${addressOf(0)}:${CQL_PORT}`;
  const { AllowListPolicy, RoundRobinPolicy } = policies.loadBalancing;
  const client = new Client({
    contactPoints: [first],
    policies: { loadBalancing: new AllowListPolicy(new RoundRobinPolicy(), [first]) },
    localDataCenter: 'datacenter1',
    protocolOptions: { port: CQL_PORT, maxVersion: 4 },
  });
  await client.connect();
  const { rows } = await client.execute(
    "SELECT name, value FROM system_views.settings WHERE name IN ('commitlog_sync', 'paxos_variant')",
  );
  const racksNow = async () => {
    const local = await client.execute('SELECT rack FROM system.local');
    const peers = await client.execute('SELECT rack FROM system.peers_v2');
    return [...local.rows, ...peers.rows].map((row) => row['rack']).sort();
  };
  const deadlineMs = performance.now() + SETTLE_MS;
  let racks = await racksNow();
  while (racks.length < plan.nodes.length && performance.now() < deadlineMs) {
    await sleep(500);
    racks = await racksNow();
  }
  return { client, settings: Object.fromEntries(rows.map((row) => [row['name'], row['value']])), racks };
}

const dns = await prepare();
const nodes = await startRing();
say('the ring is up');
const { client, settings, racks } = await lookAtRing();
/** @type {Record<string, unknown>} */
const report = { settings, racks, questions: [] };

report['seed'] = { bootstrap: await runToEnd(plan.seed.bootstrap), ...(await serveAndDrain(plan.seed)) };
say('the seed has been served');
await client.execute('DROP KEYSPACE storage', [], { readTimeout: 120_000 });

const first = await runToEnd(plan.overlay.bootstrap);
const again = await runToEnd(plan.overlay.bootstrap);
report['overlay'] = { bootstrap: first, again, ...(await serveAndDrain(plan.overlay)) };
say('the overlay has been served');
report['questions'] = [...new Set(dns.questions)];
report['nodesRunning'] = nodes.filter((node) => !node.ended).length;
await client.shutdown();
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit());
