import { describe, expect, it } from 'vitest';
import {
  checkCorsRules,
  corsHeaders,
  matchCors,
  parseCors,
  preflightHeaders,
  serialiseCors,
} from '../../../src/s3/cors.js';
import type { CorsRule } from '../../../src/s3/cors.js';
import { S3Error } from '../../../src/s3/errors.js';

function rule(extra: Partial<CorsRule> = {}): CorsRule {
  return { allowedOrigins: ['*'], allowedMethods: ['GET'], allowedHeaders: [], exposeHeaders: [], ...extra };
}

function caught(run: () => unknown): S3Error {
  try {
    run();
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const vary = 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method';

describe('checkCorsRules', () => {
  it('accepts 100 rules with one wildcard each', () => {
    const good = rule({ allowedOrigins: ['http://*.a'], allowedHeaders: ['*', 'x-*-y'], id: 'x'.repeat(255) });
    expect(() => checkCorsRules(Array.from({ length: 100 }, () => good))).not.toThrow();
  });

  it.each([
    [Array.from({ length: 101 }, () => rule()), /allowed limit of 100 rules/],
    [[rule({ allowedMethods: ['GET', 'OPTIONS'] })], /Unsupported method is OPTIONS/],
    [[rule({ allowedMethods: ['get'] })], /Unsupported method is get/],
    [[rule({ allowedOrigins: ['http://*.*'] })], /AllowedOrigin "http:\/\/\*\.\*" can not have more than one wildcard/],
    [[rule({ allowedHeaders: ['*x*'] })], /AllowedHeader "\*x\*" can not have more than one wildcard/],
    [[rule({ exposeHeaders: ['x-*'] })], /ExposeHeader "x-\*" contains wildcard/],
    [[rule({ id: 'x'.repeat(256) })], /255 characters/],
  ])('refuses bad rules (%#)', (rules, message) => {
    const error = caught(() => checkCorsRules(rules));
    expect(error.code).toBe('InvalidRequest');
    expect(error.message).toMatch(message);
  });
});

describe('matchCors', () => {
  it.each([
    ['*suffix', 'foo.suffix', true],
    ['*suffix', 'foo.suffix.get', false],
    ['start*end', 'startend', true],
    ['start*end', 'start12end', true],
    ['start*end', '0start12end', false],
    ['prefix*', 'prefix', true],
    ['prefix*', 'bla.prefix', false],
    ['aba*aba', 'aba', false],
    ['aba*aba', 'abaaba', true],
    ['http://a', 'http://a', true],
    ['http://a', 'http://a:80', false],
    ['http://a', 'HTTP://A', false],
    ['http://a.b', 'http://aXb', false],
  ])('origin pattern %s, origin %s: %s', (pattern, origin, expected) => {
    const answer = matchCors([rule({ allowedOrigins: [pattern] })], { origin, method: 'GET' });
    expect(answer?.['access-control-allow-origin'] ?? null).toBe(expected ? origin : null);
  });

  it('answers * without credentials, and a named origin with them', () => {
    expect(matchCors([rule()], { origin: 'http://a', method: 'GET' })).toEqual({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET',
      vary,
    });
    expect(matchCors([rule({ allowedOrigins: ['http://*'] })], { origin: 'http://a', method: 'GET' })).toEqual({
      'access-control-allow-origin': 'http://a',
      'access-control-allow-methods': 'GET',
      'access-control-allow-credentials': 'true',
      vary,
    });
  });

  it('takes the first rule that matches origin, method and all request headers', () => {
    const rules = [
      rule({ allowedOrigins: ['http://a'], allowedMethods: ['PUT'], maxAgeSeconds: 1 }),
      rule({ allowedMethods: ['PUT', 'GET'], allowedHeaders: ['X-Amz-*'], maxAgeSeconds: 2 }),
      rule({ allowedMethods: ['PUT'], allowedHeaders: ['*'], exposeHeaders: ['ETag', 'x-b'], maxAgeSeconds: 0 }),
    ];
    const age = (requestHeaders: readonly string[]): string | undefined =>
      matchCors(rules, { origin: 'http://a', method: 'PUT', requestHeaders })?.['access-control-max-age'];
    expect(age([])).toBe('1');
    expect(age(['x-amz-date', 'X-AMZ-ACL'])).toBe('2');
    expect(age(['x-amz-date', 'content-type'])).toBe('0');
    expect(matchCors(rules, { origin: 'http://b', method: 'PUT', requestHeaders: ['Content-Type', 'x-a'] })).toEqual({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'PUT',
      'access-control-allow-headers': 'Content-Type, x-a',
      'access-control-expose-headers': 'ETag, x-b',
      'access-control-max-age': '0',
      vary,
    });
    expect(matchCors(rules, { origin: 'http://b', method: 'DELETE' })).toBeNull();
  });
});

describe('corsHeaders', () => {
  const rules = [rule({ allowedOrigins: ['*suffix'] }), rule({ allowedOrigins: ['*.put'], allowedMethods: ['PUT'] })];
  const allowed = (method: string, headers: Record<string, string>): string | undefined =>
    corsHeaders(rules, { method, headers })['access-control-allow-origin'];

  it('answers actual requests by their method, or by the one they name', () => {
    expect(allowed('GET', { origin: 'foo.suffix' })).toBe('foo.suffix');
    expect(allowed('PUT', { origin: 'foo.suffix' })).toBeUndefined();
    expect(allowed('PUT', { origin: 'foo.put' })).toBe('foo.put');
    expect(allowed('PUT', { origin: 'foo.suffix', 'access-control-request-method': 'GET' })).toBe('foo.suffix');
    expect(allowed('GET', { origin: 'other' })).toBeUndefined();
  });

  it('does not ask about request headers once the preflight is over', () => {
    expect(allowed('GET', { origin: 'foo.suffix', 'x-amz-meta-a': '1' })).toBe('foo.suffix');
  });

  it('makes answers of a bucket with rules vary, and leaves others alone', () => {
    expect(corsHeaders(rules, { method: 'GET', headers: {} })).toEqual({ vary });
    expect(corsHeaders(rules, { method: 'GET', headers: { origin: 'other' } })).toEqual({ vary });
    expect(corsHeaders([], { method: 'GET', headers: { origin: 'other' } })).toEqual({});
  });
});

describe('preflightHeaders', () => {
  const rules = [rule({ exposeHeaders: ['x-amz-meta-header1'], allowedHeaders: ['x-ok'] })];
  const ask = (headers: Record<string, string>, withRules: readonly CorsRule[] = rules): Record<string, string> =>
    preflightHeaders(withRules, { headers, resourceType: 'OBJECT' });

  it('answers the rule that matches', () => {
    expect(
      ask({
        origin: 'http://a',
        'access-control-request-method': 'GET',
        'access-control-request-headers': ' X-Ok ,, x-ok',
      }),
    ).toMatchObject({ 'access-control-allow-origin': '*', 'access-control-allow-headers': 'X-Ok, x-ok' });
  });

  it('needs an origin and a method that S3 has', () => {
    for (const headers of [
      {},
      { 'access-control-request-method': 'GET' },
      { origin: 'http://a' },
      { origin: 'http://a', 'access-control-request-method': 'PATCH' },
    ]) {
      const error = caught(() => ask(headers));
      expect([error.code, error.status]).toEqual(['BadRequest', 400]);
    }
  });

  it('is forbidden where no rule matches or there are none', () => {
    const refused = caught(() =>
      ask({
        origin: 'http://a',
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'x-amz-meta-header2',
      }),
    );
    expect([refused.code, refused.status]).toEqual(['AccessForbidden', 403]);
    expect(refused.detail).toEqual({ Method: 'GET', ResourceType: 'OBJECT' });
    const disabled = caught(() => ask({ origin: 'http://a', 'access-control-request-method': 'GET' }, []));
    expect(disabled.code).toBe('AccessForbidden');
    expect(disabled.message).toContain('CORS is not enabled');
  });
});

describe('stored form', () => {
  it('is read back as written', () => {
    const rules = [rule({ id: 'a', maxAgeSeconds: 5 }), rule({ exposeHeaders: ['x'] })];
    expect(parseCors(serialiseCors(rules))).toEqual(rules);
    expect(() => parseCors('{}')).toThrow(/not a list/);
  });
});
