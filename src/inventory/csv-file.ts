/**
 * A data file in CSV, compressed with gzip. All values are quoted and keys are URL-encoded, as in AWS's reports; there is no header:
 * the manifest has the schema. https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
 */
import { pipeline } from 'node:stream';
import { createGzip } from 'node:zlib';
import { encodeListed } from '../s3/xml/url-encoding.js';
import type { Cell, Column, Row } from './columns.js';
import type { FileWriter } from './data-file.js';

export const csvFile: FileWriter = async function* (feed, columns, limits) {
  let sizeBytes = 0;
  const lines = async function* (): AsyncGenerator<string> {
    for (let rows = 0; rows < limits.maxRows && sizeBytes < limits.maxBytes;) {
      const taken = await feed.take(limits.maxRows - rows);
      if (taken.length === 0) return;
      rows += taken.length;
      yield csvLines(columns, taken);
    }
  };
  const gzip = createGzip();
  // An error of either side ends the other and comes out of the loop below.
  pipeline(lines, gzip, () => undefined);
  for await (const piece of gzip as AsyncIterable<Buffer>) {
    sizeBytes += piece.length;
    yield piece;
  }
};

export function csvLines(columns: readonly Column[], rows: readonly Row[]): string {
  return rows.map((row) => `${row.map((cell, index) => quoted(text(columns[index], cell))).join(',')}\n`).join('');
}

function text(column: Column | undefined, cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'number') return column?.type === 'time' ? new Date(cell).toISOString() : String(cell);
  if (typeof cell === 'boolean') return String(cell);
  return column?.name === 'Key' ? encodeListed(cell, 'url') : cell;
}

function quoted(value: string): string {
  return `"${value.replaceAll('"', '""')}"`;
}

/** The schema in the manifest. */
export function csvSchema(columns: readonly Column[]): string {
  return columns.map(({ name }) => name).join(', ');
}
