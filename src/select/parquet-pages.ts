/**
 * The values of a column of a row group, page by page: memory is that of a page (and the dictionary), however large row groups
 * are. Sizes that pages claim are checked before anything is made of that size.
 */
import type { ColumnMetaData, PageHeader, SchemaTree } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { fault } from './fault.js';
import type { DecodedPage } from './parquet-decode.js';
import { PageDecoder } from './parquet-decode.js';
import type { ParquetFile } from './parquet-file.js';
import { damaged, guarded } from './parquet-file.js';
import { thriftEnd } from './parquet-thrift.js';

const READ_BYTES = 256 * 1024;
/** Statistics in page headers can be long. */
const MAX_HEADER_BYTES = 1024 * 1024;
/** What a decoded value takes beside its bytes. */
export const VALUE_BYTES = 24;

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
  /** From the root of the schema to the column. */
  readonly schemaPath: readonly SchemaTree[];
  readonly metadata: ColumnMetaData;
  readonly memory: PageMemory;
  /** All pages are held until the end; else each until the next. */
  readonly keep: boolean;
  /** Is asked before a page is read. */
  readonly check: (header: PageHeader) => void;
}

interface Page {
  readonly header: PageHeader;
  readonly content: Buffer;
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

/** The pages of a column chunk as they stand in the file. */
async function* rawPages(
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
    yield { header, content: bytes.subarray(content - base, content - base + size) };
    offset = content + size;
  }
}

export function valuesOf(header: PageHeader): number {
  const described = header.data_page_header ?? header.data_page_header_v2 ?? header.dictionary_page_header;
  const count = described?.num_values ?? 0;
  if (!(count >= 0)) throw damaged('a page has a wrong number of values');
  return count;
}

/** Bytes that the values of a page take. */
function valueCost(header: PageHeader): number {
  return header.uncompressed_page_size + VALUE_BYTES * valuesOf(header);
}

/** Bytes that a page takes while it is decoded. */
function pageCost(header: PageHeader): number {
  return header.compressed_page_size + header.uncompressed_page_size + valueCost(header);
}

/** The pages of a column, decoded. @throws S3Error ParquetParsingError, OverMaxParquetBlockSize, Unsupported... */
export async function* decodedPages(options: PageOptions): AsyncGenerator<DecodedPage, void, void> {
  const { file, schemaPath, metadata, memory, keep, check } = options;
  const name = metadata.path_in_schema.join('.');
  const decoder = guarded(
    () => new PageDecoder(schemaPath, metadata, (sizeBytes) => memory.hold(`shared ${name}`, sizeBytes)),
  );
  let keptBytes = 0;
  const isData = ({ type }: PageHeader): boolean => type === 'DATA_PAGE' || type === 'DATA_PAGE_V2';
  const before = (header: PageHeader): void => {
    if (isData(header)) check(header);
    memory.hold(isData(header) ? `page ${name}` : `dictionary ${name}`, keptBytes + pageCost(header));
  };
  for await (const { header, content } of rawPages(file, chunkRange(metadata), before)) {
    if (header.type === 'DICTIONARY_PAGE') {
      guarded(() => {
        decoder.dictionary(header, content);
      });
      memory.hold(`dictionary ${name}`, valueCost(header));
    } else if (isData(header)) {
      const page = guarded(() => decoder.page(header, content));
      memory.hold(`page ${name}`, keptBytes + valueCost(header));
      if (keep) keptBytes += valueCost(header);
      yield page;
    }
  }
}
