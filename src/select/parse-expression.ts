/**
 * Parses expressions, by precedence: OR, AND, NOT, comparisons (with IN, BETWEEN, LIKE, IS), ||, + and -, * and / and %, signs.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-operators.html
 */
import type { ArithmeticOperator, ComparisonOperator, Expression, Name, PathStep } from './ast.js';
import type { Position } from './fault.js';
import { fault } from './fault.js';
import { parseCall } from './parse-call.js';
import type { TokenStream } from './token-stream.js';
import { isNumeric } from './value.js';

/** How deep expressions nest: evaluating them nests as deep. */
const MAX_DEPTH = 250;

type Without<E> = E extends unknown ? Omit<E, 'depth'> : never;
export type NewExpression = Without<Expression>;

const COMPARISONS: ReadonlyMap<string, ComparisonOperator> = new Map([
  ['=', '='],
  ['<>', '<>'],
  ['!=', '<>'],
  ['<', '<'],
  ['<=', '<='],
  ['>', '>'],
  ['>=', '>='],
]);

/** The first path outside of aggregate functions, the first aggregate function. */
interface Seen {
  path?: Position;
  aggregate?: Position;
}

export class ExpressionParser {
  readonly tokens: TokenStream;
  #seen: Seen = {};
  #insideAggregate = false;
  #nesting = 0;

  constructor(tokens: TokenStream) {
    this.tokens = tokens;
  }

  /** @throws S3Error Parse..., MaxOperatorsExceeded, UnsupportedFunction, ... */
  expression(): Expression {
    this.#nesting += 1;
    if (this.#nesting > MAX_DEPTH) throw fault('MaxOperatorsExceeded', this.tokens.next.at);
    const parsed = this.#logical('or', 'OR', () => this.#logical('and', 'AND', () => this.#not()));
    this.#nesting -= 1;
    return parsed;
  }

  /** A node over `below`. */
  node(parts: NewExpression, ...below: readonly Expression[]): Expression {
    const depth = 1 + below.reduce((deepest, child) => Math.max(deepest, child.depth), 0);
    if (depth > MAX_DEPTH) throw fault('MaxOperatorsExceeded', parts.at);
    return { ...parts, depth };
  }

  /** What has been parsed since the last call. */
  takeSeen(): Readonly<Seen> {
    const seen = this.#seen;
    this.#seen = {};
    return seen;
  }

  /** At an aggregate function. @throws S3Error UnsupportedSqlStructure within another one */
  sawAggregate(at: Position): void {
    if (this.#insideAggregate) throw fault('UnsupportedSqlStructure', at, 'an aggregate function within another');
    this.#seen.aggregate ??= at;
  }

  /** The argument of an aggregate function. */
  aggregated(): Expression {
    this.#insideAggregate = true;
    const operand = this.expression();
    this.#insideAggregate = false;
    return operand;
  }

  #logical(kind: 'and' | 'or', keyword: string, operand: () => Expression): Expression {
    const first = operand();
    if (!this.tokens.isKeyword(keyword)) return first;
    const operands = [first];
    while (this.tokens.takeKeyword(keyword)) operands.push(operand());
    return this.node({ kind, operands, at: first.at }, ...operands);
  }

  #not(): Expression {
    const { at } = this.tokens.next;
    let negations = 0;
    while (this.tokens.takeKeyword('NOT')) negations += 1;
    let parsed = this.#comparison();
    for (; negations > 0; negations -= 1) parsed = this.node({ kind: 'not', operand: parsed, at }, parsed);
    return parsed;
  }

