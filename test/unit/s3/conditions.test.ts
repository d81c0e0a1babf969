import { describe, expect, it } from 'vitest';
import { checkCopySource, checkDelete, checkRead, checkWrite, deleteConditionsOf } from '../../../src/s3/conditions.js';
import { parseCopyRange, parseRange } from '../../../src/s3/range.js';
import { deleteMarker } from '../../../src/s3/versioning.js';
import type { ObjectVersion } from '../../../src/store/types.js';

const NOON = Date.UTC(2026, 0, 1, 12, 0, 0);
const marker: ObjectVersion = {
  ...deleteMarker({ owner: { id: 'o', displayName: 'o' }, nowMs: NOON }),
  versionId: 'm',
  seq: 2,
};
const version: ObjectVersion = {
  ...marker,
  deleteMarker: false,
  etag: 'abc',
  sizeBytes: 10,
  lastModified: NOON + 250,
  versionId: 'v',
  seq: 1,
};
const http = (ms: number): string => new Date(ms).toUTCString();

function codeOf(run: () => void): string {
  try {
    run();
    return 'pass';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

describe('reads', () => {
  it.each([
    [{ 'if-match': '"abc"' }, 'pass'],
    [{ 'if-match': 'abc' }, 'pass'],
    [{ 'if-match': '"x", "abc"' }, 'pass'],
    [{ 'if-match': '*' }, 'pass'],
    [{ 'if-match': '"x"' }, 'PreconditionFailed'],
    [{ 'if-none-match': '"abc"' }, 'NotModified'],
    [{ 'if-none-match': 'W/"abc"' }, 'NotModified'],
    [{ 'if-none-match': '"x"' }, 'pass'],
    [{ 'if-modified-since': http(NOON - 1000) }, 'pass'],
    [{ 'if-modified-since': http(NOON) }, 'NotModified'],
    [{ 'if-unmodified-since': http(NOON) }, 'pass'],
    [{ 'if-unmodified-since': http(NOON - 1000) }, 'PreconditionFailed'],
    [{ 'if-match': '"abc"', 'if-unmodified-since': http(NOON - 1000) }, 'pass'],
    [{ 'if-none-match': '"x"', 'if-modified-since': http(NOON) }, 'pass'],
    [{ 'if-modified-since': 'not a date' }, 'pass'],
  ])('%j', (headers, outcome) => {
    expect(codeOf(() => checkRead(headers as Record<string, string>, version))).toBe(outcome);
  });

  it('a copy source that is not modified fails', () => {
    expect(codeOf(() => checkCopySource({ 'x-amz-copy-source-if-none-match': '"abc"' }, version))).toBe(
      'PreconditionFailed',
    );
    expect(codeOf(() => checkCopySource({ 'x-amz-copy-source-if-match': '"abc"' }, version))).toBe('pass');
  });
});

describe('writes', () => {
  it.each([
    [{ 'if-none-match': '*' }, null, 'pass'],
    [{ 'if-none-match': '*' }, version, 'PreconditionFailed'],
    [{ 'if-none-match': '*' }, marker, 'pass'],
    [{ 'if-match': '"abc"' }, version, 'pass'],
    [{ 'if-match': '"x"' }, version, 'PreconditionFailed'],
    [{ 'if-match': '"abc"' }, null, 'NoSuchKey'],
    [{ 'if-match': '*' }, marker, 'NoSuchKey'],
  ])('%j on %o', (headers, latest, outcome) => {
    expect(codeOf(() => checkWrite(headers as Record<string, string>, latest))).toBe(outcome);
  });
});

describe('deletes', () => {
  it.each([
    [{ 'if-match': '"abc"' }, version, 'pass'],
    [{ 'if-match': '"x"' }, version, 'PreconditionFailed'],
    [{ 'if-match': '*' }, null, 'NoSuchKey'],
    [{ 'x-amz-if-match-size': '10' }, version, 'pass'],
    [{ 'x-amz-if-match-size': '10' }, null, 'pass'],
    [{ 'x-amz-if-match-size': '10', 'if-match': '*' }, null, 'NoSuchKey'],
    [{ 'x-amz-if-match-size': '11' }, version, 'PreconditionFailed'],
    [{ 'x-amz-if-match-last-modified-time': http(NOON) }, version, 'pass'],
    [{ 'x-amz-if-match-last-modified-time': http(NOON + 5000) }, version, 'PreconditionFailed'],
    [{}, null, 'pass'],
  ])('%j on %o', (headers, target, outcome) => {
    expect(codeOf(() => checkDelete(deleteConditionsOf(headers as Record<string, string>), target))).toBe(outcome);
  });
});

describe('ranges', () => {
  it.each([
    [undefined, 10, null],
    ['bytes=0-3', 10, { start: 0, end: 3 }],
    ['bytes=4-', 10, { start: 4, end: 9 }],
    ['bytes=-3', 10, { start: 7, end: 9 }],
    ['bytes=-30', 10, { start: 0, end: 9 }],
    ['bytes=2-99', 10, { start: 2, end: 9 }],
    ['bytes=5-2', 10, null],
    ['bytes=0-1,3-4', 10, null],
    ['lines=0-1', 10, null],
    ['bytes=-', 10, null],
  ])('%s of %i', (header, size, range) => {
    expect(parseRange(header, size)).toEqual(range);
  });

  it('416 outside the object', () => {
    for (const [header, size] of [
      ['bytes=10-', 10],
      ['bytes=-0', 10],
      ['bytes=0-', 0],
      ['bytes=-5', 0],
    ] as const)
      expect(codeOf(() => parseRange(header, size))).toBe('InvalidRange');
  });

  it('a copy range has both ends inside the source', () => {
    expect(parseCopyRange('bytes=0-9', 10)).toEqual({ start: 0, end: 9 });
    expect(codeOf(() => parseCopyRange('bytes=0-10', 10))).toBe('InvalidRange');
    expect(codeOf(() => parseCopyRange('bytes=5-', 10))).toBe('InvalidArgument');
    expect(codeOf(() => parseCopyRange('0-2', 10))).toBe('InvalidArgument');
  });
});
