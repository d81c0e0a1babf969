// What is a policy and what is not, and what its author is told.
import { describe, expect, it } from 'vitest';
import { accountsNamed, checkBucketPolicy, parsePolicy } from '../../../src/iam/policy.js';
import type { PolicyKind } from '../../../src/iam/policy.js';
import type { Fields } from './policy-support.js';
import { document, statement } from './policy-support.js';

/** The message of the refusal; null when it is a policy of the bucket 'photos' (or of an identity, a role). */
function fault(text: string, kind: PolicyKind = 'resource'): string | null {
  try {
    const policy = parsePolicy(text, kind);
    if (kind === 'resource') checkBucketPolicy(policy, 'photos');
    return null;
  } catch (error) {
    expect(error).toMatchObject({ name: 'PolicyFault' });
    return (error as Error).message;
  }
}

describe('documents', () => {
  it.each([
    ['', "Policies must be valid JSON and the first byte must be '{'"],
    ['[]', "Policies must be valid JSON and the first byte must be '{'"],
    ['{', 'This policy contains invalid Json'],
    ['{"Version":"2012-10-17",}', 'This policy contains invalid Json'],
    ['{}', 'Missing required field Statement'],
    [document([]), 'Could not parse the policy: Statement is empty!'],
    [document(['allow everything'] as unknown as Fields[]), 'Statement must be an object or a list of objects'],
    [document(statement(), { Version: '2012-10-18' }), 'The policy must contain a valid version string'],
    [document(statement(), { Version: 2012 }), 'The policy must contain a valid version string'],
    [document(statement(), { Id: 1 }), 'Id must be a string'],
    [document(statement(), { Statements: [] }), 'Unknown field Statements'],
    [
      document([statement({ Sid: 'a' }), statement({ Sid: 'a' })]),
      'Statement IDs (SID) in a single policy must be unique.',
    ],
  ])('%s', (text, message) => {
    expect(fault(text)).toBe(message);
  });

  it('have the version of 2008 unless they say another', () => {
    expect(parsePolicy(document(statement(), { Version: undefined }), 'resource').version).toBe('2008-10-17');
    expect(parsePolicy(document(statement(), { Id: 'x' }), 'resource')).toMatchObject({
      version: '2012-10-17',
      id: 'x',
    });
  });

  it('may have one statement or a list, and blanks before', () => {
    expect(parsePolicy(document(statement()), 'resource').statements).toHaveLength(1);
    expect(parsePolicy(`\n ${document([statement(), statement()])}`, 'resource').statements).toHaveLength(2);
  });

  it('tell which keys they ask about', () => {
    const text = document([
      statement({ Condition: { StringEquals: { 's3:ExistingObjectTag/Team': '${aws:userid}' } } }),
      statement({ Resource: 'arn:aws:s3:::photos/${aws:username}/*', Condition: { Null: { 'aws:Referer': 'true' } } }),
    ]);
    expect([...parsePolicy(text, 'resource').keys].sort()).toEqual([
      'aws:referer',
      'aws:userid',
      'aws:username',
      's3:existingobjecttag/team',
    ]);
  });
});

