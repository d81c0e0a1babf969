// Starts one Cassandra node and hands out the handle that tests hold.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { rssBytesOf } from '../support/processes.mjs';
import { configFile, jvmCommandLine, MODULE_ARGS, savedStoragePort, writeConfig } from './config.mjs';
import { ensureCassandraInstalled } from './install.mjs';
import { freePort } from './ports.mjs';
import { answersCql } from './probe.mjs';
import { livePid, ServerProcess } from './server-process.mjs';

const execute = promisify(execFile);

const POLL_MS = 100;
const READY_TIMEOUT_MS = 300_000;
const NODETOOL_TIMEOUT_MS = 120_000;
const CQL_LISTENING = 'Starting listening for CQL clients';
const SUPERUSER_CREATED = "Created default superuser role 'cassandra'";

/** @type {typeof import('./index.d.mts').startNode} */
export async function startNode(options = {}) {
  const node = await launchNode(options);
  if (options.keepData !== true && usesPasswords(options.extraConfig)) {
    try {
      await node.waitForLog(SUPERUSER_CREATED, options.readyTimeoutMs ?? READY_TIMEOUT_MS, options.signal);
    } catch (error) {
      await node.stop();
      throw error;
    }
  }
  return node;
}

/**
 * startNode without the wait for the default superuser, which in a ring only one of the nodes creates.
 * @param {import('./index.d.mts').StartNodeOptions} options
 */
export async function launchNode(options) {
  const { listenAddress = '127.0.0.1', heapMb = 1024, jmx = false, detached = false, keepData = false } = options;
  const install = await ensureCassandraInstalled(options.signal ? { signal: options.signal } : {});
  const ports = { hosts: [listenAddress] };
  const nativePort = options.nativePort ?? (await freePort(ports));
  const saved = keepData && options.dir !== undefined ? savedStoragePort(path.resolve(options.dir)) : undefined;
  const storagePort = options.storagePort ?? saved ?? (await freePort(ports));
  const jmxPort = jmx ? await freePort() : undefined;
  const isTemporary = options.dir === undefined;
  const dir =
    options.dir === undefined ? mkdtempSync(path.join(os.tmpdir(), 'pithos-cassandra-')) : path.resolve(options.dir);
  const settings = {
    dir,
    clusterName: options.clusterName ?? 'pithos-test',
    listenAddress,
    seeds: options.seeds ?? [listenAddress],
    nativePort,
    storagePort,
    jmxPort,
    heapMb,
    dc: options.dc ?? 'datacenter1',
    rack: options.rack ?? 'rack1',
    initialToken: options.initialToken ?? '0',
    extraConfig: options.extraConfig ?? {},
    volatileSchema: options.volatileSchema ?? false,
    jvmArgs: options.jvmArgs ?? [],
    tuning: options.tuning ?? 'quickStart',
  };
  prepareDir(dir, keepData);
  writeConfig(settings);
  const node = new Node({
    settings,
    install,
    isTemporary,
    detached,
    readyTimeoutMs: options.readyTimeoutMs ?? READY_TIMEOUT_MS,
  });
  await node.start(options.signal);
  return node;
}

/**
 * @param {string} dir
 * @param {boolean} keepData
 */
function prepareDir(dir, keepData) {
  const pid = livePid(dir);
  if (pid !== undefined) throw new Error(`A Cassandra node already runs on ${dir}: process ${pid}`);
  mkdirSync(dir, { recursive: true });
  if (keepData) return;
  // Only what this harness made is emptied: somebody's own data folder must not be.
  if (existsSync(path.join(dir, 'data')) && !existsSync(configFile(dir))) {
    throw new Error(`${dir} holds data that is not from this harness; give another folder`);
  }
  for (const folder of ['data', 'log', 'tmp']) rmSync(path.join(dir, folder), { recursive: true, force: true });
}

/** @typedef {import('./index.d.mts').CassandraNode} CassandraNode */

/** @implements {CassandraNode} */
export class Node {
  #settings;
  #install;
  #isTemporary;
  #detached;
  #readyTimeoutMs;
  /** @type {ServerProcess | undefined} */
  #process;
  #logStart = 0;
  startupMs = 0;
  /** Wall clock at the spawn of the present process, to compare with times in logs. */
  spawnedAtMs = 0;

  /**
   * @param {{
   *   settings: import('./config.mjs').NodeSettings,
   *   install: import('./index.d.mts').Install,
   *   isTemporary: boolean,
   *   detached: boolean,
   *   readyTimeoutMs: number,
   * }} parts
   */
  constructor({ settings, install, isTemporary, detached, readyTimeoutMs }) {
    this.#settings = settings;
    this.#install = install;
    this.#isTemporary = isTemporary;
    this.#detached = detached;
    this.#readyTimeoutMs = readyTimeoutMs;
  }

  get pid() {
    return this.#process?.pid ?? 0;
  }
  get running() {
    return this.#process !== undefined && !this.#process.exited;
  }
  get address() {
    return this.#settings.listenAddress;
  }
  get nativePort() {
    return this.#settings.nativePort;
  }
  get storagePort() {
    return this.#settings.storagePort;
  }
  get jmxPort() {
    return this.#settings.jmxPort;
  }
  get contactPoint() {
    return `${this.address}:${this.nativePort}`;
  }
  get localDataCenter() {
    return this.#settings.dc;
  }
  get clusterName() {
    return this.#settings.clusterName;
  }
  get dir() {
    return this.#settings.dir;
  }
  get logFile() {
    return path.join(this.dir, 'log', 'cassandra.log');
  }

