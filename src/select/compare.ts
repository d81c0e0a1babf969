/**
 * Comparisons. Text of CSV has no type of its own: beside a number, timestamp or truth value it is read as one. Values that do
 * not compare are different, and neither is less than the other.
 */
import type { ComparisonOperator } from './ast.js';
import { compareNumbers } from './numbers.js';
import { Timestamp } from './timestamp.js';
import type { Value } from './value.js';
import { isNumeric, parseNumeric } from './value.js';

/** Which of two operands is text without a type. */
export interface Untyped {
  readonly left: boolean;
  readonly right: boolean;
}

/** null when an operand is NULL or values do not compare, MISSING when an operand is. */
export function compareValues(operator: ComparisonOperator, left: Value, right: Value, untyped: Untyped): Value {
  if (left === undefined || right === undefined) return undefined;
  if (left === null || right === null) return null;
  const order = orderOf(left, right, untyped);
  if (order === null) return operator === '=' ? false : operator === '<>' ? true : null;
  switch (operator) {
    case '=':
      return order === 0;
    case '<>':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

/** Negative, zero or positive; null when they do not compare. */
function orderOf(left: Value, right: Value, untyped: Untyped): number | null {
  if (typeof left === 'string') {
    if (typeof right === 'string') return left < right ? -1 : left > right ? 1 : 0;
    return untyped.left ? orderTyped(readAs(left, right), right) : null;
  }
  if (typeof right === 'string') return untyped.right ? orderTyped(left, readAs(right, left)) : null;
  return orderTyped(left, right);
}

function orderTyped(left: Value, right: Value): number | null {
  if (isNumeric(left)) {
    if (!isNumeric(right)) return null;
    const order = compareNumbers(left, right);
    return Number.isNaN(order) ? null : order;
  }
  if (typeof left === 'boolean') return typeof right === 'boolean' ? Number(left) - Number(right) : null;
  if (left instanceof Timestamp) return right instanceof Timestamp ? left.compare(right) : null;
  return null;
}

/** The text as a value of the other one's type; null when it is none. */
function readAs(text: string, other: Value): Value {
  if (isNumeric(other)) return parseNumeric(text.trim());
  if (typeof other === 'boolean') return truthOf(text);
  return other instanceof Timestamp ? Timestamp.parse(text.trim()) : null;
}

/** 'true' and 'false' in any case; null for other texts. */
export function truthOf(text: string): boolean | null {
  const word = text.trim().toLowerCase();
  return word === 'true' ? true : word === 'false' ? false : null;
}
