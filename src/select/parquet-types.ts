/**
 * What the columns of a Parquet file are: their places in the schema, and how their values become values of S3 Select.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-data-types.html#s3-select-sql-reference-supported-data-types
 */
import type { FileMetaData, ParquetParsers, SchemaElement, SchemaTree } from 'hyparquet';
import { parquetSchema } from 'hyparquet';
import { Decimal } from './decimal.js';
import { fault } from './fault.js';
import { Timestamp } from './timestamp.js';
import type { Item } from './value.js';
import { isList, isObject } from './value.js';

export interface ParquetColumn {
  readonly name: string;
  /** The root of the schema and the column. */
  readonly schemaPath: readonly [SchemaTree, SchemaTree];
  /** One value per record: no list, no struct. */
  readonly flat: boolean;
}

export function parquetColumns(metadata: FileMetaData): ParquetColumn[] {
  const root = parquetSchema(metadata);
  return root.children.map((column) => ({
    name: column.element.name,
    schemaPath: [root, column],
    flat: column.children.length === 0 && column.element.repetition_type !== 'REPEATED',
  }));
}

/** Timestamps keep their exactness; a date is a timestamp of a day. */
export const PARSERS: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (millis) => Timestamp.fromNanos(millis * 1_000_000n, 3),
  timestampFromMicroseconds: (micros) => Timestamp.fromNanos(micros * 1000n, 6),
  timestampFromNanoseconds: (nanos) => Timestamp.fromNanos(nanos, 9),
  dateFromDays: (days) => Timestamp.fromDays(days),
};

/** The element that the library decodes by: decimals stay raw, because it would make doubles of them. */
export function decodedElement(element: SchemaElement): SchemaElement {
  if (!isDecimal(element)) return element;
  const { converted_type: _type, logical_type: _logical, ...raw } = element;
  return raw;
}

export function isDecimal(element: SchemaElement): boolean {
  return element.converted_type === 'DECIMAL' || element.logical_type?.type === 'DECIMAL';
}

/** Makes a value of what the library decodes of a flat column. @throws S3Error UnsupportedParquetType */
export function valueReader(element: SchemaElement): (decoded: unknown) => Item {
  const { type } = element;
  if (element.converted_type === 'BSON' || element.converted_type === 'INTERVAL')
    throw fault('UnsupportedParquetType', null, element.converted_type);
  if (isDecimal(element)) {
    const logical = element.logical_type;
    const scale = element.scale ?? (logical?.type === 'DECIMAL' ? logical.scale : 0);
    return (decoded) => (decoded === null || decoded === undefined ? null : Decimal.of(unscaled(decoded), -scale));
  }
  if (type === 'INT32' || type === 'INT64')
    return (decoded) => (typeof decoded === 'number' ? BigInt(decoded) : itemOf(decoded));
  return itemOf;
}

function unscaled(decoded: unknown): bigint {
  if (typeof decoded === 'bigint') return decoded;
  if (typeof decoded === 'number') return BigInt(decoded);
  if (!(decoded instanceof Uint8Array) || decoded.length === 0) return 0n;
  return BigInt.asIntN(decoded.length * 8, BigInt(`0x${Buffer.from(decoded).toString('hex')}`));
}

/** Anything that the library decodes. Bytes that are no text become base64. */
export function itemOf(decoded: unknown): Item {
  if (decoded === null || decoded === undefined) return null;
  switch (typeof decoded) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return decoded;
    case 'object':
      break;
    default:
      return null;
  }
  if (decoded instanceof Timestamp || decoded instanceof Decimal) return decoded;
  if (decoded instanceof Date) return Timestamp.fromMs(decoded.getTime());
  if (decoded instanceof Uint8Array) return Buffer.from(decoded).toString('base64');
  if (isList(decoded as Item)) return (decoded as readonly unknown[]).map(itemOf);
  if (!isObject(decoded as Item)) return null;
  return Object.fromEntries(Object.entries(decoded).map(([name, value]) => [name, itemOf(value)]));
}
