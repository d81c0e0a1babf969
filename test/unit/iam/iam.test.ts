// The parts of the identity service that need no server: sealing, names, parameters, and what callers' policies say.
import { describe, expect, it } from 'vitest';
import { IAM_ACTIONS } from '../../../src/iam/iam-actions.js';
import { judgeCaller, rootCaller } from '../../../src/iam/iam-caller.js';
import type { Caller } from '../../../src/iam/iam-caller.js';
import { IamError, toIamError } from '../../../src/iam/iam-errors.js';
import { MANAGED_POLICIES } from '../../../src/iam/iam-managed-policies.js';
import { entityArn, newId, parseEntityArn, parseOidcProviderArn } from '../../../src/iam/iam-names.js';
import { markerOf, Params, USER_NAME } from '../../../src/iam/iam-params.js';
import { Sealer } from '../../../src/iam/iam-secrets.js';
import { parsePolicy } from '../../../src/iam/policy-parse.js';
import { openToken, sealToken } from '../../../src/iam/sts-token.js';
import type { SessionClaims } from '../../../src/iam/sts-token.js';
import { S3Error } from '../../../src/s3/errors.js';
import { StoreError } from '../../../src/store/errors.js';

const key = (byte: number) => Buffer.alloc(32, byte);

describe('Sealer', () => {
  it('opens what it sealed, under the same purpose and label alone', () => {
    const sealer = new Sealer([key(1)], 'tests');
    const sealed = sealer.seal('a secret é', 'label');
    expect(sealed).not.toContain('secret');
    expect(sealer.seal('a secret é', 'label')).not.toBe(sealed);
    expect(new Sealer([key(1)], 'tests').open(sealed, 'label')).toBe('a secret é');
    expect(sealer.open(sealed, 'another')).toBeNull();
    expect(new Sealer([key(1)], 'others').open(sealed, 'label')).toBeNull();
    expect(new Sealer([key(2)], 'tests').open(sealed, 'label')).toBeNull();
  });

  it('opens under an earlier key, and seals under the newest', () => {
    const sealed = new Sealer([key(1)], 'tests').seal('text', '');
    const rotated = new Sealer([key(2), key(1)], 'tests');
    expect(rotated.open(sealed, '')).toBe('text');
    expect(new Sealer([key(1)], 'tests').open(rotated.seal('text', ''), '')).toBeNull();
  });

  it('opens nothing that was changed in any bit', () => {
    const sealer = new Sealer([key(1)], 'tests');
    const bytes = Buffer.from(sealer.seal('text', ''), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(sealer.open(changed.toString('base64url'), '')).toBeNull();
    }
    for (const text of ['', 'x', 'AQ', bytes.subarray(0, 32).toString('base64url')])
      expect(sealer.open(text, '')).toBeNull();
  });

  it('needs a key', () => {
    expect(() => new Sealer([], 'tests')).toThrow(RangeError);
  });
});

it('a session token holds its claims', () => {
  const sealer = new Sealer([key(1)], 'tests');
  const claims: SessionClaims = {
    accessKey: 'ASIAX',
    secret: 's',
    account: 'a@b',
    expiresAtMs: 5,
    of: { kind: 'role', role: 'r', roleId: 'AROA', sessionName: 'n' },
    session: { issuedAtMs: 1, keys: { 'aws:principaltag/x': ['y'] }, policies: { inline: ['{}'], arns: [] } },
  };
  expect(openToken(sealer, sealToken(sealer, claims))).toEqual(claims);
  expect(openToken(sealer, sealer.seal(JSON.stringify(claims), 'something else'))).toBeNull();
});

describe('names', () => {
  it.each([
    ['/', 'bob'],
    ['/division/sub/', 'a+b=c,d.e@f-g_h'],
  ])('an ARN holds path %s and name %s', (path, name) => {
    const arn = entityArn('tenant@example.com', 'user', { path, name });
    expect(arn).toBe(`arn:aws:iam::tenant@example.com:user${path}${name}`);
    expect(parseEntityArn(arn, 'user')).toEqual({ account: 'tenant@example.com', path, name });
    expect(parseEntityArn(arn, 'role')).toBeNull();
  });

  it.each(['', 'arn:aws:iam::a', 'arn:aws:s3:::user/x', 'arn:aws:iam:eu:a:user/x', 'user/x'])('%j is none', (arn) => {
    expect(parseEntityArn(arn, 'user')).toBeNull();
    expect(parseOidcProviderArn(arn)).toBeNull();
  });

  it('has a provider’s URL with its path', () => {
    expect(parseOidcProviderArn('arn:aws:iam::a:oidc-provider/h:8443/p/q')).toEqual({
      account: 'a',
      url: 'h:8443/p/q',
    });
  });

  it('makes ids in AWS’s form', () => {
    expect(newId('AIDA')).toMatch(/^AIDA[A-Z2-7]{17}$/);
    expect(newId('AKIA')).toMatch(/^AKIA[A-Z2-7]{16}$/);
    expect(new Set(Array.from({ length: 1000 }, () => newId('AKIA'))).size).toBe(1000);
  });
});

