// Rates of addresses, keys and buckets, and what a server does with more requests than it takes.
import { createHash } from 'node:crypto';
import {
  CreateBucketCommand,
  GetObjectCommand,
  PutBucketPolicyCommand,
  PutBucketWebsiteCommand,
  PutPublicAccessBlockCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { spawnPithos } from '../support/server.js';
import { callAdmin } from './admin.js';
import { bytes, contentOf, eventually, KIB, put } from './helpers.js';
import { sampleOf } from './metrics.js';
import { exchange, head, RawConnection, signedExchange } from './raw.js';
import type { RawResponse } from './raw.js';
import {
  bucketName,
  clientOf,
  describeWire,
  KEYS,
  makeHome,
  MASTER_KEY,
  OTHER_KEY,
  STORES,
  USER_KEY,
} from './servers.js';
import { signV4 } from './signing.js';

const statusesOf = (answers: readonly RawResponse[]) => answers.map(({ status }) => status);
const many = <T>(count: number, make: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)));

function expectSlowDown(answers: readonly RawResponse[]): void {
  const refused = answers.filter(({ status }) => status === 503);
  expect(refused.length).toBeGreaterThan(0);
  for (const { code, headers } of refused) {
    expect(code).toBe('SlowDown');
    expect(Number(headers['retry-after'])).toBeGreaterThanOrEqual(1);
    expect(headers['x-amz-request-id']).toMatch(/^[0-9A-F]{16,}$/);
  }
}

