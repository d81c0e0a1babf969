// Requester pays: who is not of the owner's account says that it bears the costs.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ObjectsinRequesterPaysBuckets.html
import {
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetBucketRequestPaymentCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketPolicyCommand,
  PutBucketRequestPaymentCommand,
  PutObjectCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { failure, put, read } from './helpers.js';
import { exchange } from './raw.js';
import { bucketName, describeWire, KEYS } from './servers.js';

const RequestPayer = 'requester';

describeWire('requester pays', (wire) => {
  let Bucket = '';
  let own = '';
  let other: S3Client;
  beforeAll(async () => {
    Bucket = await wire.bucket();
    await put(wire.s3, Bucket, 'k', 'paid for');
    // Everybody may do everything: what is refused is refused for the payment alone.
    await wire.s3.send(
      new PutBucketPolicyCommand({
        Bucket,
        Policy: JSON.stringify({
          Version: '2012-10-17',
          Statement: [
            {
              Effect: 'Allow',
              Principal: '*',
              Action: 's3:*',
              Resource: [`arn:aws:s3:::${Bucket}`, `arn:aws:s3:::${Bucket}/*`],
            },
          ],
        }),
      }),
    );
    await wire.s3.send(
      new PutBucketRequestPaymentCommand({ Bucket, RequestPaymentConfiguration: { Payer: 'Requester' } }),
    );
    own = await wire.bucket();
    other = wire.client(KEYS.other);
  });
  afterAll(() => other.destroy());

  it('is what the bucket says', async () => {
    // Gateways may hold the bucket as it was for a moment.
    const status = () =>
      other.send(new HeadObjectCommand({ Bucket, Key: 'k' })).then(
        () => 200,
        () => 403,
      );
    await expect.poll(status, { timeout: 60_000 }).toBe(403);
    expect((await wire.s3.send(new GetBucketRequestPaymentCommand({ Bucket }))).Payer).toBe('Requester');
    expect((await wire.s3.send(new GetBucketRequestPaymentCommand({ Bucket: own }))).Payer).toBe('BucketOwner');
  });

  it('refuses strangers who do not say that they pay', async () => {
    const denied = { status: 403, code: 'AccessDenied' };
    expect(await failure(other.send(new GetObjectCommand({ Bucket, Key: 'k' })))).toMatchObject(denied);
    expect(await failure(other.send(new PutObjectCommand({ Bucket, Key: 'new', Body: 'x' })))).toMatchObject(denied);
    expect(await failure(other.send(new ListObjectsV2Command({ Bucket })))).toMatchObject(denied);
    const Delete = { Objects: [{ Key: 'k' }] };
    expect(await failure(other.send(new DeleteObjectsCommand({ Bucket, Delete })))).toMatchObject(denied);
  });

  it('lets those in who do, and tells them that they are charged', async () => {
    const { output, content } = await read(other, { Bucket, Key: 'k', RequestPayer });
    expect(content.toString()).toBe('paid for');
    expect(output.RequestCharged).toBe('requester');
    const written = await other.send(new PutObjectCommand({ Bucket, Key: 'theirs', Body: 'x', RequestPayer }));
    expect(written.RequestCharged).toBe('requester');
    const listed = await other.send(new ListObjectsV2Command({ Bucket, RequestPayer }));
    expect([listed.KeyCount, listed.RequestCharged]).toEqual([2, 'requester']);
    const head = await other.send(new HeadObjectCommand({ Bucket, Key: 'k', RequestPayer }));
    expect(head.RequestCharged).toBe('requester');
  });

  it('takes the parameter of a presigned URL for the header', async () => {
    const path = (url: string): string => url.slice(url.indexOf('/', 'http://'.length));
    const target = path(await getSignedUrl(other, new GetObjectCommand({ Bucket, Key: 'k', RequestPayer })));
    expect(target.toLowerCase()).toContain('x-amz-request-payer=requester');
    const answer = await exchange(wire.server, { method: 'GET', target });
    expect([answer.status, answer.headers['x-amz-request-charged']]).toEqual([200, 'requester']);
    const without = path(await getSignedUrl(other, new GetObjectCommand({ Bucket, Key: 'k' })));
    expect((await exchange(wire.server, { method: 'GET', target: without })).status).toBe(403);
  });

  it('refuses who is nobody, whatever it says', async () => {
    const headers = { 'x-amz-request-payer': 'requester' };
    const answer = await exchange(wire.server, { method: 'GET', target: `/${Bucket}/k`, headers });
    expect(answer).toMatchObject({ status: 403, code: 'AccessDenied' });
  });

  it('costs the owner and master keys nothing to say', async () => {
    const master = wire.client(KEYS.master);
    for (const s3 of [wire.s3, master]) {
      const { output } = await read(s3, { Bucket, Key: 'k' });
      expect(output.RequestCharged).toBeUndefined();
    }
    master.destroy();
  });

  it('holds for the source of a copy', async () => {
    const [theirs, Key] = [bucketName(), 'copy'];
    await other.send(new CreateBucketCommand({ Bucket: theirs }));
    const copy = { Bucket: theirs, Key, CopySource: `${Bucket}/k` };
    expect(await failure(other.send(new CopyObjectCommand(copy)))).toMatchObject({ status: 403 });
    const copied = await other.send(new CopyObjectCommand({ ...copy, RequestPayer }));
    expect(copied.RequestCharged).toBe('requester');
    const { UploadId } = await other.send(new CreateMultipartUploadCommand({ Bucket: theirs, Key }));
    const part = { ...copy, UploadId, PartNumber: 1 };
    expect(await failure(other.send(new UploadPartCopyCommand(part)))).toMatchObject({ status: 403 });
    expect((await other.send(new UploadPartCopyCommand({ ...part, RequestPayer }))).RequestCharged).toBe('requester');
  });
});