describe('Params', () => {
  const codeOf = (read: () => unknown): string => {
    try {
      read();
    } catch (error) {
      if (error instanceof IamError) return error.code;
    }
    return 'none';
  };

  it('reads fields, lists, structures and tags', () => {
    const params = new Params(
      'A=a%20b+c&L.member.1=x&L.member.2=y&L.member.4=z&S.member.1.arn=r&Tags.member.1.Key=k&Tags.member.1.Value=&F=true',
    );
    expect(params.raw('A')).toBe('a b c');
    expect(params.list('L', { max: 5 })).toEqual(['x', 'y']);
    expect(params.field('S', 'arn', { max: 5 })).toEqual(['r']);
    expect(params.tags()).toEqual({ k: '' });
    expect(params.flag('F')).toBe(true);
    expect(params.flag('G')).toBe(false);
    expect(params.optional('constructor', { max: 5 })).toBeNull();
  });

  it.each([
    ['', 'ValidationError'],
    ['UserName=', 'ValidationError'],
    ['UserName=a%20b', 'ValidationError'],
    [`UserName=${'x'.repeat(65)}`, 'ValidationError'],
    [`UserName=${'x'.repeat(64)}`, 'none'],
  ])('checks %.30s: %s', (form, code) => {
    expect(codeOf(() => new Params(form).text('UserName', USER_NAME))).toBe(code);
  });

  it('takes its own markers alone', () => {
    expect(new Params(`Marker=${markerOf('añ')}&MaxItems=7`).page()).toEqual({ after: 'añ', maxItems: 7 });
    expect(new Params('').page()).toEqual({ after: '', maxItems: 100 });
    for (const form of ['Marker=%25%25', 'Marker=YQ%3D%3D', 'MaxItems=0', 'MaxItems=1001'])
      expect(codeOf(() => new Params(form).page())).toBe('ValidationError');
    expect(codeOf(() => new Params('MaxItems=x').page())).toBe('MalformedQueryString');
  });

  it('refuses tags that differ in case alone, where case does not count', () => {
    const tags = 'Tags.member.1.Key=a&Tags.member.1.Value=1&Tags.member.2.Key=A&Tags.member.2.Value=2';
    expect(codeOf(() => new Params(tags).tags())).toBe('InvalidInput');
    expect(new Params(tags).tags({ caseSensitive: true })).toEqual({ a: '1', A: '2' });
    expect(codeOf(() => new Params('Tags.member.1.Key=a').tags())).toBe('ValidationError');
  });
});

describe('judgeCaller', () => {
  const policy = (Effect: 'Allow' | 'Deny', Action: string, Condition?: object) =>
    parsePolicy(
      JSON.stringify({ Version: '2012-10-17', Statement: { Effect, Action, Resource: '*', Condition } }),
      'identity',
    );
  const user = (policies: Partial<NonNullable<Caller['policies']>>): Caller => ({
    ...rootCaller('acct'),
    principal: { ...rootCaller('acct').principal, type: 'User', id: 'AIDAX', userName: 'bob' },
    arn: 'arn:aws:iam::acct:user/bob',
    policies: { own: [], boundary: null, session: null, ...policies },
    keys: new Map([['aws:principaltag/team', ['x']]]),
  });
  const judge = (caller: Caller) =>
    judgeCaller(caller, { action: 's3:GetObject', resource: 'arn:aws:s3:::b/k', keys: { get: () => null } });
  const get = policy('Allow', 's3:Get*');
  const put = policy('Allow', 's3:Put*');
  const no = policy('Deny', 's3:*');

  it.each([
    ['the root', rootCaller('acct'), true, false],
    ['a user without policies', user({}), false, false],
    ['a policy that allows', user({ own: [put, get] }), true, false],
    ['a policy that denies', user({ own: [get, no] }), false, true],
    ['a boundary that does not allow', user({ own: [get], boundary: [put] }), false, false],
    ['a boundary alone', user({ boundary: [get] }), false, false],
    ['a boundary that denies', user({ own: [get], boundary: [no] }), false, true],
    ['a session that does not allow', user({ own: [get], session: [] }), false, false],
    ['all three', user({ own: [get], boundary: [get], session: [get] }), true, false],
    [
      'the caller’s tag',
      user({ own: [policy('Allow', '*', { StringEquals: { 'aws:PrincipalTag/team': 'x', 'aws:username': 'bob' } })] }),
      true,
      false,
    ],
  ])('%s', (_what, caller, allowed, denied) => {
    expect(judge(caller)).toMatchObject({ allowed, denied });
  });
});

describe('errors', () => {
  it.each([
    [new S3Error('InvalidAccessKeyId'), 'InvalidClientTokenId', 403],
    [new S3Error('ExpiredToken'), 'ExpiredToken', 403],
    [new S3Error('SignatureDoesNotMatch'), 'SignatureDoesNotMatch', 403],
    [new StoreError('timeout', 'unknown', 'x'), 'ServiceUnavailable', 503],
    [new StoreError('contention', 'notApplied', 'x'), 'ConcurrentModification', 409],
    [new Error('a bug'), 'InternalFailure', 500],
  ])('%s is %s', (error, code, status) => {
    expect(toIamError(error)).toMatchObject({ code, status });
  });

  it('say nothing of a bug', () => {
    expect(toIamError(new Error('a bug with a secret')).message).not.toContain('secret');
  });
});

it('AWS’s managed policies are policies', () => {
  for (const { text } of MANAGED_POLICIES) expect(parsePolicy(text, 'identity').statements).not.toHaveLength(0);
});

it('every action has one row', () => {
  const names = IAM_ACTIONS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
