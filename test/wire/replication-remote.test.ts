// Replication between two servers, each way, also while one of them is down; and who may use which target.
import { createHash, randomBytes } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketReplicationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../cassandra/index.mjs';
import { spawnPithos } from '../support/server.js';
import type { PithosConfig, PithosProcess } from '../support/server.js';
import { bytes, failure, inParallel, KIB, MIB, put, read, text } from './helpers.js';
import { signedExchange } from './raw.js';
import { bucketName, clientOf, makeHome, OTHER_KEY, REGION, STORES, USER_KEY } from './servers.js';
import type { Home, StoreKind } from './servers.js';

const SOON = { timeout: 60_000, interval: 100 };
const ROLE = `arn:aws:iam::${USER_KEY.tenant}:role/replicator`;

/** A server that knows the other one as 'peer'. */
class Site {
  readonly port: number;
  readonly #home: Home;
  readonly #config: PithosConfig;
  readonly #store: StoreKind;
  #server: PithosProcess | null = null;
  #client: S3Client | null = null;

  constructor(parts: {
    readonly store: StoreKind;
    readonly home: Home;
    readonly port: number;
    readonly peerPort: number;
  }) {
    const { store, home, port, peerPort } = parts;
    this.#store = store;
    this.#home = home;
    this.port = port;
    const peer = {
      endpoint: `http://127.0.0.1:${peerPort}`,
      region: REGION,
      'access-key': USER_KEY.accessKeyId,
      secret: USER_KEY.secretAccessKey,
      timeout: '5s',
    };
    const nobody = { ...peer, endpoint: 'http://127.0.0.1:1' };
    const { service } = home.config as { readonly service?: PithosConfig };
    this.#config = {
      ...home.config,
      service: { ...service, host: '127.0.0.1', port },
      replication: {
        targets: {
          peer,
          'any-s3': { ...peer, kind: 's3' },
          private: { ...peer, tenants: [OTHER_KEY.tenant] },
          down: { ...nobody, timeout: '1s' },
        },
        'max-retry-interval': '1s',
        'poll-interval': '200ms',
      },
      notifications: {
        targets: {
          hook: { type: 'webhook', url: 'http://127.0.0.1:1/', tenants: [OTHER_KEY.tenant] },
        },
      },
    };
  }

  async up(): Promise<void> {
    this.#server = await spawnPithos({ config: this.#config, bootstrap: this.#store === 'cassandra' });
  }

  async kill(): Promise<void> {
    await this.#server?.kill();
  }

  async remove(): Promise<void> {
    this.#client?.destroy();
    await this.#server?.stop();
    await this.#home.remove();
  }

  get server(): PithosProcess {
    if (this.#server === null) throw new Error('the server is not running');
    return this.#server;
  }

  get s3(): S3Client {
    return (this.#client ??= clientOf({ url: `http://127.0.0.1:${this.port}` }));
  }
}

async function versioned(s3: S3Client, lock = false): Promise<string> {
  const Bucket = bucketName('remote');
  await s3.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: lock }));
  await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
  return Bucket;
}

const replicateTo = (s3: S3Client, Bucket: string, arn: string) =>
  s3.send(
    new PutBucketReplicationCommand({
      Bucket,
      ReplicationConfiguration: {
        Role: ROLE,
        Rules: [
          {
            ID: 'remote',
            Priority: 1,
            Status: 'Enabled',
            Filter: {},
            DeleteMarkerReplication: { Status: 'Enabled' },
            SourceSelectionCriteria: { ReplicaModifications: { Status: 'Enabled' } },
            Destination: { Bucket: arn },
          },
        ],
      },
    }),
  );

const replicate = (s3: S3Client, Bucket: string, target: string, bucket: string) =>
  replicateTo(s3, Bucket, `arn:pithos:replication:::${target}/${bucket}`);

const statusOf = (s3: S3Client, Bucket: string, Key: string) => async () =>
  (await s3.send(new HeadObjectCommand({ Bucket, Key }))).ReplicationStatus;
const completed = (s3: S3Client, Bucket: string, Key: string) =>
  expect.poll(statusOf(s3, Bucket, Key), SOON).toBe('COMPLETED');

async function versionsOf(s3: S3Client, Bucket: string) {
  const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
  return [...Versions, ...DeleteMarkers].map(({ Key, VersionId, IsLatest, LastModified }) => ({
    Key,
    VersionId,
    IsLatest,
    LastModified: LastModified?.getTime(),
  }));
}

