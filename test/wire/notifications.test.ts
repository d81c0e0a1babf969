// Event notifications: the configuration, what is told of which operation, and the message itself.
import { createHmac } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeleteObjectTaggingCommand,
  GetBucketNotificationConfigurationCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutObjectTaggingCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { Event, FilterRuleName, NotificationConfiguration } from '@aws-sdk/client-s3';
import { afterAll, expect, it } from 'vitest';
import { etagOf, failure, put } from './helpers.js';
import { exchange, signedExchange } from './raw.js';
import { Webhook } from './receivers.js';
import { describeWire, KEYS, REGION } from './servers.js';

const webhook = await Webhook.start();
afterAll(() => webhook.down());

const SECRET = 'a secret that signs';
const NOTIFICATIONS = {
  targets: {
    plain: { type: 'webhook', url: webhook.url('/plain') },
    signed: {
      type: 'webhook',
      url: webhook.url('/signed?tenant=7'),
      'bearer-token': 'the-token',
      'signing-secret': SECRET,
    },
    nobody: { type: 'webhook', url: 'http://127.0.0.1:9/' },
  },
};

const SOON = { timeout: 60_000, interval: 50 };
const ARN = (target: string, service = 'sqs') => `arn:aws:${service}:${REGION}:123456789012:${target}`;
const ALL: Event[] = [
  's3:ObjectCreated:*',
  's3:ObjectRemoved:*',
  's3:ObjectTagging:*',
  's3:ObjectAcl:Put',
  's3:LifecycleExpiration:*',
  's3:LifecycleTransition',
];

