import { describe, expect, it } from 'vitest';
import { checkTags, parseTaggingHeader, tagList } from '../../../src/s3/tagging.js';
import type { Tag } from '../../../src/s3/tagging.js';

function failure(code: string): Error {
  return expect.objectContaining({ code, status: 400 }) as Error;
}

function numbered(count: number): Tag[] {
  return Array.from({ length: count }, (_, index) => ({ key: `k${index}`, value: String(index) }));
}

describe('checkTags', () => {
  it('allows 10 tags on objects, 50 on buckets', () => {
    expect(Object.keys(checkTags(numbered(10), 'object'))).toHaveLength(10);
    expect(Object.keys(checkTags(numbered(50), 'bucket'))).toHaveLength(50);
    expect(() => checkTags(numbered(11), 'object')).toThrow(failure('InvalidTag'));
    expect(() => checkTags(numbered(11), 'object')).toThrow('Object tags cannot be greater than 10');
    expect(() => checkTags(numbered(51), 'bucket')).toThrow(failure('InvalidTag'));
  });

  it('limits keys to 128 and values to 256 characters', () => {
    const [key, value] = ['k'.repeat(128), 'v'.repeat(256)];
    expect(checkTags([{ key, value }], 'object')).toEqual({ [key]: value });
    expect(() => checkTags([{ key: `${key}k`, value }], 'object')).toThrow('The TagKey you have provided is invalid');
    expect(() => checkTags([{ key, value: `${value}v` }], 'object')).toThrow(
      'The TagValue you have provided is invalid',
    );
    expect(() => checkTags([{ key: '', value }], 'object')).toThrow(failure('InvalidTag'));
  });

  it('allows letters, numbers and spaces of all scripts and _.:/=+-@', () => {
    expect(() => checkTags([{ key: 'é ж 東 9 _.:/=+-@', value: '' }], 'object')).not.toThrow();
    for (const character of ['<', '&', '"', '\n', '*', '%', '\u{1F600}']) {
      expect(() => checkTags([{ key: `a${character}`, value: '' }], 'object')).toThrow(failure('InvalidTag'));
      expect(() => checkTags([{ key: 'a', value: character }], 'object')).toThrow(failure('InvalidTag'));
    }
  });

  it('refuses system tags and repeated keys', () => {
    expect(() => checkTags([{ key: 'AWS:x', value: '' }], 'bucket')).toThrow(/System tags/);
    const twice = [...numbered(1), ...numbered(1)];
    expect(() => checkTags(twice, 'object')).toThrow('Cannot provide multiple Tags with the same key');
  });

  it('keeps keys that objects have of their own', () => {
    const tags = checkTags(
      [
        { key: '__proto__', value: 'a' },
        { key: 'toString', value: 'b' },
      ],
      'object',
    );
    expect(tagList(tags)).toEqual([
      { key: '__proto__', value: 'a' },
      { key: 'toString', value: 'b' },
    ]);
    expect(Object.getPrototypeOf(tags)).toBe(Object.prototype);
  });
});

describe('parseTaggingHeader', () => {
  it('reads URL query form', () => {
    expect(parseTaggingHeader(undefined)).toEqual({});
    expect(parseTaggingHeader('')).toEqual({});
    expect(parseTaggingHeader('foo=bar&bar')).toEqual({ foo: 'bar', bar: '' });
    expect(parseTaggingHeader('a+b=c%2Bd%20e&%C3%A9=x=y&')).toEqual({ 'a b': 'c+d e', é: 'x=y' });
  });

  it('refuses broken encoding and repeated names as an argument, bad tags as tags', () => {
    for (const header of ['a=%', 'a=%FF', 'a=1&a=2', 'a=1&%61=2'])
      expect(() => parseTaggingHeader(header)).toThrow(failure('InvalidArgument'));
    expect(() => parseTaggingHeader('=x')).toThrow(failure('InvalidTag'));
    expect(() => parseTaggingHeader('aws:a=x')).toThrow(failure('InvalidTag'));
    const eleven = numbered(11).map(({ key, value }) => `${key}=${value}`);
    expect(() => parseTaggingHeader(eleven.join('&'))).toThrow(failure('InvalidTag'));
  });
});
