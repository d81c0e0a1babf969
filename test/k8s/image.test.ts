// The Dockerfile and the configuration it puts into the image. No image is built here: what is checked is that everything the
// Dockerfile names is there and that it starts the program as the manifests expect.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseArgs } from '../../src/config/cli.js';
import { ConfigError, loadConfig } from '../../src/config/index.js';
import { ROOT } from './validator.js';

interface Instruction {
  readonly name: string;
  readonly text: string;
}

/** Instructions in order, with continued lines joined and comments gone. */
function instructionsOf(dockerfile: string): Instruction[] {
  return dockerfile
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [name = '', ...rest] = line.split(' ');
      return { name, text: rest.join(' ') };
    });
}

const instructions = instructionsOf(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'));
const finalStage = instructions.slice(instructions.findLastIndex(({ name }) => name === 'FROM'));
const textOf = (wanted: string): string => finalStage.find(({ name }) => name === wanted)?.text ?? '';
const ignored = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
const allowed = ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1));

describe('the Dockerfile', () => {
  it('copies only what exists and what .dockerignore lets through', () => {
    const sources = instructions
      .filter(({ name, text }) => name === 'COPY' && !text.startsWith('--from='))
      .flatMap(({ text }) => text.split(' ').slice(0, -1));
    expect(ignored).toContain('*');
    expect([...new Set(sources.map((source) => source.replace(/^\.\//, '')))].sort()).toEqual([...allowed].sort());
    for (const source of sources) expect(existsSync(join(ROOT, source)), source).toBe(true);
  });

  it('starts the program, which serves unless told otherwise, as a user that is not root', () => {
    expect(JSON.parse(textOf('ENTRYPOINT'))).toEqual(['node', 'dist/server']);
    expect(parseArgs(JSON.parse(textOf('CMD')) as string[])).toMatchObject({ kind: 'action', action: 'api-run' });
    expect(parseArgs(['bootstrap'])).toMatchObject({ kind: 'action', action: 'bootstrap' });
    expect(textOf('USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  });

  it('has the program where the entry point looks for it', () => {
    expect(existsSync(join(ROOT, 'src', 'server.ts'))).toBe(true);
    expect(finalStage).toContainEqual({ name: 'COPY', text: '--from=build /app/dist ./dist' });
    expect(textOf('WORKDIR')).toBe('/app');
  });

  it('checks its health by a connection to the port it exposes', async () => {
    const [node, flag, script = ''] = JSON.parse(/CMD (.*)$/.exec(textOf('HEALTHCHECK'))?.[1] ?? '') as string[];
    expect([node, flag]).toEqual(['node', '-e']);
    const exposed = `connect(${textOf('EXPOSE')},`;
    expect(script).toContain(exposed);

    // The same program, on a port of this test.
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const checkHealth = async (): Promise<number | null> => {
      const child = spawn(process.execPath, ['-e', script.replace(exposed, `connect(${port},`)], { timeout: 10_000 });
      const [code] = (await once(child, 'exit')) as [number | null];
      return code;
    };
    try {
      expect(await checkHealth()).toBe(0);
    } finally {
      server.close();
      await once(server, 'close');
    }
    expect(await checkHealth()).toBe(1);
  });
});

describe('the configuration in the image', () => {
  const path = join(ROOT, 'k8s', 'pithos.default.yaml');

  it('is where the image looks for it', () => {
    const target = finalStage.find(({ text }) => text.startsWith('k8s/pithos.default.yaml '))?.text.split(' ')[1];
    expect(textOf('ENV')).toContain(`PITHOS_CONFIGURATION=${target ?? 'nowhere'}`);
  });

  it('loads without any variable: example keys, port 8080, the ring named cassandra', () => {
    const config = loadConfig({ path, env: {} });
    expect(config.warnings).toEqual([]);
    expect(config.usesExampleKeys).toBe(true);
    expect(config.service).toMatchObject({ host: '0.0.0.0', port: Number(textOf('EXPOSE')) });
    expect(config.options.serviceUri).toEqual(['s3.example.com']);
    expect(config.encryption.masterKey).toBeNull();
    expect(config.store).toMatchObject({
      kind: 'cassandra',
      bucketstore: { contactPoints: ['cassandra:9042'], repfactor: 1 },
    });
  });

  it('takes each variable that its head names', () => {
    const head = readFileSync(path, 'utf8').split('\nservice:')[0] ?? '';
    const named = [...new Set(head.match(/PITHOS_[A-Z_]+/g))].sort();
    const env = {
      PITHOS_ACCESS_KEY: 'AKMINE',
      PITHOS_CASSANDRA_HOST: 'one,two:9043',
      PITHOS_MASTER_KEY: Buffer.alloc(32, 9).toString('base64'),
      PITHOS_REPFACTOR: '3',
      PITHOS_SECRET_KEY: 'mine',
      PITHOS_SERVICE_URI: 's3.mine.example',
    };
    expect(named).toEqual(Object.keys(env));
    const config = loadConfig({ path, env });
    expect(config.keystore.keys['AKMINE']?.secret).toBe('mine');
    expect(config.usesExampleKeys).toBe(false);
    expect(config.options.serviceUri).toEqual(['s3.mine.example']);
    expect(config.encryption.masterKey?.key).toEqual(Buffer.alloc(32, 9));
    expect(config.store).toMatchObject({
      bucketstore: { contactPoints: ['one:9042', 'two:9043'], repfactor: 3 },
      regions: {
        myregion: { storageClasses: { STANDARD: { contactPoints: ['one:9042', 'two:9043'], repfactor: 3 } } },
      },
    });
    expect(() => loadConfig({ path, env: { ...env, PITHOS_REPFACTOR: 'many' } })).toThrow(ConfigError);
  });
});
