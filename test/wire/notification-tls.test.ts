// Targets that ask for TLS or credentials: a configuration that names one is accepted when the test event got through.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { PutBucketNotificationConfigurationCommand } from '@aws-sdk/client-s3';
import { afterAll, expect, it } from 'vitest';
import { tlsMaterial } from '../cassandra/index.mjs';
import { put } from './helpers.js';
import { NatsBroker, Webhook } from './receivers.js';
import { describeWire, REGION } from './servers.js';

const dir = await mkdtemp(path.join(os.tmpdir(), 'pithos-events-'));
const material = await tlsMaterial({ dir });
const { serverCertFile, serverKeyFile, caFile } = material;
const webhook = await Webhook.start({ cert: await readFile(serverCertFile), key: await readFile(serverKeyFile) });
const secure = await NatsBroker.start([
  ...['--user', 'gateway', '--pass', 'its-password'],
  ...['--tls', '--tlscert', serverCertFile, '--tlskey', serverKeyFile],
]);
const plain = await NatsBroker.start(['--auth', 'its-token']);
afterAll(async () => {
  await Promise.all([webhook.down(), secure.remove(), plain.remove()]);
  await rm(dir, { recursive: true, force: true });
});

const nats = { type: 'nats', servers: [secure.server], subject: 's3', timeout: '3s' };
const login = { username: 'gateway', password: 'its-password' };
const hook = { type: 'webhook', url: webhook.url() };
const token = { type: 'nats', servers: [plain.server], subject: 's3', timeout: '3s' };
const TARGETS = {
  hook: { ...hook, 'ca-file': caFile },
  'hook-untrusted': hook,
  nats: { ...nats, ...login, tls: { 'ca-file': caFile } },
  'nats-untrusted': { ...nats, ...login, tls: true },
  'nats-stranger': { ...nats, ...login, password: 'another', tls: { 'ca-file': caFile } },
  token: { ...token, token: 'its-token' },
  'token-wrong': { ...token, token: 'another' },
  // A server without TLS must not get to see what is meant for one with it.
  'token-downgraded': { ...token, servers: `tls://${plain.server}`, token: 'its-token' },
};

describeWire(
  'targets with TLS and credentials',
  (wire) => {
    const listen = async (target: string) => {
      const Bucket = await wire.bucket();
      const TopicConfigurations = [
        { TopicArn: `arn:aws:sns:${REGION}::${target}`, Events: ['s3:ObjectCreated:*' as const] },
      ];
      const NotificationConfiguration = { TopicConfigurations };
      await wire.s3.send(new PutBucketNotificationConfigurationCommand({ Bucket, NotificationConfiguration }));
      return Bucket;
    };

    it.each(['hook', 'nats', 'token'])('get events: %s', async (target) => {
      await listen(target);
    });

    it.each(['hook-untrusted', 'nats-untrusted', 'nats-stranger', 'token-wrong', 'token-downgraded'])(
      'are refused when they are not who they should be, or do not let the gateway in: %s',
      async (target) => {
        await expect(listen(target)).rejects.toThrow('Unable to validate the following destination configurations');
        expect(wire.server.logs()).not.toMatch(/its-password|its-token/);
      },
    );

    it('get events of objects', async () => {
      const Bucket = await listen('hook');
      for (const key of ['a', 'b', 'c']) await put(wire.s3, Bucket, key, 'x');
      await expect.poll(() => webhook.records(Bucket).length, { timeout: 60_000 }).toBe(3);
    });
  },
  { notifications: { targets: TARGETS } },
);
