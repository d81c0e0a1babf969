/**
 * Records of Parquet. Columns that a query does not name are not read. Flat columns are read page by page; lists, maps and
 * structs a row group at a time, which has to be small.
 */
import type { ColumnMetaData, FileMetaData, RowGroup } from 'hyparquet';
import type { MemoryBudget } from '../data/budget.js';
import { fault } from './fault.js';
import { flatValues, nestedValues } from './parquet-columns.js';
import type { ParquetFile } from './parquet-file.js';
import { damaged, guarded } from './parquet-file.js';
import { PageMemory, VALUE_BYTES, chunkRange } from './parquet-pages.js';
import type { ParquetColumn } from './parquet-types.js';
import { checkSupported, parquetColumns } from './parquet-types.js';
import type { ByteRange } from './scan-range.js';
import type { Item, Value } from './value.js';

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
  const { budget, signal } = scan;
  const { groups, wanted, memoryBytes } = guarded(() => planOf(scan));
  const release = await budget.acquire(memoryBytes, signal);
  try {
    for (const group of groups) yield* groupBatches(scan, group, wanted, memoryBytes);
  } finally {
    release();
  }
}

interface Plan {
  readonly groups: readonly Group[];
  readonly wanted: readonly Wanted[];
  readonly memoryBytes: number;
}

function planOf({ metadata, columns, range, budget }: ParquetScan): Plan {
  const all = parquetColumns(metadata);
  const wanted = (columns ?? all.map((_, index) => index)).flatMap((index) => {
    const column = all[index];
    return column === undefined ? [] : [{ column, index }];
  });
  const groups = groupsIn(metadata, range);
  const named = wanted.map(({ column }) => column);
  // No query takes more than there is for all of them.
  return { groups, wanted, memoryBytes: Math.min(budget.limitBytes, roomFor(groups, named)) };
}

interface Group {
  readonly rowGroup: RowGroup;
  readonly rows: number;
}

interface Wanted {
  readonly column: ParquetColumn;
  readonly index: number;
}

function groupsIn({ row_groups: rowGroups }: FileMetaData, range: ByteRange | null): Group[] {
  const groups: Group[] = [];
  for (const rowGroup of rowGroups) {
    const rows = Number(rowGroup.num_rows);
    if (!Number.isSafeInteger(rows) || rows < 0) throw damaged('a row group has a wrong number of rows');
    const [first] = rowGroup.columns;
    const start = first?.meta_data === undefined ? 0 : chunkRange(first.meta_data).start;
    if (range === null || (start >= range.start && start <= range.end)) groups.push({ rowGroup, rows });
  }
  return groups;
}

/** Room for the pages and the dictionary of every column, as large as they can be together. */
function roomFor(groups: readonly Group[], columns: readonly ParquetColumn[]): number {
  let most = 0;
  for (const { rowGroup } of groups) {
    let bytes = 0;
    for (const column of columns)
      for (const chunk of chunksOf(rowGroup, column))
        bytes += 4 * sizeOf(chunk.total_uncompressed_size) + 2 * VALUE_BYTES * sizeOf(chunk.num_values);
    most = Math.max(most, bytes);
  }
  return LEAST_MEMORY_BYTES + most;
}

function sizeOf(size: bigint): number {
  const bytes = Number(size);
  if (!Number.isSafeInteger(bytes) || bytes < 0) throw damaged('a column has a wrong size');
  return bytes;
}

/** Of a column, or of all that is below it. */
function chunksOf({ columns }: RowGroup, { name }: ParquetColumn): ColumnMetaData[] {
  return columns.flatMap(({ meta_data: chunk, file_path: path }) => {
    if (path !== undefined) throw fault('UnsupportedParquetType', null, 'columns in other files');
    return chunk?.path_in_schema[0] === name ? [chunk] : [];
  });
}

async function* groupBatches(
  { file }: ParquetScan,
  { rowGroup, rows }: Group,
  wanted: readonly Wanted[],
  memoryBytes: number,
): AsyncGenerator<Batch, void, void> {
  const memory = new PageMemory(memoryBytes);
  const readers = guarded(() => wanted.map((each) => columnReader(each, { file, rowGroup, rows, memory })));
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

interface ColumnReader {
  readonly index: number;
  readonly pages: AsyncGenerator<Item[], void, void>;
  page: readonly Item[];
  /** of the next row, in the page */
  offset: number;
}

function columnReader(
  { column, index }: Wanted,
  { rowGroup, ...rest }: Pick<Group, 'rowGroup' | 'rows'> & { readonly file: ParquetFile; readonly memory: PageMemory },
): ColumnReader {
  const chunks = chunksOf(rowGroup, column);
  if (chunks.length === 0) throw damaged(`a row group has no column ${column.name}`);
  checkSupported(column.tree);
  const options = { ...rest, column, chunks };
  return { index, pages: column.flat ? flatValues(options) : nestedValues(options), page: [], offset: 0 };
}

function* rowsOf(columns: readonly ColumnReader[], count: number, width: number): Batch {
  const starts = columns.map(({ index, page, offset }) => ({ index, page, offset }));
  for (let row = 0; row < count; row += 1) {
    const values = new Array<Value>(width);
    for (const { index, page, offset } of starts) values[index] = page[offset + row];
    yield values;
  }
}
