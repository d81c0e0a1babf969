/**
 * All versions and uploads of a region, a page of keys per snapshot: the versions of a key are of one moment. Listings are these very
 * rows, so what can be wrong with them is wrong within a key.
 */
import type { AuditedUpload, AuditedVersion, AuditPage, AuditScan, RowFault } from '../audit.js';
import { StoreError } from '../errors.js';
import { decodePart, decodeUpload } from '../shared/codec.js';
import type { BucketRef, ObjectVersion, PartRecord, UploadRecord } from '../types.js';
import type { RegionContext } from './context.js';
import type { RegionTables, Table } from './database.js';
import { KeyRows } from './key-state.js';
import { after, objectKeyOf } from './keys.js';
import { isConsistent } from './repair.js';
import { encodeRow, versionOf } from './rows.js';
import type { Row } from './rows.js';

const PAGE_KEYS = 100;
const PAGE_UPLOADS = 20;
const INSTANCE_BYTES = 16;
const OLDER_TAIL_BYTES = 9;
const PART_TAIL_BYTES = 3;

export async function* auditVersions(
  { region, db, tables }: RegionContext,
  { cursor, signal, withInline }: AuditScan & { readonly withInline: boolean },
): AsyncGenerator<AuditPage<AuditedVersion>> {
  const [, table = 'heads', hex = ''] = /^(heads|older):(.*)$/.exec(cursor ?? '') ?? [];
  let at: Buffer = Buffer.from(hex, 'hex');
  for (let more = table === 'heads'; more;) {
    signal.throwIfAborted();
    db.fresh();
    const keys = headsFrom(tables, at);
    const items: AuditedVersion[] = [];
    const faults: RowFault[] = [];
    for (const key of keys) readKey({ region, tables, withInline }, key, items, faults);
    at = keys.at(-1) ?? at;
    more = keys.length === PAGE_KEYS;
    yield { items, faults, cursor: more ? `heads:${at.toString('hex')}` : 'older:', fraction: null };
  }
  // Versions whose key has no newest one are in nobody's sight.
  at = table === 'older' ? Buffer.from(hex, 'hex') : Buffer.alloc(0);
  for (let more = true; more;) {
    signal.throwIfAborted();
    db.fresh();
    const rows = Array.from(tables.older.getKeys({ start: after(at), limit: PAGE_KEYS }), (key) => Buffer.from(key));
    const faults: RowFault[] = [];
    for (const row of rows) {
      const head = row.subarray(0, row.length - OLDER_TAIL_BYTES);
      if (!has(tables.live, head) && !has(tables.hidden, head))
        faults.push({
          ...nameOf(head),
          what: 'it has older versions, but no newest one',
          versionId: null,
          mendable: true,
        });
    }
    at = rows.at(-1) ?? at;
    more = rows.length === PAGE_KEYS;
    yield { items: [], faults, cursor: `older:${at.toString('hex')}`, fraction: null };
  }
}

/** Keys of `live` and `hidden` behind the given one, in order. */
function headsFrom(tables: RegionTables, at: Buffer): Buffer[] {
  const range = { start: after(at), limit: PAGE_KEYS };
  const keys = [tables.live, tables.hidden].flatMap((table) =>
    Array.from(table.getKeys(range), (key) => Buffer.from(key)),
  );
  keys.sort((a, b) => a.compare(b));
  return keys.filter((key, i) => i === 0 || keys[i - 1]?.equals(key) === false).slice(0, PAGE_KEYS);
}

function readKey(
  {
    region,
    tables,
    withInline,
  }: { readonly region: string; readonly tables: RegionTables; readonly withInline: boolean },
  headKeyBuffer: Buffer,
  items: AuditedVersion[],
  faults: RowFault[],
): void {
  const { bucket, key } = nameOf(headKeyBuffer);
  const ref: BucketRef = { name: '', instance: bucket, region };
  for (const what of keyFaults(tables, ref, key)) faults.push({ bucket, key, what, versionId: null, mendable: true });
  for (const [row, latest] of rowsOf(tables, ref, key)) {
    const version = readVersion(tables, row, withInline);
    if (typeof version === 'string') faults.push({ bucket, key, what: version, versionId: null, mendable: false });
    else items.push({ bucket, key, version, latest, listed: [] });
  }
}

