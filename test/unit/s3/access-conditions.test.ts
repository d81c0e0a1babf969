// What policies learn about a request: condition keys, the permissions it needs, and what a part knows of its upload.
import { describe, expect, it } from 'vitest';
import { rootCaller } from '../../../src/iam/iam-caller.js';
import { cannedAcl, serialiseAcl } from '../../../src/iam/acl.js';
import type { Acl } from '../../../src/iam/acl.js';
import { actionsOf } from '../../../src/s3/access-actions.js';
import {
  conditionKeys,
  existingTagKeys,
  principalOf,
  requestTagKeys,
  retentionKeys,
} from '../../../src/s3/access-conditions.js';
import { asksAboutCreation, creationKeys } from '../../../src/s3/access-upload.js';
import type { Identity } from '../../../src/s3/context.js';
import { ANONYMOUS } from '../../../src/s3/context.js';
import { OPERATIONS } from '../../../src/s3/operations.js';
import type { S3Request } from '../../../src/s3/request.js';
import { QueryParams } from '../../../src/s3/request.js';
import type { BucketRecord, UploadRecord } from '../../../src/store/types.js';

const NOW_MS = Date.parse('2024-05-17T12:00:00Z');

const bucket: BucketRecord = {
  name: 'photos',
  instance: '00000000-0000-4000-8000-000000000000',
  region: 'myregion',
  owner: { id: 'alice', displayName: 'Alice' },
  createdAt: 0,
  revision: 1,
  state: 'active',
  versioning: 'unversioned',
  objectLock: false,
  documents: {},
};

const bob: Identity = {
  kind: 'signed',
  tenant: 'bob',
  displayName: 'Bob',
  memberOf: [],
  master: false,
  credential: { accessKey: 'AK', secret: 'SK', tenant: 'bob', master: false, memberOf: [], displayName: 'Bob' },
  caller: rootCaller('bob'),
};

interface Asked {
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly key?: string | null;
  readonly operation?: string;
  readonly identity?: Identity;
  readonly extra?: ReadonlyMap<string, readonly string[]>;
  readonly request?: Partial<S3Request>;
}

function requestOf({ headers = {}, query = '', key = 'cat.jpg', request = {} }: Asked): S3Request {
  return {
    id: 'ID',
    method: 'GET',
    rawPath: '/photos/cat.jpg',
    rawQuery: query,
    query: new QueryParams(query),
    headers,
    bucket: 'photos',
    key,
    virtualHosted: false,
    host: 'localhost',
    remoteAddress: '192.0.2.7',
    secure: false,
    ...request,
  };
}

function valuesOf(name: string, asked: Asked = {}): readonly string[] | null {
  const { operation = 'GetObject', identity = bob, extra = new Map<string, string[]>() } = asked;
  const principal = principalOf(identity);
  return conditionKeys({ request: requestOf(asked), principal, bucket, operation, nowMs: NOW_MS, extra }).get(name);
}

