/** AWS's published SigV4 examples for S3, and what S3's dialect of SigV4 accepts. */
import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { checkedPayload } from '../../../src/auth/checked-payload.js';
import { deriveSigningKey, sha256Hex, signV4 } from '../../../src/auth/signatures.js';
import type { AuthResult, ChunkedPayload } from '../../../src/auth/types.js';
import { authenticatorAt, chunksOf, collect, EXAMPLE, s3Error, signingRequest } from './support.js';

// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html and its neighbours: all examples are of
// this moment, for examplebucket in us-east-1.
const DATE = '20130524T000000Z';
const NOW_MS = Date.UTC(2013, 4, 24);
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const SCOPE = '20130524/us-east-1/s3/aws4_request';
const VHOST = 'examplebucket.s3.amazonaws.com';
const authenticator = authenticatorAt(NOW_MS);

function authorization(signedHeaders: string, signature: string): string {
  return `AWS4-HMAC-SHA256 Credential=${EXAMPLE.accessKey}/${SCOPE},SignedHeaders=${signedHeaders},Signature=${signature}`;
}

function chunkedPlan(result: AuthResult): ChunkedPayload {
  if (result.payload.kind !== 'chunked') throw new Error('expected chunks');
  return result.payload;
}

/** Signs independently of the code under test's own canonical forms: the caller writes those down. */
function signed(canonicalRequest: string): string {
  const key = deriveSigningKey(EXAMPLE.secret, { date: '20130524', region: 'us-east-1', service: 's3' });
  return signV4(key, `AWS4-HMAC-SHA256\n${DATE}\n${SCOPE}\n${sha256Hex(canonicalRequest)}`);
}

describe("AWS's SigV4 examples", () => {
  it('GET Object', async () => {
    const request = signingRequest('GET', '/test.txt', {
      Host: VHOST,
      Authorization: authorization(
        'host;range;x-amz-content-sha256;x-amz-date',
        'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
      ),
      Range: 'bytes=0-9',
      'x-amz-content-sha256': EMPTY,
      'x-amz-date': DATE,
    });
    expect(await authenticator.authenticate(request)).toEqual({
      kind: 'signed',
      credential: EXAMPLE,
      version: 'v4',
      carrier: 'header',
      signedHeaders: new Set(['host', 'range', 'x-amz-content-sha256', 'x-amz-date']),
      payload: { kind: 'sha256', hex: EMPTY },
      region: 'us-east-1',
      service: 's3',
      hoistedHeaders: {},
    });
  });

  it('PUT Object', async () => {
    const hex = '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072';
    const headers = {
      Host: VHOST,
      Date: 'Fri, 24 May 2013 00:00:00 GMT',
      Authorization: authorization(
        'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
        '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
      ),
      'x-amz-date': DATE,
      'x-amz-storage-class': 'REDUCED_REDUNDANCY',
      'x-amz-content-sha256': hex,
    };
    // The example sends '$' unescaped, and signs it escaped.
    for (const path of ['/test$file.text', '/test%24file.text']) {
      const { payload } = await authenticator.authenticate(signingRequest('PUT', path, headers));
      expect(payload).toEqual({ kind: 'sha256', hex });
    }
  });

  it.each([
    ['lifecycle', 'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543'],
    ['max-keys=2&prefix=J', '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7'],
  ])('GET Bucket ?%s', async (query, signature) => {
    const request = signingRequest('GET', `/?${query}`, {
      Host: VHOST,
      Authorization: authorization('host;x-amz-content-sha256;x-amz-date', signature),
      'x-amz-date': DATE,
      'x-amz-content-sha256': EMPTY,
    });
    expect((await authenticator.authenticate(request)).kind).toBe('signed');
  });

  it('presigned GET Object', async () => {
    const target =
      '/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request' +
      '&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
      '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404';
    const request = signingRequest('GET', target, { Host: VHOST });
    const lastMoment = authenticatorAt(NOW_MS + 86_400_000 - 1);
    expect(await lastMoment.authenticate(request)).toMatchObject({
      kind: 'signed',
      carrier: 'query',
      payload: { kind: 'unsigned' },
    });
    const expired = await s3Error(authenticatorAt(NOW_MS + 86_400_000).authenticate(request));
    expect(expired).toMatchObject({
      code: 'AccessDenied',
      message: 'Request has expired',
      detail: { 'X-Amz-Expires': '86400', Expires: '2013-05-25T00:00:00Z', ServerTime: '2013-05-25T00:00:00Z' },
    });
  });

  const streaming = {
    Host: 's3.amazonaws.com',
    'x-amz-date': DATE,
    'x-amz-storage-class': 'REDUCED_REDUNDANCY',
    'Content-Encoding': 'aws-chunked',
    'x-amz-decoded-content-length': '66560',
  };

  it('PUT Object in signed chunks', async () => {
    const request = signingRequest('PUT', '/examplebucket/chunkObject.txt', {
      ...streaming,
      Authorization: authorization(
        'content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class',
        '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
      ),
      'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
      'Content-Length': '66824',
    });
    const plan = chunkedPlan(await authenticator.authenticate(request));
    expect(plan).toMatchObject({ signed: true, trailer: false, decodedLengthBytes: 66560 });
    const body = [
      '10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n',
      `${'a'.repeat(65536)}\r\n`,
      '400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497\r\n',
      `${'a'.repeat(1024)}\r\n`,
      '0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n\r\n',
    ];
    expect(body.join('').length).toBe(66824);
    expect((await collect(checkedPayload(chunksOf(...body), plan).body)).equals(Buffer.alloc(66560, 'a'))).toBe(true);
  });

  it('PUT Object in signed chunks with a trailer', async () => {
    const request = signingRequest('PUT', '/examplebucket/chunkObject.txt', {
      ...streaming,
      Authorization: authorization(
        'content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer',
        '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e',
      ),
      'x-amz-content-sha256': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
      'x-amz-trailer': 'x-amz-checksum-crc32c',
    });
    const plan = chunkedPlan(await authenticator.authenticate(request));
    const { body, trailers } = checkedPayload(
      chunksOf(
        '10000;chunk-signature=b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2\r\n',
        `${'a'.repeat(65536)}\r\n`,
        '400;chunk-signature=1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7\r\n',
        `${'a'.repeat(1024)}\r\n`,
        '0;chunk-signature=2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992\r\n',
        'x-amz-checksum-crc32c:sOO8/Q==\r\n',
        'x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n',
      ),
      plan,
    );
    expect((await collect(body)).length).toBe(66560);
    expect([...trailers]).toEqual([['x-amz-checksum-crc32c', 'sOO8/Q==']]);
  });
});

