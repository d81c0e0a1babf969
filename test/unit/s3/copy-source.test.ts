import { describe, expect, it } from 'vitest';
import { parseCopySource } from '../../../src/s3/copy-source.js';
import { S3Error } from '../../../src/s3/errors.js';
import { makeVersionId } from '../../../src/store/versions.js';

describe('parseCopySource', () => {
  it('takes bucket and key, with or without a leading slash', () => {
    const expected = { bucket: 'b', key: 'a/key', select: 'latest' };
    expect(parseCopySource('b/a/key')).toEqual(expected);
    expect(parseCopySource('/b/a/key')).toEqual(expected);
    expect(parseCopySource('b%2Fa%2Fkey')).toEqual(expected);
    expect(parseCopySource('b//key')).toEqual({ bucket: 'b', key: '/key', select: 'latest' });
  });

  it('decodes once, as UTF-8, and takes + for a space', () => {
    expect(parseCopySource('b/%C3%BC%20%25').key).toBe('ü %');
    expect(parseCopySource('b/anyfilename%2525.txt').key).toBe('anyfilename%25.txt');
    expect(parseCopySource('b/1+1%2B1').key).toBe('1 1+1');
  });

  it('tells a version id from a question mark in the key', () => {
    const versionId = makeVersionId(1);
    expect(parseCopySource(`b/k?versionId=${versionId}`)).toEqual({ bucket: 'b', key: 'k', select: { versionId } });
    expect(parseCopySource('b/k?versionId=null').select).toEqual({ versionId: 'null' });
    expect(parseCopySource('b/%3FversionId%3Dabc')).toEqual({ bucket: 'b', key: '?versionId=abc', select: 'latest' });
    expect(parseCopySource(`b/%3FversionId?versionId=${versionId}`)).toEqual({
      bucket: 'b',
      key: '?versionId',
      select: { versionId },
    });
    expect(parseCopySource('b/?versionId').key).toBe('?versionId');
  });

  it('refuses what names no object', () => {
    const refused = [
      '',
      '/',
      'b',
      '/b',
      'b/',
      '/b/',
      '//k',
      'b/%zz',
      'b/%ff',
      'b/k?versionId=',
      'b/k?versionId=abc',
      'arn:aws:s3:us-east-1:123456789012:accesspoint/ap/object/k',
      'arn%3Aaws%3As3%3Aus-east-1%3A123456789012%3Aaccesspoint%2Fap%2Fobject%2Fk',
    ];
    for (const header of refused) {
      const error: unknown = (() => {
        try {
          return parseCopySource(header);
        } catch (thrown) {
          return thrown;
        }
      })();
      expect(error, header).toBeInstanceOf(S3Error);
      expect((error as S3Error).code, header).toBe('InvalidArgument');
    }
  });

  it('refuses keys that no object can have', () => {
    expect(parseCopySource(`b/${'k'.repeat(1024)}`).key).toHaveLength(1024);
    expect(() => parseCopySource(`b/${'k'.repeat(1025)}`)).toThrow(
      expect.objectContaining({ code: 'KeyTooLongError' }) as Error,
    );
  });
});
