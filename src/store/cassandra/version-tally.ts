/**
 * How many versions a key has and what they take in its partition, kept beside them, so that the partition can be bounded without
 * being read (docs/adr/0007). A tally is true for one clock of the key: a gateway that does not know of tallies moves the clock and leaves
 * the tally, which then counts for nothing.
 */
import { encodeVersion } from '../shared/codec.js';
import type { AppliedChange } from '../shared/key-change.js';
import { versionsAdded } from '../shared/version-limit.js';
import type { KeyState, ObjectVersion } from '../types.js';

export interface Tally {
  readonly versions: number;
  /** Of documents and inline bytes, about. */
  readonly sizeBytes: number;
}

/** What is known of the number of a key's versions once it was read. */
export type Counted =
  /** these are all */
  | { readonly kind: 'all'; readonly versions: readonly ObjectVersion[] }
  | { readonly kind: 'tally'; readonly tally: Tally }
  | { readonly kind: 'unknown' };

/** The top rows of a key with fewer versions tell how many there are: it needs no tally. */
export const TALLIED_FROM = 3;
/** Row header, slot and time stamps. */
const ROW_BYTES = 64;
const CELL_BYTES = 20;

/** Bytes that a version takes in its key's partition, about. */
export function rowBytesOf(version: ObjectVersion): number {
  const inlineBytes = version.data.kind === 'inline' ? version.sizeBytes : 0;
  return Buffer.byteLength(encodeVersion(version)) + inlineBytes + ROW_BYTES;
}

export function tallyOf(versions: readonly ObjectVersion[]): Tally {
  return { versions: versions.length, sizeBytes: sum(versions) };
}

/** After a change; null: not known, or not needed. */
export function tallyAfter(
  { state, counted = { kind: 'unknown' } }: { readonly state: KeyState; readonly counted?: Counted },
  applied: AppliedChange,
): Tally | null {
  if (counted.kind === 'unknown') return null;
  const before = counted.kind === 'all' ? counted.versions.length : counted.tally.versions;
  const versions = before + versionsAdded(applied);
  if (versions < TALLIED_FROM) return null;
  const { sizeBytes } = counted.kind === 'all' ? tallyOf(counted.versions) : counted.tally;
  const { put, below, replace, removed } = applied;
  const left = replace === null ? [] : [state.latest, state.previous, state.nullVersion, state.selected];
  const replaced = left.find((version) => version?.seq === replace?.seq) ?? null;
  const grownBytes = sum([put, below, replace]) - sum([...removed, replaced]);
  return { versions, sizeBytes: Math.max(0, sizeBytes + grownBytes) };
}

function sum(versions: readonly (ObjectVersion | null)[]): number {
  return versions.reduce((bytes, version) => bytes + (version === null ? 0 : rowBytesOf(version)), 0);
}

/** The cell, for a key with that clock. */
export function encodeTally({ versions, sizeBytes }: Tally, clock: number): Buffer {
  const cell = Buffer.allocUnsafe(CELL_BYTES);
  cell.writeBigInt64BE(BigInt(clock), 0);
  cell.writeUInt32BE(versions, 8);
  cell.writeBigInt64BE(BigInt(sizeBytes), 12);
  return cell;
}

/** What the cell says of a key with that clock. */
export function decodeTally(cell: Buffer | null, clock: number | null): Counted {
  if (cell?.length !== CELL_BYTES || clock === null || cell.readBigInt64BE(0) !== BigInt(clock))
    return { kind: 'unknown' };
  const tally = { versions: cell.readUInt32BE(8), sizeBytes: Number(cell.readBigInt64BE(12)) };
  return { kind: 'tally', tally };
}
