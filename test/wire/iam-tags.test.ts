// Tags of what an account has, their limits, and the conditions of policies that ask for them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
import {
  AttachUserPolicyCommand,
  CreateOpenIDConnectProviderCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  GetUserCommand,
  ListOpenIDConnectProviderTagsCommand,
  ListPolicyTagsCommand,
  ListRoleTagsCommand,
  ListUserTagsCommand,
  TagOpenIDConnectProviderCommand,
  TagPolicyCommand,
  TagRoleCommand,
  TagUserCommand,
  UntagOpenIDConnectProviderCommand,
  UntagPolicyCommand,
  UntagRoleCommand,
  UntagUserCommand,
} from '@aws-sdk/client-iam';
import type { Tag } from '@aws-sdk/client-iam';
import { describe, expect, it } from 'vitest';
import { allow, iamOf, makeUser, refusal, trust, unique } from './iam-clients.js';
import { describeWire, KEYS } from './servers.js';

const { user: root } = KEYS;
type Pair = readonly [key: string, value: string];
const tags = (...pairs: Pair[]): Tag[] => pairs.map(([Key, Value]) => ({ Key, Value }));
const numbered = (count: number): Tag[] => tags(...Array.from({ length: count }, (_, i) => [`t${i}`, 'v'] as const));

function allowIf(Action: string, Condition: unknown): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Action, Resource: '*', Condition }],
  });
}

