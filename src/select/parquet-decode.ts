/** Decodes a page: decompressed, its levels, its values. https://parquet.apache.org/docs/file-format/data-pages/ */
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { ColumnMetaData, CompressionCodec, PageHeader, SchemaTree } from 'hyparquet';
import { compressors, decompressZstd } from 'hyparquet-compressors';
import { getMaxDefinitionLevel, getMaxRepetitionLevel } from 'hyparquet/src/schema.js';
import { fault } from './fault.js';
import { ParquetBytes } from './parquet-bytes.js';
import type { RawValue } from './parquet-encodings.js';
import { readDeltaBytes, readDeltaLengths, readDeltas, readHybrid, readPlain, readSplit } from './parquet-encodings.js';
import { damaged, guarded } from './parquet-file.js';
import { valueReader } from './parquet-types.js';
import type { Item } from './value.js';

export interface DecodedPage {
  /** Those that are there, in order. */
  readonly values: readonly Item[];
  /** Per value or place of one; null: all values are there. */
  readonly definitionLevels: Uint32Array | null;
  /** null: nothing repeats. */
  readonly repetitionLevels: Uint32Array | null;
}

export class PageDecoder {
  readonly #metadata: ColumnMetaData;
  readonly #element: SchemaTree['element'];
  readonly #maxDefinition: number;
  readonly #maxRepetition: number;
  readonly #read: (raw: RawValue) => Item;
  readonly #checkSize: (sizeBytes: number) => void;
  #dictionary: readonly Item[] = [];

  /** @param checkSize is told what values will take that a page has in a shorter form */
  constructor(schemaPath: readonly SchemaTree[], metadata: ColumnMetaData, checkSize: (sizeBytes: number) => void) {
    const leaf = schemaPath.at(-1);
    if (leaf === undefined) throw damaged('a column is not in the schema');
    this.#metadata = metadata;
    this.#element = leaf.element;
    this.#maxDefinition = getMaxDefinitionLevel([...schemaPath]);
    this.#maxRepetition = getMaxRepetitionLevel([...schemaPath]);
    this.#read = valueReader(leaf.element);
    this.#checkSize = checkSize;
  }

