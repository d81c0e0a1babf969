// Which statements apply to a request, and what several of them come to.
import { describe, expect, it } from 'vitest';
import { evaluatePolicies, parsePolicy } from '../../../src/iam/policy.js';
import type { PolicyRequest } from '../../../src/iam/policy.js';
import type { Fields } from './policy-support.js';
import { account, ANONYMOUS, decide, document, policy, request, statement, user } from './policy-support.js';

const DENY = { Effect: 'Deny' } as const;

describe('statements together', () => {
  it.each<[string, readonly Fields[], string]>([
    ['nothing that applies', [statement({ Action: 's3:PutObject' })], 'none'],
    ['an allow', [statement()], 'allow'],
    ['a deny', [statement(DENY)], 'deny'],
    ['a deny before an allow', [statement(DENY), statement()], 'deny'],
    ['a deny after an allow', [statement(), statement(DENY)], 'deny'],
    ['a deny of something else', [statement(), statement({ ...DENY, Action: 's3:PutObject' })], 'allow'],
    [
      'a deny under a condition that does not hold',
      [statement(), statement({ ...DENY, Condition: { Bool: { 'aws:SecureTransport': 'true' } } })],
      'allow',
    ],
  ])('%s', (_name, statements, decision) => {
    expect(decide(statements, request())).toBe(decision);
  });

  it('policies of a resource and of an identity count alike', () => {
    const identity = policy(statement({ Principal: undefined }), 'identity');
    const resource = policy(statement(DENY));
    expect(evaluatePolicies([identity], request()).decision).toBe('allow');
    expect(evaluatePolicies([identity, resource], request()).decision).toBe('deny');
    expect(evaluatePolicies([], request()).decision).toBe('none');
  });

  it('tells which statements allow', () => {
    const allowed = evaluatePolicies(
      [policy([statement({ Sid: 'a' }), statement({ Sid: 'b', Action: 's3:Put*' }), statement({ Sid: 'c' })])],
      request(),
    );
    expect(allowed.allowedBy.map(({ sid }) => sid)).toEqual(['a', 'c']);
  });
});

describe('principals', () => {
  const alice = account('alice');
  it.each<[Fields, PolicyRequest['principal'], boolean]>([
    [{ Principal: '*' }, ANONYMOUS, true],
    [{ Principal: { AWS: '*' } }, ANONYMOUS, true],
    [{ Principal: { AWS: ['arn:aws:iam::bob:root', '*'] } }, alice, true],
    [{ Principal: { AWS: 'alice' } }, alice, true],
    [{ Principal: { AWS: 'arn:aws:iam::alice:root' } }, alice, true],
    [{ Principal: { AWS: 'arn:aws:iam::bob:root' } }, alice, false],
    [{ Principal: { AWS: 'arn:aws:iam::alice:root' } }, ANONYMOUS, false],
    [{ Principal: { CanonicalUser: 'alice' } }, alice, true],
    [{ Principal: { CanonicalUser: ['bob', 'carol'] } }, alice, false],
    [{ Principal: { Service: 's3.amazonaws.com' } }, alice, false],
    [{ Principal: { Federated: 'accounts.google.com' } }, alice, false],
    // An account without users: its keys are whatever users a policy names.
    [{ Principal: { AWS: 'arn:aws:iam::alice:user/anna' } }, alice, true],
    [{ Principal: { AWS: 'arn:aws:iam::bob:user/anna' } }, alice, false],
    [{ Principal: { AWS: 'arn:aws:iam::alice:role/reader' } }, alice, false],
    [{ Principal: { AWS: 'arn:aws:iam::alice:user/anna' } }, user('alice', 'anna'), true],
    [{ Principal: { AWS: 'arn:aws:iam::alice:user/anna' } }, user('alice', 'ben'), false],
    [{ Principal: { AWS: 'arn:aws:iam::alice:user/Anna' } }, user('alice', 'anna'), false],
    [{ Principal: { AWS: 'arn:aws:iam::alice:root' } }, user('alice', 'anna'), true],
    [{ Principal: { AWS: `AIDA${'0'.repeat(12)}` } }, user('alice', 'anna'), true],
    [{ Principal: undefined, NotPrincipal: { AWS: 'alice' } }, alice, false],
    [{ Principal: undefined, NotPrincipal: { AWS: 'bob' } }, alice, true],
    [{ Principal: undefined, NotPrincipal: { AWS: ['bob', 'alice'] } }, ANONYMOUS, true],
  ])('%j', (fields, principal, applies) => {
    expect(decide(statement({ ...DENY, ...fields }), request({ principal }))).toBe(applies ? 'deny' : 'none');
  });

  it.each([
    ['arn:aws:iam::alice:root', user('alice', 'anna'), true],
    ['arn:aws:iam::alice:user/anna', user('alice', 'anna'), false],
    ['*', user('alice', 'anna'), false],
    ['arn:aws:iam::alice:root', account('alice'), false],
  ] as const)('an allow of %s is an allow of the account only: %s', (AWS, principal, delegated) => {
    const answer = evaluatePolicies([policy(statement({ Principal: { AWS } }))], request({ principal }));
    expect(answer).toMatchObject({ decision: 'allow', delegated });
  });
});

