// IAM as its clients use it: users, keys, policies and groups, what they may do in S3, and how soon they no longer may.
import {
  AddUserToGroupCommand,
  AttachGroupPolicyCommand,
  AttachUserPolicyCommand,
  CreateAccessKeyCommand,
  CreateGroupCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  DeleteGroupCommand,
  DeletePolicyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  GetAccessKeyLastUsedCommand,
  GetAccountSummaryCommand,
  GetGroupCommand,
  GetPolicyVersionCommand,
  GetUserCommand,
  GetUserPolicyCommand,
  ListAccessKeysCommand,
  ListEntitiesForPolicyCommand,
  ListGroupsForUserCommand,
  ListPolicyVersionsCommand,
  ListUserPoliciesCommand,
  paginateListUsers,
  PutGroupPolicyCommand,
  PutUserPermissionsBoundaryCommand,
  PutUserPolicyCommand,
  RemoveUserFromGroupCommand,
  UpdateAccessKeyCommand,
  UpdateGroupCommand,
  UpdateUserCommand,
} from '@aws-sdk/client-iam';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  GetBucketAclCommand,
  ListBucketsCommand,
  ListObjectsV2Command,
  PutBucketAclCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { spawnPithos } from '../support/server.js';
import { failure, failures, put, read } from './helpers.js';
import { allow, deny, iamOf, makeUser, refusal, s3Of, unique } from './iam-clients.js';
import { exchange } from './raw.js';
import { bucketName, describeWire, KEYS } from './servers.js';

const { user: root, other, master } = KEYS;
/** Longest time that a change may take to be obeyed by other gateways; the credential cache holds for 1 s. */
const OBEYED_WITHIN_MS = 4_000;

