/**
 * A ring as operators run it: TLS and passwords to Cassandra, keyspaces of their own for every layer, two regions; the schema
 * is installed by several bootstraps at once that were started before Cassandra was.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  CreateBucketCommand,
  GetBucketLocationCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { BucketLocationConstraint, StorageClass } from '@aws-sdk/client-s3';
import { Client } from 'cassandra-driver';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { freePort, startNode, tlsMaterial } from '../cassandra/index.mjs';
import type { CassandraNode, TlsMaterial } from '../cassandra/index.mjs';
import { bootstrap, MASTER_KEY, spawnPithos } from '../support/server.js';
import type { PithosConfig } from '../support/server.js';

const CREDENTIALS = { username: 'cassandra', password: 'cassandra' };
const BOOTSTRAPS = 3;

let dir = '';
let tls: TlsMaterial;
let port = 0;
let node: CassandraNode | null = null;

beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'pithos-secure-'));
  tls = await tlsMaterial({ dir });
  port = await freePort({ hosts: ['127.0.0.1'] });
});

afterAll(async () => {
  await node?.stop();
  await rm(dir, { recursive: true, force: true });
});

function config(): PithosConfig {
  const target = (keyspace: string) => ({
    cluster: '127.0.0.1',
    port,
    keyspace,
    ...CREDENTIALS,
    tls: { 'ca-file': tls.caFile, 'cert-file': tls.clientCertFile, 'key-file': tls.clientKeyFile },
  });
  return {
    service: { host: '127.0.0.1' },
    options: { 'default-region': 'near' },
    keystore: { keys: { [MASTER_KEY.accessKeyId]: { tenant: MASTER_KEY.tenant, secret: MASTER_KEY.secretAccessKey } } },
    bucketstore: target('buckets'),
    regions: {
      near: { metastore: target('near_meta'), 'storage-classes': { standard: target('near_data') } },
      far: {
        metastore: target('far_meta'),
        'storage-classes': { standard: target('far_data'), glacier: target('far_cold') },
      },
    },
  };
}

async function blobRows(keyspace: string): Promise<number> {
  const client = new Client({
    contactPoints: [`127.0.0.1:${port}`],
    localDataCenter: 'datacenter1',
    // Negotiating the version down over TLS makes the driver throw where nobody can catch it.
    protocolOptions: { port, maxVersion: 4 },
    credentials: CREDENTIALS,
    sslOptions: {
      ca: [await readFile(tls.caFile)],
      cert: await readFile(tls.clientCertFile),
      key: await readFile(tls.clientKeyFile),
      checkServerIdentity: () => undefined,
    },
  });
  try {
    const { rows } = await client.execute(`SELECT COUNT(*) AS rows_found FROM ${keyspace}.blob_block`);
    return Number(rows[0]?.['rows_found']);
  } finally {
    await client.shutdown();
  }
}

it('bootstraps wait for Cassandra and agree; regions and storage classes keep their data apart', async () => {
  const file = path.join(dir, 'pithos.yaml');
  await writeFile(file, stringify(config()));
  const bootstraps = Array.from({ length: BOOTSTRAPS }, () => bootstrap(file, { timeoutMs: 240_000 }));
  node = await startNode({
    nativePort: port,
    heapMb: 768,
    volatileSchema: true,
    extraConfig: {
      authenticator: 'PasswordAuthenticator',
      client_encryption_options: tls.clientEncryptionOptions({ requireClientCert: true }),
    },
  });
  for (const { code, stdout, stderr } of await Promise.all(bootstraps)) expect(code, stdout + stderr).toBe(0);
  expect((await bootstrap(file)).code).toBe(0);

  const server = await spawnPithos({ config: config() });
  const s3 = new S3Client({
    endpoint: server.url,
    region: 'near',
    forcePathStyle: true,
    credentials: { accessKeyId: MASTER_KEY.accessKeyId, secretAccessKey: MASTER_KEY.secretAccessKey },
  });
  try {
    const constraint = 'far' as BucketLocationConstraint;
    await s3.send(new CreateBucketCommand({ Bucket: 'nearby' }));
    await s3.send(
      new CreateBucketCommand({ Bucket: 'away', CreateBucketConfiguration: { LocationConstraint: constraint } }),
    );
    expect((await s3.send(new GetBucketLocationCommand({ Bucket: 'away' }))).LocationConstraint).toBe('far');
    const nowhere = { LocationConstraint: 'nowhere' as BucketLocationConstraint };
    await expect(
      s3.send(new CreateBucketCommand({ Bucket: 'lost', CreateBucketConfiguration: nowhere })),
    ).rejects.toMatchObject({ name: 'InvalidLocationConstraint' });

    const Body = Buffer.alloc(600_000, 'x');
    const cold = 'GLACIER' as StorageClass;
    await s3.send(new PutObjectCommand({ Bucket: 'away', Key: 'cold', Body, StorageClass: cold }));
    expect([await blobRows('far_cold'), await blobRows('far_data'), await blobRows('near_data')]).toEqual([2, 0, 0]);
    await s3.send(new PutObjectCommand({ Bucket: 'nearby', Key: 'warm', Body }));
    expect([await blobRows('far_cold'), await blobRows('far_data'), await blobRows('near_data')]).toEqual([2, 0, 2]);
    expect((await s3.send(new HeadObjectCommand({ Bucket: 'away', Key: 'cold' }))).StorageClass).toBe('GLACIER');
    const { Body: stored } = await s3.send(new GetObjectCommand({ Bucket: 'away', Key: 'cold' }));
    expect(Buffer.from((await stored?.transformToByteArray()) ?? []).equals(Body)).toBe(true);
    await expect(
      s3.send(new PutObjectCommand({ Bucket: 'nearby', Key: 'cold', Body, StorageClass: cold })),
    ).rejects.toMatchObject({ name: 'InvalidStorageClass' });
    // Without a master key, encryption is refused by name.
    await expect(
      s3.send(new PutObjectCommand({ Bucket: 'nearby', Key: 'sse', Body, ServerSideEncryption: 'AES256' })),
    ).rejects.toMatchObject({ $metadata: { httpStatusCode: 400 } });
  } finally {
    s3.destroy();
    await server.stop();
  }
});