describe("S3's dialect", () => {
  const base = { host: VHOST, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD', 'x-amz-date': DATE };
  const baseLines = `host:${VHOST}\nx-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:${DATE}\n`;
  const baseNames = 'host;x-amz-content-sha256;x-amz-date';

  async function accepts(sent: string, canonical: { path: string; query?: string }): Promise<void> {
    const canonicalRequest = `GET\n${canonical.path}\n${canonical.query ?? ''}\n${baseLines}\n${baseNames}\nUNSIGNED-PAYLOAD`;
    const headers = { ...base, authorization: authorization(baseNames, signed(canonicalRequest)) };
    expect((await authenticator.authenticate(signingRequest('GET', sent, headers))).kind).toBe('signed');
  }

  it.each([
    ['dots and slashes are kept', '/a//b/../c/./d', '/a//b/../c/./d'],
    ['an escape is not escaped again', '/a%20b%25', '/a%20b%25'],
    ['lower-case escapes', '/%c3%a9', '/%C3%A9'],
    ['raw bytes', '/\u00c3\u00a9', '/%C3%A9'],
    ['needless escapes', '/%7Ea%2Db', '/~a-b'],
    ['reserved characters', '/a+b(c)$', '/a%2Bb%28c%29%24'],
    ['signed as sent', '/a+b(c)$', '/a+b(c)$'],
    ['a stray percent sign', '/100%', '/100%25'],
    ['an escaped slash', '/a%2Fb', '/a/b'],
  ])('path: %s', (_name, sent, path) => accepts(sent, { path }));

  it.each([
    ['sorted by name', 'b=2&a=1', 'a=1&b=2'],
    ['sorted by name before value', 'a-b=1&a=2', 'a=2&a-b=1'],
    ['repeated names sorted by value', 'a=2&a=1&a=10', 'a=1&a=10&a=2'],
    ['no value', 'uploads', 'uploads='],
    ['empty value', 'uploads=&x', 'uploads=&x='],
    ['plus is a space', 'prefix=a+b', 'prefix=a%20b'],
    ['escaped plus stays one', 'prefix=a%2Bb', 'prefix=a%2Bb'],
    ['slashes are escaped', 'prefix=a/b', 'prefix=a%2Fb'],
    ['a second equals sign is data', 'marker=a=b', 'marker=a%3Db'],
    ['lower-case escapes', 'prefix=%c3%a9', 'prefix=%C3%A9'],
    ['names are escaped', 'a%20b+c=1', 'a%20b%20c=1'],
    ['empty pieces are dropped', '&a=1&&b=2&', 'a=1&b=2'],
  ])('query: %s', (_name, sent, query) => accepts(`/?${sent}`, { path: '/', query }));

  it('header values are trimmed and collapsed, repeated ones joined', async () => {
    const names = `${baseNames};x-amz-meta-a;x-amz-meta-b`;
    const canonicalRequest = `GET\n/\n\n${baseLines}x-amz-meta-a:two words\nx-amz-meta-b:1,2\n\n${names}\nUNSIGNED-PAYLOAD`;
    const request = signingRequest('GET', '/', [
      ...Object.entries(base),
      ['X-Amz-Meta-A', '  two \t  words '],
      ['x-amz-meta-b', '1'],
      ['X-AMZ-META-B', '2'],
      ['Authorization', authorization(names, signed(canonicalRequest))],
    ]);
    expect((await authenticator.authenticate(request)).kind).toBe('signed');
  });

  it('header values that are not ASCII are signed as the bytes sent', async () => {
    const names = `${baseNames};x-amz-meta-a`;
    const utf8 = Buffer.from('\u017elu\u0165', 'utf8').toString('latin1');
    const canonicalRequest = `GET\n/\n\n${baseLines}x-amz-meta-a:${utf8}\n\n${names}\nUNSIGNED-PAYLOAD`;
    const headers = { ...base, 'x-amz-meta-a': utf8, authorization: authorization(names, signed(canonicalRequest)) };
    expect((await authenticator.authenticate(signingRequest('GET', '/', headers))).kind).toBe('signed');
    const decoded = { ...headers, 'x-amz-meta-a': '\u017elu\u0165' };
    await expect(authenticator.authenticate(signingRequest('GET', '/', decoded))).rejects.toThrow(TypeError);
  });

  it('takes the Date header when there is no x-amz-date', async () => {
    const names = 'date;host;x-amz-content-sha256';
    const date = 'Fri, 24 May 2013 00:00:00 GMT';
    const canonicalRequest = `GET\n/\n\ndate:${date}\nhost:${VHOST}\nx-amz-content-sha256:${EMPTY}\n\n${names}\n${EMPTY}`;
    const headers = {
      host: VHOST,
      date,
      'x-amz-content-sha256': EMPTY,
      authorization: authorization(names, signed(canonicalRequest)),
    };
    expect((await authenticator.authenticate(signingRequest('GET', '/', headers))).kind).toBe('signed');
  });

  it('names of object prototypes are no headers', async () => {
    const names = `constructor;${baseNames}`;
    const canonicalRequest = `GET\n/\n\nconstructor:\n${baseLines}\n${names}\nUNSIGNED-PAYLOAD`;
    const headers = { ...base, authorization: authorization(names, signed(canonicalRequest)) };
    expect((await authenticator.authenticate(signingRequest('GET', '/', headers))).kind).toBe('signed');
  });

  it('serves other services when told to, with the hash of the body', async () => {
    const body = 'Action=GetCallerIdentity&Version=2011-06-15';
    const hex = createHash('sha256').update(body).digest('hex');
    const names = 'host;x-amz-date';
    const scope = '20130524/us-east-1/sts/aws4_request';
    const canonicalRequest = `POST\n/\n\nhost:h\nx-amz-date:${DATE}\n\n${names}\n${hex}`;
    const key = deriveSigningKey(EXAMPLE.secret, { date: '20130524', region: 'us-east-1', service: 'sts' });
    const signature = signV4(key, `AWS4-HMAC-SHA256\n${DATE}\n${scope}\n${sha256Hex(canonicalRequest)}`);
    const request = {
      ...signingRequest('POST', '/', {
        host: 'h',
        'x-amz-date': DATE,
        authorization: `AWS4-HMAC-SHA256 Credential=${EXAMPLE.accessKey}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
      }),
      bodySha256Hex: hex,
    };
    expect((await s3Error(authenticator.authenticate(request))).code).toBe('AuthorizationHeaderMalformed');
    const both = authenticatorAt(NOW_MS, { services: ['s3', 'sts'] });
    expect(await both.authenticate(request)).toMatchObject({ kind: 'signed', service: 'sts' });
  });
});
