/**
 * How much each operation asks of the store, counted. A commit that changes a figure changes it here, for all to see: time says little on
 * a machine that others use too, and a query more or less says it exactly.
 */
import { randomBytes } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { freePort } from '../cassandra/index.mjs';
import { samplesOf } from './metrics.js';
import type { StoreKind } from './servers.js';
import { describeWire } from './servers.js';

/** So often is each operation done: what comes less often than it is somebody else's. */
const TIMES = 20;
const SMALL = randomBytes(4096);
const LARGE = randomBytes(1024 * 1024);
const healthPort = await freePort();

type Work = Readonly<Record<string, number>>;

const EXPECTED: Readonly<Record<StoreKind, Readonly<Record<string, Work>>>> = {
  embedded: {
    'PUT 4 KiB': { commit: 1 },
    'PUT 4 KiB again': { commit: 1 },
    'GET 4 KiB': {},
    HEAD: {},
    'HEAD of none': {},
    LIST: {},
    'PUT 1 MiB': { commit: 1, sync: 1 },
    'GET 1 MiB': {},
    DELETE: { commit: 1 },
    'multipart upload of one part': { commit: 4, sync: 1 },
  },
  cassandra: {
    'PUT 4 KiB': { 'select object_head': 1, 'insert garbage': 1, 'cas object_head': 1, 'insert object_index': 1 },
    'PUT 4 KiB again': { 'select object_head': 1, 'insert garbage': 1, 'cas object_head': 1, 'insert object_index': 1 },
    'GET 4 KiB': { 'select object_head': 1 },
    HEAD: { 'select object_head': 1 },
    'HEAD of none': { 'select object_head': 1 },
    LIST: { 'select object_index': 1 },
    // Chunks of 128 KiB.
    'PUT 1 MiB': {
      'insert garbage': 2,
      'insert blob_inode': 1,
      'insert blob_block': 8,
      'select object_head': 1,
      'cas object_head': 1,
      'insert object_index': 1,
    },
    'GET 1 MiB': { 'select object_head': 1, 'select blob_block': 1 },
    DELETE: { 'select object_head': 1, 'insert garbage': 1, 'cas object_head': 1, 'delete object_index': 1 },
    'multipart upload of one part': {
      'insert upload_index': 2,
      'insert garbage': 5,
      'insert blob_inode': 1,
      'insert blob_block': 1,
      'select upload_head': 9,
      'cas upload_head': 4,
      'select object_head': 1,
      'cas object_head': 1,
      'insert object_index': 1,
      'insert upload_finished': 1,
      'delete upload_index': 1,
    },
  },
};

describeWire(
  'the store is asked',
  (wire) => {
    async function calls(): Promise<Map<string, number>> {
      const text = await (await fetch(`http://127.0.0.1:${healthPort}/metrics`)).text();
      const samples = samplesOf(text, 'pithos_store_call_seconds_count');
      return new Map(samples.map(({ labels, value }) => [labels['call'] ?? '', value]));
    }

    async function workOf(operation: (time: number) => Promise<unknown>): Promise<Work> {
      const before = await calls();
      for (let time = 0; time < TIMES; time++) await operation(time);
      const counted = [...(await calls())].map(
        ([call, count]) => [call, Math.round((count - (before.get(call) ?? 0)) / TIMES)] as const,
      );
      return Object.fromEntries(counted.filter(([, count]) => count > 0).sort());
    }

    it('as often as before', async () => {
      const Bucket = await wire.bucket();
      const put = (Key: string, Body: Buffer) => wire.s3.send(new PutObjectCommand({ Bucket, Key, Body }));
      const get = async (Key: string) =>
        (await wire.s3.send(new GetObjectCommand({ Bucket, Key }))).Body?.transformToByteArray();
      await put('warm', SMALL);
      const work: Record<string, Work> = {
        'PUT 4 KiB': await workOf((time) => put(`small/${time}`, SMALL)),
        'PUT 4 KiB again': await workOf((time) => put(`small/${time}`, SMALL)),
        'GET 4 KiB': await workOf((time) => get(`small/${time}`)),
        HEAD: await workOf((time) => wire.s3.send(new HeadObjectCommand({ Bucket, Key: `small/${time}` }))),
        'HEAD of none': await workOf(() =>
          wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'none' })).catch(() => null),
        ),
        LIST: await workOf(() => wire.s3.send(new ListObjectsV2Command({ Bucket }))),
        'PUT 1 MiB': await workOf((time) => put(`large/${time}`, LARGE)),
        'GET 1 MiB': await workOf((time) => get(`large/${time}`)),
        DELETE: await workOf((time) => wire.s3.send(new DeleteObjectCommand({ Bucket, Key: `small/${time}` }))),
        'multipart upload of one part': await workOf(async (time) => {
          const Key = `parts/${time}`;
          const { UploadId } = await wire.s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
          const part = { Bucket, Key, UploadId, PartNumber: 1 };
          const { ETag } = await wire.s3.send(new UploadPartCommand({ ...part, Body: SMALL }));
          const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
          await wire.s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
        }),
      };
      expect(work).toEqual(EXPECTED[wire.store]);
    });
  },
  { service: { host: '127.0.0.1', workers: 1, 'health-port': healthPort }, gc: { interval: '0s' } },
  { ownKeyspace: true },
);
