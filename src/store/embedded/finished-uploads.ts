/**
 * What multipart uploads have become, remembered for FINISHED_MEMORY_MS. One table: by upload (1, upload key) the
 * version's document; by time (0, time, upload key) nothing more. Each upload that is finished forgets a few that are due.
 */
import { decodeFinished, encodeFinished, FINISHED_MEMORY_MS } from '../shared/finished-upload.js';
import type { ObjectVersion, UploadRef } from '../types.js';
import type { RegionContext } from './context.js';
import type { RegionTables, Writes } from './database.js';
import { uploadKey } from './keys.js';

const BY_TIME = 0;
const BY_UPLOAD = 1;
const TIME_BYTES = 8;
const FORGET_AT_ONCE = 16;

type Context = Pick<RegionContext, 'tables' | 'now'>;

/** Within the caller's transaction. */
export function rememberFinished(
  { tables, now }: Context,
  writes: Writes,
  ref: UploadRef,
  version: ObjectVersion,
): void {
  const due = { start: Buffer.of(BY_TIME), end: timeKey(now(), Buffer.alloc(0)), limit: FORGET_AT_ONCE };
  for (const { key } of tables.finishedUploads.getRange(due)) {
    writes.remove(tables.finishedUploads, Buffer.from(key));
    writes.remove(tables.finishedUploads, recordKey(key.subarray(1 + TIME_BYTES)));
  }
  const upload = uploadKey(ref);
  if (tables.finishedUploads.getBinary(recordKey(upload)) !== undefined) return;
  writes.put(tables.finishedUploads, timeKey(now() + FINISHED_MEMORY_MS, upload), Buffer.alloc(0));
  writes.put(tables.finishedUploads, recordKey(upload), Buffer.from(encodeFinished(version), 'utf8'));
}

/** In the current snapshot. */
export function readFinished(tables: RegionTables, ref: UploadRef): ObjectVersion | null {
  const stored = tables.finishedUploads.getBinary(recordKey(uploadKey(ref)));
  return stored === undefined ? null : decodeFinished(stored.toString('utf8'));
}

function recordKey(upload: Buffer): Buffer {
  return Buffer.concat([Buffer.of(BY_UPLOAD), upload]);
}

function timeKey(ms: number, upload: Buffer): Buffer {
  const time = Buffer.allocUnsafe(TIME_BYTES);
  time.writeDoubleBE(Math.max(0, ms), 0);
  return Buffer.concat([Buffer.of(BY_TIME), time, upload]);
}
