/**
 * Rows of versions (tables live, hidden, older) and their payload.
 *
 * A row is a header of fixed size, the listing entry (a JSON array, so that listings need not parse the document) and the
 * document (shared/codec.ts). A document that would make the row long lies in the payload instead, before the inline
 * bytes. It is found by the version's seq, or, where that is not this store's own (a version that was placed, whose original may
 * be here too), by the clock of the commit. The payload is cut into pieces that fill one LMDB page each: values of several pages need contiguous free pages,
 * which overwriting objects leaves ever fewer of (measured with 4 KiB objects: file half as large again, commits slower).
 */
import { StoreError } from '../errors.js';
import { decodeVersion, encodeVersion } from '../shared/codec.js';
import type { ObjectEntry, ObjectVersion, VersionEntry } from '../types.js';
import type { RegionTables, Table, Writes } from './database.js';
import { payloadKey } from './keys.js';

/** Links of a key's newest version; meaningless (zero) in older rows. */
export interface HeadLinks {
  /** the key's clock: seq of its last change */
  readonly clock: number;
  /** seq of the null version when it is not the newest, else 0 */
  readonly nullSeq: number;
  /** seq of the newest version below, 0 when there is none */
  readonly previousSeq: number;
}

export interface Row extends HeadLinks {
  readonly seq: number;
  readonly deleteMarker: boolean;
  /** '' when the document lies in the payload */
  readonly document: string;
  /** bytes of the document in the payload; 0 when it lies in the row */
  readonly spilledBytes: number;
  readonly inlineBytes: number;
  /** JSON of the listing entry */
  readonly entry: string;
  /** names its payload */
  readonly payloadSeq: number;
}

export const NO_LINKS: HeadLinks = { clock: 0, nullSeq: 0, previousSeq: 0 };

const ROW_FORMAT = 1;
const FLAG_DELETE_MARKER = 1;
const FLAG_SPILLED = 2;
/** The seq of its payload, which is not its own, ends the row. */
const FLAG_PAYLOAD_SEQ = 4;
const SEQ_BYTES = 8;
const HEADER_BYTES = 48;
/** Longer documents spill, so that a leaf page still holds two rows of usual keys. */
const MAX_DOCUMENT_BYTES = 1400;
/** A 4096-byte page less its header and a margin. */
const PIECE_BYTES = 4060;

type StoredEntry = [
  versionId: string,
  sizeBytes: number,
  etag: string,
  lastModified: number,
  storageClass: string,
  ownerId: string,
  ownerName: string,
  checksumAlgorithm?: string,
  checksumType?: ObjectEntry['checksumType'],
];

/** A version ready to be written. */
export interface EncodedVersion {
  readonly row: Row;
  /** spilled document and inline bytes, in this order */
  readonly payload: readonly Buffer[];
}

/** inline: the version's inline bytes, when its data is inline. */
export function encodeRow(
  version: ObjectVersion,
  inline: Buffer | null,
  payloadSeq: number = version.seq,
): EncodedVersion {
  const document = encodeVersion(version);
  const documentBytes = Buffer.byteLength(document);
  const spilled = documentBytes > MAX_DOCUMENT_BYTES;
  const payload: Buffer[] = [];
  if (spilled) payload.push(Buffer.from(document, 'utf8'));
  if (inline !== null && inline.length > 0) payload.push(inline);
  const { versionId, sizeBytes, etag, lastModified, storageClass, owner, checksum } = version;
  const entry: StoredEntry = [versionId, sizeBytes, etag, lastModified, storageClass, owner.id, owner.displayName];
  if (checksum !== null) entry.push(checksum.algorithm, checksum.type);
  return {
    row: {
      ...NO_LINKS,
      seq: version.seq,
      deleteMarker: version.deleteMarker,
      document: spilled ? '' : document,
      spilledBytes: spilled ? documentBytes : 0,
      inlineBytes: inline?.length ?? 0,
      entry: JSON.stringify(entry),
      payloadSeq,
    },
    payload,
  };
}

