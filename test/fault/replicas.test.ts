// One of three replicas of a chunk is damaged: clients never notice, the good copy is written back, and fsck finds and mends it.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import cassandra from 'cassandra-driver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startRing } from '../cassandra/index.mjs';
import type { CassandraRing } from '../cassandra/index.mjs';
import { chunkCrc } from '../../src/store/shared/crc.js';
import { run } from '../support/run.js';
import { cassandraConfig, MASTER_KEY, REGION, spawnPithos } from '../support/server.js';
import type { PithosProcess } from '../support/server.js';
import { bytes, KIB } from '../wire/helpers.js';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const KEYSPACE = 'replicas';
const Bucket = 'replicas';
const OBJECTS = 5;
/** Three chunks. */
const SIZE = 300 * KIB;
const { one } = cassandra.types.consistencies;

describe('a damaged replica', () => {
  let ring: CassandraRing;
  let client: cassandra.Client;
  let gateway: PithosProcess;
  let s3: S3Client;

  beforeAll(async () => {
    // A node that is asked for what it has must not ask another one that it thinks is faster.
    ring = await startRing({ nodes: 3, volatileSchema: true, extraConfig: { dynamic_snitch: false } });
    const { localDataCenter, contactPoints, nativePort } = ring;
    client = new cassandra.Client({
      contactPoints: [...contactPoints],
      localDataCenter,
      protocolOptions: { port: nativePort },
    });
    await client.connect();
    const config = cassandraConfig({
      contactPoints: [...contactPoints],
      keyspace: KEYSPACE,
      repfactor: 3,
      localDataCenter,
    });
    gateway = await spawnPithos({ config: { ...config, gc: { interval: '0' } }, bootstrap: true });
    const { accessKeyId, secretAccessKey } = MASTER_KEY;
    s3 = new S3Client({
      endpoint: gateway.url,
      region: REGION,
      forcePathStyle: true,
      maxAttempts: 1,
      credentials: { accessKeyId, secretAccessKey },
    });
    await client.execute(`ALTER TABLE ${KEYSPACE}.blob_block WITH speculative_retry = 'NONE'`);
    await s3.send(new CreateBucketCommand({ Bucket }));
    for (let i = 0; i < OBJECTS; i++)
      await s3.send(new PutObjectCommand({ Bucket, Key: String(i), Body: bytes(SIZE, i + 1) }));
  });
  afterAll(async () => {
    s3.destroy();
    await gateway.stop();
    await client.shutdown();
    await ring.stop();
  });

  const replicate = async (copies: number): Promise<void> => {
    const strategy = `{'class': 'NetworkTopologyStrategy', '${ring.localDataCenter}': ${copies}}`;
    await client.execute(`ALTER KEYSPACE ${KEYSPACE} WITH replication = ${strategy}`, [], { readTimeout: 60_000 });
  };

  interface Chunk {
    readonly at: readonly unknown[];
    readonly payload: Buffer;
  }

  const chunks = async (): Promise<Chunk[]> => {
    const { rows } = await client.execute(`SELECT inode, block, chunk, payload FROM ${KEYSPACE}.blob_block`, [], {
      consistency: one,
    });
    return rows.map((row) => ({
      at: [row.get('inode'), row.get('block'), row.get('chunk')],
      payload: row.get('payload') as Buffer,
    }));
  };

  /** Written while there is one replica: the other two never hear of it. It is newer than theirs, so it wins wherever it is seen. */
  const damageAll = async (): Promise<void> => {
    await replicate(1);
    const all = await chunks();
    expect(all).toHaveLength(OBJECTS * 3);
    for (const { at, payload } of all) {
      const damaged = Buffer.from(payload);
      damaged.write('damaged', 500);
      const query = `UPDATE ${KEYSPACE}.blob_block SET payload = ? WHERE inode = ? AND block = ? AND chunk = ?`;
      await client.execute(query, [damaged, ...at], { prepare: true, consistency: one });
    }
    await replicate(3);
  };

  /** Over all replicas. */
  const damagedCopies = async (): Promise<number> => {
    let damaged = 0;
    for (const host of client.hosts.values()) {
      for (const { at } of await chunks()) {
        const query = `SELECT crc, payload FROM ${KEYSPACE}.blob_block WHERE inode = ? AND block = ? AND chunk = ?`;
        const { rows } = await client.execute(query, [...at], { prepare: true, consistency: one, host });
        const [row] = rows;
        const crc = row?.get('crc') as number;
        if (row === undefined || chunkCrc([row.get('payload') as Buffer]) !== crc >>> 0) damaged += 1;
      }
    }
    return damaged;
  };

  it('is never served, and gives way to a good one when it is met', async () => {
    await damageAll();
    expect(await damagedCopies()).toBe(OBJECTS * 3);
    await expect
      .poll(
        async () => {
          for (let i = 0; i < OBJECTS; i++) {
            const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key: String(i) }));
            const content = Buffer.from((await Body?.transformToByteArray()) ?? []);
            expect(content.equals(bytes(SIZE, i + 1))).toBe(true);
          }
          return damagedCopies();
        },
        { timeout: 120_000, interval: 100 },
      )
      .toBe(0);
  });

  it('is found by fsck, and mended when told so', async () => {
    await damageAll();
    const fsck = async (...args: readonly string[]) => {
      const argv = [path.join('dist', 'server'), 'fsck', '--data', '--json', '-f', gateway.configFile, ...args];
      const { code, stdout, stderr } = await run(process.execPath, argv, { cwd: REPOSITORY });
      expect(stdout, stderr).not.toBe('');
      const { problems } = JSON.parse(stdout) as {
        readonly problems: readonly { readonly kind: string; readonly repaired: boolean }[];
      };
      return { code, problems };
    };
    const found = await fsck();
    expect(found.code).toBe(1);
    expect(found.problems.length).toBeGreaterThan(0);
    for (const problem of found.problems) expect(problem).toMatchObject({ kind: 'data-corrupt', repaired: false });
    for (const problem of (await fsck('--repair')).problems)
      expect(problem).toMatchObject({ kind: 'data-corrupt', repaired: true });
    // A replica that no read of several met stays as it is until one does.
    await expect
      .poll(
        async () => {
          await fsck('--repair');
          return damagedCopies();
        },
        { timeout: 200_000, interval: 100 },
      )
      .toBe(0);
    expect(await fsck()).toEqual({ code: 0, problems: [] });
  });
});
