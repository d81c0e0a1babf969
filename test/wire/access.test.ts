// Who may do what: ACLs on buckets and objects, canned, by grants and by document; strangers, tenants, the operator.
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetBucketAclCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketAclCommand,
  PutObjectAclCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { ObjectCannedACL } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { etagOf, failure, failures, put, read } from './helpers.js';
import { exchange, signedExchange } from './raw.js';
import { bucketName, describeWire, KEYS } from './servers.js';

const ALL_USERS = 'http://acs.amazonaws.com/groups/global/AllUsers';
const AUTHENTICATED = 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers';
const { user, other, master } = KEYS;

describeWire('access', (wire) => {
  let Bucket = '';
  beforeAll(async () => {
    Bucket = await wire.bucket();
  });

  const anonymous = (method: string, target: string, body?: string) => exchange(wire.server, { method, target, body });
  const putAs = (Key: string, ACL: ObjectCannedACL) =>
    wire.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'content', ACL }));

  describe('objects', () => {
    it('are private unless something else is said', async () => {
      await put(wire.s3, Bucket, 'private', 'content');
      const stranger = await anonymous('GET', `/${Bucket}/private`);
      expect(stranger).toMatchObject({ status: 403, code: 'AccessDenied' });
      expect(stranger.body.toString()).not.toContain('content');
      expect(await anonymous('HEAD', `/${Bucket}/private`)).toMatchObject({ status: 403 });
      const tenant = wire.client(other);
      for (const refused of await failures([
        tenant.send(new GetObjectCommand({ Bucket, Key: 'private' })),
        tenant.send(new GetObjectAclCommand({ Bucket, Key: 'private' })),
        tenant.send(new DeleteObjectCommand({ Bucket, Key: 'private' })),
        tenant.send(new PutObjectCommand({ Bucket, Key: 'private', Body: 'stolen' })),
        tenant.send(new PutObjectAclCommand({ Bucket, Key: 'private', ACL: 'public-read' })),
      ]))
        expect(refused).toMatchObject({ status: 403, code: 'AccessDenied' });
      expect((await read(wire.s3, { Bucket, Key: 'private' })).content.toString()).toBe('content');
    });

    it.each([
      ['private', 403, 403],
      ['public-read', 200, 200],
      ['public-read-write', 200, 200],
      ['authenticated-read', 403, 200],
      ['bucket-owner-full-control', 403, 403],
    ] as const)('%s: a stranger gets %i, another tenant %i', async (acl, strangers, tenants) => {
      await putAs(acl, acl);
      const target = `/${Bucket}/${acl}`;
      expect((await anonymous('GET', target)).status).toBe(strangers);
      expect((await anonymous('HEAD', target)).status).toBe(strangers);
      const tenant = await signedExchange(wire.server, { method: 'GET', target, credentials: other });
      expect(tenant.status).toBe(tenants);
      // Reading is not writing: that is the bucket's to allow.
      expect((await anonymous('PUT', target, 'x')).status).toBe(403);
      expect((await anonymous('DELETE', target)).status).toBe(403);
    });

    it('change who may read them', async () => {
      await putAs('changing', 'private');
      const target = `/${Bucket}/changing`;
      await wire.s3.send(new PutObjectAclCommand({ Bucket, Key: 'changing', ACL: 'public-read' }));
      const open = await anonymous('GET', target);
      expect([open.status, open.headers['etag']]).toEqual([200, etagOf('content')]);
      await wire.s3.send(new PutObjectAclCommand({ Bucket, Key: 'changing', ACL: 'private' }));
      expect((await anonymous('GET', target)).status).toBe(403);
      await putAs('changing', 'public-read');
      await put(wire.s3, Bucket, 'changing', 'overwritten');
      expect((await anonymous('GET', target)).status).toBe(403);
    });

    it('are granted by headers', async () => {
      const GrantRead = `id="${other.tenant}"`;
      await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'granted', Body: 'content', GrantRead }));
      const tenant = wire.client(other);
      expect((await read(tenant, { Bucket, Key: 'granted' })).content.toString()).toBe('content');
      expect((await anonymous('GET', `/${Bucket}/granted`)).status).toBe(403);
      expect(await failure(tenant.send(new GetObjectAclCommand({ Bucket, Key: 'granted' })))).toMatchObject({
        code: 'AccessDenied',
      });
    });

    it('are granted by a document, which is given back', async () => {
      await putAs('document', 'private');
      const AccessControlPolicy = {
        Owner: { ID: user.tenant },
        Grants: [
          { Grantee: { Type: 'Group', URI: AUTHENTICATED }, Permission: 'READ' },
          { Grantee: { Type: 'CanonicalUser', ID: other.tenant }, Permission: 'READ_ACP' },
          { Grantee: { Type: 'CanonicalUser', ID: user.tenant }, Permission: 'FULL_CONTROL' },
        ],
      } as const;
      await wire.s3.send(
        new PutObjectAclCommand({
          Bucket,
          Key: 'document',
          AccessControlPolicy: { ...AccessControlPolicy, Grants: [...AccessControlPolicy.Grants] },
        }),
      );
      const tenant = wire.client(other);
      const seen = await tenant.send(new GetObjectAclCommand({ Bucket, Key: 'document' }));
      expect(seen.Owner?.ID).toBe(user.tenant);
      const plain = (grants: typeof seen.Grants) =>
        grants?.map(({ Grantee, Permission }) => `${Permission} ${Grantee?.ID ?? Grantee?.URI}`).sort();
      expect(plain(seen.Grants)).toEqual(plain([...AccessControlPolicy.Grants]));
      await read(tenant, { Bucket, Key: 'document' });
    });

    it('refuse grants that mean nothing', async () => {
      await putAs('refusing', 'private');
      const target = `/${Bucket}/refusing?acl`;
      for (const [headers, code] of [
        [{ 'x-amz-acl': 'everybody' }, 'InvalidArgument'],
        [{ 'x-amz-grant-read': 'id="nobody@example.com"' }, 'InvalidArgument'],
        [{ 'x-amz-grant-read': 'uri="http://example.com/group"' }, 'InvalidArgument'],
        [{ 'x-amz-acl': 'private', 'x-amz-grant-read': `uri="${ALL_USERS}"` }, 'InvalidRequest'],
      ] as const)
        expect(await signedExchange(wire.server, { method: 'PUT', target, headers })).toMatchObject({
          status: 400,
          code,
        });
      const body = '<AccessControlPolicy><Owner/><AccessControlList><Grant>';
      expect(await signedExchange(wire.server, { method: 'PUT', target, body })).toMatchObject({
        status: 400,
        code: 'MalformedACLError',
      });
      const { Grants } = await wire.s3.send(new GetObjectAclCommand({ Bucket, Key: 'refusing' }));
      expect(Grants).toMatchObject([{ Grantee: { ID: user.tenant }, Permission: 'FULL_CONTROL' }]);
    });
  });

  describe('buckets', () => {
    it('tell strangers nothing of what is in them', async () => {
      await putAs('known', 'public-read');
      expect(await anonymous('GET', `/${Bucket}`)).toMatchObject({ status: 403, code: 'AccessDenied' });
      expect(await anonymous('GET', `/${Bucket}/unknown`)).toMatchObject({ status: 403, code: 'AccessDenied' });
      expect(await anonymous('GET', '/')).toMatchObject({ status: 403, code: 'AccessDenied' });
      expect(await anonymous('PUT', `/${bucketName()}`)).toMatchObject({ status: 403, code: 'AccessDenied' });
      expect(await anonymous('GET', `/${bucketName()}/key`)).toMatchObject({ status: 404, code: 'NoSuchBucket' });
    });

    it('public-read lets everybody list, not read', async () => {
      const open = await wire.bucket({ ACL: 'public-read' });
      await put(wire.s3, open, 'listed', 'content');
      const listing = await anonymous('GET', `/${open}`);
      expect(listing.status).toBe(200);
      expect(listing.body.toString()).toContain('<Key>listed</Key>');
      expect((await anonymous('GET', `/${open}/listed`)).status).toBe(403);
      expect(await anonymous('GET', `/${open}/missing`)).toMatchObject({ status: 404, code: 'NoSuchKey' });
      expect((await anonymous('PUT', `/${open}/new`, 'x')).status).toBe(403);
    });

    it('public-read-write lets everybody write; what strangers write is theirs to nobody’s cost', async () => {
      const open = await wire.bucket({ ACL: 'public-read-write' });
      expect((await anonymous('PUT', `/${open}/dropped`, 'by a stranger')).status).toBe(200);
      const tenant = wire.client(other);
      await put(tenant, open, 'by-tenant', 'theirs');
      const { Owner } = await tenant.send(new GetObjectAclCommand({ Bucket: open, Key: 'by-tenant' }));
      expect(Owner?.ID).toBe(other.tenant);
      // The object is the writer's, even in somebody else's bucket.
      expect(await failure(read(wire.s3, { Bucket: open, Key: 'by-tenant' }))).toMatchObject({ code: 'AccessDenied' });
      await wire.s3.send(new DeleteObjectCommand({ Bucket: open, Key: 'by-tenant' }));
      expect((await anonymous('DELETE', `/${open}/dropped`)).status).toBe(204);
    });

    it('grant another tenant what they name', async () => {
      const shared = await wire.bucket();
      await wire.s3.send(
        new PutBucketAclCommand({
          Bucket: shared,
          GrantRead: `id="${other.tenant}"`,
          GrantFullControl: `id="${user.tenant}"`,
        }),
      );
      const tenant = wire.client(other);
      await tenant.send(new ListObjectsV2Command({ Bucket: shared }));
      expect(await failure(put(tenant, shared, 'x', 'x'))).toMatchObject({ code: 'AccessDenied' });
      await wire.s3.send(new PutBucketAclCommand({ Bucket: shared, ACL: 'private' }));
      expect(await failure(tenant.send(new ListObjectsV2Command({ Bucket: shared })))).toMatchObject({
        code: 'AccessDenied',
      });
      const { Grants, Owner } = await wire.s3.send(new GetBucketAclCommand({ Bucket: shared }));
      expect(Owner?.ID).toBe(user.tenant);
      expect(Grants).toMatchObject([{ Grantee: { ID: user.tenant }, Permission: 'FULL_CONTROL' }]);
    });
  });

  describe('the master key', () => {
    it('reads and writes every bucket', async () => {
      await put(wire.s3, Bucket, 'for-operator', 'content');
      const operator = wire.client(master);
      expect((await read(operator, { Bucket, Key: 'for-operator' })).content.toString()).toBe('content');
      await operator.send(new DeleteObjectCommand({ Bucket, Key: 'for-operator' }));
      expect(await failure(wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'for-operator' })))).toMatchObject({
        status: 404,
      });
    });

    it('acts for a tenant that it names; other keys cannot', async () => {
      const target = `/${bucketName('masquerade')}`;
      const headers = { 'x-amz-masquerade-tenant': other.tenant };
      const made = await signedExchange(wire.server, { method: 'PUT', target, headers, credentials: master });
      expect(made.status).toBe(200);
      const { Buckets } = await wire.client(other).send(new ListBucketsCommand({}));
      expect(Buckets?.map(({ Name }) => Name)).toContain(target.slice(1));
      // An ordinary key stays who it is, whatever it says.
      const tried = await signedExchange(wire.server, { method: 'GET', target, headers });
      expect(tried).toMatchObject({ status: 403, code: 'AccessDenied' });
      const mine = await signedExchange(wire.server, { method: 'PUT', target: `/${bucketName()}`, headers });
      expect(mine.status).toBe(200);
      await wire.client(other).send(new CreateBucketCommand({ Bucket: target.slice(1) }));
    });
  });
});
