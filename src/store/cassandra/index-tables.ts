/** The three index tables as what they have in common: rows in order of key within (bucket, range), each with the time it was written. */
import { types } from 'cassandra-driver';
import { pagesDivided } from './divided-read.js';
import type { Stretch } from './divided-read.js';
import type { Session, Statement } from './cluster.js';
import { numberOf, required, textOf } from './rows.js';
import type { Row } from './rows.js';

export interface IndexTable {
  readonly name: 'object_index' | 'version_index' | 'upload_index';
  /** what orders the rows of one key; null: there is one */
  readonly sub: 'seq' | 'upload_id' | null;
  /** regular columns, all written at once; the last one is never null */
  readonly cells: readonly string[];
}

export const INDEX_TABLES: readonly IndexTable[] = [
  { name: 'object_index', sub: null, cells: ['entry'] },
  { name: 'version_index', sub: 'seq', cells: ['entry'] },
  { name: 'upload_index', sub: 'upload_id', cells: ['state', 'record'] },
];

export interface IndexRow {
  readonly key: string;
  /** clustering values: key, and what orders the rows of the key */
  readonly at: readonly unknown[];
  readonly cells: readonly unknown[];
  /** the timestamp it was written with, microseconds */
  readonly written: number;
  /** about */
  readonly sizeBytes: number;
}

/** What a row costs beside its values, about. */
const ROW_BYTES = 40;

export interface RangeOf {
  /** instance */
  readonly bucket: string;
  readonly range: number;
}

const uuid = (text: string) => types.Uuid.fromString(text);

/** All rows of a stretch, page by page. */
export function walkIndex(
  session: Session,
  table: IndexTable,
  { bucket, range }: RangeOf,
  stretch: Stretch,
  pageRows: number,
): AsyncGenerator<IndexRow[]> {
  const at = ['key', ...(table.sub === null ? [] : [table.sub])];
  const stamp = table.cells.at(-1) ?? '';
  const columns = [...at, ...table.cells, `WRITETIME(${stamp}) AS written`].join(', ');
  const pages = async function* (part: Stretch): AsyncGenerator<IndexRow[]> {
    const query =
      `SELECT ${columns} FROM ${session.keyspace}.${table.name} WHERE bucket = ? AND range = ? ` +
      `AND key ${part.inclusive ? '>=' : '>'} ?${part.end === null ? '' : ' AND key < ?'}`;
    const params = [uuid(bucket), range, part.from, ...(part.end === null ? [] : [part.end])];
    for await (const page of session.pages(query, params, pageRows))
      yield page.map((row) => toIndexRow(row, table, at));
  };
  return pagesDivided(stretch, pages, ({ key }) => key);
}

function toIndexRow(row: Row, table: IndexTable, at: readonly string[]): IndexRow {
  const cells = table.cells.map((name): unknown => required(textOf(row, name), name));
  const key = required(textOf(row, 'key'), 'key');
  const bytes = cells.reduce<number>((sum, cell) => sum + (typeof cell === 'string' ? cell.length : 0), 0);
  return {
    key,
    at: at.map((name) => row.get(name) as unknown),
    cells,
    written: required(numberOf(row, 'written'), 'written'),
    sizeBytes: key.length + bytes + ROW_BYTES,
  };
}

/** The row as it is, in another range. */
export function copyStatement(session: Session, table: IndexTable, to: RangeOf, row: IndexRow): Statement {
  const columns = ['bucket', 'range', 'key', ...(table.sub === null ? [] : [table.sub]), ...table.cells];
  const query =
    `INSERT INTO ${session.keyspace}.${table.name} (${columns.join(', ')}) ` +
    `VALUES (${columns.map(() => '?').join(', ')}) USING TIMESTAMP ?`;
  return { query, params: [uuid(to.bucket), to.range, ...row.at, ...row.cells, row.written] };
}

/** Removes the row as it was read, and nothing that was written later. */
export function removeStatement(session: Session, table: IndexTable, from: RangeOf, row: IndexRow): Statement {
  const sub = table.sub === null ? '' : ` AND ${table.sub} = ?`;
  const query =
    `DELETE FROM ${session.keyspace}.${table.name} USING TIMESTAMP ? ` +
    `WHERE bucket = ? AND range = ? AND key = ?${sub}`;
  return { query, params: [row.written, uuid(from.bucket), from.range, ...row.at] };
}

/** Tells the rows of a range apart. */
export function rowName(row: Pick<IndexRow, 'at'>): string {
  return row.at.map((value) => String(value)).join('\u0000');
}

/** Removes a range as a whole, also what is still under way to it: its id is never used again. */
export async function dropRange(session: Session, { bucket, range }: RangeOf, nowMs: number): Promise<void> {
  const timestamp = Math.floor((nowMs + 86_400_000) * 1000);
  await Promise.all(
    INDEX_TABLES.map(({ name }) =>
      session.write(`DELETE FROM ${session.keyspace}.${name} USING TIMESTAMP ? WHERE bucket = ? AND range = ?`, [
        timestamp,
        uuid(bucket),
        range,
      ]),
    ),
  );
}
