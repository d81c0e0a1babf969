// Bucket policies, public access block and object ownership, as callers meet them.
import { randomBytes } from 'node:crypto';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketOwnershipControlsCommand,
  DeleteBucketPolicyCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  DeletePublicAccessBlockCommand,
  GetBucketLocationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  GetPublicAccessBlockCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutBucketAclCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectAclCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
  PutPublicAccessBlockCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { ObjectOwnership, PublicAccessBlockConfiguration, S3Client } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { bytes, failure, failures, MIB, put, read } from './helpers.js';
import { exchange } from './raw.js';
import { bucketName, describeWire, KEYS } from './servers.js';
import type { Wire } from './servers.js';

const { user, other, master } = KEYS;
const DENIED = { status: 403, code: 'AccessDenied' };

type Fields = Readonly<Record<string, unknown>>;

function policyText(Bucket: string, statements: readonly Fields[]): string {
  const defaults = { Effect: 'Allow', Principal: '*', Resource: `arn:aws:s3:::${Bucket}/*` };
  return JSON.stringify({ Version: '2012-10-17', Statement: statements.map((fields) => ({ ...defaults, ...fields })) });
}

async function putPolicy(s3: S3Client, Bucket: string, ...statements: readonly Fields[]): Promise<void> {
  await s3.send(new PutBucketPolicyCommand({ Bucket, Policy: policyText(Bucket, statements) }));
}

const bucketArn = (Bucket: string): string => `arn:aws:s3:::${Bucket}`;

/** A bucket of the user and a client of another tenant. */
async function setting(wire: Wire): Promise<{ Bucket: string; s3: S3Client; tenant: S3Client }> {
  return { Bucket: await wire.bucket(), s3: wire.s3, tenant: wire.client(other) };
}

const anonymousStatus = async (wire: Wire, method: string, target: string): Promise<number> =>
  (await exchange(wire.server, { method, target })).status;

