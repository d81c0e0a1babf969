/** The version listing: as src/s3/listing.ts, with several entries to a key and a marker inside a key. */
import { compareKeys, prefixEnd } from '../store/key-order.js';
import type { VersionScan } from '../store/types.js';

export interface VersionListRequest {
  readonly prefix: string;
  readonly delimiter: string;
  /** after all versions of this key, or, with afterSeq, after that version of it */
  readonly after: string;
  readonly afterSeq: number | null;
  readonly maxKeys: number;
}

export interface VersionListing<Entry> {
  readonly entries: readonly Entry[];
  readonly commonPrefixes: readonly string[];
  readonly truncated: boolean;
  /** last key or common prefix answered */
  readonly lastKey: string | null;
  /** last entry answered; null when a common prefix came last */
  readonly lastEntry: Entry | null;
}

const PAGE = 512;

export async function listVersioned<Entry extends { readonly key: string; readonly seq: number }>(
  scan: (scan: VersionScan) => Promise<readonly Entry[]>,
  request: VersionListRequest,
): Promise<VersionListing<Entry>> {
  const { prefix, delimiter, after, afterSeq, maxKeys } = request;
  const entries: Entry[] = [];
  const commonPrefixes: string[] = [];
  let lastKey: string | null = null;
  let lastEntry: Entry | null = null;
  let common =
    after !== '' &&
    delimiter !== '' &&
    after.startsWith(prefix) &&
    after.endsWith(delimiter) &&
    isCommon(after, prefix, delimiter)
      ? after
      : null;
  const end = prefixEnd(prefix);
  let position: Omit<VersionScan, 'end' | 'limit'> | null = { from: prefix, inclusive: true, fromSeqBelow: null };
  if (common !== null) position = behind(common);
  else if (after !== '' && compareKeys(after, prefix) >= 0)
    position = { from: after, inclusive: false, fromSeqBelow: afterSeq };
  const done = (truncated: boolean): VersionListing<Entry> => ({
    entries,
    commonPrefixes,
    truncated,
    lastKey,
    lastEntry,
  });
  while (maxKeys > 0 && position !== null) {
    const limit: number = Math.min(maxKeys - entries.length - commonPrefixes.length + 1, PAGE);
    const page = await scan({ ...position, end, limit });
    for (const entry of page) {
      if (common !== null && entry.key.startsWith(common)) continue;
      if (entries.length + commonPrefixes.length >= maxKeys) return done(true);
      const at = delimiter === '' ? -1 : entry.key.indexOf(delimiter, prefix.length);
      if (at < 0) {
        common = null;
        entries.push(entry);
        lastKey = entry.key;
        lastEntry = entry;
      } else {
        common = entry.key.slice(0, at + delimiter.length);
        commonPrefixes.push(common);
        lastKey = common;
        lastEntry = null;
      }
    }
    const tail = page[page.length - 1];
    if (tail === undefined || page.length < limit) break;
    position =
      common !== null && tail.key.startsWith(common)
        ? behind(common)
        : { from: tail.key, inclusive: false, fromSeqBelow: tail.seq };
  }
  return done(false);
}

/** A marker that ends at its first delimiter behind the prefix was answered as a common prefix. */
function isCommon(after: string, prefix: string, delimiter: string): boolean {
  return after.indexOf(delimiter, prefix.length) + delimiter.length === after.length;
}

function behind(common: string): Omit<VersionScan, 'end' | 'limit'> | null {
  const next = prefixEnd(common);
  return next === null ? null : { from: next, inclusive: true, fromSeqBelow: null };
}
