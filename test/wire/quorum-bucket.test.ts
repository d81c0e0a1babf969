// Buckets that are created with x-pithos-consistency: quorum: the header, everyday requests, and what such a bucket refuses by name.
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  ListObjectsV2Command,
  PutBucketLifecycleConfigurationCommand,
  PutBucketNotificationConfigurationCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectLockConfigurationCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
  RenameObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { bytes, failure, MIB, put, read } from './helpers.js';
import { describeWire, USER_KEY } from './servers.js';

const HEADER = 'x-pithos-consistency';

/** A client that sends the header with every request, and keeps what the last answer said of it. */
function asking(client: S3Client, consistency: string | null) {
  const seen: { header: string | undefined } = { header: undefined };
  client.middlewareStack.add(
    (next) => async (args) => {
      const request = args.request as { headers: Record<string, string> };
      if (consistency !== null) request.headers[HEADER] = consistency;
      const result = await next(args);
      seen.header = (result.response as { headers: Record<string, string> }).headers[HEADER];
      return result;
    },
    { step: 'build' },
  );
  return { client, seen };
}

describeWire('quorum buckets', (wire) => {
  const Bucket = `quorum-${Date.now().toString(36)}`;
  const quorum = () => asking(wire.client(USER_KEY), 'quorum');
  beforeAll(async () => {
    const { client, seen } = quorum();
    await client.send(new CreateBucketCommand({ Bucket }));
    expect(seen.header).toBe('quorum');
  });

  it('say what they are, as others do', async () => {
    const { client, seen } = asking(wire.client(USER_KEY), null);
    await client.send(new HeadBucketCommand({ Bucket }));
    expect(seen.header).toBe('quorum');
    seen.header = undefined;
    await client.send(new GetBucketLocationCommand({ Bucket }));
    expect(seen.header).toBe('quorum');
    await client.send(new HeadBucketCommand({ Bucket: await wire.bucket() }));
    expect(seen.header).toBe('linearizable');
  });

  it('cannot be made of other buckets, nor with a mode that there is not', async () => {
    const { client } = quorum();
    await client.send(new CreateBucketCommand({ Bucket }));
    const other = await wire.bucket();
    expect(await failure(client.send(new CreateBucketCommand({ Bucket: other })))).toMatchObject({
      code: 'BucketAlreadyExists',
      status: 409,
    });
    const wrong = asking(wire.client(USER_KEY), 'eventual');
    expect(await failure(wrong.client.send(new CreateBucketCommand({ Bucket: `${Bucket}-2` })))).toMatchObject({
      code: 'InvalidArgument',
      status: 400,
    });
    const locked = new CreateBucketCommand({ Bucket: `${Bucket}-3`, ObjectLockEnabledForBucket: true });
    expect(await failure(client.send(locked))).toMatchObject({ code: 'NotImplemented', status: 501 });
  });

  it('write, read, list, tag, copy and delete objects of any size', async () => {
    const keys = async () =>
      (await wire.s3.send(new ListObjectsV2Command({ Bucket }))).Contents?.map(({ Key }) => Key) ?? [];
    for (const [Key, size] of [
      ['small', 100],
      ['large', 3 * MIB],
    ] as const) {
      for (const seed of [1, 2]) {
        const content = bytes(size, seed);
        await put(wire.s3, Bucket, Key, content);
        expect((await read(wire.s3, { Bucket, Key })).content.equals(content)).toBe(true);
        const Tagging = { TagSet: [{ Key: 'seed', Value: `${seed}` }] };
        await wire.s3.send(new PutObjectTaggingCommand({ Bucket, Key, Tagging }));
        expect((await wire.s3.send(new GetObjectTaggingCommand({ Bucket, Key }))).TagSet).toEqual(Tagging.TagSet);
        expect((await read(wire.s3, { Bucket, Key })).content.equals(content)).toBe(true);
      }
      await wire.s3.send(new CopyObjectCommand({ Bucket, Key: `${Key}-copy`, CopySource: `${Bucket}/${Key}` }));
      expect((await read(wire.s3, { Bucket, Key: `${Key}-copy` })).content.equals(bytes(size, 2))).toBe(true);
    }
    expect(await keys()).toEqual(['large', 'large-copy', 'small', 'small-copy']);
    await wire.s3.send(new DeleteObjectCommand({ Bucket, Key: 'large' }));
    await wire.s3.send(new DeleteObjectCommand({ Bucket, Key: 'large' }));
    const Objects = ['large-copy', 'small', 'small-copy'].map((Key) => ({ Key }));
    const deleted = await wire.s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(deleted.Deleted).toHaveLength(3);
    expect(await keys()).toEqual([]);
    expect(await failure(read(wire.s3, { Bucket, Key: 'large' }))).toMatchObject({ code: 'NoSuchKey' });
  });

  it('complete multipart uploads, and no completion a second time', async () => {
    const Key = 'parts';
    const { UploadId } = await wire.s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const part = await wire.s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'part' }));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag: part.ETag }] };
    const complete = () => wire.s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
    const { ETag } = await complete();
    expect((await read(wire.s3, { Bucket, Key })).content.toString()).toBe('part');
    await put(wire.s3, Bucket, Key, 'since');
    expect((await complete()).ETag).toBe(ETag);
    expect((await read(wire.s3, { Bucket, Key })).content.toString()).toBe('since');
  });

  describe('refuse by name', () => {
    const Key = 'key';
    beforeAll(() => put(wire.s3, Bucket, Key, 'content'));
    const refused: Record<string, () => Promise<unknown>> = {
      'If-Match': () => wire.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x', IfMatch: '"e"' })),
      'If-None-Match': () => wire.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x', IfNoneMatch: '*' })),
      'If-None-Match (copy)': () =>
        wire.s3.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/${Key}`, IfNoneMatch: '*' })),
      'If-Match (delete)': () => wire.s3.send(new DeleteObjectCommand({ Bucket, Key, IfMatch: '*' })),
      Appending: () => wire.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x', WriteOffsetBytes: 7 })),
      RenameObject: () => wire.s3.send(new RenameObjectCommand({ Bucket, Key: 'to', RenameSource: Key })),
      Versioning: () =>
        wire.s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } })),
      'Object Lock': () =>
        wire.s3.send(
          new PutObjectLockConfigurationCommand({
            Bucket,
            ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled' },
          }),
        ),
      'Object Lock (retention)': () =>
        wire.s3.send(
          new PutObjectRetentionCommand({
            Bucket,
            Key,
            Retention: { Mode: 'GOVERNANCE', RetainUntilDate: new Date(Date.now() + 60_000) },
          }),
        ),
      'Object Lock (legal hold)': () =>
        wire.s3.send(new PutObjectLegalHoldCommand({ Bucket, Key, LegalHold: { Status: 'ON' } })),
      'Event notification': () =>
        wire.s3.send(
          new PutBucketNotificationConfigurationCommand({
            Bucket,
            NotificationConfiguration: {
              QueueConfigurations: [{ QueueArn: 'arn:aws:sqs:r:a:target', Events: ['s3:ObjectCreated:*'] }],
            },
          }),
        ),
    };
    it.each(Object.keys(refused))('%s', async (name) => {
      const refusal = await failure(refused[name]?.() ?? Promise.resolve());
      expect(refusal).toMatchObject({ code: 'NotImplemented', status: 501 });
      expect((refusal as { message?: string }).message).toContain(`${name.replace(/ \(.*/, '')} is not available`);
      expect((await read(wire.s3, { Bucket, Key })).content.toString()).toBe('content');
    });

    it('conditions of single entries of DeleteObjects', async () => {
      const Delete = { Objects: [{ Key, ETag: '"e"' }] };
      const { Errors } = await wire.s3.send(new DeleteObjectsCommand({ Bucket, Delete }));
      expect(Errors).toMatchObject([{ Key, Code: 'NotImplemented' }]);
    });
  });

  it('take lifecycle rules', async () => {
    await wire.s3.send(
      new PutBucketLifecycleConfigurationCommand({
        Bucket,
        LifecycleConfiguration: {
          Rules: [{ ID: 'all', Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Days: 30 } }],
        },
      }),
    );
  });
});
