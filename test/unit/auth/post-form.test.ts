/** POST uploads from browsers: AWS's example, the signature fields, and the policy language. */
import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  checkFileSize,
  contentLengthRange,
  evaluatePostPolicy,
  parsePostPolicy,
} from '../../../src/auth/post-policy.js';
import { deriveSigningKey } from '../../../src/auth/signatures.js';
import { authenticatorAt, EXAMPLE, s3Error } from './support.js';

const NOW_MS = Date.UTC(2026, 4, 24, 12);
const DATE = '20260524T120000Z';
const SCOPE = '20260524/us-east-1/s3/aws4_request';
const EXPIRATION = '2026-05-24T13:00:00Z';

function encode(policy: unknown): string {
  return Buffer.from(typeof policy === 'string' ? policy : JSON.stringify(policy)).toString('base64');
}

function v2Form(policy: unknown, changes: Record<string, string | undefined> = {}): Map<string, string> {
  const encoded = encode(policy);
  const signature = createHmac('sha1', EXAMPLE.secret).update(encoded).digest('base64');
  return form({ awsaccesskeyid: EXAMPLE.accessKey, policy: encoded, signature, ...changes });
}

function v4Form(policy: unknown, changes: Record<string, string | undefined> = {}): Map<string, string> {
  const encoded = encode(policy);
  const key = deriveSigningKey(EXAMPLE.secret, { date: '20260524', region: 'us-east-1', service: 's3' });
  return form({
    'x-amz-algorithm': 'AWS4-HMAC-SHA256',
    'x-amz-credential': `${EXAMPLE.accessKey}/${SCOPE}`,
    'x-amz-date': DATE,
    policy: encoded,
    'x-amz-signature': createHmac('sha256', key).update(encoded).digest('hex'),
    ...changes,
  });
}

function form(fields: Record<string, string | undefined>): Map<string, string> {
  return new Map(Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined));
}

const authenticator = authenticatorAt(NOW_MS);
const minimal = { expiration: EXPIRATION, conditions: [{ bucket: 'b' }] };

// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html
const EXAMPLE_POLICY = [
  '{ "expiration": "2015-12-30T12:00:00.000Z",',
  '  "conditions": [',
  '    {"bucket": "sigv4examplebucket"},',
  '    ["starts-with", "$key", "user/user1/"],',
  '    {"acl": "public-read"},',
  '    {"success_action_redirect": "http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html"},',
  '    ["starts-with", "$Content-Type", "image/"],',
  '    {"x-amz-meta-uuid": "14365123651274"},',
  '    {"x-amz-server-side-encryption": "AES256"},',
  '    ["starts-with", "$x-amz-meta-tag", ""],',
  '',
  '    {"x-amz-credential": "AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request"},',
  '    {"x-amz-algorithm": "AWS4-HMAC-SHA256"},',
  '    {"x-amz-date": "20151229T000000Z" }',
  '  ]',
  '}',
].join('\r\n');

describe("AWS's example of a form", () => {
  const fields = form({
    key: 'user/user1/${filename}',
    acl: 'public-read',
    success_action_redirect: 'http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html',
    'content-type': 'image/jpeg',
    'x-amz-meta-uuid': '14365123651274',
    'x-amz-server-side-encryption': 'AES256',
    'x-amz-credential': 'AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request',
    'x-amz-algorithm': 'AWS4-HMAC-SHA256',
    'x-amz-date': '20151229T000000Z',
    'x-amz-meta-tag': '',
    policy: encode(EXAMPLE_POLICY),
    'x-amz-signature': '8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e',
  });

  it('verifies and satisfies its policy', async () => {
    const result = await authenticatorAt(Date.UTC(2015, 11, 29)).authenticatePostForm(fields);
    expect(result).toMatchObject({ credential: EXAMPLE, version: 'v4' });
    if (result.policy === null) throw new Error('there is a policy');
    evaluatePostPolicy(result.policy, { bucket: 'sigv4examplebucket', fields });
  });

  it('expires', async () => {
    const error = await s3Error(authenticatorAt(Date.UTC(2015, 11, 30, 12)).authenticatePostForm(fields));
    expect([error.code, error.message]).toEqual(['AccessDenied', 'Invalid according to Policy: Policy expired.']);
  });
});

