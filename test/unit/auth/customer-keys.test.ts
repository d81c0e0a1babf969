/** Keys of SSE-C are signed headers and form fields: the errors of authentication show requests, but not those keys. */
import { describe, expect, it } from 'vitest';
import { signatureDoesNotMatch } from '../../../src/auth/failures.js';
import { evaluatePostPolicy, parsePostPolicy } from '../../../src/auth/post-policy.js';

const KEY = 'pO3upElrwuEXSoFwCfnZPdSsmt/xWeFa0N9KgDijwVs=';
const HEADER = 'x-amz-server-side-encryption-customer-key';

describe('SignatureDoesNotMatch', () => {
  it.each([
    ['a header', `PUT\n/b/k\n\nhost:h\n${HEADER}:${KEY}\n${HEADER}-md5:DWyg\nx-amz-date:d\n\nhost;${HEADER}\nhash`],
    [
      'a copy source header',
      `PUT\n/b/k\n\nx-amz-copy-source-server-side-encryption-customer-key:${KEY}\nx-amz-date:d\n`,
    ],
    [
      'a query parameter',
      `GET\n/b/k\nX-Amz-Server-Side-Encryption-Customer-Key=${encodeURIComponent(KEY)}&b=c\nhost:h`,
    ],
  ])('hides the key in %s, in both canonical forms', (_name, canonical) => {
    const { detail } = signatureDoesNotMatch({
      accessKey: 'AK',
      provided: 'sig',
      stringToSign: canonical,
      canonicalRequest: canonical,
    });
    const text = JSON.stringify(detail);
    for (const secret of [KEY, encodeURIComponent(KEY)]) {
      expect(text).not.toContain(secret);
      expect(text).not.toContain(Buffer.from(secret).toString('hex').replace(/../g, '$& ').trimEnd());
    }
    expect(detail['CanonicalRequest']).toContain('(hidden)');
    // The rest is what makes a client's bug findable.
    expect(detail['CanonicalRequest']).toMatch(/x-amz-date:d|b=c/);
    expect(detail['CanonicalRequest']).toContain(canonical.slice(0, 8));
  });
});

describe('a condition of a POST policy that fails', () => {
  const policy = (condition: unknown): string =>
    Buffer.from(JSON.stringify({ expiration: '2100-01-01T00:00:00Z', conditions: [condition] })).toString('base64');

  it.each([[{ [HEADER]: KEY }], [['eq', `$${HEADER}`, KEY]], [['starts-with', `$${HEADER}`, KEY]]])(
    'hides the key of %j',
    (condition) => {
      const evaluate = (): void =>
        evaluatePostPolicy(parsePostPolicy(policy(condition)), { bucket: 'b', fields: new Map([[HEADER, 'other']]) });
      expect(evaluate).toThrow(/customer-key", "\(hidden\)"/);
      expect(evaluate).not.toThrow(KEY);
    },
  );
});
