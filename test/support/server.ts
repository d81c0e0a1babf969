// Runs the built gateway as its users do: `node dist/server -f pithos.yaml`, in a process of its own.
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import { freePort } from '../cassandra/index.mjs';
import type { PithosConfig } from './config.js';
import { boundToThisProcess, peakRssBytesOf, rssBytesOf } from './processes.mjs';
import { run } from './run.js';
import type { RunResult } from './run.js';

export * from './config.js';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const SERVER = path.join('dist', 'server');
const READY_TIMEOUT_MS = 120_000;
/** A ring of nodes that share two cores with others takes minutes for the schema. */
const BOOTSTRAP_TIMEOUT_MS = 300_000;
// Longer than the gateway gives its open requests.
const STOP_GRACE_MS = 90_000;
const KILL_GRACE_MS = 10_000;
const PROBE_TIMEOUT_MS = 2_000;
const POLL_MS = 50;
/** Logs kept in memory; the oldest go first. */
const MAX_LOG_CHARS = 8 * 1024 * 1024;

export interface SpawnOptions {
  /** A configuration, or the text of a pithos.yaml. service.host and service.port are put in where they are missing. */
  readonly config: PithosConfig | string;
  /** Variables added to this process's; undefined takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Arguments after `-f FILE`. */
  readonly args?: readonly string[];
  /** True runs `bootstrap` on the same configuration first. Default false. */
  readonly bootstrap?: boolean;
  /** Default `http`. */
  readonly scheme?: 'http' | 'https';
  /** How long the start may take until the port answers. Default 120,000. */
  readonly readyTimeoutMs?: number;
}

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface PithosProcess {
  readonly pid: number;
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly configFile: string;
  readonly running: boolean;
  /** SIGTERM, then SIGKILL after 90 s: longer than a server takes to drain. Answers how the process ended, also when it already has. */
  stop(): Promise<ExitStatus>;
  /** SIGKILL. */
  kill(): Promise<ExitStatus>;
  /** Resident memory now. */
  rssBytes(): number;
  /** Highest resident memory so far (Linux). */
  peakRssBytes(): number;
  /** What the process has printed, standard output and error in the order of arrival. */
  logs(): string;
}

