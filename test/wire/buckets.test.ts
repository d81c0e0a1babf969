// The life of a bucket: names, owners, regions, what it is asked about, its end.
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteBucketTaggingCommand,
  DeleteObjectCommand,
  GetBucketLocationCommand,
  GetBucketRequestPaymentCommand,
  GetBucketTaggingCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketRequestPaymentCommand,
  PutBucketTaggingCommand,
  PutBucketAccelerateConfigurationCommand,
} from '@aws-sdk/client-s3';
import type { BucketLocationConstraint } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { failure, failures, put } from './helpers.js';
import { signedExchange } from './raw.js';
import { bucketName, describeWire, KEYS, REGION } from './servers.js';

describeWire('buckets', (wire) => {
  it('is there from its creation to its deletion', async () => {
    const Bucket = bucketName();
    expect(await failure(wire.s3.send(new HeadBucketCommand({ Bucket })))).toMatchObject({ status: 404 });

    const created = await wire.s3.send(new CreateBucketCommand({ Bucket }));
    expect(created.Location).toBe(`/${Bucket}`);
    expect((await wire.s3.send(new HeadBucketCommand({ Bucket }))).BucketRegion).toBe(REGION);
    const { Buckets, Owner } = await wire.s3.send(new ListBucketsCommand({}));
    const listed = Buckets?.find(({ Name }) => Name === Bucket);
    expect(Math.abs(Date.now() - (listed?.CreationDate?.getTime() ?? 0))).toBeLessThan(60_000);
    expect(Owner?.ID).toBe(KEYS.user.tenant);

    await wire.s3.send(new DeleteBucketCommand({ Bucket }));
    expect(await failure(wire.s3.send(new HeadBucketCommand({ Bucket })))).toMatchObject({ status: 404 });
    expect(await failure(wire.s3.send(new DeleteBucketCommand({ Bucket })))).toMatchObject({
      status: 404,
      code: 'NoSuchBucket',
    });
    const after = await wire.s3.send(new ListBucketsCommand({}));
    expect(after.Buckets?.map(({ Name }) => Name)).not.toContain(Bucket);
  });

  it('can be created again by its owner, with everything in it, and by nobody else', async () => {
    const Bucket = await wire.bucket();
    await put(wire.s3, Bucket, 'kept', 'kept');
    await wire.s3.send(new CreateBucketCommand({ Bucket }));
    const { Contents } = await wire.s3.send(new ListObjectsV2Command({ Bucket }));
    expect(Contents?.map(({ Key }) => Key)).toEqual(['kept']);

    const other = wire.client(KEYS.other);
    expect(await failure(other.send(new CreateBucketCommand({ Bucket })))).toMatchObject({
      status: 409,
      code: 'BucketAlreadyExists',
    });
  });

  it('goes to one of those who create it at the same moment', async () => {
    const Bucket = bucketName();
    const clients = [wire.s3, wire.client(KEYS.other), wire.client(KEYS.master)];
    const outcomes = await Promise.allSettled(
      clients.map((client) => client.send(new CreateBucketCommand({ Bucket }))),
    );
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const lost = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(lost.map(({ reason }) => (reason as Error).name)).toEqual(['BucketAlreadyExists', 'BucketAlreadyExists']);
  });

  it.each([
    'ab',
    'Upper-case',
    'under_score',
    '192.168.5.4',
    'two..dots',
    '-hyphen',
    'hyphen-',
    'xn--punycode',
    'some-s3alias',
    'a'.repeat(64),
  ])('refuses the name %s', async (Bucket) => {
    expect(await failure(wire.s3.send(new CreateBucketCommand({ Bucket })))).toMatchObject({
      status: 400,
      code: 'InvalidBucketName',
    });
  });

  it('allows names of 3 and 63 characters, with dots', async () => {
    const unique = bucketName('a');
    for (const Bucket of [unique.slice(2, 5), unique.padEnd(63, '0'), unique.replace('-', '.')]) {
      await wire.s3.send(new CreateBucketCommand({ Bucket }));
      await wire.s3.send(new HeadBucketCommand({ Bucket }));
      await wire.s3.send(new DeleteBucketCommand({ Bucket }));
    }
  });

  it('lies in the region that its LocationConstraint names', async () => {
    const Bucket = await wire.bucket({
      CreateBucketConfiguration: { LocationConstraint: REGION as BucketLocationConstraint },
    });
    const { LocationConstraint } = await wire.s3.send(new GetBucketLocationCommand({ Bucket }));
    expect(LocationConstraint).toBe(REGION);

    const elsewhere = { LocationConstraint: 'nowhere' as BucketLocationConstraint };
    const create = new CreateBucketCommand({ Bucket: bucketName(), CreateBucketConfiguration: elsewhere });
    expect(await failure(wire.s3.send(create))).toMatchObject({ status: 400, code: 'InvalidLocationConstraint' });
  });

  it('is not created from a document that is not one', async () => {
    const Bucket = bucketName();
    for (const body of ['<CreateBucketConfiguration>', 'region=x', '<Other/>']) {
      const answer = await signedExchange(wire.server, { method: 'PUT', target: `/${Bucket}`, body });
      expect(answer).toMatchObject({ status: 400, code: 'MalformedXML' });
    }
    expect(await failure(wire.s3.send(new HeadBucketCommand({ Bucket })))).toMatchObject({ status: 404 });
  });

  it('is deleted only when it is empty, and comes back empty', async () => {
    const Bucket = await wire.bucket();
    await put(wire.s3, Bucket, 'object', 'content');
    expect(await failure(wire.s3.send(new DeleteBucketCommand({ Bucket })))).toMatchObject({
      status: 409,
      code: 'BucketNotEmpty',
    });
    await wire.s3.send(new DeleteObjectCommand({ Bucket, Key: 'object' }));
    await wire.s3.send(new DeleteBucketCommand({ Bucket }));
    await wire.s3.send(new CreateBucketCommand({ Bucket }));
    const { KeyCount } = await wire.s3.send(new ListObjectsV2Command({ Bucket }));
    expect(KeyCount).toBe(0);
  });

  it('is closed to other tenants', async () => {
    const Bucket = await wire.bucket();
    const other = wire.client(KEYS.other);
    expect(await failure(other.send(new HeadBucketCommand({ Bucket })))).toMatchObject({ status: 403 });
    const refusals = await failures([
      other.send(new ListObjectsV2Command({ Bucket })),
      other.send(new GetBucketLocationCommand({ Bucket })),
      other.send(new DeleteBucketCommand({ Bucket })),
    ]);
    for (const refusal of refusals) expect(refusal).toMatchObject({ status: 403, code: 'AccessDenied' });
    const { Buckets } = await other.send(new ListBucketsCommand({}));
    expect(Buckets?.map(({ Name }) => Name) ?? []).not.toContain(Bucket);
  });

  it('is guarded by x-amz-expected-bucket-owner', async () => {
    const Bucket = await wire.bucket();
    await wire.s3.send(new HeadBucketCommand({ Bucket, ExpectedBucketOwner: KEYS.user.tenant }));
    const wrong = new ListObjectsV2Command({ Bucket, ExpectedBucketOwner: KEYS.other.tenant });
    expect(await failure(wire.s3.send(wrong))).toMatchObject({ status: 403, code: 'AccessDenied' });
  });

  it('is listed page by page', async () => {
    const prefix = bucketName('page');
    const names = ['0', '1', '2'].map((digit) => `${prefix}-${digit}`);
    for (const Bucket of names) await wire.s3.send(new CreateBucketCommand({ Bucket }));
    const found: (string | undefined)[] = [];
    let ContinuationToken: string | undefined;
    do {
      const page = await wire.s3.send(new ListBucketsCommand({ Prefix: prefix, MaxBuckets: 2, ContinuationToken }));
      found.push(...(page.Buckets ?? []).map(({ Name }) => Name));
      ({ ContinuationToken } = page);
    } while (ContinuationToken !== undefined);
    expect(found).toEqual(names);
  });

  it('keeps tags and who pays', async () => {
    const Bucket = await wire.bucket();
    expect(await failure(wire.s3.send(new GetBucketTaggingCommand({ Bucket })))).toMatchObject({
      status: 404,
      code: 'NoSuchTagSet',
    });
    const TagSet = [{ Key: 'team', Value: 'größer + besser' }];
    await wire.s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
    expect((await wire.s3.send(new GetBucketTaggingCommand({ Bucket }))).TagSet).toEqual(TagSet);
    await wire.s3.send(new DeleteBucketTaggingCommand({ Bucket }));
    expect(await failure(wire.s3.send(new GetBucketTaggingCommand({ Bucket })))).toMatchObject({ status: 404 });

    expect((await wire.s3.send(new GetBucketRequestPaymentCommand({ Bucket }))).Payer).toBe('BucketOwner');
    const Payer = 'Requester';
    await wire.s3.send(new PutBucketRequestPaymentCommand({ Bucket, RequestPaymentConfiguration: { Payer } }));
    expect((await wire.s3.send(new GetBucketRequestPaymentCommand({ Bucket }))).Payer).toBe(Payer);
  });

  it('says by name what is not served', async () => {
    const Bucket = await wire.bucket();
    const refused = await failure(
      wire.s3.send(
        new PutBucketAccelerateConfigurationCommand({ Bucket, AccelerateConfiguration: { Status: 'Enabled' } }),
      ),
    );
    expect(refused).toMatchObject({ status: 501, code: 'NotImplemented' });
    expect(refused.error['Operation']).toBe('PutBucketAccelerateConfiguration');
  });
});