describeWire('bucket policies', (wire) => {
  describe('the document', () => {
    it('is given back as it was put, until it is deleted', async () => {
      const { Bucket, s3 } = await setting(wire);
      expect(await failure(s3.send(new GetBucketPolicyCommand({ Bucket })))).toMatchObject({
        status: 404,
        code: 'NoSuchBucketPolicy',
      });
      const Policy = `${policyText(Bucket, [{ Sid: 'ä', Action: 's3:GetObject' }])}\n`;
      const answer = await s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
      expect(answer.$metadata.httpStatusCode).toBe(204);
      expect((await s3.send(new GetBucketPolicyCommand({ Bucket }))).Policy).toBe(Policy);
      const gone = await s3.send(new DeleteBucketPolicyCommand({ Bucket }));
      expect(gone.$metadata.httpStatusCode).toBe(204);
      expect(await failure(s3.send(new GetBucketPolicyCommand({ Bucket })))).toMatchObject({ status: 404 });
      await s3.send(new DeleteBucketPolicyCommand({ Bucket }));
    });

    it('is refused with the reason', async () => {
      const { Bucket, s3 } = await setting(wire);
      for (const [Policy, message] of [
        ['not json', "Policies must be valid JSON and the first byte must be '{'"],
        ['{]', 'This policy contains invalid Json'],
        [policyText(Bucket, [{ Action: 's3:Everything' }]), 'Policy has invalid action'],
        [policyText('elsewhere', [{ Action: 's3:GetObject' }]), 'Policy has invalid resource'],
        [policyText(Bucket, [{ Action: 's3:GetObject', Principal: { AWS: 'nobody' } }]), 'Invalid principal in policy'],
        [
          policyText(Bucket, [{ Action: 's3:GetObject', Sid: 'x'.repeat(20 * 1024) }]),
          'Your policy exceeds the maximum',
        ],
      ] as const) {
        const refused = await failure(s3.send(new PutBucketPolicyCommand({ Bucket, Policy })));
        expect(refused).toMatchObject({ status: 400, code: 'MalformedPolicy' });
        expect(refused.message).toContain(message);
      }
      await putPolicy(s3, Bucket, { Action: 's3:GetObject', Principal: { AWS: other.tenant } });
    });

    it('is the business of the owner only, whatever it allows', async () => {
      const { Bucket, s3, tenant } = await setting(wire);
      const Policy = policyText(Bucket, [{ Action: 's3:*', Resource: [bucketArn(Bucket), `${bucketArn(Bucket)}/*`] }]);
      expect(await failure(tenant.send(new PutBucketPolicyCommand({ Bucket, Policy })))).toMatchObject(DENIED);
      await s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
      for (const refused of await failures([
        tenant.send(new GetBucketPolicyCommand({ Bucket })),
        tenant.send(new PutBucketPolicyCommand({ Bucket, Policy })),
        tenant.send(new DeleteBucketPolicyCommand({ Bucket })),
      ]))
        expect(refused).toMatchObject({ status: 405, code: 'MethodNotAllowed' });
      await tenant.send(new GetBucketLocationCommand({ Bucket }));
    });

    it('that denies everything can still be seen and deleted by the owner', async () => {
      const { Bucket, s3 } = await setting(wire);
      await put(s3, Bucket, 'key', 'content');
      const everything = { Effect: 'Deny', Action: '*', Resource: [bucketArn(Bucket), `${bucketArn(Bucket)}/*`] };
      await putPolicy(s3, Bucket, everything);
      for (const refused of await failures([
        s3.send(new GetObjectCommand({ Bucket, Key: 'key' })),
        s3.send(new PutObjectCommand({ Bucket, Key: 'key' })),
        s3.send(new ListObjectsV2Command({ Bucket })),
        s3.send(new GetBucketLocationCommand({ Bucket })),
      ]))
        expect(refused).toMatchObject(DENIED);
      await read(wire.client(master), { Bucket, Key: 'key' });
      await s3.send(new GetBucketPolicyCommand({ Bucket }));
      await s3.send(new DeleteBucketPolicyCommand({ Bucket }));
      await read(s3, { Bucket, Key: 'key' });
      // Unless the owner has confirmed to give that up.
      const Policy = policyText(Bucket, [everything]);
      await s3.send(new PutBucketPolicyCommand({ Bucket, Policy, ConfirmRemoveSelfBucketAccess: true }));
      expect(await failure(s3.send(new GetBucketPolicyCommand({ Bucket })))).toMatchObject(DENIED);
      expect(await failure(s3.send(new DeleteBucketPolicyCommand({ Bucket })))).toMatchObject(DENIED);
      await wire.client(master).send(new DeleteBucketPolicyCommand({ Bucket }));
      await s3.send(new ListObjectsV2Command({ Bucket }));
    });
  });

  describe('an allow', () => {
    it('opens what it names, to whom it names', async () => {
      const { Bucket, s3, tenant } = await setting(wire);
      await put(s3, Bucket, 'public/a', 'content');
      await put(s3, Bucket, 'named/a', 'content');
      await put(s3, Bucket, 'private/a', 'content');
      await putPolicy(
        s3,
        Bucket,
        { Action: 's3:GetObject', Resource: `${bucketArn(Bucket)}/public/*` },
        {
          Action: ['s3:GetObject', 's3:PutObject'],
          Principal: { AWS: `arn:aws:iam::${other.tenant}:root` },
          Resource: `${bucketArn(Bucket)}/named/*`,
        },
      );
      expect(await anonymousStatus(wire, 'GET', `/${Bucket}/public/a`)).toBe(200);
      expect(await anonymousStatus(wire, 'HEAD', `/${Bucket}/public/a`)).toBe(200);
      expect(await anonymousStatus(wire, 'GET', `/${Bucket}/named/a`)).toBe(403);
      await read(tenant, { Bucket, Key: 'named/a' });
      await put(tenant, Bucket, 'named/b', 'theirs');
      for (const refused of await failures([
        tenant.send(new GetObjectCommand({ Bucket, Key: 'private/a' })),
        tenant.send(new PutObjectCommand({ Bucket, Key: 'public/a', Body: 'x' })),
        tenant.send(new DeleteObjectCommand({ Bucket, Key: 'named/a' })),
        tenant.send(new ListObjectsV2Command({ Bucket })),
      ]))
        expect(refused).toMatchObject(DENIED);
    });

    it('does not reach objects that belong to others, a deny does', async () => {
      const { Bucket, s3, tenant } = await setting(wire);
      await putPolicy(s3, Bucket, { Action: ['s3:GetObject', 's3:PutObject'] });
      await put(tenant, Bucket, 'theirs', 'content');
      expect(await anonymousStatus(wire, 'GET', `/${Bucket}/theirs`)).toBe(403);
      await read(tenant, { Bucket, Key: 'theirs' });
      await putPolicy(s3, Bucket, { Effect: 'Deny', Action: 's3:GetObject' });
      expect(await failure(tenant.send(new GetObjectCommand({ Bucket, Key: 'theirs' })))).toMatchObject(DENIED);
    });

    it('of versions is another than of objects', async () => {
      const { Bucket, s3, tenant } = await setting(wire);
      await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: 'Enabled' } }));
      const { VersionId } = await s3.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'content' }));
      await putPolicy(s3, Bucket, { Action: ['s3:GetObject', 's3:DeleteObject'] });
      await read(tenant, { Bucket, Key: 'key' });
      expect(await failure(tenant.send(new GetObjectCommand({ Bucket, Key: 'key', VersionId })))).toMatchObject(DENIED);
      expect(await failure(tenant.send(new DeleteObjectCommand({ Bucket, Key: 'key', VersionId })))).toMatchObject(
        DENIED,
      );
      await putPolicy(s3, Bucket, {
        Action: 's3:GetObjectVersion',
        Condition: { StringEquals: { 's3:VersionId': VersionId } },
      });
      await read(tenant, { Bucket, Key: 'key', ...(VersionId === undefined ? {} : { VersionId }) });
      expect(await failure(tenant.send(new GetObjectCommand({ Bucket, Key: 'key' })))).toMatchObject(DENIED);
    });
  });

  it('DeleteObjects is judged for each key', async () => {
    const { Bucket, s3, tenant } = await setting(wire);
    for (const Key of ['a/1', 'a/2', 'b/1']) await put(s3, Bucket, Key, 'x');
    await putPolicy(s3, Bucket, { Action: 's3:DeleteObject', Resource: `${bucketArn(Bucket)}/a/*` });
    const Objects = [{ Key: 'a/1' }, { Key: 'b/1' }, { Key: 'a/2' }];
    const answer = await tenant.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
    expect(answer.Deleted?.map(({ Key }) => Key).sort()).toEqual(['a/1', 'a/2']);
    expect(answer.Errors).toMatchObject([{ Key: 'b/1', Code: 'AccessDenied' }]);
    const { Contents } = await s3.send(new ListObjectsV2Command({ Bucket }));
    expect(Contents?.map(({ Key }) => Key)).toEqual(['b/1']);
  });

  it('a key that is not there is told to those who may list it', async () => {
    const { Bucket, s3, tenant } = await setting(wire);
    await putPolicy(
      s3,
      Bucket,
      { Action: 's3:GetObject' },
      {
        Action: 's3:ListBucket',
        Resource: bucketArn(Bucket),
        Condition: { StringLike: { 's3:prefix': 'public/*' } },
      },
    );
    const head = (Key: string) => failure(tenant.send(new HeadObjectCommand({ Bucket, Key })));
    expect(await head('public/x')).toMatchObject({ status: 404 });
    expect(await head('private/x')).toMatchObject({ status: 403 });
    await tenant.send(new ListObjectsV2Command({ Bucket, Prefix: 'public/a' }));
    expect(await failure(tenant.send(new ListObjectsV2Command({ Bucket, Prefix: 'private' })))).toMatchObject(DENIED);
    expect(await failure(tenant.send(new ListObjectsV2Command({ Bucket })))).toMatchObject(DENIED);
  });

  describe('conditions', () => {
    it('of the connection and the caller', async () => {
      const { Bucket, s3, tenant } = await setting(wire);
      await put(s3, Bucket, 'key', 'content');
      const get = { Action: 's3:GetObject' };
      const get403 = () => failure(tenant.send(new GetObjectCommand({ Bucket, Key: 'key' })));
      for (const [Condition, allowed] of [
        [{ IpAddress: { 'aws:SourceIp': '127.0.0.0/8' } }, true],
        [{ NotIpAddress: { 'aws:SourceIp': '127.0.0.0/8' } }, false],
        [{ Bool: { 'aws:SecureTransport': 'false' } }, true],
        [{ Bool: { 'aws:SecureTransport': 'true' } }, false],
        [{ StringLike: { 'aws:UserAgent': 'aws-sdk-js/*' } }, true],
        [{ DateLessThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' } }, false],
        [{ StringEquals: { 'aws:PrincipalAccount': other.tenant, 's3:ResourceAccount': user.tenant } }, true],
        [{ StringEquals: { 's3:signatureversion': 'AWS4-HMAC-SHA256', 's3:authType': 'REST-HEADER' } }, true],
        [{ NumericGreaterThan: { 's3:signatureAge': '600000' } }, false],
        [{ StringLike: { 'aws:Referer': 'http://www.example.com/*' } }, false],
      ] as const) {
        await putPolicy(s3, Bucket, { ...get, Condition });
        if (allowed) await read(tenant, { Bucket, Key: 'key' });
        else expect(await get403()).toMatchObject(DENIED);
      }
      await putPolicy(s3, Bucket, { ...get, Condition: { StringLike: { 'aws:Referer': 'http://www.example.com/*' } } });
      const headers = { referer: 'http://www.example.com/page' };
      expect(await exchange(wire.server, { method: 'GET', target: `/${Bucket}/key`, headers })).toMatchObject({
        status: 200,
      });
    });

    it('of tags: those an object has, those it is given', async () => {
      const { Bucket, s3, tenant } = await setting(wire);
      await s3.send(new PutObjectCommand({ Bucket, Key: 'open', Body: 'x', Tagging: 'security=public' }));
      await s3.send(new PutObjectCommand({ Bucket, Key: 'closed', Body: 'x', Tagging: 'security=private' }));
      await putPolicy(
        s3,
        Bucket,
        {
          Action: ['s3:GetObject', 's3:GetObjectTagging'],
          Condition: { StringEquals: { 's3:ExistingObjectTag/security': 'public' } },
        },
        {
          Action: 's3:PutObjectTagging',
          Condition: { 'ForAllValues:StringEquals': { 's3:RequestObjectTagKeys': ['security', 'team'] } },
        },
      );
      await read(tenant, { Bucket, Key: 'open' });
      await tenant.send(new GetObjectTaggingCommand({ Bucket, Key: 'open' }));
      for (const refused of await failures([
        tenant.send(new GetObjectCommand({ Bucket, Key: 'closed' })),
        tenant.send(new GetObjectTaggingCommand({ Bucket, Key: 'closed' })),
      ]))
        expect(refused).toMatchObject(DENIED);
      const tag = (key: string) =>
        tenant.send(
          new PutObjectTaggingCommand({ Bucket, Key: 'closed', Tagging: { TagSet: [{ Key: key, Value: 'public' }] } }),
        );
      expect(await failure(tag('owner'))).toMatchObject(DENIED);
      await tag('security');
      await read(tenant, { Bucket, Key: 'closed' });
    });

    it('of what an upload asks for', async () => {
      const { Bucket, s3, tenant } = await setting(wire);
      const putting = { Action: 's3:PutObject' };
      const upload = (input: Partial<PutObjectCommand['input']> = {}) =>
        tenant.send(new PutObjectCommand({ Bucket, Key: 'key', Body: 'x', ...input }));
      await putPolicy(s3, Bucket, putting);
      await upload();
      // What comes with an upload needs its own permission.
      expect(await failure(upload({ ACL: 'public-read' }))).toMatchObject(DENIED);
      expect(await failure(upload({ Tagging: 'a=b' }))).toMatchObject(DENIED);
      await putPolicy(s3, Bucket, { Action: ['s3:PutObject', 's3:PutObjectAcl', 's3:PutObjectTagging'] });
      await upload({ ACL: 'public-read', Tagging: 'a=b' });
      await putPolicy(s3, Bucket, putting, {
        Action: 's3:PutObjectAcl',
        Effect: 'Deny',
        Condition: { StringLike: { 's3:x-amz-acl': 'public*' } },
      });
      await upload();
      expect(await failure(upload({ ACL: 'public-read' }))).toMatchObject(DENIED);
      // A statement that asks for one ACL allows that one.
      await putPolicy(s3, Bucket, {
        ...putting,
        Condition: { StringEquals: { 's3:x-amz-acl': 'bucket-owner-full-control' } },
      });
      await upload({ ACL: 'bucket-owner-full-control' });
      expect(await failure(upload({ ACL: 'private' }))).toMatchObject(DENIED);
      expect(await failure(upload())).toMatchObject(DENIED);
      // A denial binds the owner too.
      await putPolicy(s3, Bucket, {
        ...putting,
        Effect: 'Deny',
        Condition: { Null: { 's3:x-amz-server-side-encryption': 'true' } },
      });
      expect(await failure(s3.send(new PutObjectCommand({ Bucket, Key: 'key' })))).toMatchObject(DENIED);
      await s3.send(new PutObjectCommand({ Bucket, Key: 'key', ServerSideEncryption: 'AES256' }));
    });

    it('of an upload hold for its parts', async () => {
      const { Bucket, s3, tenant } = await setting(wire);
      await putPolicy(s3, Bucket, {
        Action: 's3:PutObject',
        Condition: {
          StringEquals: { 's3:x-amz-acl': 'bucket-owner-full-control', 's3:x-amz-server-side-encryption': 'AES256' },
        },
      });
      const Key = 'parts';
      const start = { Bucket, Key, ACL: 'bucket-owner-full-control' } as const;
      expect(await failure(tenant.send(new CreateMultipartUploadCommand(start)))).toMatchObject(DENIED);
      const { UploadId } = await tenant.send(
        new CreateMultipartUploadCommand({ ...start, ServerSideEncryption: 'AES256' }),
      );
      const part = { Bucket, Key, UploadId, PartNumber: 1 };
      const { ETag } = await tenant.send(new UploadPartCommand({ ...part, Body: bytes(MIB) }));
      // Whoever started it may look at it and stop it.
      expect((await tenant.send(new ListPartsCommand({ Bucket, Key, UploadId }))).Parts).toHaveLength(1);
      await tenant.send(
        new CompleteMultipartUploadCommand({
          Bucket,
          Key,
          UploadId,
          MultipartUpload: { Parts: [{ ETag, PartNumber: 1 }] },
        }),
      );
      expect((await read(s3, { Bucket, Key })).content.equals(bytes(MIB))).toBe(true);
      const second = await tenant.send(new CreateMultipartUploadCommand({ ...start, ServerSideEncryption: 'AES256' }));
      await tenant.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId: second.UploadId }));
    });

    it('of a copy: the source by its own bucket, the target by its', async () => {
      const { Bucket, s3, tenant } = await setting(wire);
      const target = await wire.bucket();
      for (const Key of ['public/a', 'private/a']) await put(s3, Bucket, Key, Key);
      await s3.send(new PutObjectCommand({ Bucket, Key: 'public/tagged', Body: 'x', Tagging: 'a=b' }));
      const copy = (source: string, input: Partial<CopyObjectCommand['input']> = {}) =>
        tenant.send(
          new CopyObjectCommand({ Bucket: target, Key: 'copy', CopySource: `${Bucket}/${source}`, ...input }),
        );
      await putPolicy(s3, target, { Action: 's3:PutObject' });
      expect(await failure(copy('public/a'))).toMatchObject(DENIED);
      await putPolicy(s3, Bucket, { Action: 's3:GetObject' });
      await copy('public/a');
      await putPolicy(s3, target, {
        Action: 's3:PutObject',
        Condition: { StringLike: { 's3:x-amz-copy-source': `${Bucket}/public/*` } },
      });
      await copy('public/a');
      expect(await failure(copy('private/a'))).toMatchObject(DENIED);
      expect(await failure(put(tenant, target, 'plain', 'x'))).toMatchObject(DENIED);
      // Tags that come along are read and written.
      expect(await failure(copy('public/tagged'))).toMatchObject(DENIED);
      await copy('public/tagged', { TaggingDirective: 'REPLACE' });
      await putPolicy(s3, Bucket, { Action: ['s3:GetObject', 's3:GetObjectTagging'] });
      await putPolicy(s3, target, { Action: ['s3:PutObject', 's3:PutObjectTagging'] });
      await copy('public/tagged');
    });
  });

  it('Object Lock: what a policy gives away and what it limits', async () => {
    const { s3, tenant } = await setting(wire);
    const Bucket = await wire.bucket({ ObjectLockEnabledForBucket: true });
    const days = (count: number) => new Date(Date.now() + count * 24 * 60 * 60 * 1000);
    const locked = {
      Bucket,
      Key: 'key',
      Body: 'content',
      ObjectLockMode: 'GOVERNANCE',
      ObjectLockRetainUntilDate: days(2),
      ChecksumAlgorithm: 'CRC32',
    } as const;
    await putPolicy(s3, Bucket, { Action: ['s3:PutObject', 's3:DeleteObjectVersion'] });
    expect(await failure(tenant.send(new PutObjectCommand(locked)))).toMatchObject(DENIED);
    const { VersionId } = await s3.send(new PutObjectCommand(locked));
    const target = { Bucket, Key: 'key', VersionId };
    const remove = () => tenant.send(new DeleteObjectCommand({ ...target, BypassGovernanceRetention: true }));
    const retain = (client: S3Client, count: number) =>
      client.send(
        new PutObjectRetentionCommand({ ...target, Retention: { Mode: 'GOVERNANCE', RetainUntilDate: days(count) } }),
      );
    expect(await failure(remove())).toMatchObject(DENIED);
    expect(await failure(retain(tenant, 3))).toMatchObject(DENIED);
    const limit = { NumericGreaterThan: { 's3:object-lock-remaining-retention-days': '10' } };
    await putPolicy(
      s3,
      Bucket,
      { Action: ['s3:PutObject', 's3:PutObjectRetention', 's3:DeleteObjectVersion', 's3:BypassGovernanceRetention'] },
      { Effect: 'Deny', Action: 's3:PutObjectRetention', Condition: limit },
    );
    await tenant.send(new PutObjectCommand({ ...locked, Key: 'theirs' }));
    await retain(tenant, 3);
    for (const client of [tenant, s3]) expect(await failure(retain(client, 20))).toMatchObject(DENIED);
    await remove();
  });

  it('browser forms are uploads', async () => {
    const { Bucket, s3 } = await setting(wire);
    const boundary = 'form-of-the-policy-tests';
    const field = (name: string, value: string) =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
    const form = (fields: Readonly<Record<string, string>>) =>
      exchange(wire.server, {
        method: 'POST',
        target: `/${Bucket}`,
        headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
        body: `${Object.entries(fields)
          .map(([name, value]) => field(name, value))
          .join(
            '',
          )}--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\nx\r\n--${boundary}--\r\n`,
      });
    expect(await form({ key: 'in/a' })).toMatchObject({ status: 403 });
    await putPolicy(s3, Bucket, { Action: 's3:PutObject', Resource: `${bucketArn(Bucket)}/in/*` });
    expect(await form({ key: 'in/a' })).toMatchObject({ status: 204 });
    expect(await form({ key: 'out/a' })).toMatchObject({ status: 403 });
    expect(await form({ key: 'in/b', acl: 'public-read' })).toMatchObject({ status: 403 });
  });

  it('GetBucketPolicyStatus tells whether the bucket is public', async () => {
    const { Bucket, s3 } = await setting(wire);
    const isPublic = async () => (await s3.send(new GetBucketPolicyStatusCommand({ Bucket }))).PolicyStatus?.IsPublic;
    expect(await isPublic()).toBe(false);
    await putPolicy(s3, Bucket, { Action: 's3:GetObject' });
    expect(await isPublic()).toBe(true);
    const Condition = { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } };
    await putPolicy(s3, Bucket, { Action: 's3:GetObject', Condition });
    expect(await isPublic()).toBe(false);
    await s3.send(new PutBucketAclCommand({ Bucket, ACL: 'authenticated-read' }));
    expect(await isPublic()).toBe(true);
  });
});

