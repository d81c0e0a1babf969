// HTTP as it comes: addressing styles, 100-continue, connections that go on after errors, and requests that are none.
import { beforeAll, describe, expect, it } from 'vitest';
import { bytes, etagOf, KIB, put, read } from './helpers.js';
import { exchange, head, RawConnection, signedExchange } from './raw.js';
import { bucketName, describeWire, SERVICE_URI, USER_KEY } from './servers.js';
import { signV2, signV4 } from './signing.js';

describeWire('protocol', (wire) => {
  let Bucket = '';
  let host = '';
  beforeAll(async () => {
    Bucket = await wire.bucket();
    host = wire.server.url.slice('http://'.length);
    await put(wire.s3, Bucket, 'key', 'content');
  });

  const sign = (method: string, path: string, headers: Readonly<Record<string, string>> = {}, query = '') =>
    signV4({ method, path, query, headers: { host, ...headers }, credentials: USER_KEY }).headers;

  describe('buckets as virtual hosts', () => {
    it.each([
      ['SERVICE', ''],
      ['SERVICE', ':8080'],
      ['service in capitals', ''],
    ])('are found by the Host header (%s%s)', async (style, port) => {
      const service = style === 'SERVICE' ? SERVICE_URI : SERVICE_URI.toUpperCase();
      const vhost = `${Bucket}.${service}${port}`;
      const written = await signedExchange(wire.server, {
        method: 'PUT',
        target: '/dir/virtual%20key',
        headers: { host: vhost },
        body: 'virtual',
      });
      expect(written.status).toBe(200);
      expect((await read(wire.s3, { Bucket, Key: 'dir/virtual key' })).content.toString()).toBe('virtual');
      const listing = await signedExchange(wire.server, {
        method: 'GET',
        target: '/?list-type=2&prefix=dir%2F',
        headers: { host: vhost },
      });
      expect(listing.body.toString()).toContain('<Key>dir/virtual key</Key>');
    });

    it('are found by version 2 signatures too', async () => {
      const headers = signV2({
        method: 'GET',
        resource: `/${Bucket}/key`,
        headers: { host: `${Bucket}.${SERVICE_URI}`, date: new Date().toUTCString() },
        credentials: USER_KEY,
      });
      const answer = await exchange(wire.server, { method: 'GET', target: '/key', headers });
      expect(answer.body.toString()).toBe('content');
    });

    it('the service itself answers under its own name', async () => {
      const headers = { host: SERVICE_URI };
      const buckets = await signedExchange(wire.server, { method: 'GET', target: '/', headers });
      expect(buckets.body.toString()).toContain(`<Name>${Bucket}</Name>`);
      const path = await signedExchange(wire.server, { method: 'GET', target: `/${Bucket}/key`, headers });
      expect(path.body.toString()).toBe('content');
    });

    it('an unknown one is no bucket', async () => {
      const headers = { host: `${bucketName()}.${SERVICE_URI}` };
      expect(await signedExchange(wire.server, { method: 'GET', target: '/key', headers })).toMatchObject({
        status: 404,
        code: 'NoSuchBucket',
      });
    });
  });

  it('takes absolute URIs, as proxies are sent', async () => {
    const vhost = `${Bucket}.${SERVICE_URI}`;
    for (const [target, path, hostname] of [
      [`http://${vhost}/key`, '/key', vhost],
      [`HTTP://${SERVICE_URI}/${Bucket}/key?x-id=GetObject`, `/${Bucket}/key`, SERVICE_URI],
    ] as const) {
      const query = target.split('?')[1] ?? '';
      const headers = sign('GET', path, { host: hostname }, query);
      const answer = await exchange(wire.server, { method: 'GET', target, headers });
      expect([answer.status, answer.body.toString()]).toEqual([200, 'content']);
    }
    // The target's host counts, not the Host header's.
    const headers = sign('GET', '/key', { host });
    const answer = await exchange(wire.server, { method: 'GET', target: `http://${vhost}/key`, headers });
    expect(answer.status).not.toBe(200);
  });

  describe('Expect: 100-continue', () => {
    const expecting = (signedHeaders: Readonly<Record<string, string>>, sizeBytes: number) =>
      head('PUT', `/${Bucket}/continued`, {
        ...signedHeaders,
        expect: '100-continue',
        'content-length': String(sizeBytes),
      });

    it('is answered once the request is known to be good', async () => {
      const body = bytes(100 * KIB);
      const connection = await RawConnection.open(wire.server);
      await connection.send(expecting(sign('PUT', `/${Bucket}/continued`), body.length));
      expect((await connection.response()).status).toBe(100);
      await connection.send(body);
      const answer = await connection.response();
      expect([answer.status, answer.headers['etag']]).toEqual([200, etagOf(body)]);
      await connection.send(head('GET', `/${Bucket}/key`, sign('GET', `/${Bucket}/key`)));
      expect((await connection.response()).status).toBe(200);
      connection.destroy();
    });

    it('is refused before any byte of the body', async () => {
      for (const [headers, status] of [
        [{ ...sign('PUT', `/${Bucket}/continued`), authorization: 'AWS4-HMAC-SHA256 Credential=no' }, 400],
        [sign('PUT', `/${Bucket}/other-path`), 403],
        [{ host }, 403],
      ] as const) {
        const connection = await RawConnection.open(wire.server);
        await connection.send(expecting(headers, 1_000_000));
        const answer = await connection.response();
        expect(answer.status).toBe(status);
        // The body was not asked for, so the connection cannot go on.
        expect(answer.headers['connection']).toBe('close');
        await connection.ended();
      }
      const missing = await exchange(wire.server, {
        method: 'GET',
        target: `/${Bucket}/continued-none`,
        headers: sign('GET', `/${Bucket}/continued-none`),
      });
      expect(missing.status).toBe(404);
    });
  });

  it('keeps the connection after errors', async () => {
    const connection = await RawConnection.open(wire.server);
    const ask = async (method: string, path: string, more: string | Buffer = '') => {
      const extra = more.length === 0 ? {} : { 'content-length': String(more.length) };
      await connection.send(head(method, path, { ...sign(method, path), ...extra }));
      if (more.length > 0) await connection.send(more);
      return connection.response({ bodyless: method === 'HEAD' });
    };
    expect((await ask('GET', `/${Bucket}/missing`)).code).toBe('NoSuchKey');
    expect((await ask('HEAD', `/${Bucket}/missing`)).status).toBe(404);
    expect((await ask('PUT', `/${Bucket}/small`, 'small body')).status).toBe(200);
    expect((await ask('DELETE', `/${Bucket}/small`)).status).toBe(204);
    expect((await ask('PATCH', `/${Bucket}/key`)).code).toBe('MethodNotAllowed');
    expect((await ask('GET', `/${Bucket}/key`)).body.toString()).toBe('content');
    connection.destroy();
  });

  it('answers an upload that is refused early, and closes without a reset', async () => {
    const body = bytes(1024 * KIB);
    const answer = await exchange(wire.server, {
      method: 'PUT',
      target: `/${Bucket}/refused`,
      headers: sign('PUT', `/${Bucket}/other`),
      body,
    });
    expect(answer).toMatchObject({ status: 403, code: 'SignatureDoesNotMatch' });
    expect(answer.headers['connection']).toBe('close');
  });

  it('serves pipelined requests in order', async () => {
    const connection = await RawConnection.open(wire.server);
    const paths = [`/${Bucket}/key`, `/${Bucket}/missing`, `/${Bucket}/key`];
    await connection.send(paths.map((path) => head('GET', path, sign('GET', path))).join(''));
    const statuses: number[] = [];
    for (let i = 0; i < paths.length; i++) statuses.push((await connection.response()).status);
    expect(statuses).toEqual([200, 404, 200]);
    connection.destroy();
  });

  it('answers HEAD as GET, without a body, also when it fails', async () => {
    for (const path of [`/${Bucket}/key`, `/${Bucket}/missing`, `/${bucketName()}`]) {
      const got = await signedExchange(wire.server, { method: 'GET', target: path });
      const connection = await RawConnection.open(wire.server);
      await connection.send(head('HEAD', path, { ...sign('HEAD', path), connection: 'close' }));
      const answer = await connection.response({ bodyless: true });
      await connection.ended();
      expect(connection.pendingBytes).toBe(0);
      expect(answer.status).toBe(got.status);
      if (got.status === 200) expect(answer.headers['content-length']).toBe(got.headers['content-length']);
    }
  });

  it('gives every answer an id, its own document and a name of the error', async () => {
    const answer = await signedExchange(wire.server, { method: 'GET', target: `/${Bucket}/missing%20%26key` });
    expect(answer.headers['content-type']).toBe('application/xml');
    const id = answer.headers['x-amz-request-id'] ?? '';
    expect(id).toMatch(/^[0-9A-F]{16,}$/);
    expect(answer.headers).toHaveProperty('x-amz-id-2');
    const document = answer.body.toString();
    expect(document).toContain('<?xml version="1.0" encoding="UTF-8"?>');
    expect(document).toContain(`<RequestId>${id}</RequestId>`);
    expect(document).toContain('<Key>missing &amp;key</Key>');
    expect(answer.headers).toHaveProperty('date');
  });

  describe('requests that are none', () => {
    it.each([
      ['a malformed escape', '/%zz', 400, 'InvalidURI'],
      ['a cut escape', '/bucket/key%', 400, 'InvalidURI'],
      ['bytes that are not UTF-8', '/bucket/%ff%fe', 400, 'InvalidURI'],
      ['a malformed query', '/bucket?prefix=%e0%a4%a', 400, 'InvalidURI'],
      ['a key without a bucket', '//key', 400, 'InvalidBucketName'],
    ])('%s', async (_name, target, status, code) => {
      const answer = await exchange(wire.server, { method: 'GET', target });
      expect(answer).toMatchObject({ status, code });
      expect(answer.headers).toHaveProperty('x-amz-request-id');
    });

    it('methods that S3 does not know', async () => {
      for (const method of ['PATCH', 'PROPFIND', 'LINK', 'TRACE']) {
        const answer = await exchange(wire.server, { method, target: `/${Bucket}/key` });
        expect([method, answer.status, answer.code]).toEqual([method, 405, 'MethodNotAllowed']);
      }
      const post = await signedExchange(wire.server, { method: 'POST', target: `/${Bucket}/key`, body: 'x' });
      expect(post).toMatchObject({ status: 405, code: 'MethodNotAllowed' });
    });

    it('no HTTP at all', async () => {
      const hello = '\u0016\u0003\u0001\u0002\u0000';
      for (const nonsense of ['hello\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'PRI *2.0\r\n\r\nSM\r\n\r\n', hello]) {
        const connection = await RawConnection.open(wire.server);
        await connection.send(nonsense);
        const { status } = await connection.response();
        expect(status).toBeGreaterThanOrEqual(400);
        expect(status).toBeLessThan(500);
        await connection.ended();
      }
    });

    it('headers without end', async () => {
      const answer = await exchange(wire.server, {
        method: 'GET',
        target: `/${Bucket}/key`,
        headers: { 'x-amz-meta-giant': 'x'.repeat(200_000) },
      });
      expect([400, 431]).toContain(answer.status);
    });

    it('no Host, two lengths, a length and chunks', async () => {
      const requests = [
        'GET / HTTP/1.1\r\n\r\n',
        `PUT /${Bucket}/key HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx`,
        `PUT /${Bucket}/key HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
        `PUT /${Bucket}/key HTTP/1.1\r\nHost: ${host}\r\nContent-Length: -1\r\n\r\n`,
      ];
      for (const request of requests) {
        const connection = await RawConnection.open(wire.server);
        await connection.send(request);
        expect([request, (await connection.response()).status]).toEqual([request, 400]);
        connection.destroy();
      }
      expect((await read(wire.s3, { Bucket, Key: 'key' })).content.toString()).toBe('content');
    });

    it('an upload that does not say how long it is', async () => {
      const target = `/${Bucket}/lengthless`;
      const connection = await RawConnection.open(wire.server);
      await connection.send(head('PUT', target, sign('PUT', target)));
      expect(await connection.response()).toMatchObject({ status: 411, code: 'MissingContentLength' });
      connection.destroy();
    });
  });
});
