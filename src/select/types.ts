/** What SelectObjectContent is asked for. https://docs.aws.amazon.com/AmazonS3/latest/API/API_SelectObjectContent.html */
export interface CsvInput {
  readonly kind: 'csv';
  readonly fileHeaderInfo: 'NONE' | 'IGNORE' | 'USE';
  readonly recordDelimiter: string;
  readonly fieldDelimiter: string;
  /** One character; empty: nothing is quoted. */
  readonly quoteCharacter: string;
  readonly quoteEscapeCharacter: string;
  /** Lines that begin with it are left out; empty: none are. */
  readonly comments: string;
  readonly allowQuotedRecordDelimiter: boolean;
}

export interface JsonInput {
  readonly kind: 'json';
  readonly type: 'DOCUMENT' | 'LINES';
}

export interface ParquetInput {
  readonly kind: 'parquet';
}

export type SelectInput = CsvInput | JsonInput | ParquetInput;
export type CompressionType = 'NONE' | 'GZIP' | 'BZIP2';

export interface CsvOutput {
  readonly kind: 'csv';
  readonly quoteFields: 'ALWAYS' | 'ASNEEDED';
  readonly recordDelimiter: string;
  readonly fieldDelimiter: string;
  readonly quoteCharacter: string;
  readonly quoteEscapeCharacter: string;
}

export interface JsonOutput {
  readonly kind: 'json';
  readonly recordDelimiter: string;
}

export type SelectOutput = CsvOutput | JsonOutput;

/** As the request gives it: without a start the last `end` bytes, without an end all from `start`. */
export interface ScanRange {
  readonly start: number | null;
  readonly end: number | null;
}

export interface SelectRequest {
  readonly expression: string;
  readonly input: SelectInput;
  readonly compression: CompressionType;
  readonly output: SelectOutput;
  readonly scanRange: ScanRange | null;
  readonly progress: boolean;
}

/** The plaintext of the object that is queried. */
export interface SelectedObject {
  readonly sizeBytes: number;
  /** @param range both ends within the object, the end inclusive */
  read(range: { readonly start: number; readonly end: number }): AsyncIterable<Buffer>;
}

/** Characters of a record at most, in the object and in the result. AWS: maxCharsPerRecord. */
export const MAX_RECORD_CHARS = 1024 * 1024;
