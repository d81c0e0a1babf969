// STS as its clients use it: who calls, sessions of keys and roles, and web identities of a real OpenID Connect provider.
import {
  AddClientIDToOpenIDConnectProviderCommand,
  CreateOpenIDConnectProviderCommand,
  CreateRoleCommand,
  DeleteAccessKeyCommand,
  DeleteOpenIDConnectProviderCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  GetOpenIDConnectProviderCommand,
  GetRoleCommand,
  GetUserCommand,
  ListOpenIDConnectProvidersCommand,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
  RemoveClientIDFromOpenIDConnectProviderCommand,
  UpdateAssumeRolePolicyCommand,
  UpdateOpenIDConnectProviderThumbprintCommand,
} from '@aws-sdk/client-iam';
import { GetObjectCommand, ListBucketsCommand, PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import {
  AssumeRoleCommand,
  AssumeRoleWithWebIdentityCommand,
  GetCallerIdentityCommand,
  GetFederationTokenCommand,
  GetSessionTokenCommand,
} from '@aws-sdk/client-sts';
import type { AssumeRoleCommandInput } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spawnPithos } from '../support/server.js';
import { failure, put } from './helpers.js';
import { allow, deny, iamOf, keysOf, makeUser, refusal, s3Of, stsOf, trust, unique } from './iam-clients.js';
import type { Keys } from './iam-clients.js';
import { CLIENT_ID, startOidc } from './oidc.js';
import type { OidcServer } from './oidc.js';
import { describeWire, KEYS } from './servers.js';

const { user: root, other } = KEYS;
const OBEYED_WITHIN_MS = 4_000;
const RoleSessionName = 'a-session';

