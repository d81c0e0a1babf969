// Object Lock: what is locked stays, whichever way a client tries to get rid of it.
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectLegalHoldCommand,
  GetObjectLockConfigurationCommand,
  GetObjectRetentionCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { ObjectLockConfiguration, PutObjectCommandInput } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { failure, failures, md5 } from './helpers.js';
import { signedExchange } from './raw.js';
import { describeWire, KEYS } from './servers.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const inDays = (days: number): Date => new Date(Math.floor(Date.now() / 1000) * 1000 + days * DAY_MS);
const DENIED = { status: 403, code: 'AccessDenied' };

describeWire('Object Lock', (wire) => {
  const lockBucket = () => wire.bucket({ ObjectLockEnabledForBucket: true });
  const configure = (Bucket: string, ObjectLockConfiguration: ObjectLockConfiguration) =>
    wire.s3.send(new PutObjectLockConfigurationCommand({ Bucket, ObjectLockConfiguration }));
  const byDefault = (
    Bucket: string,
    DefaultRetention: NonNullable<ObjectLockConfiguration['Rule']>['DefaultRetention'],
  ) => configure(Bucket, { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention } });

  async function put(Bucket: string, more: Partial<PutObjectCommandInput> = {}): Promise<string> {
    const { VersionId } = await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', ...more }));
    if (VersionId === undefined) throw new Error('the object has no version id');
    return VersionId;
  }
  const governed = { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: inDays(1) } as const;
  const compliant = { ObjectLockMode: 'COMPLIANCE', ObjectLockRetainUntilDate: inDays(1) } as const;
  const remove = (Bucket: string, VersionId: string, bypass = false) =>
    wire.s3.send(
      new DeleteObjectCommand({ Bucket, Key: 'k', VersionId, ...(bypass ? { BypassGovernanceRetention: true } : {}) }),
    );

  describe('of a bucket', () => {
    it('comes with versioning that cannot be suspended', async () => {
      const Bucket = await lockBucket();
      expect(await put(Bucket)).not.toBe('null');
      const suspend = new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } });
      expect(await failure(wire.s3.send(suspend))).toMatchObject({ status: 409, code: 'InvalidBucketState' });
      const { ObjectLockConfiguration: found } = await wire.s3.send(new GetObjectLockConfigurationCommand({ Bucket }));
      expect(found).toEqual({ ObjectLockEnabled: 'Enabled' });
    });

    it('is enabled later, once versions are kept, for good', async () => {
      const Bucket = await wire.bucket();
      const enabled: ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled' };
      expect(await failure(wire.s3.send(new GetObjectLockConfigurationCommand({ Bucket })))).toMatchObject({
        status: 404,
        code: 'ObjectLockConfigurationNotFoundError',
      });
      expect(await failure(configure(Bucket, enabled))).toMatchObject({ status: 409, code: 'InvalidBucketState' });
      await wire.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
      await configure(Bucket, enabled);
      const suspend = new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Suspended' } });
      expect(await failure(wire.s3.send(suspend))).toMatchObject({ code: 'InvalidBucketState' });
    });

    it('answers the default retention and loses it', async () => {
      const Bucket = await lockBucket();
      const Rule = { DefaultRetention: { Mode: 'COMPLIANCE', Years: 2 } } as const;
      await configure(Bucket, { ObjectLockEnabled: 'Enabled', Rule });
      const get = new GetObjectLockConfigurationCommand({ Bucket });
      expect((await wire.s3.send(get)).ObjectLockConfiguration).toEqual({ ObjectLockEnabled: 'Enabled', Rule });
      await configure(Bucket, { ObjectLockEnabled: 'Enabled' });
      expect((await wire.s3.send(get)).ObjectLockConfiguration).toEqual({ ObjectLockEnabled: 'Enabled' });
    });

    it('refuses periods that are none', async () => {
      const Bucket = await lockBucket();
      for (const [period, code] of [
        [{ Days: 0 }, 'InvalidRetentionPeriod'],
        [{ Years: -1 }, 'InvalidRetentionPeriod'],
        [{ Days: 36_501 }, 'InvalidRetentionPeriod'],
        [{ Days: 1, Years: 1 }, 'MalformedXML'],
        [{}, 'MalformedXML'],
      ] as const)
        expect(await failure(byDefault(Bucket, { Mode: 'GOVERNANCE', ...period }))).toMatchObject({
          status: 400,
          code,
        });
    });
  });

  describe('of new versions', () => {
    it('is the one they bring, and reads tell it', async () => {
      const Bucket = await lockBucket();
      await put(Bucket, { ...governed, ObjectLockLegalHoldStatus: 'ON' });
      expect(await wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'k' }))).toMatchObject({
        ...governed,
        ObjectLockLegalHoldStatus: 'ON',
      });
    });

    it('is the default one else, for puts, copies and multipart uploads alike', async () => {
      const Bucket = await lockBucket();
      await put(Bucket);
      await byDefault(Bucket, { Mode: 'GOVERNANCE', Days: 3 });
      await put(Bucket, { Key: 'put' });
      await wire.s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/k` }));
      await complete(Bucket, 'multipart');
      for (const Key of ['put', 'copy', 'multipart']) {
        const { Retention } = await wire.s3.send(new GetObjectRetentionCommand({ Bucket, Key }));
        expect(Retention?.Mode).toBe('GOVERNANCE');
        expect(Math.abs(Number(Retention?.RetainUntilDate) - inDays(3).getTime())).toBeLessThan(60_000);
      }
      expect(await failure(wire.s3.send(new GetObjectRetentionCommand({ Bucket, Key: 'k' })))).toMatchObject({
        status: 404,
        code: 'NoSuchObjectLockConfiguration',
      });
    });

    it('is not copied along with the object', async () => {
      const Bucket = await lockBucket();
      await put(Bucket, governed);
      await wire.s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/k` }));
      const head = await wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'copy' }));
      expect(head.ObjectLockMode).toBeUndefined();
    });

    it('is refused in buckets without Object Lock, in the past, or by halves', async () => {
      const plain = await wire.bucket();
      expect(await failure(put(plain, governed))).toMatchObject({ status: 400, code: 'InvalidRequest' });
      expect(await failure(put(plain, { ObjectLockMode: 'GOVERNANCE' }))).toMatchObject({ code: 'InvalidArgument' });
      const Bucket = await lockBucket();
      for (const lock of [
        { ObjectLockMode: 'GOVERNANCE' as const },
        { ObjectLockRetainUntilDate: inDays(1) },
        { ...governed, ObjectLockRetainUntilDate: inDays(-1) },
      ])
        expect(await failure(put(Bucket, lock))).toMatchObject({ status: 400, code: 'InvalidArgument' });
    });

    it('needs a digest of their bytes', async () => {
      const Bucket = await lockBucket();
      await byDefault(Bucket, { Mode: 'GOVERNANCE', Days: 1 });
      const exchange = (headers: Readonly<Record<string, string>>) =>
        signedExchange(wire.server, { method: 'PUT', target: `/${Bucket}/raw`, body: 'x', headers });
      expect(await exchange({})).toMatchObject({ status: 400 });
      const digest = Buffer.from(md5('x'), 'hex').toString('base64');
      expect(await exchange({ 'content-md5': digest })).toMatchObject({ status: 200 });
    });
  });

  async function complete(Bucket: string, Key: string, lock: Partial<typeof governed> = {}): Promise<string> {
    const { UploadId } = await wire.s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...lock }));
    const { ETag } = await wire.s3.send(
      new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: Buffer.from('x') }),
    );
    const { VersionId } = await wire.s3.send(
      new CompleteMultipartUploadCommand({
        Bucket,
        Key,
        UploadId,
        MultipartUpload: { Parts: [{ ETag, PartNumber: 1 }] },
      }),
    );
    return VersionId ?? '';
  }

  describe('keeps a version', () => {
    it('under governance until the bypass', async () => {
      const Bucket = await lockBucket();
      const id = await put(Bucket, governed);
      expect(await failure(remove(Bucket, id))).toMatchObject({
        ...DENIED,
        message: 'Access Denied because object protected by object lock.',
      });
      await remove(Bucket, id, true);
    });

    it('under compliance and legal hold whatever is asked', async () => {
      const Bucket = await lockBucket();
      const ids = [await put(Bucket, compliant), await put(Bucket, { ObjectLockLegalHoldStatus: 'ON' })];
      for (const id of ids)
        expect(await failures([remove(Bucket, id), remove(Bucket, id, true)])).toMatchObject([DENIED, DENIED]);
    });

    it('from multi-delete, one by one', async () => {
      const Bucket = await lockBucket();
      const kept = await put(Bucket, governed);
      const free = await put(Bucket);
      const Objects = [kept, free].map((VersionId) => ({ Key: 'k', VersionId }));
      const answer = await wire.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
      expect(answer.Deleted).toMatchObject([{ VersionId: free }]);
      expect(answer.Errors).toMatchObject([{ VersionId: kept, Code: 'AccessDenied' }]);
      const bypass = { Bucket, BypassGovernanceRetention: true, Delete: { Objects } };
      expect((await wire.s3.send(new DeleteObjectsCommand(bypass))).Errors ?? []).toEqual([]);
    });

    it('under overwrites, copies, uploads and delete markers', async () => {
      const Bucket = await lockBucket();
      const id = await put(Bucket, compliant);
      await put(Bucket);
      await wire.s3.send(new CopyObjectCommand({ Bucket, Key: 'k', CopySource: `${Bucket}/k?versionId=${id}` }));
      await complete(Bucket, 'k');
      const { DeleteMarker } = await wire.s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
      expect(DeleteMarker).toBe(true);
      await wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'k', VersionId: id }));
      const { Versions } = await wire.s3.send(new ListObjectVersionsCommand({ Bucket }));
      expect(Versions).toHaveLength(4);
    });

    it('that a multipart upload made, with the lock it was begun with', async () => {
      const Bucket = await lockBucket();
      const id = await complete(Bucket, 'k', governed);
      expect(await failure(remove(Bucket, id))).toMatchObject(DENIED);
      const { UploadId } = await wire.s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'k', ...compliant }));
      await wire.s3.send(new AbortMultipartUploadCommand({ Bucket, Key: 'k', UploadId }));
    });

    it('that was there before the bucket had versions', async () => {
      const Bucket = await wire.bucket();
      await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }));
      await wire.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
      await configure(Bucket, { ObjectLockEnabled: 'Enabled' });
      const LegalHold = { Status: 'ON' } as const;
      await wire.s3.send(new PutObjectLegalHoldCommand({ Bucket, Key: 'k', VersionId: 'null', LegalHold }));
      expect(await failure(remove(Bucket, 'null', true))).toMatchObject(DENIED);
    });

    it('and with it the bucket', async () => {
      const Bucket = await lockBucket();
      await put(Bucket, compliant);
      await wire.s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
      expect(await failure(wire.s3.send(new DeleteBucketCommand({ Bucket })))).toMatchObject({
        status: 409,
        code: 'BucketNotEmpty',
      });
    });
  });

  describe('of a version that is there', () => {
    const retain = (Bucket: string, Mode: 'GOVERNANCE' | 'COMPLIANCE', RetainUntilDate: Date, bypass = false) =>
      wire.s3.send(
        new PutObjectRetentionCommand({
          Bucket,
          Key: 'k',
          Retention: { Mode, RetainUntilDate },
          ...(bypass ? { BypassGovernanceRetention: true } : {}),
        }),
      );

    it('is extended by anybody, weakened by the bypass only, and under compliance never', async () => {
      const Bucket = await lockBucket();
      await put(Bucket, governed);
      await retain(Bucket, 'GOVERNANCE', inDays(3));
      expect(await failure(retain(Bucket, 'GOVERNANCE', inDays(2)))).toMatchObject(DENIED);
      expect(await failure(retain(Bucket, 'COMPLIANCE', inDays(4)))).toMatchObject(DENIED);
      await retain(Bucket, 'GOVERNANCE', inDays(2), true);
      await retain(Bucket, 'COMPLIANCE', inDays(2), true);
      expect(await failure(retain(Bucket, 'COMPLIANCE', inDays(1), true))).toMatchObject(DENIED);
      expect(await failure(retain(Bucket, 'GOVERNANCE', inDays(9), true))).toMatchObject(DENIED);
      const until = inDays(5);
      await retain(Bucket, 'COMPLIANCE', until);
      const { Retention } = await wire.s3.send(new GetObjectRetentionCommand({ Bucket, Key: 'k' }));
      expect(Retention).toEqual({ Mode: 'COMPLIANCE', RetainUntilDate: until });
    });

    it('cannot begin in the past', async () => {
      const Bucket = await lockBucket();
      await put(Bucket);
      expect(await failure(retain(Bucket, 'GOVERNANCE', inDays(-1)))).toMatchObject({
        status: 400,
        code: 'InvalidArgument',
        message: 'The retain until date must be in the future!',
      });
    });

    it('is a hold that is put on and taken off, and then told as OFF', async () => {
      const Bucket = await lockBucket();
      const id = await put(Bucket);
      const get = new GetObjectLegalHoldCommand({ Bucket, Key: 'k' });
      expect(await failure(wire.s3.send(get))).toMatchObject({ code: 'NoSuchObjectLockConfiguration' });
      for (const Status of ['ON', 'OFF'] as const) {
        await wire.s3.send(new PutObjectLegalHoldCommand({ Bucket, Key: 'k', LegalHold: { Status } }));
        expect((await wire.s3.send(get)).LegalHold).toEqual({ Status });
        if (Status === 'ON') expect(await failure(remove(Bucket, id, true))).toMatchObject(DENIED);
      }
      await remove(Bucket, id);
    });

    it('does not exist in a bucket without Object Lock, nor on delete markers', async () => {
      const plain = await wire.bucket();
      await wire.s3.send(new PutObjectCommand({ Bucket: plain, Key: 'k', Body: 'x' }));
      const LegalHold = { Status: 'ON' } as const;
      const calls = [
        wire.s3.send(new GetObjectRetentionCommand({ Bucket: plain, Key: 'k' })),
        wire.s3.send(new GetObjectLegalHoldCommand({ Bucket: plain, Key: 'k' })),
        wire.s3.send(new PutObjectLegalHoldCommand({ Bucket: plain, Key: 'k', LegalHold })),
        retain(plain, 'GOVERNANCE', inDays(1)),
      ];
      for (const failed of await failures(calls)) expect(failed).toMatchObject({ status: 400, code: 'InvalidRequest' });
      const Bucket = await lockBucket();
      await put(Bucket);
      const { VersionId } = await wire.s3.send(new DeleteObjectCommand({ Bucket, Key: 'k' }));
      const marked = new PutObjectLegalHoldCommand({ Bucket, Key: 'k', VersionId, LegalHold });
      expect(await failure(wire.s3.send(marked))).toMatchObject({ status: 405, code: 'MethodNotAllowed' });
    });
  });

  it('lets others delete, but bypass governance only where the policy says so', async () => {
    const Bucket = await lockBucket();
    const id = await put(Bucket, governed);
    const other = wire.client(KEYS.other);
    const allow = (...actions: string[]) => {
      const Statement = [{ Effect: 'Allow', Principal: '*', Action: actions, Resource: `arn:aws:s3:::${Bucket}/*` }];
      const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
      return wire.s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
    };
    const bypass = () =>
      other.send(new DeleteObjectCommand({ Bucket, Key: 'k', VersionId: id, BypassGovernanceRetention: true }));
    await allow('s3:DeleteObjectVersion');
    expect(await failure(bypass())).toMatchObject(DENIED);
    await allow('s3:DeleteObjectVersion', 's3:BypassGovernanceRetention');
    await bypass();
  });
});
