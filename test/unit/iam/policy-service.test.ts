import { describe, expect, it } from 'vitest';
import { isServiceAllowed } from '../../../src/iam/policy-service.js';
import { parsePolicy } from '../../../src/iam/policy.js';

type Statement = Readonly<Record<string, unknown>>;

const ALLOW: Statement = {
  Effect: 'Allow',
  Principal: { Service: 's3.amazonaws.com' },
  Action: 's3:PutObject',
  Resource: 'arn:aws:s3:::target/*',
  Condition: {
    ArnLike: { 'aws:SourceArn': 'arn:aws:s3:::source' },
    StringEquals: { 'aws:SourceAccount': 'tenant', 's3:x-amz-acl': 'bucket-owner-full-control' },
  },
};

function allowed(
  statements: readonly Statement[],
  overrides: { readonly service?: string; readonly sourceArn?: string; readonly sourceAccount?: string } = {},
): boolean {
  return isServiceAllowed({
    policy: parsePolicy(JSON.stringify({ Version: '2012-10-17', Statement: statements }), 'resource'),
    service: 's3.amazonaws.com',
    action: 's3:PutObject',
    resource: 'arn:aws:s3:::target/report/manifest.json',
    resourceAccount: 'tenant',
    sourceArn: 'arn:aws:s3:::source',
    sourceAccount: 'tenant',
    nowMs: 0,
    keys: new Map([['s3:x-amz-acl', ['bucket-owner-full-control']]]),
    ...overrides,
  });
}

describe('a service may', () => {
  it('what a policy grants it, for the source that the policy names', () => {
    expect(allowed([ALLOW])).toBe(true);
    expect(allowed([ALLOW], { service: 'logging.s3.amazonaws.com' })).toBe(false);
    expect(allowed([ALLOW], { sourceArn: 'arn:aws:s3:::other' })).toBe(false);
    expect(allowed([ALLOW], { sourceAccount: 'other' })).toBe(false);
  });

  it('what a policy grants everybody', () => {
    expect(allowed([{ ...ALLOW, Principal: '*' }])).toBe(true);
  });

  it('nothing that a policy grants others, denies, or does not speak about', () => {
    expect(allowed([{ ...ALLOW, Principal: { AWS: 'arn:aws:iam::tenant:root' } }])).toBe(false);
    expect(allowed([{ ...ALLOW, Action: 's3:GetObject' }])).toBe(false);
    expect(
      allowed([ALLOW, { ...ALLOW, Effect: 'Deny', Condition: { Bool: { 'aws:PrincipalIsAWSService': 'true' } } }]),
    ).toBe(false);
  });

  it('nothing without a policy', () => {
    expect(
      isServiceAllowed({
        policy: null,
        service: 's3.amazonaws.com',
        action: 's3:PutObject',
        resource: 'arn:aws:s3:::target/x',
        resourceAccount: 'tenant',
        sourceArn: 'arn:aws:s3:::source',
        sourceAccount: 'tenant',
        nowMs: 0,
      }),
    ).toBe(false);
  });

  it('is not stopped by a policy that wants TLS', () => {
    const tls = { Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: 'arn:aws:s3:::target/*' };
    expect(allowed([ALLOW, { ...tls, Condition: { Bool: { 'aws:SecureTransport': 'false' } } }])).toBe(true);
  });
});