describeWire('sts', (wire) => {
  const iam = () => iamOf(wire.server, root);
  let Bucket = '';
  beforeAll(async () => {
    Bucket = await wire.bucket();
    await put(wire.s3, Bucket, 'there', 'content');
    await put(wire.s3, Bucket, 'too', 'content');
  });
  const get = (keys: Keys, Key = 'there', server: { readonly url: string } = wire.server) =>
    s3Of(server, keys).send(new GetObjectCommand({ Bucket, Key }));
  const role = async (trustPolicy: string, policy?: string, MaxSessionDuration?: number) => {
    const RoleName = unique('role');
    const { Role } = await iam().send(
      new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trustPolicy, MaxSessionDuration }),
    );
    if (policy !== undefined)
      await iam().send(new PutRolePolicyCommand({ RoleName, PolicyName: 'p', PolicyDocument: policy }));
    return { RoleName, RoleArn: Role?.Arn ?? '', id: Role?.RoleId ?? '' };
  };
  const assume = (keys: Keys, input: Pick<AssumeRoleCommandInput, 'RoleArn'> & Partial<AssumeRoleCommandInput>) =>
    stsOf(wire.server, keys).send(new AssumeRoleCommand({ RoleSessionName, ...input }));

  describe('GetCallerIdentity', () => {
    it('tells the root, users and sessions who they are', async () => {
      const who = async (keys: Keys) => {
        const { UserId, Account, Arn } = await stsOf(wire.server, keys).send(new GetCallerIdentityCommand({}));
        return { UserId, Account, Arn };
      };
      const Account = root.tenant;
      expect(await who(root)).toEqual({ UserId: Account, Account, Arn: `arn:aws:iam::${Account}:root` });
      const user = await makeUser(iam(), deny('*'));
      expect(await who(user.keys)).toMatchObject({ Account, Arn: user.arn });
      const { RoleArn, RoleName, id } = await role(trust({ AWS: root.tenant }));
      const { Credentials, AssumedRoleUser } = await assume(root, { RoleArn });
      const Arn = `arn:aws:sts::${Account}:assumed-role/${RoleName}/${RoleSessionName}`;
      expect(AssumedRoleUser).toEqual({ AssumedRoleId: `${id}:${RoleSessionName}`, Arn });
      expect(await who(keysOf(Credentials))).toEqual({ UserId: `${id}:${RoleSessionName}`, Account, Arn });
    });
  });

  describe('GetSessionToken', () => {
    it('gives a user’s permissions, and no IAM', async () => {
      const user = await makeUser(iam(), allow(['s3:GetObject', 'iam:*']));
      const sts = stsOf(wire.server, user.keys);
      const { Credentials } = await sts.send(new GetSessionTokenCommand({ DurationSeconds: 900 }));
      const keys = keysOf(Credentials);
      expect(Math.abs(Number(Credentials?.Expiration) - Date.now() - 900_000)).toBeLessThan(60_000);
      await get(keys);
      expect(await failure(s3Of(wire.server, keys).send(new ListBucketsCommand({})))).toMatchObject({
        code: 'AccessDenied',
      });
      expect(await refusal(iamOf(wire.server, keys).send(new GetUserCommand({})))).toBe('AccessDenied 403');
      expect(await refusal(stsOf(wire.server, keys).send(new GetSessionTokenCommand({})))).toBe('AccessDenied 403');
      // With the key, its sessions.
      await iam().send(new DeleteAccessKeyCommand({ UserName: user.name, AccessKeyId: user.keys.accessKeyId }));
      expect(await failure(get(keys))).toMatchObject({ code: 'InvalidAccessKeyId' });
    });

    it('gives the root’s', async () => {
      const { Credentials } = await stsOf(wire.server, root).send(new GetSessionTokenCommand({}));
      const keys = keysOf(Credentials);
      await get(keys);
      expect(Number(Credentials?.Expiration) - Date.now()).toBeLessThan(3_660_000);
    });

    it('is asked with a token that fits the key', async () => {
      const sts = stsOf(wire.server, root);
      const [one, two] = [
        keysOf((await sts.send(new GetSessionTokenCommand({}))).Credentials),
        keysOf((await sts.send(new GetSessionTokenCommand({}))).Credentials),
      ];
      await get(one);
      const { sessionToken = '', ...bare } = one;
      const flipped = `${sessionToken.slice(0, -2)}${sessionToken.endsWith('A') ? 'B' : 'A'}${sessionToken.slice(-1)}`;
      expect(await failure(get(bare))).toMatchObject({ status: 403, code: 'InvalidAccessKeyId' });
      for (const wrong of [two.sessionToken ?? '', flipped, 'x'])
        expect(await failure(get({ ...bare, sessionToken: wrong }))).toMatchObject({
          status: 400,
          code: 'InvalidToken',
        });
    });
  });

  it('GetFederationToken gives what its policy and its maker both allow', async () => {
    const user = await makeUser(iam(), allow(['s3:GetObject', 'sts:GetFederationToken']));
    const sts = stsOf(wire.server, user.keys);
    const Policy = allow(['s3:GetObject', 's3:ListAllMyBuckets'], [`arn:aws:s3:::${Bucket}/there`, '*']);
    const given = await sts.send(new GetFederationTokenCommand({ Name: 'bob', Policy }));
    expect(given.FederatedUser?.Arn).toBe(`arn:aws:sts::${root.tenant}:federated-user/bob`);
    const keys = keysOf(given.Credentials);
    await get(keys);
    expect(await failure(s3Of(wire.server, keys).send(new ListBucketsCommand({})))).toMatchObject({
      code: 'AccessDenied',
    });
    const without = await sts.send(new GetFederationTokenCommand({ Name: 'bob' }));
    expect(await failure(get(keysOf(without.Credentials)))).toMatchObject({ code: 'AccessDenied' });
    const powerless = await makeUser(iam());
    expect(await refusal(stsOf(wire.server, powerless.keys).send(new GetFederationTokenCommand({ Name: 'bob' })))).toBe(
      'AccessDenied 403',
    );
  });

  describe('AssumeRole', () => {
    it('asks the trust policy, and gives the role’s permissions instead of the caller’s', async () => {
      const user = await makeUser(iam(), allow('s3:ListAllMyBuckets'));
      const { RoleArn, RoleName } = await role(trust({ AWS: user.arn }), allow('s3:GetObject'));
      const keys = keysOf((await assume(user.keys, { RoleArn })).Credentials);
      await get(keys);
      expect(await failure(s3Of(wire.server, keys).send(new ListBucketsCommand({})))).toMatchObject({
        code: 'AccessDenied',
      });
      const stranger = await makeUser(iam(), allow('sts:*'));
      expect(await refusal(assume(stranger.keys, { RoleArn }))).toBe('AccessDenied 403');
      await iam().send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument: trust({ AWS: stranger.arn }) }));
      await assume(stranger.keys, { RoleArn });
      expect(await refusal(assume(user.keys, { RoleArn }))).toBe('AccessDenied 403');
    });

    it('needs the caller’s policies where the trust policy names the account, and across accounts', async () => {
      const user = await makeUser(iam());
      const { RoleArn } = await role(trust({ AWS: [root.tenant, `arn:aws:iam::${other.tenant}:root`] }));
      const theirs = await makeUser(iamOf(wire.server, other));
      for (const [who, owner] of [
        [user, root],
        [theirs, other],
      ] as const) {
        expect(await refusal(assume(who.keys, { RoleArn }))).toBe('AccessDenied 403');
        const PolicyDocument = allow('sts:AssumeRole', RoleArn);
        await iamOf(wire.server, owner).send(
          new PutUserPolicyCommand({ UserName: who.name, PolicyName: 'p', PolicyDocument }),
        );
        await assume(who.keys, { RoleArn });
      }
      expect(await refusal(assume(root, { RoleArn: `${RoleArn}x` }))).toBe('AccessDenied 403');
    });

    it('is limited by session policies', async () => {
      const { RoleArn } = await role(trust({ AWS: root.tenant }), allow('s3:*'));
      const Policy = allow('s3:GetObject', `arn:aws:s3:::${Bucket}/there`);
      const limited = await assume(root, { RoleArn, Policy });
      const keys = keysOf(limited.Credentials);
      await get(keys);
      expect(await failure(get(keys, 'too'))).toMatchObject({ code: 'AccessDenied' });
      const readOnly = [{ arn: 'arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess' }];
      const reader = keysOf((await assume(root, { RoleArn, PolicyArns: readOnly })).Credentials);
      await get(reader, 'too');
      expect(await failure(put(s3Of(wire.server, reader), Bucket, 'x', 'x'))).toMatchObject({ code: 'AccessDenied' });
      const gone = [{ arn: 'arn:aws:iam::aws:policy/NoSuchPolicyAtAll' }];
      expect(await refusal(assume(root, { RoleArn, PolicyArns: gone }))).toBe('ValidationError 400');
      expect(await refusal(assume(root, { RoleArn, Policy: '{"not": "a policy"}' }))).toBe(
        'MalformedPolicyDocument 400',
      );
    });

    it('passes a bucket policy’s grant to the session past its session policy, but not the role’s', async () => {
      const { RoleArn, RoleName } = await role(trust({ AWS: root.tenant }));
      const Policy = allow('s3:ListAllMyBuckets');
      const keys = keysOf((await assume(root, { RoleArn, Policy })).Credentials);
      const grant = (AWS: string) =>
        wire.s3.send(
          new PutBucketPolicyCommand({
            Bucket,
            Policy: JSON.stringify({
              Version: '2012-10-17',
              Statement: [
                { Effect: 'Allow', Principal: { AWS }, Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/*` },
              ],
            }),
          }),
        );
      await grant(RoleArn);
      expect(await failure(get(keys))).toMatchObject({ code: 'AccessDenied' });
      await grant(`arn:aws:sts::${root.tenant}:assumed-role/${RoleName}/${RoleSessionName}`);
      await expect
        .poll(
          async () =>
            get(keys).then(
              () => 'ok',
              () => 'no',
            ),
          { timeout: OBEYED_WITHIN_MS },
        )
        .toBe('ok');
    });

    it('knows external ids and session tags', async () => {
      const condition = { StringEquals: { 'sts:ExternalId': 'secret', 'aws:RequestTag/team': 'storage' } };
      const tagged = JSON.parse(trust({ AWS: root.tenant }, 'sts:AssumeRole', condition)) as { Statement: object[] };
      tagged.Statement.push({ Effect: 'Allow', Principal: { AWS: root.tenant }, Action: 'sts:TagSession' });
      const { RoleArn } = await role(
        JSON.stringify(tagged),
        allow('s3:GetObject', `arn:aws:s3:::${Bucket}/\${aws:PrincipalTag/team}`),
      );
      await put(wire.s3, Bucket, 'storage', 'x');
      const Tags = [{ Key: 'team', Value: 'storage' }];
      expect(await refusal(assume(root, { RoleArn, Tags }))).toBe('AccessDenied 403');
      expect(await refusal(assume(root, { RoleArn, ExternalId: 'secret' }))).toBe('AccessDenied 403');
      const keys = keysOf((await assume(root, { RoleArn, Tags, ExternalId: 'secret' })).Credentials);
      await get(keys, 'storage');
      expect(await failure(get(keys))).toMatchObject({ code: 'AccessDenied' });
    });

    it('lasts as long as the role lets it', async () => {
      const { RoleArn, RoleName } = await role(trust({ AWS: root.tenant }), undefined, 7200);
      await assume(root, { RoleArn, DurationSeconds: 7200 });
      for (const DurationSeconds of [899, 7201, 50_000])
        expect(await refusal(assume(root, { RoleArn, DurationSeconds }))).toBe('ValidationError 400');
      expect((await iam().send(new GetRoleCommand({ RoleName }))).Role?.MaxSessionDuration).toBe(7200);
    });

    it('works on every gateway, and ends with the role’s permissions and the role', async () => {
      const second = await spawnPithos({ config: wire.home.config });
      try {
        const { RoleArn, RoleName } = await role(trust({ AWS: root.tenant }), allow('s3:GetObject'));
        const keys = keysOf((await assume(root, { RoleArn })).Credentials);
        await get(keys, 'there', second);
        const code = () =>
          get(keys, 'there', second).then(
            () => 'none',
            (error: unknown) => (error instanceof Error ? error.name : ''),
          );
        await iam().send(new DeleteRolePolicyCommand({ RoleName, PolicyName: 'p' }));
        await expect.poll(code, { timeout: OBEYED_WITHIN_MS }).toBe('AccessDenied');
        await iam().send(new DeleteRoleCommand({ RoleName }));
        await expect.poll(code, { timeout: OBEYED_WITHIN_MS }).toBe('InvalidAccessKeyId');
        // Another role of that name is another role.
        await iam().send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust({ AWS: root.tenant }) }));
        expect(await failure(get(keys))).toMatchObject({ code: 'InvalidAccessKeyId' });
      } finally {
        await second.stop();
      }
    });
  });

  describe('AssumeRoleWithWebIdentity', () => {
    let oidc: OidcServer;
    let providerArn = '';
    beforeAll(async () => {
      oidc = await startOidc({ claims: { 'https://aws.amazon.com/tags': { principal_tags: { team: ['there'] } } } });
      const created = await iam().send(
        new CreateOpenIDConnectProviderCommand({
          Url: oidc.issuer,
          ClientIDList: [CLIENT_ID],
          ThumbprintList: [oidc.thumbprint],
        }),
      );
      providerArn = created.OpenIDConnectProviderArn ?? '';
    });
    afterAll(() => oidc.close());
    const web = (RoleArn: string, WebIdentityToken: string, more: object = {}) =>
      stsOf(wire.server, { accessKeyId: 'unused', secretAccessKey: 'unused' }).send(
        new AssumeRoleWithWebIdentityCommand({ RoleArn, RoleSessionName, WebIdentityToken, ...more }),
      );
    const action = 'sts:AssumeRoleWithWebIdentity';
    const webTrust = (Condition?: unknown) => {
      const policy = JSON.parse(trust({ Federated: providerArn }, action, Condition)) as { Statement: object[] };
      policy.Statement.push({ Effect: 'Allow', Principal: { Federated: providerArn }, Action: 'sts:TagSession' });
      return JSON.stringify(policy);
    };
    const host = () => oidc.issuer.replace('https://', '');

    it('trusts the provider’s tokens under the trust policy’s conditions', async () => {
      const { RoleArn, RoleName } = await role(
        webTrust({ StringEquals: { [`${host()}:sub`]: 'alice', [`${host()}:aud`]: CLIENT_ID } }),
        allow('s3:GetObject', `arn:aws:s3:::${Bucket}/\${aws:PrincipalTag/team}`),
      );
      const given = await web(RoleArn, await oidc.idToken('alice'), { DurationSeconds: 900 });
      expect(given).toMatchObject({
        SubjectFromWebIdentityToken: 'alice',
        Audience: CLIENT_ID,
        Provider: providerArn,
        AssumedRoleUser: { Arn: `arn:aws:sts::${root.tenant}:assumed-role/${RoleName}/${RoleSessionName}` },
      });
      const keys = keysOf(given.Credentials);
      await get(keys);
      expect(await failure(get(keys, 'too'))).toMatchObject({ code: 'AccessDenied' });
      expect(await refusal(web(RoleArn, await oidc.idToken('mallory')))).toBe('AccessDenied 403');
    });

    it('refuses tokens that are changed, of others, or for others', async () => {
      const { RoleArn } = await role(webTrust());
      const token = await oidc.idToken('alice');
      const [header = '', payload = '', signature = ''] = token.split('.');
      const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object;
      const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const impostor = await startOidc({});
      const foreign = await impostor.idToken('alice');
      await impostor.close();
      for (const wrong of [
        [header, encode({ ...claims, sub: 'root' }), signature].join('.'),
        [encode({ alg: 'none' }), payload, ''].join('.'),
        'not-a-token',
        foreign,
      ])
        expect(await refusal(web(RoleArn, wrong))).toBe('InvalidIdentityToken 400');
      const provider = { OpenIDConnectProviderArn: providerArn };
      const client = { ...provider, ClientID: CLIENT_ID };
      await iam().send(new RemoveClientIDFromOpenIDConnectProviderCommand(client));
      expect(await refusal(web(RoleArn, token))).toBe('InvalidIdentityToken 400');
      await iam().send(new AddClientIDToOpenIDConnectProviderCommand(client));
      await web(RoleArn, token);
      const plain = await role(trust({ AWS: root.tenant }));
      expect(await refusal(web(plain.RoleArn, token))).toBe('AccessDenied 403');
      expect(await refusal(web(`${RoleArn}x`, token))).toBe('AccessDenied 403');
    });

    it('talks only to the server that has the thumbprint', async () => {
      const { RoleArn } = await role(webTrust());
      const token = await oidc.idToken('alice');
      const update = (thumbprint: string) =>
        iam().send(
          new UpdateOpenIDConnectProviderThumbprintCommand({
            OpenIDConnectProviderArn: providerArn,
            ThumbprintList: [thumbprint],
          }),
        );
      await update('0'.repeat(40));
      expect(await refusal(web(RoleArn, token))).toBe('IDPCommunicationError 400');
      await update(oidc.thumbprint.toUpperCase());
      await web(RoleArn, token);
    });

    it('has providers as they were created', async () => {
      const provider = { OpenIDConnectProviderArn: providerArn };
      expect(providerArn).toBe(`arn:aws:iam::${root.tenant}:oidc-provider/${host()}`);
      expect(await iam().send(new GetOpenIDConnectProviderCommand(provider))).toMatchObject({
        Url: host(),
        ClientIDList: [CLIENT_ID],
      });
      const listed = await iam().send(new ListOpenIDConnectProvidersCommand({}));
      expect(listed.OpenIDConnectProviderList?.map(({ Arn }) => Arn)).toContain(providerArn);
      for (const Url of ['http://example.com', 'https://user:pw@example.com', 'https://example.com/?q=1', 'x'])
        expect(await refusal(iam().send(new CreateOpenIDConnectProviderCommand({ Url })))).toBe('ValidationError 400');
      const Url = `https://${unique('provider')}.example.com/path`;
      const { OpenIDConnectProviderArn } = await iam().send(new CreateOpenIDConnectProviderCommand({ Url }));
      expect(await refusal(iam().send(new CreateOpenIDConnectProviderCommand({ Url })))).toBe(
        'EntityAlreadyExists 409',
      );
      await iam().send(new DeleteOpenIDConnectProviderCommand({ OpenIDConnectProviderArn }));
      expect(await refusal(iam().send(new GetOpenIDConnectProviderCommand({ OpenIDConnectProviderArn })))).toBe(
        'NoSuchEntity 404',
      );
    });
  });
});
