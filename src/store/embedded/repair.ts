/**
 * Rebuilds what is derived from a key's versions: which is the newest, and its links. Rows and listing change in one
 * transaction, so nothing is ever to be repaired after a crash; this mends what a bug or a restored file left behind.
 */
import type { BucketRef } from '../types.js';
import type { RegionTables, Writes } from './database.js';
import { headKey, olderKey } from './keys.js';
import { KeyRows } from './key-state.js';
import { NO_LINKS, isNullRow, packRow, readRow } from './rows.js';
import type { Row } from './rows.js';

/** Cheap: looks at the newest version, its null version and the one below only. In the current snapshot or transaction. */
export function isConsistent(tables: RegionTables, bucket: BucketRef, objectKey: string): boolean {
  const rows = new KeyRows(tables, bucket, objectKey);
  const [below] = rows.olderRows();
  const { head, key } = rows;
  if (head === null) return below === undefined;
  if (readRow(tables.live, key) !== null && readRow(tables.hidden, key) !== null) return false;
  const nullRow = head.nullSeq === 0 ? null : readRow(tables.older, olderKey(key, head.nullSeq));
  return (
    head.previousSeq === (below?.seq ?? 0) && head.seq > head.previousSeq && (head.nullSeq === 0 || nullRow !== null)
  );
}

export function repairKey(writes: Writes, tables: RegionTables, bucket: BucketRef, objectKey: string): void {
  const key = headKey(bucket, objectKey);
  const live = readRow(tables.live, key);
  const hidden = readRow(tables.hidden, key);
  const bySeq = new Map<number, Row>();
  for (const row of new KeyRows(tables, bucket, objectKey).olderRows()) bySeq.set(row.seq, row);
  for (const row of [live, hidden]) if (row !== null) bySeq.set(row.seq, row);
  const rows = [...bySeq.values()].sort((a, b) => b.seq - a.seq);

  writes.remove(tables.live, key);
  writes.remove(tables.hidden, key);
  const [newest, ...older] = rows;
  if (newest === undefined) return;
  writes.remove(tables.older, olderKey(key, newest.seq));
  for (const row of older) writes.put(tables.older, olderKey(key, row.seq), packRow(row, NO_LINKS));
  const clock = Math.max(...rows.map((row) => Math.max(row.clock, row.seq)));
  const links = { clock, nullSeq: older.find(isNullRow)?.seq ?? 0, previousSeq: older[0]?.seq ?? 0 };
  writes.put(newest.deleteMarker ? tables.hidden : tables.live, key, packRow(newest, links));
}