describeWire('tags of IAM', (wire) => {
  const iam = () => iamOf(wire.server, root);
  const newUser = async (Tags: Tag[] = []): Promise<string> => {
    const UserName = unique('tagged');
    await iam().send(new CreateUserCommand({ UserName, Tags }));
    return UserName;
  };
  const ofUser = async (UserName: string) => (await iam().send(new ListUserTagsCommand({ UserName }))).Tags;

  describe('of users and roles', () => {
    it('have keys whose case is kept, and does not tell two of them apart', async () => {
      const UserName = await newUser(tags(['Env', 'test']));
      await iam().send(new TagUserCommand({ UserName, Tags: tags(['env', 'prod'], ['Team', 'a']) }));
      expect(await ofUser(UserName)).toEqual(tags(['Team', 'a'], ['env', 'prod']));
      await iam().send(new UntagUserCommand({ UserName, TagKeys: ['TEAM', 'not there'] }));
      expect(await ofUser(UserName)).toEqual(tags(['env', 'prod']));
      const double = new TagUserCommand({ UserName, Tags: tags(['a', '1'], ['A', '2']) });
      expect(await refusal(iam().send(double))).toBe('InvalidInput 400');

      const RoleName = unique('role');
      await iam().send(
        new CreateRoleCommand({
          RoleName,
          AssumeRolePolicyDocument: trust({ AWS: root.tenant }),
          Tags: tags(['K', '1']),
        }),
      );
      await iam().send(new TagRoleCommand({ RoleName, Tags: tags(['k', '2']) }));
      expect((await iam().send(new ListRoleTagsCommand({ RoleName }))).Tags).toEqual(tags(['k', '2']));
      await iam().send(new UntagRoleCommand({ RoleName, TagKeys: ['K'] }));
      expect((await iam().send(new ListRoleTagsCommand({ RoleName }))).Tags).toEqual([]);
    });

    it('are at most 50, however they come together', async () => {
      const UserName = await newUser(numbered(50));
      await iam().send(new TagUserCommand({ UserName, Tags: tags(['t7', 'changed']) }));
      expect(await refusal(iam().send(new TagUserCommand({ UserName, Tags: tags(['more', 'v']) })))).toBe(
        'LimitExceeded 409',
      );
      const many = new CreateUserCommand({ UserName: unique('many'), Tags: numbered(51) });
      expect(await refusal(iam().send(many))).toBe('ValidationError 400');
    });

    it('are checked before it is looked whose they are', async () => {
      const UserName = unique('nobody');
      for (const Tags of [
        [],
        tags(['', 'v']),
        tags(['k'.repeat(129), 'v']),
        tags(['k', 'v'.repeat(257)]),
        tags(['k*', 'v']),
      ])
        expect(await refusal(iam().send(new TagUserCommand({ UserName, Tags })))).toBe('ValidationError 400');
      for (const TagKeys of [[], ['k*'], Array.from({ length: 51 }, (_, i) => `k${i}`)])
        expect(await refusal(iam().send(new UntagUserCommand({ UserName, TagKeys })))).toBe('ValidationError 400');
      expect(await refusal(iam().send(new ListUserTagsCommand({ UserName, MaxItems: 0 })))).toBe('ValidationError 400');
      const right = new TagUserCommand({ UserName, Tags: tags(['ключ 1:_.=+-@/', '']) });
      expect(await refusal(iam().send(right))).toBe('NoSuchEntity 404');
    });
  });

  it('of policies and providers tell keys apart by case', async () => {
    const { Policy } = await iam().send(
      new CreatePolicyCommand({ PolicyName: unique('p'), PolicyDocument: allow('s3:*'), Tags: tags(['k', '1']) }),
    );
    const policy = { PolicyArn: Policy?.Arn };
    await iam().send(new TagPolicyCommand({ ...policy, Tags: tags(['K', '2']) }));
    expect((await iam().send(new ListPolicyTagsCommand(policy))).Tags).toEqual(tags(['K', '2'], ['k', '1']));
    await iam().send(new UntagPolicyCommand({ ...policy, TagKeys: ['k'] }));
    expect((await iam().send(new ListPolicyTagsCommand(policy))).Tags).toEqual(tags(['K', '2']));

    const { OpenIDConnectProviderArn } = await iam().send(
      new CreateOpenIDConnectProviderCommand({
        Url: `https://${unique('tagged')}.example.com`,
        Tags: tags(['k', '1'], ['K', '2']),
      }),
    );
    const provider = { OpenIDConnectProviderArn };
    await iam().send(new TagOpenIDConnectProviderCommand({ ...provider, Tags: tags(['k', '3'], ['other', '']) }));
    await iam().send(new UntagOpenIDConnectProviderCommand({ ...provider, TagKeys: ['OTHER', 'K'] }));
    const page = await iam().send(new ListOpenIDConnectProviderTagsCommand({ ...provider, MaxItems: 1 }));
    expect(page).toMatchObject({ Tags: tags(['k', '3']), IsTruncated: true });
    const rest = await iam().send(new ListOpenIDConnectProviderTagsCommand({ ...provider, Marker: page.Marker }));
    expect(rest).toMatchObject({ Tags: tags(['other', '']), IsTruncated: false });
    const gone = { OpenIDConnectProviderArn: `${String(OpenIDConnectProviderArn)}x` };
    expect(await refusal(iam().send(new ListOpenIDConnectProviderTagsCommand(gone)))).toBe('NoSuchEntity 404');
  });

  describe('in policies', () => {
    it('are those of who is asked about', async () => {
      for (const key of ['aws:ResourceTag/team', 'iam:ResourceTag/Team']) {
        const admin = await makeUser(iam(), allowIf('iam:GetUser', { StringEquals: { [key]: 'storage' } }));
        const own = iamOf(wire.server, admin.keys);
        await own.send(new GetUserCommand({ UserName: await newUser(tags(['Team', 'storage'])) }));
        for (const UserName of [await newUser(tags(['Team', 'other'])), await newUser()])
          expect(await refusal(own.send(new GetUserCommand({ UserName })))).toBe('AccessDenied 403');
      }
    });

    it('are those that a request brings', async () => {
      const admin = await makeUser(
        iam(),
        allowIf('iam:CreateUser', {
          StringEquals: { 'aws:RequestTag/team': 'storage' },
          'ForAllValues:StringEquals': { 'aws:TagKeys': ['team', 'note'] },
        }),
      );
      const create = (...pairs: Pair[]) =>
        iamOf(wire.server, admin.keys).send(new CreateUserCommand({ UserName: unique('new'), Tags: tags(...pairs) }));
      await create(['team', 'storage'], ['note', 'x']);
      const refused = [create(), create(['team', 'other']), create(['team', 'storage'], ['more', 'x'])];
      for (const each of await Promise.all(refused.map(refusal))) expect(each).toBe('AccessDenied 403');
    });

    it('stand beside the boundary that a user is to have, and the policy that is attached', async () => {
      const { Policy } = await iam().send(
        new CreatePolicyCommand({ PolicyName: unique('boundary'), PolicyDocument: allow('s3:*') }),
      );
      const arn = Policy?.Arn ?? '';
      const makers = await makeUser(
        iam(),
        allowIf('iam:CreateUser', { StringEquals: { 'iam:PermissionsBoundary': arn } }),
      );
      const create = (PermissionsBoundary?: string) =>
        iamOf(wire.server, makers.keys).send(new CreateUserCommand({ UserName: unique('bound'), PermissionsBoundary }));
      await create(arn);
      expect(await refusal(create())).toBe('AccessDenied 403');

      const attachers = await makeUser(iam(), allowIf('iam:AttachUserPolicy', { ArnEquals: { 'iam:PolicyARN': arn } }));
      const UserName = await newUser();
      const attach = (PolicyArn: string) =>
        iamOf(wire.server, attachers.keys).send(new AttachUserPolicyCommand({ UserName, PolicyArn }));
      await attach(arn);
      expect(await refusal(attach('arn:aws:iam::aws:policy/AdministratorAccess'))).toBe('AccessDenied 403');
    });
  });
});
