// Access logs: requests of every kind become lines of objects in the target bucket.
import {
  DeleteObjectsCommand,
  GetBucketLoggingCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketAclCommand,
  PutBucketLoggingCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { BucketCannedACL, LoggingEnabled } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { expect, it } from 'vitest';
import { spawnPithos } from '../support/server.js';
import { failure, put, read } from './helpers.js';
import type { Wire } from './servers.js';
import { bucketName, clientOf, describeWire, KEYS } from './servers.js';

const SOON = { timeout: 30_000, interval: 250 };

describeWire('access logs', suite, { 'access-log': { 'flush-interval': '300ms' } });

function suite(wire: Wire): void {
  /** A bucket that lets logs in. */
  async function targetBucket(): Promise<string> {
    const Bucket = await wire.bucket();
    const Policy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Service: 'logging.s3.amazonaws.com' },
          Action: 's3:PutObject',
          Resource: `arn:aws:s3:::${Bucket}/*`,
          Condition: { StringEquals: { 'aws:SourceAccount': KEYS.user.tenant } },
        },
      ],
    });
    await wire.s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
    return Bucket;
  }
  const enable = (Bucket: string, more: LoggingEnabled) =>
    wire.s3.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: { LoggingEnabled: more } }));

  /** All lines so far, as fields: quoted and bracketed ones are one field. */
  async function linesIn(Bucket: string, Prefix: string): Promise<string[][]> {
    const { Contents = [] } = await wire.s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
    const texts = await Promise.all(
      Contents.map(async ({ Key = '' }) => (await read(wire.s3, { Bucket, Key })).content.toString()),
    );
    const lines = texts.join('').split('\n').filter(Boolean);
    return lines.map((line) => line.match(/"[^"]*"|\[[^\]]*\]|\S+/g) ?? []);
  }

  it('keep their configuration, and refuse a target that cannot take them', async () => {
    const [Bucket, TargetBucket] = [await wire.bucket(), await targetBucket()];
    const get = async () => (await wire.s3.send(new GetBucketLoggingCommand({ Bucket }))).LoggingEnabled;
    expect(await get()).toBeUndefined();
    const wanted: LoggingEnabled = {
      TargetBucket,
      TargetPrefix: 'log/',
      TargetObjectKeyFormat: { PartitionedPrefix: { PartitionDateSource: 'EventTime' } },
    };
    await enable(Bucket, wanted);
    expect(await get()).toEqual(wanted);
    await wire.s3.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: {} }));
    expect(await get()).toBeUndefined();
    const closed = await wire.bucket();
    for (const target of [closed, bucketName()]) {
      const refused = await failure(enable(Bucket, { TargetBucket: target, TargetPrefix: '' }));
      expect(refused).toMatchObject({ status: 400, code: 'InvalidTargetBucketForLogging' });
    }
    await wire.s3.send(new PutBucketAclCommand({ Bucket: closed, ACL: 'log-delivery-write' as BucketCannedACL }));
    await enable(Bucket, { TargetBucket: closed, TargetPrefix: '' });
  });

  it('have a line for every request, who made it and what came of it', async () => {
    const [Bucket, TargetBucket] = [await wire.bucket(), await targetBucket()];
    await enable(Bucket, { TargetBucket, TargetPrefix: 'log/' });
    await put(wire.s3, Bucket, 'a b/ü', 'content');
    await read(wire.s3, { Bucket, Key: 'a b/ü' });
    await failure(wire.s3.send(new GetObjectCommand({ Bucket, Key: 'missing' })));
    await failure(wire.client(KEYS.other).send(new GetObjectCommand({ Bucket, Key: 'a b/ü' })));
    const presigned = await getSignedUrl(wire.s3, new GetObjectCommand({ Bucket, Key: 'a b/ü' }));
    await (await fetch(presigned)).text();
    await (await fetch(`${wire.server.url}/${Bucket}/a%20b/%C3%BC`, { headers: { referer: 'http://me/' } })).text();
    const Objects = [{ Key: 'a b/ü' }, { Key: 'other' }];
    await wire.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    const wrong = wire.client({ ...KEYS.user, secretAccessKey: 'wrong' });
    await failure(wrong.send(new GetObjectCommand({ Bucket, Key: 'x' })));

    // operation, key, status, error code, requester, authentication
    const seen = async () =>
      (await linesIn(TargetBucket, 'log/'))
        .map((fields) => [6, 7, 9, 10, 4, 21].map((index) => fields[index]).join(' '))
        .sort();
    const { user, other } = { user: KEYS.user.tenant, other: KEYS.other.tenant };
    await expect
      .poll(seen, SOON)
      .toEqual(
        [
          `REST.PUT.OBJECT a%20b/%C3%BC 200 - ${user} AuthHeader`,
          `REST.GET.OBJECT a%20b/%C3%BC 200 - ${user} AuthHeader`,
          `REST.GET.OBJECT missing 404 NoSuchKey ${user} AuthHeader`,
          `REST.GET.OBJECT a%20b/%C3%BC 403 AccessDenied ${other} AuthHeader`,
          `REST.GET.OBJECT a%20b/%C3%BC 200 - ${user} QueryString`,
          `REST.GET.OBJECT a%20b/%C3%BC 403 AccessDenied - -`,
          `REST.POST.MULTI_OBJECT_DELETE - 200 - ${user} AuthHeader`,
          `BATCH.DELETE.OBJECT a%20b/%C3%BC 204 - ${user} AuthHeader`,
          `BATCH.DELETE.OBJECT other 204 - ${user} AuthHeader`,
          `REST.GET.OBJECT x 403 SignatureDoesNotMatch - -`,
        ].sort(),
      );
    const line = (await linesIn(TargetBucket, 'log/')).find((fields) => fields[6] === 'REST.PUT.OBJECT') ?? [];
    expect([line[0], line[1], line[12]]).toEqual([user, Bucket, '7']);
    expect(line[2]).toMatch(/^\[\d\d\/\w{3}\/\d{4}:[\d:]{8} \+0000\]$/);
    expect(line[8]).toBe(`"PUT /${Bucket}/a%20b/%C3%BC?x-id=PutObject HTTP/1.1"`);
  });

  it('lie in folders by day where that is asked for', async () => {
    const [Bucket, TargetBucket] = [await wire.bucket(), await targetBucket()];
    const TargetObjectKeyFormat = { PartitionedPrefix: { PartitionDateSource: 'DeliveryTime' as const } };
    await enable(Bucket, { TargetBucket, TargetPrefix: 'log/', TargetObjectKeyFormat });
    await put(wire.s3, Bucket, 'key', 'content');
    const keys = async () =>
      ((await wire.s3.send(new ListObjectsV2Command({ Bucket: TargetBucket }))).Contents ?? []).map(({ Key }) => Key);
    await expect.poll(async () => (await keys()).length, SOON).toBeGreaterThan(0);
    const pattern = new RegExp(`^log/[^/]+/[^/]+/${Bucket}/\\d{4}/\\d\\d/\\d\\d/[\\d-]{19}-[0-9A-F]{16}$`);
    for (const key of await keys()) expect(key).toMatch(pattern);
  });

  it('are delivered when the server ends', async () => {
    const [Bucket, TargetBucket] = [await wire.bucket(), await targetBucket()];
    const config = { ...wire.home.config, 'access-log': { 'flush-interval': '1h' } };
    const server = await spawnPithos({ config });
    const s3 = clientOf(server);
    try {
      await enable(Bucket, { TargetBucket, TargetPrefix: 'end/' });
      // What this gateway remembers of the bucket, if anything, is older than that.
      await expect
        .poll(async () => (await s3.send(new GetBucketLoggingCommand({ Bucket }))).LoggingEnabled?.TargetPrefix, SOON)
        .toBe('end/');
      await s3.send(new PutObjectCommand({ Bucket, Key: 'last', Body: 'x' }));
    } finally {
      s3.destroy();
      await server.stop();
    }
    const operations = (await linesIn(TargetBucket, 'end/')).map((fields) => `${fields[6]} ${fields[7]}`);
    expect(operations).toContain('REST.PUT.OBJECT last');
  });
}
