/** Aggregate functions; NULL and MISSING do not count. https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-aggregate.html */
import type { AggregateFunction } from './ast.js';
import type { Position } from './fault.js';
import { fault } from './fault.js';
import { calculate, compareNumbers, toDecimal } from './numbers.js';
import { Timestamp } from './timestamp.js';
import type { Numeric, Value } from './value.js';
import { isNumeric, parseNumeric, typeName } from './value.js';

export interface Accumulator {
  add(value: Value): void;
  result(): Value;
}

/** @param untyped values are text of CSV, read as numbers */
export function accumulator(name: AggregateFunction, untyped: boolean, at: Position): Accumulator {
  switch (name) {
    case 'COUNT':
      return new Count();
    case 'SUM':
    case 'AVG':
      return new Sum(name, untyped, at);
    case 'MIN':
    case 'MAX':
      return new Extreme(name, untyped, at);
  }
}

class Count implements Accumulator {
  #count = 0n;

  add(value: Value): void {
    if (value !== null && value !== undefined) this.#count += 1n;
  }

  result(): Value {
    return this.#count;
  }
}

/** The average of INTs is a DECIMAL. Nothing has neither sum nor average: NULL. */
class Sum implements Accumulator {
  readonly #name: 'SUM' | 'AVG';
  readonly #untyped: boolean;
  readonly #at: Position;
  #count = 0n;
  #sum: Numeric = 0n;

  constructor(name: 'SUM' | 'AVG', untyped: boolean, at: Position) {
    this.#name = name;
    this.#untyped = untyped;
    this.#at = at;
  }

  add(value: Value): void {
    if (value === null || value === undefined) return;
    const number = this.#untyped && typeof value === 'string' ? parseNumeric(value.trim()) : value;
    if (number === null || !isNumeric(number)) throw wrongType(this.#name, value, this.#at);
    this.#count += 1n;
    // An average does not overflow, however many INTs it is of.
    const operand = this.#name === 'AVG' && typeof number === 'bigint' ? toDecimal(number) : number;
    this.#sum = this.#count === 1n ? operand : calculate('+', this.#sum, operand, this.#at);
  }

  result(): Value {
    if (this.#count === 0n) return null;
    return this.#name === 'SUM' ? this.#sum : calculate('/', this.#sum, toDecimal(this.#count), this.#at);
  }
}

/** Of numbers, timestamps or texts, but of one kind; text of CSV counts as a number where it is one. */
class Extreme implements Accumulator {
  readonly #name: 'MIN' | 'MAX';
  readonly #untyped: boolean;
  readonly #at: Position;
  #extreme: Numeric | Timestamp | string | null = null;

  constructor(name: 'MIN' | 'MAX', untyped: boolean, at: Position) {
    this.#name = name;
    this.#untyped = untyped;
    this.#at = at;
  }

  add(value: Value): void {
    if (value === null || value === undefined) return;
    const read = this.#untyped && typeof value === 'string' ? (parseNumeric(value.trim()) ?? value) : value;
    if (!isNumeric(read) && !(read instanceof Timestamp) && typeof read !== 'string')
      throw wrongType(this.#name, value, this.#at);
    if (this.#extreme === null) {
      this.#extreme = read;
      return;
    }
    const order = this.#compare(read, this.#extreme);
    if (this.#name === 'MIN' ? order < 0 : order > 0) this.#extreme = read;
  }

  result(): Value {
    return this.#extreme;
  }

  #compare(left: Numeric | Timestamp | string, right: Numeric | Timestamp | string): number {
    if (isNumeric(left) && isNumeric(right)) return compareNumbers(left, right);
    if (left instanceof Timestamp && right instanceof Timestamp) return left.compare(right);
    if (typeof left === 'string' && typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0;
    throw wrongType(this.#name, left, this.#at);
  }
}

function wrongType(name: AggregateFunction, value: Value, at: Position): Error {
  return fault('IncorrectSqlFunctionArgumentType', at, `${name} of ${typeName(value)}`);
}