describe('the signature of a form', () => {
  it('verifies with either version', async () => {
    expect(await authenticator.authenticatePostForm(v2Form(minimal))).toMatchObject({
      credential: EXAMPLE,
      version: 'v2',
    });
    expect(await authenticator.authenticatePostForm(v4Form(minimal))).toMatchObject({
      credential: EXAMPLE,
      version: 'v4',
    });
  });

  it('is not needed when no field asks for one', async () => {
    const anonymous = { credential: null, version: null, policy: null };
    expect(await authenticator.authenticatePostForm(form({ key: 'k', acl: 'public-read' }))).toEqual(anonymous);
  });

  it('of another policy, or changed, is refused', async () => {
    for (const fields of [v2Form(minimal), v4Form(minimal)]) {
      const name = fields.has('signature') ? 'signature' : 'x-amz-signature';
      const signature = fields.get(name) ?? '';
      for (let i = 0; i < signature.length; i++) {
        const changed =
          signature.slice(0, i) + String.fromCharCode(signature.charCodeAt(i) ^ 1) + signature.slice(i + 1);
        const error = await s3Error(authenticator.authenticatePostForm(new Map(fields).set(name, changed)));
        expect([error.code, error.status]).toEqual(['SignatureDoesNotMatch', 403]);
      }
      const other = new Map(fields).set('policy', encode({ ...minimal, conditions: [] }));
      const error = await s3Error(authenticator.authenticatePostForm(other));
      expect(error).toMatchObject({ code: 'SignatureDoesNotMatch', detail: { StringToSign: other.get('policy') } });
      expect(JSON.stringify(error.detail)).not.toContain(EXAMPLE.secret);
    }
  });

  it('does not cover characters that a base64 decoder would skip', async () => {
    const fields = v2Form(minimal);
    // U+0165 has the low byte of 'e': a signature over latin1 bytes would not notice.
    const disguised = (fields.get('policy') ?? '').replace('e', '\u0165');
    const error = await s3Error(authenticator.authenticatePostForm(fields.set('policy', disguised)));
    expect(error.code).toBe('InvalidPolicyDocument');
  });

  it.each([
    [v2Form(minimal, { signature: undefined }), 'signature'],
    [v2Form(minimal, { awsaccesskeyid: undefined }), 'AWSAccessKeyId'],
    [v2Form(minimal, { awsaccesskeyid: undefined, signature: undefined }), 'AWSAccessKeyId'],
    [v2Form(minimal, { policy: undefined }), 'policy'],
    [v4Form(minimal, { policy: '' }), 'policy'],
    [v4Form(minimal, { 'x-amz-algorithm': undefined }), 'X-Amz-Algorithm'],
    [v4Form(minimal, { 'x-amz-credential': undefined }), 'X-Amz-Credential'],
    [v4Form(minimal, { 'x-amz-date': undefined }), 'X-Amz-Date'],
    [v4Form(minimal, { 'x-amz-signature': undefined }), 'X-Amz-Signature'],
    [v4Form(minimal, { 'x-amz-algorithm': 'AWS4' }), 'X-Amz-Algorithm'],
    [v4Form(minimal, { 'x-amz-date': 'today' }), 'X-Amz-Date'],
    [v4Form(minimal, { 'x-amz-date': '20260525T120000Z' }), 'X-Amz-Credential'],
    [v4Form(minimal, { 'x-amz-credential': 'x' }), 'X-Amz-Credential'],
    [v4Form(minimal, { signature: 'x' }), 'Authorization'],
  ])('incomplete or malformed is InvalidArgument (%#)', async (fields, argument) => {
    const error = await s3Error(authenticator.authenticatePostForm(fields));
    expect([error.code, error.status, error.detail.ArgumentName]).toEqual(['InvalidArgument', 400, argument]);
  });

  it('of an unknown key is InvalidAccessKeyId', async () => {
    const error = await s3Error(authenticator.authenticatePostForm(v2Form(minimal, { awsaccesskeyid: 'nobody' })));
    expect([error.code, error.status]).toEqual(['InvalidAccessKeyId', 403]);
  });

  it('of temporary credentials needs the token field', async () => {
    const temporary = authenticatorAt(NOW_MS, { lookup: () => ({ ...EXAMPLE, sessionToken: 'token' }) });
    expect((await s3Error(temporary.authenticatePostForm(v4Form(minimal)))).code).toBe('InvalidToken');
    const fields = v4Form(minimal, { 'x-amz-security-token': 'token' });
    expect((await temporary.authenticatePostForm(fields)).version).toBe('v4');
  });
});