export function packRow(row: Row, links: HeadLinks): Buffer {
  const entryBytes = Buffer.byteLength(row.entry);
  const documentBytes = Buffer.byteLength(row.document);
  const documentEnd = HEADER_BYTES + entryBytes + documentBytes;
  const foreign = row.payloadSeq !== row.seq;
  const buffer = Buffer.allocUnsafe(documentEnd + (foreign ? SEQ_BYTES : 0));
  buffer[0] = ROW_FORMAT;
  buffer[1] =
    (row.deleteMarker ? FLAG_DELETE_MARKER : 0) |
    (row.spilledBytes > 0 ? FLAG_SPILLED : 0) |
    (foreign ? FLAG_PAYLOAD_SEQ : 0);
  buffer.writeUInt16LE(entryBytes, 2);
  buffer.writeUInt32LE(row.spilledBytes > 0 ? row.spilledBytes : documentBytes, 4);
  buffer.writeDoubleLE(row.seq, 8);
  buffer.writeDoubleLE(links.clock, 16);
  buffer.writeDoubleLE(links.nullSeq, 24);
  buffer.writeDoubleLE(links.previousSeq, 32);
  buffer.writeUInt32LE(row.inlineBytes, 40);
  buffer.writeUInt32LE(0, 44);
  buffer.write(row.entry, HEADER_BYTES, 'utf8');
  buffer.write(row.document, HEADER_BYTES + entryBytes, 'utf8');
  if (foreign) buffer.writeDoubleLE(row.payloadSeq, documentEnd);
  return buffer;
}

/** The row in a buffer, which is not needed afterwards. @throws StoreError corrupt */
export function unpackRow(buffer: Buffer): Row {
  checkFormat(buffer);
  const flags = buffer[1] ?? 0;
  const entryEnd = HEADER_BYTES + buffer.readUInt16LE(2);
  const documentBytes = buffer.readUInt32LE(4);
  const spilled = (flags & FLAG_SPILLED) !== 0;
  const documentEnd = entryEnd + (spilled ? 0 : documentBytes);
  const seq = buffer.readDoubleLE(8);
  return {
    seq,
    payloadSeq: (flags & FLAG_PAYLOAD_SEQ) === 0 ? seq : buffer.readDoubleLE(documentEnd),
    clock: buffer.readDoubleLE(16),
    nullSeq: buffer.readDoubleLE(24),
    previousSeq: buffer.readDoubleLE(32),
    deleteMarker: (flags & FLAG_DELETE_MARKER) !== 0,
    entry: buffer.toString('utf8', HEADER_BYTES, entryEnd),
    document: spilled ? '' : buffer.toString('utf8', entryEnd, documentEnd),
    spilledBytes: spilled ? documentBytes : 0,
    inlineBytes: buffer.readUInt32LE(40),
  };
}

/** Only what a version listing needs of a row. @throws StoreError corrupt */
export function unpackVersionEntry(key: string, buffer: Buffer, latest: boolean): VersionEntry {
  checkFormat(buffer);
  const deleteMarker = ((buffer[1] ?? 0) & FLAG_DELETE_MARKER) !== 0;
  const stored = storedEntry(buffer);
  return { ...listed(key, stored), versionId: stored[0], seq: buffer.readDoubleLE(8), deleteMarker, latest };
}

/** Only what an object listing needs of a row. @throws StoreError corrupt */
export function unpackObjectEntry(key: string, buffer: Buffer): ObjectEntry {
  checkFormat(buffer);
  return listed(key, storedEntry(buffer));
}

/** Whether the version whose head row this is has older ones. */
export function hasOlder(buffer: Buffer): boolean {
  return buffer.readDoubleLE(32) !== 0;
}

export function rowSeq(buffer: Buffer): number {
  return buffer.readDoubleLE(8);
}

/** Whether the version's id is 'null'. */
export function isNullRow(row: Row): boolean {
  return row.entry.startsWith('["null",');
}

