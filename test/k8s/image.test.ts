// The Dockerfile and the configuration it puts into the image. There is no builder of images here: what its stages copy and run is
// carried out in folders, and what comes out is started as the image is.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseArgs } from '../../src/config/cli.js';
import { ConfigError, loadConfig } from '../../src/config/index.js';
import { buildStage, parseDockerfile } from './dockerfile.js';
import { ROOT } from './validator.js';

const { args, stages } = parseDockerfile(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'));
const instructions = stages.flatMap((stage) => stage.instructions);
const BUILD_TIMEOUT_MS = 900_000;
const START_TIMEOUT_MS = 180_000;

const finalStage = stages.at(-1)?.instructions ?? [];
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

  it('is built on one exact release, which the builder can pin to a digest', () => {
    expect(args['NODE_IMAGE']).toMatch(/^node:\d+\.\d+\.\d+-\w+-slim$/);
    expect(new Set(stages.map(({ from }) => from))).toEqual(new Set([args['NODE_IMAGE']]));
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
      const child = spawn(process.execPath, ['-e', script.replace(exposed, `connect(${port},`)], { timeout: 60_000 });
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

describe('what the Dockerfile builds', () => {
  let folder: string;
  let image: string;
  const execute = promisify(execFile);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pithos-image-'));
    image = join(folder, 'image');
    const roots: Record<string, string> = {};
    for (const stage of stages) {
      const root = stage.name === null ? image : join(folder, stage.name);
      // The first stage compiles src, which every run of the tests has done already.
      if (stage.name === 'build') {
        await buildStage(
          {
            ...stage,
            instructions: [
              { name: 'WORKDIR', text: '/app' },
              { name: 'COPY', text: 'dist ./dist' },
            ],
          },
          { context: ROOT, roots, root, run: false },
        );
      } else {
        await buildStage(stage, { context: ROOT, roots, root, run: stage.name !== null });
      }
      if (stage.name !== null) roots[stage.name] = root;
    }
  }, BUILD_TIMEOUT_MS);
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('lists what is in it', () => {
    const { bomFormat, metadata, components } = JSON.parse(
      readFileSync(join(image, 'app', 'sbom.cdx.json'), 'utf8'),
    ) as {
      bomFormat: string;
      metadata: { component: { purl: string } };
      components: { name: string }[];
    };
    const { version, dependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      version: string;
      dependencies: Record<string, string>;
      devDependencies: Record<string, string>;
    };
    expect(bomFormat).toBe('CycloneDX');
    expect(metadata.component.purl).toBe(`pkg:npm/pithos@${version}`);
    const installed = JSON.parse(readFileSync(join(image, 'app', 'node_modules', '.package-lock.json'), 'utf8')) as {
      packages: Record<string, { version: string }>;
    };
    const names = Object.keys(installed.packages).map((path) => path.split('node_modules/').at(-1) ?? '');
    const listed = new Set(components.map(({ name }) => name));
    expect(names).toEqual(expect.arrayContaining(Object.keys(dependencies)));
    // Types are there for nobody: peers that may be missing.
    const needless = (name: string): boolean => name.startsWith('@types/');
    expect(names.filter((name) => !listed.has(name) && !needless(name))).toEqual([]);
    const forDevelopment = Object.keys(devDependencies).filter((name) => !needless(name));
    expect(forDevelopment.filter((name) => existsSync(join(image, 'app', 'node_modules', name)))).toEqual([]);
  });

  it("has no binaries for other platforms than the image's", () => {
    const binaries = readdirSync(join(image, 'app', 'node_modules', 'aws-crt', 'dist', 'bin'));
    expect(binaries).toEqual([`linux-${process.arch}-glibc`]);
  });

  it('starts with the packages that are in it, and reads the configuration that is in it', async () => {
    const [node = '', program = ''] = JSON.parse(textOf('ENTRYPOINT')) as string[];
    expect(node).toBe('node');
    const env = { PATH: process.env['PATH'], PITHOS_CONFIGURATION: join(image, 'etc', 'pithos', 'pithos.yaml') };
    const { stdout } = await execute(process.execPath, [program, 'check-config'], { cwd: join(image, 'app'), env });
    expect(stdout).toContain('cassandra:9042');
  });

  it(
    'serves from a volume with the embedded store',
    async () => {
      const port = await freePortOf();
      const config = {
        service: { host: '127.0.0.1', port, workers: 1 },
        options: { 'data-dir': join(folder, 'data') },
        keystore: { keys: { AKANY: { tenant: 'any', secret: 'any' } } },
      };
      const file = join(folder, 'pithos.yaml');
      writeFileSync(file, stringify(config));
      const env = { PATH: process.env['PATH'], PITHOS_CONFIGURATION: file, NODE_ENV: 'production' };
      const server = spawn(process.execPath, ['dist/server', 'api-run'], { cwd: join(image, 'app'), env });
      const ended = once(server, 'exit');
      let log = '';
      for (const stream of [server.stdout, server.stderr])
        stream.on('data', (data: Buffer) => (log += data.toString()));
      try {
        while (server.exitCode === null && !log.includes('pithos serves S3')) await sleep(100);
        // Without a signature, no list of buckets.
        expect((await fetch(`http://127.0.0.1:${port}/`)).status, log).toBe(403);
      } finally {
        server.kill('SIGTERM');
      }
      expect(await ended, log).toEqual([0, null]);
    },
    START_TIMEOUT_MS,
  );
});

async function freePortOf(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

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
