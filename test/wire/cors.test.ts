// Cross-origin requests: the rules of a bucket, what preflights are answered, and what actual requests carry.
import { DeleteBucketCorsCommand, GetBucketCorsCommand, PutBucketCorsCommand } from '@aws-sdk/client-s3';
import type { CORSRule } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { failure, put } from './helpers.js';
import { exchange, signedExchange } from './raw.js';
import { bucketName, describeWire, KEYS } from './servers.js';

const RULES: CORSRule[] = [
  {
    ID: 'app',
    AllowedOrigins: ['https://app.example.com', 'https://*.example.org'],
    AllowedMethods: ['GET', 'PUT'],
    AllowedHeaders: ['x-amz-*', 'Content-Type'],
    ExposeHeaders: ['ETag', 'x-amz-request-id'],
    MaxAgeSeconds: 600,
  },
  { AllowedOrigins: ['*'], AllowedMethods: ['GET', 'HEAD'] },
];

describeWire('CORS', (wire) => {
  let Bucket = '';
  beforeAll(async () => {
    Bucket = await wire.bucket({ ACL: 'public-read' });
    await put(wire.s3, Bucket, 'key', 'content');
    await wire.s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules: RULES } }));
  });

  const preflight = (headers: Readonly<Record<string, string>>, target = `/${Bucket}/key`) =>
    exchange(wire.server, { method: 'OPTIONS', target, headers });

  it('rules are kept as they were given, until they are deleted', async () => {
    const own = await wire.bucket();
    const missing = { status: 404, code: 'NoSuchCORSConfiguration' };
    expect(await failure(wire.s3.send(new GetBucketCorsCommand({ Bucket: own })))).toMatchObject(missing);
    await wire.s3.send(new PutBucketCorsCommand({ Bucket: own, CORSConfiguration: { CORSRules: RULES } }));
    const { CORSRules } = await wire.s3.send(new GetBucketCorsCommand({ Bucket: own }));
    expect(CORSRules).toEqual(RULES);
    const stranger = wire.client(KEYS.other).send(new GetBucketCorsCommand({ Bucket: own }));
    expect(await failure(stranger)).toMatchObject({ status: 403 });
    await wire.s3.send(new DeleteBucketCorsCommand({ Bucket: own }));
    expect(await failure(wire.s3.send(new GetBucketCorsCommand({ Bucket: own })))).toMatchObject(missing);
  });

  it.each([
    ['no rule', []],
    ['an unknown method', [{ AllowedOrigins: ['*'], AllowedMethods: ['PATCH'] }]],
    ['two wildcards', [{ AllowedOrigins: ['https://*.*.org'], AllowedMethods: ['GET'] }]],
    ['an exposed wildcard', [{ AllowedOrigins: ['*'], AllowedMethods: ['GET'], ExposeHeaders: ['x-*'] }]],
  ])('rules with %s are refused', async (_name, CORSRules) => {
    const command = new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } });
    expect(await failure(wire.s3.send(command))).toMatchObject({ status: 400 });
  });

  it('a preflight needs no signature and names what is allowed', async () => {
    const answer = await preflight({
      origin: 'https://sub.example.org',
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'content-type, X-Amz-Date',
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toHaveLength(0);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': 'https://sub.example.org',
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'ETag, x-amz-request-id',
      'access-control-max-age': '600',
    });
    expect(answer.headers['access-control-allow-methods']).toContain('PUT');
    expect(answer.headers['access-control-allow-headers']?.toLowerCase()).toBe('content-type, x-amz-date');
    expect(answer.headers['vary']).toContain('Origin');
  });

  it('the rule for everybody answers *', async () => {
    const answer = await preflight({ origin: 'http://other.net', 'access-control-request-method': 'GET' });
    expect(answer.status).toBe(200);
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
  });

  it.each([
    ['another method', { origin: 'https://app.example.com', 'access-control-request-method': 'DELETE' }, 403],
    [
      'another header',
      {
        origin: 'https://app.example.com',
        'access-control-request-method': 'PUT',
        'access-control-request-headers': 'x-other',
      },
      403,
    ],
    ['PUT from another origin', { origin: 'https://evil.com', 'access-control-request-method': 'PUT' }, 403],
    [
      'a look-alike origin',
      { origin: 'https://app.example.com.evil.com', 'access-control-request-method': 'PUT' },
      403,
    ],
    ['no origin', { 'access-control-request-method': 'GET' }, 400],
    ['no method', { origin: 'https://app.example.com' }, 400],
  ] as const)('a preflight with %s is refused', async (_name, headers, status) => {
    const answer = await preflight(headers);
    expect(answer.status).toBe(status);
    expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
  });

  it('a bucket without rules, or no bucket, allows nothing', async () => {
    const own = await wire.bucket();
    const headers = { origin: 'https://app.example.com', 'access-control-request-method': 'GET' };
    for (const target of [`/${own}/key`, `/${own}`, `/${bucketName()}/key`]) {
      const answer = await preflight(headers, target);
      expect(answer).toMatchObject({ status: 403, code: 'AccessForbidden' });
    }
  });

  describe('an actual request', () => {
    const origin = 'https://app.example.com';

    it('carries the headers of its rule, whatever its outcome', async () => {
      for (const [method, key, status] of [
        ['GET', 'key', 200],
        ['PUT', 'key', 200],
        ['GET', 'missing', 404],
      ] as const) {
        const answer = await signedExchange(wire.server, {
          method,
          target: `/${Bucket}/${key}`,
          headers: { origin },
          ...(method === 'PUT' && { body: 'content' }),
        });
        expect(answer.status).toBe(status);
        expect(answer.headers['access-control-allow-origin']).toBe(origin);
        expect(answer.headers['access-control-expose-headers']).toBe('ETag, x-amz-request-id');
      }
      const denied = await exchange(wire.server, { method: 'GET', target: `/${Bucket}/key`, headers: { origin } });
      expect(denied.status).toBe(403);
      expect(denied.headers['access-control-allow-origin']).toBe(origin);
    });

    it('is served without them when no rule matches or no origin is named', async () => {
      const headers = { origin: 'https://evil.com' };
      const target = `/${Bucket}/key`;
      const deleted = await signedExchange(wire.server, { method: 'DELETE', target: `${target}-none`, headers });
      expect(deleted.status).toBe(204);
      expect(deleted.headers).not.toHaveProperty('access-control-allow-origin');
      const plain = await signedExchange(wire.server, { method: 'GET', target });
      expect(plain.headers).not.toHaveProperty('access-control-allow-origin');
    });
  });
});

const DEFAULT_CORS = [{ origins: ['https://default.example.com'], methods: ['GET'], headers: ['*'] }];

describeWire(
  'default CORS rules',
  (wire) => {
    it('hold for buckets without rules of their own', async () => {
      const Bucket = await wire.bucket();
      const headers = { origin: 'https://default.example.com', 'access-control-request-method': 'GET' };
      const ask = () => exchange(wire.server, { method: 'OPTIONS', target: `/${Bucket}/key`, headers });
      expect((await ask()).headers['access-control-allow-origin']).toBe('https://default.example.com');
      const CORSRules = [{ AllowedOrigins: ['https://own.example.com'], AllowedMethods: ['GET'] }];
      await wire.s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }));
      expect((await ask()).status).toBe(403);
    });
  },
  { options: { 'default-cors': DEFAULT_CORS } },
);
