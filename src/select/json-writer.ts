/** Records of results as JSON, an object each. https://docs.aws.amazon.com/AmazonS3/latest/API/API_JSONOutput.html */
import { Decimal } from './decimal.js';
import { fault } from './fault.js';
import { Timestamp } from './timestamp.js';
import type { JsonOutput } from './types.js';
import { MAX_RECORD_CHARS } from './types.js';
import type { Item, Value } from './value.js';
import { isList } from './value.js';

const MAX_DEPTH = 500;

export class JsonWriter {
  readonly #options: JsonOutput;
  /** Names of columns as they are written, by position. */
  readonly #names: string[] = [];

  constructor(options: JsonOutput) {
    this.#options = options;
  }

  /** Of columns; MISSING ones are left out. With the delimiter at its end. @throws S3Error OverMaxRecordSize */
  record(names: readonly string[], values: readonly Value[]): string {
    let text = '{';
    for (let index = 0; index < values.length; index += 1) {
      const value = values[index];
      if (value === undefined) continue;
      text += (text === '{' ? '' : ',') + this.#name(names, index) + jsonText(value);
      if (text.length > MAX_RECORD_CHARS) throw fault('OverMaxRecordSize', null);
    }
    return `${text}}${this.#options.recordDelimiter}`;
  }

  #name(names: readonly string[], index: number): string {
    // A result has the same names in all of its records; those of CSV without a name are their positions.
    const name = names[index] ?? `_${index + 1}`;
    const known = this.#names[index];
    const quoted = JSON.stringify(name);
    if (known?.length === quoted.length + 1 && known.startsWith(quoted)) return known;
    const written = `${quoted}:`;
    this.#names[index] = written;
    return written;
  }
}

/** @throws S3Error JSONParsingError when it nests too deep */
export function jsonText(item: Item, depth = 0): string {
  if (item === null) return 'null';
  switch (typeof item) {
    case 'string':
      return JSON.stringify(item);
    case 'boolean':
    case 'bigint':
      return String(item);
    case 'number':
      return Number.isFinite(item) ? String(item) : 'null';
    case 'object':
      break;
  }
  if (item instanceof Decimal) return item.toString();
  if (item instanceof Timestamp) return JSON.stringify(item.toString());
  if (depth > MAX_DEPTH) throw fault('JSONParsingError', null, 'a value nests too deep');
  if (isList(item)) return `[${item.map((element) => jsonText(element, depth + 1)).join(',')}]`;
  const entries = Object.entries(item as Readonly<Record<string, Item>>);
  return `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${jsonText(value, depth + 1)}`).join(',')}}`;
}
