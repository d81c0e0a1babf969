// One Cassandra JVM as an operating system process: spawn, signals, exit, memory, and never left behind.
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { boundToThisProcess } from '../support/processes.mjs';
import { configFile } from './config.mjs';

const STOP_GRACE_MS = 20_000;
const KILL_GRACE_MS = 10_000;

/** @param {string} dir */
export function pidFile(dir) {
  return path.join(dir, 'cassandra.pid');
}

export class ServerProcess {
  #child;
  #dir;
  #exited = false;
  #killChild = () => this.signal('SIGKILL');
  /** @type {Promise<void>} */
  #exit;

  /** @param {{ command: string, args: readonly string[], dir: string, logFile: string, detached: boolean }} options */
  constructor({ command, args, dir, logFile, detached }) {
    this.#dir = dir;
    const log = openSync(logFile, 'a');
    try {
      const [file, argv] = detached ? [command, args] : boundToThisProcess(command, args);
      this.#child = spawn(file, argv, { stdio: ['ignore', log, log], detached, cwd: dir });
    } finally {
      closeSync(log);
    }
    /** What stopped the process or kept it from starting, for error messages. */
    this.exitReason = '';
    this.#exit = new Promise((resolve) => {
      this.#child.once('error', (error) => resolve(this.#ended(error.message)));
      this.#child.once('exit', (code, signal) => resolve(this.#ended(signal ?? `exit code ${code}`)));
    });
    if (this.#child.pid !== undefined) writeFileSync(pidFile(dir), String(this.#child.pid));
    if (detached) this.#child.unref();
    else process.once('exit', this.#killChild);
  }

  /** @param {string} reason */
  #ended(reason) {
    this.#exited = true;
    this.exitReason = reason;
    process.removeListener('exit', this.#killChild);
    rmSync(pidFile(this.#dir), { force: true });
  }

  get pid() {
    return this.#child.pid ?? 0;
  }

  get exited() {
    return this.#exited;
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    if (!this.#exited) this.#child.kill(signal);
  }

  /** SIGTERM, then SIGKILL. */
  async stop() {
    this.signal('SIGCONT');
    this.signal('SIGTERM');
    if (!(await this.#exitsWithin(STOP_GRACE_MS))) await this.kill();
  }

  async kill() {
    this.signal('SIGKILL');
    if (!(await this.#exitsWithin(KILL_GRACE_MS))) throw new Error(`Process ${this.pid} did not die of SIGKILL`);
  }

  /** @param {number} timeoutMs */
  async #exitsWithin(timeoutMs) {
    if (this.#exited) return true;
    const timer = new AbortController();
    const expiry = sleep(timeoutMs, false, { signal: timer.signal }).catch(() => false);
    const inTime = await Promise.race([this.#exit.then(() => true), expiry]);
    timer.abort();
    return inTime;
  }
}

/**
 * The process id in the pid file of `dir`, if that process lives and is a server on `dir`.
 * @param {string} dir
 * @returns {number | undefined}
 */
export function livePid(dir) {
  if (!existsSync(pidFile(dir))) return undefined;
  const pid = Number(readFileSync(pidFile(dir), 'utf8'));
  return Number.isInteger(pid) && pid > 0 && commandLine(pid).includes(configFile(dir)) ? pid : undefined;
}

/** @param {number} pid */
function commandLine(pid) {
  try {
    if (existsSync('/proc/self/cmdline')) return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8', timeout: 10_000 });
  } catch {
    // No such process.
    return '';
  }
}
