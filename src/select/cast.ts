/**
 * CAST, and the text of values.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-conversion.html
 */
import type { CastType } from './ast.js';
import { truthOf } from './compare.js';
import { Decimal } from './decimal.js';
import type { Position } from './fault.js';
import { fault } from './fault.js';
import { intOf, toDecimal, toFloat } from './numbers.js';
import { Timestamp } from './timestamp.js';
import type { Value } from './value.js';
import { isNumeric, parseNumeric, typeName } from './value.js';

const SHOWN_CHARS = 60;

/** NULL and MISSING stay what they are. @throws S3Error CastFailed, IntegerOverflow */
export function castValue(value: Value, type: CastType, at: Position): Value {
  if (value === undefined || value === null) return value;
  const result = converted(value, type, at);
  if (result !== null) return result;
  const shown = typeof value === 'string' ? ` '${value.slice(0, SHOWN_CHARS)}'` : '';
  throw fault('CastFailed', at, `${typeName(value)}${shown} to ${type}`);
}

function converted(value: NonNullable<Value>, type: CastType, at: Position): Value {
  switch (type) {
    case 'BOOL':
      if (typeof value === 'string') return truthOf(value);
      if (isNumeric(value)) return toFloat(value) !== 0;
      return typeof value === 'boolean' ? value : null;
    case 'INT':
      return toInt(value, at);
    case 'FLOAT':
      return toDouble(value);
    case 'DECIMAL':
      if (typeof value === 'string') return Decimal.parse(value.trim());
      if (isNumeric(value)) return toDecimal(value);
      return typeof value === 'boolean' ? Decimal.of(value ? 1n : 0n, 0) : null;
    case 'STRING':
      return scalarText(value);
    case 'TIMESTAMP':
      if (typeof value === 'string') return Timestamp.parse(value.trim());
      return value instanceof Timestamp ? value : null;
  }
}

function toInt(value: NonNullable<Value>, at: Position): bigint | null {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (typeof value === 'number') return Number.isFinite(value) ? intOf(BigInt(Math.trunc(value)), at) : null;
  if (value instanceof Decimal) {
    const whole = value.truncated();
    if (whole === null) throw fault('IntegerOverflow', at);
    return intOf(whole, at);
  }
  if (typeof value !== 'string') return null;
  const number = parseNumeric(value.trim());
  if (typeof number === 'bigint') return number;
  if (/^\s*[+-]?\d+\s*$/.test(value)) throw fault('IntegerOverflow', at);
  return null;
}

function toDouble(value: NonNullable<Value>): number | null {
  if (isNumeric(value)) return toFloat(value);
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value !== 'string' || parseNumeric(value.trim()) === null) return null;
  const number = Number(value.trim());
  return Number.isFinite(number) ? number : null;
}

/** The text of a scalar; null for lists and objects. */
export function scalarText(value: NonNullable<Value>): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && !(value instanceof Decimal) && !(value instanceof Timestamp)) return null;
  return String(value);
}
