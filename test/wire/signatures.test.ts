// Signatures on requests: presigned, of both versions; and every way to be wrong, which is never anonymous.
import { createHash } from 'node:crypto';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { failure, put, read } from './helpers.js';
import { exchange, signedExchange } from './raw.js';
import { describeWire, KEYS } from './servers.js';
import { hmacSha1, sha256Hex, signV2, signV4 } from './signing.js';

const { user, other } = KEYS;

describeWire('signatures', (wire) => {
  let Bucket = '';
  const Key = 'key';
  let target = '';
  beforeAll(async () => {
    // Open to everybody, so that a request which passed for anonymous would succeed.
    Bucket = await wire.bucket({ ACL: 'public-read-write' });
    target = `/${Bucket}/${Key}`;
  });
  beforeEach(async () => {
    await wire.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'old', ACL: 'public-read-write' }));
  });

  const content = async (): Promise<string> => (await read(wire.s3, { Bucket, Key })).content.toString();
  /** The request that the URL stands for. */
  const follow = (url: string, method = 'GET', body?: string, headers: Readonly<Record<string, string>> = {}) => {
    const { pathname, search } = new URL(url);
    return exchange(wire.server, { method, target: pathname + search, body, headers });
  };

  describe('presigned URLs', () => {
    it('read and write', async () => {
      const write = await getSignedUrl(wire.s3, new PutObjectCommand({ Bucket, Key }), { expiresIn: 60 });
      expect((await follow(write, 'PUT', 'presigned')).status).toBe(200);
      const get = await getSignedUrl(wire.s3, new GetObjectCommand({ Bucket, Key, ResponseContentType: 'a/b' }));
      const got = await follow(get);
      expect([got.status, got.body.toString(), got.headers['content-type']]).toEqual([200, 'presigned', 'a/b']);
    });

    it('work for a key of any characters', async () => {
      const strange = 'a b+c/ü&=?.txt';
      await put(wire.s3, Bucket, strange, 'strange');
      const got = await follow(await getSignedUrl(wire.s3, new GetObjectCommand({ Bucket, Key: strange })));
      expect(got.body.toString()).toBe('strange');
    });

    it('are for their method, their key and their parameters only', async () => {
      const get = await getSignedUrl(wire.s3, new GetObjectCommand({ Bucket, Key }));
      for (const attempt of [
        follow(get, 'PUT', 'changed'),
        follow(get, 'DELETE'),
        follow(get.replace(`/${Key}?`, '/other?')),
        follow(`${get}&response-content-type=text/html`),
        follow(get.replace(/X-Amz-Expires=\d+/, 'X-Amz-Expires=3600')),
        follow(get.replace(/X-Amz-Signature=../, 'X-Amz-Signature=00')),
      ])
        expect(await attempt).toMatchObject({ status: 403, code: 'SignatureDoesNotMatch' });
      expect(await content()).toBe('old');
    });

    it('end when they expire', async () => {
      const signingDate = new Date(Date.now() - 61_000);
      const expired = await getSignedUrl(wire.s3, new GetObjectCommand({ Bucket, Key }), {
        expiresIn: 60,
        signingDate,
      });
      const answer = await follow(expired);
      expect(answer).toMatchObject({ status: 403, code: 'AccessDenied' });
      expect(answer.body.toString()).toContain('Request has expired');
      const alive = await getSignedUrl(wire.s3, new GetObjectCommand({ Bucket, Key }), { expiresIn: 120, signingDate });
      expect((await follow(alive)).status).toBe(200);
    });

    it('live a week at most', async () => {
      const long = await getSignedUrl(wire.s3, new GetObjectCommand({ Bucket, Key }), { expiresIn: 604_800 });
      const answer = await follow(long.replace('X-Amz-Expires=604800', 'X-Amz-Expires=604801'));
      // AWS answers 400 AuthorizationQueryParametersError; Ceph's suite wants 403, and so it is here.
      expect(answer).toMatchObject({ status: 403, code: 'AccessDenied' });
      expect(answer.body.toString()).toContain('X-Amz-Expires must be less than a week');
    });

    it('of version 2 read and write, until they expire', async () => {
      const url = (method: string, expires: number) => {
        const signature = hmacSha1(user.secretAccessKey, `${method}\n\n\n${expires}\n${target}`);
        return `http://x${target}?AWSAccessKeyId=${user.accessKeyId}&Expires=${expires}&Signature=${encodeURIComponent(signature)}`;
      };
      const soon = Math.floor(Date.now() / 1000) + 60;
      expect((await follow(url('PUT', soon), 'PUT', 'version 2')).status).toBe(200);
      expect((await follow(url('GET', soon))).body.toString()).toBe('version 2');
      expect(await follow(url('GET', soon), 'DELETE')).toMatchObject({ status: 403, code: 'SignatureDoesNotMatch' });
      expect(await follow(url('GET', soon - 120))).toMatchObject({ status: 403, code: 'AccessDenied' });
    });
  });

  describe('version 2 in headers', () => {
    const request = (method: string, resource: string, more: Readonly<Record<string, string>> = {}) =>
      signV2({ method, resource, credentials: user, headers: { date: new Date().toUTCString(), ...more } });

    it('reads, writes and asks for sub-resources', async () => {
      const md5 = createHash('md5').update('by v2').digest('base64');
      const more = { 'content-md5': md5, 'content-type': 'text/x-v2', 'x-amz-meta-a': '1', 'x-amz-acl': 'private' };
      const headers = request('PUT', target, more);
      expect((await exchange(wire.server, { method: 'PUT', target, headers, body: 'by v2' })).status).toBe(200);
      const got = await exchange(wire.server, { method: 'GET', target, headers: request('GET', target) });
      expect([got.body.toString(), got.headers['x-amz-meta-a']]).toEqual(['by v2', '1']);
      const acl = `${target}?acl`;
      expect((await exchange(wire.server, { method: 'GET', target: acl, headers: request('GET', acl) })).status).toBe(
        200,
      );
    });

    it('is refused when anything under it has changed', async () => {
      const headers = request('PUT', target, { 'x-amz-meta-a': '1' });
      for (const [method, changed] of [
        ['PUT', { ...headers, 'x-amz-meta-a': '2' }],
        ['PUT', { ...headers, 'content-type': 'text/x-new' }],
        ['PUT', { ...headers, authorization: (headers['authorization'] ?? '').slice(0, -3) + 'AA=' }],
        ['DELETE', headers],
      ] as const)
        expect(
          await exchange(wire.server, { method, target, headers: changed, ...(method === 'PUT' && { body: 'x' }) }),
        ).toMatchObject({ status: 403, code: 'SignatureDoesNotMatch' });
      const old = request('GET', target, { date: new Date(Date.now() - 3_600_000).toUTCString() });
      expect(await exchange(wire.server, { method: 'GET', target, headers: old })).toMatchObject({
        status: 403,
        code: 'RequestTimeTooSkewed',
      });
      expect(await content()).toBe('old');
    });
  });

  describe('a request that fails to authenticate is refused, though strangers may do it', () => {
    const good = () =>
      signV4({ method: 'GET', path: target, headers: { host: wire.server.url.slice(7) }, credentials: user });
    const withAuthorization = (change: (value: string) => string) => {
      const { headers } = good();
      return { ...headers, authorization: change(headers['authorization'] ?? '') };
    };

    it.each([
      ['a wrong signature', (v: string) => v.replace(/Signature=../, 'Signature=zz'), 403, 'SignatureDoesNotMatch'],
      ['an unknown key', (v: string) => v.replace(user.accessKeyId, 'AKIANOBODY'), 403, 'InvalidAccessKeyId'],
      [
        'another tenant’s key',
        (v: string) => v.replace(user.accessKeyId, other.accessKeyId),
        403,
        'SignatureDoesNotMatch',
      ],
      ['no signature', (v: string) => v.replace(/, Signature=.*/, ''), 400, 'AuthorizationHeaderMalformed'],
      ['another service', (v: string) => v.replace('/s3/', '/ec2/'), 400, 'AuthorizationHeaderMalformed'],
      ['an unknown scheme', () => 'Bearer abc', 400, 'InvalidArgument'],
      ['nonsense', () => 'AWS4-HMAC-SHA256', 400, 'AuthorizationHeaderMalformed'],
      ['version 2 without a signature', () => 'AWS AKIA', 400, 'InvalidArgument'],
    ] as const)('%s', async (_name, change, status, code) => {
      expect((await exchange(wire.server, { method: 'GET', target })).status).toBe(200);
      const answer = await exchange(wire.server, { method: 'GET', target, headers: withAuthorization(change) });
      expect(answer).toMatchObject({ status, code });
    });

    it('a clock that is 16 minutes off, either way', async () => {
      for (const offMs of [-16 * 60_000, 16 * 60_000]) {
        const date = new Date(Date.now() + offMs);
        const answer = await signedExchange(wire.server, { method: 'GET', target, date });
        expect(answer).toMatchObject({ status: 403, code: 'RequestTimeTooSkewed' });
      }
      const date = new Date(Date.now() - 10 * 60_000);
      expect((await signedExchange(wire.server, { method: 'GET', target, date })).status).toBe(200);
    });

    it('a header of S3 that is not under the signature', async () => {
      const headers = { ...good().headers, 'x-amz-acl': 'public-read' };
      const answer = await exchange(wire.server, { method: 'GET', target, headers });
      expect(answer).toMatchObject({ status: 403, code: 'AccessDenied' });
      expect(answer.body.toString()).toContain('<HeadersNotSigned>x-amz-acl</HeadersNotSigned>');
    });

    it('two signatures at once', async () => {
      const url = new URL(await getSignedUrl(wire.s3, new GetObjectCommand({ Bucket, Key })));
      const { headers } = good();
      const answer = await exchange(wire.server, { method: 'GET', target: url.pathname + url.search, headers });
      expect(answer).toMatchObject({ status: 400, code: 'InvalidArgument' });
    });

    it('the SDK with a wrong secret', async () => {
      const impostor = wire.client({ ...user, secretAccessKey: 'guessed' });
      expect(await failure(read(impostor, { Bucket, Key }))).toMatchObject({
        status: 403,
        code: 'SignatureDoesNotMatch',
      });
      expect(await failure(put(impostor, Bucket, Key, 'stolen'))).toMatchObject({ status: 403 });
      expect(await failure(impostor.send(new HeadObjectCommand({ Bucket, Key })))).toMatchObject({ status: 403 });
      expect(await content()).toBe('old');
    });
  });

  it('covers the body by its hash', async () => {
    const payload = sha256Hex('signed');
    const answer = await signedExchange(wire.server, { method: 'PUT', target, body: 'forged', payload });
    expect(answer).toMatchObject({ status: 400, code: 'XAmzContentSHA256Mismatch' });
    expect(await content()).toBe('old');
  });
});
