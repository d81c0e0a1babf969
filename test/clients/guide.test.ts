// Every command of docs/clients.md, run as a newcomer would, section by section, against the server that the README starts.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { blocksOf } from '../support/guide.js';
import { MASTER_KEY, spawnPithos } from '../support/server.js';
import type { PithosProcess } from '../support/server.js';
import { useWorkDir } from './fixtures.js';
import { guideHome, pointedAt, REPOSITORY } from './guide-home.js';

const GUIDE = await readFile(path.join(REPOSITORY, 'docs', 'clients.md'), 'utf8');
const sections = blocksOf(GUIDE).filter(({ language }) => language === 'sh');

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
    expect(sections.map(({ section }) => section)).toEqual([
      'AWS CLI',
      's3cmd',
      'boto3',
      'boto (the old one, SigV2)',
      'AWS SDK for JavaScript',
      'rclone',
      'restic',
      's3fs',
      'pyarrow and DuckDB',
      'fsspec',
      "MinIO's SDKs",
    ]);
  });

  for (const { section, needs, text } of sections) {
    it.skipIf(needs === 's3fs' && !canMount)(section, async () => {
      const home = await guideHome(await workDir().folder(section.replaceAll(/\W/g, '-')), needs);
      await home.sh(pointedAt(server, text));
    });
  }
});
