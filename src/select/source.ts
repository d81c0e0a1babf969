/** The records of an object, whatever its format: what they look like, and batches of them to be taken one after another. */
import type { MemoryBudget } from '../data/budget.js';
import type { Statement } from './ast.js';
import type { Progress } from './bytes.js';
import { counted, decompressed, textOf } from './bytes.js';
import { CsvReader } from './csv-reader.js';
import { fault } from './fault.js';
import type { JsonRecord } from './json-reader.js';
import { JsonDocumentReader, JsonLinesReader } from './json-reader.js';
import { ParquetFile } from './parquet-file.js';
import { parquetBatches } from './parquet-reader.js';
import { parquetColumns } from './parquet-types.js';
import type { ByteRange } from './scan-range.js';
import { recordsBytes, scanRangeOf } from './scan-range.js';
import type { Schema } from './schema.js';
import { rowsBelow } from './schema.js';
import type { CsvInput, JsonInput, SelectRequest, SelectedObject } from './types.js';
import type { Row } from './value.js';

export interface SourceOptions {
  readonly request: SelectRequest;
  readonly statement: Statement;
  readonly object: SelectedObject;
  /** Counts what is read. */
  readonly progress: Progress;
  readonly budget: MemoryBudget;
  readonly signal: AbortSignal;
}

export interface Source {
  readonly schema: Schema;
  /**
   * @param columns that are read, by position; null: all. Each batch is to be taken before the next one is asked for; rows are
   * made as they are taken.
   */
  batches(columns: readonly number[] | null): AsyncIterable<Iterable<Row>>;
}

/** @throws S3Error for objects that are not what the request says, InvalidScanRange, UnsupportedScanRangeInput, InvalidKeyPath */
export async function openSource(options: SourceOptions): Promise<Source> {
  const { request, statement } = options;
  const { input } = request;
  if (request.scanRange !== null) {
    const whole =
      input.kind === 'csv' ? !input.allowQuotedRecordDelimiter : input.kind !== 'json' || input.type === 'LINES';
    if (!whole || request.compression !== 'NONE') throw fault('UnsupportedScanRangeInput', null);
  }
  if (input.kind !== 'json' && statement.path.length > 0)
    throw fault('InvalidKeyPath', null, 'only JSON has paths below S3Object[*]');
  switch (input.kind) {
    case 'csv':
      return csvSource(options, input);
    case 'json':
      return jsonSource(options, input);
    case 'parquet':
      return parquetSource(options);
  }
}

/** The text of the object, or of the records that begin in the scan range. */
function textFrom(
  { request, object, progress }: SourceOptions,
  range: ByteRange | null,
  delimiter: string,
): AsyncIterable<string> {
  if (object.sizeBytes === 0) return nothing();
  const source =
    range === null
      ? object.read({ start: 0, end: object.sizeBytes - 1 })
      : recordsBytes(object, range, Buffer.from(delimiter));
  const scanned = counted(source, (bytes) => (progress.scanned += bytes));
  const plain = decompressed(scanned, request.compression);
  return textOf(counted(plain, (bytes) => (progress.processed += bytes)));
}

async function* nothing(): AsyncGenerator<string, void, void> {
  // an empty object
}

async function* read<Parsed>(
  text: AsyncIterable<string>,
  reader: { records(piece: string, last: boolean): Generator<Parsed, void, void> },
): AsyncGenerator<Generator<Parsed, void, void>, void, void> {
  for await (const piece of text) yield reader.records(piece, false);
  yield reader.records('', true);
}

async function csvSource(options: SourceOptions, input: CsvInput): Promise<Source> {
  const range = scanRangeOf(options.request.scanRange, options.object.sizeBytes);
  const text = textFrom(options, range, input.recordDelimiter);
  if (input.fileHeaderInfo === 'NONE') {
    const schema: Schema = { kind: 'columns', names: null, untyped: true };
    return { schema, batches: () => read(text, new CsvReader(input)) };
  }
  // The header is the object's first record, wherever the scan begins.
  const elsewhere = range !== null && range.start > 0;
  const first = elsewhere ? textFrom(options, { start: 0, end: 0 }, input.recordDelimiter) : text;
  const batches = read(first, new CsvReader(input));
  const { header, rest } = await firstRecord(batches);
  if (elsewhere) await batches.return();
  const schema: Schema = {
    kind: 'columns',
    names: input.fileHeaderInfo === 'USE' && header !== null ? header : null,
    untyped: true,
    empty: header === null,
  };
  return { schema, batches: () => (elsewhere ? read(text, new CsvReader(input)) : rest) };
}

type CsvBatch = Generator<string[], void, void>;

async function firstRecord(
  batches: AsyncGenerator<CsvBatch, void, void>,
): Promise<{ header: string[] | null; rest: AsyncIterable<CsvBatch> }> {
  for (;;) {
    const batch = await batches.next();
    if (batch.done === true) return { header: null, rest: batches };
    const record = batch.value.next();
    if (record.done !== true) return { header: record.value, rest: continued(batch.value, batches) };
  }
}

async function* continued(
  begun: CsvBatch,
  batches: AsyncGenerator<CsvBatch, void, void>,
): AsyncGenerator<CsvBatch, void, void> {
  try {
    yield begun;
    yield* batches;
  } finally {
    await batches.return();
  }
}

function jsonSource(options: SourceOptions, { type }: JsonInput): Source {
  const range = scanRangeOf(options.request.scanRange, options.object.sizeBytes);
  const reader = type === 'LINES' ? new JsonLinesReader() : new JsonDocumentReader();
  const { statement } = options;
  return {
    schema: { kind: 'json' },
    batches: async function* () {
      for await (const batch of read(textFrom(options, range, '\n'), reader)) yield jsonRows(batch, statement);
    },
  };
}

/**
 * The elements of a list at the root of a document are what S3Object[*] stands for. A path that goes on with [*] or an index
 * means the same list.
 */
function* jsonRows(records: Iterable<JsonRecord>, { path }: Statement): Generator<Row, void, void> {
  const [first] = path;
  for (const { value, index } of records) {
    if (index === null || (first?.kind !== 'elements' && first?.kind !== 'index')) yield* rowsBelow(value, path);
    else if (first.kind === 'elements' || first.index === index) yield* rowsBelow(value, path, 1);
  }
}

async function parquetSource({ request, object, progress, budget, signal }: SourceOptions): Promise<Source> {
  const file = new ParquetFile(object, (bytes) => {
    progress.scanned += bytes;
    progress.processed += bytes;
  });
  const metadata = await file.metadata();
  const range = scanRangeOf(request.scanRange, object.sizeBytes);
  return {
    schema: { kind: 'columns', names: parquetColumns(metadata).map(({ name }) => name), untyped: false },
    batches: (columns) => parquetBatches({ file, metadata, columns, range, budget, signal }),
  };
}
