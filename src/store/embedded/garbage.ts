/**
 * Intents and garbage of a region.
 *
 * intents: id -> lease end (8 bytes), JSON {bucket, key, blobs}. garbage: due time, id -> the same JSON. An intent that was made
 * ahead of time (blob-reserve.ts) names no real key: a commit that takes it removes it, so that none ever needs to be asked.
 * A lapsed intent is claimed, which moves it to the garbage, before anybody is told of it: from then on no commit can
 * refer to its blobs any more (useIntent does not find it), so sweeping them is safe however late the writer wakes up.
 */
import { randomUUID } from 'node:crypto';
import { StoreError } from '../errors.js';
import type { BlobName } from '../shared/key-change.js';
import { orphanage } from '../audit.js';
import type { BacklogEntry } from '../audit.js';
import type { BucketRef, GarbageEntry, Intent } from '../types.js';
import type { RegionContext } from './context.js';
import type { Writes } from './database.js';
import { after, garbageKey, intentKey } from './keys.js';

const TIME_BYTES = 8;
/** Blobs in one garbage entry: bounds what a sweeper's step has to check and remove. */
const BLOBS_PER_ENTRY = 1000;

const BACKLOG_PAGE = 200;

interface StoredBlobs {
  readonly bucket: BucketRef;
  readonly key: string;
  readonly blobs: readonly (readonly [inode: string, storageClass: string])[];
}

/** Hands blobs of a key to the sweeper, within the caller's transaction. */
export function addGarbage(
  { tables }: Pick<RegionContext, 'tables'>,
  writes: Writes,
  garbage: Omit<GarbageEntry, 'id'>,
): void {
  for (let i = 0; i < garbage.blobs.length; i += BLOBS_PER_ENTRY) {
    const blobs = garbage.blobs.slice(i, i + BLOBS_PER_ENTRY);
    writes.put(tables.garbage, garbageKey(garbage.notBeforeMs, randomUUID()), pack(garbage.bucket, garbage.key, blobs));
  }
}

/**
 * Ends an intent whose blobs the caller's transaction references; those it does not reference become garbage at once. One
 * of which nothing is referenced stays open.
 * @throws StoreError closed: the intent lapsed and was claimed, its blobs may be gone
 */
export function useIntent(
  context: RegionContext,
  writes: Writes,
  intent: Intent,
  referenced: readonly BlobName[],
): void {
  const { tables } = context;
  const stored = tables.intents.getBinary(intentKey(intent.id));
  if (stored === undefined) throw lapsed(intent);
  const { blobs } = unpack(stored, TIME_BYTES);
  const used = new Set(referenced.map((blob) => blob.inode));
  const unused = blobs.filter((blob) => !used.has(blob.inode));
  if (unused.length < blobs.length) endIntent(context, writes, intent, unused);
}

export async function openIntent(
  { db, tables, now, intentLeaseMs }: RegionContext,
  bucket: BucketRef,
  key: string,
  blobs: readonly BlobName[],
): Promise<Intent> {
  const id = randomUUID();
  await db.transact((writes) => {
    writes.put(
      tables.intents,
      intentKey(id),
      Buffer.concat([leaseBytes(now() + intentLeaseMs), pack(bucket, key, blobs)]),
    );
  });
  return { id, bucket, key };
}

/**
 * Intents for blobs of keys that are not known yet, with a blob each. Until a commit takes one it belongs to no key, which is what
 * the sweeper finds when it lapses.
 * @param holdMs how long they may lie before somebody has the lease's whole length of them
 * @returns their ids, in the order of the blobs
 */
export async function openUnclaimed(
  { region, db, tables, now, intentLeaseMs }: RegionContext,
  blobs: readonly BlobName[],
  holdMs: number,
): Promise<readonly string[]> {
  const { bucket, key } = orphanage(region);
  const ids = blobs.map(() => randomUUID());
  await db.transact((writes) => {
    const lease = leaseBytes(now() + intentLeaseMs + holdMs);
    for (const [i, blob] of blobs.entries())
      writes.put(tables.intents, intentKey(ids[i] ?? ''), Buffer.concat([lease, pack(bucket, key, [blob])]));
  });
  return ids;
}

/** Whether the lease's whole length is left of it: it may have been claimed by somebody whose clock went ahead. */
export function isWhole({ db, tables, now, intentLeaseMs }: RegionContext, id: string): boolean {
  db.fresh();
  const stored = tables.intents.getBinary(intentKey(id));
  return stored !== undefined && leaseEnd(stored) - now() >= intentLeaseMs;
}

/** Of blobs that are gone, or never came to be. */
export function forgetUnclaimed({ db, tables }: RegionContext, ids: readonly string[]): Promise<void> {
  return db.transact((writes) => {
    for (const id of ids) writes.remove(tables.intents, intentKey(id));
  });
}

