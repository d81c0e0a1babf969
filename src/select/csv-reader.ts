/**
 * Records of CSV. Lines without quotes, which are most, are split as they are; others are read character by character.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CSVInput.html
 */
import { fault } from './fault.js';
import type { CsvInput } from './types.js';
import { MAX_RECORD_CHARS } from './types.js';

type Options = Omit<CsvInput, 'kind' | 'fileHeaderInfo'>;

export class CsvReader {
  readonly #options: Options;
  /** Text that belongs to a record which is not complete. */
  #rest = '';

  constructor(options: Options) {
    this.#options = options;
  }

  /**
   * The records that end in this piece, to be taken before the next one comes.
   * @param last nothing comes after it
   * @throws S3Error CSVEscapingRecordDelimiter, CSVUnescapedQuote, OverMaxRecordSize
   */
  *records(piece: string, last: boolean): Generator<string[], void, void> {
    const { recordDelimiter, fieldDelimiter, quoteCharacter, comments, allowQuotedRecordDelimiter } = this.#options;
    const text = this.#rest + piece;
    let start = 0;
    let nextQuote = quoteCharacter === '' ? Infinity : -1;
    while (start < text.length) {
      const delimiter = text.indexOf(recordDelimiter, start);
      if (delimiter < 0 && !last) break;
      const end = delimiter < 0 ? text.length : delimiter;
      const next = delimiter < 0 ? end : end + recordDelimiter.length;
      const isComment = comments !== '' && text.startsWith(comments, start);
      if (!isComment && nextQuote < start) {
        const found = text.indexOf(quoteCharacter, start);
        nextQuote = found < 0 ? Infinity : found;
      }
      if (isComment || nextQuote >= end) {
        const line = this.#line(text, start, end);
        start = next;
        if (isComment || line === '') continue;
        yield line.split(fieldDelimiter);
        continue;
      }
      const record = this.#quotedRecord(text, start, allowQuotedRecordDelimiter ? text.length : end);
      if (record === null) {
        if (!allowQuotedRecordDelimiter) throw fault('CSVEscapingRecordDelimiter', null);
        if (!last) break;
        throw fault('CSVUnescapedQuote', null, 'a quote is not closed');
      }
      if (record.end >= text.length && !last) break;
      checkLength(record.end - start);
      start = record.end + (text.startsWith(recordDelimiter, record.end) ? recordDelimiter.length : 0);
      yield record.fields;
    }
    this.#rest = text.slice(start);
    checkLength(this.#rest.length);
  }

  /** A line feed that ends lines may come with a carriage return. */
  #line(text: string, start: number, end: number): string {
    checkLength(end - start);
    const carriageReturn = this.#options.recordDelimiter === '\n' && end > start && text.charCodeAt(end - 1) === 0x0d;
    return text.slice(start, carriageReturn ? end - 1 : end);
  }

  /**
   * A record with quotes in it. null when a quote is open at the limit.
   * @param limit end of the record at the latest; the end of the text where delimiters may be quoted
   */
  #quotedRecord(text: string, start: number, limit: number): { fields: string[]; end: number } | null {
    const { recordDelimiter, fieldDelimiter, quoteCharacter } = this.#options;
    const fields: string[] = [];
    let index = start;
    // Where the next delimiter is, looked for once however many fields come before it.
    let delimiter = -1;
    for (;;) {
      if (text.startsWith(quoteCharacter, index) && index < limit) {
        const quoted = this.#quotedField(text, index + quoteCharacter.length, limit);
        if (quoted === null) return null;
        fields.push(quoted.value);
        index = quoted.end;
        // Less than a delimiter is left: the rest of it is in the next piece, or there is none.
        if (limit - index < recordDelimiter.length) return { fields, end: limit };
        if (text.startsWith(recordDelimiter, index)) return { fields, end: index };
        if (
          recordDelimiter === '\n' &&
          text.charCodeAt(index) === 0x0d &&
          (index + 1 === limit || text.startsWith('\n', index + 1))
        )
          return { fields, end: index + 1 };
        if (!text.startsWith(fieldDelimiter, index))
          throw fault('CSVUnescapedQuote', null, 'text follows a closing quote');
        index += fieldDelimiter.length;
        continue;
      }
      const field = text.indexOf(fieldDelimiter, index);
      if (delimiter < index) {
        const found = text.indexOf(recordDelimiter, index);
        delimiter = found < 0 ? Infinity : found;
      }
      const end = Math.min(limit, delimiter);
      if (field < 0 || field >= end) {
        const carriageReturn = recordDelimiter === '\n' && end > index && text.charCodeAt(end - 1) === 0x0d;
        fields.push(text.slice(index, carriageReturn ? end - 1 : end));
        return { fields, end };
      }
      fields.push(text.slice(index, field));
      index = field + fieldDelimiter.length;
    }
  }

  /** @param start after the opening quote */
  #quotedField(text: string, start: number, limit: number): { value: string; end: number } | null {
    const { quoteCharacter: quote, quoteEscapeCharacter: escape } = this.#options;
    let value = '';
    let from = start;
    for (;;) {
      const close = text.indexOf(quote, from);
      if (close < 0 || close >= limit) return null;
      if (escape !== quote && escape !== '') {
        const within = text.slice(from, close).indexOf(escape);
        if (within >= 0) {
          const escaped = from + within;
          const next = escaped + escape.length;
          const isEscape = text.startsWith(quote, next) || text.startsWith(escape, next);
          // Before anything else the escape character is itself.
          value += text.slice(from, escaped) + (isEscape ? text.charAt(next) : escape);
          from = isEscape ? next + 1 : next;
          continue;
        }
      } else if (text.startsWith(quote, close + quote.length)) {
        value += text.slice(from, close + quote.length);
        from = close + 2 * quote.length;
        continue;
      }
      value += text.slice(from, close);
      return { value, end: close + quote.length };
    }
  }
}

function checkLength(chars: number): void {
  if (chars > MAX_RECORD_CHARS) throw fault('OverMaxRecordSize', null);
}
