/**
 * Two datacenters of one ring (NetworkTopologyStrategy, a copy in each), a gateway in each. By default each datacenter goes on alone
 * when the other is cut off, and what was acknowledged meanwhile is there when it is back; with `serial` consistency both agree on
 * every key and stop, with 503, when one is gone.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { startRing } from '../cassandra/index.mjs';
import type { CassandraNode, CassandraRing } from '../cassandra/index.mjs';
import { cassandraConfig, MASTER_KEY, REGION, spawnPithos } from '../support/server.js';
import type { PithosProcess } from '../support/server.js';

/** Hints are replayed some seconds after a node is seen again; reading repairs sooner. Far more than that takes. */
const CONVERGENCE_MS = 120_000;
const MIB = 1024 * 1024;

describe('two datacenters', () => {
  let ring: CassandraRing;
  let nodes: { readonly east: CassandraNode; readonly west: CassandraNode };

  beforeAll(async () => {
    ring = await startRing({ nodes: 2, datacenters: ['east', 'west'] });
    const [east, west] = ring.nodes as readonly [CassandraNode, CassandraNode];
    nodes = { east, west };
    return () => ring.stop();
  });

  async function gateways(keyspace: string, target: Readonly<Record<string, string>>) {
    const start = (node: CassandraNode, bootstrap: boolean): Promise<PithosProcess> =>
      spawnPithos({
        config: {
          ...cassandraConfig({
            contactPoints: [node.contactPoint],
            localDataCenter: node.localDataCenter,
            keyspace,
            target,
          }),
        },
        bootstrap,
      });
    const east = await start(nodes.east, true);
    const west = await start(nodes.west, false);
    const clientOf = ({ url }: PithosProcess): S3Client =>
      new S3Client({
        endpoint: url,
        region: REGION,
        forcePathStyle: true,
        maxAttempts: 1,
        credentials: { accessKeyId: MASTER_KEY.accessKeyId, secretAccessKey: MASTER_KEY.secretAccessKey },
      });
    const clients = { east: clientOf(east), west: clientOf(west) };
    const stop = async (): Promise<void> => {
      clients.east.destroy();
      clients.west.destroy();
      await Promise.all([east.stop(), west.stop()]);
    };
    return { ...clients, stop };
  }

  it('each alone keeps what it acknowledged, and the other one has it when it is back', async () => {
    const { east, west, stop } = await gateways('apart', {});
    try {
      await east.send(new CreateBucketCommand({ Bucket: 'of-east' }));
      await west.send(new CreateBucketCommand({ Bucket: 'of-west' }));
      const before = await writeSome(east, 'of-east', 'before');
      await expectAll(west, 'of-east', before);

      await nodes.west.kill();
      await ring.waitUntilDown(nodes.west);
      const whileWestIsGone = await writeSome(east, 'of-east', 'west-gone');
      const [gone] = [...before.keys()];
      await patiently(() => east.send(new DeleteObjectCommand({ Bucket: 'of-east', Key: String(gone) })));
      before.delete(String(gone));
      await expectAll(east, 'of-east', new Map([...before, ...whileWestIsGone]));

      await nodes.west.restart();
      await ring.waitUntilUp();
      await expectAll(west, 'of-east', new Map([...before, ...whileWestIsGone]));

      await nodes.east.kill();
      await ring.waitUntilDown(nodes.east);
      // What east wrote last is read in west, and west goes on with its own bucket.
      await expectAll(west, 'of-east', new Map([...before, ...whileWestIsGone]));
      const whileEastIsGone = await writeSome(west, 'of-west', 'east-gone');
      await nodes.east.restart();
      await ring.waitUntilUp();
      await expectAll(east, 'of-west', whileEastIsGone);
    } finally {
      await stop();
    }
  });

  it('with serial consistency agree on who creates a key, and refuse when one is gone', async () => {
    const { east, west, stop } = await gateways('together', {
      'serial-consistency': 'serial',
      'read-consistency': 'quorum',
      'write-consistency': 'quorum',
    });
    const create = (s3: S3Client, Key: string, Body: string) =>
      s3.send(new PutObjectCommand({ Bucket: 'shared', Key, Body, IfNoneMatch: '*' }));
    try {
      await east.send(new CreateBucketCommand({ Bucket: 'shared' }));
      for (let round = 0; round < 20; round++) {
        const Key = `key-${round}`;
        const [first, second] = await Promise.allSettled([create(east, Key, 'east'), create(west, Key, 'west')]);
        expect([first.status, second.status].sort()).toEqual(['fulfilled', 'rejected']);
        const winner = first.status === 'fulfilled' ? 'east' : 'west';
        for (const s3 of [east, west]) expect(await text(s3, 'shared', Key)).toBe(winner);
      }
      await nodes.west.kill();
      await ring.waitUntilDown(nodes.west);
      const refusal: unknown = await create(east, 'refused', 'east').catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(S3ServiceException);
      expect((refusal as S3ServiceException).$metadata.httpStatusCode).toBe(503);
      await nodes.west.restart();
      await ring.waitUntilUp();
      await patiently(() => east.send(new PutObjectCommand({ Bucket: 'shared', Key: 'again', Body: 'again' })));
      expect(await patiently(() => text(west, 'shared', 'again'))).toBe('again');
    } finally {
      await stop();
    }
  });
});

/** Objects of every kind of storage, acknowledged: key -> content. */
async function writeSome(s3: S3Client, Bucket: string, prefix: string): Promise<Map<string, Buffer>> {
  const written = new Map<string, Buffer>();
  for (const [index, sizeBytes] of [0, 100, 20_000, MIB, 3 * MIB + 17].entries()) {
    const Key = `${prefix}/${index}`;
    const Body = randomBytes(sizeBytes);
    await patiently(() => s3.send(new PutObjectCommand({ Bucket, Key, Body })));
    written.set(Key, Body);
  }
  return written;
}

/** Repeats while the gateway says 503: it may not have noticed yet that nodes come or go. */
async function patiently<T>(task: () => Promise<T>): Promise<T> {
  const deadlineMs = performance.now() + CONVERGENCE_MS;
  for (;;) {
    try {
      return await task();
    } catch (error) {
      const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
      if (status !== 503 || performance.now() > deadlineMs) throw error;
      await sleep(500);
    }
  }
}

/** The bucket holds these objects and no others, in listing and in bytes, once replication has caught up. */
async function expectAll(s3: S3Client, Bucket: string, objects: ReadonlyMap<string, Buffer>): Promise<void> {
  const deadlineMs = performance.now() + CONVERGENCE_MS;
  for (;;) {
    try {
      const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket }));
      expect(Contents.map(({ Key }) => Key)).toEqual([...objects.keys()].sort());
      for (const [Key, content] of objects) expect((await bytes(s3, Bucket, Key)).equals(content), Key).toBe(true);
      return;
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
      await sleep(1_000);
    }
  }
}

async function bytes(s3: S3Client, Bucket: string, Key: string): Promise<Buffer> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  return Buffer.from((await Body?.transformToByteArray()) ?? []);
}

async function text(s3: S3Client, Bucket: string, Key: string): Promise<string> {
  return (await bytes(s3, Bucket, Key)).toString();
}