  /** Takes a dictionary page. */
  dictionary(header: PageHeader, content: Uint8Array): void {
    const count = header.dictionary_page_header?.num_values ?? 0;
    const bytes = new ParquetBytes(this.#decompress(content, header.uncompressed_page_size));
    this.#dictionary = this.#plain(bytes, count);
  }

  page(header: PageHeader, content: Uint8Array): DecodedPage {
    const v1 = header.data_page_header;
    const v2 = header.data_page_header_v2;
    if (v1 !== undefined) {
      const bytes = new ParquetBytes(this.#decompress(content, header.uncompressed_page_size));
      const levels = (max: number): Uint32Array | null => {
        if (max === 0) return null;
        const encoded = new ParquetBytes(bytes.take(bytes.unsigned(4)));
        return this.#levels(encoded, max, v1.num_values);
      };
      const repetitionLevels = levels(this.#maxRepetition);
      const definitionLevels = levels(this.#maxDefinition);
      const values = this.#values(bytes, v1.encoding, this.#present(definitionLevels, v1.num_values));
      return { values, definitionLevels, repetitionLevels };
    }
    if (v2 === undefined) throw damaged('a page has no header');
    const bytes = new ParquetBytes(content);
    const levels = (lengthBytes: number, max: number): Uint32Array | null => {
      const encoded = new ParquetBytes(bytes.take(lengthBytes));
      return max === 0 ? null : this.#levels(encoded, max, v2.num_values);
    };
    const repetitionLevels = levels(v2.repetition_levels_byte_length, this.#maxRepetition);
    const definitionLevels = levels(v2.definition_levels_byte_length, this.#maxDefinition);
    const levelBytes = content.length - bytes.left;
    const rest = bytes.take(bytes.left);
    const size = header.uncompressed_page_size - levelBytes;
    const plain = v2.is_compressed === false ? rest : this.#decompress(rest, size);
    const count = this.#present(definitionLevels, v2.num_values);
    return { values: this.#values(new ParquetBytes(plain), v2.encoding, count), definitionLevels, repetitionLevels };
  }

  #levels(bytes: ParquetBytes, max: number, count: number): Uint32Array {
    const levels = readHybrid(bytes, 32 - Math.clz32(max), count);
    if (levels.some((level) => level > max)) throw damaged('a level is too high');
    return levels;
  }

  #present(definitionLevels: Uint32Array | null, count: number): number {
    if (definitionLevels === null) return count;
    let present = 0;
    for (const level of definitionLevels) if (level === this.#maxDefinition) present += 1;
    return present;
  }

  #values(bytes: ParquetBytes, encoding: string, count: number): Item[] {
    const { type } = this.#metadata;
    switch (encoding) {
      case 'PLAIN':
        return this.#plain(bytes, count);
      case 'PLAIN_DICTIONARY':
      case 'RLE_DICTIONARY':
        return this.#indexed(bytes, count);
      case 'RLE': {
        if (type !== 'BOOLEAN') throw damaged('runs of values that are no truth values');
        const encoded = new ParquetBytes(bytes.take(bytes.unsigned(4)));
        return Array.from(readHybrid(encoded, 1, count), (bit) => bit === 1);
      }
      case 'DELTA_BINARY_PACKED':
        if (type === 'INT32') return readDeltas(bytes, count, 32).map((value) => this.#read(Number(value)));
        if (type === 'INT64') return readDeltas(bytes, count, 64).map(this.#read);
        throw damaged('differences of values that are no integers');
      case 'DELTA_LENGTH_BYTE_ARRAY':
        return readDeltaLengths(bytes, count).map(this.#read);
      case 'DELTA_BYTE_ARRAY':
        return readDeltaBytes(bytes, count, this.#checkSize).map(this.#read);
      case 'BYTE_STREAM_SPLIT':
        return readSplit(bytes, type, count, this.#element.type_length ?? 0).map(this.#read);
      default:
        throw fault('UnsupportedParquetType', null, `encoding ${encoding}`);
    }
  }

  #plain(bytes: ParquetBytes, count: number): Item[] {
    return readPlain(bytes, this.#metadata.type, count, this.#element.type_length ?? 0).map(this.#read);
  }

  #indexed(bytes: ParquetBytes, count: number): Item[] {
    if (count === 0) return [];
    const dictionary = this.#dictionary;
    const indexes = readHybrid(bytes, bytes.unsigned(1), count);
    return Array.from(indexes, (index) => {
      const value = dictionary[index];
      if (value === undefined) throw damaged('a value is not in the dictionary');
      return value;
    });
  }

  #decompress(content: Uint8Array, sizeBytes: number): Uint8Array {
    const plain = guarded(() => decompress(this.#metadata.codec, content, sizeBytes));
    if (plain.length !== sizeBytes) throw damaged('a page has a wrong size');
    return plain;
  }
}

/** Never makes more than `sizeBytes`. */
function decompress(codec: CompressionCodec, content: Uint8Array, sizeBytes: number): Uint8Array {
  if (!(sizeBytes >= 0)) throw damaged('a page has a wrong size');
  if (codec === 'UNCOMPRESSED' || (sizeBytes === 0 && content.length === 0)) return content;
  switch (codec) {
    case 'GZIP':
      return gunzipSync(content, { maxOutputLength: Math.max(1, sizeBytes) });
    case 'BROTLI':
      return brotliDecompressSync(content, { maxOutputLength: Math.max(1, sizeBytes) });
    case 'ZSTD':
      return decompressZstd(content, new Uint8Array(sizeBytes));
    default: {
      const known = compressors[codec];
      if (known === undefined) throw fault('ParquetUnsupportedCompressionCodec', null, codec);
      return known(content, sizeBytes);
    }
  }
}
