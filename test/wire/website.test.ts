// Buckets as web sites: pages, indexes, errors and redirects for anonymous visitors.
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketWebsiteCommand,
  GetBucketWebsiteCommand,
  HeadObjectCommand,
  PutBucketPolicyCommand,
  PutPublicAccessBlockCommand,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { failure } from './helpers.js';
import { exchange } from './raw.js';
import type { Wire } from './servers.js';
import { bucketName, describeWire } from './servers.js';
import { PAGES, Sites, SITES } from './websites.js';

const options = { options: { 'website-uri': [SITES], 'website-custom-domains': true } };
describeWire('websites', suite, options);

function suite(wire: Wire): void {
  const sites = new Sites(wire);
  const configure = sites.configure.bind(sites);
  const put = sites.put.bind(sites);
  const site = sites.site.bind(sites);
  const visit = sites.visit.bind(sites);

  it('keep their configuration', async () => {
    const Bucket = await wire.bucket();
    const get = new GetBucketWebsiteCommand({ Bucket });
    expect(await failure(wire.s3.send(get))).toMatchObject({ status: 404, code: 'NoSuchWebsiteConfiguration' });
    await configure(Bucket, PAGES);
    const { IndexDocument, ErrorDocument, RoutingRules } = await wire.s3.send(get);
    expect({ IndexDocument, ErrorDocument, RoutingRules }).toEqual(PAGES);
    await wire.s3.send(new DeleteBucketWebsiteCommand({ Bucket }));
    await wire.s3.send(new DeleteBucketWebsiteCommand({ Bucket }));
    expect(await failure(wire.s3.send(get))).toMatchObject({ code: 'NoSuchWebsiteConfiguration' });
  });

  it('serve pages and the indexes of folders', async () => {
    const Bucket = await site();
    for (const [target, content] of [
      ['/', 'the root'],
      ['/index.html?versionId=ignored', 'the root'],
      ['/docs/', 'the docs'],
    ] as const) {
      const answer = await visit(Bucket, target);
      expect(answer).toMatchObject({ status: 200, headers: { 'content-type': 'text/html' } });
      expect(answer.body.toString()).toBe(content);
    }
    expect(await visit(Bucket, '/docs')).toMatchObject({ status: 302, headers: { location: '/docs/' } });
    const head = await visit(Bucket, '/', {}, 'HEAD');
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, '8', 0]);
    const part = await visit(Bucket, '/', { range: 'bytes=4-7' });
    expect([part.status, part.body.toString()]).toEqual([206, 'root']);
    const { etag = '' } = head.headers;
    expect(await visit(Bucket, '/', { 'if-none-match': etag })).toMatchObject({ status: 304 });
  });

  it('show errors as pages: the own one, else ours', async () => {
    const Bucket = await site();
    // Nobody may list the bucket: what is missing is forbidden.
    const missing = await visit(Bucket, '/missing', { range: 'bytes=1-2' });
    expect([missing.status, missing.body.toString()]).toEqual([403, 'our own error']);
    await configure(Bucket, { ...PAGES, ErrorDocument: { Key: 'no-error.html' } });
    const bare = await visit(Bucket, '/missing');
    expect(bare).toMatchObject({ status: 403, headers: { 'content-type': 'text/html; charset=utf-8' } });
    expect(bare.body.toString()).toMatch(/<h1>403 Forbidden<\/h1>.*Code: AccessDenied.*Custom Error Document/s);
    const posted = await visit(Bucket, '/', { 'content-length': '0' }, 'POST');
    expect([posted.status, posted.headers['x-amz-error-code']]).toEqual([405, 'MethodNotAllowed']);
    const plain = await wire.bucket();
    const none = await visit(plain, '/');
    expect([none.status, none.headers['x-amz-error-code']]).toEqual([404, 'NoSuchWebsiteConfiguration']);
    const nowhere = await visit(bucketName(), '/');
    expect([nowhere.status, nowhere.headers['x-amz-error-code']]).toEqual([404, 'NoSuchBucket']);
  });

  it('escape what visitors wrote', async () => {
    const Bucket = await site({ IndexDocument: { Suffix: 'index.html' } }, { listed: true });
    const answer = await visit(Bucket, '/%3Cscript%3Ealert(1)%3C%2Fscript%3E');
    expect(answer.status).toBe(404);
    expect(answer.body.toString()).toContain('Key: &lt;script&gt;');
  });

  it('redirect by rule, by object and as a whole', async () => {
    const Bucket = await site();
    const host = `${Bucket}.${SITES}`;
    expect((await visit(Bucket, '/old/a%20b')).headers['location']).toBe(`http://${host}/new/a%20b`);
    await put(Bucket, 'moved', '', { WebsiteRedirectLocation: '/docs/' });
    expect(await visit(Bucket, '/moved')).toMatchObject({ status: 301, headers: { location: '/docs/' } });
    const head = await wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'moved' }));
    expect(head.WebsiteRedirectLocation).toBe('/docs/');
    await wire.s3.send(new CopyObjectCommand({ Bucket, Key: 'copied', CopySource: `${Bucket}/moved` }));
    const copied = await wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'copied' }));
    expect(copied.WebsiteRedirectLocation).toBeUndefined();
    for (const WebsiteRedirectLocation of ['elsewhere', 'ftp://example.com/', `/${'x'.repeat(2048)}`]) {
      const wrong = put(Bucket, 'wrong', '', { WebsiteRedirectLocation });
      expect(await failure(wrong)).toMatchObject({ status: 400, code: 'InvalidRedirectLocation' });
    }
    await configure(Bucket, { RedirectAllRequestsTo: { HostName: 'new.example.com', Protocol: 'https' } });
    const away = await visit(Bucket, '/a%20b?q=1');
    expect(away).toMatchObject({ status: 301, headers: { location: 'https://new.example.com/a%20b?q=1' } });
  });

  it('give nothing away that a visitor may not read', async () => {
    const Bucket = await site();
    const Statement = [
      { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/*` },
      { Effect: 'Deny', Principal: '*', Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/secret` },
    ];
    await put(Bucket, 'secret', 'secret');
    await wire.s3.send(
      new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify({ Version: '2012-10-17', Statement }) }),
    );
    expect((await visit(Bucket, '/secret')).status).toBe(403);
    const PublicAccessBlockConfiguration = { RestrictPublicBuckets: true };
    await wire.s3.send(new PutPublicAccessBlockCommand({ Bucket, PublicAccessBlockConfiguration }));
    expect((await visit(Bucket, '/')).status).toBe(403);
  });

  describe('at a domain of their own', () => {
    it('are found by a bucket of that name', async () => {
      const Bucket = `www.${bucketName()}.example.org`;
      await wire.s3.send(new CreateBucketCommand({ Bucket }));
      const at = () => exchange(wire.server, { method: 'GET', target: '/', headers: { host: Bucket } });
      // No site yet: the API's path style.
      expect(await at()).toMatchObject({ status: 403, headers: { 'content-type': 'application/xml' } });
      await configure(Bucket, { IndexDocument: { Suffix: 'index.html' } });
      await put(Bucket, 'index.html', 'home', { ACL: 'public-read' });
      expect((await at()).body.toString()).toBe('home');
    });
  });
}
