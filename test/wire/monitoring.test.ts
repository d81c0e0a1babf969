// Health and metrics on their own port: of a server of one process and of several, while it starts, serves and ends.
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from '../cassandra/index.mjs';
import { spawnPithos } from '../support/server.js';
import type { PithosProcess } from '../support/server.js';
import { contentOf, KIB } from './helpers.js';
import { namesUsed, sampleOf, samplesOf } from './metrics.js';
import { RawConnection } from './raw.js';
import type { Home, StoreKind } from './servers.js';
import { bucketName, clientOf, makeHome, STORES } from './servers.js';

const SIZES = [1, 2];

describe.each(STORES.flatMap((store) => SIZES.map((workers) => ({ store, workers }))))(
  'monitoring of $workers workers on $store',
  ({ store, workers }) => {
    suite(store, workers);
  },
);

function suite(store: StoreKind, workers: number): void {
  let home: Home;
  let server: PithosProcess;
  let url = '';

  beforeAll(async () => {
    const port = await freePort({ hosts: ['127.0.0.1'] });
    url = `http://127.0.0.1:${port}`;
    home = await makeHome(store, {
      service: { workers, 'health-port': port, 'drain-delay': '2s' },
      limits: { 'max-connections': 4 },
    });
    server = await spawnPithos({ config: home.config });
    await vi.waitFor(async () => expect(await ready()).toBe(200), { timeout: 60_000, interval: 100 });
  });
  afterAll(async () => {
    await server.stop();
    await home.remove();
  });

  const get = async (path: string) => {
    const response = await fetch(`${url}${path}`);
    return { status: response.status, headers: response.headers, text: await response.text() };
  };
  const ready = async (): Promise<number> => (await get('/-/ready').catch(() => ({ status: 0 }))).status;
  const metrics = async () => (await get('/metrics')).text;

  it('answers who asks whether it lives and serves', async () => {
    expect((await get('/-/live')).status).toBe(200);
    expect(await get('/-/ready')).toMatchObject({ status: 200, text: 'ready\n' });
    expect((await get('/nothing')).status).toBe(404);
    expect((await fetch(`${url}/-/live`, { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${url}/-/live`, { method: 'HEAD' })).status).toBe(200);
    // They are of that port alone.
    expect((await fetch(`${server.url}/metrics`)).status).toBe(404);
  });

  it('counts requests and bytes by operation', async () => {
    const s3 = clientOf(server);
    const Bucket = bucketName();
    const Body = Buffer.alloc(100 * KIB);
    await s3.send(new CreateBucketCommand({ Bucket }));
    for (const Key of ['a', 'b', 'c']) await s3.send(new PutObjectCommand({ Bucket, Key, Body }));
    expect((await contentOf(await s3.send(new GetObjectCommand({ Bucket, Key: 'a' })))).length).toBe(Body.length);
    await expect(s3.send(new GetObjectCommand({ Bucket, Key: 'none' }))).rejects.toThrow();
    await fetch(`${server.url}/-invalid-`);
    s3.destroy();

    const text = await metrics();
    const count = (operation: string, status: string): number =>
      sampleOf(text, 'pithos_requests_total', { operation, status });
    expect(count('PutObject', '2xx')).toBe(3);
    expect(count('GetObject', '2xx')).toBe(1);
    expect(count('GetObject', '4xx')).toBe(1);
    for (const histogram of ['pithos_request_first_byte_seconds', 'pithos_request_duration_seconds'])
      expect(sampleOf(text, `${histogram}_count`, { operation: 'PutObject' })).toBe(3);
    // SDKs add the framing of a checksum.
    expect(sampleOf(text, 'pithos_received_bytes_total', { operation: 'PutObject' })).toBeGreaterThanOrEqual(
      3 * Body.length,
    );
    expect(sampleOf(text, 'pithos_received_bytes_total', { operation: 'PutObject' })).toBeLessThan(4 * Body.length);
    expect(sampleOf(text, 'pithos_sent_bytes_total', { operation: 'GetObject' })).toBeGreaterThanOrEqual(Body.length);
    expect(sampleOf(text, 'pithos_requests_in_flight', {})).toBe(0);
  });

  it('tells what the store does', async () => {
    const calls = samplesOf(await metrics(), 'pithos_store_call_seconds_count').map(({ labels }) => labels['call']);
    if (store === 'embedded') expect(new Set(calls)).toEqual(new Set(['commit', 'sync']));
    else expect(calls).toEqual(expect.arrayContaining(['insert blob_block', 'select bucket_record']));
    const nodes = async () => sampleOf(await metrics(), 'pithos_cassandra_nodes', { state: 'up' });
    await expect.poll(nodes, { timeout: 60_000 }).toBe(store === 'cassandra' ? 1 : 0);
  });

  it('has figures of buffers, the backlog, the process, and the version', async () => {
    await expect
      .poll(async () => samplesOf(await metrics(), 'pithos_backlog_entries').length, { timeout: 60_000 })
      .toBe(3);
    const text = await metrics();
    expect(sampleOf(text, 'pithos_buffer_limit_bytes', { budget: 'data' })).toBe(128 * 1024 * KIB);
    expect(sampleOf(text, 'pithos_buffer_used_bytes', { budget: 'data' })).toBe(0);
    expect(samplesOf(text, 'pithos_build_info')).toHaveLength(1);
    expect(samplesOf(text, 'pithos_build_info')[0]?.value).toBe(1);
    expect(sampleOf(text, 'process_resident_memory_bytes', {})).toBeGreaterThan(0);
    expect(sampleOf(text, 'nodejs_eventloop_lag_p99_seconds', {})).toBeGreaterThanOrEqual(0);
    expect(sampleOf(text, 'pithos_store_failures_total', { kind: 'timeout' })).toBe(0);
  });

  it('has no label that comes from a client', async () => {
    const secret = bucketName('label');
    await fetch(`${server.url}/${secret}/${secret}?${secret}`, {
      method: 'DELETE',
      headers: { 'x-amz-meta-a': secret },
    });
    await fetch(`${server.url}/?Action=${secret}`, { method: 'POST' });
    const text = await metrics();
    expect(text).not.toContain(secret);
    const operations = new Set(samplesOf(text, 'pithos_requests_total').map(({ labels }) => labels['operation']));
    expect([...operations].every((name) => /^[A-Za-z0-9.:]+$/.test(name ?? ''))).toBe(true);
    expect(namesUsed(text).size).toBeGreaterThan(20);
  });

  it('answers while the S3 port takes no more connections', async () => {
    const idle = await Promise.all(Array.from({ length: 12 }, () => RawConnection.open(server)));
    expect(await ready()).toBe(200);
    expect((await get('/-/live')).status).toBe(200);
    for (const connection of idle) connection.destroy();
  });

  it('is not ready from the moment that it begins to end', async () => {
    // A request that is under way keeps the server from ending at once.
    const answers: string[] = [];
    const ended = server.stop();
    await expect
      .poll(
        async () => {
          const { status, text } = await get('/-/ready').catch(() => ({ status: 0, text: '' }));
          answers.push(`${status} ${text}`);
          return status;
        },
        { timeout: 60_000, interval: 20 },
      )
      .toBe(503);
    expect(answers.at(-1)).toBe('503 not ready: draining\n');
    expect((await get('/-/live')).status).toBe(200);
    expect((await ended).code).toBe(0);
  });
}
