// Gateways behind a load balancer are replaced one after another while clients go on: no request fails.
import net from 'node:net';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { spawnPithos } from '../support/server.js';
import type { PithosProcess } from '../support/server.js';
import { bytes, contentOf, eventually, KIB } from './helpers.js';
import { exchange, head, RawConnection } from './raw.js';
import { bucketName, describeWire, makeHome, REGION, STORES, USER_KEY } from './servers.js';
import { signV4 } from './signing.js';

/** Hands each connection to one of the ports, the next one where that refuses it. Knows nothing of HTTP. */
class Balancer {
  readonly #server: net.Server;
  #turn = 0;

  constructor(ports: () => readonly number[]) {
    this.#server = net.createServer((client) => {
      client.on('error', () => client.destroy());
      const order = ports();
      const first = this.#turn++;
      const attempt = (index: number): void => {
        const port = order[(first + index) % order.length];
        if (port === undefined || index >= order.length) {
          client.destroy();
          return;
        }
        const upstream = net.connect({ host: '127.0.0.1', port });
        const onRefused = (): void => attempt(index + 1);
        upstream.once('error', onRefused);
        upstream.once('connect', () => {
          upstream.off('error', onRefused);
          upstream.on('error', () => client.destroy());
          client.on('close', () => upstream.destroy());
          upstream.on('close', () => client.destroy());
          client.pipe(upstream);
          upstream.pipe(client);
        });
      };
      attempt(0);
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return `http://127.0.0.1:${(this.#server.address() as net.AddressInfo).port}`;
  }

  close(): void {
    this.#server.close();
  }
}

describe.each(STORES)('a rolling restart on %s', (store) => {
  it('fails no request', async () => {
    const home = await makeHome(store, { service: { workers: 1 } });
    const start = () => spawnPithos({ config: home.config });
    const gateways: PithosProcess[] = [await start(), await start()];
    const balancer = new Balancer(() => gateways.map(({ port }) => port));
    const endpoint = await balancer.listen();
    const { accessKeyId, secretAccessKey } = USER_KEY;
    const s3 = new S3Client({
      endpoint,
      region: REGION,
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
      maxAttempts: 3,
    });
    const Bucket = bucketName();
    await s3.send(new CreateBucketCommand({ Bucket }));
    const failures: unknown[] = [];
    let requests = 0;
    let going = true;
    const client = async (name: string): Promise<void> => {
      for (let round = 0; going; round++) {
        const Key = `${name}/${round % 5}`;
        const body = bytes((round % 2 === 0 ? 2 : 200) * KIB, round % 200);
        try {
          await s3.send(new PutObjectCommand({ Bucket, Key, Body: body }));
          const got = await contentOf(await s3.send(new GetObjectCommand({ Bucket, Key })));
          if (!got.equals(body)) throw new Error(`${Key} is not what was written`);
          requests += 2;
        } catch (error) {
          failures.push(error);
        }
      }
    };
    const clients = ['a', 'b', 'c', 'd'].map(client);
    try {
      for (const index of [0, 1]) {
        const before = requests;
        await expect.poll(() => requests, { timeout: 60_000 }).toBeGreaterThan(before + 10);
        const old = gateways[index];
        const ended = await old?.stop();
        expect(ended, old?.logs()).toEqual({ code: 0, signal: null });
        gateways[index] = await start();
      }
      const before = requests;
      await expect.poll(() => requests, { timeout: 60_000 }).toBeGreaterThan(before + 10);
    } finally {
      going = false;
      await Promise.all(clients);
      s3.destroy();
      balancer.close();
      await Promise.all(gateways.map((gateway) => gateway.stop()));
      await home.remove();
    }
    expect(failures).toEqual([]);
  });
});

describeWire(
  'a server that drains',
  (wire) => {
    it('serves clients it has, tells them to leave, and cuts off whoever stays beyond the deadline', async () => {
      const host = `${wire.server.host}:${wire.server.port}`;
      const Bucket = await wire.bucket();
      const path = `/${Bucket}/never`;
      const { headers } = signV4({ method: 'PUT', path, headers: { host }, credentials: USER_KEY });
      const stuck = await RawConnection.open(wire.server);
      await stuck.send(head('PUT', path, { ...headers, 'content-length': '1000' }));
      await stuck.send('some of it');
      const kept = await RawConnection.open(wire.server);
      await kept.send(head('GET', '/', { host }));
      expect((await kept.response()).headers['connection']).not.toBe('close');
      const ending = wire.server.stop();
      await eventually(() => wire.server.logs()).toContain('"draining"');
      await kept.send(head('GET', '/', { host }));
      const answer = await kept.response();
      expect([answer.status, answer.headers['connection']]).toEqual([403, 'close']);
      await kept.ended();
      await stuck.ended();
      await eventually(() => wire.server.logs()).toContain('drain deadline');
      expect(await ending).toEqual({ code: 0, signal: null });
      await expect(exchange(wire.server, { method: 'GET', target: '/' })).rejects.toThrow(/ECONNREFUSED/);
    });
  },
  { service: { workers: 1, 'drain-delay': '3s', 'drain-timeout': '4s' }, limits: { 'body-idle-timeout': '60s' } },
);
