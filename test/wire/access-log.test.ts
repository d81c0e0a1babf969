// Access logs: requests of every kind become lines of objects in the target bucket.
import https from 'node:https';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectsCommand,
  GetBucketLoggingCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketAclCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketLoggingCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketRequestPaymentCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type {
  BucketCannedACL,
  BucketLocationConstraint,
  LifecycleRule,
  LoggingEnabled,
  TargetGrant,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tlsMaterial } from '../cassandra/index.mjs';
import type { TlsMaterial } from '../cassandra/index.mjs';
import { spawnPithos } from '../support/server.js';
import { bytes, failure, MIB, put, read } from './helpers.js';
import type { Home, Wire } from './servers.js';
import { bucketName, clientOf, describeWire, KEYS, makeHome, REGION } from './servers.js';

const SOON = { timeout: 60_000, interval: 250 };

const CONFIG = {
  'access-log': { 'flush-interval': '300ms' },
  gc: { 'lifecycle-interval': '500ms', 'lifecycle-day': '2s' },
};
// Of its own: gateways of other tests have other days.
describeWire('access logs', suite, CONFIG, { ownKeyspace: true });

/** Fields of the lines: quoted and bracketed ones are one field. */
function fieldsOf(text: string): string[][] {
  const lines = text.split('\n').filter(Boolean);
  return lines.map((line) => line.match(/"[^"]*"|\[[^\]]*\]|\S+/g) ?? []);
}

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

  /** All lines so far, as fields. */
  async function linesIn(Bucket: string, Prefix: string): Promise<string[][]> {
    const { Contents = [] } = await wire.s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
    const texts = await Promise.all(
      Contents.map(async ({ Key = '' }) => (await read(wire.s3, { Bucket, Key })).content.toString()),
    );
    return fieldsOf(texts.join(''));
  }

  /** The fields that are asked for, of all lines so far, sorted. */
  async function seenIn(Bucket: string, Prefix: string, indices: readonly number[]): Promise<string[]> {
    return (await linesIn(Bucket, Prefix)).map((fields) => indices.map((index) => fields[index]).join(' ')).sort();
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
    const simple: LoggingEnabled = { TargetBucket, TargetPrefix: '', TargetObjectKeyFormat: { SimplePrefix: {} } };
    await enable(Bucket, simple);
    expect(await get()).toEqual(simple);
    const long = await failure(enable(Bucket, { TargetBucket, TargetPrefix: 'x'.repeat(1_000) }));
    expect(long).toMatchObject({ status: 400, code: 'KeyTooLongError' });
    expect(await get()).toEqual(simple);
  });

  it('refuse targets of other accounts, with Object Lock, and for requesters that pay', async () => {
    const Bucket = await wire.bucket();
    const refused = async (TargetBucket: string) => failure(enable(Bucket, { TargetBucket, TargetPrefix: '' }));
    const invalid = { status: 400, code: 'InvalidTargetBucketForLogging' };
    const others = bucketName();
    await wire.client(KEYS.other).send(new CreateBucketCommand({ Bucket: others }));
    expect(await refused(others)).toMatchObject(invalid);
    const locked = await wire.bucket({ ObjectLockEnabledForBucket: true });
    const paid = await targetBucket();
    const RequestPaymentConfiguration = { Payer: 'Requester' as const };
    await wire.s3.send(new PutBucketRequestPaymentCommand({ Bucket: paid, RequestPaymentConfiguration }));
    for (const target of [locked, paid]) {
      await wire.s3.send(new PutBucketAclCommand({ Bucket: target, ACL: 'log-delivery-write' as BucketCannedACL }));
      expect(await refused(target)).toMatchObject(invalid);
    }
  });

  it('are written as the target has it: encrypted, and with the grants that were asked for', async () => {
    const [Bucket, TargetBucket] = [await wire.bucket(), await targetBucket()];
    const Rules = [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' as const } }];
    const ServerSideEncryptionConfiguration = { Rules };
    await wire.s3.send(new PutBucketEncryptionCommand({ Bucket: TargetBucket, ServerSideEncryptionConfiguration }));
    const grant = (Permission: string): TargetGrant =>
      ({ Grantee: { Type: 'CanonicalUser', ID: KEYS.other.tenant }, Permission }) as TargetGrant;
    const wanted = { TargetBucket, TargetPrefix: '', TargetGrants: [grant('READ')] };
    const beyond = await failure(enable(Bucket, { ...wanted, TargetGrants: [grant('READ_ACP')] }));
    expect(beyond).toMatchObject({ status: 400, code: 'MalformedXML' });
    await enable(Bucket, wanted);
    await put(wire.s3, Bucket, 'key', 'content');
    const keys = async () =>
      ((await wire.s3.send(new ListObjectsV2Command({ Bucket: TargetBucket }))).Contents ?? []).map(({ Key }) => Key);
    await expect.poll(async () => (await keys()).length, SOON).toBeGreaterThan(0);
    const [Key = ''] = await keys();
    expect(Key).toMatch(/^\d{4}(-\d\d){5}-[0-9A-F]{16}$/);
    const head = await wire.s3.send(new HeadObjectCommand({ Bucket: TargetBucket, Key }));
    expect(head).toMatchObject({ ServerSideEncryption: 'AES256', ContentType: 'text/plain' });
    const { Owner, Grants = [] } = await wire.s3.send(new GetObjectAclCommand({ Bucket: TargetBucket, Key }));
    expect(Owner?.ID).toBe(KEYS.user.tenant);
    expect(Grants.map(({ Grantee, Permission }) => `${Grantee?.ID} ${Permission}`).sort()).toEqual(
      [`${KEYS.user.tenant} FULL_CONTROL`, `${KEYS.other.tenant} READ`].sort(),
    );
    expect((await read(wire.client(KEYS.other), { Bucket: TargetBucket, Key })).content.toString()).toContain(Bucket);

    const OwnershipControls = { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' as const }] };
    await wire.s3.send(new PutBucketOwnershipControlsCommand({ Bucket: TargetBucket, OwnershipControls }));
    const refused = await failure(enable(Bucket, wanted));
    expect(refused).toMatchObject({ status: 400, code: 'AccessControlListNotSupported' });
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
    const seen = () => seenIn(TargetBucket, 'log/', [6, 7, 9, 10, 4, 21]);
    const { user, other } = { user: KEYS.user.tenant, other: KEYS.other.tenant };
    await expect
      .poll(seen, SOON)
      .toEqual(
        [
          `REST.PUT.OBJECT a%2520b/%25C3%25BC 200 - ${user} AuthHeader`,
          `REST.GET.OBJECT a%2520b/%25C3%25BC 200 - ${user} AuthHeader`,
          `REST.GET.OBJECT missing 404 NoSuchKey ${user} AuthHeader`,
          `REST.GET.OBJECT a%2520b/%25C3%25BC 403 AccessDenied ${other} AuthHeader`,
          `REST.GET.OBJECT a%2520b/%25C3%25BC 200 - ${user} QueryString`,
          `REST.GET.OBJECT a%2520b/%25C3%25BC 403 AccessDenied - -`,
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
    expect(line).toHaveLength(27);
    const lines = await linesIn(TargetBucket, 'log/');
    const secret = new URL(presigned).searchParams.get('X-Amz-Signature') ?? 'none';
    expect(lines.flat().join(' ')).not.toContain(secret);
    expect(lines.flat().join(' ')).toContain('X-Amz-Signature=REDACTED');
  });

  it('tell what only an ACL allowed, and both halves of copies', async () => {
    const [Bucket, source, TargetBucket] = [await wire.bucket(), await wire.bucket(), await targetBucket()];
    await enable(Bucket, { TargetBucket, TargetPrefix: 'own/' });
    await enable(source, { TargetBucket, TargetPrefix: 'source/' });
    await wire.s3.send(new PutObjectCommand({ Bucket: source, Key: 'a b', Body: 'content', ACL: 'public-read' }));
    await (await fetch(`${wire.server.url}/${source}/a%20b`)).text();
    const copy = { Bucket, Key: 'copy', CopySource: `${source}/a%20b` };
    await wire.s3.send(new CopyObjectCommand(copy));
    await failure(wire.s3.send(new CopyObjectCommand({ ...copy, CopySource: `${source}/missing` })));
    const { UploadId } = await wire.s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'copy' }));
    await wire.s3.send(new UploadPartCopyCommand({ ...copy, UploadId, PartNumber: 1 }));
    await wire.s3.send(new AbortMultipartUploadCommand({ Bucket, Key: 'copy', UploadId }));
    // operation, key, status, error code, size, whether an ACL was needed
    const seen = (prefix: string) => seenIn(TargetBucket, prefix, [6, 7, 9, 10, 12, 25]);
    await expect
      .poll(() => seen('source/'), SOON)
      .toEqual(
        [
          'REST.PUT.OBJECT a%2520b 200 - 7 -',
          'REST.GET.OBJECT a%2520b 200 - 7 Yes',
          'REST.COPY.OBJECT_GET a%2520b 200 - 7 -',
          'REST.COPY.OBJECT_GET missing 404 NoSuchKey - -',
          'REST.COPY.PART_GET a%2520b 200 - 7 -',
        ].sort(),
      );
    await expect
      .poll(() => seen('own/'), SOON)
      .toEqual(
        [
          'REST.COPY.OBJECT copy 200 - 7 -',
          'REST.COPY.OBJECT copy 404 NoSuchKey - -',
          'REST.POST.UPLOADS copy 200 - - -',
          'REST.COPY.PART copy 200 - 7 -',
          'REST.DELETE.UPLOAD copy 204 - - -',
        ].sort(),
      );
  });

  it('tell what lifecycle rules do', async () => {
    const [Bucket, TargetBucket] = [await wire.bucket(), await targetBucket()];
    await enable(Bucket, { TargetBucket, TargetPrefix: 'log/' });
    await put(wire.s3, Bucket, 'old one', 'content');
    await wire.s3.send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket,
        LifecycleConfiguration: { Rules: [{ Filter: { Prefix: '' }, Status: 'Enabled', Expiration: { Days: 1 } }] },
      }),
    );
    const seen = async () =>
      (await seenIn(TargetBucket, 'log/', [4, 6, 7, 8, 9, 12])).filter((line) => line.includes(' S3.'));
    await expect.poll(seen, SOON).toEqual(['AmazonS3 S3.EXPIRE.OBJECT old%20one "-" - 7']);
  });

  it('tell what lifecycle rules do to versions, uploads and storage classes', async () => {
    const [Bucket, TargetBucket] = [await wire.bucket(), await targetBucket()];
    const VersioningConfiguration = { Status: 'Enabled' as const };
    await wire.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    await enable(Bucket, { TargetBucket, TargetPrefix: 'log/' });
    await put(wire.s3, Bucket, 'old', 'content');
    await put(wire.s3, Bucket, 'cold', bytes(200_000));
    await wire.s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'never' }));
    const rule = (Prefix: string): LifecycleRule => ({ ID: Prefix, Filter: { Prefix }, Status: 'Enabled' });
    const Rules: LifecycleRule[] = [
      { ...rule('old'), Expiration: { Days: 1 } },
      { ...rule('cold'), Transitions: [{ Days: 1, StorageClass: 'GLACIER_IR' }] },
      { ...rule('never'), AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } },
    ];
    const LifecycleConfiguration = { Rules };
    await wire.s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration }));
    const seen = async () => (await seenIn(TargetBucket, 'log/', [6, 7, 12])).filter((line) => line.startsWith('S3.'));
    await expect
      .poll(seen, SOON)
      .toEqual(['S3.CREATE.DELETEMARKER old 7', 'S3.DELETE.UPLOAD never -', 'S3.TRANSITION_GIR.OBJECT cold 200000']);
  });

  it('are no longer delivered where the target takes its leave back', async () => {
    const [Bucket, TargetBucket] = [await wire.bucket(), await targetBucket()];
    await enable(Bucket, { TargetBucket, TargetPrefix: 'log/' });
    await wire.s3.send(new DeleteBucketPolicyCommand({ Bucket: TargetBucket }));
    await put(wire.s3, Bucket, 'key', 'content');
    const refusal = `does not allow log delivery`;
    const told = () =>
      wire.server
        .logs()
        .split('\n')
        .some((line) => line.includes(refusal) && line.includes(Bucket));
    await expect.poll(told, SOON).toBe(true);
  });

  it('of a bucket that logs into itself tell of the log too', async () => {
    const Bucket = await targetBucket();
    await enable(Bucket, { TargetBucket: Bucket, TargetPrefix: 'log/' });
    await put(wire.s3, Bucket, 'key', 'content');
    const deliveries = async () =>
      (await linesIn(Bucket, 'log/')).filter((fields) => fields[4] === 'svc:logging.s3.amazonaws.com');
    await expect.poll(async () => (await deliveries()).length, SOON).toBeGreaterThan(0);
    const [line = []] = await deliveries();
    expect(line[6]).toBe('REST.PUT.OBJECT');
    expect(line[7]).toMatch(/^log\/\d{4}(-\d\d){5}-[0-9A-F]{16}$/);
    await wire.s3.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: {} }));
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

