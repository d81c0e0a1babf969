/**
 * Fills the ranges that take over keys from others, while gateways write to both (docs/adr/0004-bounded-partitions.md proves that
 * nothing is lost and nothing comes back).
 *
 * What a range holds is copied with the time it was written at: of a copy and a change, whichever comes first, the change wins. Only a
 * deletion that the new range was never told of could be undone, by a row that reached the new range before. So first of all each row that
 * is in the new range and not in the old one is removed, as of the time that it was written at: rows get into the old range
 * first, so one that is not there any more was deleted or replaced there, for good.
 */
import { compareKeys } from '../key-order.js';
import type { Session, Statement } from './cluster.js';
import { copyStatement, INDEX_TABLES, removeStatement, rowName, walkIndex } from './index-tables.js';
import type { IndexRow, IndexTable } from './index-tables.js';
import type { RangeSpan } from './range-map.js';

export interface CopyOptions {
  /** its levels must see what every gateway wrote; see wideSession() */
  readonly session: Session;
  readonly bucket: string;
  /** adjacent, in order */
  readonly sources: readonly RangeSpan[];
  /** in order; together they hold the keys of the sources */
  readonly targets: readonly RangeSpan[];
  /** @throws when the move is not at the stage of copying any more, or another gateway has it */
  readonly stillCopying: () => Promise<void>;
  /** @throws when another gateway has it */
  readonly stillMine: () => Promise<void>;
  readonly signal: AbortSignal;
}

export interface Copied {
  rows: number;
  bytes: number;
}

const PAGE_ROWS = 500;
/** Rows of one mutation, at most about 250 KB. */
const BATCH_ROWS = 100;
const BATCH_BYTES = 128 * 1024;
const IN_FLIGHT = 4;

/** Rows of the targets that were deleted from the sources before the targets were told of deletions. */
export async function removeDeleted(options: CopyOptions): Promise<number> {
  const { session, bucket, targets, signal, stillCopying } = options;
  let removed = 0;
  for (const table of INDEX_TABLES) {
    for (const { id, start, end } of targets) {
      const stretch = { from: start, inclusive: true, end };
      for await (const page of walkIndex(session, table, { bucket, range: id }, stretch, PAGE_ROWS)) {
        signal.throwIfAborted();
        // In this order: the rows were in the sources before they were in the target; then, that they are being copied still.
        const deleted = await missingFrom(options, table, page);
        if (deleted.length === 0) continue;
        await stillCopying();
        const statements = deleted.map((row) => removeStatement(session, table, { bucket, range: id }, row));
        await session.writeTogether(statements);
        removed += deleted.length;
      }
    }
  }
  return removed;
}

/** Those of the rows that no source has. */
async function missingFrom(
  { session, bucket, sources }: CopyOptions,
  table: IndexTable,
  rows: readonly IndexRow[],
): Promise<IndexRow[]> {
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined) return [];
  const missing = new Map(rows.map((row) => [rowName(row), row]));
  for (const { id, start, end } of sources) {
    if (end !== null && compareKeys(end, first.key) <= 0) continue;
    if (compareKeys(start, last.key) > 0) break;
    const stretch = { from: first.key, inclusive: true, end: `${last.key}\u0000` };
    for await (const page of walkIndex(session, table, { bucket, range: id }, stretch, PAGE_ROWS)) {
      for (const row of page) missing.delete(rowName(row));
    }
  }
  return [...missing.values()];
}

/** Copies all rows; answers what each target got, in the order of the targets. */
export async function copyRows(options: CopyOptions): Promise<Copied[]> {
  const { session, bucket, sources, targets, signal, stillMine } = options;
  const copied = targets.map((): Copied => ({ rows: 0, bytes: 0 }));
  for (const table of INDEX_TABLES) {
    for (const source of sources) {
      const stretch = { from: source.start, inclusive: true, end: source.end };
      for await (const page of walkIndex(session, table, { bucket, range: source.id }, stretch, PAGE_ROWS)) {
        signal.throwIfAborted();
        await stillMine();
        const batches = batchesOf(page, targets).map(({ target, rows }) => {
          const to = { bucket, range: targets[target]?.id ?? 0 };
          const sum = copied[target];
          for (const { sizeBytes } of rows) {
            if (sum === undefined) continue;
            sum.rows += 1;
            sum.bytes += sizeBytes;
          }
          return rows.map((row) => copyStatement(session, table, to, row));
        });
        await writeAll(session, batches);
      }
    }
  }
  return copied;
}

/** Rows in order, cut by target and size. */
function batchesOf(page: readonly IndexRow[], targets: readonly RangeSpan[]) {
  const batches: { target: number; bytes: number; rows: IndexRow[] }[] = [];
  let target = 0;
  for (const row of page) {
    for (let end = targets[target]?.end; typeof end === 'string' && compareKeys(row.key, end) >= 0;) {
      target += 1;
      end = targets[target]?.end;
    }
    const last = batches.at(-1);
    if (last?.target === target && last.rows.length < BATCH_ROWS && last.bytes < BATCH_BYTES) {
      last.rows.push(row);
      last.bytes += row.sizeBytes;
    } else batches.push({ target, bytes: row.sizeBytes, rows: [row] });
  }
  return batches;
}

async function writeAll(session: Session, batches: readonly (readonly Statement[])[]): Promise<void> {
  const queue = batches.values();
  const width = Math.min(IN_FLIGHT, batches.length);
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const statements of queue) await session.writeTogether(statements);
    }),
  );
}
