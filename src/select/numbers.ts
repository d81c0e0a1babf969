/** Arithmetic: INT with INT is INT, anything with FLOAT is FLOAT, the rest is DECIMAL. */
import type { ArithmeticOperator } from './ast.js';
import { Decimal } from './decimal.js';
import type { Position } from './fault.js';
import { fault } from './fault.js';
import type { Numeric } from './value.js';
import { fitsInt } from './value.js';

/** @throws S3Error IntegerOverflow, ExternalEvalException (division by zero, FLOAT out of its range) */
export function calculate(operator: ArithmeticOperator, left: Numeric, right: Numeric, at: Position): Numeric {
  if ((operator === '/' || operator === '%') && isZero(right))
    throw fault('ExternalEvalException', at, 'division by zero');
  if (typeof left === 'bigint' && typeof right === 'bigint') return intOf(onInts(operator, left, right), at);
  if (typeof left === 'number' || typeof right === 'number') {
    const result = onFloats(operator, toFloat(left), toFloat(right));
    if (!Number.isFinite(result)) throw fault('ExternalEvalException', at, 'a FLOAT is out of range');
    return result;
  }
  return onDecimals(operator, toDecimal(left), toDecimal(right));
}

/** @throws S3Error IntegerOverflow */
export function intOf(value: bigint, at: Position): bigint {
  if (!fitsInt(value)) throw fault('IntegerOverflow', at);
  return value;
}

export function negate(value: Numeric, at: Position): Numeric {
  if (typeof value === 'bigint') return intOf(-value, at);
  return typeof value === 'number' ? -value : value.negated;
}

/** Negative, zero or positive; NaN when one of them is NaN. */
export function compareNumbers(left: Numeric, right: Numeric): number {
  if (typeof left === 'object' || typeof right === 'object') {
    if (typeof left === 'number' || typeof right === 'number') return toFloat(left) - toFloat(right);
    return toDecimal(left).compare(toDecimal(right));
  }
  // Doubles and bigints compare exactly.
  return left < right ? -1 : left > right ? 1 : left == right ? 0 : NaN; // eslint-disable-line eqeqeq -- 1n == 1
}

export function toFloat(value: Numeric): number {
  return typeof value === 'object' ? value.toNumber() : Number(value);
}

export function toDecimal(value: Numeric): Decimal {
  if (typeof value === 'bigint') return Decimal.of(value, 0);
  return typeof value === 'number' ? Decimal.fromNumber(value) : value;
}

function isZero(value: Numeric): boolean {
  return typeof value === 'object' ? value.coefficient === 0n : Number(value) === 0;
}

function onInts(operator: ArithmeticOperator, left: bigint, right: bigint): bigint {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
  }
}

function onFloats(operator: ArithmeticOperator, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case '%':
      return left % right;
  }
}

function onDecimals(operator: ArithmeticOperator, left: Decimal, right: Decimal): Decimal {
  switch (operator) {
    case '+':
      return left.plus(right);
    case '-':
      return left.plus(right.negated);
    case '*':
      return left.times(right);
    case '/':
      return left.dividedBy(right);
    case '%':
      return left.remainder(right);
  }
}
