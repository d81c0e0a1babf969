/**
 * Values of S3 Select. INT is a bigint, FLOAT a number, DECIMAL a Decimal; MISSING, which is what a path that leads nowhere
 * yields, is undefined, as opposed to NULL. What stands below a column of a JSON or Parquet record stays as it was parsed until a
 * path reaches it.
 */
import { Decimal } from './decimal.js';
import { Timestamp } from './timestamp.js';

export type Numeric = bigint | number | Decimal;
export type Item = null | boolean | Numeric | string | Timestamp | readonly Item[] | { readonly [name: string]: Item };
export type Value = Item | undefined;

/** A record as expressions see it: the columns of CSV and Parquet by position, any value of JSON. */
export type Row = Value | readonly Value[];

export type ItemObject = Readonly<Record<string, Item>>;

export function isNumeric(value: Value): value is Numeric {
  return typeof value === 'bigint' || typeof value === 'number' || value instanceof Decimal;
}

export function isList(value: Row): value is readonly Item[] {
  return Array.isArray(value);
}

/** An object of JSON, a struct or map of Parquet. */
export function isObject(value: Row): value is ItemObject {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Decimal) &&
    !(value instanceof Timestamp)
  );
}

/** A number of JSON: whole ones are INT, others DECIMAL. */
export function numberOfJson(value: number): bigint | Decimal {
  return Number.isSafeInteger(value) ? BigInt(value) : Decimal.fromNumber(value);
}

const INTEGER = /^[+-]?\d{1,19}$/;

/** The number that a text holds, as literals are read: INT where it fits, else DECIMAL; null when it holds none. */
export function parseNumeric(text: string): bigint | Decimal | null {
  if (INTEGER.test(text)) {
    const value = BigInt(text.startsWith('+') ? text.slice(1) : text);
    if (fitsInt(value)) return value;
  }
  return Decimal.parse(text);
}

/** INT has 64 bits. */
export function fitsInt(value: bigint): boolean {
  return BigInt.asIntN(64, value) === value;
}

/** Name of a value's type for messages. */
export function typeName(value: Value): string {
  if (value === undefined) return 'MISSING';
  if (value === null) return 'NULL';
  if (typeof value === 'boolean') return 'BOOL';
  if (typeof value === 'string') return 'STRING';
  if (typeof value === 'bigint') return 'INT';
  if (typeof value === 'number') return 'FLOAT';
  if (value instanceof Decimal) return 'DECIMAL';
  if (value instanceof Timestamp) return 'TIMESTAMP';
  return isList(value) ? 'LIST' : 'STRUCT';
}
