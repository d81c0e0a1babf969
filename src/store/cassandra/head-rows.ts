/** Rows of object_head: where a version sits, its document, its inline bytes, and whether the two belong together. */
import { types } from 'cassandra-driver';
import { decodeVersion, encodeVersion, inlineCrcOf } from '../shared/codec.js';
import { chunkCrc } from '../shared/crc.js';
import type { ObjectVersion } from '../types.js';
import { seqOfVersionId } from '../versions.js';
import { bytesOf, numberOf, required, textOf } from './rows.js';
import type { Row } from './rows.js';

/** Where the null version sits: above all others. */
const NULL_SLOT = types.Long.fromString('9223372036854775807');
export const NOTHING = Buffer.alloc(0);
export const NO_CRCS: ReadonlyMap<string, number> = new Map();

type Slot = typeof NULL_SLOT | number;

export function slotOf(version: ObjectVersion): Slot {
  return version.versionId === 'null' ? NULL_SLOT : version.seq;
}

/** null: no version can have that id */
export function slotOfId(versionId: string): Slot | null {
  return versionId === 'null' ? NULL_SLOT : seqOfVersionId(versionId);
}

export function clockOf(row: Row | undefined): number | null {
  return row === undefined ? null : numberOf(row, 'key_clock');
}

/** Versions of rows, newest first; rows of a key without versions hold only its clock. */
export function newest(rows: readonly Row[]): ObjectVersion[] {
  return rows
    .filter((row) => textOf(row, 'doc') !== null)
    .map(decode)
    .sort((a, b) => b.seq - a.seq);
}

export function decode(row: Row): ObjectVersion {
  const version = decodeVersion(required(textOf(row, 'doc'), 'doc'), null);
  if (version.data.kind !== 'inline') return version;
  return { ...version, data: { kind: 'inline', bytes: 'inline' in row ? inlineBytes(row) : null } };
}

/**
 * What goes into the inline cell: nothing-of-zero-bytes rather than null, which would be a tombstone; unset (the cell stays)
 * when a version is written back without its bytes having been read.
 */
export function inlineOf(version: ObjectVersion): unknown {
  return version.data.kind === 'inline' ? (version.data.bytes ?? types.unset) : NOTHING;
}

/** The document, with the CRC32C of the version's inline bytes; inlineCrcs: of those that stay, by slot. */
export function documentOf(version: ObjectVersion, inlineCrcs: ReadonlyMap<string, number>): string {
  if (version.data.kind !== 'inline') return encodeVersion(version);
  const { bytes } = version.data;
  return encodeVersion(version, bytes === null ? inlineCrcs.get(String(slotOf(version))) : chunkCrc([bytes]));
}

export function crcsOf(rows: readonly Row[]): ReadonlyMap<string, number> {
  const crcs = new Map<string, number>();
  for (const row of rows) {
    const crc = inlineCrcOf(textOf(row, 'doc') ?? '');
    if (crc !== undefined) crcs.set(String(row['slot']), crc);
  }
  return crcs;
}

/** Bytes that were read are those that the document was written with. Documents of early releases do not tell. */
export function isWhole(row: Row): boolean {
  const document = textOf(row, 'doc');
  if (document === null || !('inline' in row)) return true;
  const bytes = inlineBytes(row);
  const crc = inlineCrcOf(document);
  return bytes !== null && (crc === undefined || chunkCrc([bytes]) === crc);
}

/** What marked documents begin with; and in bytes, what stands between the mark and them. */
const MARKED = '{"w":';
const AFTER_MARK = 0;

/** mark: JSON without the first key's name, and no zero in it */
export function markedDocument(document: string, mark: string): string {
  return `${MARKED}${mark},${document.slice(1)}`;
}

export function markedInline(bytes: Buffer | null, mark: string): Buffer {
  return bytes === null ? NOTHING : Buffer.concat([Buffer.from(mark, 'utf8'), Buffer.of(AFTER_MARK), bytes]);
}

/** The bytes in the row's inline cell, null: it has none. */
export function inlineBytes(row: Row): Buffer | null {
  const stored = bytesOf(row, 'inline');
  if (stored === null || textOf(row, 'doc')?.startsWith(MARKED) !== true) return stored;
  return stored.subarray(stored.indexOf(AFTER_MARK) + 1);
}
