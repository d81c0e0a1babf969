// The process around the gateway: its command line, its configuration, how it starts, stops, and comes back with its data.
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { run } from '../support/run.js';
import { spawnPithos } from '../support/server.js';
import { bytes, MIB, put, read } from './helpers.js';
import { exchange, head, RawConnection } from './raw.js';
import type { Home } from './servers.js';
import { bucketName, clientOf, describeWire, makeHome, STORES, USER_KEY } from './servers.js';
import { signV4 } from './signing.js';

const SERVER = fileURLToPath(new URL('../../dist/server', import.meta.url));
const PACKAGE = new URL('../../package.json', import.meta.url);

describe('the command line', () => {
  let dir = '';
  beforeAll(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'pithos-cli-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  const pithos = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    run(process.execPath, [SERVER, ...args], { cwd: dir, env: { PITHOS_CONFIGURATION: undefined, ...env } });
  const file = async (name: string, content: string): Promise<string> => {
    const target = path.join(dir, name);
    await writeFile(target, content);
    return target;
  };

  it('shows its usage and its version', async () => {
    const help = await pithos(['--help']);
    expect([help.code, help.stderr]).toEqual([0, '']);
    for (const word of ['api-run', 'bootstrap', 'install-schema', 'check-config', '--config'])
      expect(help.stdout).toContain(word);
    const version = await pithos(['--version']);
    const { default: content } = (await import(PACKAGE.href, { with: { type: 'json' } })) as {
      default: { version: string };
    };
    expect([version.code, version.stdout]).toEqual([0, `${content.version}\n`]);
  });

  it.each([[['serv']], [['--port', '1']], [['bootstrap', 'check-config']]])('refuses %j', async (args) => {
    const { code, stdout, stderr } = await pithos(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^pithos: .+/);
    expect(stderr).toContain('Usage:');
  });

  it('lists all faults of a configuration with file, key and reason', async () => {
    const wrong = await file(
      'wrong.yaml',
      'service: {port: 99999}\noptions: {max-skew: soon}\nkeystore: {keys: {AKID: {tenant: t}}}\nlimitz: {}\n',
    );
    for (const args of [
      ['check-config', '-f', wrong],
      ['-f', wrong],
      ['bootstrap', '-f', wrong],
    ]) {
      const { code, stderr } = await pithos(args);
      expect(code).toBe(1);
      for (const key of ['service.port', 'options.max-skew', 'keystore.keys.AKID.secret', 'limitz'])
        expect(stderr.split('\n').find((line) => line.includes(wrong) && line.includes(key))).toMatch(/\w+ .+/);
    }
    const missing = await pithos(['check-config', '-f', path.join(dir, 'none.yaml')]);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain('none.yaml');
  });

  it('shows a good configuration without its secrets', async () => {
    const secret = 'the-secret-of-the-key-in-the-file';
    const good = await file('good.yaml', `keystore: {keys: {AKID: {tenant: t, secret: ${secret}, master: true}}}\n`);
    const byFlag = await pithos(['check-config', '--config', good]);
    const byEnvironment = await pithos(['check-config'], { PITHOS_CONFIGURATION: good });
    for (const { code, stdout } of [byFlag, byEnvironment]) {
      expect(code).toBe(0);
      expect(stdout).toContain('AKID');
      expect(stdout).not.toContain(secret);
    }
  });

  it('bootstrap has nothing to do for the embedded store', async () => {
    const good = await file(
      'embedded.yaml',
      stringify({
        options: { 'data-dir': path.join(dir, 'data') },
        keystore: { keys: { A: { tenant: 't', secret: 'ssssssss' } } },
      }),
    );
    for (const args of [
      ['bootstrap', '-f', good],
      ['-a', 'install-schema', '-f', good],
    ])
      expect((await pithos(args)).code).toBe(0);
  });

  it('a port that is taken is a clear failure', async () => {
    const home = await makeHome('embedded');
    const server = await spawnPithos({ config: home.config });
    try {
      const second = await file(
        'second.yaml',
        stringify({
          ...home.config,
          service: { host: '127.0.0.1', port: server.port },
          options: { 'data-dir': path.join(dir, 'second') },
        }),
      );
      const { code, stdout, stderr } = await pithos(['-f', second]);
      expect(code).toBe(1);
      expect(stdout + stderr).toContain('EADDRINUSE');
    } finally {
      await server.stop();
      await home.remove();
    }
  });
});

describe.each(STORES)('a gateway on %s', (store) => {
  let home: Home;
  beforeAll(async () => {
    home = await makeHome(store);
  });
  afterAll(() => home.remove());
  const start = () => spawnPithos({ config: home.config });

  it('keeps everything over a restart, and over a kill', async () => {
    const Bucket = bucketName();
    const objects = { small: Buffer.from('small'), large: bytes(2 * MIB + 1), sealed: bytes(100_000, 2) };
    let server = await start();
    let s3 = clientOf(server);
    await s3.send(new CreateBucketCommand({ Bucket }));
    await put(s3, Bucket, 'small', objects.small);
    await put(s3, Bucket, 'large', objects.large);
    const sealed = { ServerSideEncryption: 'AES256', Metadata: { kept: 'yes' } } as const;
    await s3.send(new PutObjectCommand({ Bucket, Key: 'sealed', Body: objects.sealed, ...sealed }));
    for (const end of ['stop', 'kill'] as const) {
      await server[end]();
      s3.destroy();
      server = await start();
      s3 = clientOf(server);
      for (const [Key, content] of Object.entries(objects)) {
        const got = await read(s3, { Bucket, Key });
        expect([end, Key, got.content.equals(content)]).toEqual([end, Key, true]);
        if (Key === 'sealed') expect(got.output).toMatchObject(sealed);
      }
    }
    s3.destroy();
    await server.stop();
    if (store === 'embedded') expect((await stat(home.dataDir)).mode & 0o077).toBe(0);
  });

  it('finishes what it has begun when it is told to stop', async () => {
    const server = await start();
    const s3 = clientOf(server);
    const Bucket = bucketName();
    await s3.send(new CreateBucketCommand({ Bucket }));
    const body = bytes(MIB, 3);
    const target = `/${Bucket}/drained`;
    const { headers } = signV4({
      method: 'PUT',
      path: target,
      headers: { host: server.url.slice('http://'.length) },
      credentials: USER_KEY,
    });
    const uploading = await RawConnection.open(server);
    await uploading.send(head('PUT', target, { ...headers, 'content-length': String(body.length) }));
    await uploading.send(body.subarray(0, 1000));
    // An answer on another connection: the gateway has seen the upload by now.
    await exchange(server, { method: 'GET', target: '/' });
    s3.destroy();
    const ending = server.stop();
    await expect.poll(() => server.logs()).toContain('draining');
    await uploading.send(body.subarray(1000));
    expect((await uploading.response()).status).toBe(200);
    uploading.destroy();
    expect(await ending).toEqual({ code: 0, signal: null });
    await expect(exchange(server, { method: 'GET', target: '/' })).rejects.toThrow(/ECONNREFUSED/);

    const again = await start();
    const reader = clientOf(again);
    expect((await read(reader, { Bucket, Key: 'drained' })).content.equals(body)).toBe(true);
    reader.destroy();
    await again.stop();
  });
});

describeWire('a running gateway', (wire) => {
  it('writes one line per request, and no secret', async () => {
    const Bucket = await wire.bucket();
    await put(wire.s3, Bucket, 'logged', 'content');
    await expect.poll(() => wire.server.logs()).toContain('"key":"logged"');
    const lines = wire.server
      .logs()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const logged = lines.filter(({ key }) => key === 'logged');
    expect(logged).toHaveLength(1);
    expect(logged[0]).toMatchObject({
      operation: 'PutObject',
      method: 'PUT',
      bucket: Bucket,
      tenant: USER_KEY.tenant,
      status: 200,
    });
    expect(logged[0]?.['requestId']).toMatch(/^[0-9A-F]+$/);
    expect(wire.server.logs()).not.toContain(USER_KEY.secretAccessKey);
    expect(wire.server.logs()).toContain('EXAMPLE KEYS');
  });
});
