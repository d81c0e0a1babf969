// Every command of docs/clients.md, run as a newcomer would, section by section, against the server that the README starts.
import { existsSync } from 'node:fs';
import { mkdir, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { MASTER_KEY, spawnPithos } from '../support/server.js';
import type { PithosProcess } from '../support/server.js';
import { useWorkDir } from './fixtures.js';
import { clientEnv, ensureAnalytics, ensurePython, ensureRclone, ensureRestic, ensureS3fs, runOk } from './tools.js';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const GUIDE = await readFile(path.join(REPOSITORY, 'docs', 'clients.md'), 'utf8');
const TIMEOUT_MS = 120_000;

interface Section {
  readonly title: string;
  /** What the block asks for beside the usual tools: the word behind `sh`. */
  readonly needs: string;
  readonly script: string;
}

const sections: readonly Section[] = GUIDE.split(/^## /m).flatMap((text) => {
  const title = text.split('\n', 1)[0] ?? '';
  return [...text.matchAll(/^```sh(?: (\w+))?\n(.*?)^```$/gms)].map(([, needs = '', script = '']) => ({
    title,
    needs,
    script,
  }));
});

/** Mounting needs the kernel's help and, as the guide says, root. */
const canMount = existsSync('/dev/fuse') && process.getuid?.() === 0;

describe('docs/clients.md', () => {
  let server: PithosProcess;
  const workDir = useWorkDir();

  beforeAll(async () => {
    // What the server has without any configuration.
    const { accessKeyId, secretAccessKey: secret, tenant } = MASTER_KEY;
    const keystore = { keys: { [accessKeyId]: { tenant, secret, master: true } } };
    const config = { keystore, options: { 'data-dir': workDir().at('data') } };
    server = await spawnPithos({ config });
    return async () => {
      await server.stop();
    };
  });

  it('has the sections that it had', () => {
    expect(sections.map(({ title }) => title)).toEqual([
      'AWS CLI',
      's3cmd',
      'boto3',
      'boto (the old one, SigV2)',
      'AWS SDK for JavaScript',
      'rclone',
      'restic',
      's3fs',
      'pyarrow and DuckDB',
    ]);
  });

  for (const { title, needs, script } of sections) {
    it.skipIf(needs === 's3fs' && !canMount)(title, async () => {
      const home = await workDir().folder(title.replaceAll(/\W/g, '-'));
      const PATH = await searchPath(home, needs);
      await symlink(path.join(REPOSITORY, 'node_modules'), path.join(home, 'node_modules'));
      const here = script
        .replaceAll('127.0.0.1:8080', `${server.host}:${server.port}`)
        .replaceAll('port=8080', `port=${server.port}`);
      await runOk('bash', ['-euo', 'pipefail', '-c', here], {
        cwd: home,
        env: { ...clientEnv(home), PATH },
        timeoutMs: TIMEOUT_MS,
      });
    });
  }
});

/** Where the commands are that the guide calls by their names. */
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
