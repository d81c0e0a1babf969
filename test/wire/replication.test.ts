// Bucket replication within a deployment: configurations, what is replicated and how, also when the gateway is killed in between.
import { randomBytes } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketReplicationCommand,
  DeleteObjectCommand,
  GetBucketReplicationCommand,
  GetObjectAclCommand,
  GetObjectAttributesCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketReplicationCommand,
  PutBucketVersioningCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
  RenameObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { PutObjectCommandInput, ReplicationRule, S3Client } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { pithos, spawnPithos } from '../support/server.js';
import { bytes, failure, inParallel, KIB, MIB, put, read, text } from './helpers.js';
import { Webhook } from './receivers.js';
import { bucketName, clientOf, describeWire, makeHome, OTHER_KEY, REGION, STORES, USER_KEY } from './servers.js';
import type { Wire } from './servers.js';

const SOON = { timeout: 60_000, interval: 100 };
const AFTER_DEATH = { timeout: 120_000, interval: 200 };
const ROLE = `arn:aws:iam::${USER_KEY.tenant}:role/replicator`;
const KEY = randomBytes(32);
const CUSTOMER = {
  SSECustomerAlgorithm: 'AES256',
  SSECustomerKey: KEY.toString('base64'),
};

function rule(bucket: string, overrides: Partial<ReplicationRule> = {}): ReplicationRule {
  return {
    ID: `to-${bucket}`.slice(0, 255),
    Priority: 1,
    Status: 'Enabled',
    Filter: {},
    DeleteMarkerReplication: { Status: 'Disabled' },
    ...overrides,
    Destination: { ...overrides.Destination, Bucket: overrides.Destination?.Bucket ?? `arn:aws:s3:::${bucket}` },
  };
}

const replicate = (s3: S3Client, Bucket: string, ...Rules: ReplicationRule[]) =>
  s3.send(new PutBucketReplicationCommand({ Bucket, ReplicationConfiguration: { Role: ROLE, Rules } }));

async function versioned(s3: S3Client, lock = false): Promise<string> {
  const Bucket = bucketName();
  await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: lock }));
  await enableVersions(s3, Bucket);
  return Bucket;
}

const enableVersions = (s3: S3Client, Bucket: string, Status: 'Enabled' | 'Suspended' = 'Enabled') =>
  s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status } }));

const statusOf =
  (s3: S3Client, Bucket: string, Key: string, VersionId?: string, more: object = {}) =>
  async () =>
    (await s3.send(new HeadObjectCommand({ Bucket, Key, VersionId, ...more }))).ReplicationStatus;

const completed = (s3: S3Client, Bucket: string, Key: string, VersionId?: string, more: object = {}) =>
  expect.poll(statusOf(s3, Bucket, Key, VersionId, more), SOON).toBe('COMPLETED');

async function versionsOf(s3: S3Client, Bucket: string) {
  const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
  return [...Versions, ...DeleteMarkers].map(({ Key, VersionId, IsLatest, LastModified }) => ({
    Key,
    VersionId,
    IsLatest,
    LastModified: LastModified?.getTime(),
  }));
}

const tagsOf = async (s3: S3Client, Bucket: string, Key: string, VersionId?: string) =>
  (await s3.send(new GetObjectTaggingCommand({ Bucket, Key, VersionId }))).TagSet;

/** A source and its destination, the same tenant's. */
async function pair(wire: Wire, overrides: Partial<ReplicationRule> = {}, lock = false) {
  const [source, target] = [await versioned(wire.s3, lock), await versioned(wire.s3, lock)];
  await replicate(wire.s3, source, rule(target, overrides));
  const send = (input: Omit<PutObjectCommandInput, 'Bucket'>) =>
    wire.s3.send(new PutObjectCommand({ ...input, Bucket: source }));
  return { source, target, send };
}

