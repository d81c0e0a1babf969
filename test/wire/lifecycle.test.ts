// Lifecycle rules: the configuration, what answers tell of it, and that objects go by it. A day lasts two seconds here.
import {
  CreateMultipartUploadCommand,
  DeleteBucketLifecycleCommand,
  GetBucketLifecycleConfigurationCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  ListPartsCommand,
  PutBucketLifecycleConfigurationCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { LifecycleRule } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { bytes, failure, MIB, put, read } from './helpers.js';
import { signedExchange } from './raw.js';
import { describeWire } from './servers.js';

const GC = { 'lifecycle-interval': '500ms', 'lifecycle-day': '2s' };
const SOON = { timeout: 60_000, interval: 300 };

const RULE: LifecycleRule = { ID: 'r', Filter: { Prefix: 'logs/' }, Status: 'Enabled', Expiration: { Days: 1 } };

describeWire(
  'lifecycle rules',
  (wire) => {
    const configure = (Bucket: string, ...Rules: LifecycleRule[]) =>
      wire.s3.send(new PutBucketLifecycleConfigurationCommand({ Bucket, LifecycleConfiguration: { Rules } }));
    const keys = async (Bucket: string) =>
      ((await wire.s3.send(new ListObjectsV2Command({ Bucket }))).Contents ?? []).map(({ Key }) => Key);

    it('are kept as they were given, and are gone when deleted', async () => {
      const Bucket = await wire.bucket();
      const get = new GetBucketLifecycleConfigurationCommand({ Bucket });
      expect(await failure(wire.s3.send(get))).toMatchObject({ status: 404, code: 'NoSuchLifecycleConfiguration' });
      const rules: LifecycleRule[] = [
        { ...RULE, Status: 'Disabled' },
        {
          ID: 'versions',
          Filter: { And: { Prefix: 'a', Tags: [{ Key: 'k', Value: 'v' }], ObjectSizeGreaterThan: 5 } },
          Status: 'Disabled',
          NoncurrentVersionExpiration: { NoncurrentDays: 3, NewerNoncurrentVersions: 2 },
        },
        // eslint-disable-next-line @typescript-eslint/no-deprecated -- many clients still send it
        { ID: 'old', Prefix: 'b', Status: 'Disabled', Expiration: { Date: new Date('2030-01-01T00:00:00Z') } },
      ];
      await configure(Bucket, ...rules);
      const { Rules, TransitionDefaultMinimumObjectSize } = await wire.s3.send(get);
      expect(Rules).toEqual(rules);
      expect(TransitionDefaultMinimumObjectSize).toBe('all_storage_classes_128K');
      await wire.s3.send(new DeleteBucketLifecycleCommand({ Bucket }));
      await wire.s3.send(new DeleteBucketLifecycleCommand({ Bucket }));
      expect(await failure(wire.s3.send(get))).toMatchObject({ code: 'NoSuchLifecycleConfiguration' });
    });

    it('are refused whole when one is wrong', async () => {
      const Bucket = await wire.bucket();
      const refused = (rule: LifecycleRule) => failure(configure(Bucket, { ...RULE, ID: 'ok' }, rule));
      expect(await refused({ ...RULE, ID: 'ok' })).toMatchObject({ status: 400, code: 'InvalidArgument' });
      expect(await refused({ ...RULE, Expiration: { Days: 0 } })).toMatchObject({ code: 'InvalidArgument' });
      expect(await refused({ ...RULE, Transitions: [{ Days: 0, StorageClass: 'DEEP_ARCHIVE' }] })).toMatchObject({
        code: 'InvalidStorageClass',
      });
      const body = '<LifecycleConfiguration/>';
      const bare = await signedExchange(wire.server, { method: 'PUT', target: `/${Bucket}?lifecycle`, body });
      expect(bare).toMatchObject({ status: 400 });
      const get = new GetBucketLifecycleConfigurationCommand({ Bucket });
      expect(await failure(wire.s3.send(get))).toMatchObject({ code: 'NoSuchLifecycleConfiguration' });
    });

    it('are told by writes and reads of what they concern', async () => {
      const Bucket = await wire.bucket();
      await configure(Bucket, {
        ...RULE,
        Expiration: { Days: 30_000 },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 30_000 },
      });
      const told = /^expiry-date="\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT", rule-id="r"$/;
      const Key = 'logs/a';
      for (const answer of [
        await wire.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' })),
        await wire.s3.send(new HeadObjectCommand({ Bucket, Key })),
        await wire.s3.send(new GetObjectCommand({ Bucket, Key })),
      ])
        expect(answer.Expiration).toMatch(told);
      const { Expiration } = await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'other', Body: 'x' }));
      expect(Expiration).toBeUndefined();
      const upload = await wire.s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      expect(upload.AbortRuleId).toBe('r');
      expect(Number(upload.AbortDate)).toBeGreaterThan(Date.now());
      const { UploadId } = upload;
      const parts = await wire.s3.send(new ListPartsCommand({ Bucket, Key, UploadId }));
      expect(parts.AbortDate).toEqual(upload.AbortDate);
    });

    it('remove objects and uploads when their time has come', async () => {
      const Bucket = await wire.bucket();
      for (const key of ['logs/a', 'data/a']) await put(wire.s3, Bucket, key, key);
      for (const Key of ['logs/up', 'data/up']) await wire.s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      await configure(Bucket, { ...RULE, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } });
      await expect.poll(() => keys(Bucket), SOON).toEqual(['data/a']);
      const uploads = async () =>
        ((await wire.s3.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads ?? []).map(({ Key }) => Key);
      await expect.poll(uploads, SOON).toEqual(['data/up']);
    });

    it('move objects, sealed ones too, to another storage class', async () => {
      const Bucket = await wire.bucket();
      const content = bytes(3 * MIB + 5);
      await put(wire.s3, Bucket, 'logs/plain', content);
      await wire.s3.send(
        new PutObjectCommand({ Bucket, Key: 'logs/sealed', Body: content, ServerSideEncryption: 'AES256' }),
      );
      const { Expiration: _, ...rule } = RULE;
      await configure(Bucket, { ...rule, Transitions: [{ Days: 1, StorageClass: 'GLACIER_IR' }] });
      for (const Key of ['logs/plain', 'logs/sealed']) {
        const storageClass = async () => (await wire.s3.send(new HeadObjectCommand({ Bucket, Key }))).StorageClass;
        await expect.poll(storageClass, SOON).toBe('GLACIER_IR');
        expect((await read(wire.s3, { Bucket, Key })).content.equals(content)).toBe(true);
      }
    });

    it('lay delete markers and clear versions away, but not what is locked', async () => {
      const Bucket = await wire.bucket({ ObjectLockEnabledForBucket: true });
      await put(wire.s3, Bucket, 'logs/free', 'x');
      const held = { Bucket, Key: 'logs/held', Body: 'x', ObjectLockLegalHoldStatus: 'ON' } as const;
      const { VersionId } = await wire.s3.send(new PutObjectCommand(held));
      await configure(Bucket, { ...RULE, NoncurrentVersionExpiration: { NoncurrentDays: 1 } });
      const left = async () => {
        const { Versions = [], DeleteMarkers = [] } = await wire.s3.send(new ListObjectVersionsCommand({ Bucket }));
        return { versions: Versions.map((one) => one.VersionId), markers: DeleteMarkers.map(({ Key }) => Key) };
      };
      await expect.poll(left, SOON).toEqual({ versions: [VersionId], markers: ['logs/held'] });
    });
  },
  { gc: GC },
);
