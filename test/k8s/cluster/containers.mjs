// Runs containers of manifests as processes: the image's entry point and environment, and the manifest's arguments, variables,
// configuration and security context. It does so inside the namespaces that scenario.mjs is started in.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** The image's own folder, and where its configuration is. */
export const APP = '/mnt/app';
const CONFIGURATION = '/etc/pithos';
const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const MAX_LOG_CHARS = 1024 * 1024;

/**
 * @typedef {object} ContainerPlan
 * @property {readonly string[]} entrypoint
 * @property {readonly string[]} args
 * @property {Readonly<Record<string, string>>} env of the manifest
 * @property {string} configuration content of pithos.yaml
 * @property {{ readonly user: number, readonly group: number } | null} restricted null: as the image says, nothing more
 */

export class Running {
  #log = '';
  #child;
  /** @type {Promise<number | null>} */
  exit;

  /** @param {import('node:child_process').ChildProcessByStdio<null, import('node:stream').Readable, import('node:stream').Readable>} child */
  constructor(child) {
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (/** @type {string} */ text) => {
        this.#log = (this.#log + text).slice(-MAX_LOG_CHARS);
      });
    }
    this.exit = once(child, 'close').then(([code]) => code);
  }

  get log() {
    return this.#log;
  }

  get ended() {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** @param {NodeJS.Signals} signal */
  kill(signal) {
    this.#child.kill(signal);
  }
}

/**
 * Starts a program with nothing in its environment but what is given.
 * @param {readonly string[]} command
 * @param {Readonly<Record<string, string>>} env
 * @param {string} cwd
 */
export function start([program = '', ...args], env, cwd) {
  return new Running(spawn(program, args, { cwd, env: { PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] }));
}

/**
 * A container of the project's image.
 * @param {ContainerPlan} plan
 */
export function startContainer({ entrypoint, args, env, configuration, restricted }) {
  mkdirSync(CONFIGURATION, { recursive: true });
  writeFileSync(`${CONFIGURATION}/pithos.yaml`, configuration);
  const command = [...entrypoint, ...args];
  const image = { NODE_ENV: 'production', PITHOS_CONFIGURATION: `${CONFIGURATION}/pithos.yaml` };
  return start(restricted === null ? command : restrict(command, restricted), { ...image, ...env }, APP);
}

/**
 * Another user, no capabilities, no new privileges, and a file system that is read-only but for an empty /tmp.
 * @param {readonly string[]} command
 * @param {{ readonly user: number, readonly group: number }} as
 */
function restrict(command, { user, group }) {
  const setup = [
    'for place in / /etc /mnt /mnt/app; do mount -o remount,bind,ro "$place"; done',
    'mount -t tmpfs tmpfs /tmp',
    'cd "$PWD"',
    `exec setpriv --reuid ${user} --regid ${group} --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all -- "$@"`,
  ];
  return ['unshare', '--mount', '--propagation', 'private', 'sh', '-ec', setup.join('\n'), 'sh', ...command];
}

/**
 * Resolves when a port accepts connections: what a tcpSocket probe asks.
 * @param {{ readonly host: string, readonly port: number, readonly timeoutMs: number, readonly process: Running }} options
 */
export async function untilListening({ host, port, timeoutMs, process: running }) {
  const deadlineMs = performance.now() + timeoutMs;
  while (!(await accepts(host, port))) {
    if (running.ended) throw new Error(`ended before it listened on ${host}:${port}:\n${running.log}`);
    if (performance.now() > deadlineMs) throw new Error(`nothing listens on ${host}:${port}:\n${running.log}`);
    await sleep(200);
  }
}

/**
 * @param {string} host
 * @param {number} port
 * @returns {Promise<boolean>}
 */
function accepts(host, port) {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
    socket.once('connect', () => socket.destroy());
  });
}
