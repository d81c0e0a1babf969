/**
 * Reads what Clojure's printer writes: the original Pithos keeps ACLs and CORS rules as printed data. Values only: no tags, no
 * metadata, nothing that is evaluated. Pure.
 */

export interface Keyword {
  /** without the colon */
  readonly keyword: string;
}

export type Edn = null | boolean | number | string | Keyword | readonly Edn[] | EdnMap;

/** Keys are keywords (without the colon) or strings. */
export interface EdnMap {
  readonly entries: ReadonlyMap<string, Edn>;
}

export class EdnError extends Error {
  override readonly name = 'EdnError';
}

/** Deeper than anything the original writes; a text cannot exhaust the stack. */
const MAX_DEPTH = 32;

const CLOSING: Readonly<Record<string, string>> = { '[': ']', '(': ')', '{': '}', '#{': '}' };
const TOKEN = /[^\s,"()[\]{};]+/y;
const SPACE = /(?:[\s,]|;[^\n]*)*/y;
const STRING = /"((?:[^"\\]|\\[\s\S])*)"/y;
const ESCAPE = /\\(?:u([0-9a-fA-F]{4})|([0-3]?[0-7]{1,2})|([\s\S]))/g;
const ESCAPED: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  '"': '"',
  '\\': '\\',
};

/** Lists, vectors and sets come as arrays. @throws EdnError */
export function parseEdn(text: string): Edn {
  const reader = new Reader(text);
  const value = reader.value(0);
  reader.end();
  return value;
}

export function isKeyword(value: Edn): value is Keyword {
  return typeof value === 'object' && value !== null && 'keyword' in value;
}

export function isMap(value: Edn): value is EdnMap {
  return typeof value === 'object' && value !== null && 'entries' in value && value.entries instanceof Map;
}

/** A string, or the name of a keyword; null for everything else. */
export function nameOf(value: Edn | undefined): string | null {
  if (typeof value === 'string') return value;
  return value !== undefined && isKeyword(value) ? value.keyword : null;
}

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): Edn {
    if (depth > MAX_DEPTH) throw new EdnError(`more than ${MAX_DEPTH} levels`);
    this.#match(SPACE);
    const opening = this.#text.startsWith('#{', this.#at) ? '#{' : (this.#text[this.#at] ?? '');
    if (opening === '"') return this.#string();
    const closing = CLOSING[opening];
    if (closing === undefined) return this.#atom();
    this.#at += opening.length;
    const items = this.#items(closing, depth);
    return opening === '{' ? mapOf(items) : items;
  }

  end(): void {
    this.#match(SPACE);
    if (this.#at < this.#text.length) throw new EdnError(`more text at character ${this.#at}`);
  }

  #items(closing: string, depth: number): Edn[] {
    const items: Edn[] = [];
    for (;;) {
      this.#match(SPACE);
      if (this.#text[this.#at] === closing) {
        this.#at += 1;
        return items;
      }
      items.push(this.value(depth + 1));
    }
  }

  #string(): string {
    const found = this.#match(STRING);
    if (found === null) throw new EdnError(`a text that does not end at character ${this.#at}`);
    return (found[1] ?? '').replace(ESCAPE, (whole, unicode?: string, octal?: string, letter?: string) => {
      if (unicode !== undefined) return String.fromCharCode(Number.parseInt(unicode, 16));
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
      const plain = ESCAPED[letter ?? ''];
      if (plain === undefined) throw new EdnError(`unknown escape ${whole}`);
      return plain;
    });
  }

  #atom(): Edn {
    const token = this.#match(TOKEN)?.[0];
    if (token === undefined) throw new EdnError(`nothing readable at character ${this.#at}`);
    if (token === 'nil') return null;
    if (token === 'true' || token === 'false') return token === 'true';
    if (/^:[^:]/.test(token)) return { keyword: token.slice(1) };
    if (/^[+-]?\d+(?:\.\d+)?$/.test(token)) return Number(token);
    throw new EdnError(`unknown value ${token.slice(0, 40)}`);
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found !== null) this.#at = pattern.lastIndex;
    return found;
  }
}

function mapOf(items: readonly Edn[]): EdnMap {
  if (items.length % 2 !== 0) throw new EdnError('a map with a key that has no value');
  const entries = new Map<string, Edn>();
  for (let i = 0; i < items.length; i += 2) {
    const name = nameOf(items[i]);
    if (name === null) throw new EdnError('a map with a key that is neither keyword nor text');
    entries.set(name, items[i + 1] ?? null);
  }
  return { entries };
}