  /**
   * The first start: a folder made for it goes when it fails.
   * @param {AbortSignal} [signal]
   */
  async start(signal) {
    try {
      await this.#launch(signal);
    } catch (error) {
      this.#removeTemporary();
      throw error;
    }
  }

  /** @param {AbortSignal} [signal] */
  async #launch(signal) {
    const { dir } = this;
    this.#logStart = existsSync(this.logFile) ? statSync(this.logFile).size : 0;
    const spawnedMs = performance.now();
    this.spawnedAtMs = Date.now();
    this.#process = new ServerProcess({
      command: this.#install.java,
      args: jvmCommandLine(this.#settings, this.#install),
      dir,
      logFile: this.logFile,
      detached: this.#detached,
    });
    try {
      await this.#waitForCql(signal);
    } catch (error) {
      await this.kill();
      throw error;
    }
    this.startupMs = Math.round(performance.now() - spawnedMs);
  }

  /** @param {AbortSignal | undefined} signal */
  async #waitForCql(signal) {
    const target = { host: this.address, port: this.nativePort, tls: requiresTls(this.#settings.extraConfig) };
    const deadlineMs = performance.now() + this.#readyTimeoutMs;
    await this.waitForLog(CQL_LISTENING, this.#readyTimeoutMs, signal);
    while (!(await answersCql(target))) await this.#pause(deadlineMs, 'CQL does not answer', signal);
  }

  /**
   * Waits until the present process has logged `text`.
   * @param {string} text
   * @param {number} timeoutMs
   * @param {AbortSignal} [signal]
   */
  async waitForLog(text, timeoutMs, signal) {
    const deadlineMs = performance.now() + timeoutMs;
    while (!this.log().includes(text)) await this.#pause(deadlineMs, `the log does not say "${text}"`, signal);
  }

  /**
   * @param {number} deadlineMs
   * @param {string} what
   * @param {AbortSignal | undefined} signal
   */
  async #pause(deadlineMs, what, signal) {
    const reason = !this.running
      ? `it ended by itself (${this.#process?.exitReason})`
      : performance.now() > deadlineMs
        ? `${what} in time`
        : undefined;
    if (reason !== undefined) {
      throw new Error(`Cassandra on ${this.contactPoint} is not up: ${reason}. End of its log:\n${this.logTail()}`);
    }
    await sleep(POLL_MS, undefined, signal ? { signal } : {});
  }

  /** What the present process has logged. */
  log() {
    return existsSync(this.logFile) ? readFileSync(this.logFile).subarray(this.#logStart).toString('utf8') : '';
  }

  /** @param {number} [lines] */
  logTail(lines = 40) {
    return this.log().trimEnd().split('\n').slice(-lines).join('\n');
  }

  async stop() {
    // Nobody misses the data of a temporary folder, and a drain takes seconds.
    await (this.#isTemporary ? this.#process?.kill() : this.#process?.stop());
    this.#removeTemporary();
  }

  async kill() {
    await this.#process?.kill();
  }

  #removeTemporary() {
    if (this.#isTemporary) rmSync(this.dir, { recursive: true, force: true });
  }

  async restart() {
    await this.#process?.stop();
    if (!existsSync(this.dir))
      throw new Error(`${this.dir} was removed with the node; give startNode a dir to restart it`);
    await this.#launch();
  }

  pause() {
    this.#process?.signal('SIGSTOP');
  }

  resume() {
    this.#process?.signal('SIGCONT');
  }

  rssBytes() {
    if (!this.running) throw new Error(`Cassandra on ${this.contactPoint} is not running`);
    return rssBytesOf(this.pid);
  }

  /** @param {...string} args */
  async nodetool(...args) {
    if (this.jmxPort === undefined) throw new Error('nodetool needs a node that was started with jmx: true');
    const { java, libDir } = this.#install;
    const logback = `-Dlogback.configurationFile=${path.join(this.dir, 'conf', 'logback.xml')}`;
    const jvm = [
      ...MODULE_ARGS,
      '-XX:TieredStopAtLevel=1',
      '-Xmx64m',
      logback,
      `-Dcassandra.config=file://${configFile(this.dir)}`,
    ];
    const command = ['org.apache.cassandra.tools.NodeTool', '-h', '127.0.0.1', '-p', String(this.jmxPort), ...args];
    const { stdout } = await execute(java, [...jvm, '-cp', path.join(libDir, '*'), ...command], {
      cwd: this.dir,
      timeout: NODETOOL_TIMEOUT_MS,
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout;
  }
}

/** @param {Readonly<Record<string, unknown>> | undefined} extraConfig */
export function usesPasswords(extraConfig) {
  return JSON.stringify(extraConfig?.['authenticator'] ?? '').includes('PasswordAuthenticator');
}

/** @param {Readonly<Record<string, unknown>>} extraConfig */
function requiresTls(extraConfig) {
  const tls = extraConfig['client_encryption_options'];
  if (typeof tls !== 'object' || tls === null || !('enabled' in tls) || tls.enabled !== true) return false;
  return !('optional' in tls && tls.optional === true);
}
