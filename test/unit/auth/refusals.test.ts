/** Every way to fail authentication, with AWS's code, message and details; and that failing never means anonymous. */
import { describe, expect, it } from 'vitest';
import type { AuthenticatorOptions } from '../../../src/auth/authenticator.js';
import { authenticatorAt, EXAMPLE, s3Error, signingRequest } from './support.js';
import { DATE, EMPTY, NOW_MS, presigned, v2Request, v4Request } from './signed-requests.js';

function refusal(request: ReturnType<typeof signingRequest>, options: Partial<AuthenticatorOptions> = {}) {
  return s3Error(authenticatorAt(NOW_MS, options).authenticate(request));
}

describe('the requests that the other tests break', () => {
  it.each([
    ['v4 header', v4Request()],
    ['v4 header with a query', v4Request({ query: 'acl=&x=1' })],
    ['presigned v4', presigned({})],
    ['v2 header', v2Request({ date: 'Sun, 24 May 2026 12:00:00 GMT' })],
  ])('%s verifies', async (_name, request) => {
    expect((await authenticatorAt(NOW_MS).authenticate(request)).kind).toBe('signed');
  });
});

describe('a bad signature', () => {
  it('is 403 SignatureDoesNotMatch and shows what was signed, never the secret', async () => {
    const error = await refusal({ ...v4Request(), method: 'PUT' });
    expect([error.code, error.status]).toEqual(['SignatureDoesNotMatch', 403]);
    expect(error.detail).toMatchObject({
      AWSAccessKeyId: EXAMPLE.accessKey,
      CanonicalRequest: `PUT\n/b/k\n\nhost:h\nx-amz-content-sha256:${EMPTY}\nx-amz-date:${DATE}\n\nhost;x-amz-content-sha256;x-amz-date\n${EMPTY}`,
    });
    expect(error.detail.StringToSign).toMatch(
      /^AWS4-HMAC-SHA256\n20260524T120000Z\n20260524\/us-east-1\/s3\/aws4_request\n[0-9a-f]{64}$/,
    );
    expect(error.detail.StringToSignBytes).toMatch(/^41 57 53 34 2d/);
    expect(error.detail.SignatureProvided).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify([error.detail, error.message, error.stack])).not.toContain(EXAMPLE.secret);
  });

  it('is 403 with SigV2, too', async () => {
    const error = await refusal({ ...v2Request({ date: 'Sun, 24 May 2026 12:00:00 GMT' }), method: 'PUT' });
    expect([error.code, error.status]).toEqual(['SignatureDoesNotMatch', 403]);
    expect(error.detail.StringToSign).toBe('PUT\n\n\nSun, 24 May 2026 12:00:00 GMT\n/b/k');
    expect(error.detail).not.toHaveProperty('CanonicalRequest');
  });

  it.each(['', 'x', '0'.repeat(64), '0'.repeat(63), '\u0141'.repeat(64)])('%j in the header', async (signature) => {
    const request = v4Request();
    const authorization = (request.headers.authorization ?? '').replace(/Signature=.*/, `Signature=${signature}`);
    const error = await refusal({ ...request, headers: { ...request.headers, authorization } });
    expect(error.code).toBe(signature === '' ? 'AuthorizationHeaderMalformed' : 'SignatureDoesNotMatch');
  });

  it('does not keep the key that a failed request derived', async () => {
    let secret = 'first';
    const authenticator = authenticatorAt(NOW_MS, { lookup: () => ({ ...EXAMPLE, secret }) });
    expect((await s3Error(authenticator.authenticate(v4Request()))).code).toBe('SignatureDoesNotMatch');
    secret = EXAMPLE.secret;
    expect((await authenticator.authenticate(v4Request())).kind).toBe('signed');
    secret = 'changed again';
    expect((await s3Error(authenticator.authenticate(v4Request()))).code).toBe('SignatureDoesNotMatch');
  });
});

