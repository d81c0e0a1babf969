/**
 * Listings with prefix, delimiter and paging on top of a store's ordered scans. Skip-scan: a common prefix costs one query,
 * however many keys are below it.
 */
import { prefixEnd, compareKeys } from '../store/key-order.js';
import type { KeyScan } from '../store/types.js';

export interface ListRequest {
  readonly prefix: string;
  /** '' = none */
  readonly delimiter: string;
  /** exclusive: keys and common prefixes after this one; '' = from the start */
  readonly after: string;
  /** keys + common prefixes at most */
  readonly maxKeys: number;
}

export interface Listing<Entry> {
  readonly entries: readonly Entry[];
  readonly commonPrefixes: readonly string[];
  readonly truncated: boolean;
  /** Last key or common prefix answered; null when there is none. */
  readonly last: string | null;
}

/** A scan starting at scan.from; entries in key order, at most scan.limit, fewer only at the end of the stretch. */
export type Scan<Entry> = (scan: KeyScan) => Promise<readonly Entry[]>;

/** Where a listing starts: skips the whole of a common prefix that `after` names or lies in the middle of. */
function startOf(request: ListRequest): { from: string; inclusive: boolean } | null {
  const { prefix, delimiter, after } = request;
  if (after === '' || compareKeys(after, prefix) < 0) return { from: prefix, inclusive: true };
  if (delimiter !== '' && after.startsWith(prefix)) {
    const at = after.indexOf(delimiter, prefix.length);
    // A marker that is a common prefix was answered as one: everything below it is done.
    if (at >= 0 && at + delimiter.length === after.length) {
      const next = prefixEnd(after);
      return next === null ? null : { from: next, inclusive: true };
    }
  }
  return { from: after, inclusive: false };
}

/** Rows read at once while a delimiter is in play: enough for small folders, cheap to throw away at a big one. */
const DELIMITER_PAGE = 128;

export async function list<Entry extends { readonly key: string }>(
  scan: Scan<Entry>,
  request: ListRequest,
): Promise<Listing<Entry>> {
  const { prefix, delimiter, maxKeys } = request;
  const entries: Entry[] = [];
  const commonPrefixes: string[] = [];
  let last: string | null = null;
  let common: string | null = null;
  const end = prefixEnd(prefix);
  let position = startOf(request);
  while (maxKeys > 0 && position !== null) {
    // One more than is wanted tells whether the listing is truncated.
    const wanted = maxKeys - entries.length - commonPrefixes.length + 1;
    const limit: number = delimiter === '' ? wanted : Math.min(wanted, DELIMITER_PAGE);
    const page = await scan({ ...position, end, limit });
    for (const entry of page) {
      if (common !== null && entry.key.startsWith(common)) continue;
      if (entries.length + commonPrefixes.length >= maxKeys) return { entries, commonPrefixes, truncated: true, last };
      const at = delimiter === '' ? -1 : entry.key.indexOf(delimiter, prefix.length);
      if (at < 0) {
        common = null;
        entries.push(entry);
        last = entry.key;
      } else {
        common = entry.key.slice(0, at + delimiter.length);
        commonPrefixes.push(common);
        last = common;
      }
    }
    const tail = page[page.length - 1];
    if (tail === undefined || page.length < limit) break;
    if (common !== null && tail.key.startsWith(common)) {
      const next = prefixEnd(common);
      position = next === null ? null : { from: next, inclusive: true };
    } else {
      position = { from: tail.key, inclusive: false };
    }
  }
  return { entries, commonPrefixes, truncated: false, last };
}