describe('condition keys', () => {
  const V4 = 'AWS4-HMAC-SHA256 Credential=AK/20240517/us-east-1/s3/aws4_request';
  it.each<[string, Asked, string | null]>([
    ['aws:SourceIp', {}, '192.0.2.7'],
    ['aws:SourceIp', { request: { remoteAddress: '::ffff:192.0.2.9' } }, '192.0.2.9'],
    ['aws:SecureTransport', {}, 'false'],
    ['aws:SecureTransport', { request: { secure: true } }, 'true'],
    ['s3:TlsVersion', {}, null],
    ['s3:TlsVersion', { request: { tlsVersion: '1.3' } }, '1.3'],
    ['aws:UserAgent', { headers: { 'user-agent': 'curl' } }, 'curl'],
    ['aws:Referer', { headers: { referer: 'http://a/' } }, 'http://a/'],
    ['aws:Referer', {}, null],
    ['aws:CurrentTime', {}, '2024-05-17T12:00:00.000Z'],
    ['aws:EpochTime', {}, String(NOW_MS / 1000)],
    ['aws:RequestedRegion', {}, 'myregion'],
    ['aws:PrincipalType', {}, 'Account'],
    ['aws:PrincipalType', { identity: ANONYMOUS }, 'Anonymous'],
    ['aws:userid', {}, 'bob'],
    ['aws:userid', { identity: ANONYMOUS }, 'anonymous'],
    ['aws:username', {}, null],
    ['aws:PrincipalArn', {}, 'arn:aws:iam::bob:root'],
    ['aws:PrincipalArn', { identity: ANONYMOUS }, null],
    ['aws:PrincipalAccount', {}, 'bob'],
    ['aws:PrincipalIsAWSService', {}, 'false'],
    ['aws:SourceVpc', {}, null],
    ['aws:ResourceAccount', {}, 'alice'],
    ['s3:ResourceAccount', {}, 'alice'],
    ['s3:prefix', { key: null, query: 'prefix=a%2Fb&max-keys=5' }, 'a/b'],
    ['s3:prefix', { key: null, query: 'prefix=' }, ''],
    ['s3:prefix', { key: null }, null],
    // Whoever gets an object does not list by adding a parameter.
    ['s3:prefix', { query: 'prefix=a' }, null],
    ['s3:max-keys', { key: null, query: 'max-keys=5' }, '5'],
    ['s3:delimiter', { key: null, query: 'delimiter=/' }, '/'],
    ['s3:VersionId', { query: 'versionId=null' }, 'null'],
    ['s3:x-amz-acl', { headers: { 'x-amz-acl': 'private' } }, 'private'],
    ['s3:x-amz-grant-read', { headers: { 'x-amz-grant-read': 'id=a' } }, 'id=a'],
    ['s3:x-amz-storage-class', {}, null],
    ['s3:x-amz-copy-source', { headers: { 'x-amz-copy-source': '/b/a%20b+%2B?versionId=1' } }, 'b/a b +'],
    ['s3:x-amz-copy-source', { headers: { 'x-amz-copy-source': 'b/c' } }, 'b/c'],
    ['s3:x-amz-content-sha256', { headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }, 'UNSIGNED-PAYLOAD'],
    ['s3:if-none-match', { headers: { 'if-none-match': '*' } }, '*'],
    ['s3:ObjectCreationOperation', { operation: 'PutObject' }, 'true'],
    ['s3:ObjectCreationOperation', { operation: 'UploadPart' }, 'false'],
    ['s3:signatureversion', { headers: { authorization: V4 } }, 'AWS4-HMAC-SHA256'],
    ['s3:signatureversion', { headers: { authorization: 'AWS AK:xyz' } }, 'AWS'],
    ['s3:signatureversion', { query: 'AWSAccessKeyId=AK&Signature=x&Expires=1' }, 'AWS'],
    ['s3:signatureversion', {}, null],
    ['s3:authType', { headers: { authorization: V4 } }, 'REST-HEADER'],
    ['s3:authType', { query: 'X-Amz-Signature=00' }, 'REST-QUERY-STRING'],
    ['s3:signatureAge', { query: 'X-Amz-Signature=00&X-Amz-Date=20240517T115900Z' }, '60000'],
    ['s3:signatureAge', { headers: { authorization: V4, 'x-amz-date': '20240517T115959Z' } }, '1000'],
    ['s3:signatureAge', { query: 'AWSAccessKeyId=AK&Signature=x' }, null],
    ['s3:object-lock-mode', { headers: { 'x-amz-object-lock-mode': 'GOVERNANCE' } }, 'GOVERNANCE'],
    [
      's3:object-lock-remaining-retention-days',
      { headers: { 'x-amz-object-lock-retain-until-date': '2024-05-27T13:00:00Z' } },
      '10',
    ],
    ['s3:RequestObjectTag/Team', { headers: { 'x-amz-tagging': 'Team=red%20blue&b=' } }, 'red blue'],
    ['s3:RequestObjectTag/other', { headers: { 'x-amz-tagging': 'Team=red' } }, null],
    ['s3:RequestObjectTag/a', { headers: { 'x-amz-tagging': 'a=1&a=2' } }, null],
    ['ec2:Vpc', {}, null],
  ])('%s of %j', (name, asked, value) => {
    expect(valuesOf(name, asked)).toEqual(value === null ? null : [value]);
    expect(valuesOf(name.toUpperCase(), asked)).toEqual(value === null ? null : [value]);
  });

  it('of tags', () => {
    const headers = { 'x-amz-tagging': 'a=1&B=2' };
    expect(valuesOf('s3:RequestObjectTagKeys', { headers })).toEqual(['a', 'B']);
    expect(valuesOf('s3:RequestObjectTagKeys')).toBeNull();
    expect(valuesOf('s3:ExistingObjectTag/Team', { extra: existingTagKeys({ team: 'red' }) })).toEqual(['red']);
    // What a body says outweighs the headers.
    expect(valuesOf('s3:RequestObjectTagKeys', { headers, extra: requestTagKeys({ c: '3' }) })).toEqual(['c']);
  });

  it('of a retention', () => {
    const keys = retentionKeys({ mode: 'COMPLIANCE', untilMs: NOW_MS + 36 * 3_600_000 }, NOW_MS);
    expect(Object.fromEntries(keys)).toEqual({
      's3:object-lock-mode': ['COMPLIANCE'],
      's3:object-lock-retain-until-date': ['2024-05-19T00:00:00.000Z'],
      's3:object-lock-remaining-retention-days': ['1'],
    });
    expect(retentionKeys(null, NOW_MS).size).toBe(0);
  });
});

