// Cassandra stops answering: requests are refused at once instead of piling up, and are served again by themselves afterwards.
import net from 'node:net';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../cassandra/index.mjs';
import { dropKeyspace, uniqueKeyspace, useCassandra } from '../support/cassandra.js';
import { cassandraConfig, spawnPithos } from '../support/server.js';
import type { PithosProcess } from '../support/server.js';
import { put, read } from './helpers.js';
import { signedExchange } from './raw.js';
import { bucketName, clientOf, OTHER_KEY } from './servers.js';

/** Stands before a node, and can hold everything back: the node seems to hang. */
class Curtain {
  readonly #server: net.Server;
  readonly #pairs = new Set<readonly [net.Socket, net.Socket]>();
  #closed = false;

  constructor(target: { readonly host: string; readonly port: number }) {
    this.#server = net.createServer((client) => {
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

  it('costs requests little time, and is over when it answers', { timeout: 180_000 }, async () => {
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
