/** Data files are what readers of either format make of them: zlib and hyparquet read them here. */
import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import type { Row } from '../../../src/inventory/columns.js';
import { columnsOf } from '../../../src/inventory/columns.js';
import { csvFile, csvLines, csvSchema } from '../../../src/inventory/csv-file.js';
import { parquetFile, parquetSchema } from '../../../src/inventory/parquet-file.js';
import { configuration, feedOf, filesOf } from './support.js';

const columns = columnsOf(
  configuration({ allVersions: true, fields: ['Size', 'LastModifiedDate', 'ETag', 'IsMultipartUploaded'] }),
);
const TIME_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

function rowOf(key: string, overrides: { readonly version?: string; readonly size?: number | null } = {}): Row {
  const { version = 'v1', size = 5 } = overrides;
  return ['source', key, version, true, false, size, TIME_MS, 'e"tag', size === null ? null : false];
}

function arrayBuffer(bytes: Buffer): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

describe('CSV', () => {
  it('quotes every value, encodes keys, and leaves what is unknown empty', () => {
    const lines = csvLines(columns, [rowOf('a b+"c"/ü,\n'), rowOf('marker', { version: '', size: null })]);
    expect(lines).toBe(
      '"source","a%20b%2B%22c%22/%C3%BC%2C%0A","v1","true","false","5","2026-01-02T03:04:05.000Z","e""tag","false"\n' +
        '"source","marker","","true","false","","2026-01-02T03:04:05.000Z","e""tag",""\n',
    );
  });

  it('has its schema in the order of the columns', () => {
    expect(csvSchema(columns)).toBe(
      'Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, ETag, IsMultipartUploaded',
    );
  });

  it('ends a file at so many rows, in the midst of a page', async () => {
    const rows = Array.from({ length: 2500 }, (_, index) => rowOf(`key-${index}`));
    const files = await filesOf(csvFile, columns, rows, { maxRows: 1200 });
    const texts = files.map((file) => gunzipSync(file).toString());
    expect(texts.map((text) => text.split('\n').length - 1)).toEqual([1200, 1200, 100]);
    expect(texts.join('')).toBe(csvLines(columns, rows));
  });

  it('ends a file at so many bytes', async () => {
    const rows = Array.from({ length: 20_000 }, () => rowOf(randomBytes(100).toString('hex')));
    const files = await filesOf(csvFile, columns, rows, { maxBytes: 200_000 });
    expect(files.length).toBeGreaterThan(5);
    expect(Math.max(...files.map(({ length }) => length))).toBeLessThan(2_000_000);
    expect(files.map((file) => gunzipSync(file).toString()).join('')).toBe(csvLines(columns, rows));
  });

  it('fails as the listing fails', async () => {
    const feed = feedOf([rowOf('a')]);
    feed.take = () => Promise.reject(new Error('the listing broke off'));
    await expect(drained(csvFile(feed, columns, { maxRows: 10, maxBytes: 10 }))).rejects.toThrow('broke off');
  });
});

async function drained(pieces: AsyncIterable<Buffer>): Promise<void> {
  for await (const piece of pieces) expect(piece.length).toBeGreaterThan(0);
}

describe('Parquet', () => {
  it('has the types that the schema in the manifest tells', async () => {
    const [file = Buffer.alloc(0)] = await filesOf(parquetFile, columns, [rowOf('a')]);
    const { schema } = parquetMetadata(arrayBuffer(file));
    expect(
      schema
        .slice(1)
        .map(({ name, type, converted_type, repetition_type }) => [name, type, converted_type, repetition_type]),
    ).toEqual([
      ['bucket', 'BYTE_ARRAY', 'UTF8', 'REQUIRED'],
      ['key', 'BYTE_ARRAY', 'UTF8', 'REQUIRED'],
      ['version_id', 'BYTE_ARRAY', 'UTF8', 'OPTIONAL'],
      ['is_latest', 'BOOLEAN', undefined, 'OPTIONAL'],
      ['is_delete_marker', 'BOOLEAN', undefined, 'OPTIONAL'],
      ['size', 'INT64', undefined, 'OPTIONAL'],
      ['last_modified_date', 'INT64', 'TIMESTAMP_MILLIS', 'OPTIONAL'],
      ['e_tag', 'BYTE_ARRAY', 'UTF8', 'OPTIONAL'],
      ['is_multipart_uploaded', 'BOOLEAN', undefined, 'OPTIONAL'],
    ]);
    expect(parquetSchema(columns)).toBe(
      'message s3.inventory { required binary bucket (UTF8); required binary key (UTF8); optional binary version_id (UTF8); ' +
        'optional boolean is_latest; optional boolean is_delete_marker; optional int64 size; ' +
        'optional int64 last_modified_date (TIMESTAMP_MILLIS); optional binary e_tag (UTF8); optional boolean is_multipart_uploaded; }',
    );
  });

  it('keeps every value over row groups and files, keys as they are', async () => {
    const rows = Array.from({ length: 12_345 }, (_, index) =>
      rowOf(`ü ${index}/"\n😀`, {
        version: index % 3 === 0 ? '' : `v${index}`,
        size: index % 5 === 0 ? null : index * 1e9,
      }),
    );
    const files = await filesOf(parquetFile, columns, rows, { maxRows: 11_000 });
    expect(files.map((file) => parquetMetadata(arrayBuffer(file)).row_groups.length)).toEqual([5, 1]);
    const found: Record<string, unknown>[] = [];
    for (const file of files) found.push(...(await parquetReadObjects({ file: arrayBuffer(file) })));
    expect(found).toHaveLength(rows.length);
    found.forEach((row, index) => {
      const [bucket, key, version, latest, marker, size, , etag, multipart] = rows[index] ?? [];
      expect(row).toEqual({
        bucket,
        key,
        version_id: version,
        is_latest: latest,
        is_delete_marker: marker,
        size: typeof size === 'number' ? BigInt(size) : null,
        last_modified_date: new Date(TIME_MS),
        e_tag: etag,
        is_multipart_uploaded: multipart,
      });
    });
  });

  it('ends a row group, and a file, at so many bytes', async () => {
    const rows = Array.from({ length: 3000 }, () => rowOf(randomBytes(1500).toString('hex')));
    const files = await filesOf(parquetFile, columns, rows, { maxBytes: 1_000_000 });
    const groups = files.flatMap((file) =>
      parquetMetadata(arrayBuffer(file)).row_groups.map(({ num_rows }) => Number(num_rows)),
    );
    expect(files).toHaveLength(3);
    expect(Math.max(...groups)).toBeLessThan(2500);
    expect(groups.reduce((sum, count) => sum + count, 0)).toBe(rows.length);
  });
});