describe('needed actions', () => {
  it.each<[string, Asked, readonly string[]]>([
    ['GetObject', {}, ['GetObject']],
    ['GetObject', { query: 'versionId=1' }, ['GetObjectVersion']],
    ['GetObject', { query: 'versionId=' }, ['GetObject']],
    ['GetObjectAttributes', {}, ['GetObject', 'GetObjectAttributes']],
    ['PutObject', {}, ['PutObject']],
    ['PutObject', { headers: { 'x-amz-acl': 'private' } }, ['PutObject', 'PutObjectAcl']],
    ['CreateMultipartUpload', { headers: { 'x-amz-grant-read': 'id=a' } }, ['PutObject', 'PutObjectAcl']],
    ['PutObject', { headers: { 'x-amz-tagging': 'a=b' } }, ['PutObject', 'PutObjectTagging']],
    ['CopyObject', { headers: { 'x-amz-tagging': 'a=b' } }, ['PutObject']],
    [
      'CopyObject',
      { headers: { 'x-amz-tagging': 'a=b', 'x-amz-tagging-directive': 'REPLACE' } },
      ['PutObject', 'PutObjectTagging'],
    ],
    [
      'PutObject',
      { headers: { 'x-amz-object-lock-mode': 'GOVERNANCE', 'x-amz-object-lock-legal-hold': 'ON' } },
      ['PutObject', 'PutObjectRetention', 'PutObjectLegalHold'],
    ],
    ['PutObject', { headers: { 'x-amz-object-lock-legal-hold': 'OFF' } }, ['PutObject']],
    ['UploadPart', { headers: { 'x-amz-acl': 'private' } }, ['PutObject']],
  ])('%s %j', (name, asked, actions) => {
    const operation = OPERATIONS.find((row) => row.name === name);
    if (operation === undefined) throw new Error(`there is no ${name}`);
    expect(actionsOf(operation, requestOf(asked)).map((action) => action.name)).toEqual(actions);
  });

  it('of locks come from no ACL', () => {
    const headers = { 'x-amz-acl': 'private', 'x-amz-object-lock-mode': 'GOVERNANCE' };
    const needed = actionsOf({ name: 'PutObject', actions: ['PutObject'] }, requestOf({ headers }));
    expect(needed.map(({ coveredByAcl }) => coveredByAcl)).toEqual([true, true, false]);
  });
});

