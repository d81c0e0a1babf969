// A ring of Cassandra nodes on 127.0.0.1, 127.0.0.2 ... with the same ports on each.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import cassandra from 'cassandra-driver';
import { savedStoragePort } from './config.mjs';
import { ensureCassandraInstalled } from './install.mjs';
import { launchNode, usesPasswords } from './node.mjs';
import { freePort } from './ports.mjs';

const READY_TIMEOUT_MS = 300_000;
const UP_TIMEOUT_MS = 180_000;
const POLL_MS = 200;
const MAX_NODES = 8;

/** @typedef {import('./node.mjs').Node} Node */

/** @type {typeof import('./index.d.mts').startRing} */
export async function startRing(options = {}) {
  const { nodes: count = 3, heapMb = 512, keepData = false, readyTimeoutMs = READY_TIMEOUT_MS } = options;
  if (!Number.isInteger(count) || count < 1 || count > MAX_NODES)
    throw new RangeError(`nodes must be 1 to ${MAX_NODES}`);
  await ensureCassandraInstalled(options.signal ? { signal: options.signal } : {});
  const hosts = Array.from({ length: count }, (_, index) => `127.0.0.${index + 1}`);
  const nativePort = options.nativePort ?? (await freePort({ hosts }));
  const isTemporary = options.dir === undefined;
  const dir =
    options.dir === undefined ? mkdtempSync(path.join(os.tmpdir(), 'pithos-ring-')) : path.resolve(options.dir);
  const saved = keepData ? savedStoragePort(path.join(dir, 'node1')) : undefined;
  const storagePort = options.storagePort ?? saved ?? (await freePort({ hosts }));
  // One node that does not start stops the wait for the others.
  const failure = new AbortController();
  const signal = AbortSignal.any([failure.signal, ...(options.signal ? [options.signal] : [])]);
  const launches = await Promise.allSettled(
    hosts.map((listenAddress, index) =>
      launchNode({
        ...options,
        signal,
        dir: path.join(dir, `node${index + 1}`),
        listenAddress,
        // Every node is a seed: none has to be there before another, and any can come back while others are down.
        seeds: hosts,
        nativePort,
        storagePort,
        heapMb,
        keepData,
        dc: at(options.datacenters, index, 'datacenter1'),
        rack: at(options.racks, index, 'rack1'),
        initialToken: tokenOf(index, count),
        readyTimeoutMs,
      }).catch((error) => {
        failure.abort(error);
        throw error;
      }),
    ),
  );
  const nodes = launches.flatMap((launch) => (launch.status === 'fulfilled' ? [launch.value] : []));
  const { extraConfig = {} } = options;
  const isOpen = !usesPasswords(extraConfig) && !('client_encryption_options' in extraConfig);
  const ring = new Ring({
    nodes,
    dir,
    isTemporary,
    isOpen,
  });
  try {
    failure.signal.throwIfAborted();
    await ring.waitUntilUp({ timeoutMs: UP_TIMEOUT_MS });
    if (!keepData && usesPasswords(options.extraConfig)) await ring.waitForSuperuser();
  } catch (error) {
    await ring.stop();
    throw error;
  }
  return ring;
}

/**
 * @param {readonly string[] | undefined} names
 * @param {number} index
 * @param {string} otherwise
 */
function at(names, index, otherwise) {
  return names?.[index] ?? names?.at(-1) ?? otherwise;
}

/**
 * Tokens that cut the Murmur3 range (-2^63 to 2^63 - 1) into equal parts.
 * @param {number} index
 * @param {number} count
 */
function tokenOf(index, count) {
  return String(-(2n ** 63n) + (2n ** 64n / BigInt(count)) * BigInt(index));
}

/** @typedef {import('./index.d.mts').CassandraRing} CassandraRing */

/** @implements {CassandraRing} */
class Ring {
  #isTemporary;
  #isOpen;

  /** @param {{ nodes: readonly Node[], dir: string, isTemporary: boolean, isOpen: boolean }} parts */
  constructor({ nodes, dir, isTemporary, isOpen }) {
    this.nodes = nodes;
    this.dir = dir;
    this.#isTemporary = isTemporary;
    this.#isOpen = isOpen;
  }

