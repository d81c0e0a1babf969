/** The headers of RenameObject, and what can be restored. */
import { expect, it } from 'vitest';
import { checkRename } from '../../../src/s3/conditions.js';
import { parseRenameSource } from '../../../src/s3/ops/rename-object.js';
import { requireArchived } from '../../../src/s3/ops/restore-object.js';
import { parseRestoreRequest } from '../../../src/s3/xml/restore-request.js';
import { version } from '../store/cassandra/heads.js';

const refused = (code: string) => expect.objectContaining({ code }) as Error;

it.each([
  ['k', 'k'],
  ['a%2Fb%20c%C3%A9', 'a/b cé'],
  ['/b/a/k', 'a/k'],
  ['b/k', 'b/k'],
  ['/other/k', '/other/k'],
  ['a%2541', 'a%41'],
])('the source %j is the key %j', (header, key) => {
  expect(parseRenameSource(header, 'b')).toBe(key);
});

it('refuses sources that name no key', () => {
  for (const header of [undefined, '']) expect(() => parseRenameSource(header, 'b')).toThrow(refused('InvalidRequest'));
  for (const header of ['%', '%ff', '/b/'])
    expect(() => parseRenameSource(header, 'b')).toThrow(refused('InvalidArgument'));
  expect(() => parseRenameSource('x'.repeat(1025), 'b')).toThrow(refused('KeyTooLongError'));
});

it('a destination that a condition is about has to be there', () => {
  const source = version({ etag: 'source', lastModified: 0 });
  const there = version({ etag: 'there', lastModified: 0 });
  const marker = version({ deleteMarker: true, etag: '' });
  const now = new Date(86_400_000).toUTCString();
  for (const headers of [{ 'if-match': '"there"' }, { 'if-modified-since': now }])
    for (const nothing of [null, marker])
      expect(() => checkRename(headers, source, nothing)).toThrow(refused('PreconditionFailed'));
  expect(() => checkRename({ 'if-none-match': '*', 'if-unmodified-since': now }, source, marker)).not.toThrow();
  expect(() => checkRename({ 'if-none-match': '*' }, source, there)).toThrow(refused('PreconditionFailed'));
  expect(() => checkRename({ 'if-match': '"there"' }, source, there)).not.toThrow();
  // The plain headers say nothing about the source, nor the others about the destination.
  expect(() => checkRename({ 'if-match': '"source"' }, source, there)).toThrow(refused('PreconditionFailed'));
  expect(() => checkRename({ 'x-amz-rename-source-if-match': '"source"' }, source, there)).not.toThrow();
  expect(() => checkRename({ 'x-amz-rename-source-if-none-match': '*' }, source, null)).toThrow(
    refused('PreconditionFailed'),
  );
});

it('restores what AWS archives', () => {
  for (const storageClass of ['GLACIER', 'DEEP_ARCHIVE']) expect(() => requireArchived({ storageClass })).not.toThrow();
  for (const storageClass of ['STANDARD', 'GLACIER_IR'])
    expect(() => requireArchived({ storageClass })).toThrow(refused('InvalidObjectState'));
  expect(parseRestoreRequest('<RestoreRequest><Days>3</Days></RestoreRequest>')).toEqual({ type: null, days: 3 });
  expect(parseRestoreRequest('<RestoreRequest><Type>SELECT</Type></RestoreRequest>')).toEqual({
    type: 'SELECT',
    days: null,
  });
  for (const body of [
    '<RestoreRequest><Days>0</Days></RestoreRequest>',
    '<Other/>',
    '<RestoreRequest><Type>X</Type></RestoreRequest>',
  ])
    expect(() => parseRestoreRequest(body)).toThrow(refused('MalformedXML'));
});
