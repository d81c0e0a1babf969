/**
 * What the columns of a Parquet file are: their places in the schema, and how their values become values of S3 Select.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-data-types.html#s3-select-sql-reference-supported-data-types
 */
import type { FileMetaData, SchemaElement, SchemaTree } from 'hyparquet';
import { parquetSchema } from 'hyparquet';
import { Decimal } from './decimal.js';
import { fault } from './fault.js';
import { parseJson } from './json-exact.js';
import { guarded } from './parquet-file.js';
import type { RawValue } from './parquet-encodings.js';
import { Timestamp } from './timestamp.js';
import type { Item } from './value.js';
import { isList, isObject } from './value.js';

export interface ParquetColumn {
  readonly name: string;
  readonly root: SchemaTree;
  readonly tree: SchemaTree;
  /** One value per record: no list, no struct. */
  readonly flat: boolean;
}

export function parquetColumns(metadata: FileMetaData): ParquetColumn[] {
  const root = guarded(() => parquetSchema(metadata));
  return root.children.map((tree) => ({
    name: tree.element.name,
    root,
    tree,
    flat: tree.children.length === 0 && tree.element.repetition_type !== 'REPEATED',
  }));
}

const UNSUPPORTED: ReadonlySet<string> = new Set(['BSON', 'INTERVAL', 'VARIANT', 'GEOMETRY', 'GEOGRAPHY']);

/** @throws S3Error UnsupportedParquetType for a column, or something below it, that has no equal here */
export function checkSupported({ element, children }: SchemaTree): void {
  for (const name of [element.converted_type, element.logical_type?.type])
    if (name !== undefined && UNSUPPORTED.has(name)) throw fault('UnsupportedParquetType', null, name);
  children.forEach(checkSupported);
}

type Read = (raw: RawValue) => Item;

/** Makes a value of an encoded one. Bytes that are no text become base64. */
export function valueReader(element: SchemaElement): Read {
  const { type, converted_type: converted, logical_type: logical } = element;
  if (logical?.type === 'DECIMAL' || converted === 'DECIMAL') {
    const scale = element.scale ?? (logical?.type === 'DECIMAL' ? logical.scale : 0);
    return (raw) => Decimal.of(unscaled(raw), -scale);
  }
  if (logical?.type === 'TIMESTAMP') return TIMESTAMPS[logical.unit];
  if (converted === 'TIMESTAMP_MILLIS') return TIMESTAMPS.MILLIS;
  if (converted === 'TIMESTAMP_MICROS') return TIMESTAMPS.MICROS;
  if (converted === 'DATE' || logical?.type === 'DATE') return (raw) => inRange(Timestamp.fromDays(Number(raw)));
  switch (type) {
    case 'INT32':
    case 'INT64':
      return integerReader(element);
    case 'INT96':
      return TIMESTAMPS.NANOS;
    case 'BYTE_ARRAY':
      if (converted === 'JSON' || logical?.type === 'JSON') return (raw) => parseJson(textOf(raw));
      return textOf;
    case 'FIXED_LEN_BYTE_ARRAY':
      return fixedReader(element);
    default:
      return (raw) => (raw instanceof Uint8Array ? textOf(raw) : raw);
  }
}

const TIMESTAMPS: Readonly<Record<'MILLIS' | 'MICROS' | 'NANOS', Read>> = {
  MILLIS: (raw) => inRange(Timestamp.fromNanos(bigintOf(raw) * 1_000_000n, 3)),
  MICROS: (raw) => inRange(Timestamp.fromNanos(bigintOf(raw) * 1000n, 6)),
  NANOS: (raw) => inRange(Timestamp.fromNanos(bigintOf(raw), 9)),
};

function inRange(timestamp: Timestamp): Timestamp {
  const year = timestamp.local.getUTCFullYear();
  if (year >= 1 && year <= 9999) return timestamp;
  throw fault('ValueParseFailure', null, 'a timestamp is not in the years 1 to 9999');
}

function integerReader({ converted_type: converted, logical_type: logical, type }: SchemaElement): Read {
  const unsigned = converted?.startsWith('UINT') === true || (logical?.type === 'INTEGER' && !logical.isSigned);
  if (!unsigned) return bigintOf;
  const bits = type === 'INT32' ? 32 : 64;
  return (raw) => {
    const value = BigInt.asUintN(bits, bigintOf(raw));
    // The upper half of 64 bits is beyond INT.
    return BigInt.asIntN(64, value) === value ? value : Decimal.of(value, 0);
  };
}

function fixedReader({ logical_type: logical }: SchemaElement): Read {
  if (logical?.type === 'UUID') return (raw) => hexOf(raw).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  if (logical?.type === 'FLOAT16')
    return (raw) => halfFloat(Number.parseInt(hexOf(raw).replace(/(..)(..)/, '$2$1'), 16));
  return (raw) => Buffer.from(hexOf(raw), 'hex').toString('base64');
}

function bigintOf(raw: RawValue): bigint {
  return raw instanceof Uint8Array ? 0n : BigInt(raw);
}

function unscaled(raw: RawValue): bigint {
  if (!(raw instanceof Uint8Array)) return BigInt(raw);
  // Longer than 38 digits can be.
  if (raw.length === 0 || raw.length > 64) return 0n;
  return BigInt.asIntN(raw.length * 8, BigInt(`0x${hexOf(raw)}`));
}

function hexOf(raw: RawValue): string {
  return raw instanceof Uint8Array ? Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('hex') : '';
}

function textOf(raw: RawValue): string {
  return raw instanceof Uint8Array ? Buffer.from(raw.buffer, raw.byteOffset, raw.length).toString('utf8') : '';
}

/** IEEE 754 of 16 bits. */
function halfFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** What the library makes of lists, maps and structs: without gaps in it. */
export function itemOf(assembled: unknown): Item {
  if (assembled === null || assembled === undefined) return null;
  const item = assembled as Item;
  if (isList(item)) return item.map(itemOf);
  if (!isObject(item)) return item;
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, itemOf(value)]));
}