describe('statements', () => {
  it.each<[Fields, string]>([
    [{ Effect: undefined }, 'Missing required field Effect'],
    [{ Effect: 'allow' }, 'Invalid effect: allow'],
    [{ Effect: true }, 'Invalid effect: true'],
    [{ Principal: undefined }, 'Missing required field Principal'],
    [{ Action: undefined }, 'Missing required field Action'],
    [{ Action: [] }, 'Missing required field Action'],
    [{ Resource: undefined }, 'Missing required field Resource'],
    [{ NotAction: 's3:PutObject' }, 'Statement must not have both Action and NotAction'],
    [{ NotResource: 'arn:aws:s3:::photos' }, 'Statement must not have both Resource and NotResource'],
    [{ NotPrincipal: '*' }, 'Statement must not have both Principal and NotPrincipal'],
    [{ Sid: 1 }, 'Sid must be a string'],
    [{ Resources: 'arn:aws:s3:::photos' }, 'Unknown field Resources'],
    [{ Principal: undefined, NotPrincipal: { AWS: 'bob' } }, 'Allow with NotPrincipal is not allowed.'],
  ])('%j', (fields, message) => {
    expect(fault(document(statement(fields)))).toBe(message);
  });

  it.each<[unknown]>([
    ['bob'],
    [[]],
    [{}],
    [{ AWS: [] }],
    [{ AWS: '' }],
    [{ AWS: 12 }],
    [{ User: 'bob' }],
    [{ AWS: 'arn:aws:iam::bob:user/*' }],
    [{ AWS: 'bo?' }],
    [{ AWS: 'arn:aws:s3:::photos' }],
    [{ AWS: 'arn:aws:iam::bob:group/all' }],
    [{ AWS: 'arn:aws:iam::bob:user/' }],
    [{ AWS: 'arn:aws:iam:eu-west-1:bob:root' }],
    [{ AWS: 'arn:aws:iam:::root' }],
  ])('have no principal %j', (Principal) => {
    expect(fault(document(statement({ Principal })))).toBe('Invalid principal in policy');
  });

  it.each([
    ['s3:GetObjects'],
    ['s3:Foo*'],
    ['GetObject'],
    ['s3:'],
    ['ec2:RunInstances'],
    [''],
    [['s3:GetObject', 's3:NoSuchThing']],
    [{ a: 1 }],
  ])('have no action %j', (Action) => {
    expect(fault(document(statement({ Action })))).toBe('Policy has invalid action');
  });

  it.each([['*'], ['s3:*'], ['S3:getobject'], ['s3:*Acl'], [['s3:ListBucket', 's3:BypassGovernanceRetention']]])(
    'have the action %j',
    (Action) => {
      expect(fault(document(statement({ Action })))).toBeNull();
    },
  );

  it.each([
    ['photos'],
    ['*'],
    ['arn:aws:s3:::'],
    ['arn:aws:s3:::photo'],
    ['arn:aws:s3:::photos2/*'],
    ['arn:aws:s3:::other/*'],
    ['arn:aws:s3:::phot?/x'],
    ['arn:aws:s3:eu-west-1::photos'],
    ['arn:aws:s3::bob:photos'],
    ['arn:aws:sqs:::photos'],
    ['aws:s3:::photos'],
    [['arn:aws:s3:::photos', 'arn:aws:s3:::videos']],
  ])('have no resource %j', (Resource) => {
    expect(fault(document(statement({ Resource })))).toBe('Policy has invalid resource');
  });

  it.each([
    ['arn:aws:s3:::photos'],
    ['arn:aws:s3:::photos/*'],
    ['arn:aws:s3:::photos*'],
    ['arn:aws:s3:::*'],
    ['arn:aws:s3:::*/*'],
    ['arn:aws:s3:::pho??s/a/*.jpg'],
    ['arn:aws:s3:::photos/${aws:username}/*'],
    [['arn:aws:s3:::photos', 'arn:aws:s3:::photos/a:b']],
  ])('have the resource %j', (Resource) => {
    expect(fault(document(statement({ Resource })))).toBeNull();
  });

  it.each([
    [{ StringFoo: { 'aws:Referer': 'x' } }, 'Invalid Condition type : StringFoo'],
    [{ 'ForSome:StringEquals': { 'aws:Referer': 'x' } }, 'Invalid Condition type : ForSome:StringEquals'],
    [{ NullIfExists: { 'aws:Referer': 'true' } }, 'Invalid Condition type : NullIfExists'],
    [{ Null: { 'aws:Referer': 'maybe' } }, 'Invalid value for Condition type Null, key aws:Referer : maybe'],
    [
      { IpAddress: { 'aws:SourceIp': '10.0.0.0/33' } },
      'Invalid value for Condition type IpAddress, key aws:SourceIp : 10.0.0.0/33',
    ],
    [{ IpAddress: { 'aws:SourceIp': 'home' } }, 'Invalid value for Condition type IpAddress, key aws:SourceIp : home'],
    [
      { NumericEquals: { 's3:max-keys': 'few' } },
      'Invalid value for Condition type NumericEquals, key s3:max-keys : few',
    ],
    [
      { DateLessThan: { 'aws:CurrentTime': 'soon' } },
      'Invalid value for Condition type DateLessThan, key aws:CurrentTime : soon',
    ],
    [
      { Bool: { 'aws:SecureTransport': 'yes' } },
      'Invalid value for Condition type Bool, key aws:SecureTransport : yes',
    ],
    [{ ArnLike: { 'aws:SourceArn': 'bob' } }, 'Invalid value for Condition type ArnLike, key aws:SourceArn : bob'],
    [{ StringEquals: { 's3:prefixes': 'x' } }, 'Policy has an invalid condition key'],
    [{ StringEquals: { 's3:ExistingObjectTag': 'x' } }, 'Policy has an invalid condition key'],
    [{ StringEquals: { prefix: 'x' } }, 'Policy has an invalid condition key'],
    [{ StringEquals: 'x' }, 'Condition must be a map of operators, each with a map of condition keys'],
    [[], 'Condition must be a map of operators, each with a map of condition keys'],
    [{ StringEquals: { 'aws:Referer': {} } }, 'Condition key aws:Referer must have a value or a list of values'],
  ])('have no condition %j', (Condition, message) => {
    expect(fault(document(statement({ Condition })))).toBe(message);
  });

  it('may ask about any documented key of S3', () => {
    const Condition = {
      StringLikeIfExists: {
        's3:X-Amz-Acl': 'private',
        's3:RequestObjectTag/Team/Sub': 'x',
        's3:ExistingObjectTag/a': 'b',
      },
      'ForAllValues:StringEquals': { 's3:RequestObjectTagKeys': ['a', 'b'] },
      NumericLessThan: { 's3:signatureAge': 600000, 's3:TlsVersion': '1.2' },
    };
    expect(fault(document(statement({ Condition })))).toBeNull();
  });
});

describe('policies of identities and roles', () => {
  it.each<[PolicyKind, Fields, string | null]>([
    ['identity', { Principal: undefined }, null],
    ['identity', { Principal: undefined, Resource: '*', Action: 'sts:AssumeRole' }, null],
    ['identity', {}, 'Policy document should not specify a principal.'],
    ['identity', { Principal: undefined, Resource: 'photos' }, 'Resource photos must be in ARN format or "*".'],
    [
      'identity',
      { Principal: undefined, Sid: 'not alphanumeric' },
      'Statement IDs (SID) must be alpha-numeric: not alphanumeric',
    ],
    ['trust', { Resource: undefined, Action: 'sts:AssumeRole' }, null],
    ['trust', { Action: 'sts:AssumeRole' }, 'Has prohibited field Resource'],
    ['trust', { Resource: undefined, Principal: undefined }, 'Missing required field Principal'],
  ])('%s %j', (kind, fields, message) => {
    expect(fault(document(statement(fields)), kind)).toBe(message);
  });
});

it('tells which accounts a policy names without an ARN', () => {
  const Principal = { AWS: ['bob', 'arn:aws:iam::carol:root', '*'], CanonicalUser: 'dave' };
  expect([...accountsNamed(parsePolicy(document(statement({ Principal })), 'resource'))]).toEqual(['bob', 'dave']);
});
