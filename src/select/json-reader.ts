/**
 * Records of JSON: a value per line, or a document of values one after another. The elements of a list at the root of a document
 * are records of their own, so that a large list needs no more memory than its largest element.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_JSONInput.html
 */
import { fault } from './fault.js';
import { jsonFault, parseJson } from './json-exact.js';
import { MAX_RECORD_CHARS } from './types.js';
import type { Item } from './value.js';

export interface JsonRecord {
  readonly value: Item;
  /** As it stood in the object. */
  readonly text: string;
  /** Which element of the list at the root it is, from 0; null: it is a value at the root itself. */
  readonly index: number | null;
}

export interface JsonReader {
  /**
   * The records that end in this piece, to be taken before the next one comes.
   * @param last nothing comes after it
   * @throws S3Error JSONParsingError, OverMaxRecordSize
   */
  records(piece: string, last: boolean): Generator<JsonRecord, void, void>;
}

export class JsonLinesReader implements JsonReader {
  #rest = '';

  *records(piece: string, last: boolean): Generator<JsonRecord, void, void> {
    const text = this.#rest + piece;
    let start = 0;
    while (start < text.length) {
      const newline = text.indexOf('\n', start);
      if (newline < 0 && !last) break;
      const end = newline < 0 ? text.length : newline;
      checkLength(end - start);
      const line = text.slice(start, end).trim();
      start = end + 1;
      if (line !== '') yield { value: parseJson(line), text: line, index: null };
    }
    this.#rest = text.slice(start);
    checkLength(this.#rest.length);
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const LIST = 0x5b;
const LIST_END = 0x5d;
const OBJECT = 0x7b;
const OBJECT_END = 0x7d;

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

export class JsonDocumentReader implements JsonReader {
  #rest = '';
  /** How far `rest` has been looked at. */
  #seen = 0;
  /** Where the value begins that is not complete; -1: none has begun. */
  #start = -1;
  #depth = 0;
  #inString = false;
  /** The text ended with a backslash in a string. */
  #pendingEscape = false;
  /** null: not within a list at the root */
  #index: number | null = null;
  /** Within such a list: what may come. */
  #expected: 'element' | 'elementOrEnd' | 'commaOrEnd' = 'elementOrEnd';

  *records(piece: string, last: boolean): Generator<JsonRecord, void, void> {
    const text = this.#rest + piece;
    let index = this.#seen;
    while (index < text.length) {
      if (this.#inString) {
        index = this.#throughString(text, index);
        continue;
      }
      const code = text.charCodeAt(index);
      if (this.#start < 0) {
        if (!isSpace(code)) this.#begin(code, text, index);
        index += 1;
        continue;
      }
      const bracket = code === LIST || code === OBJECT || code === LIST_END || code === OBJECT_END;
      // A number or a word ends where something else begins.
      const bareEnd = this.#depth === 0 && (isSpace(code) || code === COMMA || code === QUOTE || bracket);
      if (bareEnd) {
        yield this.#record(text, index);
        continue;
      }
      if (code === QUOTE) this.#inString = true;
      else if (code === LIST || code === OBJECT) this.#depth += 1;
      else if (code === LIST_END || code === OBJECT_END) this.#depth -= 1;
      index += 1;
      if (this.#depth === 0 && (code === LIST_END || code === OBJECT_END)) yield this.#record(text, index);
    }
    if (last && this.#start >= 0 && this.#depth === 0 && !this.#inString) yield this.#record(text, text.length);
    if (last && (this.#start >= 0 || this.#index !== null)) throw jsonFault('the document ends too early');
    this.#keep(text);
  }

  /** The first character of a value, or what stands between the elements of a list at the root. */
  #begin(code: number, text: string, index: number): void {
    if (this.#index === null && code === LIST) {
      this.#index = 0;
      this.#expected = 'elementOrEnd';
      return;
    }
    if (this.#index !== null && (code === COMMA || code === LIST_END)) {
      const allowed = code === COMMA ? this.#expected === 'commaOrEnd' : this.#expected !== 'element';
      if (!allowed) throw jsonFault(text.slice(index, index + 60));
      if (code === COMMA) this.#expected = 'element';
      else this.#index = null;
      return;
    }
    if (this.#index !== null && this.#expected === 'commaOrEnd') throw jsonFault(text.slice(index, index + 60));
    if (code === OBJECT_END || code === LIST_END || code === COMMA) throw jsonFault(text.slice(index, index + 60));
    this.#start = index;
    if (code === QUOTE) this.#inString = true;
    else if (code === OBJECT || code === LIST) this.#depth = 1;
  }

  /** @returns the index after the string, or the end of the text */
  #throughString(text: string, from: number): number {
    for (let index = from; index < text.length; index += 1) {
      const code = text.charCodeAt(index);
      if (code === BACKSLASH) {
        // The escaped character is in the next piece: both are looked at together then.
        if (index + 1 >= text.length) {
          this.#pendingEscape = true;
          return text.length;
        }
        index += 1;
      } else if (code === QUOTE) {
        this.#inString = false;
        return index + 1;
      }
    }
    return text.length;
  }

  #record(text: string, end: number): JsonRecord {
    const content = text.slice(this.#start, end);
    checkLength(content.length);
    const index = this.#index;
    this.#start = -1;
    if (index !== null) {
      this.#index = index + 1;
      this.#expected = 'commaOrEnd';
    }
    return { value: parseJson(content), text: content, index };
  }

  #keep(text: string): void {
    if (this.#start < 0) {
      this.#rest = '';
      this.#seen = 0;
    } else {
      this.#rest = text.slice(this.#start);
      this.#start = 0;
      this.#seen = this.#rest.length - (this.#pendingEscape ? 1 : 0);
    }
    this.#pendingEscape = false;
    checkLength(this.#rest.length);
  }
}

function checkLength(chars: number): void {
  if (chars > MAX_RECORD_CHARS) throw fault('OverMaxRecordSize', null);
}
