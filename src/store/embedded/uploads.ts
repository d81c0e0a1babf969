/** Multipart uploads of a region: uploads hold their record, parts theirs, both as JSON documents (shared/codec.ts). */
import { StoreError } from '../errors.js';
import { decodePart, decodeUpload, encodePart, encodeUpload } from '../shared/codec.js';
import { blobsOf } from '../shared/key-change.js';
import type { BlobName } from '../shared/key-change.js';
import type { BucketRef, Intent, ObjectVersion, PartRecord, UploadRecord, UploadRef, UploadScan } from '../types.js';
import { checkBucketActive } from './bucket-rows.js';
import type { RegionContext } from './context.js';
import type { RegionTables, Writes } from './database.js';
import { rememberFinished } from './finished-uploads.js';
import { addGarbage, useIntent } from './garbage.js';
import {
  after,
  boundKey,
  bucketEnd,
  bucketStart,
  headKey,
  isPossibleKey,
  partKey,
  uploadKey,
  uploadsOfKey,
} from './keys.js';

const FIRST_PART = 0;
const AFTER_LAST_PART = 0xffff;

/** @throws StoreError bucketGone */
export function createUpload(context: RegionContext, bucket: BucketRef, upload: UploadRecord): Promise<void> {
  const { db, tables } = context;
  return db.transact((writes) => {
    checkBucketActive(db, bucket);
    const key = uploadKey({ bucket, key: upload.key, uploadId: upload.uploadId });
    writes.put(tables.uploads, key, Buffer.from(encodeUpload(upload), 'utf8'));
  });
}

/** In the current snapshot or transaction. */
export function readUpload(tables: RegionTables, ref: UploadRef): UploadRecord | null {
  const stored = tables.uploads.getBinary(uploadKey(ref));
  return stored === undefined ? null : decodeUpload(stored.toString('utf8'));
}

export function putPart(context: RegionContext, ref: UploadRef, part: PartRecord, intent: Intent): Promise<void> {
  const { db, tables, now, gcGraceMs } = context;
  return db.transact((writes) => {
    const state = readUpload(tables, ref)?.state ?? 'unknown';
    if (state !== 'open') {
      throw new StoreError('uploadGone', 'notApplied', `the upload ${ref.uploadId} is not open (${state})`);
    }
    const key = partKey(uploadKey(ref), part.partNumber);
    const before = tables.parts.getBinary(key);
    if (before !== undefined) {
      const { blob } = decodePart(before.toString('utf8'));
      // the same part again (a retry of the store's caller) must not condemn its own blob
      const blobs = blob.inode === part.blob.inode ? [] : [blob];
      addGarbage(context, writes, { bucket: ref.bucket, key: ref.key, blobs, notBeforeMs: now() + gcGraceMs });
    }
    useIntent(context, writes, intent, [part.blob]);
    writes.put(tables.parts, key, Buffer.from(encodePart(part), 'utf8'));
  });
}

export function listParts(
  { db, tables }: RegionContext,
  ref: UploadRef,
  { afterPart, limit }: { readonly afterPart: number; readonly limit: number },
): readonly PartRecord[] {
  db.fresh();
  const upload = uploadKey(ref);
  const range = { start: partKey(upload, afterPart + 1), end: partKey(upload, AFTER_LAST_PART), limit };
  return Array.from(tables.parts.getRange(range), ({ value }) => decodePart(value.toString('utf8')));
}

export function scanUploads(
  { db, tables }: RegionContext,
  bucket: BucketRef,
  scan: UploadScan,
): readonly UploadRecord[] {
  db.fresh();
  const range = {
    start: scanStart(bucket, scan),
    end: scan.end === null ? bucketEnd(bucket) : boundKey(bucket, scan.end),
  };
  const found: UploadRecord[] = [];
  if (scan.limit <= 0) return found;
  for (const { value } of tables.uploads.getRange(range)) {
    const upload = decodeUpload(value.toString('utf8'));
    if (upload.state === 'open' && found.push(upload) >= scan.limit) break;
  }
  return found;
}

