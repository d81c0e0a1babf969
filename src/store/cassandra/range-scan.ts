/** Reading rows in order of keys from range to range. */
import { compareKeys } from '../key-order.js';
import type { RangeSpan } from './range-map.js';
import type { Ranges } from './ranges.js';

/** Where reading goes on. Sub orders the rows of one key. */
export interface Position<Sub> {
  readonly key: string;
  /** whether rows of the key itself are wanted */
  readonly inclusive: boolean;
  /** rows of the key behind this one are wanted too; null: the rule above alone */
  readonly sub: Sub | null;
}

export interface Page<Row, Sub> {
  readonly rows: readonly Row[];
  /** null: the span has no more */
  readonly next: Position<Sub> | null;
}

export interface RangeScan<Sub> {
  readonly ranges: Pick<Ranges, 'read'>;
  /** instance */
  readonly bucket: string;
  readonly start: Position<Sub>;
  /** exclusive; null: to the last key */
  readonly end: string | null;
  readonly limit: number;
}

/** Ranges that are asked at once, behind ranges that had nothing. */
const MAX_WIDTH = 8;

/** read: rows of one span from a position within it, at most so many. Answers at most the scan's limit, fewer only at the end. */
export async function collect<Row, Sub>(
  { ranges, bucket, start, end, limit }: RangeScan<Sub>,
  read: (span: RangeSpan, at: Position<Sub>, wanted: number) => Promise<Page<Row, Sub>>,
): Promise<Row[]> {
  const found: Row[] = [];
  let at = start;
  let width = 1;
  while (found.length < limit) {
    const from = at;
    const wanted = limit - found.length;
    const pages = await ranges.read(bucket, { key: from.key, end, width }, (span) =>
      read(span, compareKeys(from.key, span.start) < 0 ? startOf(span.start) : from, wanted),
    );
    // Emptied ranges lie side by side: the further on nothing is found, the more of them are asked together.
    width = pages.every(({ result }) => result.rows.length === 0) ? Math.min(MAX_WIDTH, width * 2) : 1;
    for (const { span, result } of pages) {
      found.push(...result.rows.slice(0, limit - found.length));
      if (found.length === limit) return found;
      if (result.next !== null) {
        at = result.next;
        break;
      }
      if (span.end === null || (end !== null && compareKeys(span.end, end) >= 0)) return found;
      at = startOf(span.end);
    }
  }
  return found;
}

function startOf<Sub>(key: string): Position<Sub> {
  return { key, inclusive: true, sub: null };
}

/** The bound that comes first; null: none. */
export function lesser(a: string | null, b: string | null): string | null {
  if (a === null) return b;
  return b === null || compareKeys(a, b) <= 0 ? a : b;
}
