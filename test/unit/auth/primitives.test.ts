/** The small parts: encodings, dates, the cache of keys, comparison. */
import { describe, expect, it } from 'vitest';
import {
  formatIso,
  formatIsoBasic,
  parseIsoBasic,
  parseIsoExtended,
  parseRequestDate,
} from '../../../src/auth/dates.js';
import {
  canonicalHeaderValue,
  canonicalPath,
  canonicalQueryComponent,
  percentDecode,
} from '../../../src/auth/encoding.js';
import { SignedHeadersParser } from '../../../src/auth/sigv4-request.js';
import { deriveSigningKey, signaturesEqual, SigningKeyCache } from '../../../src/auth/signatures.js';

describe('encoding', () => {
  it('agrees with encodeURIComponent on every byte, but for five characters', () => {
    for (let byte = 0; byte < 256; byte++) {
      const char = String.fromCharCode(byte);
      const escaped = `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
      const unreserved = /[A-Za-z0-9._~-]/.test(char);
      if (byte < 128 && !"!'()*".includes(char)) expect(encodeURIComponent(char)).toBe(unreserved ? char : escaped);
      if (char === '+') expect(canonicalQueryComponent(char)).toBe('%20');
      else if (char !== '%') expect(canonicalQueryComponent(char)).toBe(unreserved ? char : escaped);
      expect(canonicalQueryComponent(escaped.toLowerCase())).toBe(unreserved ? char : escaped);
      expect(canonicalPath(`/${escaped}`)).toBe(`/${unreserved || char === '/' ? char : escaped}`);
      expect(percentDecode(escaped, { plusIsSpace: true })).toBe(char);
    }
  });

  it.each(['%', '%4', '%4g', '%g4', '100%'])('keeps the malformed escape in %j', (text) => {
    expect(percentDecode(text, { plusIsSpace: false })).toBe(text);
    expect(canonicalPath(text)).toBe(text.replace('%', '%25'));
  });

  it('gives the root for an empty path', () => {
    expect(canonicalPath('')).toBe('/');
  });

  it('decodes a plus only where it is a space', () => {
    expect(percentDecode('a+b%2B', { plusIsSpace: true })).toBe('a b+');
    expect(percentDecode('a+b%2B', { plusIsSpace: false })).toBe('a+b+');
  });

  it.each([
    ['', ''],
    ['a', 'a'],
    ['a b', 'a b'],
    [' a', 'a'],
    ['a ', 'a'],
    ['   ', ''],
    [' ', ''],
    ['a  b', 'a b'],
    ['a\tb', 'a b'],
    ['a \t\r\n b', 'a b'],
    ['"a  b"', '"a b"'],
  ])('folds the header value %j to %j', (value, folded) => {
    expect(canonicalHeaderValue(value)).toBe(folded);
  });
});

describe('dates', () => {
  const MS = Date.UTC(2026, 4, 24, 1, 2, 3);

  it.each([
    'Sun, 24 May 2026 01:02:03 GMT',
    'Mon, 24 May 2026 01:02:03 GMT',
    'Sun, 24 May 2026 01:02:03 +0000',
    'Sun, 24 May 2026 03:02:03 +0200',
    'Sat, 23 May 2026 19:32:03 -0530',
    '24 May 2026 01:02:03 UTC',
    'Sunday, 24-May-26 01:02:03 GMT',
    'Sun May 24 01:02:03 2026',
    '20260524T010203Z',
    '2026-05-24T01:02:03Z',
    '2026-05-24T01:02:03.999Z',
  ])('reads %s', (text) => {
    expect(parseRequestDate(text)).toBe(MS);
  });

  it.each([
    '',
    'Bad Date',
    '2026',
    '1779584523',
    'Sun, 24 Foo 2026 01:02:03 GMT',
    'Sun, 31 Feb 2026 01:02:03 GMT',
    'Sun, 24 May 2026 24:02:03 GMT',
    'Sun, 24 May 2026 01:60:03 GMT',
    'Sun, 24 May 2026 01:02:03',
    'Sun, 24 May 2026 01:02:03 PST',
    'Tue, 07 Jul 1950 21:53:04 GMT',
    '20260524T010203',
    '20260524 010203Z',
    '2026-05-24T01:02:03+02:00',
    '20261324T010203Z',
    '20260532T010203Z',
  ])('does not read %j', (text) => {
    expect(parseRequestDate(text)).toBeNull();
  });

  it('formats what it reads', () => {
    expect(parseIsoBasic(formatIsoBasic(MS))).toBe(MS);
    expect(parseIsoExtended(formatIso(MS))).toBe(MS);
    expect(formatIsoBasic(MS)).toBe('20260524T010203Z');
    expect(formatIso(MS)).toBe('2026-05-24T01:02:03Z');
  });
});

describe('the cache of signing keys', () => {
  const scope = { date: '20260524', region: 'r', service: 's3' };
  const credential = (accessKey: string, secret = 'secret') => ({ accessKey, secret });

  it('derives the key of the documentation', () => {
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html
    const key = deriveSigningKey('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', {
      date: '20120215',
      region: 'us-east-1',
      service: 'iam',
    });
    expect(key.toString('hex')).toBe('f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d');
  });

  it('keeps what it is told to, and no more than its capacity', () => {
    const cache = new SigningKeyCache(2);
    expect(cache.get(credential('a'), scope)).not.toBe(cache.get(credential('a'), scope));
    expect(cache.size).toBe(0);
    const keys = new Map<string, Buffer>();
    for (const name of ['a', 'b']) {
      const key = cache.get(credential(name), scope);
      cache.keep(credential(name), scope, key);
      keys.set(name, key);
    }
    expect(cache.get(credential('a'), scope)).toBe(keys.get('a'));
    cache.keep(credential('c'), scope, cache.get(credential('c'), scope));
    expect(cache.size).toBe(2);
    expect(cache.get(credential('a'), scope)).toBe(keys.get('a'));
    expect(cache.get(credential('b'), scope)).not.toBe(keys.get('b'));
  });

  it('tells secrets, dates, regions and services apart', () => {
    const cache = new SigningKeyCache(10);
    const key = cache.get(credential('a'), scope);
    cache.keep(credential('a'), scope, key);
    const others = [
      cache.get(credential('a', 'changed'), scope),
      cache.get(credential('a'), { ...scope, date: '20260525' }),
      cache.get(credential('a'), { ...scope, region: 'r2' }),
      cache.get(credential('a'), { ...scope, service: 'sts' }),
    ];
    for (const other of others) expect(other.equals(key)).toBe(false);
    cache.keep(credential('a', 'changed'), scope, cache.get(credential('a', 'changed'), scope));
    expect(cache.size).toBe(1);
  });
});

describe('comparison of signatures', () => {
  it.each([
    ['abc', 'abc', true],
    ['abc', 'abd', false],
    ['abc', 'ab', false],
    ['', '', true],
    ['A', '\u0141', false],
  ])('%j and %j: %s', (expected, provided, equal) => {
    expect(signaturesEqual(expected, provided)).toBe(equal);
  });
});

describe('lists of signed headers', () => {
  it('are parsed once while they are known, and the memory is bounded', () => {
    const parser = new SignedHeadersParser(2);
    const first = parser.parse('host;X-Amz-Date');
    expect(first).toEqual({
      text: 'host;X-Amz-Date',
      names: ['host', 'x-amz-date'],
      set: new Set(['host', 'x-amz-date']),
    });
    expect(parser.parse('host;X-Amz-Date')).toBe(first);
    parser.parse('a');
    parser.parse('b');
    expect(parser.parse('host;X-Amz-Date')).not.toBe(first);
  });
});