describeWire('iam', (wire) => {
  const iam = () => iamOf(wire.server, root);
  let Bucket = '';
  beforeAll(async () => {
    Bucket = await wire.bucket();
    await put(wire.s3, Bucket, 'there', 'content');
  });
  const get = (keys: Parameters<typeof s3Of>[1], Key = 'there') =>
    s3Of(wire.server, keys).send(new GetObjectCommand({ Bucket, Key }));

  describe('users', () => {
    it('are created, shown, renamed, listed by pages and deleted', async () => {
      const Path = `/${unique('path')}/`;
      const names = ['aa', 'Ab', 'ac'].map((name) => unique(name));
      for (const UserName of [...names].reverse()) {
        const { User } = await iam().send(new CreateUserCommand({ UserName, Path, Tags: [{ Key: 'k', Value: 'v' }] }));
        expect(User).toMatchObject({ UserName, Path, Arn: `arn:aws:iam::${root.tenant}:user${Path}${UserName}` });
        expect(User?.UserId).toMatch(/^AIDA[A-Z2-7]{17}$/);
      }
      const listed = async () => {
        const found: (string | undefined)[] = [];
        for await (const page of paginateListUsers({ client: iam(), pageSize: 1 }, { PathPrefix: Path }))
          found.push(...(page.Users ?? []).map((each) => each.UserName));
        return found;
      };
      expect(await listed()).toEqual(names);
      const [first = ''] = names;
      expect(await refusal(iam().send(new CreateUserCommand({ UserName: first.toUpperCase() })))).toBe(
        'EntityAlreadyExists 409',
      );
      const before = await iam().send(new GetUserCommand({ UserName: first.toUpperCase() }));
      expect(before.User?.Tags).toEqual([{ Key: 'k', Value: 'v' }]);
      const NewUserName = unique('zz');
      await iam().send(new UpdateUserCommand({ UserName: first, NewUserName }));
      expect(await refusal(iam().send(new GetUserCommand({ UserName: first })))).toBe('NoSuchEntity 404');
      const after = await iam().send(new GetUserCommand({ UserName: NewUserName }));
      expect(after.User?.UserId).toBe(before.User?.UserId);
      expect(await listed()).toEqual([...names.slice(1), NewUserName]);
      for (const UserName of [...names.slice(1), NewUserName]) await iam().send(new DeleteUserCommand({ UserName }));
      expect(await listed()).toEqual([]);
    });

    it('without a name are the caller', async () => {
      expect((await iam().send(new GetUserCommand({}))).User).toMatchObject({
        Arn: `arn:aws:iam::${root.tenant}:root`,
        UserId: root.tenant,
      });
      const user = await makeUser(iam(), allow('iam:GetUser'));
      expect((await iamOf(wire.server, user.keys).send(new GetUserCommand({}))).User?.Arn).toBe(user.arn);
    });

    it('belong to their account alone', async () => {
      const user = await makeUser(iam());
      const stranger = iamOf(wire.server, other);
      expect(await refusal(stranger.send(new GetUserCommand({ UserName: user.name })))).toBe('NoSuchEntity 404');
      expect(
        await refusal(
          stranger.send(new DeleteAccessKeyCommand({ UserName: user.name, AccessKeyId: user.keys.accessKeyId })),
        ),
      ).toBe('NoSuchEntity 404');
    });

    it('cannot be deleted while something hangs on them', async () => {
      const user = await makeUser(iam(), allow('s3:*'));
      const UserName = user.name;
      const remove = () => iam().send(new DeleteUserCommand({ UserName }));
      expect(await refusal(remove())).toBe('DeleteConflict 409');
      await iam().send(new DeleteAccessKeyCommand({ UserName, AccessKeyId: user.keys.accessKeyId }));
      expect(await refusal(remove())).toBe('DeleteConflict 409');
      await iam().send(new DeleteUserPolicyCommand({ UserName, PolicyName: 'inline' }));
      await remove();
    });

    it.each([
      ['bad name', '/'],
      ['x'.repeat(65), '/'],
      ['good', 'no-slashes'],
    ])('are refused as %s in %s', async (UserName, Path) => {
      expect(await refusal(iam().send(new CreateUserCommand({ UserName, Path })))).toBe('ValidationError 400');
    });
  });

  describe('access keys', () => {
    it('work at once, as long as they are active, and are at most two', async () => {
      const user = await makeUser(iam(), allow('s3:GetObject', `arn:aws:s3:::${Bucket}/*`));
      const UserName = user.name;
      const AccessKeyId = user.keys.accessKeyId;
      await get(user.keys);
      const second = await iam().send(new CreateAccessKeyCommand({ UserName }));
      expect(await refusal(iam().send(new CreateAccessKeyCommand({ UserName })))).toBe('LimitExceeded 409');
      await iam().send(new UpdateAccessKeyCommand({ UserName, AccessKeyId, Status: 'Inactive' }));
      expect(await failure(get(user.keys))).toMatchObject({ status: 403, code: 'InvalidAccessKeyId' });
      const listed = await iam().send(new ListAccessKeysCommand({ UserName }));
      expect(listed.AccessKeyMetadata?.map((key) => [key.AccessKeyId, key.Status]).sort()).toEqual(
        [
          [AccessKeyId, 'Inactive'],
          [second.AccessKey?.AccessKeyId, 'Active'],
        ].sort(),
      );
      await iam().send(new UpdateAccessKeyCommand({ UserName, AccessKeyId, Status: 'Active' }));
      await get(user.keys);
      await iam().send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }));
      expect(await failure(get(user.keys))).toMatchObject({ status: 403, code: 'InvalidAccessKeyId' });
    });

    it('tell when they were used last', async () => {
      const user = await makeUser(iam(), allow('s3:GetObject'));
      const used = async () =>
        (await iam().send(new GetAccessKeyLastUsedCommand({ AccessKeyId: user.keys.accessKeyId }))).AccessKeyLastUsed;
      expect(await used()).toMatchObject({ ServiceName: 'N/A', Region: 'N/A' });
      await get(user.keys);
      await expect.poll(async () => (await used())?.ServiceName).toBe('s3');
      const { Region, LastUsedDate } = (await used()) ?? {};
      expect(Region).toBe('us-east-1');
      expect(Math.abs(Number(LastUsedDate) - Date.now())).toBeLessThan(60_000);
    });

    it('can be the root’s own', async () => {
      const { AccessKey } = await iamOf(wire.server, other).send(new CreateAccessKeyCommand({}));
      const keys = {
        accessKeyId: AccessKey?.AccessKeyId ?? '',
        secretAccessKey: AccessKey?.SecretAccessKey ?? '',
      };
      const s3 = s3Of(wire.server, keys);
      const own = bucketName();
      await s3.send(new CreateBucketCommand({ Bucket: own }));
      expect((await s3.send(new GetBucketAclCommand({ Bucket: own }))).Owner?.ID).toBe(other.tenant);
      await iamOf(wire.server, other).send(new DeleteAccessKeyCommand({ AccessKeyId: keys.accessKeyId }));
      expect(await failure(s3.send(new ListBucketsCommand({})))).toMatchObject({ code: 'InvalidAccessKeyId' });
    });

    it('have secrets that neither the log nor the store shows', async () => {
      const user = await makeUser(iam(), allow('s3:GetObject'));
      await get(user.keys);
      expect(wire.server.logs()).not.toContain(user.keys.secretAccessKey);
      if (wire.store !== 'embedded') return;
      const stored = await readFile(path.join(wire.home.dataDir, 'meta', 'data.mdb'));
      expect(stored.includes(user.keys.accessKeyId)).toBe(true);
      expect(stored.includes(user.keys.secretAccessKey)).toBe(false);
    });
  });

  describe('what users may do in S3', () => {
    it('is nothing without a policy', async () => {
      const user = await makeUser(iam());
      const s3 = s3Of(wire.server, user.keys);
      for (const refused of await failures([
        get(user.keys),
        s3.send(new PutObjectCommand({ Bucket, Key: 'x', Body: 'x' })),
        s3.send(new ListObjectsV2Command({ Bucket })),
        s3.send(new ListBucketsCommand({})),
        s3.send(new CreateBucketCommand({ Bucket: bucketName() })),
        s3.send(new GetBucketAclCommand({ Bucket })),
      ]))
        expect(refused).toMatchObject({ status: 403, code: 'AccessDenied' });
    });

    it('is what their policies allow, on what they allow it', async () => {
      const user = await makeUser(iam(), allow(['s3:GetObject', 's3:PutObject'], `arn:aws:s3:::${Bucket}/mine/*`));
      const s3 = s3Of(wire.server, user.keys);
      await put(s3, Bucket, 'mine/a', 'a');
      expect((await read(s3, { Bucket, Key: 'mine/a' })).content.toString()).toBe('a');
      for (const refused of await failures([
        get(user.keys),
        put(s3, Bucket, 'other', 'x'),
        s3.send(new DeleteObjectCommand({ Bucket, Key: 'mine/a' })),
        s3.send(new PutObjectCommand({ Bucket, Key: 'mine/a', Body: 'x', ACL: 'public-read' })),
      ]))
        expect(refused).toMatchObject({ status: 403, code: 'AccessDenied' });
    });

    it('is changed at once by the gateway that changed it, and a denial outweighs', async () => {
      const user = await makeUser(iam());
      const PolicyName = 'p';
      const UserName = user.name;
      expect(await failure(get(user.keys))).toMatchObject({ code: 'AccessDenied' });
      await iam().send(new PutUserPolicyCommand({ UserName, PolicyName, PolicyDocument: allow('s3:*') }));
      await get(user.keys);
      await iam().send(new PutUserPolicyCommand({ UserName, PolicyName: 'no', PolicyDocument: deny('s3:GetObject') }));
      expect(await failure(get(user.keys))).toMatchObject({ code: 'AccessDenied' });
      expect((await iam().send(new ListUserPoliciesCommand({ UserName }))).PolicyNames).toEqual(['no', 'p']);
      const shown = await iam().send(new GetUserPolicyCommand({ UserName, PolicyName }));
      expect(decodeURIComponent(shown.PolicyDocument ?? '')).toBe(allow('s3:*'));
      await iam().send(new DeleteUserPolicyCommand({ UserName, PolicyName: 'no' }));
      await get(user.keys);
    });

    it('creates for the account', async () => {
      const user = await makeUser(iam(), allow(['s3:CreateBucket', 's3:ListAllMyBuckets']));
      const s3 = s3Of(wire.server, user.keys);
      const own = bucketName();
      await s3.send(new CreateBucketCommand({ Bucket: own }));
      expect((await wire.s3.send(new GetBucketAclCommand({ Bucket: own }))).Owner?.ID).toBe(root.tenant);
      expect((await s3.send(new ListBucketsCommand({}))).Buckets?.map((each) => each.Name)).toContain(own);
      expect(await failure(s3.send(new GetBucketAclCommand({ Bucket: own })))).toMatchObject({ code: 'AccessDenied' });
      expect(
        await failure(s3.send(new CreateBucketCommand({ Bucket: bucketName(), ACL: 'public-read' }))),
      ).toMatchObject({ code: 'AccessDenied' });
    });

    it('follows variables of the policy', async () => {
      const user = await makeUser(iam(), allow('s3:PutObject', `arn:aws:s3:::${Bucket}/home/\${aws:username}/*`));
      const s3 = s3Of(wire.server, user.keys);
      await put(s3, Bucket, `home/${user.name}/x`, 'x');
      expect(await failure(put(s3, Bucket, 'home/another/x', 'x'))).toMatchObject({ code: 'AccessDenied' });
    });

    it('may come from the bucket’s policy alone, in their own account', async () => {
      const user = await makeUser(iam());
      const theirs = await wire.bucket();
      await put(wire.s3, theirs, 'k', 'v');
      const statement = { Effect: 'Allow', Action: 's3:GetObject', Resource: `arn:aws:s3:::${theirs}/*` };
      const policy = (AWS: string) =>
        wire.s3.send(
          new PutBucketPolicyCommand({
            Bucket: theirs,
            Policy: JSON.stringify({ Version: '2012-10-17', Statement: [{ ...statement, Principal: { AWS } }] }),
          }),
        );
      const fetch = () => s3Of(wire.server, user.keys).send(new GetObjectCommand({ Bucket: theirs, Key: 'k' }));
      await policy(user.arn);
      await fetch();
      // The account: it leaves the permission to the account's own policies.
      await policy(`arn:aws:iam::${root.tenant}:root`);
      await expect.poll(async () => (await failure(fetch())).code, { timeout: OBEYED_WITHIN_MS }).toBe('AccessDenied');
    });

    it('needs both accounts where another one owns the bucket', async () => {
      const user = await makeUser(iam());
      const theirs = bucketName();
      const owner = wire.client(other);
      await owner.send(new CreateBucketCommand({ Bucket: theirs, ObjectOwnership: 'ObjectWriter' }));
      const list = () => s3Of(wire.server, user.keys).send(new ListObjectsV2Command({ Bucket: theirs }));
      await owner.send(new PutBucketAclCommand({ Bucket: theirs, GrantRead: `id="${root.tenant}"` }));
      expect(await failure(list())).toMatchObject({ code: 'AccessDenied' });
      await iam().send(
        new PutUserPolicyCommand({ UserName: user.name, PolicyName: 'p', PolicyDocument: allow('s3:*') }),
      );
      await list();
      await owner.send(new PutBucketAclCommand({ Bucket: theirs, ACL: 'private' }));
      await expect.poll(async () => (await failure(list())).code, { timeout: OBEYED_WITHIN_MS }).toBe('AccessDenied');
    });

    it('ends at their permissions boundary', async () => {
      const user = await makeUser(iam(), allow('s3:*'));
      await iam().send(
        new PutUserPermissionsBoundaryCommand({
          UserName: user.name,
          PermissionsBoundary: 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess',
        }),
      );
      await get(user.keys);
      expect(await failure(put(s3Of(wire.server, user.keys), Bucket, 'x', 'x'))).toMatchObject({
        code: 'AccessDenied',
      });
    });
  });

  describe('groups', () => {
    it('give their policies to their users, and take them away', async () => {
      const user = await makeUser(iam());
      const UserName = user.name;
      const GroupName = unique('group');
      await iam().send(new CreateGroupCommand({ GroupName, Path: '/g/' }));
      await iam().send(
        new PutGroupPolicyCommand({ GroupName, PolicyName: 'p', PolicyDocument: allow('s3:GetObject') }),
      );
      expect(await failure(get(user.keys))).toMatchObject({ code: 'AccessDenied' });
      await iam().send(new AddUserToGroupCommand({ GroupName, UserName }));
      await get(user.keys);
      expect(await refusal(iam().send(new DeleteGroupCommand({ GroupName })))).toBe('DeleteConflict 409');
      const NewGroupName = unique('renamed');
      await iam().send(new UpdateGroupCommand({ GroupName, NewGroupName }));
      await get(user.keys);
      const shown = await iam().send(new GetGroupCommand({ GroupName: NewGroupName }));
      expect(shown.Users?.map((each) => each.UserName)).toEqual([UserName]);
      expect(shown.Group?.Arn).toBe(`arn:aws:iam::${root.tenant}:group/g/${NewGroupName}`);
      const groups = await iam().send(new ListGroupsForUserCommand({ UserName }));
      expect(groups.Groups?.map((each) => each.GroupName)).toEqual([NewGroupName]);
      await iam().send(new RemoveUserFromGroupCommand({ GroupName: NewGroupName, UserName }));
      expect(await failure(get(user.keys))).toMatchObject({ code: 'AccessDenied' });
      await iam().send(
        new AttachGroupPolicyCommand({
          GroupName: NewGroupName,
          PolicyArn: 'arn:aws:iam::aws:policy/AmazonS3FullAccess',
        }),
      );
      await iam().send(new AddUserToGroupCommand({ GroupName: NewGroupName, UserName }));
      await put(s3Of(wire.server, user.keys), Bucket, 'by-group', 'x');
    });
  });

  describe('managed policies', () => {
    it('have versions, of which the default one counts', async () => {
      const user = await makeUser(iam());
      const PolicyName = unique('policy');
      const { Policy } = await iam().send(
        new CreatePolicyCommand({ PolicyName, PolicyDocument: allow('s3:GetObject') }),
      );
      const PolicyArn = Policy?.Arn ?? '';
      expect(PolicyArn).toBe(`arn:aws:iam::${root.tenant}:policy/${PolicyName}`);
      await iam().send(new AttachUserPolicyCommand({ UserName: user.name, PolicyArn }));
      await get(user.keys);
      const added = await iam().send(
        new CreatePolicyVersionCommand({ PolicyArn, PolicyDocument: allow('s3:PutObject'), SetAsDefault: true }),
      );
      expect(added.PolicyVersion).toMatchObject({ VersionId: 'v2', IsDefaultVersion: true });
      expect(await failure(get(user.keys))).toMatchObject({ code: 'AccessDenied' });
      const versions = await iam().send(new ListPolicyVersionsCommand({ PolicyArn }));
      expect(versions.Versions?.map((each) => each.VersionId)).toEqual(['v2', 'v1']);
      const first = await iam().send(new GetPolicyVersionCommand({ PolicyArn, VersionId: 'v1' }));
      expect(decodeURIComponent(first.PolicyVersion?.Document ?? '')).toBe(allow('s3:GetObject'));
      const entities = await iam().send(new ListEntitiesForPolicyCommand({ PolicyArn }));
      expect(entities.PolicyUsers?.map((each) => each.UserName)).toEqual([user.name]);
      expect(await refusal(iam().send(new DeletePolicyCommand({ PolicyArn })))).toBe('DeleteConflict 409');
    });

    it.each([
      ['not JSON', '{'],
      ['an unknown version', JSON.stringify({ Version: '2010-10-17', Statement: [] })],
      ['no statement', JSON.stringify({ Version: '2012-10-17' })],
      [
        'a principal',
        JSON.stringify({ Statement: { Effect: 'Allow', Action: '*', Resource: '*', Principal: { AWS: '*' } } }),
      ],
    ])('are refused with %s', async (_what, PolicyDocument) => {
      expect(await refusal(iam().send(new CreatePolicyCommand({ PolicyName: 'p', PolicyDocument })))).toBe(
        'MalformedPolicyDocument 400',
      );
    });
  });

  describe('the API', () => {
    it('is for those whom policies allow it', async () => {
      const user = await makeUser(
        iam(),
        allow('iam:ListAccessKeys', `arn:aws:iam::${root.tenant}:user/\${aws:username}`),
      );
      const own = iamOf(wire.server, user.keys);
      expect((await own.send(new ListAccessKeysCommand({}))).AccessKeyMetadata).toHaveLength(1);
      const someone = await makeUser(iam());
      for (const refused of await Promise.all(
        [
          own.send(new ListAccessKeysCommand({ UserName: someone.name })),
          own.send(new CreateAccessKeyCommand({})),
          own.send(new PutUserPolicyCommand({ UserName: user.name, PolicyName: 'p', PolicyDocument: allow('*') })),
          own.send(new GetAccountSummaryCommand({})),
        ].map(refusal),
      ))
        expect(refused).toBe('AccessDenied 403');
      const admin = await makeUser(iam(), allow('iam:*'));
      const created = await makeUser(iamOf(wire.server, admin.keys), allow('s3:GetObject'));
      await get(created.keys);
    });

    it('knows whom a master key acts for', async () => {
      const client = iamOf(wire.server, master);
      client.middlewareStack.add(
        (next) => (args) => {
          const request = args.request as { headers: Record<string, string> };
          request.headers['x-amz-masquerade-tenant'] = root.tenant;
          return next(args);
        },
        { step: 'build' },
      );
      expect((await client.send(new GetUserCommand({}))).User?.Arn).toBe(`arn:aws:iam::${root.tenant}:root`);
    });

    it('counts what an account has', async () => {
      const before = (await iam().send(new GetAccountSummaryCommand({}))).SummaryMap;
      await makeUser(iam());
      const after = (await iam().send(new GetAccountSummaryCommand({}))).SummaryMap;
      expect(after?.Users).toBe((before?.Users ?? 0) + 1);
      expect(after).toMatchObject({ UsersQuota: 5000, AccessKeysPerUserQuota: 2 });
    });

    it.each([
      ['an unknown key', { accessKeyId: 'AKIANOSUCHKEYATALL00', secretAccessKey: 'x' }, 'InvalidClientTokenId 403'],
      ['a wrong secret', { ...root, secretAccessKey: 'wrong' }, 'SignatureDoesNotMatch 403'],
      ['a made-up token', { ...root, sessionToken: 'made-up' }, 'InvalidClientTokenId 403'],
    ])('refuses %s', async (_what, keys, expected) => {
      expect(await refusal(iamOf(wire.server, keys).send(new GetUserCommand({})))).toBe(expected);
    });

    it.each([
      ['Action=GetUser&Version=2010-05-08', 403, 'MissingAuthenticationToken'],
      ['Action=NoSuchAction&Version=2010-05-08', 400, 'InvalidAction'],
      ['Action=GetUser&Version=2011-06-15', 400, 'InvalidAction'],
      ['Version=2010-05-08', 400, 'MissingAction'],
      [`Action=GetUser&x=${'x'.repeat(300_000)}`, 413, 'RequestEntityTooLarge'],
    ])('answers %.60s unsigned with %i %s', async (body, status, code) => {
      const answer = await exchange(wire.server, {
        method: 'POST',
        target: '/',
        headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
        body,
      });
      expect(answer.status).toBe(status);
      expect(answer.body.toString()).toContain(`<Error><Type>Sender</Type><Code>${code}</Code>`);
    });
  });

  it('is obeyed within seconds by other gateways on the same store', async () => {
    const second = await spawnPithos({ config: wire.home.config });
    try {
      const user = await makeUser(iam(), allow('s3:GetObject'));
      const elsewhere = () => s3Of(second, user.keys).send(new GetObjectCommand({ Bucket, Key: 'there' }));
      await elsewhere();
      const UserName = user.name;
      await iam().send(new DeleteUserPolicyCommand({ UserName, PolicyName: 'inline' }));
      await expect.poll(async () => codeOf(elsewhere()), { timeout: OBEYED_WITHIN_MS }).toBe('AccessDenied');
      await iam().send(new PutUserPolicyCommand({ UserName, PolicyName: 'p', PolicyDocument: allow('s3:GetObject') }));
      await expect.poll(async () => codeOf(elsewhere()), { timeout: OBEYED_WITHIN_MS }).toBe('none');
      await iam().send(new DeleteAccessKeyCommand({ UserName, AccessKeyId: user.keys.accessKeyId }));
      await expect.poll(async () => codeOf(elsewhere()), { timeout: OBEYED_WITHIN_MS }).toBe('InvalidAccessKeyId');
    } finally {
      await second.stop();
    }
  });
});

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'none',
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  );
}
