import { describe, expect, it } from 'vitest';
import { pino } from 'pino';
import { AccessLog } from '../../src/accesslog/access-log.js';
import type { AccessLogOptions } from '../../src/accesslog/access-log.js';
import { DeliveryRefused } from '../../src/accesslog/deliver.js';
import type { LogDeliverer } from '../../src/accesslog/deliver.js';
import { copySourceName, lifecycleName, operationName } from '../../src/accesslog/operation-name.js';
import type { LogRecord } from '../../src/accesslog/record.js';
import { logLine } from '../../src/accesslog/record.js';
import type { Served } from '../../src/http/request-log.js';
import { logObjectKey, mayDeliverLogs } from '../../src/s3/logging.js';
import type { BatchEntry } from '../../src/s3/operation.js';
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
  aclRequired: false,
};

describe('a line', () => {
  it('has S3’s fields', () => {
    expect(logLine(RECORD)).toBe(
      'owner photos [06/Feb/2019:00:00:38 +0000] 192.0.2.3 - 3E57427F33A59F07 REST.GET.OBJECT ' +
        'a%2520b/%25C3%25BC%2522 "GET /photos/a%20b HTTP/1.1" 200 - - 3462992 70 10 "http://x/%22%0A" "-" v%201 host ' +
        'SigV4 - AuthHeader s3.example.com - - - -\n',
    );
  });

  it.each([
    ['REST.GET.OBJECT', "a b+(1)'é=~*", 'a%2520b%252B%25281%2529%2527%25C3%25A9%253D~%252A'],
    ['WEBSITE.GET.OBJECT', 'a%b/c', 'a%2525b/c'],
    ['BATCH.DELETE.OBJECT', 'a%b/c d', 'a%25b/c%20d'],
    ['S3.EXPIRE.OBJECT', 'a%b/c d', 'a%25b/c%20d'],
    ['REST.GET.OBJECT', '\ud800', '%25EF%25BF%25BD'],
  ])('of %s encodes the key %s as S3 does', (operation, key, logged) => {
    expect(logLine({ ...RECORD, operation, key }).split(' ')[8]).toBe(logged);
  });

  it('beside that of the request has nothing in quotation marks', () => {
    const untold = { requestLine: null, totalMs: null, turnAroundMs: null, referer: null, objectBytes: null };
    const of = (operation: string): string =>
      logLine({ ...RECORD, ...untold, operation, key: 'k', versionId: null, aclRequired: true });
    expect(of('BATCH.DELETE.OBJECT')).toContain(
      ' BATCH.DELETE.OBJECT k - 200 - - - - - - - - host SigV4 - AuthHeader ',
    );
    expect(of('REST.COPY.OBJECT_GET')).toContain(' REST.COPY.OBJECT_GET k - 200 - - - - - - - - host ');
    expect(of('S3.EXPIRE.OBJECT')).toContain(' S3.EXPIRE.OBJECT k "-" 200 - - - - - "-" "-" - host ');
    expect(of('REST.GET.OBJECT')).toMatch(/ - - Yes -\n$/);
  });

  it('keeps what presigned URLs and customers’ keys open to itself', () => {
    const query =
      'x-amz-signature=5ec&X-Amz-Expires=9&X-Amz-Security-Token=5ec%2F&Signature=5ec' +
      '&x-amz-server-side-encryption-customer-key=5ec&x-amz-copy-source-server-side-encryption-customer-key=5ec';
    const line = logLine({ ...RECORD, requestLine: `GET /b/k?${query} HTTP/1.1` });
    expect(line).not.toContain('5ec');
    expect(line).toContain('&X-Amz-Expires=9&');
    expect(line).toContain('customer-key=REDACTED HTTP/1.1"');
  });

  it.each([
    ['GET', 'GetObject', 'REST.GET.OBJECT'],
    ['PUT', 'CopyObject', 'REST.COPY.OBJECT'],
    ['PUT', 'UploadPartCopy', 'REST.COPY.PART'],
    ['GET', 'ListObjectsV2', 'REST.GET.BUCKET'],
    ['GET', 'ListObjectVersions', 'REST.GET.BUCKETVERSIONS'],
    ['PUT', 'PutBucketAcl', 'REST.PUT.ACL'],
    ['DELETE', 'DeleteBucketPolicy', 'REST.DELETE.BUCKETPOLICY'],
    ['GET', 'GetBucketPolicyStatus', 'REST.GET.POLICY_STATUS'],
    ['GET', 'GetBucketAccelerateConfiguration', 'REST.GET.ACCELERATE'],
    ['GET', 'ListBucketInventoryConfigurations', 'REST.GET.INVENTORY'],
    ['PUT', 'PutBucketLifecycleConfiguration', 'REST.PUT.LIFECYCLE'],
    ['PUT', 'PutBucketNotificationConfiguration', 'REST.PUT.NOTIFICATION'],
    ['GET', 'GetObjectLockConfiguration', 'REST.GET.OBJECT_LOCK_CONFIGURATION'],
    ['GET', 'GetBucketRequestPayment', 'REST.GET.REQUEST_PAYMENT'],
    ['GET', 'GetPublicAccessBlock', 'REST.GET.PUBLIC_ACCESS_BLOCK'],
    ['GET', 'GetObjectTagging', 'REST.GET.OBJECT_TAGGING'],
    ['GET', 'GetBucketTagging', 'REST.GET.TAGGING'],
    ['POST', 'DeleteObjects', 'REST.POST.MULTI_OBJECT_DELETE'],
    ['POST', 'RestoreObject', 'REST.POST.RESTORE'],
    ['GET', null, 'REST.GET.-'],
  ])('names %s %s %s', (method, operation, name) => {
    expect(operationName(method, operation)).toBe(name);
  });

  it('names the reading half of copies, and what lifecycle rules do', () => {
    expect(copySourceName('CopyObject')).toBe('REST.COPY.OBJECT_GET');
    expect(copySourceName('UploadPartCopy')).toBe('REST.COPY.PART_GET');
    const transition = (storageClass: string) => lifecycleName({ kind: 'transition', storageClass });
    expect(transition('STANDARD_IA')).toBe('S3.TRANSITION_SIA.OBJECT');
    expect(transition('GLACIER')).toBe('S3.TRANSITION.OBJECT');
    expect(lifecycleName({ kind: 'abort-upload', storageClass: null })).toBe('S3.DELETE.UPLOAD');
    expect(lifecycleName({ kind: 'create-delete-marker', storageClass: null })).toBe('S3.CREATE.DELETEMARKER');
  });

  it('has a name for every operation', () => {
    for (const { method, name } of OPERATIONS) expect(operationName(method, name)).toMatch(/^REST\.[A-Z]+\.[A-Z_]+$/);
  });
});

