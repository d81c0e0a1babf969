/** The tokens of an expression, taken one after another, and the errors of a parser that finds another one. */
import type { S3Error, S3ErrorCode } from '../s3/errors.js';
import type { Position } from './fault.js';
import { fault } from './fault.js';
import type { Token } from './lexer.js';
import { tokenize } from './lexer.js';

export class TokenStream {
  readonly #tokens: readonly Token[];
  #index = 0;

  constructor(source: string) {
    this.#tokens = tokenize(source);
  }

  get next(): Token {
    return this.peek(0);
  }

  peek(ahead: number): Token {
    const token = this.#tokens[Math.min(this.#index + ahead, this.#tokens.length - 1)];
    if (token === undefined) throw new Error('an expression has no end token');
    return token;
  }

  take(): Token {
    const token = this.next;
    this.#index += 1;
    return token;
  }

  isKeyword(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === 'keyword' && token.text === text;
  }

  isOperator(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === 'operator' && token.text === text;
  }

  /** A word that is reserved nowhere but where the grammar has it, such as LEADING. */
  isWord(text: string): boolean {
    const { kind, text: found } = this.next;
    return kind === 'identifier' && found.toUpperCase() === text;
  }

  takeKeyword(text: string): boolean {
    if (!this.isKeyword(text)) return false;
    this.#index += 1;
    return true;
  }

  takeOperator(text: string): boolean {
    if (!this.isOperator(text)) return false;
    this.#index += 1;
    return true;
  }

  expectKeyword(text: string, code: S3ErrorCode = 'ParseExpectedKeyword'): Position {
    if (!this.isKeyword(text)) throw this.unexpected(code, `expected ${text}, found `);
    return this.take().at;
  }

  expectOperator(text: string, code: S3ErrorCode = 'ParseExpectedTokenType'): Position {
    if (!this.isOperator(text)) throw this.unexpected(code, `expected ${text}, found `);
    return this.take().at;
  }

  /** The error for the next token. */
  unexpected(code: S3ErrorCode = 'ParseUnexpectedToken', introduction = ''): S3Error {
    const { kind, text, at } = this.next;
    return fault(code, at, `${introduction}${kind.toUpperCase()}:${text.slice(0, 100)}`);
  }
}
