/** Queries over bytes in memory, and a reader of event streams that shares nothing with the writer. */
import { crc32 } from 'node:zlib';
import { MemoryBudget } from '../../../src/data/budget.js';
import { S3Error } from '../../../src/s3/errors.js';
import { parseStatement } from '../../../src/select/parse-statement.js';
import { selectMessages } from '../../../src/select/run.js';
import type { CsvInput, CsvOutput, SelectInput, SelectOutput, SelectRequest } from '../../../src/select/types.js';

export const CSV: CsvInput = {
  kind: 'csv',
  fileHeaderInfo: 'NONE',
  recordDelimiter: '\n',
  fieldDelimiter: ',',
  quoteCharacter: '"',
  quoteEscapeCharacter: '"',
  comments: '#',
  allowQuotedRecordDelimiter: false,
};
export const HEADED: CsvInput = { ...CSV, fileHeaderInfo: 'USE' };
export const LINES: SelectInput = { kind: 'json', type: 'LINES' };
export const DOCUMENT: SelectInput = { kind: 'json', type: 'DOCUMENT' };
export const PARQUET: SelectInput = { kind: 'parquet' };
export const TO_CSV: CsvOutput = {
  kind: 'csv',
  quoteFields: 'ASNEEDED',
  recordDelimiter: '\n',
  fieldDelimiter: ',',
  quoteCharacter: '"',
  quoteEscapeCharacter: '"',
};
export const TO_JSON: SelectOutput = { kind: 'json', recordDelimiter: '\n' };

export const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

export interface Options extends Partial<Omit<SelectRequest, 'expression'>> {
  /** Bytes that the store yields at once. Default: all. */
  readonly chunkBytes?: number;
  readonly budget?: MemoryBudget;
  readonly signal?: AbortSignal;
  readonly quietMs?: number;
  /** told the bytes of every read */
  readonly onRead?: (bytes: number) => void;
}

export interface Message {
  readonly headers: Readonly<Record<string, string>>;
  readonly payload: Buffer;
}

export function messagesOf(expression: string, data: Buffer | string, options: Options = {}): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(data);
  const { chunkBytes = bytes.length || 1, budget = new MemoryBudget({ limitBytes: 2 ** 28 }), onRead } = options;
  return selectMessages({
    request: {
      input: CSV,
      output: TO_CSV,
      compression: 'NONE',
      scanRange: null,
      progress: false,
      ...options,
      expression,
    },
    statement: parseStatement(expression),
    object: {
      sizeBytes: bytes.length,
      async *read({ start, end }) {
        for (let from = start; from <= end; from += chunkBytes) {
          const chunk = bytes.subarray(from, Math.min(from + chunkBytes, end + 1));
          onRead?.(chunk.length);
          yield Buffer.from(chunk);
        }
      },
    },
    budget,
    now: () => NOW_MS,
    signal: options.signal ?? new AbortController().signal,
    ...(options.quietMs === undefined ? {} : { quietMs: options.quietMs }),
  });
}

/** All messages; each chunk that is yielded is whole messages. */
export async function answerOf(expression: string, data: Buffer | string, options: Options = {}): Promise<Message[]> {
  const messages: Message[] = [];
  for await (const chunk of messagesOf(expression, data, options)) messages.push(...decode(chunk));
  return messages;
}

/** The records of the answer, which has to be complete. */
export async function select(expression: string, data: Buffer | string, options: Options = {}): Promise<string> {
  const messages = await answerOf(expression, data, options);
  if (messages.at(-1)?.headers[':event-type'] !== 'End') throw new Error('the answer has no end');
  const records = messages.filter(({ headers }) => headers[':event-type'] === 'Records');
  return Buffer.concat(records.map(({ payload }) => payload)).toString();
}

/** The code and message of the error that a query ends with. */
export async function refusal(expression: string, data: Buffer | string, options: Options = {}): Promise<string> {
  try {
    await select(expression, data, options);
  } catch (error) {
    if (error instanceof S3Error) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error(`the query succeeded: ${expression}`);
}

/** The one value of an expression, as JSON; 'MISSING' where there is none. */
export async function evaluate(expression: string, record: Buffer | string = '{}'): Promise<string> {
  const answer = await select(`SELECT ${expression} AS v FROM S3Object s`, record, { input: LINES, output: TO_JSON });
  const found = /^\{(?:"v":([^]*))?\}\n$/.exec(answer);
  if (found === null) throw new Error(`not one record: ${answer}`);
  return found[1] ?? 'MISSING';
}

/** Whether WHERE lets a record of JSON through. */
export async function holds(condition: string, record = '{}'): Promise<boolean> {
  const answer = await select(`SELECT 1 FROM S3Object s WHERE ${condition}`, record, { input: LINES });
  return answer === '1\n';
}

export function decode(bytes: Buffer): Message[] {
  const messages: Message[] = [];
  for (let offset = 0; offset < bytes.length;) {
    const totalBytes = bytes.readUInt32BE(offset);
    const message = bytes.subarray(offset, offset + totalBytes);
    if (message.length !== totalBytes) throw new Error('a message is cut off');
    if (crc32(message.subarray(0, 8)) !== message.readUInt32BE(8)) throw new Error('wrong CRC of a prelude');
    if (crc32(message.subarray(0, -4)) !== message.readUInt32BE(totalBytes - 4))
      throw new Error('wrong CRC of a message');
    const payloadStart = 12 + message.readUInt32BE(4);
    messages.push({
      headers: headersOf(message.subarray(12, payloadStart)),
      payload: message.subarray(payloadStart, -4),
    });
    offset += totalBytes;
  }
  return messages;
}

function headersOf(bytes: Buffer): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let offset = 0; offset < bytes.length;) {
    const nameEnd = offset + 1 + bytes.readUInt8(offset);
    if (bytes.readUInt8(nameEnd) !== 7) throw new Error('a header is no string');
    const valueEnd = nameEnd + 3 + bytes.readUInt16BE(nameEnd + 1);
    headers[bytes.toString('utf8', offset + 1, nameEnd)] = bytes.toString('utf8', nameEnd + 3, valueEnd);
    offset = valueEnd;
  }
  return headers;
}