describe('a policy document', () => {
  it.each<readonly [unknown, string]>([
    ['not json', 'Invalid JSON'],
    ['[]', 'Invalid JSON'],
    ['null', 'Invalid JSON'],
    [{ conditions: [] }, 'expiration'],
    [{ EXPIRATION, conditions: [] }, 'expiration'],
    [{ expiration: '2026-05-24 13:00:00+00:00', conditions: [] }, 'expiration'],
    [{ expiration: 1, conditions: [] }, 'expiration'],
    [{ expiration: '2026-02-30T00:00:00Z', conditions: [] }, 'expiration'],
    [{ expiration: EXPIRATION }, 'conditions'],
    [{ expiration: EXPIRATION, CONDITIONS: [] }, 'conditions'],
    [{ expiration: EXPIRATION, conditions: {} }, 'conditions'],
    ...[
      {},
      { a: '1', b: '2' },
      { acl: 1 },
      'acl',
      null,
      [],
      ['eq'],
      ['eq', '$acl'],
      ['eq', 'acl', 'x'],
      ['eq', '$', 'x'],
      ['eq', '$acl', 1],
      ['eq', '$acl', 'x', 'y'],
      ['ends-with', '$acl', 'x'],
      ['content-length-range', 0],
      ['content-length-range', -1, 0],
      ['content-length-range', 0, 1.5],
      ['content-length-range', 0, 'many'],
    ].map((condition) => [{ expiration: EXPIRATION, conditions: [condition] }, 'Invalid Policy: '] as const),
  ])('%j is InvalidPolicyDocument', async (policy, message) => {
    const error = await s3Error(authenticator.authenticatePostForm(v2Form(policy)));
    expect([error.code, error.status]).toEqual(['InvalidPolicyDocument', 400]);
    expect(error.message).toContain(message);
  });

  it('may use the escapes that AWS documents', () => {
    const text = `{"expiration":"${EXPIRATION}","conditions":[{"a":"\\$x\\v\\\\$\\u0041"}]}`;
    expect(parsePostPolicy(encode(text)).conditions).toMatchObject([{ kind: 'eq', name: 'a', value: '$x\u000b\\$A' }]);
  });
});