describeWire('public access block', (wire) => {
  const block = (Bucket: string, PublicAccessBlockConfiguration: PublicAccessBlockConfiguration) =>
    wire.s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }));

  it('is put, shown and deleted', async () => {
    const { Bucket, s3 } = await setting(wire);
    const missing = { status: 404, code: 'NoSuchPublicAccessBlockConfiguration' };
    expect(await failure(s3.send(new GetPublicAccessBlockCommand({ Bucket })))).toMatchObject(missing);
    await block(Bucket, { BlockPublicAcls: true, RestrictPublicBuckets: true });
    const shown = await s3.send(new GetPublicAccessBlockCommand({ Bucket }));
    expect(shown.PublicAccessBlockConfiguration).toEqual({
      BlockPublicAcls: true,
      IgnorePublicAcls: false,
      BlockPublicPolicy: false,
      RestrictPublicBuckets: true,
    });
    const gone = await s3.send(new DeletePublicAccessBlockCommand({ Bucket }));
    expect(gone.$metadata.httpStatusCode).toBe(204);
    expect(await failure(s3.send(new GetPublicAccessBlockCommand({ Bucket })))).toMatchObject(missing);
    expect(await failure(wire.client(other).send(new GetPublicAccessBlockCommand({ Bucket })))).toMatchObject(DENIED);
  });

  it('BlockPublicAcls refuses new public ACLs and leaves those that are there', async () => {
    const { Bucket, s3 } = await setting(wire);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'before', Body: 'x', ACL: 'public-read' }));
    await block(Bucket, { BlockPublicAcls: true });
    expect(await anonymousStatus(wire, 'GET', `/${Bucket}/before`)).toBe(200);
    const grant = { GrantRead: 'uri="http://acs.amazonaws.com/groups/global/AuthenticatedUsers"' };
    for (const refused of await failures([
      s3.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' })),
      s3.send(new PutObjectAclCommand({ Bucket, Key: 'before', ACL: 'authenticated-read' })),
      s3.send(new PutObjectCommand({ Bucket, Key: 'after', ACL: 'public-read' })),
      s3.send(new PutObjectCommand({ Bucket, Key: 'after', ...grant })),
      s3.send(new CopyObjectCommand({ Bucket, Key: 'after', CopySource: `${Bucket}/before`, ACL: 'public-read' })),
      s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'after', ACL: 'public-read-write' })),
    ]))
      expect(refused).toMatchObject(DENIED);
    await s3.send(new PutObjectCommand({ Bucket, Key: 'after', ACL: 'private' }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'after', GrantRead: `id="${other.tenant}"` }));
  });

  it('IgnorePublicAcls takes the public out of every ACL', async () => {
    const { Bucket, s3, tenant } = await setting(wire);
    const Key = 'key';
    await s3.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read' }));
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ACL: 'public-read' }));
    await s3.send(new PutObjectCommand({ Bucket, Key: 'named', Body: 'x', GrantRead: `id="${other.tenant}"` }));
    await block(Bucket, { IgnorePublicAcls: true });
    expect(await anonymousStatus(wire, 'GET', `/${Bucket}/${Key}`)).toBe(403);
    expect(await failure(tenant.send(new ListObjectsV2Command({ Bucket })))).toMatchObject(DENIED);
    await read(tenant, { Bucket, Key: 'named' });
    await s3.send(new DeletePublicAccessBlockCommand({ Bucket }));
    expect(await anonymousStatus(wire, 'GET', `/${Bucket}/${Key}`)).toBe(200);
  });

  it('BlockPublicPolicy refuses public policies only', async () => {
    const { Bucket, s3 } = await setting(wire);
    await block(Bucket, { BlockPublicPolicy: true });
    const get = { Action: 's3:GetObject' };
    expect(await failure(putPolicy(s3, Bucket, get))).toMatchObject(DENIED);
    await putPolicy(s3, Bucket, { ...get, Effect: 'Deny' });
    await putPolicy(s3, Bucket, { ...get, Principal: { AWS: `arn:aws:iam::${other.tenant}:root` } });
  });

  it('RestrictPublicBuckets keeps a public policy from other accounts', async () => {
    const { Bucket, s3, tenant } = await setting(wire);
    await put(s3, Bucket, 'key', 'content');
    const named = { Action: 's3:GetObject', Principal: { AWS: other.tenant } };
    await putPolicy(s3, Bucket, { Action: 's3:GetObject' }, named);
    expect(await anonymousStatus(wire, 'GET', `/${Bucket}/key`)).toBe(200);
    await block(Bucket, { RestrictPublicBuckets: true });
    expect(await anonymousStatus(wire, 'GET', `/${Bucket}/key`)).toBe(403);
    expect(await failure(tenant.send(new GetObjectCommand({ Bucket, Key: 'key' })))).toMatchObject(DENIED);
    await read(s3, { Bucket, Key: 'key' });
    await putPolicy(s3, Bucket, named);
    await read(tenant, { Bucket, Key: 'key' });
  });
});

