// The console's own signer and hash, against the server's verifier, Node's crypto and AWS's published example.
import { createHash, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Authenticator } from '../../../src/auth/authenticator.js';
import { hex, utf8 } from '../../../src/console/ui/lib/bytes.js';
import { hmacSha256, sha256, sha256Plain } from '../../../src/console/ui/lib/sha256.js';
import { objectPath, presignedQuery, queryText, signedHeaders } from '../../../src/console/ui/lib/sigv4.js';
import type { Query, SigningScope } from '../../../src/console/ui/lib/sigv4.js';

const NOW_MS = Date.UTC(2013, 4, 24);
const KEYS = { accessKey: 'AKIAIOSFODNN7EXAMPLE', secretKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };
const SCOPE: SigningScope = {
  keys: { ...KEYS, sessionToken: null },
  region: 'us-east-1',
  service: 's3',
  nowMs: NOW_MS,
};

describe('SHA-256', () => {
  it('is the same with and without WebCrypto, at every length around a block', async () => {
    for (const length of [0, 1, 55, 56, 63, 64, 65, 119, 120, 127, 128, 1000]) {
      const data = Uint8Array.from({ length }, (_, at) => at * 7);
      const expected = createHash('sha256').update(data).digest('hex');
      expect(hex(sha256Plain(data)), `${length} bytes`).toBe(expected);
      expect(hex(await sha256(data))).toBe(expected);
    }
  });

  it('makes HMACs with keys shorter and longer than a block', async () => {
    for (const length of [0, 20, 64, 65, 200]) {
      const key = new Uint8Array(length).fill(0xaa);
      const expected = createHmac('sha256', key).update('text').digest('hex');
      expect(hex(await hmacSha256(key, utf8('text')))).toBe(expected);
    }
  });
});

describe('signatures', () => {
  const path = objectPath('examplebucket', "a b/ünï+%20'()*!~.txt");
  const query: Query = [
    ['versionId', 'x+y=z'],
    ['tagging', ''],
  ];
  const verify = (options: { readonly headers: Record<string, string>; readonly rawQuery: string }) =>
    new Authenticator({
      lookup: (accessKey) =>
        accessKey === KEYS.accessKey
          ? { accessKey, secret: KEYS.secretKey, tenant: 't', master: false, memberOf: [], displayName: 't' }
          : null,
      now: () => NOW_MS,
    }).authenticate({ method: 'GET', rawPath: path, vhostBucket: null, ...options });

  it('of headers are what the server expects', async () => {
    const payloadHash = hex(await sha256(utf8('')));
    const request = {
      method: 'GET',
      path,
      query,
      host: 'host:8080',
      headers: { 'x-amz-meta-a': ' a   b ' },
      payloadHash,
    };
    const headers = { ...request.headers, ...(await signedHeaders(request, SCOPE)), host: 'host:8080' };
    expect(await verify({ headers, rawQuery: queryText(query) })).toMatchObject({ kind: 'signed', carrier: 'header' });
  });

  it('of links are what the server expects', async () => {
    const rawQuery = await presignedQuery({ method: 'GET', path, query, host: 'host:8080' }, SCOPE, 900);
    expect(await verify({ headers: { host: 'host:8080' }, rawQuery })).toMatchObject({
      kind: 'signed',
      carrier: 'query',
    });
  });

  // https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
  it('are those of the example of AWS', async () => {
    const request = { method: 'GET', path: '/test.txt', query: [], host: 'examplebucket.s3.amazonaws.com' };
    expect(await presignedQuery(request, SCOPE, 86_400)).toMatch(
      /X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404$/,
    );
  });
});
