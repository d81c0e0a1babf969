/** Typed access to the cells of the driver's rows, which are 'any' to TypeScript. */
import { types } from 'cassandra-driver';

export type Row = types.Row;

/** @throws TypeError when the cell is of another type: the schema is not ours */
function cell(row: Row, column: string): unknown {
  return (row as Record<string, unknown>)[column] ?? null;
}

export function textOf(row: Row, column: string): string | null {
  const value = cell(row, column);
  if (value === null || typeof value === 'string') return value;
  throw mistyped(column);
}

/** int, bigint (exact up to 2^53) */
export function numberOf(row: Row, column: string): number | null {
  const value = cell(row, column);
  if (value === null || typeof value === 'number') return value;
  if (value instanceof types.Long) return value.toNumber();
  throw mistyped(column);
}

export function booleanOf(row: Row, column: string): boolean | null {
  const value = cell(row, column);
  if (value === null || typeof value === 'boolean') return value;
  throw mistyped(column);
}

export function bytesOf(row: Row, column: string): Buffer | null {
  const value = cell(row, column);
  if (value === null || Buffer.isBuffer(value)) return value;
  throw mistyped(column);
}

/** uuid and timeuuid */
export function uuidOf(row: Row, column: string): string | null {
  const value = cell(row, column);
  if (value === null) return null;
  if (value instanceof types.Uuid) return value.toString();
  throw mistyped(column);
}

export function textMapOf(row: Row, column: string): Record<string, string> {
  const value = cell(row, column);
  if (value === null) return {};
  if (typeof value === 'object') return { ...(value as Record<string, string>) };
  throw mistyped(column);
}

/** For columns that every row has. */
export function required<T>(value: T | null, column: string): T {
  if (value === null) throw new TypeError(`column ${column} is empty`);
  return value;
}

function mistyped(column: string): TypeError {
  return new TypeError(`column ${column} has an unexpected type`);
}
