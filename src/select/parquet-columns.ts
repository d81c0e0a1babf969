/** The values of a column of a row group, one per record. */
import type { ColumnMetaData, DecodedArray, SchemaTree } from 'hyparquet';
import { assembleLists, assembleNested } from 'hyparquet/src/assemble.js';
import { DEFAULT_PARSERS } from 'hyparquet/src/convert.js';
import type { ParquetFile } from './parquet-file.js';
import { damaged, guarded } from './parquet-file.js';
import type { PageMemory } from './parquet-pages.js';
import { decodedPages, valuesOf } from './parquet-pages.js';
import type { ParquetColumn } from './parquet-types.js';
import { itemOf } from './parquet-types.js';
import type { Item } from './value.js';

export interface ColumnOptions {
  readonly file: ParquetFile;
  readonly column: ParquetColumn;
  /** One; below lists, maps and structs several. */
  readonly chunks: readonly ColumnMetaData[];
  /** of the row group */
  readonly rows: number;
  readonly memory: PageMemory;
}

/** Of a flat column, a page at a time. */
export async function* flatValues({
  file,
  column,
  chunks,
  rows,
  memory,
}: ColumnOptions): AsyncGenerator<Item[], void, void> {
  const [metadata] = chunks;
  if (metadata === undefined) return;
  let seen = 0;
  const pages = decodedPages({
    file,
    schemaPath: [column.root, column.tree],
    metadata,
    memory,
    keep: false,
    check: (header) => {
      if (valuesOf(header) > rows - seen) throw damaged('a column has more values than rows');
    },
  });
  for await (const { values, definitionLevels } of pages) {
    const page = definitionLevels === null ? [...values] : withNulls(values, definitionLevels);
    seen += page.length;
    yield page;
  }
  if (seen < rows) throw damaged('a column has fewer values than rows');
}

function withNulls(values: readonly Item[], levels: Uint32Array): Item[] {
  let next = 0;
  return Array.from(levels, (level) => {
    if (level === 0) return null;
    const value = values[next] ?? null;
    next += 1;
    return value;
  });
}

/** Of lists, maps and structs: all of the row group at once. */
export async function* nestedValues(options: ColumnOptions): AsyncGenerator<Item[], void, void> {
  const { file, column, chunks, rows, memory } = options;
  const columns = new Map<string, DecodedArray>();
  for (const metadata of chunks) {
    const schemaPath = pathTo(column, metadata);
    const name = metadata.path_in_schema.join('.');
    const pages = decodedPages({ file, schemaPath, metadata, memory, keep: true, check: () => undefined });
    const assembled: unknown[] = [];
    for await (const { values, definitionLevels, repetitionLevels } of pages) {
      const definitions = definitionLevels === null ? undefined : Array.from(definitionLevels);
      const repetitions = repetitionLevels === null ? [] : Array.from(repetitionLevels);
      const found = guarded(() => assembleLists(assembled, definitions, repetitions, [...values], schemaPath));
      // Values without levels come back as they are.
      if (found !== assembled) for (const value of found) assembled.push(value);
    }
    columns.set(name, assembled);
  }
  guarded(() => {
    assembleNested(columns, column.tree, DEFAULT_PARSERS);
  });
  const values = columns.get(column.name);
  if (values?.length !== rows) throw damaged(`column ${column.name} has a wrong number of values`);
  yield guarded(() => Array.from<unknown, Item>(values, itemOf));
}

function pathTo({ root, tree }: ParquetColumn, { path_in_schema: path }: ColumnMetaData): SchemaTree[] {
  const schemaPath = [root, tree];
  let current = tree;
  for (const name of path.slice(1)) {
    const child = current.children.find(({ element }) => element.name === name);
    if (child === undefined) throw damaged('a column is not in the schema');
    schemaPath.push(child);
    current = child;
  }
  return schemaPath;
}