/** null: no such row. Not copied: lmdb-js reuses the buffer at its next read. */
export function readRow(table: Table, key: Buffer): Row | null {
  const buffer = table.getBinaryFast(key);
  return buffer === undefined ? null : unpackRow(buffer);
}

/** withInline: load the inline bytes too. @throws StoreError corrupt */
export function versionOf(tables: RegionTables, row: Row, withInline: boolean): ObjectVersion {
  let document = row.document;
  let inline: Buffer | null = null;
  if (row.spilledBytes > 0) {
    const wanted = row.spilledBytes + (withInline ? row.inlineBytes : 0);
    const payload = readPayload(tables, row.payloadSeq, wanted);
    document = payload.toString('utf8', 0, row.spilledBytes);
    if (withInline) inline = payload.subarray(row.spilledBytes);
  } else if (withInline) {
    inline = readPayload(tables, row.payloadSeq, row.inlineBytes);
  }
  return decodeVersion(document, inline);
}

/** The version's inline bytes, empty when it has none. @throws StoreError corrupt */
export function readInline(tables: RegionTables, row: Row): Buffer {
  return readPayload(tables, row.payloadSeq, row.spilledBytes + row.inlineBytes).subarray(row.spilledBytes);
}

export function writePayload(writes: Writes, tables: RegionTables, seq: number, payload: readonly Buffer[]): void {
  const [first, ...rest] = payload;
  if (first === undefined) return;
  const bytes = rest.length === 0 ? first : Buffer.concat(payload);
  for (let piece = 0; piece * PIECE_BYTES < bytes.length; piece++) {
    const from = piece * PIECE_BYTES;
    writes.put(tables.payload, payloadKey(seq, piece), bytes.subarray(from, from + PIECE_BYTES));
  }
}

/** Removes what the row has in the payload from the given piece on. */
export function removePayload(writes: Writes, tables: RegionTables, row: Row, fromPiece = 0): void {
  const pieces = pieceCount(row.spilledBytes + row.inlineBytes);
  for (let piece = fromPiece; piece < pieces; piece++) writes.remove(tables.payload, payloadKey(row.payloadSeq, piece));
}

export function pieceCount(payloadBytes: number): number {
  return Math.ceil(payloadBytes / PIECE_BYTES);
}

function readPayload(tables: RegionTables, seq: number, sizeBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  for (let piece = 0; piece * PIECE_BYTES < sizeBytes; piece++) {
    const from = piece * PIECE_BYTES;
    const stored = tables.payload.getBinaryFast(payloadKey(seq, piece));
    const wanted = Math.min(PIECE_BYTES, sizeBytes - from);
    if (stored === undefined || stored.length < wanted) {
      throw new StoreError('corrupt', 'notApplied', `piece ${piece} of the payload of version ${seq} is missing`);
    }
    // not stored.copy(): lmdb-js's reused buffer only pretends to have the value's length
    bytes.set(stored.subarray(0, wanted), from);
  }
  return bytes;
}

function checkFormat(buffer: Buffer): void {
  if (buffer.length < HEADER_BYTES || buffer[0] !== ROW_FORMAT) {
    throw new StoreError('corrupt', 'notApplied', `version row of unknown format ${buffer[0] ?? 'none'}`);
  }
}

function storedEntry(buffer: Buffer): StoredEntry {
  return JSON.parse(buffer.toString('utf8', HEADER_BYTES, HEADER_BYTES + buffer.readUInt16LE(2))) as StoredEntry;
}

function listed(key: string, stored: StoredEntry): ObjectEntry {
  const [, sizeBytes, etag, lastModified, storageClass, ownerId, ownerName, checksumAlgorithm, checksumType] = stored;
  return {
    key,
    sizeBytes,
    etag,
    lastModified,
    storageClass,
    owner: { id: ownerId, displayName: ownerName },
    checksumAlgorithm: checksumAlgorithm ?? null,
    checksumType: checksumType ?? null,
  };
}
