import { describe, expect, it } from 'vitest';
import { pino } from 'pino';
import { AccessLog } from '../../src/accesslog/access-log.js';
import type { AccessLogOptions } from '../../src/accesslog/access-log.js';
import { DeliveryRefused } from '../../src/accesslog/deliver.js';
import type { Delivery } from '../../src/accesslog/deliver.js';
import { operationName } from '../../src/accesslog/operation-name.js';
import type { LogRecord } from '../../src/accesslog/record.js';
import { logLine } from '../../src/accesslog/record.js';
import type { Served } from '../../src/http/request-log.js';
import { OPERATIONS } from '../../src/s3/operations.js';
import type { BucketRecord } from '../../src/store/types.js';

const RECORD: LogRecord = {
  bucketOwner: 'owner',
  bucket: 'photos',
  timeMs: Date.UTC(2019, 1, 6, 0, 0, 38),
  remoteAddress: '192.0.2.3',
  requester: null,
  requestId: '3E57427F33A59F07',
  operation: 'REST.GET.OBJECT',
  key: 'a b/ü"',
  requestLine: 'GET /photos/a%20b HTTP/1.1',
  status: 200,
  errorCode: null,
  sentBytes: 0,
  objectBytes: 3462992,
  totalMs: 70.4,
  turnAroundMs: 10,
  referer: 'http://x/"\n',
  userAgent: null,
  versionId: 'v 1',
  hostId: 'host',
  signature: 'SigV4',
  cipherSuite: null,
  authentication: 'AuthHeader',
  host: 's3.example.com',
  tlsVersion: null,
};

describe('a line', () => {
  it('has S3’s fields', () => {
    expect(logLine(RECORD)).toBe(
      'owner photos [06/Feb/2019:00:00:38 +0000] 192.0.2.3 - 3E57427F33A59F07 REST.GET.OBJECT a%20b/%C3%BC%22 ' +
        '"GET /photos/a%20b HTTP/1.1" 200 - - 3462992 70 10 "http://x/%22%0A" "-" v%201 host SigV4 - AuthHeader ' +
        's3.example.com - - - -\n',
    );
  });

  it.each([
    ['GET', 'GetObject', 'REST.GET.OBJECT'],
    ['PUT', 'CopyObject', 'REST.COPY.OBJECT'],
    ['PUT', 'UploadPartCopy', 'REST.COPY.PART'],
    ['GET', 'ListObjectsV2', 'REST.GET.BUCKET'],
    ['PUT', 'PutBucketAcl', 'REST.PUT.ACL'],
    ['GET', 'GetPublicAccessBlock', 'REST.GET.PUBLIC_ACCESS_BLOCK'],
    ['POST', 'DeleteObjects', 'REST.POST.MULTI_OBJECT_DELETE'],
    ['GET', null, 'REST.GET.-'],
  ])('names %s %s %s', (method, operation, name) => {
    expect(operationName(method, operation)).toBe(name);
  });

  it('has a name for every operation', () => {
    for (const { method, name } of OPERATIONS) expect(operationName(method, name)).toMatch(/^REST\.[A-Z]+\.[A-Z_]+$/);
  });
});

const bucket = (name: string, target: string | null = 'logs'): BucketRecord => ({
  name,
  instance: name,
  region: 'r',
  owner: { id: 'owner', displayName: 'owner' },
  createdAt: 0,
  revision: 1,
  state: 'active',
  versioning: 'unversioned',
  objectLock: false,
  documents:
    target === null
      ? {}
      : { logging: JSON.stringify({ targetBucket: target, targetPrefix: '', keyFormat: 'simple', acl: null }) },
});

const served = (of: BucketRecord | null, id: string, name: string | null = null): Served =>
  ({
    id,
    method: 'GET',
    url: '/',
    httpVersion: '1.1',
    trace: {
      request: name === null ? null : { bucket: name, key: null, headers: {}, query: new Map() },
      auth: null,
      operation: null,
      action: null,
      identity: { kind: 'anonymous' },
      bucket: of,
      entries: [],
    },
    tls: null,
    response: { status: 200, headers: {}, body: null },
    failure: null,
    sentBytes: 0,
    durationMs: 1,
    turnAroundMs: 1,
  }) as unknown as Served;

function logWith(deliver: (delivery: Delivery) => Promise<void>, more: Partial<AccessLogOptions> = {}) {
  return new AccessLog({
    buckets: { get: async (name) => bucket(name) },
    deliverer: { deliver },
    flushIntervalMs: 3_600_000,
    flushBytes: 1_000_000,
    maxBytes: 2_000_000,
    log: pino({ level: 'silent' }),
    now: () => 1_000,
    ...more,
  });
}

const idsOf = ({ lines }: Delivery) => lines.map(({ text }) => /req\d+/.exec(text)?.[0]);

describe('the gathering of lines', () => {
  it('delivers what waits for each bucket, once', async () => {
    const delivered: (readonly [string, unknown])[] = [];
    const log = logWith(async (delivery) => void delivered.push([delivery.source.name, idsOf(delivery)]));
    for (const [name, id] of [
      ['a', 'req1'],
      ['b', 'req2'],
      ['a', 'req3'],
    ] as const)
      log.served(served(bucket(name), id));
    log.served(served(bucket('silent', null), 'req4'));
    await log.flush();
    await log.stop();
    expect(delivered).toEqual([
      ['a', ['req1', 'req3']],
      ['b', ['req2']],
    ]);
  });

  it('looks for the bucket of a request that was refused before', async () => {
    const delivered: string[] = [];
    const log = logWith(async ({ source }) => void delivered.push(source.name));
    log.served(served(null, 'req1', 'found'));
    log.served(served(null, 'req2'));
    await log.stop();
    expect(delivered).toEqual(['found']);
  });

  it('delivers at once when one bucket has many', async () => {
    let lines = 0;
    const log = logWith(async (delivery) => void (lines += delivery.lines.length), { flushBytes: 300 });
    for (let i = 0; i < 10; i++) log.served(served(bucket('a'), `req${i}`));
    expect(lines).toBeGreaterThanOrEqual(6);
    await log.stop();
    expect(lines).toBe(10);
  });

  it('keeps in order what could not be delivered, and gives up what may not be', async () => {
    const delivered: unknown[] = [];
    let fails = true;
    const log = logWith(async (delivery) => {
      if (fails) throw new Error('the store is down');
      delivered.push(idsOf(delivery));
    });
    log.served(served(bucket('a'), 'req1'));
    await log.flush();
    log.served(served(bucket('a'), 'req2'));
    fails = false;
    await log.flush();
    expect(delivered).toEqual([['req1', 'req2']]);
    let tries = 0;
    const refused = logWith(async () => {
      tries++;
      throw new DeliveryRefused('no');
    });
    refused.served(served(bucket('a'), 'req1'));
    await refused.flush();
    await refused.stop();
    expect(tries).toBe(1);
  });

  it('holds no more than it may, and drops the oldest', async () => {
    const delivered: unknown[] = [];
    let fails = true;
    const log = logWith(
      async (delivery) => {
        if (fails) throw new Error('the store is down');
        delivered.push(...idsOf(delivery));
      },
      { maxBytes: 2_000 },
    );
    for (let i = 0; i < 100; i++) {
      log.served(served(bucket('a'), `req${i}`));
      if (i % 10 === 0) await log.flush();
    }
    fails = false;
    await log.stop();
    expect(delivered.length).toBeGreaterThan(3);
    expect(delivered.length).toBeLessThan(40);
    expect(delivered.at(-1)).toBe('req99');
  });
});