const tagsOf = async (s3: S3Client, Bucket: string, Key: string) =>
  (await s3.send(new GetObjectTaggingCommand({ Bucket, Key }))).TagSet;

describe.each(STORES)('replication between two servers on %s', (store) => {
  let here: Site;
  let there: Site;
  beforeAll(async () => {
    const [portHere, portThere] = [await freePort({ hosts: ['127.0.0.1'] }), await freePort({ hosts: ['127.0.0.1'] })];
    const home = () => makeHome(store, {}, { ownKeyspace: true });
    here = new Site({ store, home: await home(), port: portHere, peerPort: portThere });
    there = new Site({ store, home: await home(), port: portThere, peerPort: portHere });
    await here.up();
    await there.up();
  });
  afterAll(async () => {
    await here.remove();
    await there.remove();
  });

  it('brings versions, markers and their order, with their ids and times', async () => {
    const [source, target] = [await versioned(here.s3), await versioned(there.s3)];
    await replicate(here.s3, source, 'peer', target);
    const content = bytes(3 * MIB, 7);
    await here.s3.send(
      new PutObjectCommand({
        Bucket: source,
        Key: 'a/ü b',
        Body: content,
        ContentType: 'text/x-test',
        Metadata: { colour: 'blue' },
        Tagging: 'k=v&t=%C3%BC',
        ChecksumAlgorithm: 'SHA256',
      }),
    );
    await inParallel(text(0, 20), 5, (n) => put(here.s3, source, 'k', n));
    await here.s3.send(new DeleteObjectCommand({ Bucket: source, Key: 'k' }));
    await put(here.s3, source, 'empty', '');
    await completed(here.s3, source, 'a/ü b');
    await completed(here.s3, source, 'empty');
    await expect.poll(() => versionsOf(there.s3, target), SOON).toHaveLength(23);
    expect(await versionsOf(there.s3, target)).toEqual(await versionsOf(here.s3, source));
    const get = async ({ s3 }: Site, Bucket: string) => {
      const { output, content: found } = await read(s3, { Bucket, Key: 'a/ü b', ChecksumMode: 'ENABLED' });
      expect(found.equals(content)).toBe(true);
      return { ...output, Body: null, $metadata: null, ReplicationStatus: null };
    };
    expect(await get(there, target)).toEqual(await get(here, source));
    expect(await tagsOf(there.s3, target, 'a/ü b')).toEqual(await tagsOf(here.s3, source, 'a/ü b'));
    expect(await statusOf(there.s3, target, 'a/ü b')()).toBe('REPLICA');
  });

  it('brings multipart objects as the parts they are', async () => {
    const [source, target] = [await versioned(here.s3), await versioned(there.s3)];
    await replicate(here.s3, source, 'peer', target);
    const at = { Bucket: source, Key: 'parts' };
    const { UploadId } = await here.s3.send(new CreateMultipartUploadCommand(at));
    const bodies = [bytes(5 * MIB, 2), bytes(6 * MIB, 3), bytes(10, 4)];
    const Parts = [];
    for (const [i, Body] of bodies.entries()) {
      const { ETag } = await here.s3.send(new UploadPartCommand({ ...at, UploadId, PartNumber: i + 1, Body }));
      Parts.push({ PartNumber: i + 1, ETag });
    }
    await here.s3.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts } }));
    await completed(here.s3, source, 'parts');
    expect(await versionsOf(there.s3, target)).toEqual(await versionsOf(here.s3, source));
    const head = ({ s3 }: Site, Bucket: string) =>
      s3.send(new HeadObjectCommand({ Bucket, Key: 'parts', PartNumber: 2 }));
    const [a, b] = [await head(here, source), await head(there, target)];
    expect([b.ETag, b.PartsCount, b.ContentLength]).toEqual([a.ETag, a.PartsCount, a.ContentLength]);
    expect((await read(there.s3, { Bucket: target, Key: 'parts' })).content.equals(Buffer.concat(bodies))).toBe(true);
  });

  it('brings appended objects, whose parts are too small to be sent as such', async () => {
    const [source, target] = [await versioned(here.s3), await versioned(there.s3)];
    await replicate(here.s3, source, 'peer', target);
    const append = (WriteOffsetBytes: number, Body: string) =>
      here.s3.send(new PutObjectCommand({ Bucket: source, Key: 'log', Body, WriteOffsetBytes }));
    await append(0, 'one');
    await append(3, 'two');
    await append(6, 'three');
    await completed(here.s3, source, 'log');
    await expect.poll(() => versionsOf(there.s3, target), SOON).toHaveLength(3);
    expect(await versionsOf(there.s3, target)).toEqual(await versionsOf(here.s3, source));
    const { output, content } = await read(there.s3, { Bucket: target, Key: 'log' });
    expect(content.toString()).toBe('onetwothree');
    expect(output.ETag).toBe((await here.s3.send(new HeadObjectCommand({ Bucket: source, Key: 'log' }))).ETag);
  });

  it('goes both ways, changes of tags and locks too', async () => {
    const [a, b] = [await versioned(here.s3, true), await versioned(there.s3, true)];
    await replicate(here.s3, a, 'peer', b);
    await replicate(there.s3, b, 'peer', a);
    const until = new Date(Date.now() + 3_600_000);
    const lock = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: until } as const;
    await here.s3.send(new PutObjectCommand({ Bucket: a, Key: 'from-a', Body: 'a', ...lock }));
    await put(there.s3, b, 'from-b', 'b');
    await inParallel([here, there, here, there], 2, (site) =>
      put(site.s3, site === here ? a : b, 'both', String(site.port)),
    );
    await expect.poll(() => versionsOf(here.s3, a), SOON).toHaveLength(6);
    await expect.poll(() => versionsOf(there.s3, b), SOON).toHaveLength(6);
    expect(await versionsOf(here.s3, a)).toEqual(await versionsOf(there.s3, b));
    const head = async (site: Site, Bucket: string) => site.s3.send(new HeadObjectCommand({ Bucket, Key: 'from-a' }));
    expect(await head(there, b)).toMatchObject(lock);
    const at = { Bucket: a, Key: 'from-a' };
    await here.s3.send(new PutObjectLegalHoldCommand({ ...at, LegalHold: { Status: 'ON' } }));
    const later = new Date(until.getTime() + 60_000);
    await here.s3.send(
      new PutObjectRetentionCommand({ ...at, Retention: { Mode: 'GOVERNANCE', RetainUntilDate: later } }),
    );
    await expect
      .poll(() => head(there, b), SOON)
      .toMatchObject({ ObjectLockLegalHoldStatus: 'ON', ObjectLockRetainUntilDate: later });
    const TagSet = [{ Key: 'of', Value: 'the replica' }];
    await there.s3.send(new PutObjectTaggingCommand({ Bucket: b, Key: 'from-a', Tagging: { TagSet } }));
    await expect.poll(() => tagsOf(here.s3, a, 'from-a'), SOON).toEqual(TagSet);
    expect(await head(here, a)).toMatchObject({ ObjectLockLegalHoldStatus: 'ON' });
    await put(here.s3, a, 'last', 'x');
    await completed(here.s3, a, 'last');
    expect(await versionsOf(there.s3, b)).toHaveLength(7);
  });

  it('brings encrypted objects', async () => {
    const [source, target] = [await versioned(here.s3), await versioned(there.s3)];
    await replicate(here.s3, source, 'peer', target);
    const Body = bytes(100 * KIB);
    await here.s3.send(new PutObjectCommand({ Bucket: source, Key: 's3', Body, ServerSideEncryption: 'AES256' }));
    const key = randomBytes(32);
    await here.s3.send(
      new PutObjectCommand({
        Bucket: source,
        Key: 'c',
        Body,
        SSECustomerAlgorithm: 'AES256',
        SSECustomerKey: key.toString('base64'),
        SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
      }),
    );
    await completed(here.s3, source, 's3');
    const { output, content } = await read(there.s3, { Bucket: target, Key: 's3' });
    expect(content.equals(Body)).toBe(true);
    expect(output.ServerSideEncryption).toBe('AES256');
    await expect.poll(() => here.server.logs(), SOON).toContain("objects under a customer's key are not replicated");
    expect(await versionsOf(there.s3, target)).toHaveLength(1);
  });

  it('brings objects to a server that makes versions of its own', async () => {
    const [source, target] = [await versioned(here.s3), await versioned(there.s3)];
    await replicate(here.s3, source, 'any-s3', target);
    await put(here.s3, source, 'k', 'content');
    await completed(here.s3, source, 'k');
    const TagSet = [{ Key: 'late', Value: '1' }];
    await here.s3.send(new PutObjectTaggingCommand({ Bucket: source, Key: 'k', Tagging: { TagSet } }));
    await expect.poll(() => tagsOf(there.s3, target, 'k'), SOON).toEqual(TagSet);
    const [mine] = await versionsOf(here.s3, source);
    const [theirs, ...more] = await versionsOf(there.s3, target);
    expect(more).toEqual([]);
    expect(theirs?.VersionId).not.toBe(mine?.VersionId);
    await here.s3.send(new DeleteObjectCommand({ Bucket: source, Key: 'k' }));
    await expect.poll(() => versionsOf(there.s3, target), SOON).toHaveLength(2);
  });

  it('waits for a target that is down, which keeps no other waiting', async () => {
    const [source, other] = [await versioned(here.s3), await versioned(here.s3)];
    const [target, local] = [await versioned(there.s3), await versioned(here.s3)];
    await replicate(here.s3, source, 'peer', target);
    await replicateTo(here.s3, other, `arn:aws:s3:::${local}`);
    await there.kill();
    try {
      await inParallel(text(0, 30), 6, (key) => put(here.s3, source, key, bytes(40 * KIB)));
      await put(here.s3, other, 'k', 'x');
      await completed(here.s3, other, 'k');
      await expect.poll(() => here.server.logs(), SOON).toContain('a target of events is down');
      expect(await statusOf(here.s3, source, text(0, 1)[0] ?? '')()).toBe('PENDING');
    } finally {
      await there.up();
    }
    await expect.poll(() => versionsOf(there.s3, target), SOON).toHaveLength(30);
    expect(await versionsOf(there.s3, target)).toEqual(await versionsOf(here.s3, source));
    for (const key of text(0, 30)) await completed(here.s3, source, key);
  });

  it('is refused where the target is not there, not for the tenant, or does not answer', async () => {
    const [source, target] = [await versioned(here.s3), await versioned(there.s3)];
    const refusal = async (name: string, bucket: string) => {
      const { code, message } = await failure(replicate(here.s3, source, name, bucket));
      expect(code).toBe('InvalidRequest');
      return message;
    };
    expect(await refusal('nowhere', target)).toContain('must exist');
    expect(await refusal('private', target)).toContain('must exist');
    expect(await refusal('peer', bucketName('absent'))).toContain('must exist');
    expect(await refusal('down', target)).toContain('could not be asked');
    const plain = bucketName('plain');
    await there.s3.send(new CreateBucketCommand({ Bucket: plain }));
    expect(await refusal('peer', plain)).toContain('versioning');
  });

  it('lets only tenants of its list name a notification target', async () => {
    const configure = (s3: S3Client, Bucket: string) =>
      s3.send(
        new PutBucketNotificationConfigurationCommand({
          Bucket,
          SkipDestinationValidation: true,
          NotificationConfiguration: {
            TopicConfigurations: [{ TopicArn: `arn:aws:sns:${REGION}::hook`, Events: ['s3:ObjectCreated:*'] }],
          },
        }),
      );
    const refused = await failure(configure(here.s3, await versioned(here.s3)));
    expect(refused.code).toBe('InvalidArgument');
    const other = clientOf(here.server, OTHER_KEY);
    await configure(other, await versioned(other));
    other.destroy();
  });

  it('takes the word of nobody who may not replicate', async () => {
    const target = await versioned(there.s3);
    const facts = { versionId: '0'.repeat(24), lastModified: 1 };
    const header = (value: object) => ({
      'x-pithos-replica': Buffer.from(JSON.stringify(value)).toString('base64url'),
    });
    const send = (value: object, key = USER_KEY) =>
      signedExchange(there.server, {
        method: 'PUT',
        target: `/${target}/k`,
        payload: 'UNSIGNED-PAYLOAD',
        headers: header(value),
        body: Buffer.from('x'),
        credentials: key,
      });
    expect((await send(facts, OTHER_KEY)).status).toBe(403);
    expect((await send({ ...facts, versionId: 'null' })).status).toBe(400);
    expect((await send({ ...facts, versionId: 'z'.repeat(11) + '0'.repeat(13) })).status).toBe(400);
    expect((await send({ ...facts, etag: '"x"' })).status).toBe(400);
    expect((await send({ versionId: facts.versionId })).status).toBe(400);
    expect(await versionsOf(there.s3, target)).toEqual([]);
  });
});