/** What mending the key helps against, in the current snapshot. */
export function keyFaults(tables: RegionTables, bucket: BucketRef, key: string): string[] {
  return isConsistent(tables, bucket, key) ? [] : ['the rows of its versions do not fit together'];
}

function* rowsOf(tables: RegionTables, bucket: BucketRef, key: string): Generator<[Row, latest: boolean]> {
  const rows = new KeyRows(tables, bucket, key);
  if (rows.head !== null) yield [rows.head, true];
  for (const row of rows.olderRows()) yield [row, false];
}

/** The version, or what is wrong with it. */
function readVersion(tables: RegionTables, row: Row, withInline: boolean): ObjectVersion | string {
  let version: ObjectVersion;
  try {
    version = versionOf(tables, row, withInline && row.inlineBytes > 0);
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'corrupt') return error.message;
    throw error;
  }
  if (encodeRow(version, null).row.entry !== row.entry) return 'its listing says something else than the version';
  return version;
}

export async function* auditUploads(
  { db, tables }: RegionContext,
  { cursor, signal }: AuditScan,
): AsyncGenerator<AuditPage<AuditedUpload>> {
  let at: Buffer = Buffer.from(cursor ?? '', 'hex');
  for (let more = true; more;) {
    signal.throwIfAborted();
    db.fresh();
    const found = uploadKeysFrom(tables, at);
    const items = found.map((key) => readUpload(tables, key));
    at = found.at(-1) ?? at;
    more = found.length === PAGE_UPLOADS;
    yield { items, faults: [], cursor: at.toString('hex'), fraction: null };
  }
}

/** Keys of uploads, also of those that only parts name. */
function uploadKeysFrom(tables: RegionTables, at: Buffer): Buffer[] {
  const uploads = Array.from(tables.uploads.getKeys({ start: after(at), limit: PAGE_UPLOADS }), (key) =>
    Buffer.from(key),
  );
  const ofParts: Buffer[] = [];
  for (let from = partsEnd(at); ofParts.length < PAGE_UPLOADS;) {
    const [part] = tables.parts.getKeys({ start: from, limit: 1 });
    if (part === undefined) break;
    const upload = Buffer.from(part.subarray(0, part.length - PART_TAIL_BYTES));
    ofParts.push(upload);
    from = partsEnd(upload);
  }
  const all = [...uploads, ...ofParts].sort((a, b) => a.compare(b));
  return all.filter((key, i) => i === 0 || all[i - 1]?.equals(key) === false).slice(0, PAGE_UPLOADS);
}

/** Behind the parts of an upload. */
function partsEnd(upload: Buffer): Buffer {
  return Buffer.concat([upload, Buffer.of(0, 0xff, 0xff)]);
}

function readUpload(tables: RegionTables, uploadKeyBuffer: Buffer): AuditedUpload {
  const split = uploadKeyBuffer.indexOf(0, INSTANCE_BYTES);
  const { bucket, key } = nameOf(uploadKeyBuffer.subarray(0, split));
  const uploadId = uploadKeyBuffer.toString('utf8', split + 1);
  const stored = tables.uploads.getBinary(uploadKeyBuffer);
  const upload: UploadRecord | null = stored === undefined ? null : decodeUpload(stored.toString('utf8'));
  const range = { start: Buffer.concat([uploadKeyBuffer, Buffer.of(0, 0, 0)]), end: partsEnd(uploadKeyBuffer) };
  const parts: PartRecord[] = Array.from(tables.parts.getRange(range), ({ value }) =>
    decodePart(value.toString('utf8')),
  );
  return { bucket, key, uploadId, upload, parts, listed: [] };
}

function nameOf(headKeyBuffer: Buffer): { readonly bucket: string; readonly key: string } {
  const hex = headKeyBuffer.toString('hex', 0, INSTANCE_BYTES);
  return {
    bucket: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'),
    key: objectKeyOf(headKeyBuffer),
  };
}

function has(table: Table, key: Buffer): boolean {
  return table.getBinaryFast(key) !== undefined;
}
