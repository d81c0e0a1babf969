/** AWS's published SigV2 examples for S3, and the freedom that clients take with SigV2. */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { authenticatorAt, EXAMPLE, s3Error, signingRequest } from './support.js';

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html
const DAY_MS = Date.UTC(2007, 2, 27, 20, 28);
// The examples are spread over six hours.
const authenticator = authenticatorAt(DAY_MS, { maxSkewMs: 6 * 3600 * 1000 });

function auth(signature: string): string {
  return `AWS ${EXAMPLE.accessKey}:${signature}`;
}

function sign(stringToSign: string): string {
  return createHmac('sha1', EXAMPLE.secret).update(stringToSign, 'latin1').digest('base64');
}

const DATE = 'Tue, 27 Mar 2007 20:28:00 +0000';

describe("AWS's SigV2 examples", () => {
  it.each([
    [
      'Object GET',
      'GET',
      '/photos/puppy.jpg',
      'johnsmith',
      'Tue, 27 Mar 2007 19:36:42 +0000',
      'bWq2s1WEIj+Ydj0vQ697zp+IXMU=',
    ],
    [
      'List',
      'GET',
      '/?prefix=photos&max-keys=50&marker=puppy',
      'johnsmith',
      'Tue, 27 Mar 2007 19:42:41 +0000',
      'htDYFYduRNen8P9ZfE/s9SuKy0U=',
    ],
    ['Fetch', 'GET', '/?acl', 'johnsmith', 'Tue, 27 Mar 2007 19:44:46 +0000', 'c2WLPFtWHVgbEmeEG93a4cG37dM='],
    ['List all my buckets', 'GET', '/', null, 'Wed, 28 Mar 2007 01:29:59 +0000', 'qGdzdERIC03wnaRNKh6OqZehG9s='],
    [
      'Unicode keys',
      'GET',
      '/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re',
      null,
      'Wed, 28 Mar 2007 01:49:49 +0000',
      'DNEZGsoieTZ92F3bUfSPQcbGmlM=',
    ],
    [
      'Delete',
      'DELETE',
      '/johnsmith/photos/puppy.jpg',
      null,
      'Tue, 27 Mar 2007 21:20:26 +0000',
      'lx3byBScXR6KzyMaifNkardMwNk=',
    ],
  ])('%s', async (_name, method, target, bucket, Date, signature) => {
    const request = signingRequest(method, target, { Date, Authorization: auth(signature) }, bucket);
    expect(await authenticator.authenticate(request)).toMatchObject({
      kind: 'signed',
      version: 'v2',
      carrier: 'header',
      payload: { kind: 'unsigned' },
    });
  });

  it('Object PUT', async () => {
    const headers = {
      'Content-Type': 'image/jpeg',
      'Content-Length': '94328',
      Date: 'Tue, 27 Mar 2007 21:15:45 +0000',
      Authorization: auth('MyyxeRY7whkBe+bq8fHCL/2kKUg='),
    };
    const result = await authenticator.authenticate(signingRequest('PUT', '/photos/puppy.jpg', headers, 'johnsmith'));
    expect(result).toMatchObject({ kind: 'signed', signedHeaders: new Set(['content-md5', 'content-type', 'date']) });
  });

  it('Upload, with repeated metadata and a host of its own', async () => {
    const request = signingRequest(
      'PUT',
      '/db-backup.dat.gz',
      [
        ['User-Agent', 'curl/7.15.5'],
        ['Host', 'static.johnsmith.net:8080'],
        ['Date', 'Tue, 27 Mar 2007 21:06:08 +0000'],
        ['x-amz-acl', 'public-read'],
        ['content-type', 'application/x-download'],
        ['Content-MD5', '4gJE4saaMU4BqNR0kLY+lw=='],
        ['X-Amz-Meta-ReviewedBy', 'joe@johnsmith.net'],
        ['X-Amz-Meta-ReviewedBy', 'jane@johnsmith.net'],
        ['X-Amz-Meta-FileChecksum', '0x02661779'],
        ['X-Amz-Meta-ChecksumAlgorithm', 'crc32'],
        ['Content-Length', '5913339'],
        ['Authorization', auth('ilyl83RwaSoYIEdixDQcA4OnAnc=')],
      ],
      'static.johnsmith.net',
    );
    expect((await authenticator.authenticate(request)).kind).toBe('signed');
  });

  it('presigned GET', async () => {
    const target =
      '/photos/puppy.jpg?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620';
    const request = signingRequest('GET', target, { Host: 'johnsmith.s3.amazonaws.com' }, 'johnsmith');
    const before = authenticatorAt(1_175_139_620_000 - 1);
    expect(await before.authenticate(request)).toMatchObject({ kind: 'signed', version: 'v2', carrier: 'query' });
    const error = await s3Error(authenticatorAt(1_175_139_620_000).authenticate(request));
    expect(error).toMatchObject({
      code: 'AccessDenied',
      message: 'Request has expired',
      detail: { Expires: '2007-03-29T03:40:20Z', ServerTime: '2007-03-29T03:40:20Z' },
    });
    expect((await s3Error(before.authenticate({ ...request, vhostBucket: 'jane' }))).code).toBe(
      'SignatureDoesNotMatch',
    );
  });
});