describe('a condition', () => {
  function check(conditions: readonly unknown[], fields: Record<string, string>, fileSizeBytes?: number): void {
    const policy = parsePostPolicy(encode({ expiration: EXPIRATION, conditions: [{ bucket: 'b' }, ...conditions] }));
    evaluatePostPolicy(policy, {
      bucket: 'b',
      fields: form(fields),
      ...(fileSizeBytes === undefined ? {} : { fileSizeBytes }),
    });
  }

  it.each([
    [[{ acl: 'private' }], { acl: 'private' }],
    [[['eq', '$acl', 'private']], { acl: 'private' }],
    [[['StArTs-WiTh', '$KeY', 'foo']], { key: 'foo.txt' }],
    [[{ aCl: 'private' }], { acl: 'private' }],
    [[['starts-with', '$key', '']], { key: 'anything' }],
    [[['starts-with', '$key', '\\$foo']], { key: '\\$foo.txt' }],
    [[['starts-with', '$Content-Type', 'image/']], { 'content-type': 'image/png, image/jpeg' }],
    [[['starts-with', '$acl', '']], {}],
    [[], { 'x-ignore-this': '1', policy: 'p', signature: 's', awsaccesskeyid: 'a', 'x-amz-signature': 'v', file: 'f' }],
  ])('%j holds for %j', (conditions, fields) => {
    expect(() => check(conditions, fields)).not.toThrow();
  });

  it.each([
    [[{ acl: 'private' }], { acl: 'public-read' }, 'Policy Condition failed: ["eq", "$acl", "private"]'],
    [[{ acl: 'private' }], { acl: 'Private' }, 'Policy Condition failed: ["eq", "$acl", "private"]'],
    [[{ acl: 'private' }], {}, 'Policy Condition failed: ["eq", "$acl", "private"]'],
    [[['starts-with', '$key', 'foo']], { key: 'bar' }, 'Policy Condition failed: ["starts-with", "$key", "foo"]'],
    [
      [['eq', '$x-amz-meta-foo', '']],
      { 'x-amz-meta-foo': 'x' },
      'Policy Condition failed: ["eq", "$x-amz-meta-foo", ""]',
    ],
    [
      [['starts-with', '$Content-Type', 'image/']],
      { 'content-type': 'image/png,text/html' },
      'Policy Condition failed: ["starts-with", "$Content-Type", "image/"]',
    ],
    [[{ bucket: 'other' }], { bucket: 'other' }, 'Policy Condition failed: ["eq", "$bucket", "other"]'],
    [[], { key: 'k' }, 'Extra input fields: key'],
    [[{ acl: 'private' }], { acl: 'private', 'x-amz-meta-a': '1' }, 'Extra input fields: x-amz-meta-a'],
    [[], { 'x-amz-security-token': 't' }, 'Extra input fields: x-amz-security-token'],
  ])('%j fails for %j', async (conditions, fields, message) => {
    const error = await s3Error(() => check(conditions, fields));
    expect([error.code, error.status, error.message]).toEqual([
      'AccessDenied',
      403,
      `Invalid according to Policy: ${message}`,
    ]);
  });

  it('on the bucket is required', async () => {
    const policy = parsePostPolicy(encode({ expiration: EXPIRATION, conditions: [{ key: 'k' }] }));
    const error = await s3Error(() => evaluatePostPolicy(policy, { bucket: 'b', fields: form({ key: 'k' }) }));
    expect(error.message).toBe('Invalid according to Policy: Extra input fields: bucket');
  });

  it('bounds the size of the file', async () => {
    const range = [['content-length-range', 2, '4']];
    for (const size of [2, 3, 4]) expect(() => check(range, {}, size)).not.toThrow();
    expect(await s3Error(() => check(range, {}, 5))).toMatchObject({
      code: 'EntityTooLarge',
      status: 400,
      detail: { ProposedSize: '5', MaxSizeAllowed: '4' },
    });
    expect(await s3Error(() => check(range, {}, 1))).toMatchObject({
      code: 'EntityTooSmall',
      status: 400,
      detail: { ProposedSize: '1', MinSizeAllowed: '2' },
    });
  });

  it('gives the range for an upload of unknown size', async () => {
    const ranged = (...conditions: readonly unknown[]) =>
      parsePostPolicy(encode({ expiration: EXPIRATION, conditions }));
    expect(contentLengthRange(ranged({ bucket: 'b' }))).toBeNull();
    expect(contentLengthRange(ranged(['content-length-range', 1, 10], ['content-length-range', 5, 20]))).toEqual({
      minBytes: 5,
      maxBytes: 10,
    });
    expect(() => checkFileSize(ranged(), 1e12)).not.toThrow();
    expect((await s3Error(() => checkFileSize(ranged(['content-length-range', 0, 0]), 3))).code).toBe('EntityTooLarge');
  });
});