describeWire(
  'replication',
  (wire) => {
    describe('configuration', () => {
      it('is put, answered and deleted', async () => {
        const [source, target] = [await versioned(wire.s3), await versioned(wire.s3)];
        const get = () => wire.s3.send(new GetBucketReplicationCommand({ Bucket: source }));
        expect(await failure(get())).toMatchObject({ status: 404, code: 'ReplicationConfigurationNotFoundError' });
        const rules = [
          rule(target, { Filter: { And: { Prefix: 'p/', Tags: [{ Key: 'k', Value: 'v' }] } } }),
          rule(target, { ID: 'second', Priority: 2, ExistingObjectReplication: { Status: 'Enabled' } }),
        ];
        await replicate(wire.s3, source, ...rules);
        expect((await get()).ReplicationConfiguration).toEqual({ Role: ROLE, Rules: rules });
        await wire.s3.send(new DeleteBucketReplicationCommand({ Bucket: source }));
        expect(await failure(get())).toMatchObject({ code: 'ReplicationConfigurationNotFoundError' });
      });

      it('needs versions on both sides and a destination that is there', async () => {
        const [plain, source, target] = [await wire.bucket(), await versioned(wire.s3), await versioned(wire.s3)];
        const refusal = async (from: string, to: ReplicationRule) => {
          const { status, code, message } = await failure(replicate(wire.s3, from, to));
          expect({ status, code }).toEqual({ status: 400, code: 'InvalidRequest' });
          return message;
        };
        expect(await refusal(plain, rule(target))).toContain("Versioning must be 'Enabled'");
        expect(await refusal(source, rule(plain))).toContain('must have versioning enabled');
        expect(await refusal(source, rule(bucketName('absent')))).toContain('must exist');
        expect(await refusal(source, rule(source))).toContain('same as the source');
        const elsewhere = { Bucket: 'arn:pithos:replication:::nowhere/bucket' };
        expect(await refusal(source, rule('x', { Destination: elsewhere }))).toContain('must exist');
        const locked = await versioned(wire.s3, true);
        expect(await refusal(locked, rule(target))).toContain('Object Lock');
      });

      it('keeps the bucket from losing its versions', async () => {
        const { source } = await pair(wire);
        expect(await failure(enableVersions(wire.s3, source, 'Suspended'))).toMatchObject({
          code: 'InvalidBucketState',
        });
      });
    });

    it('brings objects with all that they are, under the same version id and time', async () => {
      const { source, target, send } = await pair(wire);
      const content = bytes(3 * MIB, 5);
      const { VersionId } = await send({
        Key: 'a/key with ü',
        Body: content,
        ContentType: 'text/x-test',
        CacheControl: 'no-store',
        Metadata: { colour: 'blue' },
        Tagging: 'k=v&other=w',
        ChecksumAlgorithm: 'SHA256',
        WebsiteRedirectLocation: '/elsewhere',
      });
      const Key = 'a/key with ü';
      await completed(wire.s3, source, Key);
      const there = await read(wire.s3, { Bucket: target, Key, ChecksumMode: 'ENABLED' });
      const here = await read(wire.s3, { Bucket: source, Key, ChecksumMode: 'ENABLED' });
      expect(there.content.equals(content)).toBe(true);
      expect(there.output).toMatchObject({ VersionId, ReplicationStatus: 'REPLICA' });
      const facts = ({ output }: typeof here) => ({
        ...output,
        Body: null,
        $metadata: null,
        ReplicationStatus: null,
      });
      expect(facts(there)).toEqual(facts(here));
      expect(await tagsOf(wire.s3, target, Key)).toEqual(await tagsOf(wire.s3, source, Key));
      expect(await versionsOf(wire.s3, target)).toEqual(await versionsOf(wire.s3, source));
    });

    it('brings objects of every size', async () => {
      const { source, target } = await pair(wire);
      const sizes = [0, 1, 4 * KIB, 32 * KIB, 32 * KIB + 1, 300 * KIB];
      await inParallel(sizes, 4, (size) => put(wire.s3, source, `${size}`, bytes(size)));
      for (const size of sizes) {
        await completed(wire.s3, source, `${size}`);
        expect((await read(wire.s3, { Bucket: target, Key: `${size}` })).content.equals(bytes(size))).toBe(true);
      }
    });

    it('brings multipart objects as the parts they are', async () => {
      const { source, target } = await pair(wire);
      const at = { Bucket: source, Key: 'parts' };
      const { UploadId } = await wire.s3.send(
        new CreateMultipartUploadCommand({ ...at, ChecksumAlgorithm: 'CRC32', ChecksumType: 'COMPOSITE' }),
      );
      const bodies = [bytes(5 * MIB, 2), bytes(5 * MIB + 17, 3), bytes(100, 4)];
      const Parts = [];
      for (const [i, Body] of bodies.entries()) {
        const part = await wire.s3.send(
          new UploadPartCommand({ ...at, UploadId, PartNumber: i + 1, Body, ChecksumAlgorithm: 'CRC32' }),
        );
        Parts.push({ PartNumber: i + 1, ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32 });
      }
      await wire.s3.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }));
      await completed(wire.s3, source, 'parts');
      const attributes = async (Bucket: string) => {
        const { ETag, Checksum, ObjectParts, ObjectSize } = await wire.s3.send(
          new GetObjectAttributesCommand({
            Bucket,
            Key: 'parts',
            ObjectAttributes: ['ETag', 'Checksum', 'ObjectParts', 'ObjectSize'],
          }),
        );
        return { ETag, Checksum, ObjectParts, ObjectSize };
      };
      expect(await attributes(target)).toEqual(await attributes(source));
      const second = await read(wire.s3, { Bucket: target, Key: 'parts', PartNumber: 2 });
      expect(second.content.equals(bodies[1] ?? Buffer.alloc(0))).toBe(true);
    });

    it('brings encrypted objects, under a key of their own or that of the customer', async () => {
      const { source, target, send } = await pair(wire, {
        SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: 'Enabled' } },
        Destination: { Bucket: undefined, EncryptionConfiguration: { ReplicaKmsKeyID: 'replicas' } },
      });
      for (const size of [1000, 200 * KIB]) {
        const Body = bytes(size, 9);
        await send({ Key: `s3-${size}`, Body, ServerSideEncryption: 'AES256' });
        await send({ Key: `kms-${size}`, Body, ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'originals' });
        await send({ Key: `c-${size}`, Body, ...CUSTOMER });
        await completed(wire.s3, source, `s3-${size}`);
        await completed(wire.s3, source, `kms-${size}`);
        await completed(wire.s3, source, `c-${size}`, undefined, CUSTOMER);
        const get = async (Key: string, more: object = {}) => {
          const { output, content } = await read(wire.s3, { Bucket: target, Key, ...more });
          expect(content.equals(Body)).toBe(true);
          return output;
        };
        expect(await get(`s3-${size}`)).toMatchObject({ ServerSideEncryption: 'AES256' });
        expect(await get(`kms-${size}`)).toMatchObject({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'replicas' });
        await get(`c-${size}`, CUSTOMER);
        expect(await failure(read(wire.s3, { Bucket: target, Key: `c-${size}` }))).toMatchObject({ status: 400 });
      }
    });

    it('takes what rules say: prefix, tags, priority, storage class', async () => {
      const [source, one, two] = [await versioned(wire.s3), await versioned(wire.s3), await versioned(wire.s3)];
      await replicate(
        wire.s3,
        source,
        rule(one, { Filter: { Prefix: 'p/' } }),
        rule(two, { Priority: 2, Filter: { And: { Prefix: 'p/', Tags: [{ Key: 'go', Value: 'yes' }] } } }),
        rule(two, { ID: 'off', Priority: 9, Status: 'Disabled' }),
      );
      const send = (Key: string, Tagging?: string) =>
        wire.s3.send(new PutObjectCommand({ Bucket: source, Key, Body: 'x', Tagging }));
      await send('q');
      await send('p/plain');
      await send('p/tagged', 'go=yes');
      await send('p/last', 'go=no');
      for (const key of ['p/plain', 'p/tagged', 'p/last']) await completed(wire.s3, source, key);
      expect(await statusOf(wire.s3, source, 'q')()).toBeUndefined();
      expect((await versionsOf(wire.s3, one)).map(({ Key }) => Key)).toEqual(['p/last', 'p/plain', 'p/tagged']);
      expect((await versionsOf(wire.s3, two)).map(({ Key }) => Key)).toEqual(['p/tagged']);
    });

    it('brings delete markers if told to, and never deletes a version', async () => {
      const { source, target, send } = await pair(wire, { DeleteMarkerReplication: { Status: 'Enabled' } });
      const quiet = await pair(wire);
      await send({ Key: 'k', Body: 'x' });
      await quiet.send({ Key: 'k', Body: 'x' });
      const { VersionId: marker } = await wire.s3.send(new DeleteObjectCommand({ Bucket: source, Key: 'k' }));
      await wire.s3.send(new DeleteObjectCommand({ Bucket: quiet.source, Key: 'k' }));
      await expect.poll(() => versionsOf(wire.s3, target), SOON).toHaveLength(2);
      expect(await versionsOf(wire.s3, target)).toEqual(await versionsOf(wire.s3, source));
      expect(await failure(read(wire.s3, { Bucket: target, Key: 'k' }))).toMatchObject({ status: 404 });
      await wire.s3.send(new DeleteObjectCommand({ Bucket: source, Key: 'k', VersionId: marker }));
      await send({ Key: 'after', Body: 'x' });
      await completed(wire.s3, source, 'after');
      expect(await versionsOf(wire.s3, target)).toHaveLength(3);
      await quiet.send({ Key: 'after', Body: 'x' });
      await completed(wire.s3, quiet.source, 'after');
      expect(await versionsOf(wire.s3, quiet.target)).toHaveLength(2);
    });

    it('keeps the order of versions, whatever was there first', async () => {
      const { source, target } = await pair(wire);
      await inParallel(text(0, 30), 6, (n) => put(wire.s3, source, 'k', n));
      const newest = async (Bucket: string) => (await read(wire.s3, { Bucket, Key: 'k' })).content.toString();
      await expect.poll(() => versionsOf(wire.s3, target), SOON).toHaveLength(30);
      expect(await versionsOf(wire.s3, target)).toEqual(await versionsOf(wire.s3, source));
      expect(await newest(target)).toBe(await newest(source));
      await put(wire.s3, target, 'k', 'of the destination');
      expect(await newest(target)).toBe('of the destination');
    });

    it('brings appended, copied and renamed objects', async () => {
      const { source, target, send } = await pair(wire, { DeleteMarkerReplication: { Status: 'Enabled' } });
      await send({ Key: 'log', Body: 'one' });
      await send({ Key: 'log', Body: 'two', WriteOffsetBytes: 3 });
      await wire.s3.send(new CopyObjectCommand({ Bucket: source, Key: 'copy', CopySource: `${source}/log` }));
      await wire.s3.send(new RenameObjectCommand({ Bucket: source, Key: 'renamed', RenameSource: 'log' }));
      await completed(wire.s3, source, 'renamed');
      await expect.poll(() => versionsOf(wire.s3, target), SOON).toHaveLength(5);
      expect(await versionsOf(wire.s3, target)).toEqual(await versionsOf(wire.s3, source));
      for (const Key of ['copy', 'renamed'])
        expect((await read(wire.s3, { Bucket: target, Key })).content.toString()).toBe('onetwo');
      // What was renamed there is an object like any other.
      await wire.s3.send(new PutObjectCommand({ Bucket: target, Key: 'renamed', Body: 'own' }));
      await wire.s3.send(new RenameObjectCommand({ Bucket: target, Key: 'again', RenameSource: 'renamed' }));
      expect((await read(wire.s3, { Bucket: target, Key: 'again' })).content.toString()).toBe('own');
    });

    it('brings changes of tags and ACLs', async () => {
      const { source, target, send } = await pair(wire);
      const { VersionId } = await send({ Key: 'k', Body: 'x' });
      await completed(wire.s3, source, 'k');
      await wire.s3.send(
        new PutObjectTaggingCommand({ Bucket: source, Key: 'k', Tagging: { TagSet: [{ Key: 'late', Value: '1' }] } }),
      );
      await expect.poll(() => tagsOf(wire.s3, target, 'k'), SOON).toEqual([{ Key: 'late', Value: '1' }]);
      await wire.s3.send(new PutObjectAclCommand({ Bucket: source, Key: 'k', ACL: 'public-read' }));
      const grants = async () =>
        (await wire.s3.send(new GetObjectAclCommand({ Bucket: target, Key: 'k', VersionId }))).Grants;
      await expect.poll(grants, SOON).toHaveLength(2);
      await completed(wire.s3, source, 'k');
      expect(await versionsOf(wire.s3, target)).toHaveLength(1);
    });

    it('brings retention and legal hold, and what becomes of them', async () => {
      const { source, target, send } = await pair(wire, {}, true);
      const until = new Date(Date.now() + 3_600_000);
      await send({ Key: 'k', Body: 'x', ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: until });
      await completed(wire.s3, source, 'k');
      const head = () => wire.s3.send(new HeadObjectCommand({ Bucket: target, Key: 'k' }));
      expect(await head()).toMatchObject({ ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: until });
      const at = { Bucket: source, Key: 'k' };
      await wire.s3.send(new PutObjectLegalHoldCommand({ ...at, LegalHold: { Status: 'ON' } }));
      const later = new Date(until.getTime() + 60_000);
      await wire.s3.send(
        new PutObjectRetentionCommand({ ...at, Retention: { Mode: 'GOVERNANCE', RetainUntilDate: later } }),
      );
      await expect.poll(head, SOON).toMatchObject({
        ObjectLockLegalHoldStatus: 'ON',
        ObjectLockRetainUntilDate: later,
      });
      await wire.s3.send(new PutObjectLegalHoldCommand({ ...at, LegalHold: { Status: 'OFF' } }));
      await wire.s3.send(new PutObjectRetentionCommand({ ...at, Retention: {}, BypassGovernanceRetention: true }));
      await expect.poll(async () => (await head()).ObjectLockMode, SOON).toBeUndefined();
    });

    it('goes both ways without going round in circles', async () => {
      const [a, b] = [await versioned(wire.s3), await versioned(wire.s3)];
      const modifications = { SourceSelectionCriteria: { ReplicaModifications: { Status: 'Enabled' as const } } };
      await replicate(wire.s3, a, rule(b, modifications));
      await replicate(wire.s3, b, rule(a, modifications));
      await put(wire.s3, a, 'from-a', 'a');
      await put(wire.s3, b, 'from-b', 'b');
      await inParallel([a, b, a, b, a, b], 3, (Bucket) => put(wire.s3, Bucket, 'both', Bucket));
      await expect.poll(() => versionsOf(wire.s3, a), SOON).toHaveLength(8);
      await expect.poll(() => versionsOf(wire.s3, b), SOON).toHaveLength(8);
      expect(await versionsOf(wire.s3, a)).toEqual(await versionsOf(wire.s3, b));
      expect(await statusOf(wire.s3, b, 'from-a')()).toBe('REPLICA');
      // A change of the replica comes back to the original.
      await wire.s3.send(
        new PutObjectTaggingCommand({ Bucket: b, Key: 'from-a', Tagging: { TagSet: [{ Key: 'at', Value: 'b' }] } }),
      );
      await expect.poll(() => tagsOf(wire.s3, a, 'from-a'), SOON).toEqual([{ Key: 'at', Value: 'b' }]);
      await put(wire.s3, a, 'last', 'x');
      await completed(wire.s3, a, 'last');
      expect(await versionsOf(wire.s3, a)).toHaveLength(9);
      expect(await versionsOf(wire.s3, b)).toHaveLength(9);
    });

    it('does not replicate replicas further', async () => {
      const [a, b, c] = [await versioned(wire.s3), await versioned(wire.s3), await versioned(wire.s3)];
      await replicate(wire.s3, b, rule(c));
      await replicate(wire.s3, a, rule(b));
      await put(wire.s3, a, 'k', 'x');
      await completed(wire.s3, a, 'k');
      await put(wire.s3, b, 'own', 'x');
      await completed(wire.s3, b, 'own');
      expect((await versionsOf(wire.s3, c)).map(({ Key }) => Key)).toEqual(['own']);
    });

    it('asks the policy of a destination of another owner, and hands replicas over to it', async () => {
      const other = wire.client(OTHER_KEY);
      const [source, target] = [await versioned(wire.s3), await versioned(other)];
      const handOver = {
        Destination: {
          Bucket: undefined,
          Account: OTHER_KEY.tenant,
          AccessControlTranslation: { Owner: 'Destination' as const },
        },
      };
      await replicate(wire.s3, source, rule(target, handOver));
      await put(wire.s3, source, 'refused', 'x');
      await expect.poll(statusOf(wire.s3, source, 'refused'), SOON).toBe('FAILED');
      const policy = {
        Version: '2012-10-17',
        Statement: {
          Effect: 'Allow',
          Principal: { AWS: ROLE },
          Action: ['s3:ReplicateObject', 's3:ReplicateTags', 's3:ObjectOwnerOverrideToBucketOwner'],
          Resource: `arn:aws:s3:::${target}/*`,
        },
      };
      await other.send(new PutBucketPolicyCommand({ Bucket: target, Policy: JSON.stringify(policy) }));
      await put(wire.s3, source, 'allowed', 'x');
      await completed(wire.s3, source, 'allowed');
      const { Owner } = await other.send(new GetObjectAclCommand({ Bucket: target, Key: 'allowed' }));
      expect(Owner?.ID).toBe(OTHER_KEY.tenant);
      expect((await versionsOf(other, target)).map(({ Key }) => Key)).toEqual(['allowed']);
      other.destroy();
    });

    it('brings what failed, and what was there before, when the operator says so', async () => {
      const [source, target] = [await versioned(wire.s3), await versioned(wire.s3)];
      const again = async () => {
        const args = ['replicate', '--json', '--bucket', source, '-f', wire.server.configFile];
        const { code, stdout, stderr } = await pithos(args);
        expect(code, stderr).toBe(0);
        return JSON.parse(stdout) as unknown;
      };
      await put(wire.s3, source, 'before', 'x');
      await replicate(wire.s3, source, rule(target));
      expect(await again()).toEqual({ bucket: source, versions: 1, queued: 0 });
      await enableVersions(wire.s3, target, 'Suspended');
      await put(wire.s3, source, 'failed', 'x');
      await expect.poll(statusOf(wire.s3, source, 'failed'), SOON).toBe('FAILED');
      await enableVersions(wire.s3, target);
      await replicate(wire.s3, source, rule(target, { ExistingObjectReplication: { Status: 'Enabled' } }));
      expect(await again()).toEqual({ bucket: source, versions: 2, queued: 2 });
      // On Cassandra the gateway takes over what another process has left.
      await expect.poll(() => versionsOf(wire.s3, target), AFTER_DEATH).toHaveLength(2);
      expect(await versionsOf(wire.s3, target)).toEqual(await versionsOf(wire.s3, source));
      await completed(wire.s3, source, 'before');
      await completed(wire.s3, source, 'failed');
      expect(await again()).toEqual({ bucket: source, versions: 2, queued: 0 });
      expect((await pithos(['replicate', '--bucket', target, '-f', wire.server.configFile])).code).toBe(2);
    });

    it('tells who asked to be told of failures', async () => {
      const webhook = await Webhook.start();
      try {
        const home = { notifications: { targets: { hook: { type: 'webhook', url: webhook.url() } } } };
        const own = await makeHome(wire.store, home);
        const server = await spawnPithos({ config: own.config });
        const s3 = clientOf(server);
        const [source, target] = [await versioned(s3), await versioned(s3)];
        await replicate(s3, source, rule(target));
        await enableVersions(s3, target, 'Suspended');
        await s3.send(
          new PutBucketNotificationConfigurationCommand({
            Bucket: source,
            NotificationConfiguration: {
              TopicConfigurations: [{ TopicArn: `arn:aws:sns:${REGION}::hook`, Events: ['s3:Replication:*'] }],
            },
          }),
        );
        await put(s3, source, 'k', 'x');
        const told = () => webhook.records(source).map(({ eventName }) => eventName);
        await expect.poll(told, SOON).toEqual(['Replication:OperationFailedReplication']);
        s3.destroy();
        await server.stop();
        await own.remove();
      } finally {
        await webhook.down();
      }
    });

    it('fails where the destination is gone, and others go on', async () => {
      const [source, gone, there] = [await versioned(wire.s3), await versioned(wire.s3), await versioned(wire.s3)];
      await replicate(wire.s3, source, rule(gone), rule(there, { Priority: 2 }));
      await enableVersions(wire.s3, gone, 'Suspended');
      await put(wire.s3, source, 'k', 'x');
      await expect.poll(statusOf(wire.s3, source, 'k'), SOON).toBe('FAILED');
      await expect.poll(() => versionsOf(wire.s3, there), SOON).toHaveLength(1);
    });
  },
  {
    encryption: {
      'kms-keys': { originals: randomBytes(32).toString('base64'), replicas: randomBytes(32).toString('base64') },
    },
  },
);

