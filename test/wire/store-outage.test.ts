// Cassandra stops answering: requests are refused at once instead of piling up, and are served again by themselves afterwards. Or it
// does not answer yet when the server starts: then the server waits for it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { freePort } from '../cassandra/index.mjs';
import { dropKeyspace, uniqueKeyspace, useCassandra } from '../support/cassandra.js';
import { boundToThisProcess } from '../support/processes.mjs';
import { run } from '../support/run.js';
import { bootstrap, cassandraConfig, spawnPithos } from '../support/server.js';
import type { PithosProcess } from '../support/server.js';
import { put, read } from './helpers.js';
import { signedExchange } from './raw.js';
import { bucketName, clientOf, OTHER_KEY } from './servers.js';

const SERVER = fileURLToPath(new URL('../../dist/server', import.meta.url));

/** Stands before a node, and can hold everything back: the node seems to hang. Or it breaks connections off: nothing is there. */
class Curtain {
  readonly #server: net.Server;
  readonly #pairs = new Set<readonly [net.Socket, net.Socket]>();
  #closed = false;
  /** Connections are broken off as soon as they are made. */
  refuses = false;
  refused = 0;

  constructor(target: { readonly host: string; readonly port: number }) {
    this.#server = net.createServer((client) => {
      if (this.refuses) {
        this.refused += 1;
        client.destroy();
        return;
      }
      const node = net.connect(target);
      const pair = [client, node] as const;
      this.#pairs.add(pair);
      for (const [from, to] of [pair, [node, client] as const]) {
        from.on('data', (data: Buffer) => to.write(data));
        from.on('error', () => to.destroy());
        from.on('close', () => {
          to.destroy();
          this.#pairs.delete(pair);
        });
        if (this.#closed) from.pause();
      }
    });
  }

  listen(port: number): Promise<void> {
    return new Promise((resolve) => {
      this.#server.listen(port, '127.0.0.1', resolve);
    });
  }

  fall(): void {
    this.#closed = true;
    for (const socket of [...this.#pairs].flat()) socket.pause();
  }

  rise(): void {
    this.#closed = false;
    for (const socket of [...this.#pairs].flat()) socket.resume();
  }

  close(): void {
    this.#server.close();
    for (const socket of [...this.#pairs].flat()) socket.destroy();
  }
}

describe('a Cassandra that hangs', () => {
  const keyspace = uniqueKeyspace('outage');
  let curtain: Curtain;
  let server: PithosProcess;
  beforeAll(async () => {
    const { contactPoint, localDataCenter } = useCassandra();
    const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(contactPoint) ?? [];
    const front = await freePort({ hosts: ['127.0.0.1'] });
    curtain = new Curtain({ host, port: Number(port) });
    await curtain.listen(front);
    const contactPoints = [`127.0.0.1:${front}`];
    const config = cassandraConfig({ contactPoints, localDataCenter, keyspace, target: { 'request-timeout': '2s' } });
    server = await spawnPithos({ config: { ...config, service: { host: '127.0.0.1', workers: 1 } }, bootstrap: true });
  });
  afterAll(async () => {
    curtain.rise();
    await server.stop();
    curtain.close();
    await dropKeyspace({ ...useCassandra(), keyspace });
  });

  it('costs requests little time, and is over when it answers', async () => {
    const s3 = clientOf(server, OTHER_KEY);
    const Bucket = bucketName();
    await s3.send(new CreateBucketCommand({ Bucket }));
    await put(s3, Bucket, 'key', 'content');
    const get = () => signedExchange(server, { method: 'GET', target: `/${Bucket}/key`, credentials: OTHER_KEY });
    expect((await get()).status).toBe(200);

    curtain.fall();
    const first = await Promise.all(Array.from({ length: 40 }, get));
    // One after another: each waiting for a time-out of its own, they would take minutes.
    const later = [];
    for (let i = 0; i < 100; i++) later.push(await get());
    for (const { status, code, headers } of [...first, ...later]) {
      expect([status, code]).toEqual([503, 'ServiceUnavailable']);
      expect(headers['retry-after']).toBe('1');
    }
    expect(server.running).toBe(true);

    curtain.rise();
    await expect.poll(async () => (await get()).status, { timeout: 60_000 }).toBe(200);
    await put(s3, Bucket, 'after', 'content');
    expect((await read(s3, { Bucket, Key: 'after' })).content.toString()).toBe('content');
    s3.destroy();
  });
});

describe('a Cassandra that is not there yet when the server starts', () => {
  const keyspace = uniqueKeyspace('late');
  let dir = '';
  beforeAll(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'pithos-late-store-'));
    const { contactPoint, localDataCenter } = useCassandra();
    const configFile = path.join(dir, 'bootstrap.yaml');
    const config = cassandraConfig({ contactPoints: [contactPoint], localDataCenter, keyspace });
    await writeFile(configFile, stringify(config));
    const { code, stdout, stderr } = await bootstrap(configFile);
    expect(code, stdout + stderr).toBe(0);
  });
  afterAll(async () => {
    await rm(dir, { recursive: true, force: true });
    await dropKeyspace({ ...useCassandra(), keyspace });
  });

  /** The configuration of a server whose node is behind that port. */
  function configOf(front: number, settings: { readonly service?: object; readonly options?: object } = {}) {
    const { localDataCenter } = useCassandra();
    const config = cassandraConfig({ contactPoints: [`127.0.0.1:${front}`], localDataCenter, keyspace });
    return {
      ...config,
      service: { host: '127.0.0.1', workers: 1, ...settings.service },
      options: { ...(config['options'] as object), ...settings.options },
    };
  }

  it('is waited for; until then the server is not ready', async () => {
    const { contactPoint } = useCassandra();
    const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(contactPoint) ?? [];
    const front = await freePort({ hosts: ['127.0.0.1'] });
    const healthPort = await freePort({ hosts: ['127.0.0.1'] });
    const readiness = async (): Promise<number> =>
      fetch(`http://127.0.0.1:${healthPort}/-/ready`).then(
        ({ status }) => status,
        () => 0,
      );
    const curtain = new Curtain({ host, port: Number(port) });
    curtain.refuses = true;
    // Nobody listens at first.
    const config = configOf(front, { service: { 'health-port': healthPort } });
    const starting = spawnPithos({ config, readyTimeoutMs: 150_000 });
    try {
      await expect.poll(readiness, { timeout: 60_000 }).toBe(503);
      await curtain.listen(front);
      await expect.poll(() => curtain.refused, { timeout: 60_000 }).toBeGreaterThan(2);
      expect(await readiness()).toBe(503);
      curtain.refuses = false;
      const server = await starting;
      try {
        await expect.poll(readiness, { timeout: 60_000 }).toBe(200);
        const tries = server
          .logs()
          .split('\n')
          .filter((line) => line.includes('the store cannot serve yet'));
        expect(tries.length).toBeGreaterThan(0);
        for (const line of tries) expect(line).toMatch(/"reason":"Cassandra: .+127\.0\.0\.1/);
        const s3 = clientOf(server, OTHER_KEY);
        const Bucket = bucketName();
        await s3.send(new CreateBucketCommand({ Bucket }));
        await put(s3, Bucket, 'key', 'content');
        s3.destroy();
      } finally {
        await server.stop();
      }
    } finally {
      await starting.catch(() => undefined);
      curtain.close();
    }
  });

  it('is waited for no longer than configured', async () => {
    const front = await freePort({ hosts: ['127.0.0.1'] });
    const port = await freePort({ hosts: ['127.0.0.1'] });
    const configFile = path.join(dir, 'bounded.yaml');
    await writeFile(configFile, stringify(configOf(front, { service: { port }, options: { 'store-wait': '3s' } })));
    const { code, stdout } = await run(process.execPath, [SERVER, '-f', configFile]);
    expect(code).toBe(1);
    expect(stdout).toContain('the store cannot serve yet');
    expect(stdout).toContain('the server could not start');
  });

  it.each([1, 2])('is waited for until a signal: %s workers', async (workers) => {
    const front = await freePort({ hosts: ['127.0.0.1'] });
    const port = await freePort({ hosts: ['127.0.0.1'] });
    const configFile = path.join(dir, `stopped-${workers}.yaml`);
    // Longer than this test.
    const settings = { service: { port, workers }, options: { 'store-wait': '10m' } };
    await writeFile(configFile, stringify(configOf(front, settings)));
    const [command, args] = boundToThisProcess(process.execPath, [SERVER, '-f', configFile]);
    const server = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let log = '';
    server.stdout.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
    const ended = once(server, 'close');
    try {
      const waiting = (): number => log.split('the store cannot serve yet').length - 1;
      await expect.poll(waiting, { timeout: 60_000 }).toBeGreaterThanOrEqual(2 * workers);
      server.kill('SIGTERM');
      expect((await ended)[0], log).toBe(0);
      expect(log.split('stopped before it served').length - 1).toBe(workers);
    } finally {
      server.kill('SIGKILL');
    }
  });
});
