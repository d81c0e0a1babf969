/** Cuts a SQL expression into tokens. https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference.html */
import type { Position } from './fault.js';
import { fault } from './fault.js';
import { Timestamp } from './timestamp.js';
import type { Value } from './value.js';
import { parseNumeric } from './value.js';

export interface Token {
  /** quoted: an identifier in double quotes, whose case counts; ion: a literal in backticks */
  readonly kind: 'identifier' | 'quoted' | 'keyword' | 'string' | 'number' | 'ion' | 'operator' | 'end';
  /** Keywords in upper case, identifiers as written, strings unquoted. */
  readonly text: string;
  /** of literals */
  readonly value?: Value;
  readonly at: Position;
}

/**
 * Words that cannot be names without double quotes. AWS reserves some 270; those that mean nothing in this grammar are let
 * through, so that `s.date` needs no quotes.
 */
const KEYWORDS: ReadonlySet<string> = new Set(
  `ALL AND AS BETWEEN CASE CAST DISTINCT ELSE END ESCAPE EXCEPT FALSE FROM GROUP HAVING IN INTERSECT IS JOIN LIKE LIMIT MISSING
  NOT NULL OR ORDER SELECT THEN TRUE UNION WHEN WHERE`.split(/\s+/),
);

const WORD = /[\p{L}_][\p{L}\p{N}_$]*/uy;
const NUMBER = /(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?/y;
const SPACE = /(?:\s+|--[^\n]*|\/\*[^]*?\*\/)+/y;
const OPERATOR = /<>|<=|>=|!=|\|\||[-+*/%=<>(),.[\]]/y;

/** The tokens, an end token last. @throws S3Error LexerInvalidChar, LexerInvalidLiteral, LexerInvalidIONLiteral */
export function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  const positions = new Positions(source);
  let offset = 0;
  const take = (pattern: RegExp): string | null => {
    pattern.lastIndex = offset;
    const found = pattern.exec(source)?.[0];
    if (found === undefined) return null;
    offset += found.length;
    return found;
  };
  for (;;) {
    take(SPACE);
    const at = positions.at(offset);
    const first = source.charAt(offset);
    if (first === '') return [...tokens, { kind: 'end', text: 'EOF', at }];
    if (first === "'" || first === '"' || first === '`') {
      const text = quotedText(source, offset, at);
      offset += text.sourceLength;
      tokens.push(quotedToken(first, text.content, at));
      continue;
    }
    const number = take(NUMBER);
    if (number !== null) {
      const value = parseNumeric(number);
      if (value === null || /[\p{L}_]/u.test(source.charAt(offset))) throw fault('LexerInvalidLiteral', at, number);
      tokens.push({ kind: 'number', text: number, value, at });
      continue;
    }
    const word = take(WORD);
    if (word !== null) {
      const upper = word.toUpperCase();
      tokens.push(KEYWORDS.has(upper) ? { kind: 'keyword', text: upper, at } : { kind: 'identifier', text: word, at });
      continue;
    }
    const operator = take(OPERATOR);
    if (operator === null)
      throw fault(first === '!' || first === '|' ? 'LexerInvalidOperator' : 'LexerInvalidChar', at, first);
    tokens.push({ kind: 'operator', text: operator, at });
  }
}

function quotedText(source: string, start: number, at: Position): { content: string; sourceLength: number } {
  const quote = source.charAt(start);
  let content = '';
  let from = start + 1;
  for (;;) {
    const end = source.indexOf(quote, from);
    if (end < 0)
      throw fault(quote === '`' ? 'LexerInvalidIONLiteral' : 'LexerInvalidLiteral', at, `${quote} is not closed`);
    content += source.slice(from, end);
    // A quote within is doubled.
    if (quote === '`' || source.charAt(end + 1) !== quote) return { content, sourceLength: end + 1 - start };
    content += quote;
    from = end + 2;
  }
}

function quotedToken(quote: string, text: string, at: Position): Token {
  if (quote === "'") return { kind: 'string', text, value: text, at };
  if (quote === '"') {
    if (text === '') throw fault('LexerInvalidLiteral', at, 'a name is empty');
    return { kind: 'quoted', text, at };
  }
  const value = ionValue(text.trim());
  if (value === undefined) throw fault('LexerInvalidIONLiteral', at, text.slice(0, 100));
  return { kind: 'ion', text, value, at };
}

/** Scalars of Ion: timestamps, numbers, true, false, null, strings in double quotes. */
function ionValue(text: string): Value {
  if (text === 'true' || text === 'false') return text === 'true';
  if (text === 'null') return null;
  if (/^"([^"\\]|\\.)*"$/.test(text)) {
    try {
      return JSON.parse(text) as string;
    } catch {
      return undefined;
    }
  }
  const timestamp = Timestamp.parse(text) ?? (/^\d{4}-\d{2}-\d{2}$/.test(text) ? Timestamp.parse(`${text}T`) : null);
  return timestamp ?? parseNumeric(text.replace(/[dD](?=[+-]?\d+$)/, 'e')) ?? undefined;
}

/** Line and column of offsets that only grow. */
class Positions {
  readonly #source: string;
  #offset = 0;
  #line = 1;
  #lineStart = 0;

  constructor(source: string) {
    this.#source = source;
  }

  at(offset: number): Position {
    for (;;) {
      const newline = this.#source.indexOf('\n', this.#offset);
      if (newline < 0 || newline >= offset) break;
      this.#line += 1;
      this.#lineStart = newline + 1;
      this.#offset = newline + 1;
    }
    return { line: this.#line, column: offset - this.#lineStart + 1 };
  }
}
