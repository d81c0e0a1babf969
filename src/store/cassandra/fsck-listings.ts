/** All rows of a bucket's listings, range by range. */
import type { AuditPage, AuditScan, ListingRow } from '../audit.js';
import { StoreError } from '../errors.js';
import { decodeUpload } from '../shared/codec.js';
import type { BucketRef } from '../types.js';
import type { Session } from './cluster.js';
import { uploadRow, uploadState } from './fsck-uploads.js';
import { INDEX_TABLES, walkIndex } from './index-tables.js';
import type { IndexRow, IndexTable } from './index-tables.js';
import type { RangeSpan } from './range-map.js';
import type { Ranges } from './ranges.js';

const PAGE_ROWS = 1_000;

/** Table, and the key that was seen last. */
type Place = readonly [table: number, key: string];

export async function* auditListings(
  { session, ranges }: { readonly session: Session; readonly ranges: Ranges },
  bucket: BucketRef,
  { cursor, signal }: AuditScan,
): AsyncGenerator<AuditPage<ListingRow>> {
  const [first, start] = cursor === null ? ([0, ''] as const) : (JSON.parse(cursor) as Place);
  for (const [at, table] of INDEX_TABLES.entries()) {
    if (at < first) continue;
    let from: string | null = at === first ? start : '';
    while (from !== null) {
      // Looked up each time: ranges may be cut while this goes on.
      const span: RangeSpan = (await ranges.map(bucket.instance)).spanOf(from);
      const where = { bucket: bucket.instance, range: span.id };
      const pages = walkIndex(session, table, where, { from, inclusive: true, end: span.end }, PAGE_ROWS);
      for await (const rows of pages) {
        signal.throwIfAborted();
        const place: Place = [at, rows.at(-1)?.key ?? from];
        const items = rows.map((row) => listingRow(bucket.instance, table, row));
        yield { items, faults: [], cursor: JSON.stringify(place), fraction: null };
      }
      from = span.end;
    }
  }
}

export function listingRow(bucket: string, table: IndexTable, { key, at, cells }: IndexRow): ListingRow {
  const [first = '', second = ''] = cells.map(String);
  const sub = table.sub === null ? '' : String(at[1]);
  if (table.name === 'object_index') return { list: 'objects', bucket, key, sub, entry: first };
  if (table.name === 'version_index') return { list: 'versions', bucket, key, sub, entry: first };
  try {
    return { ...uploadRow(bucket, key, decodeUpload(second, uploadState(first))), sub };
  } catch (error) {
    if (!(error instanceof StoreError) || error.kind !== 'corrupt') throw error;
    return { list: 'uploads', bucket, key, sub, entry: second };
  }
}
