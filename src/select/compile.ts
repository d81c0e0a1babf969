/**
 * Makes functions of expressions, once per query. Three-valued logic: NULL where an operand is NULL, MISSING where one is
 * MISSING; AND, OR and WHERE take both for unknown.
 */
import type { Expression, Statement } from './ast.js';
import type { Accumulator } from './aggregates.js';
import { accumulator } from './aggregates.js';
import { castValue, scalarText } from './cast.js';
import type { Untyped } from './compare.js';
import { compareValues } from './compare.js';
import { compileCall, compileDates, compileTrim } from './compile-functions.js';
import type { Position } from './fault.js';
import { fault } from './fault.js';
import type { Matcher } from './like.js';
import { likeMatcher } from './like.js';
import { calculate, negate } from './numbers.js';
import type { Evaluate, Schema } from './schema.js';
import { accessOf } from './schema.js';
import type { Numeric, Row, Value } from './value.js';
import { isList, isNumeric, numberOfJson, parseNumeric, typeName } from './value.js';
import type { Work } from './work.js';
import { MAX_COLUMN_CHARS } from './work.js';

export interface Compiled {
  readonly evaluate: Evaluate;
  /** Yields text of CSV that no function has touched. */
  readonly untyped: boolean;
}

export interface CompileOptions {
  readonly statement: Pick<Statement, 'alias' | 'path'>;
  readonly schema: Schema;
  readonly work: Work;
  /** ms since the epoch, for UTCNOW */
  readonly nowMs: number;
}

type Of<Kind extends Expression['kind']> = Extract<Expression, { kind: Kind }>;

const TYPED = { left: false, right: false };

export class Compiler {
  readonly options: CompileOptions;
  /** Columns that are read; null: all of them. */
  readonly columns = new Set<number>();
  readonly #accumulators: { readonly operand: Evaluate | null; readonly accumulator: Accumulator }[] = [];

  constructor(options: CompileOptions) {
    this.options = options;
  }

  /** Adds a record to the aggregate functions. */
  aggregate(row: Row): void {
    for (const { operand, accumulator } of this.#accumulators) accumulator.add(operand === null ? true : operand(row));
  }

  evaluate(expression: Expression): Evaluate {
    return this.compile(expression).evaluate;
  }

  /** @throws S3Error for names that lead nowhere and arguments that are wrong whatever the record */
  compile(expression: Expression): Compiled {
    if (expression.kind === 'path') {
      const access = accessOf(expression, this.options.statement, this.options.schema);
      if (access.column !== null) this.columns.add(access.column);
      return access;
    }
    return { evaluate: this.#function(expression), untyped: false };
  }

  #function(expression: Exclude<Expression, { kind: 'path' }>): Evaluate {
    switch (expression.kind) {
      case 'literal': {
        const { value } = expression;
        return () => value;
      }
      case 'compare':
        return this.#compare(expression);
      case 'arithmetic':
        return this.#arithmetic(expression);
      case 'concatenate':
        return this.#concatenate(expression);
      case 'negate': {
        const operand = this.compile(expression.operand);
        return (row) => {
          const value = numberIn(operand.evaluate(row), operand.untyped, expression.at);
          return value === null || value === undefined ? value : negate(value, expression.at);
        };
      }
      case 'not': {
        const operand = this.evaluate(expression.operand);
        return (row) => {
          const value = operand(row);
          return typeof value === 'boolean' ? !value : value === undefined ? undefined : null;
        };
      }
      case 'and':
        return this.#logical(expression.operands, false);
      case 'or':
        return this.#logical(expression.operands, true);
      case 'between':
        return this.#between(expression);
      case 'in':
        return this.#in(expression);
      case 'like':
        return this.#like(expression);
      case 'is':
        return this.#is(expression);
      case 'case':
        return this.#case(expression);
      case 'cast': {
        const operand = this.evaluate(expression.operand);
        return (row) => castValue(operand(row), expression.type, expression.at);
      }
      case 'call':
        return compileCall(this, expression);
      case 'trim':
        return compileTrim(this, expression);
      case 'dateAdd':
      case 'dateDiff':
      case 'extract':
        return compileDates(this, expression);
      case 'aggregate':
        return this.#aggregate(expression);
    }
  }

  #compare({ operator, operands }: Of<'compare'>): Evaluate {
    const left = this.compile(operands[0]);
    const right = this.compile(operands[1]);
    const untyped: Untyped = { left: left.untyped, right: right.untyped };
    return (row) => compareValues(operator, left.evaluate(row), right.evaluate(row), untyped);
  }