describe('actions', () => {
  it.each<[Fields, string, boolean]>([
    [{ Action: '*' }, 's3:GetObject', true],
    [{ Action: 's3:*' }, 's3:GetObject', true],
    [{ Action: 's3:Get*' }, 's3:GetObject', true],
    [{ Action: 's3:Get*' }, 's3:PutObject', false],
    [{ Action: 'S3:GETOBJECT' }, 's3:GetObject', true],
    [{ Action: 's3:GetObject' }, 's3:GetObjectAcl', false],
    [{ Action: 's3:?etObject' }, 's3:GetObject', true],
    [{ Action: 's3:*Object*' }, 's3:GetObjectVersionAcl', true],
    [{ Action: ['s3:PutObject', 's3:GetObject'] }, 's3:GetObject', true],
    [{ Action: 'iam:*' }, 's3:GetObject', false],
    [{ Action: undefined, NotAction: 's3:Get*' }, 's3:GetObject', false],
    [{ Action: undefined, NotAction: ['s3:Put*', 's3:Delete*'] }, 's3:GetObject', true],
  ])('%j and %s', (fields, action, applies) => {
    expect(decide(statement(fields), request({ action }))).toBe(applies ? 'allow' : 'none');
  });
});

describe('resources', () => {
  it.each<[Fields, string, boolean]>([
    [{ Resource: 'arn:aws:s3:::photos/*' }, 'arn:aws:s3:::photos/a/b/c', true],
    [{ Resource: 'arn:aws:s3:::photos/*' }, 'arn:aws:s3:::photos', false],
    [{ Resource: 'arn:aws:s3:::photos' }, 'arn:aws:s3:::photos', true],
    [{ Resource: 'arn:aws:s3:::photos' }, 'arn:aws:s3:::photos/a', false],
    [{ Resource: 'arn:aws:s3:::photos/*' }, 'arn:aws:s3:::photos2/a', false],
    [{ Resource: 'arn:aws:s3:::*/*' }, 'arn:aws:s3:::photos/a', true],
    [{ Resource: 'arn:aws:s3:::*' }, 'arn:aws:s3:::photos/a', true],
    [{ Resource: '*' }, 'arn:aws:s3:::photos/a', true],
    [{ Resource: 'arn:aws:s3:::photos/20??/*.jpg' }, 'arn:aws:s3:::photos/2024/x/cat.jpg', true],
    [{ Resource: 'arn:aws:s3:::photos/20??/*.jpg' }, 'arn:aws:s3:::photos/204/cat.jpg', false],
    [{ Resource: 'arn:aws:s3:::photos/a?c' }, 'arn:aws:s3:::photos/a\u{1F600}c', true],
    [{ Resource: 'arn:aws:s3:::photos/Cat' }, 'arn:aws:s3:::photos/cat', false],
    [{ Resource: 'arn:aws:s3:::photos/x:y' }, 'arn:aws:s3:::photos/x:y', true],
    [{ Resource: 'arn:aws:s3:::photos/*:y' }, 'arn:aws:s3:::photos/x:x:y', true],
    // A wildcard does not reach over the colons of an ARN.
    [{ Resource: 'arn:aws:*:photos/a::x' }, 'arn:aws:s3:::photos/a', false],
    [{ Resource: undefined, NotResource: 'arn:aws:s3:::photos/private/*' }, 'arn:aws:s3:::photos/private/a', false],
    [{ Resource: undefined, NotResource: 'arn:aws:s3:::photos/private/*' }, 'arn:aws:s3:::photos/a', true],
  ])('%j and %s', (fields, resource, applies) => {
    expect(decide(statement(fields), request({ resource }))).toBe(applies ? 'allow' : 'none');
  });

  it('a pattern made to be slow is answered in time', () => {
    const resource = `arn:aws:s3:::photos/${'a'.repeat(1000)}`;
    const Resource = `arn:aws:s3:::photos/${'a*'.repeat(500)}b`;
    const startedMs = performance.now();
    expect(decide(statement({ Resource }), request({ resource }))).toBe('none');
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });
});

describe('variables', () => {
  const anna = { 'aws:username': 'anna' };
  it.each<[string, Readonly<Record<string, string>>, string, boolean]>([
    ['home/${aws:username}/*', anna, 'home/anna/x', true],
    ['home/${aws:username}/*', anna, 'home/ben/x', false],
    ['home/${AWS:UserName}/*', anna, 'home/anna/x', true],
    ['home/${aws:username}/*', {}, 'home//x', false],
    ["home/${aws:username, 'guest'}/*", {}, 'home/guest/x', true],
    ["home/${aws:username, 'guest'}/*", anna, 'home/anna/x', true],
    // What a caller is called is no pattern.
    ['home/${aws:username}/*', { 'aws:username': '*' }, 'home/anna/x', false],
    ['home/${aws:username}/*', { 'aws:username': '*' }, 'home/*/x', true],
    ['a${*}c', {}, 'a*c', true],
    ['a${*}c', {}, 'abc', false],
    ['a${?}c', {}, 'a?c', true],
    ['${$}{x}', {}, '${x}', true],
    ['${broken', {}, '${broken', true],
  ])('%s with %j and %s', (path, values, key, applies) => {
    const asked = request({ resource: `arn:aws:s3:::photos/${key}`, keys: values });
    expect(decide(statement({ Resource: `arn:aws:s3:::photos/${path}` }), asked)).toBe(applies ? 'allow' : 'none');
  });

  it('are plain text in version 2008-10-17', () => {
    const text = document(statement({ Resource: 'arn:aws:s3:::photos/${aws:username}' }), { Version: '2008-10-17' });
    const asked = (key: string) => request({ resource: `arn:aws:s3:::photos/${key}`, keys: anna });
    const old = [parsePolicy(text, 'resource')];
    expect(evaluatePolicies(old, asked('anna')).decision).toBe('none');
    expect(evaluatePolicies(old, asked('${aws:username}')).decision).toBe('allow');
  });
});