describe('what clients differ in', () => {
  async function accepts(sent: string, resource: string, bucket: string | null = null): Promise<void> {
    const headers = { Date: DATE, Authorization: auth(sign(`GET\n\n\n${DATE}\n${resource}`)) };
    expect((await authenticator.authenticate(signingRequest('GET', sent, headers, bucket))).kind).toBe('signed');
  }

  it.each([
    ['sub-resources are sorted', '/b/k?versionId=3&acl', '/b/k?acl&versionId=3'],
    ['other parameters are left out', '/b?prefix=x&uploads&max-keys=1', '/b?uploads'],
    ['values are decoded', '/b/k?response-content-type=text%2Fplain', '/b/k?response-content-type=text/plain'],
    ['or as sent', '/b/k?response-content-type=text%2Fplain', '/b/k?response-content-type=text%2Fplain'],
    ['an ampersand in a value', '/b/k?response-content-type=a%26b', '/b/k?response-content-type=a&b'],
    ['an empty value without =', '/b/k?uploads=', '/b/k?uploads'],
    ['an empty value with =', '/b/k?uploads=', '/b/k?uploads='],
    ['the path as sent', '/b/a(b)', '/b/a(b)'],
    ['the path escaped', '/b/a(b)', '/b/a%28b%29'],
    ['a bucket without a slash', '/b', '/b'],
    ['a bucket signed with a slash', '/b', '/b/'],
  ])('%s', (_name, sent, resource) => accepts(sent, resource));

  it('puts the bucket of a virtual host before the path', () => accepts('/k?acl', '/b/k?acl', 'b'));

  it('x-amz-date replaces the date line', async () => {
    const headers = {
      Date: 'whatever',
      'x-amz-date': DATE,
      Authorization: auth(sign(`GET\n\n\n\nx-amz-date:${DATE}\n/b`)),
    };
    expect((await authenticator.authenticate(signingRequest('GET', '/b', headers))).kind).toBe('signed');
  });

  it('an unescaped plus in a presigned signature', async () => {
    const expires = 1_175_139_620;
    for (let i = 0; ; i++) {
      const signature = sign(`GET\n\n\n${expires}\n/b/k${i}`);
      if (!signature.includes('+')) continue;
      const target = `/b/k${i}?AWSAccessKeyId=${EXAMPLE.accessKey}&Expires=${expires}&Signature=${signature}`;
      expect((await authenticator.authenticate(signingRequest('GET', target, {}))).kind).toBe('signed');
      break;
    }
  });

  it('a presigned URL may carry headers as parameters', async () => {
    const expires = 1_175_139_620;
    const stringToSign = `PUT\n\ntext/plain\n${expires}\nx-amz-acl:private\nx-amz-meta-a:b c\n/b/k`;
    const target =
      `/b/k?AWSAccessKeyId=${EXAMPLE.accessKey}&Expires=${expires}&Signature=${encodeURIComponent(sign(stringToSign))}` +
      '&x-amz-acl=private&x-amz-meta-a=b+c&content-type=text%2Fplain';
    const result = await authenticator.authenticate(signingRequest('PUT', target, {}));
    expect(result).toMatchObject({
      hoistedHeaders: { 'x-amz-acl': 'private', 'x-amz-meta-a': 'b c', 'content-type': 'text/plain' },
    });
  });
});

describe('what must not pass', () => {
  it('an encoded ampersand standing for a further sub-resource', async () => {
    const signature = sign(`PUT\n\n\n${DATE}\n/b/k?partNumber=1&uploadId=x`);
    const headers = { Date: DATE, Authorization: auth(signature) };
    const honest = signingRequest('PUT', '/b/k?partNumber=1&uploadId=x', headers);
    expect((await authenticator.authenticate(honest)).kind).toBe('signed');
    const forged = signingRequest('PUT', '/b/k?partNumber=1%26uploadId=x', headers);
    expect((await s3Error(authenticator.authenticate(forged))).code).toBe('SignatureDoesNotMatch');
  });

  it.each([
    'acl',
    'retention',
    'legal-hold',
    'tagging',
    'encryption',
    'policy',
    'publicAccessBlock',
    'select&select-type=2',
  ])('adding ?%s to a signed request', async (subResource) => {
    const headers = { Date: DATE, Authorization: auth(sign(`PUT\n\n\n${DATE}\n/b/k`)) };
    expect((await authenticator.authenticate(signingRequest('PUT', '/b/k', headers))).kind).toBe('signed');
    const forged = signingRequest('PUT', `/b/k?${subResource}`, headers);
    expect((await s3Error(authenticator.authenticate(forged))).code).toBe('SignatureDoesNotMatch');
  });

  it.each([
    ['Content-MD5', '1B2M2Y8AsgTpgAmY7PhCfg=='],
    ['Content-Type', 'text/html'],
    ['x-amz-acl', 'public-read'],
    ['x-amz-meta-a', 'b'],
  ])('adding %s to a signed request', async (name, value) => {
    const headers = { Date: DATE, Authorization: auth(sign(`PUT\n\n\n${DATE}\n/b/k`)), [name]: value };
    const error = await s3Error(authenticator.authenticate(signingRequest('PUT', '/b/k', headers)));
    expect(error.code).toBe('SignatureDoesNotMatch');
  });
});