describe('parts of an upload', () => {
  const upload: UploadRecord = {
    uploadId: 'id',
    key: 'cat.jpg',
    createdAt: 0,
    initiator: { id: 'bob', displayName: 'Bob' },
    owner: { id: 'bob', displayName: 'Bob' },
    state: 'open',
    storageClass: 'STANDARD',
    headers: {},
    acl: null,
    tags: {},
    checksum: null,
    encryption: null,
    retention: null,
    legalHold: false,
    extra: {},
  };
  const keysOf = (changes: Partial<UploadRecord>) =>
    Object.fromEntries(creationKeys({ ...upload, ...changes }, bucket));

  it('have nothing where the creation asked for nothing', () => {
    expect(keysOf({})).toEqual({});
  });

  it('have what the creation asked for', () => {
    const encryption = { kind: 'SSE-KMS', keyId: 'key-1', wrappedKey: '' } as const;
    expect(
      keysOf({
        encryption,
        storageClass: 'GLACIER',
        tags: { a: '1' },
        legalHold: true,
        retention: { mode: 'GOVERNANCE', untilMs: 0 },
      }),
    ).toEqual({
      's3:x-amz-server-side-encryption': ['aws:kms'],
      's3:x-amz-server-side-encryption-aws-kms-key-id': ['key-1'],
      's3:x-amz-storage-class': ['GLACIER'],
      's3:requestobjecttag/a': ['1'],
      's3:requestobjecttagkeys': ['a'],
      's3:object-lock-mode': ['GOVERNANCE'],
      's3:object-lock-retain-until-date': ['1970-01-01T00:00:00.000Z'],
      's3:object-lock-legal-hold': ['ON'],
    });
    expect(keysOf({ encryption: { ...encryption, kind: 'SSE-S3' } })).toEqual({
      's3:x-amz-server-side-encryption': ['AES256'],
    });
    expect(keysOf({ encryption: { ...encryption, kind: 'SSE-C' } })).toEqual({
      's3:x-amz-server-side-encryption-customer-algorithm': ['AES256'],
    });
  });

  it.each([
    'bucket-owner-full-control',
    'bucket-owner-read',
    'public-read',
    'public-read-write',
    'authenticated-read',
    'private',
  ])('have the canned ACL %s', (name) => {
    const acl = cannedAcl(name, { owner: upload.owner, bucketOwner: bucket.owner, target: 'object' });
    expect(keysOf({ acl: serialiseAcl(acl) })).toEqual({ 's3:x-amz-acl': [name] });
  });

  it('have the grants of any other ACL', () => {
    const grantee = (id: string) => ({ type: 'CanonicalUser', id, displayName: id }) as const;
    const acl: Acl = {
      owner: upload.owner,
      grants: [
        { grantee: grantee('alice'), permission: 'READ_ACP' },
        { grantee: { type: 'Group', uri: 'http://g/' }, permission: 'READ_ACP' },
        { grantee: grantee('carol'), permission: 'FULL_CONTROL' },
      ],
    };
    expect(keysOf({ acl: serialiseAcl(acl) })).toEqual({
      's3:x-amz-grant-read-acp': ['id=alice, uri=http://g/'],
      's3:x-amz-grant-full-control': ['id=carol'],
    });
  });

  it.each([
    ['s3:x-amz-acl', true],
    ['s3:x-amz-server-side-encryption-customer-algorithm', true],
    ['s3:requestobjecttag/a', true],
    ['s3:x-amz-copy-source', false],
    ['aws:sourceip', false],
  ])('are looked up for a policy that asks about %s: %s', (key, asked) => {
    expect(asksAboutCreation(new Set([key]))).toBe(asked);
  });
});
