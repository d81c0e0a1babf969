/**
 * A data file in Apache Parquet. Row groups are bounded by rows and bytes, because a whole one is in memory while it is encoded;
 * what is encoded leaves at once. https://docs.aws.amazon.com/AmazonS3/latest/userguide/storage-inventory-location.html
 */
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { Cell, Column, Row } from './columns.js';
import type { FileWriter } from './data-file.js';
import type { RowFeed } from './row-feed.js';

/** Encoding a row group holds up everything else in the process: with all fields these take some 30 ms. */
const GROUP_ROWS = 2500;
const GROUP_BYTES = 4 * 1024 * 1024;

export const parquetFile: FileWriter = async function* (feed, columns, limits) {
  const writer = new ByteWriter();
  const parquet = new ParquetWriter({ writer, schema: schemaOf(columns), createdBy: 'pithos' });
  for (let rows = 0; rows < limits.maxRows && writer.offset < limits.maxBytes;) {
    const group = await takeGroup(feed, Math.min(GROUP_ROWS, limits.maxRows - rows));
    if (group.length === 0) break;
    rows += group.length;
    await parquet.write({
      columnData: columns.map((column, index) => ({
        name: column.parquetName,
        data: group.map((row) => valueOf(column, row[index] ?? null)),
      })),
      rowGroupSize: group.length,
    });
    yield drain(writer);
  }
  await parquet.finish();
  yield drain(writer);
};

async function takeGroup(feed: RowFeed, maxRows: number): Promise<Row[]> {
  const group: Row[] = [];
  let sizeBytes = 0;
  while (group.length < maxRows && sizeBytes < GROUP_BYTES) {
    const taken = await feed.take(Math.min(100, maxRows - group.length));
    if (taken.length === 0) break;
    group.push(...taken);
    for (const row of taken) for (const cell of row) sizeBytes += typeof cell === 'string' ? cell.length : 8;
  }
  return group;
}

/** A copy of what the writer holds; offset, the place in the file, stays. */
function drain(writer: ByteWriter): Buffer {
  const bytes = Buffer.from(writer.getBytes());
  writer.index = 0;
  return bytes;
}

function valueOf({ type }: Column, cell: Cell): unknown {
  if (cell === null || typeof cell !== 'number') return cell;
  return type === 'time' ? new Date(cell) : BigInt(cell);
}

function schemaOf(columns: readonly Column[]): SchemaElement[] {
  return [
    { name: 's3.inventory', num_children: columns.length },
    ...columns.map((column) => ({
      name: column.parquetName,
      repetition_type: repetitionOf(column),
      ...PARQUET_TYPES[column.type],
    })),
  ];
}

function repetitionOf({ required }: Column): 'REQUIRED' | 'OPTIONAL' {
  return required ? 'REQUIRED' : 'OPTIONAL';
}

const PARQUET_TYPES = {
  string: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  boolean: { type: 'BOOLEAN' },
  int64: { type: 'INT64' },
  time: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
} as const satisfies Record<Column['type'], Partial<SchemaElement>>;

const SCHEMA_TYPES: Readonly<Record<Column['type'], (name: string) => string>> = {
  string: (name) => `binary ${name} (UTF8)`,
  boolean: (name) => `boolean ${name}`,
  int64: (name) => `int64 ${name}`,
  time: (name) => `int64 ${name} (TIMESTAMP_MILLIS)`,
};

/** The schema in the manifest: Parquet's own notation. */
export function parquetSchema(columns: readonly Column[]): string {
  const fields = columns.map(
    (column) => `${repetitionOf(column).toLowerCase()} ${SCHEMA_TYPES[column.type](column.parquetName)};`,
  );
  return `message s3.inventory { ${fields.join(' ')} }`;
}
