/**
 * Records of Parquet. Columns that a query does not name are not read. Flat columns are read page by page; lists, maps and
 * structs a row group at a time, which has to be small.
 */
import type { ColumnMetaData, FileMetaData, RowGroup } from 'hyparquet';
import { parquetRead } from 'hyparquet';
import type { MemoryBudget } from '../data/budget.js';
import { fault } from './fault.js';
import type { ParquetFile } from './parquet-file.js';
import { damaged, parquetFault } from './parquet-file.js';
import {
  ALL_PARSERS,
  COMPRESSORS,
  PageMemory,
  VALUE_BYTES,
  chunkRange,
  flatPages,
  pageCost,
  rawPages,
} from './parquet-pages.js';
import type { ParquetColumn } from './parquet-types.js';
import { itemOf, parquetColumns } from './parquet-types.js';
import type { ByteRange } from './scan-range.js';
import type { Item, Value } from './value.js';

/** A query takes no more than this for pages, and not more than it needs. */
const MAX_MEMORY_BYTES = 64 * 1024 * 1024;
const LEAST_MEMORY_BYTES = 1024 * 1024;
/** Rows handed on at once where no column is read. */
const BATCH_ROWS = 4096;

export interface ParquetScan {
  readonly file: ParquetFile;
  readonly metadata: FileMetaData;
  /** Positions of the columns that are read, ascending; null: all. */
  readonly columns: readonly number[] | null;
  /** Row groups that begin in it are read; null: all. */
  readonly range: ByteRange | null;
  readonly budget: MemoryBudget;
  readonly signal: AbortSignal;
}

type Batch = Generator<readonly Value[], void, void>;

/** @throws S3Error ParquetParsingError, OverMaxParquetBlockSize, UnsupportedParquetType, ParquetUnsupportedCompressionCodec */
export async function* parquetBatches(scan: ParquetScan): AsyncGenerator<Batch, void, void> {
  const { metadata, budget, signal } = scan;
  const all = parquetColumns(metadata);
  const wanted = (scan.columns ?? all.map((_, index) => index)).flatMap((index) => {
    const column = all[index];
    return column === undefined ? [] : [{ column, index }];
  });
  const groups = groupsIn(metadata, scan.range);
  const memoryBytes = memoryOf(
    groups,
    wanted.map(({ column }) => column),
  );
  const release = await budget.acquire(memoryBytes, signal);
  try {
    for (const group of groups) yield* groupBatches(scan, group, wanted, memoryBytes);
  } finally {
    release();
  }
}

interface Group {
  readonly rowGroup: RowGroup;
  readonly rows: number;
  /** Of its first row in the file. */
  readonly firstRow: number;
}

interface Wanted {
  readonly column: ParquetColumn;
  readonly index: number;
}

function groupsIn({ row_groups: rowGroups }: FileMetaData, range: ByteRange | null): Group[] {
  let firstRow = 0;
  const groups: Group[] = [];
  for (const rowGroup of rowGroups) {
    const rows = Number(rowGroup.num_rows);
    if (!Number.isSafeInteger(rows) || rows < 0) throw damaged('a row group has a wrong number of rows');
    const [first] = rowGroup.columns;
    const start = first?.meta_data === undefined ? 0 : chunkRange(first.meta_data).start;
    if (range === null || (start >= range.start && start <= range.end)) groups.push({ rowGroup, rows, firstRow });
    firstRow += rows;
  }
  return groups;
}

function memoryOf(groups: readonly Group[], columns: readonly ParquetColumn[]): number {
  let most = 0;
  for (const { rowGroup, rows } of groups) {
    let bytes = rows * columns.length * VALUE_BYTES;
    for (const column of columns)
      for (const { total_uncompressed_size: size } of chunksOf(rowGroup, column)) bytes += 3 * Number(size);
    most = Math.max(most, bytes);
  }
  return Math.min(MAX_MEMORY_BYTES, LEAST_MEMORY_BYTES + most);
}

/** Of a column, or of all that is below it. */
function chunksOf({ columns }: RowGroup, { name }: ParquetColumn): ColumnMetaData[] {
  return columns.flatMap(({ meta_data: chunk, file_path: path }) => {
    if (path !== undefined) throw fault('UnsupportedParquetType', null, 'columns in other files');
    return chunk?.path_in_schema[0] === name ? [chunk] : [];
  });
}

async function* groupBatches(
  { file, metadata }: ParquetScan,
  { rowGroup, rows, firstRow }: Group,
  wanted: readonly Wanted[],
  memoryBytes: number,
): AsyncGenerator<Batch, void, void> {
  const memory = new PageMemory(memoryBytes);
  const readers = wanted.map(({ column, index }) => {
    const chunks = chunksOf(rowGroup, column);
    const [chunk] = chunks;
    if (chunk === undefined) throw damaged(`a row group has no column ${column.name}`);
    const pages = column.flat
      ? flatPages({ file, column, metadata: chunk, rows, memory })
      : nestedPages({ file, metadata, chunks, memory, name: column.name, rowStart: firstRow, rowEnd: firstRow + rows });
    return { index, pages, page: [] as Item[], offset: 0 };
  });
  const width = (readers.at(-1)?.index ?? -1) + 1;
  try {
    for (let done = 0; done < rows;) {
      let count = Math.min(rows - done, BATCH_ROWS);
      for (const reader of readers) {
        if (reader.offset >= reader.page.length) {
          const next = await reader.pages.next();
          if (next.done === true) throw damaged('a column has fewer values than rows');
          reader.page = next.value;
          reader.offset = 0;
        }
        count = Math.min(count, reader.page.length - reader.offset);
      }
      yield rowsOf(readers, count, width);
      for (const reader of readers) reader.offset += count;
      done += count;
    }
  } finally {
    for (const { pages } of readers) await pages.return();
  }
}

function* rowsOf(
  columns: readonly { readonly index: number; readonly page: readonly Item[]; readonly offset: number }[],
  count: number,
  width: number,
): Batch {
  const starts = columns.map(({ index, page, offset }) => ({ index, page, offset }));
  for (let row = 0; row < count; row += 1) {
    const values = new Array<Value>(width);
    for (const { index, page, offset } of starts) values[index] = page[offset + row];
    yield values;
  }
}

interface Nested {
  readonly file: ParquetFile;
  readonly metadata: FileMetaData;
  readonly chunks: readonly ColumnMetaData[];
  readonly memory: PageMemory;
  readonly name: string;
  readonly rowStart: number;
  /** exclusive */
  readonly rowEnd: number;
}

/** All values of a row group at once, after its pages have been found to be as small as they say. */
async function* nestedPages({
  file,
  metadata,
  chunks,
  memory,
  name,
  ...rows
}: Nested): AsyncGenerator<Item[], void, void> {
  let cost = 0;
  for (const chunk of chunks) {
    const check = (header: Parameters<typeof pageCost>[0]): void => {
      cost += pageCost(header);
      memory.hold(`column ${name}`, cost);
    };
    for await (const _ of rawPages(file, chunkRange(chunk), check));
  }
  let values: Item[] = [];
  try {
    await parquetRead({
      file,
      metadata,
      ...rows,
      columns: [name],
      compressors: COMPRESSORS,
      parsers: ALL_PARSERS,
      rowFormat: 'array',
      onComplete: (found) => (values = found.map((row) => itemOf(row[0]))),
    });
  } catch (error) {
    throw parquetFault(error);
  }
  if (values.length !== rows.rowEnd - rows.rowStart) throw damaged(`column ${name} has a wrong number of values`);
  yield values;
}
