// What websites share with the API (permissions, encryption, CORS, logs), and visits that are out of the ordinary.
import { randomBytes } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetBucketWebsiteCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketAclCommand,
  PutBucketCorsCommand,
  PutBucketLoggingCommand,
  PutBucketPolicyCommand,
  PutBucketRequestPaymentCommand,
  PutBucketWebsiteCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { bytes, failure, failures, KIB, read } from './helpers.js';
import { exchange, signedExchange } from './raw.js';
import type { Wire } from './servers.js';
import { bucketName, describeWire, KEYS } from './servers.js';
import { PAGES, Sites, SITES } from './websites.js';

const SOON = { timeout: 60_000, interval: 250 };

describeWire('visits to websites', suite, {
  options: { 'website-uri': SITES, 'service-uri': ['s3.example.com', 'localhost'], 'website-custom-domains': true },
  'access-log': { 'flush-interval': '300ms' },
  encryption: { 'kms-keys': { pages: randomBytes(32).toString('base64') } },
});

function suite(wire: Wire): void {
  const sites = new Sites(wire);
  const redirectOf = async (Bucket: string, Key: string) =>
    (await wire.s3.send(new HeadObjectCommand({ Bucket, Key }))).WebsiteRedirectLocation;

  describe('a redirect of an object', () => {
    it('comes with every way of writing one, and is never copied', async () => {
      const Bucket = await sites.site();
      const WebsiteRedirectLocation = 'https://example.com/a?b=c#d';
      const upload = { Bucket, Key: 'parts' };
      const { UploadId } = await wire.s3.send(
        new CreateMultipartUploadCommand({ ...upload, WebsiteRedirectLocation, ContentType: 'text/plain' }),
      );
      const { ETag } = await wire.s3.send(
        new UploadPartCommand({ ...upload, UploadId, PartNumber: 1, Body: bytes(KIB) }),
      );
      const MultipartUpload = { Parts: [{ ETag, PartNumber: 1 }] };
      await wire.s3.send(new CompleteMultipartUploadCommand({ ...upload, UploadId, MultipartUpload }));
      expect(await redirectOf(Bucket, 'parts')).toBe(WebsiteRedirectLocation);

      const CopySource = `${Bucket}/parts`;
      for (const MetadataDirective of ['COPY', 'REPLACE'] as const) {
        const copy = { Bucket, CopySource, MetadataDirective };
        await wire.s3.send(new CopyObjectCommand({ ...copy, Key: 'without' }));
        expect(await redirectOf(Bucket, 'without')).toBeUndefined();
        await wire.s3.send(new CopyObjectCommand({ ...copy, Key: 'with', WebsiteRedirectLocation: '/other' }));
        expect(await redirectOf(Bucket, 'with')).toBe('/other');
      }
      const wrong = { Bucket, Key: 'wrong', WebsiteRedirectLocation: 'nowhere' };
      const refused = await failures([
        wire.s3.send(new CreateMultipartUploadCommand(wrong)),
        wire.s3.send(new CopyObjectCommand({ ...wrong, CopySource })),
      ]);
      for (const one of refused) expect(one).toMatchObject({ status: 400, code: 'InvalidRedirectLocation' });
      expect(await sites.visit(Bucket, '/parts')).toMatchObject({
        status: 301,
        headers: { location: WebsiteRedirectLocation, 'content-length': '0' },
      });
      // The API gives the object, and says where it points.
      const { output, content } = await read(wire.s3, { Bucket, Key: 'parts' });
      expect([output.WebsiteRedirectLocation, content.length]).toEqual([WebsiteRedirectLocation, KIB]);
    });

    it('comes with a form', async () => {
      const Bucket = await sites.site();
      await wire.s3.send(new PutBucketAclCommand({ Bucket, ACL: 'public-read-write' }));
      const post = (location: string) => {
        const fields = Object.entries({ key: 'form', acl: 'public-read', 'x-amz-website-redirect-location': location });
        const parts = fields.map(
          ([name, value]) => `--b\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}`,
        );
        const file = '--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n\r\n--b--\r\n';
        return exchange(wire.server, {
          method: 'POST',
          target: `/${Bucket}`,
          headers: { 'content-type': 'multipart/form-data; boundary=b' },
          body: [...parts, file].join('\r\n'),
        });
      };
      expect(await post('nowhere')).toMatchObject({ status: 400, code: 'InvalidRedirectLocation' });
      expect(await post('/docs/')).toMatchObject({ status: 204 });
      expect(await sites.visit(Bucket, '/form')).toMatchObject({ status: 301, headers: { location: '/docs/' } });
    });

    it('holds for any part of it that is asked for, and for error documents', async () => {
      const Bucket = await sites.site({ ...PAGES, ErrorDocument: { Key: 'moved' } });
      await sites.put(Bucket, 'moved', '', { WebsiteRedirectLocation: 'https://example.com/' });
      const moved = { status: 301, headers: { location: 'https://example.com/' } };
      expect(await sites.visit(Bucket, '/moved', { range: 'bytes=0-' })).toMatchObject(moved);
      expect(await sites.visit(Bucket, '/moved', {}, 'HEAD')).toMatchObject(moved);
      expect(await sites.visit(Bucket, '/missing')).toMatchObject(moved);
    });
  });

  it('show what is missing as 404 where everybody may list, by rule or as a page', async () => {
    const Bucket = await sites.site(PAGES, { listed: true });
    const found = { status: 302, headers: { location: 'https://found.example.com/lost/x?y=z' } };
    expect(await sites.visit(Bucket, '/lost/x?y=z')).toMatchObject(found);
    const missing = await sites.visit(Bucket, '/missing', { 'if-none-match': '*', range: 'bytes=900-' });
    expect([missing.status, missing.body.toString()]).toEqual([404, 'our own error']);
    expect(missing.headers).toMatchObject({ 'x-amz-error-code': 'NoSuchKey', 'content-type': 'text/html' });
    const head = await sites.visit(Bucket, '/missing', {}, 'HEAD');
    expect([head.status, head.body.length, head.headers['content-length']]).toEqual([404, 0, '13']);
    expect(await sites.visit(Bucket, '/', { range: 'bytes=100-' })).toMatchObject({ status: 416 });
    expect(await sites.visit(Bucket, '/', { 'if-match': '"other"' })).toMatchObject({ status: 412 });
    await sites.configure(Bucket, { IndexDocument: { Suffix: 'index.html' } });
    const bare = await sites.visit(Bucket, '/docs/missing');
    expect(bare.body.toString()).toMatch(
      /^<html>\n<head><title>404 Not Found<\/title>.*<li>Code: NoSuchKey<\/li>\n<li>Message: .*<li>Key: docs\/missing<\/li>\n<li>RequestId: (\w+)<\/li>\n<li>HostId: /s,
    );
    expect(bare.body.toString()).toContain(`RequestId: ${bare.headers['x-amz-request-id']}`);
  });

  it('answer requests that make no sense with pages', async () => {
    const Bucket = await sites.site({ IndexDocument: { Suffix: 'index.html' } }, { listed: true });
    const html = { 'content-type': 'text/html; charset=utf-8' };
    for (const [target, status, code] of [
      [`/${'k'.repeat(1025)}`, 400, 'KeyTooLongError'],
      [`/${'k'.repeat(1020)}/`, 400, 'KeyTooLongError'],
      ['/%ff', 400, 'InvalidURI'],
      ['/%00', 404, 'NoSuchKey'],
      ['//docs', 404, 'NoSuchKey'],
    ] as const)
      expect(await sites.visit(Bucket, target), target.slice(0, 10)).toMatchObject({
        status,
        headers: { ...html, 'x-amz-error-code': code },
      });
    for (const method of ['PUT', 'POST', 'DELETE', 'PATCH']) {
      const answer = await sites.visit(Bucket, '/index.html', { 'content-length': '0' }, method);
      expect(answer).toMatchObject({ status: 405, headers: { ...html, allow: 'GET, HEAD, OPTIONS' } });
      expect(answer.body.toString()).toContain('<li>Code: MethodNotAllowed</li>');
    }
    // Not even its owner writes through a site.
    const put = { method: 'PUT', target: '/new', payload: 'x', headers: { host: `${Bucket}.${SITES}` } };
    expect((await signedExchange(wire.server, put)).status).toBe(405);
    const nobody = await sites.visit('x'.repeat(3000), '/');
    expect(nobody).toMatchObject({ status: 404, headers: { ...html, 'x-amz-error-code': 'NoSuchBucket' } });
    const long = await exchange(wire.server, { method: 'GET', target: '/', headers: { host: 'y'.repeat(3000) } });
    expect(long).toMatchObject({ status: 403, headers: { 'content-type': 'application/xml' } });
  });

  it('are visits under the website name alone, and never in the place of the API', async () => {
    const Bucket = await sites.site();
    for (const host of [SITES, `${Bucket}.s3.example.com`, 's3.example.com', 'localhost:80', '127.0.0.1'])
      expect(await exchange(wire.server, { method: 'GET', target: '/', headers: { host } }), host).toMatchObject({
        status: 403,
        headers: { 'content-type': 'application/xml' },
      });
    const shouted = { host: `${Bucket.toUpperCase()}.${SITES.toUpperCase()}:8080` };
    expect((await sites.visit('', '/', shouted)).body.toString()).toBe('the root');
    const proxied = await sites.visit('', `http://${Bucket}.${SITES}/docs/`, { host: 'localhost' });
    expect(proxied.body.toString()).toBe('the docs');
  });

  it('are anonymous, whoever asks and whatever for', async () => {
    const Bucket = await wire.bucket();
    await sites.configure(Bucket, PAGES);
    await sites.put(Bucket, 'index.html', 'private');
    const headers = { host: `${Bucket}.${SITES}` };
    expect((await signedExchange(wire.server, { method: 'GET', target: '/', headers })).status).toBe(403);
    expect((await sites.visit(Bucket, '/index.html?acl')).status).toBe(403);
    await sites.put(Bucket, 'index.html', 'public', { ACL: 'public-read' });
    const shown = await sites.visit(Bucket, '/?response-content-type=text/plain&partNumber=9', {
      'x-amz-checksum-mode': 'ENABLED',
      'x-amz-server-side-encryption-customer-algorithm': 'AES256',
      'x-amz-expected-bucket-owner': 'somebody',
    });
    expect([shown.status, shown.headers['content-type'], shown.body.toString()]).toEqual([200, 'text/html', 'public']);
    await wire.s3.send(
      new PutBucketRequestPaymentCommand({ Bucket, RequestPaymentConfiguration: { Payer: 'Requester' } }),
    );
    await expect.poll(async () => (await sites.visit(Bucket, '/')).status, SOON).toBe(403);
  });

  it('see conditions of policies', async () => {
    const Bucket = await sites.site({ IndexDocument: { Suffix: 'index.html' } });
    const Statement = [
      {
        Effect: 'Allow',
        Principal: '*',
        Action: 's3:GetObject',
        Resource: `arn:aws:s3:::${Bucket}/*`,
        Condition: { StringLike: { 'aws:Referer': 'http://friends.example.com/*' } },
      },
    ];
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
    await wire.s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
    expect((await sites.visit(Bucket, '/')).status).toBe(403);
    expect((await sites.visit(Bucket, '/', { referer: 'http://friends.example.com/x' })).status).toBe(200);
  });

  it('show encrypted pages, but none under a customer key', async () => {
    const Bucket = await sites.site({ IndexDocument: { Suffix: 'index.html' } });
    await sites.put(Bucket, 's3', 'by S3', { ServerSideEncryption: 'AES256' });
    await sites.put(Bucket, 'kms', 'by KMS'.repeat(20_000), { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'pages' });
    await sites.put(Bucket, 'customer', 'by me', {
      SSECustomerAlgorithm: 'AES256',
      SSECustomerKey: randomBytes(32).toString('base64'),
    });
    expect((await sites.visit(Bucket, '/s3')).body.toString()).toBe('by S3');
    const part = await sites.visit(Bucket, '/kms', { range: 'bytes=60000-60005' });
    expect([part.status, part.body.toString()]).toEqual([206, 'by KMS']);
    expect(await sites.visit(Bucket, '/customer')).toMatchObject({ status: 400 });
  });

  it('carry the CORS headers that the API gives', async () => {
    const Bucket = await sites.site();
    const rule = { AllowedOrigins: ['https://app.example.com'], AllowedMethods: ['GET'], AllowedHeaders: ['x-mine'] };
    await wire.s3.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules: [rule] } }));
    const origin = 'https://app.example.com';
    const allowed = { 'access-control-allow-origin': origin };
    expect(await sites.visit(Bucket, '/', { origin })).toMatchObject({ status: 200, headers: allowed });
    expect(await sites.visit(Bucket, '/missing', { origin })).toMatchObject({ status: 403, headers: allowed });
    expect((await sites.visit(Bucket, '/', { origin: 'https://x.org' })).headers).not.toHaveProperty(
      'access-control-allow-origin',
    );
    const asked = { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'x-mine' };
    for (const target of ['/', '/docs/'])
      expect(await sites.visit(Bucket, target, asked, 'OPTIONS')).toMatchObject({ status: 200, headers: allowed });
  });

  it('are in the logs under the names that S3 gives them', async () => {
    const [Bucket, TargetBucket] = [await sites.site(PAGES, { listed: true }), await wire.bucket()];
    await wire.s3.send(new PutBucketAclCommand({ Bucket: TargetBucket, ACL: 'log-delivery-write' as never }));
    await wire.s3.send(
      new PutBucketLoggingCommand({
        Bucket,
        BucketLoggingStatus: { LoggingEnabled: { TargetBucket, TargetPrefix: '' } },
      }),
    );
    await sites.visit(Bucket, '/docs/');
    await sites.visit(Bucket, '/missing', {}, 'HEAD');
    const lines = async (): Promise<string> => {
      const { Contents = [] } = await wire.s3.send(new ListObjectsV2Command({ Bucket: TargetBucket }));
      const texts = Contents.map(async ({ Key = '' }) => (await read(wire.s3, { Bucket: TargetBucket, Key })).content);
      return (await Promise.all(texts)).join('');
    };
    await expect.poll(lines, SOON).toMatch(/ - \w+ WEBSITE\.GET\.OBJECT docs\/ "GET \/docs\/ HTTP\/1\.1" 200 - 8 /);
    await expect.poll(lines, SOON).toMatch(/ WEBSITE\.HEAD\.OBJECT missing "HEAD \/missing HTTP\/1\.1" 404 NoSuchKey /);
    expect(wire.server.logs()).toMatch(new RegExp(`"operation":"WEBSITE.GET.OBJECT"[^\\n]*"bucket":"${Bucket}"`));
  });

  it('are configured by the owner, and by whom a policy lets', async () => {
    const Bucket = await wire.bucket();
    const other = wire.client(KEYS.other);
    const WebsiteConfiguration = { IndexDocument: { Suffix: 'index.html' } };
    const put = () => other.send(new PutBucketWebsiteCommand({ Bucket, WebsiteConfiguration }));
    expect(await failure(put())).toMatchObject({ status: 403, code: 'AccessDenied' });
    const statement = {
      Effect: 'Allow',
      Principal: '*',
      Action: 's3:PutBucketWebsite',
      Resource: `arn:aws:s3:::${Bucket}`,
    };
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    await wire.s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
    await put();
    expect(await failure(other.send(new GetBucketWebsiteCommand({ Bucket })))).toMatchObject({ status: 403 });
    expect(await wire.s3.send(new GetBucketWebsiteCommand({ Bucket }))).toMatchObject(WebsiteConfiguration);
    const nowhere = wire.s3.send(new GetBucketWebsiteCommand({ Bucket: bucketName() }));
    expect(await failure(nowhere)).toMatchObject({ status: 404, code: 'NoSuchBucket' });
  });
}