describe('the key', () => {
  it('unknown is InvalidAccessKeyId', async () => {
    for (const request of [
      v4Request({ accessKey: 'nobody' }),
      presigned({ 'X-Amz-Credential': 'nobody/20260524/us-east-1/s3/aws4_request' }),
    ]) {
      expect(await refusal(request)).toMatchObject({
        code: 'InvalidAccessKeyId',
        status: 403,
        detail: { AWSAccessKeyId: 'nobody' },
      });
    }
  });

  it('a store that fails is passed on, not taken for an unknown key', async () => {
    const lookup = () => Promise.reject(new Error('timed out'));
    await expect(authenticatorAt(NOW_MS, { lookup }).authenticate(v4Request())).rejects.toThrow('timed out');
  });

  it.each([
    ['missing', 'token', undefined],
    ['different', 'token', 'Token'],
    ['not expected', undefined, 'token'],
  ])('session token %s is InvalidToken', async (_name, expected, given) => {
    const credential = expected === undefined ? EXAMPLE : { ...EXAMPLE, sessionToken: expected };
    const request = v4Request(given === undefined ? {} : { headers: { 'x-amz-security-token': given } });
    expect(await refusal(request, { lookup: () => credential })).toMatchObject({ code: 'InvalidToken', status: 400 });
  });

  it('the right session token passes, in header and query', async () => {
    const lookup = () => Promise.resolve({ ...EXAMPLE, sessionToken: 'to+ken' });
    const authenticator = authenticatorAt(NOW_MS, { lookup });
    const requests = [
      v4Request({ headers: { 'x-amz-security-token': 'to+ken' } }),
      presigned({ 'X-Amz-Security-Token': 'to+ken' }),
    ];
    for (const request of requests) expect((await authenticator.authenticate(request)).kind).toBe('signed');
  });
});

describe('the time', () => {
  it('is allowed to be off by 15 minutes, both ways, and no more', async () => {
    const request = v4Request();
    for (const offMs of [-900_000, 900_000]) {
      expect((await authenticatorAt(NOW_MS + offMs).authenticate(request)).kind).toBe('signed');
    }
    for (const offMs of [-900_001, 900_001]) {
      const error = await s3Error(authenticatorAt(NOW_MS + offMs).authenticate(request));
      expect(error).toMatchObject({ code: 'RequestTimeTooSkewed', status: 403 });
    }
    const error = await s3Error(authenticatorAt(NOW_MS + 3_600_000).authenticate(request));
    expect(error.detail).toEqual({
      RequestTime: DATE,
      ServerTime: '2026-05-24T13:00:00Z',
      MaxAllowedSkewMilliseconds: '900000',
    });
  });

  it('is missing or no date', async () => {
    const { 'x-amz-date': _date, ...headers } = v4Request().headers;
    for (const dates of [{}, { date: 'yesterday' }, { 'x-amz-date': '' }, { 'x-amz-date': '20261324T120000Z' }]) {
      const error = await refusal({ ...v4Request(), headers: { ...headers, ...dates } });
      expect(error).toMatchObject({
        code: 'AccessDenied',
        status: 403,
        message: 'AWS authentication requires a valid Date or x-amz-date header',
      });
    }
  });

  // The cases of ceph/s3-tests' test_headers.py.
  it.each([
    ['Bad Date', 'AccessDenied'],
    ['', 'AccessDenied'],
    ['Tue, 07 Jul 2010 21:53:04 GMT', 'RequestTimeTooSkewed'],
    ['Tue, 07 Jul 2030 21:53:04 GMT', 'RequestTimeTooSkewed'],
    ['Tue, 07 Jul 9999 21:53:04 GMT', 'RequestTimeTooSkewed'],
    ['Tue, 07 Jul 1950 21:53:04 GMT', 'AccessDenied'],
  ])('SigV2 with x-amz-date %j is %s', async (date, code) => {
    const error = await refusal(v2Request({ date: 'Sun, 24 May 2026 12:00:00 GMT', 'x-amz-date': date }));
    expect([error.code, error.status]).toEqual([code, 403]);
  });

  it('SigV2 without any date', async () => {
    expect((await refusal(v2Request({}))).code).toBe('AccessDenied');
  });
});

