/** Where a JSON document is broken. Browsers word and place this differently, so it is found here. */

export interface JsonFault {
  readonly message: string;
  /** both from 1 */
  readonly line: number;
  readonly column: number;
}

/** null: it is JSON */
export function jsonFault(text: string): JsonFault | null {
  const scanner = new Scanner(text);
  const message = scanner.document();
  if (message === null) return null;
  const before = text.slice(0, scanner.at).split('\n');
  return { message, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

const NUMBER = /-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const STRING = /"([^"\\\u0000-\u001f]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /(true|false|null)(?![a-zA-Z0-9_])/y;

/** Its methods answer what is wrong at `at`, or null. */
class Scanner {
  at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  document(): string | null {
    const fault = this.#value();
    if (fault !== null) return fault;
    this.#space();
    return this.at < this.#text.length ? 'nothing may follow the document' : null;
  }

  #value(): string | null {
    this.#space();
    const next = this.#text.charAt(this.at);
    if (next === '{') return this.#members('}', () => this.#member());
    if (next === '[') return this.#members(']', () => this.#value());
    if (next === '"') return this.#string();
    if (this.#take(NUMBER) || this.#take(WORD)) return null;
    return next === '' ? 'the document ends too early' : 'a value is expected here';
  }

  #member(): string | null {
    this.#space();
    if (this.#text.charAt(this.at) !== '"') return 'a name in double quotes is expected here';
    const fault = this.#string();
    if (fault !== null) return fault;
    this.#space();
    if (this.#text.charAt(this.at) !== ':') return "':' is expected here";
    this.at++;
    return this.#value();
  }

  #members(end: string, member: () => string | null): string | null {
    this.at++;
    this.#space();
    if (this.#text.charAt(this.at) === end) {
      this.at++;
      return null;
    }
    for (;;) {
      const fault = member();
      if (fault !== null) return fault;
      this.#space();
      const next = this.#text.charAt(this.at);
      if (next !== ',' && next !== end)
        return next === '' ? `the document ends too early: '${end}' is missing` : `',' or '${end}' is expected here`;
      this.at++;
      if (next === end) return null;
    }
  }

  #string(): string | null {
    return this.#take(STRING) ? null : 'this string is not closed, or has a character that must be escaped';
  }

  #space(): void {
    while (' \t\r\n'.includes(this.#text.charAt(this.at)) && this.at < this.#text.length) this.at++;
  }

  #take(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.#text);
    if (found === null) return false;
    this.at += found[0].length;
    return true;
  }
}