const CONFIGURATION = { targetBucket: 'logs', targetPrefix: '', keyFormat: 'simple', acl: null } as const;

const bucket = (name: string, configuration: object | null = CONFIGURATION): BucketRecord => ({
  name,
  instance: name,
  region: 'r',
  owner: { id: 'owner', displayName: 'owner' },
  createdAt: 0,
  revision: 1,
  state: 'active',
  versioning: 'unversioned',
  objectLock: false,
  documents: configuration === null ? {} : { logging: JSON.stringify(configuration) },
});

interface More {
  /** what the request names, where that bucket was not looked at */
  readonly name?: string;
  readonly entries?: readonly BatchEntry[];
  readonly code?: string;
}

const served = (of: BucketRecord | null, id: string, { name, entries = [], code }: More = {}): Served =>
  ({
    id,
    method: 'GET',
    url: '/',
    httpVersion: '1.1',
    trace: {
      request: name === undefined ? null : { bucket: name, key: null, headers: {}, query: new Map() },
      auth: null,
      operation: null,
      action: null,
      identity: { kind: 'anonymous' },
      bucket: of,
      entries,
    },
    tls: null,
    response: { status: 200, headers: {}, body: null },
    failure: code === undefined ? null : { code },
    sentBytes: 0,
    durationMs: 1,
    turnAroundMs: 1,
  }) as unknown as Served;

type Delivery = Parameters<LogDeliverer['deliver']>[0];

/** @param deliver answers nothing, or throws; what it is given goes into a bucket 'logs' that keeps no log but `target` */
function logWith(
  deliver: (delivery: Delivery) => Promise<void>,
  { target = bucket('logs', null), ...more }: Partial<AccessLogOptions> & { readonly target?: BucketRecord } = {},
) {
  return new AccessLog({
    buckets: { get: async (name) => bucket(name) },
    deliverer: {
      deliver: async (delivery) => {
        await deliver(delivery);
        return { target, key: 'log', sizeBytes: 1, durationMs: 1 };
      },
    },
    flushIntervalMs: 3_600_000,
    flushBytes: 1_000_000,
    maxBytes: 2_000_000,
    log: pino({ level: 'silent' }),
    now: () => 1_000,
    ...more,
  });
}

