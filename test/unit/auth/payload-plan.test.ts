/** How the body is to be checked, as x-amz-content-sha256 and its companions say. */
import { describe, expect, it } from 'vitest';
import { authenticatorAt, s3Error, signingRequest } from './support.js';
import { EMPTY, NOW_MS, v4Request } from './signed-requests.js';

function refusal(request: ReturnType<typeof signingRequest>) {
  return s3Error(authenticatorAt(NOW_MS).authenticate(request));
}

describe('the payload', () => {
  const decoded = { 'x-amz-decoded-content-length': '5' };
  const framed = { 'content-encoding': 'gzip,aws-chunked', ...decoded };

  async function planOf(headers: Record<string, string>) {
    return (await authenticatorAt(NOW_MS).authenticate(v4Request({ method: 'PUT', headers }))).payload;
  }

  it('is required to be declared with SigV4', async () => {
    const request = v4Request();
    const { 'x-amz-content-sha256': _hash, ...headers } = request.headers;
    expect(await refusal({ ...request, headers })).toMatchObject({
      code: 'InvalidRequest',
      message: 'Missing required header for this request: x-amz-content-sha256',
    });
  });

  it('is planned from x-amz-content-sha256', async () => {
    expect(await planOf({ 'x-amz-content-sha256': EMPTY.toUpperCase() })).toEqual({ kind: 'sha256', hex: EMPTY });
    expect(await planOf({ 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' })).toEqual({ kind: 'unsigned' });
    const trailer = { 'x-amz-trailer': ' X-Amz-Checksum-CRC32 , x-amz-checksum-crc32' };
    const names = { 'x-amz-trailer': trailer['x-amz-trailer'].trim() };
    expect(
      await planOf({ 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER', ...decoded, ...names }),
    ).toEqual({
      kind: 'chunked',
      signed: false,
      trailer: true,
      trailerNames: ['x-amz-checksum-crc32'],
      decodedLengthBytes: 5,
      verifier: null,
    });
    expect(await planOf({ 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', ...decoded })).toMatchObject({
      signed: true,
      trailer: false,
      trailerNames: [],
    });
    expect(
      await planOf({ 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER', ...decoded, ...names }),
    ).toMatchObject({ signed: true, trailer: true });
  });

  it.each([
    ['nonsense', {}, 'InvalidArgument'],
    [EMPTY.slice(1), {}, 'InvalidArgument'],
    [`${EMPTY.slice(1)}g`, {}, 'InvalidArgument'],
    ['STREAMING-UNSIGNED-PAYLOAD-TRAILER', {}, 'MissingContentLength'],
    ['STREAMING-UNSIGNED-PAYLOAD-TRAILER', { 'x-amz-decoded-content-length': '-1' }, 'InvalidArgument'],
    ['STREAMING-UNSIGNED-PAYLOAD-TRAILER', { 'x-amz-decoded-content-length': '9'.repeat(16) }, 'InvalidArgument'],
    ['STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD', decoded, 'NotImplemented'],
    ['STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER', decoded, 'NotImplemented'],
  ])('%s with %j is %s', async (value, headers, code) => {
    expect((await refusal(v4Request({ headers: { 'x-amz-content-sha256': value, ...headers } }))).code).toBe(code);
  });

  it('of an anonymous request is checked, too', async () => {
    async function plan(headers: Record<string, string>) {
      return (await authenticatorAt(NOW_MS).authenticate(signingRequest('PUT', '/b/k', headers))).payload;
    }
    expect(await plan({ 'x-amz-content-sha256': EMPTY })).toEqual({ kind: 'sha256', hex: EMPTY });
    expect(await plan({ 'x-amz-content-sha256': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER', ...decoded })).toMatchObject({
      kind: 'chunked',
      signed: false,
    });
    await expect(
      plan({ 'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', ...decoded }),
    ).rejects.toMatchObject({
      code: 'InvalidArgument',
    });
  });

  it('framed by a client that does not say so is noticed', async () => {
    const anonymous = authenticatorAt(NOW_MS);
    const { payload } = await anonymous.authenticate(signingRequest('PUT', '/b/k', framed));
    expect(payload).toMatchObject({ kind: 'chunked', signed: false, trailer: false, decodedLengthBytes: 5 });
    const onlyEncoded = signingRequest('PUT', '/b/k', { 'content-encoding': 'gzip,aws-chunked' });
    expect((await anonymous.authenticate(onlyEncoded)).payload).toEqual({ kind: 'unsigned' });
    const onlyLength = signingRequest('PUT', '/b/k', decoded);
    expect((await anonymous.authenticate(onlyLength)).payload).toEqual({ kind: 'unsigned' });
  });
});
