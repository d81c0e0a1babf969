/**
 * Nodes that come back under other addresses, as pods do: a gateway that found them by name finds them again, by itself. It is
 * told of the new addresses by nothing but DNS, since the node that it knew is gone.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, startNode } from '../cassandra/index.mjs';
import type { CassandraNode } from '../cassandra/index.mjs';
import type { DnsServer } from '../support/dns-server.mjs';
import { startDnsServer } from '../support/dns-server.mjs';
import { cassandraConfig, MASTER_KEY, REGION, spawnPithos } from '../support/server.js';
import type { PithosProcess } from '../support/server.js';

const ADDRESSES = ['127.0.0.11', '127.0.0.12', '127.0.0.13'] as const;
const SERVICE = '_cql._tcp.cassandra.test';
const HOST = 'cassandra-0.cassandra.test';
const BUCKET = 'moves';
const PATIENCE_MS = 180_000;
/** A node that is killed has on disk what it acknowledged; the harness's own would not have its last second. */
const DURABLE = { commitlog_sync: 'batch', commitlog_sync_period: '0ms' };

describe('a ring that moves', () => {
  let dir = '';
  let dns: DnsServer;
  let ports: { readonly nativePort: number; readonly storagePort: number };
  let node: CassandraNode | null = null;
  const gateways: PithosProcess[] = [];

  const runAt = async (listenAddress: string): Promise<void> => {
    await node?.kill();
    node = await startNode({ dir, keepData: true, heapMb: 768, listenAddress, extraConfig: DURABLE, ...ports });
    dns.setAddresses(HOST, [listenAddress]);
  };

  beforeAll(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'pithos-moving-'));
    dns = await startDnsServer();
    const hosts = [...ADDRESSES];
    ports = { nativePort: await freePort({ hosts }), storagePort: await freePort({ hosts }) };
    dns.setServices(SERVICE, [{ target: HOST, port: ports.nativePort }]);
    await runAt(ADDRESSES[0]);
    // A server ends when one of its workers cannot start, so all of it has to be up before the node goes.
    const configOf = (contactPoint: string) => ({
      ...cassandraConfig({
        contactPoints: [contactPoint],
        keyspace: 'storage',
        target: { 'dns-servers': dns.address, 'connect-timeout': '2s' },
      }),
      service: { host: '127.0.0.1', workers: 1 },
    });
    // One finds it by SRV records, the other by a name alone.
    gateways.push(await spawnPithos({ config: configOf(`dns+srv://${SERVICE}`), bootstrap: true }));
    gateways.push(await spawnPithos({ config: configOf(`${HOST}:${ports.nativePort}`) }));
  });

  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.stop()));
    await node?.stop();
    await dns.stop();
    await rm(dir, { recursive: true, force: true });
  });

  it('is found again by gateways that go on running, as often as it moves', async () => {
    const clients = gateways.map(
      ({ url }) =>
        new S3Client({ endpoint: url, region: REGION, forcePathStyle: true, credentials: MASTER_KEY, maxAttempts: 1 }),
    );
    const [first] = clients;
    await first?.send(new CreateBucketCommand({ Bucket: BUCKET }));
    await first?.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'stays', Body: 'where it was' }));

    for (const address of ADDRESSES.slice(1)) {
      await runAt(address);
      for (const [index, client] of clients.entries()) {
        const put = () => client.send(new PutObjectCommand({ Bucket: BUCKET, Key: address, Body: address }));
        await eventually(put, () => gateways[index]);
        const { Body } = await client.send(new GetObjectCommand({ Bucket: BUCKET, Key: 'stays' }));
        expect(await Body?.transformToString()).toBe('where it was');
      }
      expect(gateways.map(({ running }) => running)).toEqual([true, true]);
    }
    for (const gateway of gateways) expect(gateway.logs()).toContain('connected to Cassandra again');
    for (const client of clients) client.destroy();
  });
});

/** Repeats what fails while nodes are away; fails with the gateway's log when it has ended or takes too long. */
async function eventually(attempt: () => Promise<unknown>, gateway: () => PithosProcess | undefined): Promise<void> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (performance.now() > deadlineMs || gateway()?.running !== true) {
        throw new Error(`${String(error)}\n${gateway()?.logs() ?? ''}`, { cause: error });
      }
      await sleep(500);
    }
  }
}