describe('the Authorization header', () => {
  const credential = `Credential=${EXAMPLE.accessKey}/20260524/us-east-1/s3/aws4_request`;
  const rest = `SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=${'0'.repeat(64)}`;

  it.each([
    ['AWS HAHAHA', 'InvalidArgument'],
    ['AWS :x', 'InvalidArgument'],
    ['AWS x:', 'InvalidArgument'],
    ['Bearer abc', 'InvalidArgument'],
    ['aws4-hmac-sha256 x', 'InvalidArgument'],
    [`AWS4-ECDSA-P256-SHA256 ${credential}, ${rest}`, 'NotImplemented'],
    ['AWS4-HMAC-SHA256', 'AuthorizationHeaderMalformed'],
    ['AWS4-HMAC-SHA256 ', 'AuthorizationHeaderMalformed'],
    ['AWS4-HMAC-SHA256 nothing', 'AuthorizationHeaderMalformed'],
    [`AWS4-HMAC-SHA256 ${rest}`, 'AuthorizationHeaderMalformed'],
    [`AWS4-HMAC-SHA256 ${credential}, SignedHeaders=host`, 'AuthorizationHeaderMalformed'],
    [`AWS4-HMAC-SHA256 ${credential}, Other=1, ${rest}`, 'AuthorizationHeaderMalformed'],
    [`AWS4-HMAC-SHA256 Credential=${EXAMPLE.accessKey}, ${rest}`, 'AuthorizationHeaderMalformed'],
    [`AWS4-HMAC-SHA256 Credential=/20260524/us-east-1/s3/aws4_request, ${rest}`, 'AuthorizationHeaderMalformed'],
    [`AWS4-HMAC-SHA256 Credential=20260524/us-east-1/s3/aws4_request, ${rest}`, 'AuthorizationHeaderMalformed'],
    [`AWS4-HMAC-SHA256 Credential=a/today/us-east-1/s3/aws4_request, ${rest}`, 'AuthorizationHeaderMalformed'],
    [`AWS4-HMAC-SHA256 Credential=a/20260524/us-east-1/s3/aws5_request, ${rest}`, 'AuthorizationHeaderMalformed'],
    [`AWS4-HMAC-SHA256 Credential=a/20260524/us-east-1/ec2/aws4_request, ${rest}`, 'AuthorizationHeaderMalformed'],
    [`AWS4-HMAC-SHA256 Credential=a/20260523/us-east-1/s3/aws4_request, ${rest}`, 'AuthorizationHeaderMalformed'],
  ])('%s is %s', async (authorization, code) => {
    const request = v4Request();
    expect((await refusal({ ...request, headers: { ...request.headers, authorization } })).code).toBe(code);
  });

  it('names the right region when the scope has another', async () => {
    const options = { acceptRegion: (region: string) => region === 'eu-west-1', region: 'eu-west-1' };
    expect(await refusal(v4Request(), options)).toMatchObject({
      code: 'AuthorizationHeaderMalformed',
      status: 400,
      message: "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'",
      detail: { Region: 'eu-west-1' },
    });
    expect((await authenticatorAt(NOW_MS, options).authenticate(v4Request({ region: 'eu-west-1' }))).kind).toBe(
      'signed',
    );
    expect((await refusal(presigned({}), options)).code).toBe('AuthorizationQueryParametersError');
  });

  it('together with a signature in the query is InvalidArgument', async () => {
    const date = { date: 'Sun, 24 May 2026 12:00:00 GMT' };
    const both = [
      { ...v4Request(), rawQuery: presigned({}).rawQuery },
      { ...v4Request(), rawQuery: `AWSAccessKeyId=${EXAMPLE.accessKey}&Expires=1&Signature=x` },
      { ...v2Request(date), rawQuery: 'X-Amz-Signature=x' },
      { ...presigned({}), rawQuery: `${presigned({}).rawQuery}&Signature=x` },
    ];
    for (const request of both) {
      const error = await refusal(request);
      expect([error.code, error.status, error.detail.ArgumentName]).toEqual(['InvalidArgument', 400, 'Authorization']);
    }
  });

  it('empty or absent, without a signature in the query, is anonymous', async () => {
    for (const headers of [{}, { authorization: '' }]) {
      const result = await authenticatorAt(NOW_MS).authenticate(signingRequest('GET', '/b/k?Expires=1', headers));
      expect(result).toEqual({ kind: 'anonymous', payload: { kind: 'unsigned' } });
    }
  });
});

