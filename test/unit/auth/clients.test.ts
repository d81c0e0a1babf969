/** Requests recorded from real clients (boto, botocore, s3cmd, AWS SDK for Java v1 and v2, minio-go) must verify. */
import { describe, expect, it } from 'vitest';
import { checkedPayload } from '../../../src/auth/checked-payload.js';
import { evaluatePostPolicy } from '../../../src/auth/post-policy.js';
import type { SigningRequest } from '../../../src/auth/types.js';
import {
  authenticatorAt,
  chunksOf,
  collect,
  EXAMPLE,
  recordedBody,
  recordedSigningRequest,
  recordings,
  s3Error,
} from './support.js';

const recorded = recordings();
const withToken = { ...EXAMPLE, sessionToken: recorded.sessionToken };

function authenticatorFor(client: string, now: number) {
  return authenticatorAt(now, { lookup: () => (client.includes(' token') ? withToken : EXAMPLE) });
}

describe('requests of real clients', () => {
  for (const request of recorded.requests) {
    it(`${request.client}: ${request.method} ${request.target.slice(0, 60)}`, async () => {
      const authenticator = authenticatorFor(request.client, request.now);
      const signing = recordedSigningRequest(request);
      const result = await authenticator.authenticate(signing);
      expect(result).toMatchObject({ kind: 'signed', credential: { accessKey: EXAMPLE.accessKey } });
      if (request.body === undefined) {
        expect(result.payload.kind).not.toBe('chunked');
        return;
      }
      const checked = checkedPayload(chunksOf(recordedBody(request)), result.payload);
      const body = await collect(checked.body);
      expect(body.length).toBe(Number(signing.headers['x-amz-decoded-content-length']));
      expect(body.every((byte) => byte === 0x61)).toBe(true);
      const announced = signing.headers['x-amz-trailer'];
      expect([...checked.trailers.keys()]).toEqual(announced === undefined ? [] : [announced.toLowerCase()]);
    });
  }

  it('covers every scheme, carrier and kind of payload', async () => {
    const kinds = new Set<string>();
    for (const request of recorded.requests) {
      const result = await authenticatorFor(request.client, request.now).authenticate(recordedSigningRequest(request));
      if (result.kind !== 'signed') throw new Error('recorded requests are signed');
      const { payload } = result;
      kinds.add(`${result.version} ${result.carrier}`);
      kinds.add(
        payload.kind === 'chunked' ? `chunked signed=${payload.signed} trailer=${payload.trailer}` : payload.kind,
      );
    }
    expect([...kinds].sort()).toEqual([
      'chunked signed=false trailer=true',
      'chunked signed=true trailer=false',
      'chunked signed=true trailer=true',
      'sha256',
      'unsigned',
      'v2 header',
      'v2 query',
      'v4 header',
      'v4 query',
    ]);
  });

  it('refuses each of them when the secret is another', async () => {
    for (const request of recorded.requests) {
      const credential = { ...(request.client.includes(' token') ? withToken : EXAMPLE), secret: 'another' };
      const authenticator = authenticatorAt(request.now, { lookup: () => credential });
      const error = await s3Error(authenticator.authenticate(recordedSigningRequest(request)));
      expect([error.code, error.status]).toEqual(['SignatureDoesNotMatch', 403]);
      expect(JSON.stringify(error.detail)).not.toContain(EXAMPLE.secret);
    }
  });

  it('refuses each of them with another method, path or signed header', async () => {
    for (const request of recorded.requests) {
      const signing = recordedSigningRequest(request);
      const authenticator = authenticatorFor(request.client, request.now);
      const mutants: SigningRequest[] = [
        { ...signing, method: 'PATCH' },
        { ...signing, rawPath: signing.rawPath + 'x' },
        { ...signing, headers: { ...signing.headers, host: 'elsewhere' }, vhostBucket: 'elsewhere' },
        { ...signing, rawQuery: signing.rawQuery === '' ? 'acl' : signing.rawQuery + '&acl' },
      ];
      for (const mutant of mutants) {
        expect((await s3Error(authenticator.authenticate(mutant))).code).toBe('SignatureDoesNotMatch');
      }
    }
  });
});

describe('POST forms of real clients', () => {
  for (const post of recorded.posts) {
    it(post.client, async () => {
      const fields = new Map(Object.entries(post.fields).map(([name, value]) => [name.toLowerCase(), value]));
      const authenticator = authenticatorFor(post.client, post.now);
      const { credential, policy, version } = await authenticator.authenticatePostForm(fields);
      expect(credential?.accessKey).toBe(EXAMPLE.accessKey);
      expect(version).toBe(post.client.includes('s3v4') ? 'v4' : 'v2');
      if (policy === null) throw new Error('a signed form has a policy');
      fields.set('key', 'user/photo.jpg');
      evaluatePostPolicy(policy, { bucket: 'foobar', fields, fileSizeBytes: 50 });
      const elsewhere = await s3Error(() => evaluatePostPolicy(policy, { bucket: 'other', fields }));
      expect([elsewhere.code, elsewhere.status]).toEqual(['AccessDenied', 403]);
    });
  }
});
