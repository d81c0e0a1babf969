// A gateway that speaks TLS itself.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { CreateBucketCommand, GetBucketLocationCommand, GetObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import https from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tlsMaterial } from '../cassandra/index.mjs';
import type { TlsMaterial } from '../cassandra/index.mjs';
import { spawnPithos } from '../support/server.js';
import type { PithosProcess } from '../support/server.js';
import { bytes, eventually, MIB, put, read } from './helpers.js';
import type { Home } from './servers.js';
import { bucketName, clientOf, makeHome, REGION } from './servers.js';

describe('TLS', () => {
  let dir = '';
  let material: TlsMaterial;
  let home: Home;
  beforeAll(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'pithos-tls-'));
    material = await tlsMaterial({ dir });
    home = await makeHome('embedded');
  });
  afterAll(async () => {
    await home.remove();
    await rm(dir, { recursive: true, force: true });
  });

  const start = (): Promise<PithosProcess> => {
    const tls = { 'cert-file': material.serverCertFile, 'key-file': material.serverKeyFile };
    return spawnPithos({ config: { ...home.config, service: { host: '127.0.0.1', tls } }, scheme: 'https' });
  };
  const trusting = async () => ({
    requestHandler: { httpsAgent: new https.Agent({ ca: await readFile(material.caFile) }) },
  });

  it('serves clients that trust its authority, and no plain HTTP', async () => {
    const server = await start();
    const s3 = clientOf(server, undefined, await trusting());
    try {
      const Bucket = bucketName();
      await s3.send(new CreateBucketCommand({ Bucket }));
      const content = bytes(MIB, 4);
      await put(s3, Bucket, 'over-tls', content);
      expect((await read(s3, { Bucket, Key: 'over-tls' })).content.equals(content)).toBe(true);
      const url = await getSignedUrl(s3, new GetBucketLocationCommand({ Bucket }));
      expect(url).toMatch(/^https:/);
      expect((await s3.send(new GetBucketLocationCommand({ Bucket }))).LocationConstraint).toBe(REGION);
      await expect(fetch(url.replace('https:', 'http:'))).rejects.toThrow();
      expect(server.running).toBe(true);
    } finally {
      s3.destroy();
      await server.stop();
    }
  });

  it('refuses versions before 1.2', async () => {
    const server = await start();
    try {
      const handshake = (options: tls.ConnectionOptions) =>
        new Promise<string | null>((resolve, reject) => {
          const socket = tls.connect({ host: server.host, port: server.port, rejectUnauthorized: false, ...options });
          socket.once('error', reject);
          socket.once('secureConnect', () => {
            resolve(socket.getProtocol());
            socket.destroy();
          });
        });
      const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
      await expect(handshake(old)).rejects.toThrow();
      expect(await handshake({ maxVersion: 'TLSv1.2' })).toBe('TLSv1.2');
      expect(await handshake({})).toBe('TLSv1.3');
    } finally {
      await server.stop();
    }
  });

  it('cuts off a client that stops reading, and not one that reads slowly', async () => {
    const certificate = { 'cert-file': material.serverCertFile, 'key-file': material.serverKeyFile };
    const server = await spawnPithos({
      config: {
        ...home.config,
        service: { host: '127.0.0.1', workers: 1, tls: certificate },
        limits: { 'body-idle-timeout': '3s' },
      },
      scheme: 'https',
    });
    const s3 = clientOf(server, undefined, await trusting());
    try {
      const Bucket = bucketName();
      await s3.send(new CreateBucketCommand({ Bucket }));
      await put(s3, Bucket, 'large', bytes(24 * MIB, 5));
      const url = new URL(await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'large' })));
      const received = { still: 0, slow: 0 };
      const get = (name: keyof typeof received) => {
        const socket = tls.connect({ host: server.host, port: server.port, rejectUnauthorized: false });
        socket.on('data', (data: Buffer) => (received[name] += data.length));
        socket.write(`GET ${url.pathname}${url.search} HTTP/1.1\r\nHost: ${url.host}\r\nConnection: close\r\n\r\n`);
        return socket;
      };
      const still = get('still');
      const slow = get('slow');
      const ended = new Promise<void>((resolve) => slow.once('close', () => resolve()));
      still.pause();
      // In gulps, for longer than a silence may last.
      let fill = 0;
      slow.on('data', () => {
        if (received.slow >= fill) slow.pause();
      });
      for (let gulp = 1; gulp <= 8; gulp++) {
        fill = gulp * MIB;
        slow.resume();
        await eventually(() => received.slow).toBeGreaterThanOrEqual(fill);
        await sleep(500);
      }
      expect(received.slow).toBeLessThan(16 * MIB);
      fill = Infinity;
      slow.resume();
      await ended;
      expect(received.slow).toBeGreaterThan(24 * MIB);
      const lines = () =>
        server
          .logs()
          .split('\n')
          .filter((line) => line.includes('"operation":"GetObject"'));
      await expect.poll(() => lines().length, { timeout: 60_000 }).toBe(2);
      still.resume();
      await new Promise<void>((resolve) => still.once('close', () => resolve()));
      expect(received.still).toBeLessThan(24 * MIB);
    } finally {
      s3.destroy();
      await server.stop();
    }
  });
});
