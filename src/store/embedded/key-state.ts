/**
 * One key: reading its versions, and writing what a change makes of it.
 *
 * The newest version's row (in live, or in hidden when it is a delete marker) also holds the key's clock and the seqs of
 * its null version and of the version below it, so that no usual operation has to search: everything is found by key.
 */
import { StoreError } from '../errors.js';
import type { AppliedChange } from '../shared/key-change.js';
import { tooManyVersions, versionsAdded } from '../shared/version-limit.js';
import type { BucketRef, KeyState, ObjectVersion, VersionSelector } from '../types.js';
import { seqOfVersionId } from '../versions.js';
import type { RegionTables, Table, Writes } from './database.js';
import { after, headKey, olderEnd, olderKey } from './keys.js';
import {
  NO_LINKS,
  encodeRow,
  isNullRow,
  packRow,
  pieceCount,
  readInline,
  readRow,
  removePayload,
  unpackRow,
  versionOf,
  writePayload,
} from './rows.js';
import type { HeadLinks, Row } from './rows.js';

const NULL_VERSION = 'null';

/** @throws StoreError tooManyVersions: the change adds a version to a key that has as many as it may have */
export function checkVersions(rows: KeyRows, applied: AppliedChange, max: number): void {
  const added = versionsAdded(applied);
  if (added > 0 && rows.count(max) + added > max) throw tooManyVersions(`${max} versions or more`);
}

/** Reads and writes one key in the transaction, or of the snapshot, that is current. */
export class KeyRows {
  readonly #tables: RegionTables;
  readonly key: Buffer;
  readonly head: Row | null;

  constructor(tables: RegionTables, bucket: BucketRef, key: string) {
    this.#tables = tables;
    this.key = headKey(bucket, key);
    this.head = readRow(tables.live, this.key) ?? readRow(tables.hidden, this.key);
  }