describeWire('object ownership', (wire) => {
  let tenant: S3Client;
  beforeAll(() => {
    tenant = wire.client(other);
  });

  /** A bucket that everybody may do everything in. */
  async function open(ownership: ObjectOwnership): Promise<string> {
    const Bucket = await wire.bucket({ ObjectOwnership: ownership });
    await putPolicy(wire.s3, Bucket, { Action: 's3:*', Resource: [bucketArn(Bucket), `${bucketArn(Bucket)}/*`] });
    return Bucket;
  }

  const ownerOf = async (s3: S3Client, Bucket: string, Key: string) =>
    (await s3.send(new GetObjectAclCommand({ Bucket, Key }))).Owner?.ID;

  it('is put, shown and deleted', async () => {
    const { Bucket, s3 } = await setting(wire);
    const missing = { status: 404, code: 'OwnershipControlsNotFoundError' };
    expect(await failure(s3.send(new GetBucketOwnershipControlsCommand({ Bucket })))).toMatchObject(missing);
    const Rules = [{ ObjectOwnership: 'BucketOwnerPreferred' as const }];
    await s3.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls: { Rules } }));
    const shown = await s3.send(new GetBucketOwnershipControlsCommand({ Bucket }));
    expect(shown.OwnershipControls?.Rules).toEqual(Rules);
    const gone = await s3.send(new DeleteBucketOwnershipControlsCommand({ Bucket }));
    expect(gone.$metadata.httpStatusCode).toBe(204);
    expect(await failure(s3.send(new GetBucketOwnershipControlsCommand({ Bucket })))).toMatchObject(missing);
    for (const wrong of [[], [...Rules, ...Rules], [{ ObjectOwnership: 'Nobody' as ObjectOwnership }]])
      expect(
        await failure(s3.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls: { Rules: wrong } }))),
      ).toMatchObject({ status: 400, code: 'MalformedXML' });
    const odd = { Bucket: bucketName(), ObjectOwnership: 'Nobody' as ObjectOwnership };
    expect(await failure(s3.send(new CreateBucketCommand(odd)))).toMatchObject({ code: 'InvalidArgument' });
  });

  it('BucketOwnerEnforced: everything is the bucket owner’s and ACLs are off', async () => {
    const Bucket = await open('BucketOwnerEnforced');
    await put(tenant, Bucket, 'plain', 'x');
    await tenant.send(new PutObjectCommand({ Bucket, Key: 'full', Body: 'x', ACL: 'bucket-owner-full-control' }));
    await tenant.send(
      new PutObjectCommand({ Bucket, Key: 'same', Body: 'x', GrantFullControl: `id="${user.tenant}"` }),
    );
    for (const Key of ['plain', 'full', 'same']) expect(await ownerOf(wire.s3, Bucket, Key)).toBe(user.tenant);
    for (const refused of await failures([
      tenant.send(new PutObjectCommand({ Bucket, Key: 'no', ACL: 'private' })),
      tenant.send(new PutObjectCommand({ Bucket, Key: 'no', GrantRead: `id="${other.tenant}"` })),
      tenant.send(new CreateMultipartUploadCommand({ Bucket, Key: 'no', ACL: 'public-read' })),
      tenant.send(new CopyObjectCommand({ Bucket, Key: 'no', CopySource: `${Bucket}/plain`, ACL: 'private' })),
      wire.s3.send(new PutBucketAclCommand({ Bucket, ACL: 'private' })),
      wire.s3.send(new PutObjectAclCommand({ Bucket, Key: 'plain', ACL: 'bucket-owner-full-control' })),
    ]))
      expect(refused).toMatchObject({ status: 400, code: 'AccessControlListNotSupported' });
  });

  it('BucketOwnerEnforced takes over the objects that are there, and is not taken with a shared ACL', async () => {
    const { Bucket, s3 } = await setting(wire);
    await s3.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read-write' }));
    await tenant.send(new PutObjectCommand({ Bucket, Key: 'theirs', Body: 'x', ACL: 'public-read' }));
    expect(await failure(s3.send(new GetObjectAclCommand({ Bucket, Key: 'theirs' })))).toMatchObject(DENIED);
    const enforce = () =>
      s3.send(
        new PutBucketOwnershipControlsCommand({
          Bucket,
          OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
        }),
      );
    expect(await failure(enforce())).toMatchObject({ status: 400, code: 'InvalidBucketAclWithObjectOwnership' });
    await s3.send(new PutBucketAclCommand({ Bucket, ACL: 'private' }));
    await enforce();
    expect(await ownerOf(s3, Bucket, 'theirs')).toBe(user.tenant);
    expect(await anonymousStatus(wire, 'GET', `/${Bucket}/theirs`)).toBe(403);
    expect(await failure(tenant.send(new GetObjectCommand({ Bucket, Key: 'theirs' })))).toMatchObject(DENIED);
    const listed = await s3.send(new ListObjectsV2Command({ Bucket, FetchOwner: true }));
    expect(listed.Contents?.[0]?.Owner?.ID).toBe(user.tenant);
    const shared = { Bucket: bucketName(), ACL: 'public-read', ObjectOwnership: 'BucketOwnerEnforced' } as const;
    expect(await failure(s3.send(new CreateBucketCommand(shared)))).toMatchObject({
      code: 'InvalidBucketAclWithObjectOwnership',
    });
  });

  it('BucketOwnerPreferred: an object handed over is the bucket owner’s, others are the writer’s', async () => {
    const Bucket = await open('BucketOwnerPreferred');
    await put(tenant, Bucket, 'plain', 'x');
    const ACL = 'bucket-owner-full-control';
    await tenant.send(new PutObjectCommand({ Bucket, Key: 'handed', Body: 'x', ACL }));
    await tenant.send(new CopyObjectCommand({ Bucket, Key: 'copied', CopySource: `${Bucket}/plain`, ACL }));
    const { UploadId } = await tenant.send(new CreateMultipartUploadCommand({ Bucket, Key: 'parts', ACL }));
    expect((await tenant.send(new ListPartsCommand({ Bucket, Key: 'parts', UploadId }))).Owner?.ID).toBe(user.tenant);
    expect(await ownerOf(tenant, Bucket, 'plain')).toBe(other.tenant);
    for (const Key of ['handed', 'copied']) expect(await ownerOf(wire.s3, Bucket, Key)).toBe(user.tenant);
  });

  it('ObjectWriter: what anybody writes is theirs', async () => {
    const Bucket = await open('ObjectWriter');
    const Key = `key-${randomBytes(4).toString('hex')}`;
    await tenant.send(new PutObjectCommand({ Bucket, Key, Body: 'x', ACL: 'bucket-owner-full-control' }));
    expect(await ownerOf(wire.s3, Bucket, Key)).toBe(other.tenant);
    await put(tenant, Bucket, 'private', 'x');
    expect(await failure(wire.s3.send(new GetObjectCommand({ Bucket, Key: 'private' })))).toMatchObject(DENIED);
  });
});
