import { describe, expect, it } from 'vitest';
import { httpDate, isoDate, parseHttpDate, parseIsoDate, perSecond } from '../../../src/s3/dates.js';

const time = Date.UTC(1994, 10, 6, 8, 49, 37);

describe('writing dates', () => {
  it('writes RFC 1123 and ISO 8601 of the same whole second', () => {
    expect(httpDate(time + 999)).toBe('Sun, 06 Nov 1994 08:49:37 GMT');
    expect(isoDate(time + 999)).toBe('1994-11-06T08:49:37.000Z');
    expect(isoDate(-1)).toBe('1969-12-31T23:59:59.000Z');
  });

  it('remembers one second', () => {
    let calls = 0;
    const write = perSecond((ms) => {
      calls += 1;
      return isoDate(ms);
    });
    expect([write(0), write(999), write(1000), write(999)]).toEqual([
      '1970-01-01T00:00:00.000Z',
      '1970-01-01T00:00:00.000Z',
      '1970-01-01T00:00:01.000Z',
      '1970-01-01T00:00:00.000Z',
    ]);
    expect(calls).toBe(3);
  });
});

describe('parseHttpDate', () => {
  it.each([
    'Sun, 06 Nov 1994 08:49:37 GMT',
    'Sunday, 06-Nov-94 08:49:37 GMT',
    'Sun Nov  6 08:49:37 1994',
    'Sun, 06 Nov 1994 08:49:37 +0000',
  ])('reads %s', (text) => {
    expect(parseHttpDate(text)).toBe(time);
  });

  it('places two-digit years within 50 years ahead', () => {
    const now = Date.UTC(2025, 5, 1);
    expect(parseHttpDate('Tuesday, 01-Jan-75 00:00:00 GMT', now)).toBe(Date.UTC(2075, 0, 1));
    expect(parseHttpDate('Thursday, 01-Jan-76 00:00:00 GMT', now)).toBe(Date.UTC(1976, 0, 1));
  });

  it('reads back what httpDate writes', () => {
    for (const ms of [0, 951_782_400_000, 1_709_164_800_000, 4_102_444_799_000])
      expect(parseHttpDate(httpDate(ms))).toBe(ms);
  });

  it.each([
    '',
    'yesterday',
    '1994-11-06T08:49:37Z',
    'Sun, 31 Feb 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 24:49:37 GMT',
    'Sun, 06 Nov 1994 08:60:37 GMT',
    'Sun, 06 Foo 1994 08:49:37 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 CET',
    'Sun, 06 Nov 1994 08:49:37 GMT x',
  ])('refuses %j', (text) => {
    expect(parseHttpDate(text)).toBeNull();
  });
});

describe('parseIsoDate', () => {
  it('reads fractions and zones', () => {
    expect(parseIsoDate('1994-11-06T08:49:37Z')).toBe(time);
    expect(parseIsoDate('1994-11-06T08:49:37.25Z')).toBe(time + 250);
    expect(parseIsoDate('1994-11-06T09:49:37.000999+01:00')).toBe(time);
    expect(parseIsoDate('1994-11-06T03:19:37-05:30')).toBe(time);
  });

  it.each(['', '1994-11-06', '1994-11-06T08:49:37', '1994-13-06T08:49:37Z', '1994-02-30T08:49:37Z'])(
    'refuses %j',
    (text) => {
      expect(parseIsoDate(text)).toBeNull();
    },
  );
});