  /** The selected version, null when there is none. @throws StoreError corrupt */
  select(select: VersionSelector, withInline: boolean): ObjectVersion | null {
    const row = this.#selectRow(select);
    if (row === null) return null;
    const version = versionOf(this.#tables, row, withInline);
    // an id names its seq, but only the whole id names the version
    return select === 'latest' || version.versionId === select.versionId ? version : null;
  }

  /** @throws StoreError corrupt */
  state(select: VersionSelector, withInline: boolean): KeyState {
    if (this.head === null) return { seq: 0, latest: null, previous: null, nullVersion: null, selected: null };
    const selected = this.select(select, withInline);
    const taken = selected === null && select !== 'latest' && this.#isTaken(select.versionId);
    const load = (row: Row | null): ObjectVersion | null => {
      if (row === null) return null;
      return selected?.seq === row.seq ? selected : versionOf(this.#tables, row, false);
    };
    const latest = load(this.head);
    const { nullSeq, previousSeq } = this.head;
    const previous = load(this.#older(previousSeq));
    const nullVersion =
      latest?.versionId === NULL_VERSION
        ? latest
        : nullSeq !== 0 && nullSeq === previousSeq
          ? previous
          : load(this.#older(nullSeq));
    return { seq: this.head.clock, latest, previous, nullVersion, selected, ...(taken && { taken }) };
  }

  /** Another version has the seq that the id tells. */
  #isTaken(versionId: string): boolean {
    const seq = seqOfVersionId(versionId);
    return seq !== null && (seq === this.head?.seq || this.#older(seq) !== null);
  }

  /** All versions, newest first, without inline bytes. @throws StoreError corrupt */
  *versions(): Generator<ObjectVersion> {
    if (this.head === null) return;
    yield versionOf(this.#tables, this.head, false);
    if (this.head.previousSeq === 0) return;
    for (const row of this.olderRows()) yield versionOf(this.#tables, row, false);
  }

  /** How many versions there are; goes no further than to `enough`. */
  count(enough: number): number {
    if (this.head === null) return 0;
    if (this.head.previousSeq === 0) return 1;
    const range = { start: after(this.key), end: olderEnd(this.key), limit: enough };
    return 1 + this.#tables.older.getKeysCount(range);
  }

  /** Rows below the newest, newest first. */
  *olderRows(): Generator<Row> {
    const range = { start: after(this.key), end: olderEnd(this.key) };
    for (const { value } of this.#tables.older.getRange(range)) yield unpackRow(value);
  }

  /** Makes the rows what the change says; all of it through `writes`. */
  write(writes: Writes, change: AppliedChange): void {
    const removed = new Set(change.removed.map((version) => version.seq));
    const stored = new Map<number, Row>();
    if (change.replace !== null) stored.set(change.replace.seq, this.#writeReplace(writes, change.replace));
    if (change.below !== null) stored.set(change.below.seq, this.#writeNew(writes, change.below, change.seq));

    for (const seq of removed) {
      const row = seq === this.head?.seq ? this.head : this.#older(seq);
      if (row === null) continue;
      removePayload(writes, this.#tables, row);
      if (row !== this.head) writes.remove(this.#tables.older, olderKey(this.key, seq));
    }
    for (const [seq, row] of stored) {
      if (seq !== this.head?.seq) {
        writes.put(this.#tables.older, olderKey(this.key, seq), packRow(row, NO_LINKS));
      }
    }

    const head =
      change.put === null ? this.#survivingHead(removed, stored) : this.#writeNew(writes, change.put, change.seq);
    if (head === null) {
      if (this.head !== null) writes.remove(this.#headTable(this.head), this.key);
      return;
    }
    const demoted = change.put !== null && this.head !== null && !removed.has(this.head.seq) ? this.head : null;
    if (demoted !== null) {
      const row = stored.get(demoted.seq) ?? demoted;
      writes.put(this.#tables.older, olderKey(this.key, row.seq), packRow(row, NO_LINKS));
    }
    const promoted = change.put === null && this.head !== null && head.seq !== this.head.seq;
    if (promoted) writes.remove(this.#tables.older, olderKey(this.key, head.seq));

    const links: HeadLinks = {
      clock: change.seq,
      nullSeq: this.#nullSeqAfter(change, head, removed),
      previousSeq: demoted?.seq ?? Math.max(change.below?.seq ?? 0, this.#nextBelow(head.seq, removed)),
    };
    if (this.head !== null && this.#headTable(this.head) !== this.#headTable(head)) {
      writes.remove(this.#headTable(this.head), this.key);
    }
    writes.put(this.#headTable(head), this.key, packRow(head, links));
  }

  #selectRow(select: VersionSelector): Row | null {
    const head = this.head;
    if (head === null || select === 'latest') return head;
    if (select.versionId === NULL_VERSION) return this.#older(head.nullSeq) ?? head;
    const seq = seqOfVersionId(select.versionId);
    if (seq === null) return null;
    return seq === head.seq ? head : this.#older(seq);
  }

  #older(seq: number): Row | null {
    // a key without a version below its newest has no row there at all: spare the look
    if (seq === 0 || this.head?.previousSeq === 0) return null;
    return readRow(this.#tables.older, olderKey(this.key, seq));
  }

  #headTable(row: Row): Table {
    return row.deleteMarker ? this.#tables.hidden : this.#tables.live;
  }

  /** clock: of the commit, which no other version's payload is named by */
  #writeNew(writes: Writes, version: ObjectVersion, clock: number): Row {
    const inline = version.data.kind === 'inline' ? version.data.bytes : null;
    if (version.data.kind === 'inline' && inline === null) {
      throw new StoreError('internal', 'notApplied', 'an inline version was put without its bytes');
    }
    const { row, payload } = encodeRow(version, inline, clock);
    writePayload(writes, this.#tables, clock, payload);
    return row;
  }

  #writeReplace(writes: Writes, version: ObjectVersion): Row {
    const before = version.seq === this.head?.seq ? this.head : this.#older(version.seq);
    if (before === null) throw new StoreError('internal', 'notApplied', 'replaces a version that is not there');
    const given = version.data.kind === 'inline' ? version.data.bytes : null;
    const { payloadSeq } = before;
    const { row, payload } = encodeRow(version, given ?? readInline(this.#tables, before), payloadSeq);
    if (given !== null || before.spilledBytes > 0 || row.spilledBytes > 0) {
      writePayload(writes, this.#tables, payloadSeq, payload);
      removePayload(writes, this.#tables, before, pieceCount(row.spilledBytes + row.inlineBytes));
    }
    return row;
  }

  /** The newest row that stays, when nothing is put. */
  #survivingHead(removed: ReadonlySet<number>, stored: ReadonlyMap<number, Row>): Row | null {
    if (this.head === null) return null;
    if (!removed.has(this.head.seq)) return stored.get(this.head.seq) ?? this.head;
    const next = this.#older(this.#nextBelow(this.head.seq, removed));
    return next === null ? null : (stored.get(next.seq) ?? next);
  }

  /** Seq of the newest version below that is not removed; 0 when there is none. */
  #nextBelow(seq: number, removed: ReadonlySet<number>): number {
    const head = this.head;
    if (head === null || head.previousSeq === 0) return 0;
    if (seq >= head.seq && !removed.has(head.previousSeq)) return head.previousSeq;
    const range = { start: after(olderKey(this.key, seq)), end: olderEnd(this.key) };
    for (const { value } of this.#tables.older.getRange(range)) {
      const below = unpackRow(value).seq;
      if (!removed.has(below)) return below;
    }
    return 0;
  }

  #nullSeqAfter(change: AppliedChange, head: Row, removed: ReadonlySet<number>): number {
    if (change.put?.versionId === NULL_VERSION || this.head === null) return 0;
    const before = isNullRow(this.head) ? this.head.seq : this.head.nullSeq;
    return before === head.seq || removed.has(before) ? 0 : before;
  }
}