describeWire(
  'event notifications',
  (wire) => {
    const configure = (Bucket: string, NotificationConfiguration: NotificationConfiguration, skip = false) =>
      wire.s3.send(
        new PutBucketNotificationConfigurationCommand({
          Bucket,
          NotificationConfiguration,
          ...(skip && { SkipDestinationValidation: true }),
        }),
      );
    const configuration = async (Bucket: string) => {
      const { $metadata, ...rest } = await wire.s3.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
      expect($metadata.httpStatusCode).toBe(200);
      return rest;
    };
    /** A bucket whose events all go to a target. */
    const listening = async (events = ALL, target = 'plain') => {
      const Bucket = await wire.bucket();
      await configure(Bucket, { QueueConfigurations: [{ Id: 'all', QueueArn: ARN(target), Events: events }] });
      return Bucket;
    };
    const names = (Bucket: string) =>
      webhook.records(Bucket).map(({ eventName, s3 }) => `${eventName} ${s3.object.key}`);
    const arrived = (Bucket: string, expected: readonly string[]) =>
      expect.poll(() => names(Bucket).sort(), SOON).toEqual([...expected].sort());

    it('are configured, answered as they were given, and removed by an empty configuration', async () => {
      const Bucket = await wire.bucket();
      expect(await configuration(Bucket)).toEqual({});
      const given: NotificationConfiguration = {
        TopicConfigurations: [
          {
            Id: 'images',
            TopicArn: ARN('plain', 'sns'),
            Events: ['s3:ObjectCreated:Put', 's3:ObjectRemoved:*'],
            Filter: {
              Key: {
                FilterRules: [
                  { Name: 'Prefix' as FilterRuleName, Value: 'images/' },
                  { Name: 'Suffix' as FilterRuleName, Value: '.jpg' },
                ],
              },
            },
          },
        ],
        QueueConfigurations: [{ Id: 'tags', QueueArn: ARN('plain'), Events: ['s3:ObjectTagging:Put'] }],
        LambdaFunctionConfigurations: [
          {
            Id: 'acl',
            LambdaFunctionArn: `arn:aws:lambda:${REGION}:1:function:plain:live`,
            Events: ['s3:ObjectAcl:Put'],
          },
        ],
      };
      await configure(Bucket, given);
      expect(await configuration(Bucket)).toEqual(given);
      await configure(Bucket, { QueueConfigurations: [{ QueueArn: ARN('plain'), Events: ['s3:ObjectCreated:*'] }] });
      const { QueueConfigurations } = await configuration(Bucket);
      expect(QueueConfigurations?.[0]?.Id).toMatch(/^[\w-]{16,}$/);
      await configure(Bucket, {});
      expect(await configuration(Bucket)).toEqual({});
    });

    it('are refused when they are wrong, and then nothing changes', async () => {
      const Bucket = await wire.bucket();
      const one = (Id: string, Events: string[], rules: [string, string][] = [], arn = ARN('plain')) => ({
        Id,
        QueueArn: arn,
        Events: Events as Event[],
        ...(rules.length > 0 && {
          Filter: { Key: { FilterRules: rules.map(([Name, Value]) => ({ Name: Name as 'prefix', Value })) } },
        }),
      });
      const refused = (...QueueConfigurations: ReturnType<typeof one>[]) =>
        failure(configure(Bucket, { QueueConfigurations }));
      const invalid = { status: 400, code: 'InvalidArgument' };
      const put = ['s3:ObjectCreated:Put'];
      expect(await refused(one('a', put), one('b', ['s3:ObjectCreated:*']))).toMatchObject({
        ...invalid,
        message: expect.stringContaining('overlap') as unknown,
      });
      expect(await refused(one('a', put, [['prefix', 'x']]), one('b', put, [['prefix', 'xy']]))).toMatchObject({
        ...invalid,
        message: expect.stringContaining('ambiguously defined') as unknown,
      });
      expect(await refused(one('a', put), one('a', ['s3:ObjectRemoved:*']))).toMatchObject(invalid);
      expect(await refused(one('a', ['s3:ObjectEaten']))).toMatchObject(invalid);
      expect(await refused(one('a', put, [['middle', 'x']]))).toMatchObject(invalid);
      expect(await refused(one('a', put, [], 'arn:aws:s3:::plain'))).toMatchObject(invalid);
      expect(await refused(one('a', put, [], ARN('unheard-of')))).toMatchObject({
        ...invalid,
        message: 'Unable to validate the following destination configurations',
        error: { ArgumentName1: ARN('unheard-of') },
      });
      expect(await refused(one('a', put, [], ARN('nobody')))).toMatchObject({
        ...invalid,
        message: 'Unable to validate the following destination configurations',
      });
      expect(await failure(configure(Bucket, { EventBridgeConfiguration: {} }))).toMatchObject({
        ...invalid,
        message: expect.stringContaining('EventBridge') as unknown,
      });
      const body = '<NotificationConfiguration><QueueConfiguration/></NotificationConfiguration>';
      const malformed = await signedExchange(wire.server, { method: 'PUT', target: `/${Bucket}?notification`, body });
      expect(malformed).toMatchObject({ status: 400 });
      expect(malformed.body.toString()).toContain('MalformedXML');
      expect(await configuration(Bucket)).toEqual({});
      // Whoever says so need not have it there yet.
      await configure(Bucket, { QueueConfigurations: [one('a', put, [], ARN('unheard-of'))] }, true);
      expect((await configuration(Bucket)).QueueConfigurations).toHaveLength(1);
      await configure(Bucket, { QueueConfigurations: [one('a', put), one('b', ['s3:ObjectRemoved:*'])] });
      await configure(Bucket, {
        QueueConfigurations: [one('a', put, [['suffix', '.a']]), one('b', put, [['suffix', '.b']])],
      });
    });

    it('belong to the owner of the bucket', async () => {
      const Bucket = await wire.bucket();
      const other = wire.client(KEYS.other);
      const get = other.send(new GetBucketNotificationConfigurationCommand({ Bucket }));
      expect(await failure(get)).toMatchObject({ status: 403 });
      other.destroy();
    });

    it('send a test event to topics and queues when they are configured', async () => {
      const startedMs = Date.now();
      const Bucket = await listening();
      const tests = webhook.deliveries
        .map(({ body }) => JSON.parse(body) as Record<string, string>)
        .filter((message) => message['Event'] === 's3:TestEvent' && message['Bucket'] === Bucket);
      expect(tests).toHaveLength(1);
      expect(tests[0]).toMatchObject({ Service: 'Amazon S3', RequestId: expect.stringMatching(/^\w+$/) as unknown });
      expect(Date.parse(tests[0]?.['Time'] ?? '')).toBeGreaterThanOrEqual(startedMs - 1000);
    });

    it('carry the message as S3 writes it', async () => {
      const Bucket = await listening();
      const Key = "a folder/käse+1 (copy)'~.txt";
      const answer = await wire.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'hello' }));
      await expect.poll(() => webhook.records(Bucket).length, SOON).toBe(1);
      const [record] = webhook.records(Bucket);
      const { requestId } = answer.$metadata;
      expect(record).toEqual({
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: REGION,
        eventTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as unknown,
        eventName: 'ObjectCreated:Put',
        userIdentity: { principalId: KEYS.user.tenant },
        requestParameters: { sourceIPAddress: '127.0.0.1' },
        responseElements: { 'x-amz-request-id': requestId, 'x-amz-id-2': requestId },
        s3: {
          s3SchemaVersion: '1.0',
          configurationId: 'all',
          bucket: {
            name: Bucket,
            ownerIdentity: { principalId: KEYS.user.tenant },
            arn: `arn:aws:s3:::${Bucket}`,
          },
          object: {
            key: 'a+folder/k%C3%A4se%2B1+%28copy%29%27%7E.txt',
            size: 5,
            eTag: etagOf('hello').replaceAll('"', ''),
            sequencer: expect.stringMatching(/^[0-9A-F]{16}$/) as unknown,
          },
        },
      });
      expect(decodeURIComponent(record?.s3.object.key.replaceAll('+', ' ') ?? '')).toBe(Key);
    });

    it('tell of each operation that makes, changes or removes an object', async () => {
      const Bucket = await listening();
      const at = (Key: string) => ({ Bucket, Key });
      await put(wire.s3, Bucket, 'put', 'x');
      await wire.s3.send(new CopyObjectCommand({ ...at('copy'), CopySource: `${Bucket}/put` }));
      const { UploadId } = await wire.s3.send(new CreateMultipartUploadCommand(at('parts')));
      const part = { ...at('parts'), UploadId, PartNumber: 1 };
      const { ETag } = await wire.s3.send(new UploadPartCommand({ ...part, Body: 'part' }));
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
      await wire.s3.send(new CompleteMultipartUploadCommand({ ...at('parts'), UploadId, MultipartUpload }));
      const { UploadId: aborted } = await wire.s3.send(new CreateMultipartUploadCommand(at('aborted')));
      await wire.s3.send(new AbortMultipartUploadCommand({ ...at('aborted'), UploadId: aborted }));
      const TagSet = [{ Key: 'a', Value: 'b' }];
      await wire.s3.send(new PutObjectTaggingCommand({ ...at('put'), Tagging: { TagSet } }));
      await wire.s3.send(new DeleteObjectTaggingCommand(at('put')));
      await wire.s3.send(new PutObjectAclCommand({ ...at('put'), ACL: 'public-read' }));
      await wire.s3.send(new DeleteObjectCommand(at('put')));
      // Nothing there, nothing to tell.
      await wire.s3.send(new DeleteObjectCommand(at('put')));
      await wire.s3.send(
        new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'copy' }, { Key: 'parts' }, { Key: 'none' }] } }),
      );
      await failure(wire.s3.send(new PutObjectCommand({ ...at('refused'), Body: 'x', IfMatch: '"nothing"' })));
      await arrived(Bucket, [
        'ObjectCreated:Put put',
        'ObjectCreated:Copy copy',
        'ObjectCreated:CompleteMultipartUpload parts',
        'ObjectTagging:Put put',
        'ObjectTagging:Delete put',
        'ObjectAcl:Put put',
        'ObjectRemoved:Delete put',
        'ObjectRemoved:Delete copy',
        'ObjectRemoved:Delete parts',
      ]);
      const records = webhook.records(Bucket);
      const ofPut = records.filter(({ s3 }) => s3.object.key === 'put');
      const sequence = ofPut.map(({ s3 }) => s3.object.sequencer);
      expect(sequence).toEqual([...sequence].sort());
      expect(new Set(sequence).size).toBe(sequence.length);
      const tagged = records.find(({ eventName }) => eventName === 'ObjectTagging:Put');
      expect(tagged).toMatchObject({ eventVersion: '2.3', s3: { object: { size: 1 } } });
      const removed = ofPut.at(-1);
      expect(removed?.s3.object).toEqual({ key: 'put', sequencer: sequence.at(-1) });
    });

    it('tell of versions and delete markers', async () => {
      const Bucket = await listening();
      const enabled = { Status: 'Enabled' } as const;
      await wire.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: enabled }));
      const { VersionId } = await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
      const marker = await wire.s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
      await wire.s3.send(new DeleteObjectCommand({ Bucket, Key: 'k', VersionId: marker.VersionId }));
      await wire.s3.send(new DeleteObjectCommand({ Bucket, Key: 'k', VersionId }));
      await expect.poll(() => webhook.records(Bucket).length, SOON).toBe(4);
      const told = webhook.records(Bucket).map(({ eventName, s3 }) => [eventName, s3.object.versionId]);
      expect(told).toEqual([
        ['ObjectCreated:Put', VersionId],
        ['ObjectRemoved:DeleteMarkerCreated', marker.VersionId],
        ['ObjectRemoved:Delete', marker.VersionId],
        ['ObjectRemoved:Delete', VersionId],
      ]);
    });

    it('tell of form uploads, by whom they are', async () => {
      const Bucket = await wire.bucket({ ObjectOwnership: 'ObjectWriter' });
      await configure(Bucket, {
        QueueConfigurations: [{ QueueArn: ARN('plain'), Events: ['s3:ObjectCreated:Post'] }],
      });
      const policy = Buffer.from(
        JSON.stringify({
          expiration: new Date(Date.now() + 60_000).toISOString(),
          conditions: [{ bucket: Bucket }, ['starts-with', '$key', '']],
        }),
      ).toString('base64');
      const signature = createHmac('sha1', KEYS.user.secretAccessKey).update(policy).digest('base64');
      const fields = { key: 'form', AWSAccessKeyId: KEYS.user.accessKeyId, policy, signature };
      const parts = Object.entries(fields).map(
        ([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
      );
      const body = `${parts.join('')}--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nhello\r\n--b--\r\n`;
      const answer = await exchange(wire.server, {
        method: 'POST',
        target: `/${Bucket}`,
        headers: { 'content-type': 'multipart/form-data; boundary=b' },
        body,
      });
      expect(answer.status).toBe(204);
      await arrived(Bucket, ['ObjectCreated:Post form']);
      expect(webhook.records(Bucket)[0]).toMatchObject({ userIdentity: { principalId: KEYS.user.tenant } });
    });

    it('go by the filters of their configuration', async () => {
      const Bucket = await wire.bucket();
      const filter = (Name: 'prefix' | 'suffix', Value: string) => ({ Key: { FilterRules: [{ Name, Value }] } });
      const Events: Event[] = ['s3:ObjectCreated:*'];
      await configure(Bucket, {
        QueueConfigurations: [
          { Id: 'logs', QueueArn: ARN('plain'), Events, Filter: filter('prefix', 'logs/') },
          { Id: 'images', QueueArn: ARN('signed'), Events, Filter: filter('prefix', 'images/') },
        ],
      });
      for (const key of ['logs/a', 'images/b', 'other', 'old-logs/']) await put(wire.s3, Bucket, key, 'x');
      await put(wire.s3, Bucket, 'logs/last', 'x');
      await arrived(
        Bucket,
        ['logs/a', 'images/b', 'logs/last'].map((key) => `ObjectCreated:Put ${key}`),
      );
      const told = webhook.records(Bucket).map(({ s3 }) => [s3.configurationId, s3.object.key]);
      expect(told.sort()).toEqual([
        ['images', 'images/b'],
        ['logs', 'logs/a'],
        ['logs', 'logs/last'],
      ]);
      await configure(Bucket, {});
      // Other gateways may hold the configuration for a while; this one does not.
      await put(wire.s3, Bucket, 'logs/after', 'x');
      await put(wire.s3, await listening(), 'k', 'x');
      expect(names(Bucket)).not.toContain('ObjectCreated:Put logs/after');
    });

    it('show who they are from', async () => {
      const Bucket = await listening(ALL, 'signed');
      await put(wire.s3, Bucket, 'k', 'x');
      await arrived(Bucket, ['ObjectCreated:Put k']);
      const delivery = webhook.deliveries.find(({ body }) => body.includes(Bucket) && body.includes('Records'));
      if (delivery === undefined) throw new Error('nothing arrived');
      expect(delivery.path).toBe('/signed?tenant=7');
      const { headers, body } = delivery;
      expect(headers).toMatchObject({
        authorization: 'Bearer the-token',
        'content-type': 'application/json',
        'x-pithos-event-id': expect.stringMatching(/^[0-9a-f]{32}$/) as unknown,
      });
      const timestamp = String(headers['x-pithos-timestamp']);
      expect(Math.abs(Number(timestamp) * 1000 - Date.now())).toBeLessThan(60_000);
      const hmac = createHmac('sha256', SECRET).update(`${timestamp}.${body}`).digest('hex');
      expect(headers['x-pithos-signature']).toBe(`sha256=${hmac}`);
    });

    it('tell of what lifecycle rules do', async () => {
      const Bucket = await listening(['s3:LifecycleExpiration:*', 's3:ObjectRemoved:*']);
      await put(wire.s3, Bucket, 'logs/a', 'x');
      const rule = { ID: 'r', Filter: { Prefix: 'logs/' }, Status: 'Enabled', Expiration: { Days: 1 } } as const;
      await wire.s3.send(
        new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules: [rule] } }),
      );
      await arrived(Bucket, ['LifecycleExpiration:Delete logs/a']);
      expect(webhook.records(Bucket)[0]).toMatchObject({
        eventVersion: '2.3',
        userIdentity: { principalId: 's3.amazonaws.com' },
        requestParameters: { sourceIPAddress: 's3.amazonaws.com' },
      });
    });
  },
  { notifications: NOTIFICATIONS, gc: { 'lifecycle-interval': '500ms', 'lifecycle-day': '2s' } },
);
