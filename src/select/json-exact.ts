/**
 * JSON with the numbers that doubles cannot hold: JSON.parse does all others, ten times as fast. A text is first looked at for
 * numbers that are too long.
 */
import { fault } from './fault.js';
import type { Item } from './value.js';
import { parseNumeric } from './value.js';

const MAX_DEPTH = 500;
/** Sixteen digits, or an exponent of three: more than a double is sure to hold. */
const LONG_NUMBER = /[\d.]{16}|\d[eE][+-]?\d{3}/;

/** @throws S3Error JSONParsingError */
export function parseJson(text: string): Item {
  if (LONG_NUMBER.test(text)) return new ExactParser(text).parse();
  try {
    return JSON.parse(text) as Item;
  } catch {
    throw jsonFault(text.slice(0, 60));
  }
}

export function jsonFault(what: string): Error {
  return fault('JSONParsingError', null, JSON.stringify(what));
}

const SPACE = /[ \t\r\n]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\.)*"/y;
const WORD = /true|false|null/y;
const WORDS: ReadonlyMap<string, Item> = new Map<string, Item>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

class ExactParser {
  readonly #text: string;
  #index = 0;

  constructor(text: string) {
    this.#text = text;
  }

  parse(): Item {
    const value = this.#value(0);
    this.#take(SPACE);
    if (this.#index < this.#text.length) throw this.#fault();
    return value;
  }

  #value(depth: number): Item {
    if (depth > MAX_DEPTH) throw this.#fault();
    this.#take(SPACE);
    switch (this.#text.charAt(this.#index)) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#list(depth);
      case '"':
        return this.#string();
      default: {
        const word = this.#take(WORD);
        if (word !== null) return WORDS.get(word) ?? null;
        const number = this.#take(NUMBER);
        const value = number === null ? null : parseNumeric(number);
        if (value === null) throw this.#fault();
        return value;
      }
    }
  }

  #object(depth: number): Item {
    const entries: [string, Item][] = [];
    this.#index += 1;
    if (this.#next('}')) return {};
    do {
      this.#take(SPACE);
      const name = this.#string();
      if (!this.#next(':')) throw this.#fault();
      entries.push([name, this.#value(depth + 1)]);
    } while (this.#next(','));
    if (!this.#next('}')) throw this.#fault();
    return Object.fromEntries(entries);
  }

  #list(depth: number): Item {
    const items: Item[] = [];
    this.#index += 1;
    if (this.#next(']')) return items;
    do items.push(this.#value(depth + 1));
    while (this.#next(','));
    if (!this.#next(']')) throw this.#fault();
    return items;
  }

  #string(): string {
    const literal = this.#take(STRING);
    if (literal === null) throw this.#fault();
    try {
      return JSON.parse(literal) as string;
    } catch {
      throw this.#fault();
    }
  }

  /** Takes a character and the space before it, if that is what follows. */
  #next(character: string): boolean {
    this.#take(SPACE);
    if (this.#text.charAt(this.#index) !== character) return false;
    this.#index += 1;
    return true;
  }

  #take(pattern: RegExp): string | null {
    pattern.lastIndex = this.#index;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) return null;
    this.#index += found.length;
    return found;
  }

  #fault(): Error {
    return jsonFault(this.#text.slice(this.#index, this.#index + 60));
  }
}