  #arithmetic({ operator, operands, at }: Of<'arithmetic'>): Evaluate {
    const left = this.compile(operands[0]);
    const right = this.compile(operands[1]);
    return (row) => {
      const first = numberIn(left.evaluate(row), left.untyped, at);
      const second = numberIn(right.evaluate(row), right.untyped, at);
      if (first === undefined || second === undefined) return undefined;
      return first === null || second === null ? null : calculate(operator, first, second, at);
    };
  }

  #concatenate({ operands, at }: Of<'concatenate'>): Evaluate {
    const [left, right] = operands.map((operand) => this.evaluate(operand));
    return (row) => {
      const first = left?.(row);
      const second = right?.(row);
      if (first === undefined || second === undefined) return undefined;
      if (first === null || second === null) return null;
      const start = scalarText(first);
      const end = scalarText(second);
      if (start === null || end === null)
        throw fault('IncorrectSqlFunctionArgumentType', at, `|| of ${typeName(start === null ? first : second)}`);
      if (start.length + end.length > MAX_COLUMN_CHARS) throw fault('ColumnTooLong', at);
      this.options.work.charge(start.length + end.length);
      return start + end;
    };
  }

  /** @param decisive the truth value that settles it, whatever the other operands are */
  #logical(operands: readonly Expression[], decisive: boolean): Evaluate {
    const conditions = operands.map((operand) => this.evaluate(operand));
    return (row) => {
      let unknown = false;
      for (const condition of conditions) {
        const value = condition(row);
        if (value === decisive) return decisive;
        if (value !== !decisive) unknown = true;
      }
      return unknown ? null : !decisive;
    };
  }

  #between({ operand, low, high }: Of<'between'>): Evaluate {
    const value = this.compile(operand);
    const from = this.compile(low);
    const to = this.compile(high);
    const untypedLow: Untyped = { left: value.untyped, right: from.untyped };
    const untypedHigh: Untyped = { left: value.untyped, right: to.untyped };
    return (row) => {
      const found = value.evaluate(row);
      const above = compareValues('>=', found, from.evaluate(row), untypedLow);
      if (above === false) return false;
      const below = compareValues('<=', found, to.evaluate(row), untypedHigh);
      if (below === false) return false;
      return above === true && below === true ? true : null;
    };
  }

  #in({ operand, list }: Of<'in'>): Evaluate {
    const value = this.compile(operand);
    const { work } = this.options;
    if (!Array.isArray(list)) return this.#inList(value, list as Expression);
    const literals = textLiterals(list as readonly Expression[]);
    const items = (list as readonly Expression[]).map((item) => this.compile(item));
    return (row) => {
      const found = value.evaluate(row);
      if (found === null || found === undefined) return found;
      if (literals !== null && typeof found === 'string') return literals.has(found);
      work.charge(items.length * 50);
      let unknown = false;
      for (const item of items) {
        const untyped: Untyped = { left: value.untyped, right: item.untyped };
        const equal = compareValues('=', found, item.evaluate(row), untyped);
        if (equal === true) return true;
        if (equal !== false) unknown = true;
      }
      return unknown ? null : false;
    };
  }

  /** IN a list that the record holds. */
  #inList(value: Compiled, list: Expression): Evaluate {
    const items = this.evaluate(list);
    const json = this.options.schema.kind === 'json';
    return (row) => {
      const found = value.evaluate(row);
      const candidates = items(row);
      if (found === null || found === undefined || !isList(candidates)) return null;
      this.options.work.charge(candidates.length * 50);
      return candidates.some((candidate) => {
        const typed = json && typeof candidate === 'number' ? numberOfJson(candidate) : candidate;
        return compareValues('=', found, typed, TYPED) === true;
      });
    };
  }

  #like({ operand, pattern, escape, at }: Of<'like'>): Evaluate {
    const value = this.evaluate(operand);
    const matcher = this.#matcher(pattern, escape, at);
    const { work } = this.options;
    return (row) => {
      const text = value(row);
      if (text === null || text === undefined) return text;
      if (typeof text !== 'string') throw fault('LikeInvalidInputs', at, `${typeName(text)} LIKE`);
      const matches = matcher(row);
      return matches === null ? null : matches(text, work);
    };
  }

  /** Yields null when the pattern or the escape character is NULL or MISSING. */
  #matcher(pattern: Expression, escape: Expression | null, at: Position): (row: Row) => Matcher | null {
    const patternOf = this.evaluate(pattern);
    const escapeOf = escape === null ? null : this.evaluate(escape);
    const make = (row: Row): Matcher | null => {
      const text = patternOf(row);
      const character = escapeOf?.(row);
      if (text === null || text === undefined || character === null) return null;
      if (typeof text !== 'string') throw fault('LikeInvalidInputs', at, `LIKE ${typeName(text)}`);
      if (character !== undefined && typeof character !== 'string') throw fault('LikeInvalidInputs', at, 'ESCAPE');
      this.options.work.charge(text.length * 20);
      return likeMatcher(text, character ?? null, at);
    };
    const constant = pattern.kind === 'literal' && (escape === null || escape.kind === 'literal');
    if (!constant) return make;
    const matcher = make(null);
    return () => matcher;
  }

  #is({ operand, what }: Of<'is'>): Evaluate {
    const value = this.evaluate(operand);
    switch (what) {
      case 'NULL':
        return (row) => (value(row) ?? null) === null;
      case 'MISSING':
        return (row) => value(row) === undefined;
      case 'TRUE':
        return (row) => value(row) === true;
      case 'FALSE':
        return (row) => value(row) === false;
    }
  }

  #case({ subject, branches, otherwise }: Of<'case'>): Evaluate {
    const compared = subject === null ? null : this.compile(subject);
    const cases = branches.map(({ when, then }) => ({ when: this.compile(when), then: this.evaluate(then) }));
    const rest = otherwise === null ? null : this.evaluate(otherwise);
    return (row) => {
      const value = compared?.evaluate(row);
      for (const { when, then } of cases) {
        const condition = when.evaluate(row);
        const untyped: Untyped = { left: compared?.untyped ?? false, right: when.untyped };
        const holds = compared === null ? condition : compareValues('=', value, condition, untyped);
        if (holds === true) return then(row);
      }
      return rest === null ? null : rest(row);
    };
  }

  #aggregate({ name, operand, at }: Of<'aggregate'>): Evaluate {
    const compiled = operand === null ? null : this.compile(operand);
    const state = accumulator(name, compiled?.untyped ?? false, at);
    this.#accumulators.push({ operand: compiled?.evaluate ?? null, accumulator: state });
    return () => state.result();
  }
}

/** The texts of a list of text literals, null when it has anything else. */
function textLiterals(list: readonly Expression[]): ReadonlySet<string> | null {
  const texts = new Set<string>();
  for (const item of list) {
    if (item.kind !== 'literal' || typeof item.value !== 'string') return null;
    texts.add(item.value);
  }
  return texts;
}

/** A number, or text of CSV that is one. @throws S3Error IncorrectSqlFunctionArgumentType */
export function numberIn(value: Value, untyped: boolean, at: Position): Numeric | null | undefined {
  if (value === null || value === undefined || isNumeric(value)) return value;
  if (untyped && typeof value === 'string') {
    const number = parseNumeric(value.trim());
    if (number !== null) return number;
  }
  const shown = typeof value === 'string' ? ` '${value.slice(0, 60)}'` : '';
  throw fault('IncorrectSqlFunctionArgumentType', at, `a number is needed, not ${typeName(value)}${shown}`);
}
