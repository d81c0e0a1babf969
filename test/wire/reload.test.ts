// A server that reads its configuration and its certificate again while it serves, in all of its processes.
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { tlsMaterial } from '../cassandra/index.mjs';
import type { PithosConfig, PithosProcess } from '../support/server.js';
import { spawnPithos } from '../support/server.js';
import { eventually } from './helpers.js';
import { exchange } from './raw.js';
import type { Home } from './servers.js';
import { clientOf, describeWire, makeHome, USER_KEY } from './servers.js';

const WORKERS = 2;
const NEW_KEY = {
  accessKeyId: 'AKIANEWKEYOFRELOAD00',
  secretAccessKey: 'secret/of+the+new+key',
  tenant: 'new@example.com',
};

/** By as many connections as come to all workers. */
async function answersOf(server: PithosProcess, credentials: typeof USER_KEY): Promise<number[]> {
  return Promise.all(
    Array.from({ length: 4 * WORKERS }, async () => {
      const s3 = clientOf(server, credentials);
      try {
        return (await s3.send(new ListBucketsCommand({}))).$metadata.httpStatusCode ?? 0;
      } catch (error) {
        return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0;
      } finally {
        s3.destroy();
      }
    }),
  );
}

describeWire(
  'a configuration that is read again',
  (wire) => {
    const change = async (edit: (config: Record<string, Record<string, unknown>>) => void): Promise<void> => {
      const config = parse(await readFile(wire.server.configFile, 'utf8')) as Record<string, Record<string, unknown>>;
      edit(config);
      await writeFile(wire.server.configFile, stringify(config));
    };
    const reload = () => process.kill(wire.server.pid, 'SIGHUP');

    it('brings new keys and takes away old ones, in all workers', async () => {
      expect(new Set(await answersOf(wire.server, USER_KEY))).toEqual(new Set([200]));
      expect(new Set(await answersOf(wire.server, NEW_KEY))).toEqual(new Set([403]));
      await change((config) => {
        const keys = config['keystore']?.['keys'] as Record<string, unknown>;
        const { accessKeyId, secretAccessKey: secret, tenant } = NEW_KEY;
        keys[accessKeyId] = { tenant, secret };
        keys[USER_KEY.accessKeyId] = { tenant: USER_KEY.tenant, secret: 'another secret' };
      });
      reload();
      await eventually(async () => new Set(await answersOf(wire.server, NEW_KEY))).toEqual(new Set([200]));
      expect(new Set(await answersOf(wire.server, USER_KEY))).toEqual(new Set([403]));
      await eventually(() => wire.server.logs()).toContain(`keystore.keys.${NEW_KEY.accessKeyId}.secret`);
      expect(wire.server.logs()).not.toContain(NEW_KEY.secretAccessKey);
    });

    it('changes nothing when it is wrong, and says all that is', async () => {
      const good = await readFile(wire.server.configFile, 'utf8');
      await change((config) => {
        config['keystore'] = { keys: {} };
        config['limits'] = { 'rate-limit': { 'per-address': -1 }, nonsense: 1 };
      });
      reload();
      await eventually(() => wire.server.logs()).toContain('the configuration is wrong: the old one stays');
      for (const key of ['keystore.keys', 'limits.rate-limit.per-address', 'limits.nonsense'])
        expect(wire.server.logs()).toContain(`${key}: `);
      expect(new Set(await answersOf(wire.server, NEW_KEY))).toEqual(new Set([200]));
      await writeFile(wire.server.configFile, good);
    });

    it('names what needs a restart, and obeys the rest', async () => {
      await change((config) => {
        config['service'] = { ...config['service'], port: 1 };
        config['limits'] = { ...config['limits'], 'rate-limit': { 'per-address': 1 }, 'inline-threshold': '1k' };
      });
      reload();
      await eventually(async () => {
        const all = Array.from({ length: 12 }, () => exchange(wire.server, { method: 'GET', target: '/' }));
        return (await Promise.all(all)).map(({ code }) => code);
      }).toContain('SlowDown');
      await eventually(() => wire.server.logs()).toContain('changed settings that need a restart');
      const line = wire.server
        .logs()
        .split('\n')
        .find((one) => one.includes('need a restart'));
      expect(JSON.parse(line ?? '')).toMatchObject({ settings: ['limits.inline-threshold', 'service.port'] });
      expect(wire.server.running).toBe(true);
    });
  },
  { service: { workers: WORKERS } },
);