  #comparison(): Expression {
    let left = this.#concatenation();
    for (;;) {
      const { text, kind, at } = this.tokens.next;
      const operator = kind === 'operator' ? COMPARISONS.get(text) : undefined;
      if (operator !== undefined) {
        this.tokens.take();
        const right = this.#concatenation();
        left = this.node({ kind: 'compare', operator, operands: [left, right], at }, left, right);
        continue;
      }
      const predicate = this.#predicate(left);
      if (predicate === null) return left;
      left = predicate;
    }
  }

  /** IS, [NOT] IN, BETWEEN, LIKE; null when none of them follows. */
  #predicate(operand: Expression): Expression | null {
    const { tokens } = this;
    const { at } = tokens.next;
    if (tokens.takeKeyword('IS')) {
      const negated = tokens.takeKeyword('NOT');
      const what = (['NULL', 'MISSING', 'TRUE', 'FALSE'] as const).find((word) => tokens.takeKeyword(word));
      if (what === undefined) throw tokens.unexpected('ParseExpectedKeyword', 'expected NULL or MISSING, found ');
      return this.#negatedIf(negated, this.node({ kind: 'is', operand, what, at }, operand));
    }
    const negated = tokens.isKeyword('NOT');
    const ahead = negated ? 1 : 0;
    const word = (['IN', 'BETWEEN', 'LIKE'] as const).find((candidate) => tokens.isKeyword(candidate, ahead));
    if (word === undefined) return null;
    for (let taken = 0; taken <= ahead; taken += 1) tokens.take();
    const found =
      word === 'IN' ? this.#in(operand, at) : word === 'LIKE' ? this.#like(operand, at) : this.#between(operand, at);
    return this.#negatedIf(negated, found);
  }

  #negatedIf(negated: boolean, operand: Expression): Expression {
    return negated ? this.node({ kind: 'not', operand, at: operand.at }, operand) : operand;
  }

  #in(operand: Expression, at: Position): Expression {
    const { tokens } = this;
    if (!tokens.isOperator('(') && !tokens.isOperator('[')) {
      const list = this.#concatenation();
      if (list.kind !== 'path') throw fault('ParseExpectedLeftParenValueConstructor', list.at);
      return this.node({ kind: 'in', operand, list, at }, operand, list);
    }
    const close = tokens.take().text === '(' ? ')' : ']';
    if (tokens.isKeyword('SELECT')) throw tokens.unexpected('ParseUnsupportedSelect', 'subqueries are not supported, ');
    const list = [this.expression()];
    while (tokens.takeOperator(',')) list.push(this.expression());
    tokens.expectOperator(close, 'ParseExpectedArgumentDelimiter');
    return this.node({ kind: 'in', operand, list, at }, operand, ...list);
  }

  #between(operand: Expression, at: Position): Expression {
    const low = this.#concatenation();
    this.tokens.expectKeyword('AND');
    const high = this.#concatenation();
    return this.node({ kind: 'between', operand, low, high, at }, operand, low, high);
  }

  #like(operand: Expression, at: Position): Expression {
    const pattern = this.#concatenation();
    const escape = this.tokens.takeKeyword('ESCAPE') ? this.#concatenation() : null;
    return this.node(
      { kind: 'like', operand, pattern, escape, at },
      operand,
      pattern,
      ...(escape === null ? [] : [escape]),
    );
  }

  #concatenation(): Expression {
    return this.#chain(['||'], () => this.#sum());
  }

  #sum(): Expression {
    return this.#chain(['+', '-'], () => this.#product());
  }

  #product(): Expression {
    return this.#chain(['*', '/', '%'], () => this.#signed());
  }

  #chain(operators: readonly string[], operand: () => Expression): Expression {
    let left = operand();
    for (;;) {
      const { kind, text, at } = this.tokens.next;
      if (kind !== 'operator' || !operators.includes(text)) return left;
      this.tokens.take();
      const right = operand();
      left =
        text === '||'
          ? this.node({ kind: 'concatenate', operands: [left, right], at }, left, right)
          : this.node(
              { kind: 'arithmetic', operator: text as ArithmeticOperator, operands: [left, right], at },
              left,
              right,
            );
    }
  }

  #signed(): Expression {
    const { tokens } = this;
    const { at } = tokens.next;
    let negative = false;
    let signs = 0;
    for (; tokens.isOperator('-') || tokens.isOperator('+'); signs += 1)
      if (tokens.take().text === '-') negative = !negative;
    const operand = this.#primary();
    if (signs === 0) return operand;
    if (operand.kind === 'literal' && isNumeric(operand.value)) {
      if (!negative) return operand;
      const { value } = operand;
      return { ...operand, value: typeof value === 'object' ? value.negated : -value };
    }
    const once = this.node({ kind: 'negate', operand, at }, operand);
    return negative ? once : this.node({ kind: 'negate', operand: once, at }, once);
  }

  #primary(): Expression {
    const { tokens } = this;
    const token = tokens.next;
    const { at, text } = token;
    switch (token.kind) {
      case 'string':
      case 'number':
      case 'ion':
        tokens.take();
        return this.node({ kind: 'literal', value: token.value, at });
      case 'identifier':
        if (tokens.isOperator('(', 1)) return parseCall(this);
        return this.#path();
      case 'quoted':
        return this.#path();
      case 'keyword':
        return this.#keyword(text, at);
      case 'operator':
        if (text === '(') {
          tokens.take();
          if (tokens.isKeyword('SELECT'))
            throw tokens.unexpected('ParseUnsupportedSelect', 'subqueries are not supported, ');
          const inner = this.expression();
          tokens.expectOperator(')');
          return inner;
        }
        throw tokens.unexpected('ParseExpectedExpression', 'found ');
      case 'end':
        throw tokens.unexpected('ParseExpectedExpression', 'found ');
    }
  }

  #keyword(text: string, at: Position): Expression {
    switch (text) {
      case 'TRUE':
      case 'FALSE':
        this.tokens.take();
        return this.node({ kind: 'literal', value: text === 'TRUE', at });
      case 'NULL':
      case 'MISSING':
        this.tokens.take();
        return this.node({ kind: 'literal', value: text === 'NULL' ? null : undefined, at });
      case 'CASE':
        return this.#case();
      case 'CAST':
        return parseCall(this);
      default:
        throw this.tokens.unexpected('ParseUnExpectedKeyword');
    }
  }

  #case(): Expression {
    const { tokens } = this;
    const { at } = tokens.take();
    const subject = tokens.isKeyword('WHEN') ? null : this.expression();
    const branches: { when: Expression; then: Expression }[] = [];
    while (tokens.takeKeyword('WHEN')) {
      const when = this.expression();
      tokens.expectKeyword('THEN');
      branches.push({ when, then: this.expression() });
    }
    if (branches.length === 0) throw tokens.unexpected('ParseExpectedWhenClause', 'found ');
    const otherwise = tokens.takeKeyword('ELSE') ? this.expression() : null;
    tokens.expectKeyword('END');
    const below = [subject, otherwise, ...branches.flatMap(({ when, then }) => [when, then])];
    return this.node({ kind: 'case', subject, branches, otherwise, at }, ...below.filter((child) => child !== null));
  }

  #path(): Expression {
    const { at } = this.tokens.next;
    if (!this.#insideAggregate) this.#seen.path ??= at;
    const root = nameOf(this.tokens);
    const steps = pathSteps(this.tokens);
    if (steps.some(({ kind }) => kind === 'elements' || kind === 'values'))
      throw fault('ParseInvalidContextForWildcardInSelectList', at);
    return this.node({ kind: 'path', root, steps, at });
  }
}

