// Requests that conformance suites mean to send and whose clients repair them on the way (test/conformance names the tests): what
// they would get.
import { expect, it } from 'vitest';
import { exchange, head, RawConnection } from './raw.js';
import { bucketName, describeWire, KEYS } from './servers.js';
import { hmacSha1 } from './signing.js';

describeWire('requests that clients repair', (wire) => {
  const places = async () => [`/${await wire.bucket()}/foo`, `/${bucketName()}`];
  const put = (target: string, headers: Record<string, string>) =>
    exchange(wire.server, { method: 'PUT', target, headers, body: target.endsWith('foo') ? 'bar' : '' });
  const date = (): string => new Date().toUTCString();

  it('an empty Authorization, or none', async () => {
    for (const target of await places())
      for (const headers of [{ authorization: '' }, {}] as Record<string, string>[])
        expect(await put(target, headers), target).toMatchObject({ status: 403, code: 'AccessDenied' });
  });

  it('one that is no signature, or of a key that nobody has', async () => {
    for (const target of await places()) {
      const garbled = { authorization: 'AWS HAHAHA', date: date() };
      expect(await put(target, garbled), target).toMatchObject({ status: 400, code: 'InvalidArgument' });
      const unknown = { authorization: 'AWS AKIAIGR7ZNNBHC5BKSUB:FWeDfwojDSdS2Ztmpfeubhd9isU=', date: date() };
      expect(await put(target, unknown), target).toMatchObject({ status: 403, code: 'InvalidAccessKeyId' });
    }
  });

  it('a signature without a date', async () => {
    const { accessKeyId, secretAccessKey } = KEYS.user;
    for (const target of await places()) {
      const authorization = `AWS ${accessKeyId}:${hmacSha1(secretAccessKey, `PUT\n\n\n\n${target}`)}`;
      expect(await put(target, { authorization }), target).toMatchObject({ status: 403, code: 'AccessDenied' });
    }
  });

  it('a body without a length', async () => {
    const [target = ''] = await places();
    const { accessKeyId, secretAccessKey } = KEYS.user;
    const now = date();
    const authorization = `AWS ${accessKeyId}:${hmacSha1(secretAccessKey, `PUT\n\n\n${now}\n${target}`)}`;
    const { host, port } = wire.server;
    const connection = await RawConnection.open(wire.server);
    try {
      await connection.send(head('PUT', target, { host: `${host}:${port}`, date: now, authorization }));
      expect(await connection.response()).toMatchObject({ status: 411, code: 'MissingContentLength' });
    } finally {
      connection.destroy();
    }
  });
});
