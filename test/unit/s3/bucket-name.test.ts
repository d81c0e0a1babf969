import { describe, expect, it } from 'vitest';
import { checkBucketName, checkObjectKey, isValidBucketName } from '../../../src/s3/bucket-name.js';

describe('bucket names', () => {
  it.each([
    'abc',
    'a.b',
    '1-2',
    '0bucket',
    'my.bucket-name.2024',
    'a'.repeat(63),
    '192.168.5',
    '1.2.3.4.5',
    'xn-a',
    'a--b',
  ])('%s is valid', (name) => {
    expect(isValidBucketName(name)).toBe(true);
    expect(() => checkBucketName(name)).not.toThrow();
  });

  it.each([
    '',
    'ab',
    'a'.repeat(64),
    'Abc',
    'foo_bar',
    '_foo',
    '-foo',
    'foo-',
    '.foo',
    'foo.',
    'foo..bar',
    'foo.-bar',
    'foo-.bar',
    'foo bar',
    'foo/bar',
    'föö',
    'foo\n',
    '192.168.5.123',
    'xn--abc',
    'sthree-abc',
    'amzn-s3-demo-bucket',
    'abc-s3alias',
    'abc--ol-s3',
    'abc--x-s3',
    'abc.mrap',
  ])('%j is refused', (name) => {
    expect(isValidBucketName(name)).toBe(false);
    expect(() => checkBucketName(name)).toThrow(
      expect.objectContaining({ code: 'InvalidBucketName', status: 400, detail: { BucketName: name } }) as Error,
    );
  });
});

describe('keys', () => {
  it('count in UTF-8 bytes', () => {
    expect(() => checkObjectKey('k'.repeat(1024))).not.toThrow();
    expect(() => checkObjectKey('é'.repeat(512))).not.toThrow();
    expect(() => checkObjectKey('\u{1F600}'.repeat(256))).not.toThrow();
    for (const key of ['k'.repeat(1025), 'é'.repeat(513), '€'.repeat(342)])
      expect(() => checkObjectKey(key)).toThrow(expect.objectContaining({ code: 'KeyTooLongError' }) as Error);
    expect(() => checkObjectKey('k'.repeat(1030))).toThrow(
      expect.objectContaining({ detail: { Size: '1030', MaxSizeAllowed: '1024' } }) as Error,
    );
  });

  it('must not be empty', () => {
    expect(() => checkObjectKey('')).toThrow(expect.objectContaining({ code: 'InvalidArgument' }) as Error);
    expect(() => checkObjectKey('/')).not.toThrow();
  });
});