/** The transition, answering the state before. */
export function closeUpload(
  { db, tables }: RegionContext,
  ref: UploadRef,
  to: 'completing' | 'aborting',
): Promise<UploadRecord['state'] | null> {
  return db.transact((writes) => {
    const upload = readUpload(tables, ref);
    if (upload?.state === 'open') writeState(writes, tables, ref, upload, to);
    return upload?.state ?? null;
  });
}

export function reopenUpload({ db, tables }: RegionContext, ref: UploadRef): Promise<void> {
  return db.transact((writes) => {
    const upload = readUpload(tables, ref);
    if (upload?.state === 'completing') writeState(writes, tables, ref, upload, 'open');
  });
}

export function removeUpload(context: RegionContext, ref: UploadRef): Promise<void> {
  return context.db.transact((writes) => dropUpload(context, writes, ref, uploadKey(ref), new Set()));
}

/** @throws StoreError uploadGone unless a completion may be committed */
export function checkCompleting(tables: RegionTables, ref: UploadRef): void {
  const state = readUpload(tables, ref)?.state ?? 'gone';
  if (state === 'completing') return;
  throw new StoreError('uploadGone', 'notApplied', `the upload ${ref.uploadId} cannot be completed: it is ${state}`);
}

/** The upload has become that version, by the caller's transaction or before it. */
export function endUpload(context: RegionContext, writes: Writes, ref: UploadRef, version: ObjectVersion): void {
  rememberFinished(context, writes, ref, version);
  dropUpload(context, writes, ref, uploadKey(ref), new Set(blobsOf(version.data).map(({ inode }) => inode)));
}

export async function finishUpload(context: RegionContext, ref: UploadRef, version: ObjectVersion): Promise<void> {
  context.db.fresh();
  // Mostly it went with the commit.
  if (readUpload(context.tables, ref) === null) return;
  await context.db.transact((writes) => {
    if (readUpload(context.tables, ref) !== null) endUpload(context, writes, ref, version);
  });
}

/** Drops all uploads of a bucket that goes, within the transaction that removes it: their parts become garbage. */
export function dropUploadsOfBucket(context: RegionContext, writes: Writes, bucket: BucketRef): void {
  const range = { start: bucketStart(bucket), end: bucketEnd(bucket) };
  for (const { key, value } of context.tables.uploads.getRange(range)) {
    const upload = decodeUpload(value.toString('utf8'));
    dropUpload(context, writes, { bucket, key: upload.key }, key, new Set());
  }
}

/** Parts of all uploads of a key, in the current snapshot. */
export function partsOfKey(tables: RegionTables, bucket: BucketRef, key: string): PartRecord[] {
  return Array.from(tables.parts.getRange(uploadsOfKey(bucket, key)), ({ value }) =>
    decodePart(value.toString('utf8')),
  );
}

function dropUpload(
  context: RegionContext,
  writes: Writes,
  { bucket, key }: Pick<UploadRef, 'bucket' | 'key'>,
  upload: Buffer,
  keep: ReadonlySet<string>,
): void {
  const { tables, now, gcGraceMs } = context;
  const blobs: BlobName[] = [];
  const range = { start: partKey(upload, FIRST_PART), end: partKey(upload, AFTER_LAST_PART) };
  for (const { key: part, value } of tables.parts.getRange(range)) {
    const { blob } = decodePart(value.toString('utf8'));
    if (!keep.has(blob.inode)) blobs.push(blob);
    writes.remove(tables.parts, part);
  }
  writes.remove(tables.uploads, upload);
  addGarbage(context, writes, { bucket, key, blobs, notBeforeMs: now() + gcGraceMs });
}

function writeState(
  writes: Writes,
  tables: RegionTables,
  ref: UploadRef,
  upload: UploadRecord,
  state: UploadRecord['state'],
): void {
  writes.put(tables.uploads, uploadKey(ref), Buffer.from(encodeUpload({ ...upload, state }), 'utf8'));
}

function scanStart(bucket: BucketRef, scan: UploadScan): Buffer {
  if (!isPossibleKey(scan.from)) return after(boundKey(bucket, scan.from));
  if (scan.fromUploadIdAfter !== null) {
    return after(uploadKey({ bucket, key: scan.from, uploadId: scan.fromUploadIdAfter }));
  }
  return scan.inclusive ? headKey(bucket, scan.from) : uploadsOfKey(bucket, scan.from).end;
}