/** What the server itself tells of its limits. */
async function metricsOf(server: { logs(): string }): Promise<string> {
  const [, port = ''] = /"port":(\d+)[^\n]*health and metrics/.exec(server.logs()) ?? [];
  return (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}

const refusedBy = async (server: { logs(): string }, limit: string): Promise<number> =>
  sampleOf(await metricsOf(server), 'pithos_refused_requests_total', { limit });

describeWire(
  'rates of clients',
  (wire) => {
    let lastHost = 0;
    /** An address that no other request came from. */
    const elsewhere = () => ({ 'x-forwarded-for': `198.51.100.${++lastHost}` });
    const list = (headers: Readonly<Record<string, string>>, credentials = USER_KEY) =>
      signedExchange(wire.server, { method: 'GET', target: '/', headers, credentials });

    it('of an address are its own, also behind a trusted proxy', async () => {
      const one = elsewhere();
      const answers = await many(12, () => exchange(wire.server, { method: 'GET', target: '/', headers: one }));
      expectSlowDown(answers);
      expect(statusesOf(answers)).toContain(403);
      // What the client says itself, further left, makes it nobody else.
      const disguised = await many(12, (index) =>
        exchange(wire.server, {
          method: 'GET',
          target: '/',
          headers: { 'x-forwarded-for': `203.0.113.${index}, ${one['x-forwarded-for']}` },
        }),
      );
      expectSlowDown(disguised);
      expect((await exchange(wire.server, { method: 'GET', target: '/', headers: elsewhere() })).status).toBe(403);
    });

    it('of a key are spent by requests that it has signed', async () => {
      const forged = await many(20, () => {
        const { headers } = signV4({
          method: 'GET',
          path: '/',
          headers: { host: `${wire.server.host}:${wire.server.port}`, ...elsewhere() },
          credentials: { ...USER_KEY, secretAccessKey: 'not the secret' },
        });
        return exchange(wire.server, { method: 'GET', target: '/', headers });
      });
      expect(new Set(statusesOf(forged))).toEqual(new Set([403]));
      expect((await list(elsewhere())).status).toBe(200);
      const answers = await many(20, () => list(elsewhere()));
      expectSlowDown(answers);
      expect((await list(elsewhere(), OTHER_KEY)).status).toBe(200);
    });

    it('are told apart in the metrics', async () => {
      expect(await refusedBy(wire.server, 'address')).toBeGreaterThan(0);
      expect(await refusedBy(wire.server, 'access-key')).toBeGreaterThan(0);
      for (const limit of ['server', 'bucket', 'tenant']) expect(await refusedBy(wire.server, limit)).toBe(0);
    });
  },
  {
    service: { workers: 2, 'health-port': 0, 'trusted-proxies': ['127.0.0.0/8'] },
    limits: { 'rate-limit': { 'per-address': 2, 'per-access-key': 2 } },
  },
);

describeWire(
  'addresses behind a trusted proxy',
  (wire) => {
    it('are those of policies and of the log', async () => {
      const Bucket = await wire.bucket();
      await put(wire.s3, Bucket, 'near', 'content');
      await wire.s3.send(
        new PutPublicAccessBlockCommand({
          Bucket,
          PublicAccessBlockConfiguration: { BlockPublicPolicy: false, RestrictPublicBuckets: false },
        }),
      );
      const statement = {
        Effect: 'Allow',
        Principal: '*',
        Action: 's3:GetObject',
        Resource: `arn:aws:s3:::${Bucket}/*`,
        Condition: { IpAddress: { 'aws:SourceIp': '198.51.100.0/24' } },
      };
      const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
      await wire.s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
      const from = async (forwarded: string): Promise<number> => {
        const headers = { 'x-forwarded-for': forwarded };
        return (await exchange(wire.server, { method: 'GET', target: `/${Bucket}/near`, headers })).status;
      };
      expect(await from('198.51.100.7')).toBe(200);
      expect(await from('203.0.113.5, 198.51.100.7:41234')).toBe(200);
      expect(await from('198.51.100.7, 203.0.113.5')).toBe(403);
      expect(await from('198.51.100.7, nonsense')).toBe(403);
      await eventually(() => wire.server.logs()).toContain('"remote":"198.51.100.7"');
    });

    it('come with what the proxy says of TLS', async () => {
      const Bucket = await wire.bucket();
      await put(wire.s3, Bucket, 'old', 'content');
      const over = (scheme: string, more: Readonly<Record<string, string>> = {}) => ({
        'x-forwarded-for': '198.51.100.7',
        'x-forwarded-proto': scheme,
        ...more,
      });
      // SSE-C, of which this server wants TLS.
      const key = bytes(32);
      const customer = {
        'x-amz-server-side-encryption-customer-algorithm': 'AES256',
        'x-amz-server-side-encryption-customer-key': key.toString('base64'),
        'x-amz-server-side-encryption-customer-key-MD5': createHash('md5').update(key).digest('base64'),
      };
      const sealed = { method: 'PUT', target: `/${Bucket}/sealed`, body: 'sealed' };
      const refused = await signedExchange(wire.server, { ...sealed, headers: over('http', customer) });
      expect(refused).toMatchObject({ status: 400, code: 'InvalidRequest' });
      expect((await signedExchange(wire.server, { ...sealed, headers: over('https', customer) })).status).toBe(200);
      // aws:SecureTransport
      const Policy = JSON.stringify({
        Version: '2012-10-17',
        Statement: {
          Effect: 'Deny',
          Principal: '*',
          Action: 's3:GetObject',
          Resource: `arn:aws:s3:::${Bucket}/*`,
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        },
      });
      await wire.s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
      const get = { method: 'GET', target: `/${Bucket}/old` };
      expect((await signedExchange(wire.server, { ...get, headers: over('http') })).status).toBe(403);
      expect((await signedExchange(wire.server, { ...get, headers: over('https') })).status).toBe(200);
      // Redirects of websites.
      await wire.s3.send(
        new PutBucketWebsiteCommand({
          Bucket,
          WebsiteConfiguration: { RedirectAllRequestsTo: { HostName: 'elsewhere.example.com' } },
        }),
      );
      const visit = { method: 'GET', target: '/page', headers: { host: `${Bucket}.s3-website.localhost` } };
      const location = async (scheme: string): Promise<string | undefined> =>
        (await exchange(wire.server, { ...visit, headers: { ...visit.headers, ...over(scheme) } })).headers['location'];
      expect(await location('https')).toBe('https://elsewhere.example.com/page');
      expect(await location('http')).toBe('http://elsewhere.example.com/page');
    });
  },
  {
    service: { 'trusted-proxies': '127.0.0.1/32' },
    encryption: { 'customer-keys-require-tls': true },
  },
);

describeWire('limits of a bucket', (wire) => {
  let Bucket = '';
  beforeAll(async () => {
    Bucket = await wire.bucket();
    await put(wire.s3, Bucket, 'small', 'small');
  });
  const admin = (method: string, body?: object, keys = MASTER_KEY) =>
    callAdmin(wire.server, keys, {
      method,
      path: `/buckets/${Bucket}/limits`,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const getSmall = () => signedExchange(wire.server, { method: 'GET', target: `/${Bucket}/small` });

  it('are set and taken away by operators alone', async () => {
    const none = { requestsPerSecond: null, bytesInPerSecond: null, bytesOutPerSecond: null };
    expect(await admin('GET')).toMatchObject({ status: 200, json: none });
    expect(await admin('PUT', { requestsPerSecond: 2.5, bytesInPerSecond: 1 << 20 })).toMatchObject({
      status: 200,
      json: { ...none, requestsPerSecond: 2.5, bytesInPerSecond: 1 << 20 },
    });
    expect(await admin('GET', undefined, KEYS.user)).toMatchObject({ status: 200, json: { requestsPerSecond: 2.5 } });
    expect((await admin('GET', undefined, KEYS.other)).status).toBe(403);
    expect((await admin('PUT', {}, KEYS.user)).status).toBe(403);
    expect((await admin('DELETE', undefined, KEYS.user)).status).toBe(403);
    for (const wrong of [{ requestsPerSecond: -1 }, { bytesInPerSecond: 10 }, { bytesOutPerSecond: 'x' }, { other: 1 }])
      expect(await admin('PUT', wrong), JSON.stringify(wrong)).toMatchObject({ status: 400 });
    expect((await admin('DELETE')).status).toBe(204);
    expect(await admin('GET')).toMatchObject({ status: 200, json: none });
  });

  it('slow requests down, then refuse them', async () => {
    await admin('PUT', { requestsPerSecond: 1 });
    const answers = await many(20, getSmall);
    expectSlowDown(answers);
    expect(statusesOf(answers)).toContain(200);
    // Whoever may not read the bucket does not spend what its owner may ask for.
    await admin('PUT', { requestsPerSecond: 5 });
    await many(30, () => exchange(wire.server, { method: 'GET', target: `/${Bucket}/small` }));
    expect((await getSmall()).status).toBe(200);
    await admin('DELETE');
    expect(new Set(statusesOf(await many(20, getSmall)))).toEqual(new Set([200]));
  });

  it('let bytes pass at their pace, both ways, and none is lost', async () => {
    const body = bytes(1024 * KIB, 3);
    const timed = async (work: () => Promise<unknown>): Promise<number> => {
      const startMs = performance.now();
      await work();
      return performance.now() - startMs;
    };
    await admin('PUT', { bytesInPerSecond: 256 * KIB, bytesOutPerSecond: 256 * KIB });
    // A second's worth passes at once.
    expect(await timed(() => put(wire.s3, Bucket, 'large', body))).toBeGreaterThan(2_500);
    for (const Range of [undefined, 'bytes=0-786431']) {
      const input = Range === undefined ? { Bucket, Key: 'large' } : { Bucket, Key: 'large', Range };
      let content: Buffer = Buffer.alloc(0);
      const tookMs = await timed(async () => {
        content = await contentOf(await wire.s3.send(new GetObjectCommand(input)));
      });
      expect(content.equals(body.subarray(0, content.length))).toBe(true);
      expect(tookMs).toBeGreaterThan(1_500);
    }
    await admin('DELETE');
  });
});

// Most of it is waiting, so they wait together.
describe.concurrent.each(STORES)('limits of a bucket on %s', (store) => {
  it('are shared by the gateways', async ({ expect }) => {
    const home = await makeHome(store, { service: { workers: 2 } });
    const one = await spawnPithos({ config: home.config });
    const gateways = [one, await spawnPithos({ config: home.config })];
    const clients = gateways.map((gateway) => clientOf(gateway));
    try {
      const [first] = clients;
      const Bucket = bucketName();
      await first?.send(new CreateBucketCommand({ Bucket }));
      const body = JSON.stringify({ bytesOutPerSecond: 200 * KIB });
      const limits = { method: 'PUT', path: `/buckets/${Bucket}/limits`, body };
      expect((await callAdmin(one, MASTER_KEY, limits)).status).toBe(200);
      for (const s3 of clients) await put(s3, Bucket, 'large', bytes(400 * KIB, 5));
      const download = async (s3: S3Client): Promise<number> => {
        const startMs = performance.now();
        await contentOf(await s3.send(new GetObjectCommand({ Bucket, Key: 'large' })));
        return performance.now() - startMs;
      };
      // Alone each gateway would need two seconds at most; by halves it needs three at least, once it has seen the other one.
      await expect
        .poll(async () => Math.min(...(await Promise.all(clients.map(download)))), { timeout: 120_000 })
        .toBeGreaterThan(2_900);
    } finally {
      for (const s3 of clients) s3.destroy();
      await Promise.all(gateways.map((gateway) => gateway.stop()));
      await home.remove();
    }
  });
});

describe('more requests than the server takes', () => {
  describeWire(
    'overload',
    (wire) => {
      it('wait in a queue of their own length, and are refused beyond it before their bodies', async () => {
        const Bucket = await wire.bucket();
        await put(wire.s3, Bucket, 'key', 'content');
        const host = `${wire.server.host}:${wire.server.port}`;
        const body = bytes(200 * KIB, 4);
        const begin = async (method: string, name: string, contentLength: number) => {
          const path = `/${Bucket}/${name}`;
          const { headers } = signV4({ method, path, headers: { host }, credentials: USER_KEY });
          const connection = await RawConnection.open(wire.server);
          await connection.send(head(method, path, { ...headers, 'content-length': String(contentLength) }));
          return connection;
        };
        const uploads = [await begin('PUT', 'one', body.length), await begin('PUT', 'two', body.length)];
        for (const upload of uploads) await upload.send(body.subarray(0, 100 * KIB));
        const waiting = await begin('GET', 'key', 0);
        await eventually(async () => {
          const refused = await begin('PUT', 'three', 50_000_000);
          try {
            return await refused.response().then(({ status, code, headers }) => [status, code, headers['retry-after']]);
          } finally {
            refused.destroy();
          }
        }).toEqual([503, 'SlowDown', '1']);
        expect(waiting.pendingBytes).toBe(0);
        const figures = await metricsOf(wire.server);
        const figure = (name: string, labels: Readonly<Record<string, string>>) => sampleOf(figures, name, labels);
        expect(figure('pithos_admission_requests', { state: 'running' })).toBe(2);
        expect(figure('pithos_admission_requests', { state: 'waiting' })).toBe(1);
        expect(figure('pithos_admission_limit_requests', { state: 'running' })).toBe(2);
        expect(figure('pithos_admission_limit_requests', { state: 'waiting' })).toBe(1);
        expect(figure('pithos_refused_requests_total', { limit: 'server' })).toBeGreaterThan(0);
        const [first, second] = uploads;
        await first?.send(body.subarray(100 * KIB));
        expect((await first?.response())?.status).toBe(200);
        const answer = await waiting.response();
        expect([answer.status, answer.body.toString()]).toEqual([200, 'content']);
        await second?.send(body.subarray(100 * KIB));
        expect((await second?.response())?.status).toBe(200);
        for (const connection of [...uploads, waiting]) connection.destroy();
        await put(wire.s3, Bucket, 'after', 'after');
      });
    },
    {
      service: { workers: 1, 'health-port': 0 },
      limits: { 'max-requests': 2, 'max-waiting-requests': 1, 'max-request-wait': '50s', 'body-idle-timeout': '50s' },
    },
  );
});