describe('signed headers', () => {
  it.each([
    [{ 'x-amz-acl': 'public-read' }, 'x-amz-acl'],
    [{ 'x-amz-meta-a': '1', 'x-amz-copy-source': '/b/other' }, 'x-amz-meta-a, x-amz-copy-source'],
  ])('must include every x-amz-* header: %j', async (unsigned, names) => {
    const expected = {
      code: 'AccessDenied',
      message: 'There were headers present in the request which were not signed',
      detail: { HeadersNotSigned: names },
    };
    expect(await refusal(v4Request({ unsigned }))).toMatchObject(expected);
    expect(await refusal(presigned({}, unsigned))).toMatchObject(expected);
  });

  it('must include the host', async () => {
    const request = v4Request();
    const authorization = (request.headers.authorization ?? '').replace('host;', '');
    const error = await refusal({ ...request, headers: { ...request.headers, authorization } });
    expect(error).toMatchObject({ code: 'AccessDenied', detail: { HeadersNotSigned: 'host' } });
  });

  it('need not include headers that are not of AWS', async () => {
    const request = v4Request({ unsigned: { 'user-agent': 'x', 'content-type': 'text/plain', range: 'bytes=0-1' } });
    expect((await authenticatorAt(NOW_MS).authenticate(request)).kind).toBe('signed');
  });
});

describe('a presigned URL', () => {
  it.each([
    ['X-Amz-Algorithm', undefined],
    ['X-Amz-Algorithm', 'AWS4-ECDSA-P256-SHA256'],
    ['X-Amz-Credential', undefined],
    ['X-Amz-Credential', 'x'],
    ['X-Amz-Credential', `${EXAMPLE.accessKey}/20260523/us-east-1/s3/aws4_request`],
    ['X-Amz-Date', undefined],
    ['X-Amz-Date', 'Sun, 24 May 2026 12:00:00 GMT'],
    ['X-Amz-SignedHeaders', undefined],
    ['X-Amz-Expires', undefined],
    ['X-Amz-Expires', 'soon'],
  ])('with %s=%s is AuthorizationQueryParametersError', async (name, value) => {
    expect(await refusal(presigned({ [name]: value }))).toMatchObject({
      code: 'AuthorizationQueryParametersError',
      status: 400,
    });
  });

  it('lasts a week at most, and not at all with 0', async () => {
    expect((await authenticatorAt(NOW_MS).authenticate(presigned({ 'X-Amz-Expires': '604800' }))).kind).toBe('signed');
    const error = await refusal(presigned({ 'X-Amz-Expires': '0' }));
    expect([error.code, error.message]).toEqual(['AccessDenied', 'Request has expired']);
    for (const seconds of ['-7', '604801'])
      expect((await refusal(presigned({ 'X-Amz-Expires': seconds }))).code).toBe('AccessDenied');
  });

  it('from the future is refused beyond the allowed skew', async () => {
    const request = presigned({});
    expect((await authenticatorAt(NOW_MS - 900_000).authenticate(request)).kind).toBe('signed');
    const error = await s3Error(authenticatorAt(NOW_MS - 900_001).authenticate(request));
    expect([error.code, error.message]).toEqual(['AccessDenied', 'Request is not valid yet']);
  });

  it('in the wrong case or in part is an attempt to authenticate all the same', async () => {
    for (const query of [
      'x-amz-signature=x',
      'X-AMZ-CREDENTIAL=x',
      'X-Amz-Algorithm=AWS4-HMAC-SHA256',
      'X-Amz%2DSignature=x',
    ]) {
      expect((await refusal(signingRequest('GET', `/b/k?${query}`, {}))).code).toBe(
        'AuthorizationQueryParametersError',
      );
    }
    for (const query of ['Signature=x', `AWSAccessKeyId=${EXAMPLE.accessKey}`, 'Signature=x&AWSAccessKeyId=x']) {
      expect(await refusal(signingRequest('GET', `/b/k?${query}`, {}))).toMatchObject({
        code: 'AccessDenied',
        message: 'Query-string authentication requires the Signature, Expires and AWSAccessKeyId parameters',
      });
    }
  });

  it('of SigV2 needs a number of seconds', async () => {
    const error = await refusal(signingRequest('GET', '/b/k?Signature=x&AWSAccessKeyId=x&Expires=tomorrow', {}));
    expect([error.code, error.message]).toEqual([
      'AccessDenied',
      'Invalid date (should be seconds since epoch): tomorrow',
    ]);
  });
});
