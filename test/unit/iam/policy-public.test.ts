// Which policies open a bucket to the public.
import { describe, expect, it } from 'vitest';
import { isPublicPolicy } from '../../../src/iam/policy.js';
import type { Fields } from './policy-support.js';
import { policy, statement } from './policy-support.js';

describe('a policy is public', () => {
  it.each<[boolean, Fields]>([
    [true, { Principal: '*' }],
    [true, { Principal: { AWS: '*' } }],
    [true, { Principal: { AWS: ['arn:aws:iam::bob:root', '*'] } }],
    [true, { Principal: undefined, NotPrincipal: { AWS: 'arn:aws:iam::bob:root' } }],
    [false, { Principal: '*', Effect: 'Deny' }],
    [false, { Principal: { AWS: 'arn:aws:iam::bob:root' } }],
    [false, { Principal: { Service: 'logging.s3.amazonaws.com' } }],
    [false, { Principal: { CanonicalUser: 'bob' } }],
  ])('%s: %j', (open, fields) => {
    expect(isPublicPolicy(policy(statement(fields)))).toBe(open);
  });

  it.each([
    [false, { IpAddress: { 'aws:SourceIp': '10.0.0.0/32' } }],
    [false, { IpAddress: { 'aws:SourceIp': ['192.0.2.0/24', '2001:db8::/32'] } }],
    [false, { IpAddress: { 'aws:SourceIp': '11.0.0.0/8' } }],
    [false, { IpAddress: { 'aws:SourceIp': 'fd00::/8' } }],
    [true, { IpAddress: { 'aws:SourceIp': '0.0.0.0/1' } }],
    [true, { IpAddress: { 'aws:SourceIp': ['192.0.2.0/24', '::/0'] } }],
    [true, { NotIpAddress: { 'aws:SourceIp': '192.0.2.0/24' } }],
    [true, { IpAddressIfExists: { 'aws:SourceIp': '192.0.2.0/24' } }],
    [true, { StringEquals: { 'aws:Referer': 'http://www.example.com/' } }],
    [true, { Bool: { 'aws:SecureTransport': 'true' } }],
    [false, { StringEquals: { 'aws:SourceVpce': 'vpce-1a2b3c4d' } }],
    [true, { StringNotEquals: { 'aws:SourceVpce': 'vpce-1a2b3c4d' } }],
    [true, { StringLike: { 'aws:SourceVpc': 'vpc-*' } }],
    [false, { StringLike: { 'aws:SourceVpc': 'vpc-91237329' } }],
    [true, { 'ForAllValues:StringEquals': { 'aws:SourceVpc': 'vpc-91237329' } }],
    [false, { 'ForAnyValue:StringEquals': { 'aws:PrincipalOrgID': 'o-1234' } }],
    [true, { ArnLike: { 'aws:SourceArn': 'arn:aws:s3:::*' } }],
    [false, { ArnEquals: { 'aws:SourceArn': 'arn:aws:s3:::photos' } }],
    [true, { StringEquals: { 'aws:SourceAccount': '${aws:PrincipalAccount}' } }],
    [false, { StringEquals: { 'aws:userid': 'AIDA0123456789' } }],
    [false, { StringLike: { 'aws:userid': 'AROA0123456789:*' } }],
    [true, { StringLike: { 'aws:userid': '*' } }],
    [true, { Null: { 'aws:SourceVpc': 'false' } }],
  ])('%s: to everybody with %j', (open, Condition) => {
    expect(isPublicPolicy(policy(statement({ Condition })))).toBe(open);
  });

  it('when one of its statements is', () => {
    const named = statement({ Principal: { AWS: 'arn:aws:iam::bob:root' } });
    expect(isPublicPolicy(policy([named, statement()]))).toBe(true);
    expect(isPublicPolicy(policy([named, named]))).toBe(false);
  });
});
