// How the gateway serves its console: files, headers, and what it keeps from objects that share the origin.
import http from 'node:http';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { describe, expect, it } from 'vitest';
import { spawnPithos } from '../support/server.js';
import { describeWire, makeHome, SERVICE_URI } from './servers.js';

describeWire('console', (wire) => {
  const get = (path: string, options: RequestInit = {}) =>
    fetch(`${wire.server.url}${path}`, { redirect: 'manual', ...options });

  it('serves the page with a policy that runs its own scripts alone', async () => {
    const page = await get('/-/console/');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(page.headers.get('cache-control')).toBe('no-cache');
    expect(page.headers.get('x-content-type-options')).toBe('nosniff');
    expect(page.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    const policy = page.headers.get('content-security-policy') ?? '';
    const { host } = new URL(wire.server.url);
    expect(policy).toContain(`default-src 'none'; script-src ${host}/-/console/; style-src ${host}/-/console/`);
    expect(policy).toContain("connect-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    const html = await page.text();
    expect(html).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=/);
    const again = await get('/-/console/', { headers: { 'if-none-match': page.headers.get('etag') ?? '' } });
    expect(again.status).toBe(304);
  });

  it('serves files that may be kept for good, compressed', async () => {
    const html = await (await get('/-/console/')).text();
    const [, script = ''] = /src="\.\/(assets\/[\w-]+\.js)"/.exec(html) ?? [];
    const file = await get(`/-/console/${script}`, { headers: { 'accept-encoding': 'gzip' } });
    expect(file.status).toBe(200);
    expect(file.headers.get('content-encoding')).toBe('gzip');
    expect(file.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(file.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect((await file.text()).length).toBeGreaterThan(Number(file.headers.get('content-length')));
  });

  it('tells the page its region, and nothing secret', async () => {
    const settings = (await (await get('/-/console/settings.json')).json()) as object;
    expect(Object.keys(settings).sort()).toEqual(['region', 'version']);
  });

  it('is read only, and knows its own files', async () => {
    expect((await get('/-/console/', { method: 'PUT', body: 'x' })).status).toBe(405);
    expect((await get('/-/console/', { method: 'HEAD' })).status).toBe(200);
    for (const path of ['/-/console/none.js', '/-/console/..%2fserver.js', '/-/console/assets/'])
      expect((await get(path)).status, path).toBe(404);
    const short = await get('/-/console');
    expect([short.status, short.headers.get('location')]).toEqual([307, '/-/console/']);
  });

  it('is shown to who types the address, not to clients of the API', async () => {
    const typed = await get('/', { headers: { accept: 'text/html,*/*;q=0.8' } });
    expect([typed.status, typed.headers.get('location')]).toEqual([307, '/-/console/']);
    expect((await get('/')).status).toBe(403);
  });

  it('leaves keys of virtual hosts alone', async () => {
    const bucket = await wire.bucket();
    await wire.s3.send(new PutObjectCommand({ Bucket: bucket, Key: '-/console/', Body: 'a key', ACL: 'public-read' }));
    const { host, port } = wire.server;
    const headers = { host: `${bucket}.${SERVICE_URI}` };
    const answer = await new Promise<http.IncomingMessage>((resolve, reject) => {
      http.get({ host, port, headers, path: '/-/console/', agent: false }, resolve).once('error', reject);
    });
    let text = '';
    for await (const piece of answer.setEncoding('utf8')) text += piece as string;
    expect(text).toBe('a key');
  });

  it('gives documents from buckets an origin of their own, and changes nothing else', async () => {
    const bucket = await wire.bucket();
    const policyOf = async (ContentType: string): Promise<string | null> => {
      await wire.s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'x', Body: 'x', ContentType }));
      const url = await getSignedUrl(wire.s3, new GetObjectCommand({ Bucket: bucket, Key: 'x' }));
      const answer = await fetch(url);
      expect(await answer.text()).toBe('x');
      return answer.headers.get('content-security-policy');
    };
    for (const type of [
      'text/html',
      'TEXT/HTML; charset=utf-8',
      'image/svg+xml',
      'application/xhtml+xml',
      'text/xml',
      'foo',
    ])
      expect(await policyOf(type), type).toMatch(/^sandbox allow-scripts (?!.*allow-same-origin)/);
    for (const type of ['text/plain', 'image/png', 'application/pdf', 'application/octet-stream', 'video/mp4'])
      expect(await policyOf(type), type).toBeNull();
  });
});

describe('console.enabled: false', () => {
  it('leaves the S3 API alone', async () => {
    const home = await makeHome('embedded', { console: { enabled: false } });
    const server = await spawnPithos({ config: home.config });
    try {
      for (const path of ['/-/console/', '/-/console/settings.json'])
        expect((await fetch(server.url + path)).status, path).toBeGreaterThanOrEqual(400);
      const typed = await fetch(server.url, { headers: { accept: 'text/html' }, redirect: 'manual' });
      expect(typed.status).toBe(403);
      expect(server.logs()).not.toContain('web console');
    } finally {
      await server.stop();
      await home.remove();
    }
  });
});