/** Starts the built gateway and resolves when its port answers HTTP. Fails with its logs when it exits or is not up in time. */
export async function spawnPithos(options: SpawnOptions): Promise<PithosProcess> {
  if (!existsSync(path.join(REPOSITORY, `${SERVER}.js`))) throw new Error(`${SERVER}.js is not there: npm run build`);
  const { env = {}, args = [], scheme = 'http', readyTimeoutMs = READY_TIMEOUT_MS } = options;
  const { config, host, port } = await withAddress(options.config);
  const dir = await mkdtemp(path.join(os.tmpdir(), 'pithos-server-'));
  const gateway = { configFile: path.join(dir, 'pithos.yaml'), host, port, url: `${scheme}://${host}:${port}` };
  try {
    await writeFile(gateway.configFile, stringify(config), { mode: 0o600 });
    if (options.bootstrap === true) await bootstrapOk(gateway.configFile, env);
    const server = new Gateway({ ...gateway, dir, env, args });
    try {
      await server.untilAnswering(readyTimeoutMs);
    } catch (error) {
      await server.kill();
      throw error;
    }
    return server;
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

/** Runs `node dist/server bootstrap -f configFile` and answers how it ended. */
export function bootstrap(
  configFile: string,
  options: { readonly env?: SpawnOptions['env']; readonly timeoutMs?: number } = {},
): Promise<RunResult> {
  const { env = {}, timeoutMs = BOOTSTRAP_TIMEOUT_MS } = options;
  const args = [path.join(REPOSITORY, SERVER), 'bootstrap', '-f', configFile];
  return run(process.execPath, args, { env: { PITHOS_CONFIGURATION: undefined, ...env }, timeoutMs });
}

/** Runs `node dist/server ARGS` and answers how it ended. */
export function pithos(args: readonly string[], options: { readonly timeoutMs?: number } = {}): Promise<RunResult> {
  const { timeoutMs = 100_000 } = options;
  const env = { PITHOS_CONFIGURATION: undefined };
  return run(process.execPath, [SERVER, ...args], { cwd: REPOSITORY, env, timeoutMs });
}

async function bootstrapOk(configFile: string, env: NonNullable<SpawnOptions['env']>): Promise<void> {
  const { code, stdout, stderr } = await bootstrap(configFile, { env });
  if (code !== 0) throw new Error(`bootstrap ended with exit code ${code}:\n${stdout}${stderr}`);
}

/** Reads a configuration and settles where the gateway will listen. */
async function withAddress(given: PithosConfig | string) {
  const config: unknown = typeof given === 'string' ? parse(given) : given;
  if (!isRecord(config)) throw new TypeError('A Pithos configuration is a map');
  const { service: givenService = {} } = config;
  if (!isRecord(givenService)) throw new TypeError('service is a map');
  const host = typeof givenService['host'] === 'string' ? givenService['host'] : '127.0.0.1';
  const port = typeof givenService['port'] === 'number' ? givenService['port'] : await freePort({ hosts: [host] });
  return { host, port, config: { ...config, service: { ...givenService, host, port } } };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

class Gateway implements PithosProcess {
  readonly configFile: string;
  readonly host: string;
  readonly port: number;
  readonly url: string;
  readonly #dir: string;
  readonly #child: ChildProcessByStdio<null, Readable, Readable>;
  readonly #exit: Promise<ExitStatus>;
  readonly #killChild = () => this.#child.kill('SIGKILL');
  #status: ExitStatus | undefined;
  #logs = '';

  constructor(parts: {
    readonly configFile: string;
    readonly host: string;
    readonly port: number;
    readonly url: string;
    readonly dir: string;
    readonly env: NonNullable<SpawnOptions['env']>;
    readonly args: readonly string[];
  }) {
    this.configFile = parts.configFile;
    this.host = parts.host;
    this.port = parts.port;
    this.url = parts.url;
    this.#dir = parts.dir;
    const command = boundToThisProcess(process.execPath, [SERVER, '-f', parts.configFile, ...parts.args]);
    const env = { ...process.env, PITHOS_CONFIGURATION: undefined, ...parts.env };
    this.#child = spawn(command[0], command[1], { cwd: REPOSITORY, env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#logs = (this.#logs + text).slice(-MAX_LOG_CHARS);
      });
    }
    process.once('exit', this.#killChild);
    this.#exit = new Promise((resolve) => {
      const ended = (status: ExitStatus) => {
        this.#status = status;
        process.removeListener('exit', this.#killChild);
        resolve(status);
      };
      this.#child.once('error', (error) => {
        this.#logs += error.message;
        ended({ code: null, signal: null });
      });
      // Not 'exit': the last lines of the log come after it.
      this.#child.once('close', (code, signal) => {
        ended({ code, signal });
      });
    });
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error('The gateway did not start');
    return this.#child.pid;
  }

  get running(): boolean {
    return this.#status === undefined;
  }

  async untilAnswering(timeoutMs: number): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    while (!(await answersHttp(this.url))) {
      if (!this.running) throw new Error(`The gateway ended before it answered. Its log:\n${this.logs()}`);
      if (performance.now() > deadlineMs) {
        throw new Error(`The gateway does not answer on ${this.url} after ${timeoutMs} ms. Its log:\n${this.logs()}`);
      }
      await sleep(POLL_MS);
    }
    if (!this.running) throw new Error(`Another server answers on ${this.url}; the gateway's log:\n${this.logs()}`);
  }

  async stop(): Promise<ExitStatus> {
    if (this.running) this.#child.kill('SIGTERM');
    const status = (await this.#within(STOP_GRACE_MS)) ?? (await this.kill());
    await rm(this.#dir, { recursive: true, force: true });
    return status;
  }

  async kill(): Promise<ExitStatus> {
    if (this.running) this.#child.kill('SIGKILL');
    const status = await this.#within(KILL_GRACE_MS);
    if (status === undefined) throw new Error(`Process ${this.pid} did not die of SIGKILL`);
    return status;
  }

  async #within(timeoutMs: number): Promise<ExitStatus | undefined> {
    const timer = new AbortController();
    const expiry = sleep(timeoutMs, undefined, { signal: timer.signal }).catch(() => undefined);
    const status = await Promise.race([this.#exit, expiry]);
    timer.abort();
    return status;
  }

  rssBytes(): number {
    return rssBytesOf(this.pid);
  }

  peakRssBytes(): number {
    return peakRssBytesOf(this.pid);
  }

  logs(): string {
    return this.#logs;
  }
}

/** True when the server gives any HTTP answer. Its certificate is not the question here. */
function answersHttp(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const options = { timeout: PROBE_TIMEOUT_MS, agent: false };
    const request = url.startsWith('https:')
      ? https.get(url, { ...options, rejectUnauthorized: false })
      : http.get(url, options);
    request.once('response', (response) => {
      response.resume();
      resolve(true);
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => {
      resolve(false);
    });
    request.once('close', () => {
      resolve(false);
    });
  });
}