// Mostly a wait for leases, so they wait together.
describe.concurrent.each(STORES)('replication on %s', (store) => {
  it('survives a gateway that is killed after it acknowledged', async ({ expect }) => {
    const home = await makeHome(store);
    const [source, target] = [bucketName('killed'), bucketName('target')];
    const first = await spawnPithos({ config: home.config });
    const acknowledged: string[] = [];
    try {
      const s3 = clientOf(first);
      for (const Bucket of [source, target]) {
        await s3.send(new CreateBucketCommand({ Bucket }));
        await enableVersions(s3, Bucket);
      }
      await replicate(s3, source, rule(target));
      const writing = inParallel(text(0, 400), 8, async (Key) => {
        await put(s3, source, Key, bytes(40 * KIB));
        acknowledged.push(Key);
      }).catch(() => undefined);
      await expect.poll(() => acknowledged.length, SOON).toBeGreaterThan(40);
      await first.kill();
      await writing;
      s3.destroy();
    } finally {
      await first.kill();
    }
    expect(acknowledged.length).toBeLessThan(400);
    const second = await spawnPithos({ config: home.config });
    try {
      const s3 = clientOf(second);
      const missing = async () => {
        const there = new Set((await versionsOf(s3, target)).map(({ Key }) => Key));
        return acknowledged.filter((key) => !there.has(key));
      };
      await expect.poll(missing, AFTER_DEATH).toEqual([]);
      const statuses = async () => {
        const found: unknown[] = [];
        await inParallel(acknowledged, 8, async (key) => {
          found.push(await statusOf(s3, source, key)());
        });
        return [...new Set(found)];
      };
      await expect.poll(statuses, AFTER_DEATH).toEqual(['COMPLETED']);
      // None twice, none of what was never acknowledged but in one version.
      const versions = await versionsOf(s3, target);
      expect(new Set(versions.map(({ Key }) => Key)).size).toBe(versions.length);
      s3.destroy();
    } finally {
      await second.stop();
      await home.remove();
    }
  });
});