export function renewIntent({ db, tables, now, intentLeaseMs }: RegionContext, intent: Intent): Promise<void> {
  return db.transact((writes) => {
    const stored = tables.intents.getBinary(intentKey(intent.id));
    if (stored === undefined) throw lapsed(intent);
    stored.writeDoubleLE(now() + intentLeaseMs, 0);
    writes.put(tables.intents, intentKey(intent.id), stored);
  });
}

export function abandonIntent(context: RegionContext, intent: Intent): Promise<void> {
  const { db, tables } = context;
  return db.transact((writes) => {
    const stored = tables.intents.getBinary(intentKey(intent.id));
    if (stored !== undefined) endIntent(context, writes, intent, unpack(stored, TIME_BYTES).blobs);
  });
}

/** Claims what has lapsed, then answers what is due, oldest first. */
export async function dueGarbage(
  { db, tables }: RegionContext,
  { nowMs, limit }: { readonly nowMs: number; readonly limit: number },
): Promise<readonly GarbageEntry[]> {
  db.fresh();
  const lapsedKeys: Buffer[] = [];
  // intents are as many as writes under way: few
  for (const { key, value } of tables.intents.getRange({})) {
    if (leaseEnd(value) <= nowMs && lapsedKeys.push(key) >= limit) break;
  }
  if (lapsedKeys.length > 0) {
    await db.transact((writes) => {
      for (const key of lapsedKeys) {
        const stored = tables.intents.getBinary(key);
        // renewed or closed meanwhile
        if (stored === undefined || leaseEnd(stored) > nowMs) continue;
        const { bucket, key: objectKey, blobs } = unpack(stored, TIME_BYTES);
        writes.remove(tables.intents, key);
        addGarbage({ tables }, writes, { bucket, key: objectKey, blobs, notBeforeMs: leaseEnd(stored) });
      }
    });
    db.fresh();
  }
  const due: GarbageEntry[] = [];
  for (const { key, value } of tables.garbage.getRange({ end: garbageKey(nowMs + 1, ZERO_UUID), limit })) {
    const id = key.toString('hex', TIME_BYTES);
    due.push({ id, notBeforeMs: key.readDoubleBE(0), ...unpack(value, 0) });
  }
  return due;
}

/** What there is behind a key of the table, due or not, and where to go on. */
export function backlogPage(
  { db, tables }: Pick<RegionContext, 'db' | 'tables'>,
  kind: 'intent' | 'garbage',
  from: Buffer,
): { readonly entries: readonly BacklogEntry[]; readonly next: Buffer | null } {
  db.fresh();
  const table = kind === 'intent' ? tables.intents : tables.garbage;
  const entries: BacklogEntry[] = [];
  let next = from;
  for (const { key, value } of table.getRange({ start: after(from), limit: BACKLOG_PAGE })) {
    const notBeforeMs = kind === 'intent' ? leaseEnd(value) : key.readDoubleBE(0);
    entries.push({ kind, createdMs: null, notBeforeMs, ...unpack(value, kind === 'intent' ? TIME_BYTES : 0) });
    next = Buffer.from(key);
  }
  return { entries, next: entries.length < BACKLOG_PAGE ? null : next };
}

export function removeGarbage({ tables }: Pick<RegionContext, 'tables'>, writes: Writes, entry: GarbageEntry): void {
  writes.remove(tables.garbage, garbageKey(entry.notBeforeMs, entry.id));
}

function endIntent(context: RegionContext, writes: Writes, intent: Intent, unused: readonly BlobName[]): void {
  const { id, bucket, key } = intent;
  writes.remove(context.tables.intents, intentKey(id));
  addGarbage(context, writes, { bucket, key, blobs: unused, notBeforeMs: context.now() });
}

const ZERO_UUID = '0'.repeat(32);

function lapsed(intent: Intent): StoreError {
  return new StoreError('closed', 'notApplied', `the intent ${intent.id} for ${intent.key} has lapsed or was closed`);
}

function leaseBytes(untilMs: number): Buffer {
  const bytes = Buffer.allocUnsafe(TIME_BYTES);
  bytes.writeDoubleLE(untilMs, 0);
  return bytes;
}

function leaseEnd(stored: Buffer): number {
  return stored.readDoubleLE(0);
}

function pack(bucket: BucketRef, key: string, blobs: readonly BlobName[]): Buffer {
  const { name, instance, region } = bucket;
  const stored: StoredBlobs = {
    bucket: { name, instance, region },
    key,
    blobs: blobs.map((blob) => [blob.inode, blob.storageClass]),
  };
  return Buffer.from(JSON.stringify(stored), 'utf8');
}

function unpack(stored: Buffer, offset: number): { bucket: BucketRef; key: string; blobs: BlobName[] } {
  const { bucket, key, blobs } = JSON.parse(stored.toString('utf8', offset)) as StoredBlobs;
  return { bucket, key, blobs: blobs.map(([inode, storageClass]) => ({ inode, storageClass })) };
}
