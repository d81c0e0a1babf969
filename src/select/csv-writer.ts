/** Records of results as CSV. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CSVOutput.html */
import { fault } from './fault.js';
import { jsonText } from './json-writer.js';
import { scalarText } from './cast.js';
import type { CsvOutput } from './types.js';
import { MAX_RECORD_CHARS } from './types.js';
import type { Value } from './value.js';

export class CsvWriter {
  readonly #options: CsvOutput;
  readonly #special: RegExp;

  constructor(options: CsvOutput) {
    this.#options = options;
    const special = [options.fieldDelimiter, options.quoteCharacter, options.recordDelimiter, '\r', '\n'];
    const alternatives = special
      .filter((text) => text !== '')
      .map((text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&'));
    this.#special = new RegExp(alternatives.join('|'));
  }

  /** With the delimiter at its end. @throws S3Error OverMaxRecordSize */
  record(values: readonly Value[]): string {
    const { fieldDelimiter, recordDelimiter } = this.#options;
    let text = '';
    for (let index = 0; index < values.length; index += 1) {
      if (index > 0) text += fieldDelimiter;
      text += this.#field(values[index]);
      if (text.length > MAX_RECORD_CHARS) throw fault('OverMaxRecordSize', null);
    }
    return text + recordDelimiter;
  }

  #field(value: Value): string {
    const text = value === null || value === undefined ? '' : (scalarText(value) ?? jsonText(value));
    const { quoteFields, quoteCharacter: quote, quoteEscapeCharacter: escape } = this.#options;
    if (quote === '' || (quoteFields === 'ASNEEDED' && !this.#special.test(text))) return text;
    let escaped = text;
    // The escape character itself is escaped too, or it could not be told from one that escapes.
    if (escape !== quote && escape !== '') escaped = escaped.replaceAll(escape, escape + escape);
    return quote + escaped.replaceAll(quote, escape + quote) + quote;
  }
}