/** A name, quoted or not. @throws S3Error ParseInvalidPathComponent */
export function nameOf(tokens: TokenStream): Name {
  const { kind, text } = tokens.next;
  if (kind !== 'identifier' && kind !== 'quoted') throw tokens.unexpected('ParseInvalidPathComponent');
  tokens.take();
  return { text, quoted: kind === 'quoted' };
}

/** `.name`, `['name']`, `[1]`, `[*]`, `.*`, as many as there are. */
export function pathSteps(tokens: TokenStream): PathStep[] {
  const steps: PathStep[] = [];
  for (;;) {
    if (tokens.takeOperator('.')) {
      steps.push(tokens.takeOperator('*') ? { kind: 'values' } : { kind: 'name', name: nameOf(tokens) });
    } else if (tokens.takeOperator('[')) {
      const { kind, text, value } = tokens.next;
      if (kind === 'string') steps.push({ kind: 'name', name: { text, quoted: true } });
      else if (kind === 'number' && typeof value === 'bigint') steps.push({ kind: 'index', index: Number(value) });
      else if (tokens.isOperator('*')) steps.push({ kind: 'elements' });
      else throw tokens.unexpected('ParseInvalidPathComponent');
      tokens.take();
      tokens.expectOperator(']', 'ParseInvalidPathComponent');
    } else return steps;
  }
}
