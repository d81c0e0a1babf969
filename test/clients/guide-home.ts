// A folder to do in what a documentation page says, as somebody who has cloned the repository, built it and installed the clients.
import { mkdir, symlink } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PithosProcess } from '../support/server.js';
import { clientEnv, ensureAnalytics, ensurePython, ensureRclone, ensureRestic, ensureS3fs, runOk } from './tools.js';
import type { RunResult } from './tools.js';

export const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const TIMEOUT_MS = 110_000;
/** What a checkout has that pages name. */
const CHECKOUT = ['dist', 'k8s', 'node_modules', 'test'];

export interface GuideHome {
  readonly path: string;
  /** Runs it by bash, which ends at the first command that fails; then it throws with what was printed. */
  sh(script: string, env?: Readonly<Record<string, string>>): Promise<RunResult>;
}

/** @param needs the word behind the language of the blocks that are run in it */
export async function guideHome(folder: string, needs = ''): Promise<GuideHome> {
  const PATH = await searchPath(folder, needs);
  for (const name of CHECKOUT) await symlink(path.join(REPOSITORY, name), path.join(folder, name));
  return {
    path: folder,
    sh: (script, env = {}) =>
      runOk('bash', ['-euo', 'pipefail', '-c', script], {
        cwd: folder,
        env: { ...clientEnv(folder), PATH, PITHOS_CONFIGURATION: undefined, ...env },
        timeoutMs: TIMEOUT_MS,
      }),
  };
}

/** A script of a page, for the server that it is tried against. */
export function pointedAt({ host, port, url }: Pick<PithosProcess, 'host' | 'port' | 'url'>, script: string): string {
  return script
    .replaceAll('127.0.0.1:8080', `${host}:${port}`)
    .replaceAll('localhost:8080', `localhost:${port}`)
    .replaceAll('port=8080', `port=${port}`)
    .replaceAll('https://s3.example.com', url);
}

/** Where the commands are that pages call by their names. */
async function searchPath(home: string, needs: string): Promise<string> {
  const bin = path.join(home, '.bin');
  await mkdir(bin);
  const commands = [await ensureRclone(), await ensureRestic(), ...(needs === 's3fs' ? [await ensureS3fs()] : [])];
  for (const file of commands) if (path.isAbsolute(file)) await symlink(file, path.join(bin, path.basename(file)));
  // A virtual environment's interpreter knows its packages only where it is.
  const environments = [...(needs === 'analytics' ? [await ensureAnalytics()] : []), await ensurePython()];
  const folders = environments.map(({ python }) => path.dirname(python));
  return [bin, ...folders, path.dirname(process.execPath), process.env['PATH'] ?? ''].join(':');
}