describe('access logs and regions', () => {
  it('stay in their region', async () => {
    const home = await makeHome('cassandra');
    const regions = home.config['regions'] as Record<string, unknown>;
    const config = { ...home.config, regions: { ...regions, elsewhere: regions[REGION] } };
    const server = await spawnPithos({ config });
    const s3 = clientOf(server);
    try {
      const [Bucket, TargetBucket] = [bucketName(), bucketName()];
      await s3.send(new CreateBucketCommand({ Bucket }));
      const CreateBucketConfiguration = { LocationConstraint: 'elsewhere' as BucketLocationConstraint };
      await s3.send(new CreateBucketCommand({ Bucket: TargetBucket, CreateBucketConfiguration }));
      await s3.send(new PutBucketAclCommand({ Bucket: TargetBucket, ACL: 'log-delivery-write' as BucketCannedACL }));
      const BucketLoggingStatus = { LoggingEnabled: { TargetBucket, TargetPrefix: '' } };
      const refused = await failure(s3.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus })));
      expect(refused).toMatchObject({ status: 403, code: 'CrossLocationLoggingProhibited' });
    } finally {
      s3.destroy();
      await server.stop();
      await home.remove();
    }
  });
});

describe('access logs over TLS', () => {
  let dir = '';
  let material: TlsMaterial;
  let home: Home;
  beforeAll(async () => {
    dir = await mkdtemp(path.join(os.tmpdir(), 'pithos-log-tls-'));
    material = await tlsMaterial({ dir });
    home = await makeHome('embedded', { 'access-log': { 'flush-interval': '300ms' } });
  });
  afterAll(async () => {
    await home.remove();
    await rm(dir, { recursive: true, force: true });
  });

  it('name the cipher, and survive clients that hang up', async () => {
    const tls = { 'cert-file': material.serverCertFile, 'key-file': material.serverKeyFile };
    const config = { ...home.config, service: { host: '127.0.0.1', tls } };
    const server = await spawnPithos({ config, scheme: 'https' });
    const ca = await readFile(material.caFile);
    const s3 = clientOf(server, undefined, { requestHandler: { httpsAgent: new https.Agent({ ca }) } });
    try {
      const Bucket = bucketName();
      await s3.send(new CreateBucketCommand({ Bucket }));
      await s3.send(new PutBucketAclCommand({ Bucket, ACL: 'log-delivery-write' as BucketCannedACL }));
      const LoggingEnabled = { TargetBucket: Bucket, TargetPrefix: 'log/' };
      await s3.send(new PutBucketLoggingCommand({ Bucket, BucketLoggingStatus: { LoggingEnabled } }));
      await s3.send(new PutObjectCommand({ Bucket, Key: 'big', Body: bytes(16 * MIB) }));
      const url = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: 'big' }));
      await hangUp(url, ca);
      const seen = async () => {
        const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'log/' }));
        const texts = await Promise.all(
          Contents.map(async ({ Key = '' }) => (await read(s3, { Bucket, Key })).content.toString()),
        );
        const lines = fieldsOf(texts.join('')).filter((fields) => fields[7] === 'big');
        return lines.map((fields) => [6, 9, 19, 20, 21, 23].map((index) => fields[index]).join(' ')).sort();
      };
      const session = 'SigV4 TLS_AES_256_GCM_SHA384';
      await expect
        .poll(seen, SOON)
        .toEqual([
          `REST.GET.OBJECT 200 ${session} QueryString TLSv1.3`,
          `REST.PUT.OBJECT 200 ${session} AuthHeader TLSv1.3`,
        ]);
      expect(server.running).toBe(true);
    } finally {
      s3.destroy();
      await server.stop();
    }
  });

  /** Begins to read, and cuts the connection. */
  function hangUp(url: string, ca: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      const request = https.get(url, { ca, agent: false }, (answer) => {
        answer.once('data', () => {
          answer.destroy();
          resolve();
        });
      });
      request.once('error', reject);
    });
  }
});
