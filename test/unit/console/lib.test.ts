// The console's pure parts.
import { describe, expect, it } from 'vitest';
import { isolated, pagePolicy } from '../../../src/console/security.js';
import { planParts } from '../../../src/console/ui/api/multipart-plan.js';
import { baseName, formatBytes, formatDuration } from '../../../src/console/ui/lib/format.js';
import { jsonFault } from '../../../src/console/ui/lib/json.js';
import { lookOf } from '../../../src/console/ui/lib/media.js';
import { exactSize, parseSize } from '../../../src/console/ui/lib/size.js';

const MIB = 1024 * 1024;

describe('jsonFault', () => {
  it('accepts what JSON.parse accepts, and nothing else', () => {
    for (const text of ['{}', '[]', ' [1, -2.5e+3, "a\\u00e4\\n", true, null, {"a": {"b": []}}] ', '"x"', '0', 'false'])
      expect(jsonFault(text), text).toBeNull();
    for (const text of [
      '',
      '{',
      '[1,]',
      '{"a" 1}',
      '{a: 1}',
      '01',
      '"\n"',
      '[1] 2',
      "'x'",
      'truex',
      '{"a":1,}',
      '\\',
      '"\\x"',
    ]) {
      expect(() => JSON.parse(text) as unknown, text).toThrow();
      expect(jsonFault(text), text).not.toBeNull();
    }
  });

  it('says where', () => {
    expect(jsonFault('{\n  "a": [1,\n  2}')).toEqual({ line: 3, column: 4, message: "',' or ']' is expected here" });
    expect(jsonFault('{\n"a": 1')).toMatchObject({ line: 2, column: 7 });
  });
});

describe('planParts', () => {
  it('cuts a file of any size into at most 10,000 parts of whole MiB', () => {
    expect(planParts(41 * MIB)).toEqual({ partBytes: 8 * MIB, parts: 6 });
    expect(planParts(0)).toEqual({ partBytes: 8 * MIB, parts: 1 });
    for (const size of [17 * MIB, 80_000 * MIB + 1, 5 * 1024 ** 4]) {
      const { partBytes, parts } = planParts(size);
      expect(parts).toBeLessThanOrEqual(10_000);
      expect(partBytes % MIB).toBe(0);
      expect(partBytes * parts).toBeGreaterThanOrEqual(size);
      expect(partBytes * (parts - 1)).toBeLessThan(size);
    }
  });
});

describe('formats', () => {
  it('shows sizes and reads them back', () => {
    expect([0, 1, 1023, 1024, 1536, 10 * MIB].map(formatBytes)).toEqual([
      '0 B',
      '1 B',
      '1023 B',
      '1 KiB',
      '1.5 KiB',
      '10 MiB',
    ]);
    for (const bytes of [0, 1, 1000, 1536 * MIB, 1024 ** 4, 1_500_001]) expect(parseSize(exactSize(bytes))).toBe(bytes);
    expect(parseSize('1.5 GiB')).toBe(1536 * MIB);
    expect(parseSize('2k')).toBe(2048);
    expect(parseSize('much')).toBeNaN();
  });

  it('shows durations and names', () => {
    expect([0.5, 61, 3600, 90_061].map(formatDuration)).toEqual(['less than 1 s', '1 min 1 s', '1 h', '1 d 1 h']);
    expect(['a/b/c.txt', 'a/b/', 'c'].map(baseName)).toEqual(['c.txt', 'b/', 'c']);
  });

  it('knows how to show an object', () => {
    expect(lookOf('x', 'image/png')).toBe('image');
    expect(lookOf('x.pdf', 'binary/octet-stream')).toBe('pdf');
    expect(lookOf('page.html', 'text/html; charset=utf-8')).toBe('text');
    expect(lookOf('x', 'application/vnd.api+json')).toBe('text');
    expect(lookOf('x.bin', 'application/octet-stream')).toBe('none');
  });
});

describe('the page and objects on one origin', () => {
  it('names the host in the policy only where it has a form there', () => {
    expect(pagePolicy('s3.example.com:8080', '/-/console/')).toContain('script-src s3.example.com:8080/-/console/;');
    for (const host of ['[::1]:8080', "x; script-src 'unsafe-inline'", 'a b', ''])
      expect(pagePolicy(host, '/-/console/')).toContain("script-src 'self';");
  });

  it('sandboxes all but what browsers never run', () => {
    const policy = (type: string): string | undefined =>
      isolated({ status: 200, headers: { 'content-type': type }, body: null }).headers['content-security-policy'];
    expect(policy('image/svg+xml')).toContain('sandbox');
    expect(policy('image/svg+xml;x')).toContain('sandbox');
    expect(policy('')).toContain('sandbox');
    expect(policy('text/plain2')).toContain('sandbox');
    expect(policy('image/png')).toBeUndefined();
    expect(policy('text/plain; charset=utf-8')).toBeUndefined();
  });
});
