// What the client tests share: folders of files to move about, and plain HTTP requests under any host name.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { runOk } from './tools.js';

const REQUEST_TIMEOUT_MS = 60_000;
const MAX_FAULTS = 20;
const LOG_TIMEOUT_MS = 60_000;

/** A folder of a suite's own. */
export class WorkDir {
  readonly path: string;

  constructor(dir: string) {
    this.path = dir;
  }

  at(...parts: readonly string[]): string {
    return path.join(this.path, ...parts);
  }

  /** Writes a file with the folders above it, and answers its whole path. */
  async write(name: string, content: string | Uint8Array): Promise<string> {
    const file = this.at(name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
    return file;
  }

  async writeAll(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
    for (const [name, content] of Object.entries(files)) await this.write(name, content);
  }

  /** Makes an empty folder, and answers its whole path. */
  async folder(name: string): Promise<string> {
    await rm(this.at(name), { recursive: true, force: true });
    await mkdir(this.at(name), { recursive: true });
    return this.at(name);
  }

  read(name: string): Promise<Buffer> {
    return readFile(this.at(name));
  }

  /** The files under a folder by their paths below it, as text. */
  async tree(name: string): Promise<Record<string, string>> {
    const entries = await readdir(this.at(name), { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
    const pairs = files.map(
      async (file) => [path.relative(this.at(name), file), await readFile(file, 'utf8')] as const,
    );
    return Object.fromEntries((await Promise.all(pairs)).sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** The work folder of the suite that this is called in; it can be used in hooks and tests. */
export function useWorkDir(): () => WorkDir {
  let workDir: WorkDir | null = null;
  beforeAll(async () => {
    workDir = new WorkDir(await mkdtemp(path.join(os.tmpdir(), 'pithos-clients-')));
  });
  afterAll(async () => {
    if (workDir !== null) await rm(workDir.path, { recursive: true, force: true });
  });
  return () => {
    if (workDir === null) throw new Error('the work folder is made by a hook that has not run');
    return workDir;
  };
}

/** Shows what a gateway has logged as errors when a test of this suite fails: clients tell only that there was one. */
export function showFaultsOf(wire: { readonly server: { logs(): string } }): void {
  let seenChars = 0;
  beforeEach(() => {
    seenChars = wire.server.logs().length;
  });
  afterEach(({ task }) => {
    if (task.result?.state !== 'fail') return;
    const lines = wire.server.logs().slice(seenChars).split('\n');
    const faults = lines.filter((line) => !line.startsWith('{') || /"level":"(error|fatal)"/.test(line));
    process.stderr.write(`${faults.slice(0, MAX_FAULTS).join('\n')}\n`);
  });
}

export interface HttpAnswer {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** GET of a URL at a gateway's address, whatever host the URL names: what a browser gets when DNS leads it there. */
export function httpGet(gateway: { readonly host: string; readonly port: number }, url: string): Promise<HttpAnswer> {
  const { host: hostHeader, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const { host, port } = gateway;
    const headers = { host: hostHeader };
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const request = http.get({ host, port, path: pathname + search, headers, agent: false, signal }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.once('error', reject);
      response.once('end', () => {
        const body = Buffer.concat(pieces).toString('utf8');
        resolve({ status: response.statusCode, headers: response.headers, body });
      });
    });
    request.once('error', reject);
  });
}

/** Waits until a gateway has logged an operation on a key so often; the log comes through a pipe, after the answer. */
export async function expectLogged(
  server: { logs(): string },
  { bucket, key, operation, times = 1 }: Logged & { readonly times?: number },
): Promise<void> {
  const count = () =>
    server
      .logs()
      .split('\n')
      .map(parseLine)
      .filter((entry) => entry.bucket === bucket && entry.key === key && entry.operation === operation).length;
  await expect.poll(count, { timeout: LOG_TIMEOUT_MS, message: `${operation} of ${key}` }).toBe(times);
}

interface Logged {
  readonly bucket: string;
  readonly key: string;
  readonly operation: string;
}

// The log is read while it is written: its last line may be half there.
function parseLine(line: string): Partial<Logged> {
  if (!line.startsWith('{')) return {};
  try {
    return JSON.parse(line) as Partial<Logged>;
  } catch {
    return {};
  }
}

export interface Scenarios {
  readonly names: readonly string[];
  /** Fails with the traceback when the scenario does. */
  run(options: {
    readonly python: string;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly name: string;
    readonly settings: Readonly<Record<string, unknown>>;
  }): Promise<void>;
}

/** The functions of a Python file that are marked `@scenario`, and a way to run them. */
export async function pythonScenarios(file: string): Promise<Scenarios> {
  const names = [...(await readFile(file, 'utf8')).matchAll(/^@scenario\ndef (\w+)\(/gm)].map(([, name = '']) => name);
  if (names.length === 0) throw new Error(`${file} has no scenarios`);
  return {
    names,
    run: async ({ python, env, name, settings }) => {
      await runOk(python, ['-B', file, name, JSON.stringify(settings)], { env });
    },
  };
}
