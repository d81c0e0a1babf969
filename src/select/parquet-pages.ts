/**
 * The values of a column of a row group, page by page: memory is that of a page (and the dictionary), however large row groups
 * are. Sizes that pages claim are checked before anything is made of that size.
 */
import type { ColumnMetaData, Compressors, DecodedArray, PageHeader, ParquetParsers } from 'hyparquet';
import { compressors, decompressZstd } from 'hyparquet-compressors';
import { parquetHeader, readPage } from 'hyparquet/src/column.js';
import { DEFAULT_PARSERS, convert } from 'hyparquet/src/convert.js';
import type { ColumnDecoder } from 'hyparquet/src/types.js';
import { fault } from './fault.js';
import type { ParquetFile } from './parquet-file.js';
import { damaged, guarded } from './parquet-file.js';
import { thriftEnd } from './parquet-thrift.js';
import type { ParquetColumn } from './parquet-types.js';
import { PARSERS, decodedElement, isDecimal, valueReader } from './parquet-types.js';
import type { Item } from './value.js';

const READ_BYTES = 256 * 1024;
/** Statistics in page headers can be long. */
const MAX_HEADER_BYTES = 1024 * 1024;
/** What a decoded value takes beside its bytes. */
export const VALUE_BYTES = 24;

/** Never makes more of a page than its header says. */
export const COMPRESSORS: Compressors = {
  ...compressors,
  ZSTD: (input, outputLength) => decompressZstd(input, new Uint8Array(outputLength)),
};

export const ALL_PARSERS: ParquetParsers = { ...DEFAULT_PARSERS, ...PARSERS };

/** The memory that pages may take together. */
export class PageMemory {
  readonly #limitBytes: number;
  readonly #held = new Map<string, number>();

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** What `owner` holds from now on instead of what it held. @throws S3Error OverMaxParquetBlockSize */
  hold(owner: string, bytes: number): void {
    this.#held.set(owner, bytes);
    let total = 0;
    for (const part of this.#held.values()) total += part;
    if (total > this.#limitBytes)
      throw fault('OverMaxParquetBlockSize', null, 'its pages need more memory than a query may take');
  }
}

export interface PageOptions {
  readonly file: ParquetFile;
  readonly column: ParquetColumn;
  readonly metadata: ColumnMetaData;
  /** of the row group */
  readonly rows: number;
  readonly memory: PageMemory;
}

export interface Page {
  readonly header: PageHeader;
  /** The page's content. */
  readonly bytes: Buffer;
}

/** Where a column chunk is. @throws S3Error ParquetParsingError */
export function chunkRange(metadata: ColumnMetaData): { start: number; end: number } {
  const dictionary = metadata.dictionary_page_offset;
  const start = Number(dictionary === undefined || dictionary === 0n ? metadata.data_page_offset : dictionary);
  const end = start + Number(metadata.total_compressed_size);
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start)
    throw damaged('a column has no place');
  return { start, end };
}

/** The pages of a column chunk as they stand in the file. @param check is asked before a page is read */
export async function* rawPages(
  file: ParquetFile,
  { start, end }: { readonly start: number; readonly end: number },
  check: (header: PageHeader) => void,
): AsyncGenerator<Page, void, void> {
  let bytes: Buffer = Buffer.alloc(0);
  let base = start;
  const ensure = async (offset: number, wanted: number): Promise<void> => {
    const to = Math.min(end, offset + wanted);
    if (offset >= base && to <= base + bytes.length) return;
    bytes = await file.read(offset, Math.min(end, Math.max(to, offset + READ_BYTES)));
    base = offset;
  };
  for (let offset = start; offset < end;) {
    await ensure(offset, 1024);
    let headerEnd = thriftEnd(bytes, offset - base);
    if (headerEnd === null) {
      await ensure(offset, MAX_HEADER_BYTES);
      headerEnd = thriftEnd(bytes, offset - base);
    }
    if (headerEnd === null) throw damaged('a page has no header');
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const reader = { view, offset: offset - base };
    const header = guarded(() => parquetHeader(reader));
    const content = base + headerEnd;
    const size = header.compressed_page_size;
    if (!(size >= 0) || content + size > end || !(header.uncompressed_page_size >= 0))
      throw damaged('a page has a wrong size');
    check(header);
    await ensure(content, size);
    yield { header, bytes: bytes.subarray(content - base, content - base + size) };
    offset = content + size;
  }
}

export function valuesOf(header: PageHeader): number {
  const described = header.data_page_header ?? header.data_page_header_v2 ?? header.dictionary_page_header;
  const count = described?.num_values ?? 0;
  if (!(count >= 0)) throw damaged('a page has a wrong number of values');
  return count;
}

/** Bytes that a page takes while it is decoded and read. */
export function pageCost(header: PageHeader): number {
  return header.compressed_page_size + 2 * header.uncompressed_page_size + VALUE_BYTES * valuesOf(header);
}

/** The values of a flat column, a page at a time. @throws S3Error ParquetParsingError, OverMaxParquetBlockSize, Unsupported... */
export async function* flatPages({
  file,
  column,
  metadata,
  rows,
  memory,
}: PageOptions): AsyncGenerator<Item[], void, void> {
  const { element } = column.schemaPath[1];
  const read = valueReader(element);
  const decoder: ColumnDecoder = {
    pathInSchema: [column.name],
    type: metadata.type,
    element: decodedElement(element),
    schemaPath: [...column.schemaPath],
    codec: metadata.codec,
    parsers: ALL_PARSERS,
    compressors: COMPRESSORS,
    utf8: !isDecimal(element),
  };
  let dictionary: DecodedArray | undefined;
  let seen = 0;
  const check = (header: PageHeader): void => {
    const isDictionary = header.type === 'DICTIONARY_PAGE';
    if (!isDictionary && valuesOf(header) > rows - seen) throw damaged('a column has more values than rows');
    memory.hold(`${isDictionary ? 'dictionary' : 'page'} ${column.name}`, pageCost(header));
  };
  for await (const { header, bytes } of rawPages(file, chunkRange(metadata), check)) {
    if (header.type === 'INDEX_PAGE') continue;
    const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 };
    const { data } = guarded(() => readPage(reader, header, decoder, dictionary, undefined, 0));
    if (data === undefined) throw damaged('a page has no values');
    if (header.type === 'DICTIONARY_PAGE') {
      dictionary = guarded(() => convert(data, decoder));
      continue;
    }
    if (data.length !== valuesOf(header)) throw damaged('a page has a wrong number of values');
    seen += data.length;
    yield Array.from<unknown, Item>(data as ArrayLike<unknown>, read);
  }
  if (seen < rows) throw damaged('a column has fewer values than rows');
}