describe('a configuration file that is watched', () => {
  it.each([1, WORKERS])('is read again when it changes (%i processes)', async (workers) => {
    const home = await makeHome('embedded', { service: { workers }, options: { 'reload-interval': '100ms' } });
    const server = await spawnPithos({ config: home.config });
    try {
      const config = parse(await readFile(server.configFile, 'utf8')) as { keystore: { keys: PithosConfig } };
      const { accessKeyId, secretAccessKey: secret, tenant } = NEW_KEY;
      const keys = { ...config.keystore.keys, [accessKeyId]: { tenant, secret } };
      await writeFile(server.configFile, stringify({ ...config, keystore: { keys } }));
      await eventually(async () => new Set(await answersOf(server, NEW_KEY))).toEqual(new Set([200]));
    } finally {
      await server.stop();
      await home.remove();
    }
  });
});

describe('a certificate that is replaced', () => {
  let dir = '';
  let home: Home;
  beforeAll(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'pithos-certificates-'));
    home = await makeHome('embedded');
  });
  afterAll(async () => {
    await home.remove();
    await rm(dir, { recursive: true, force: true });
  });

  /** Fingerprints of the certificates that new connections are shown. */
  const shown = async (server: PithosProcess): Promise<ReadonlySet<string>> => {
    const one = () =>
      new Promise<string>((resolve, reject) => {
        const socket = tls.connect({ host: server.host, port: server.port, rejectUnauthorized: false });
        socket.once('error', reject);
        socket.once('secureConnect', () => {
          resolve(socket.getPeerCertificate().fingerprint256);
          socket.destroy();
        });
      });
    return new Set(await Promise.all(Array.from({ length: 4 * WORKERS }, one)));
  };
  const status = (server: PithosProcess, agent: https.Agent) =>
    new Promise<number>((resolve, reject) => {
      https
        .get(server.url, { agent, rejectUnauthorized: false }, (response) => {
          response.resume();
          response.once('end', () => resolve(response.statusCode ?? 0));
        })
        .once('error', reject);
    });

  it('is shown to new connections, by a signal or by itself; a broken one is not', async () => {
    const materials = await Promise.all(['first', 'second'].map((name) => tlsMaterial({ dir: path.join(dir, name) })));
    const files = { cert: path.join(dir, 'server.crt'), key: path.join(dir, 'server.key') };
    const install = async (index: number): Promise<void> => {
      const material = materials[index];
      if (material === undefined) throw new Error('no such certificate');
      await copyFile(material.serverKeyFile, files.key);
      await copyFile(material.serverCertFile, files.cert);
    };
    await install(0);
    const service = {
      host: '127.0.0.1',
      workers: WORKERS,
      tls: { 'cert-file': files.cert, 'key-file': files.key, 'reload-interval': 0 },
    };
    let server = await spawnPithos({ config: { ...home.config, service }, scheme: 'https' });
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1 });
    try {
      const [first] = await shown(server);
      expect(await status(server, agent)).toBe(403);
      await install(1);
      process.kill(server.pid, 'SIGHUP');
      await eventually(async () => [...(await shown(server))].includes(first ?? '')).toBe(false);
      const second = await shown(server);
      expect(second.size).toBe(1);
      // On the connection of before.
      expect(await status(server, agent)).toBe(403);

      await writeFile(files.cert, 'no certificate');
      process.kill(server.pid, 'SIGHUP');
      await eventually(() => server.logs()).toContain('the old one stays');
      expect(await shown(server)).toEqual(second);
      await server.stop();

      await install(1);
      service.tls['reload-interval'] = 100;
      server = await spawnPithos({ config: { ...home.config, service }, scheme: 'https' });
      expect(await shown(server)).toEqual(second);
      await install(0);
      await eventually(() => shown(server)).toEqual(new Set([first]));
    } finally {
      agent.destroy();
      await server.stop();
    }
  });
});