const idsOf = ({ lines }: Delivery) => lines.map((text) => /req\d+/.exec(text)?.[0]);
const operationsOf = ({ lines }: Delivery) => lines.map((text) => text.split(' ')[7]);

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

  it('keeps the days apart where keys are by them', async () => {
    const delivered: unknown[] = [];
    let nowMs = 10;
    const log = logWith(async (delivery) => void delivered.push([delivery.dayMs, idsOf(delivery)]), {
      now: () => nowMs,
    });
    const source = bucket('a', { ...CONFIGURATION, keyFormat: 'by-event-time' });
    log.served(served(source, 'req1'));
    nowMs = 86_400_010;
    log.served(served(source, 'req2'));
    await log.stop();
    expect(delivered).toEqual([
      [0, ['req1']],
      [86_400_000, ['req2']],
    ]);
  });

  it('looks for the bucket of a request that was refused before', async () => {
    const delivered: string[] = [];
    const log = logWith(async ({ source }) => void delivered.push(source.name));
    log.served(served(null, 'req1', { name: 'found' }));
    log.served(served(null, 'req2'));
    log.served(served(null, 'req3', { name: 'missing', code: 'NoSuchBucket' }));
    await log.stop();
    expect(delivered).toEqual(['found']);
  });

  it('does not look for more buckets at once than it may', async () => {
    let looked = 0;
    let answer: (found: BucketRecord | null) => void = () => undefined;
    const found = new Promise<BucketRecord | null>((resolve) => (answer = resolve));
    const log = logWith(async () => undefined, {
      buckets: {
        get: () => {
          looked += 1;
          return found;
        },
      },
    });
    for (let i = 0; i < 1_000; i++) log.served(served(null, `req${i}`, { name: 'a' }));
    answer(null);
    await log.stop();
    expect(looked).toBe(256);
  });

  it('tells the bucket that is copied from, and each key of DeleteObjects its own bucket', async () => {
    const delivered = new Map<string, unknown>();
    const log = logWith(async (delivery) => void delivered.set(delivery.source.name, operationsOf(delivery)));
    const entry = { key: 'k', versionId: null, sizeBytes: 1, status: 200, code: null };
    log.served(served(bucket('silent', null), 'req1', { entries: [{ ...entry, source: bucket('from') }] }));
    log.served(served(bucket('own'), 'req2', { entries: [{ ...entry, source: null }] }));
    await log.stop();
    expect(delivered).toEqual(
      new Map([
        ['from', ['REST.GET.-_GET']],
        ['own', ['REST.GET.-', 'BATCH.DELETE.OBJECT']],
      ]),
    );
  });

  it('delivers at once when one bucket has many', async () => {
    let lines = 0;
    const log = logWith(async (delivery) => void (lines += delivery.lines.length), { flushBytes: 600 });
    for (let i = 0; i < 10; i++) log.served(served(bucket('a'), `req${i}`));
    expect(lines).toBeGreaterThanOrEqual(6);
    await log.stop();
    expect(lines).toBe(10);
  });

  it('delivers the fullest bucket’s when memory runs short, before anything is dropped', async () => {
    const delivered: string[] = [];
    const log = logWith(async ({ source, lines }) => void delivered.push(...lines.map(() => source.name)), {
      maxBytes: 8_000,
    });
    log.served(served(bucket('small'), 'req0'));
    for (let i = 0; i < 200; i++) {
      log.served(served(bucket('big'), `req${i}`));
      // The store answers between two requests.
      await new Promise(setImmediate);
    }
    expect(delivered.length).toBeGreaterThan(150);
    expect(delivered).not.toContain('small');
    await log.stop();
    expect(delivered.length).toBe(201);
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

  it('leaves a store that fails in peace for a while', async () => {
    let tries = 0;
    let nowMs = 1_000;
    const options = { flushBytes: 300, now: () => nowMs };
    const log = logWith(async () => {
      tries++;
      throw new Error('the store is down');
    }, options);
    log.served(served(bucket('a'), 'req0'));
    for (let i = 1; i < 50; i++) {
      log.served(served(bucket('a'), `req${i}`));
      await new Promise(setImmediate);
    }
    expect(tries).toBe(1);
    nowMs += 60_000;
    log.served(served(bucket('a'), 'req50'));
    expect(tries).toBe(2);
  });

  it('holds no more than it may, and drops the oldest', async () => {
    const delivered: unknown[] = [];
    let fails = true;
    const log = logWith(
      async (delivery) => {
        if (fails) throw new Error('the store is down');
        delivered.push(...idsOf(delivery));
      },
      { maxBytes: 4_000 },
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

  it('ends no sooner than the deliveries under way', async () => {
    let ended = false;
    const log = logWith(
      async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        ended = true;
      },
      { flushIntervalMs: 5 },
    );
    log.served(served(bucket('a'), 'req1'));
    const flushing = log.flush();
    await log.stop();
    expect(ended).toBe(true);
    await flushing;
  });

  it('adds a line for a delivery into a bucket that keeps a log, but none at the end', async () => {
    const delivered: unknown[] = [];
    const target = bucket('logs');
    const log = logWith(async (delivery) => void delivered.push(operationsOf(delivery)), { target });
    log.served(served(bucket('a'), 'req1'));
    await log.flush();
    expect(delivered).toEqual([['REST.GET.-']]);
    await log.stop();
    expect(delivered).toEqual([['REST.GET.-'], ['REST.PUT.OBJECT']]);
  });

  it('has a line for what a lifecycle rule does', async () => {
    const delivered: string[] = [];
    const log = logWith(async ({ lines }) => void delivered.push(...lines));
    const action = { bucket: bucket('a'), key: 'old', versionId: null, kind: 'expire', storageClass: null } as const;
    log.lifecycle({ ...action, sizeBytes: 7 });
    await log.stop();
    expect(delivered.join('')).toMatch(
      /^owner a \[[^\]]+\] - AmazonS3 [0-9A-F]{20} S3\.EXPIRE\.OBJECT old "-" - - - 7 - - "-" "-"( -){10}\n$/,
    );
  });
});

describe('where logs go', () => {
  const target = (documents: Record<string, string>): BucketRecord => ({ ...bucket('logs', null), documents });
  const policy = (...statements: readonly object[]): Record<string, string> => ({
    policy: JSON.stringify({ Version: '2012-10-17', Statement: statements }),
  });
  const statement = (more: object): object => ({
    Effect: 'Allow',
    Principal: { Service: 'logging.s3.amazonaws.com' },
    Action: 's3:PutObject',
    Resource: 'arn:aws:s3:::logs/in/*',
    ...more,
  });
  const group = (permission: string) => ({
    grantee: { type: 'Group', uri: 'http://acs.amazonaws.com/groups/s3/LogDelivery' },
    permission,
  });
  const acl = (...grants: readonly object[]): Record<string, string> => ({
    acl: JSON.stringify({ owner: { id: 'owner', displayName: 'owner' }, grants }),
  });
  const may = (documents: Record<string, string>, key = 'in/x'): boolean =>
    mayDeliverLogs({ source: bucket('a'), target: target(documents), key, nowMs: 0 });

  it('is up to the target’s policy', () => {
    expect(may({})).toBe(false);
    expect(may(policy(statement({})))).toBe(true);
    expect(may(policy(statement({})), 'out/x')).toBe(false);
    const condition = (Condition: object): boolean => may(policy(statement({ Condition })));
    expect(condition({ ArnLike: { 'aws:SourceArn': 'arn:aws:s3:::a' } })).toBe(true);
    expect(condition({ ArnLike: { 'aws:SourceArn': 'arn:aws:s3:::b' } })).toBe(false);
    expect(condition({ StringEquals: { 'aws:SourceAccount': 'owner' } })).toBe(true);
    expect(condition({ StringEquals: { 'aws:SourceAccount': 'other' } })).toBe(false);
  });

  it('is up to its ACL where ACLs count and the policy does not object', () => {
    const open = acl(group('WRITE'), group('READ_ACP'));
    expect(may(open)).toBe(true);
    expect(may(acl(group('WRITE')))).toBe(false);
    expect(may({ ...open, 'ownership-controls': 'BucketOwnerEnforced' })).toBe(false);
    expect(may({ ...open, ...policy(statement({ Effect: 'Deny', Principal: '*' })) })).toBe(false);
  });

  it.each([
    ['simple', 'p/2026-03-04-05-06-07-0123456789ABCDEF'],
    ['default', 'p/2026-03-04-05-06-07-0123456789ABCDEF'],
    ['by-event-time', 'p/owner/r/a/2026/03/03/2026-03-03-00-00-00-0123456789ABCDEF'],
    ['by-delivery-time', 'p/owner/r/a/2026/03/04/2026-03-04-05-06-07-0123456789ABCDEF'],
  ] as const)('has keys by %s', (keyFormat, key) => {
    const [nowMs, dayMs] = [Date.UTC(2026, 2, 4, 5, 6, 7), Date.UTC(2026, 2, 3, 23)];
    const configuration = { targetPrefix: 'p/', keyFormat };
    const unique = '0123456789ABCDEF';
    expect(logObjectKey({ source: bucket('a'), configuration, dayMs, nowMs, unique })).toBe(key);
  });
});