  get contactPoints() {
    return this.nodes.map((node) => node.contactPoint);
  }
  get nativePort() {
    return this.#first.nativePort;
  }
  get localDataCenter() {
    return this.#first.localDataCenter;
  }
  get #first() {
    const [first] = this.nodes;
    if (first === undefined) throw new Error('The ring has no node');
    return first;
  }

  /** @param {{ timeoutMs?: number }} [options] */
  async waitUntilUp({ timeoutMs = UP_TIMEOUT_MS } = {}) {
    const running = this.nodes.filter((node) => node.running);
    await poll(timeoutMs, 'The nodes of the ring do not all see each other', () =>
      running.every((node) => running.every((peer) => peer === node || lastSight(node, peer) === 'UP')),
    );
    if (this.#isOpen) await poll(timeoutMs, 'The nodes do not agree on peers and schema', () => agree(running));
  }

  /**
   * @param {import('./index.d.mts').CassandraNode} gone
   * @param {{ timeoutMs?: number }} [options]
   */
  async waitUntilDown(gone, { timeoutMs = UP_TIMEOUT_MS } = {}) {
    const target = this.nodes.find((node) => node.address === gone.address);
    if (target === undefined) throw new Error(`${gone.address} is not of this ring`);
    const watching = this.nodes.filter((node) => node.running && node !== target);
    await poll(timeoutMs, `Not all nodes see ${gone.address} down`, () =>
      watching.every((node) => lastSight(node, target) === 'DOWN'),
    );
  }

  async waitForSuperuser() {
    await poll(UP_TIMEOUT_MS, 'No node created the default superuser', () =>
      this.nodes.some((node) => node.log().includes('Created default superuser role')),
    );
  }

  async stop() {
    await Promise.all(this.nodes.map((node) => (this.#isTemporary ? node.kill() : node.stop())));
    if (this.#isTemporary) rmSync(this.dir, { recursive: true, force: true });
  }
}

/**
 * What `node` last logged about the present process of `peer`: gossip's own view, which no table of Cassandra shows.
 * @param {Node} node
 * @param {{ address: string, spawnedAtMs: number }} peer
 */
function lastSight(node, peer) {
  const line = new RegExp(`^(\\S+) (\\S+) .*/${peer.address.replaceAll('.', '\\.')}:\\d+ is now (UP|DOWN)`, 'gm');
  const [, day, time, state] = [...node.log().matchAll(line)].at(-1) ?? [];
  return Date.parse(`${day}T${time?.replace(',', '.')}Z`) >= peer.spawnedAtMs ? state : undefined;
}

/**
 * True when each node lists all others as peers, with its own schema version.
 * @param {readonly Node[]} nodes
 */
async function agree(nodes) {
  const views = await Promise.all(nodes.map((node) => viewOf(node)));
  return new Set(views.map((view) => view.schema)).size === 1 && views.every((view) => view.peers >= nodes.length - 1);
}

/** @param {Node} node */
async function viewOf(node) {
  const client = new cassandra.Client({
    contactPoints: [node.contactPoint],
    localDataCenter: node.localDataCenter,
    protocolOptions: { port: node.nativePort },
    policies: {
      loadBalancing: new cassandra.policies.loadBalancing.AllowListPolicy(
        new cassandra.policies.loadBalancing.DCAwareRoundRobinPolicy(node.localDataCenter),
        [node.contactPoint],
      ),
    },
  });
  try {
    const local = await client.execute('SELECT schema_version FROM system.local');
    const peers = await client.execute('SELECT schema_version FROM system.peers_v2');
    const own = String(local.first()['schema_version']);
    return { schema: own, peers: peers.rows.filter((row) => String(row['schema_version']) === own).length };
  } finally {
    await client.shutdown();
  }
}

/**
 * @param {number} timeoutMs
 * @param {string} failure
 * @param {() => boolean | Promise<boolean>} isDone
 */
async function poll(timeoutMs, failure, isDone) {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await isDone())) {
    if (performance.now() > deadlineMs) throw new Error(`${failure} after ${timeoutMs} ms`);
    await sleep(POLL_MS);
  }
}
