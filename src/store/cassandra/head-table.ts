/**
 * object_head: reading the state of a key, and the conditional write that changes it.
 *
 * A change that only some replicas have yet is brought to others by reads that see it, but only the columns that such a read
 * asks for. Two consequences: key_clock is never read without the rows that decisions are made on, or a decision could be made
 * on old rows and pass with the new clock; and bytes may be older than the document that was read with them, which its
 * checksum of them shows.
 */
import { types } from 'cassandra-driver';
import { consistencyOf } from '../consistency.js';
import { StoreError } from '../errors.js';
import type { AppliedChange } from '../shared/key-change.js';
import { isSelected } from '../shared/key-change.js';
import type { BucketRef, KeyState, ObjectVersion, VersionSelector } from '../types.js';
import type { Session, Statement } from './cluster.js';
import { extendTrail } from './commit-trail.js';
import {
  clockOf,
  crcsOf,
  decode,
  documentOf,
  inlineBytes,
  inlineOf,
  isWhole,
  newest,
  NO_CRCS,
  NOTHING,
  slotOf,
  slotOfId,
} from './head-rows.js';
import { booleanOf, bytesOf, numberOf, required, textOf } from './rows.js';
import type { Row } from './rows.js';
import type { Counted, Tally } from './version-tally.js';
import { decodeTally, encodeTally, rowBytesOf, TALLIED_FROM, tallyAfter } from './version-tally.js';

const LOWEST_SLOT = types.Long.fromString('-9223372036854775808');
/** How long the clock of a key without versions stays: longer than any two gateways' clocks differ. */
export const CLOCK_TTL_S = 86_400;
/** The newest, the second newest and the null version are among so many top rows. */
const TOP_ROWS = TALLIED_FROM;
/** Reads that take several queries start again when the key changed in between, so many times. */
const MAX_READS = 20;
/** Of a page, where versions are counted: documents can be large. */
const COUNTED_ROWS = 500;

/** A key as read: its versions as decide sees them, and what the commit is conditional on. */
export interface Head {
  readonly state: KeyState;
  /** null: the key has none */
  readonly clock: number | null;
  readonly trail: Buffer;
  readonly versioned: boolean;
  /** By slot, what the documents say of their inline bytes: to be said again when they are written back without the bytes. */
  readonly inlineCrcs?: ReadonlyMap<string, number>;
  /** performance.now() before it was read */
  readonly readAtMs: number;
  /** How many versions there are; not said of keys of quorum buckets. */
  readonly counted?: Counted;
  /** In quorum buckets: of the row that holds the newest version. */
  readonly slot?: number;
}

export interface HeadWrite {
  readonly applied: AppliedChange;
  readonly token: Buffer;
  readonly versioned: boolean;
  /** how long to wait for the answer, at most */
  readonly timeoutMs: number;
}

const uuid = (text: string) => types.Uuid.fromString(text);

export class HeadTable {
  readonly #session: Session;
  readonly #table: string;

  constructor(session: Session) {
    this.#session = session;
    this.#table = `${session.keyspace}.object_head`;
  }

  /** One version, at the store's read consistency. */
  async version(
    bucket: BucketRef,
    key: string,
    select: VersionSelector,
    withInline: boolean,
  ): Promise<ObjectVersion | null> {
    if (consistencyOf(bucket) === 'quorum')
      return (await this.#newestRow(bucket, key, select, { withInline })).state.selected;
    const columns = withInline ? 'slot, doc, inline' : 'slot, doc';
    const from = `SELECT ${columns} FROM ${this.#table} WHERE bucket = ? AND key = ?`;
    if (select === 'latest') {
      // The null version and the newest of the others.
      return newest(await this.#whole(`${from} LIMIT 2`, [uuid(bucket.instance), key]))[0] ?? null;
    }
    const slot = slotOfId(select.versionId);
    if (slot === null) return null;
    const [row] = await this.#whole(`${from} AND slot = ?`, [uuid(bucket.instance), key, slot]);
    const version = row === undefined ? null : decode(row);
    return version?.versionId === select.versionId ? version : null;
  }

  /** Rows whose bytes, if asked for, are those of their documents. @throws StoreError corrupt */
  async #whole(query: string, params: unknown[]): Promise<Row[]> {
    const rows = await this.#session.read(query, params);
    if (rows.every(isWhole)) return rows;
    // The change that brought the document is still on its way: this finishes it.
    const finished = await this.#session.readSerial(query, params);
    if (finished.every(isWhole)) return finished;
    const all = await this.#session.readAll(query, params);
    if (all.every(isWhole)) return all;
    throw new StoreError('corrupt', 'notApplied', 'the bytes of an inlined object are missing or damaged');
  }

  /**
   * What decide needs, of one moment.
   * @param options.serial finish a conditional write that is under way first
   */
  async load(
    bucket: BucketRef,
    key: string,
    select: VersionSelector,
    options: { readonly withInline: boolean; readonly serial: boolean },
  ): Promise<Head> {
    if (consistencyOf(bucket) === 'quorum') return this.#newestRow(bucket, key, select, options);
    for (let attempt = 0; attempt < MAX_READS; attempt++) {
      const readAtMs = performance.now();
      // What was read in pieces that do not fit together is read again when no change is under way any more.
      const rows = await this.#top(bucket, key, options.serial || attempt > 0);
      const versions = newest(rows);
      const clock = clockOf(rows[0]);
      const counted = countedBy(rows, versions, clock);
      const latest = versions[0] ?? null;
      let selected = versions.find((version) => isSelected(version, select, version === latest)) ?? null;
      let taken = selected === null && versions.some((version) => isInSlotOf(version, select));
      if (selected === null && !taken && select !== 'latest' && rows.length === TOP_ROWS) {
        // It may lie below the top rows: then the key must not have changed between the two reads.
        const below = await this.#one(bucket, key, select.versionId);
        if (!(await this.#hasClock(bucket, key, clock))) continue;
        const found = below === null ? null : decode(below);
        taken = found !== null && found.versionId !== select.versionId;
        selected = taken ? null : found;
        if (below !== null) rows.push(below);
      }
      if (selected !== null && options.withInline && selected.data.kind === 'inline') {
        const bytes = await this.#inline(bucket, key, selected, clock);
        if (bytes === 'changed') continue;
        selected = { ...selected, data: { kind: 'inline', bytes } };
      }
      const nullVersion = versions.find(({ versionId }) => versionId === 'null') ?? null;
      return {
        state: {
          seq: clock ?? 0,
          latest,
          previous: versions[1] ?? null,
          nullVersion,
          selected,
          ...(taken && { taken }),
        },
        clock,
        trail: rows[0] === undefined ? NOTHING : (bytesOf(rows[0], 'commits') ?? NOTHING),
        versioned: rows[0] !== undefined && booleanOf(rows[0], 'versioned') === true,
        inlineCrcs: crcsOf(rows),
        counted,
        readAtMs,
      };
    }
    throw restless(key);
  }

  async #top(bucket: BucketRef, key: string, serial: boolean): Promise<Row[]> {
    const query = `SELECT slot, doc, key_clock, commits, versioned, tally FROM ${this.#table} WHERE bucket = ? AND key = ? LIMIT ${TOP_ROWS}`;
    const params = [uuid(bucket.instance), key];
    return serial ? this.#session.readSerial(query, params) : this.#session.read(query, params);
  }

  /** The row where a version of that id would be. */
  async #one(bucket: BucketRef, key: string, versionId: string): Promise<Row | null> {
    const slot = slotOfId(versionId);
    if (slot === null) return null;
    const query = `SELECT slot, doc FROM ${this.#table} WHERE bucket = ? AND key = ? AND slot = ?`;
    const [row] = await this.#session.read(query, [uuid(bucket.instance), key, slot]);
    return row !== undefined && textOf(row, 'doc') !== null ? row : null;
  }

  async #hasClock(bucket: BucketRef, key: string, clock: number | null): Promise<boolean> {
    const [row] = await this.#top(bucket, key, false);
    return clockOf(row) === clock;
  }

  async #inline(
    bucket: BucketRef,
    key: string,
    version: ObjectVersion,
    clock: number | null,
  ): Promise<Buffer | 'changed'> {
    const query = `SELECT slot, doc, inline FROM ${this.#table} WHERE bucket = ? AND key = ? AND slot = ?`;
    const [row] = await this.#whole(query, [uuid(bucket.instance), key, slotOf(version)]);
    const same = row !== undefined && decode(row).seq === version.seq && (await this.#hasClock(bucket, key, clock));
    return same ? (inlineBytes(row) ?? NOTHING) : 'changed';
  }

  /** A key of a quorum bucket: its newest row (plain-heads.ts). Rows are written whole, so bytes belong to their document. */
  async #newestRow(
    bucket: BucketRef,
    key: string,
    select: VersionSelector,
    { withInline }: { readonly withInline: boolean },
  ): Promise<Head> {
    const readAtMs = performance.now();
    const columns = withInline ? 'slot, doc, inline, key_clock' : 'slot, doc, key_clock';
    const query = `SELECT ${columns} FROM ${this.#table} WHERE bucket = ? AND key = ? LIMIT 1`;
    const rows = await this.#session.read(query, [uuid(bucket.instance), key]);
    if (!rows.every(isWhole))
      throw new StoreError('corrupt', 'notApplied', 'the bytes of an inlined object are missing or damaged');
    const latest = newest(rows)[0] ?? null;
    const clock = clockOf(rows[0]);
    const selected = latest !== null && isSelected(latest, select, true) ? latest : null;
    return {
      state: { seq: clock ?? 0, latest, previous: null, nullVersion: latest, selected },
      clock,
      trail: NOTHING,
      versioned: false,
      readAtMs,
      ...(latest !== null && rows[0] !== undefined && { slot: required(numberOf(rows[0], 'slot'), 'slot') }),
    };
  }

  /** All versions of the key without inline bytes, in no order, with the clock they were read at. */
  async all(bucket: BucketRef, key: string): Promise<{ readonly versions: ObjectVersion[]; readonly head: Head }> {
    if (consistencyOf(bucket) === 'quorum') {
      const head = await this.#newestRow(bucket, key, 'latest', { withInline: false });
      return { versions: head.state.latest === null ? [] : [head.state.latest], head };
    }
    for (let attempt = 0; attempt < MAX_READS; attempt++) {
      const head = await this.load(bucket, key, 'latest', { withInline: false, serial: true });
      const query = `SELECT slot, doc FROM ${this.#table} WHERE bucket = ? AND key = ?`;
      const versions: ObjectVersion[] = [];
      for await (const page of this.#session.pages(query, [uuid(bucket.instance), key], 500)) {
        for (const row of page) if (textOf(row, 'doc') !== null) versions.push(decode(row));
      }
      // A few rows come in one page, of one moment; more are checked.
      if (await this.#hasClock(bucket, key, head.clock)) return { versions, head };
    }
    throw restless(key);
  }

  /** Versions of a key and what they take; goes no further than to more than `enough` of either. */
  async count(bucket: BucketRef, key: string, enough: Tally): Promise<Tally> {
    const query = `SELECT slot, doc FROM ${this.#table} WHERE bucket = ? AND key = ?`;
    let versions = 0;
    let sizeBytes = 0;
    for await (const page of this.#session.pages(query, [uuid(bucket.instance), key], COUNTED_ROWS)) {
      for (const row of page) {
        if (textOf(row, 'doc') === null) continue;
        versions += 1;
        sizeBytes += rowBytesOf(decode(row));
      }
      if (versions > enough.versions || sizeBytes > enough.sizeBytes) break;
    }
    return { versions, sizeBytes };
  }

  /**
   * The change of a key, if its clock is still the one that was read.
   * @returns whether it was applied; @throws StoreError, outcome unknown when it may have been
   */
  async write(bucket: BucketRef, key: string, head: Head, change: HeadWrite): Promise<boolean> {
    const { applied, timeoutMs } = change;
    const gone = applied.newLatest === null;
    const common = {
      ttlS: gone ? CLOCK_TTL_S : 0,
      clock: applied.seq,
      trail: extendTrail(change.token, head.trail),
      versioned: gone ? null : change.versioned,
      bucket: uuid(bucket.instance),
      key,
      expected: head.clock,
      inlineCrcs: head.inlineCrcs ?? NO_CRCS,
      tally: tallyAfter(head, applied),
    };
    const upserts = [applied.put, applied.below, applied.replace].filter((version) => version !== null);
    const kept = new Set(upserts.map((version) => slotOf(version)));
    // A row that is written again must not be deleted in the same batch: of one timestamp, the deletion would win.
    const removed = applied.removed.filter((version) => !kept.has(slotOf(version)));
    const [only] = upserts;
    if (only !== undefined && upserts.length === 1 && removed.length === 0) {
      return (await this.#session.cas([this.#single(common, only)], timeoutMs)).applied;
    }
    const statements = [this.#clock(common)];
    for (const version of upserts) statements.push(this.#upsert(common, version));
    for (const version of removed) statements.push(this.#delete(common, version));
    return (await this.#session.cas(statements, timeoutMs)).applied;
  }

  /**
   * Moves the clock and nothing else: after that no change made for the clock as it was can be applied any more.
   * @returns false when the clock had moved already
   */
  async fence(bucket: BucketRef, key: string, head: Head, fenced: { readonly clock: number; readonly token: Buffer }) {
    const gone = head.state.latest === null;
    const statement = this.#clock({
      ttlS: gone ? CLOCK_TTL_S : 0,
      clock: fenced.clock,
      trail: extendTrail(fenced.token, head.trail),
      versioned: gone ? null : head.versioned,
      bucket: uuid(bucket.instance),
      key,
      expected: head.clock,
      tally: head.counted?.kind === 'tally' ? head.counted.tally : null,
    });
    return (await this.#session.cas([statement])).applied;
  }

  /** Removes all versions of a key whose bucket is gone. @returns false when the clock had moved */
  async purge(bucket: BucketRef, key: string, head: Head, clock: number, token: Buffer): Promise<boolean> {
    const statement = this.#clock({
      ttlS: CLOCK_TTL_S,
      clock,
      trail: extendTrail(token, head.trail),
      versioned: null,
      bucket: uuid(bucket.instance),
      key,
      expected: head.clock,
      tally: null,
    });
    const query = `DELETE FROM ${this.#table} WHERE bucket = ? AND key = ? AND slot >= ?`;
    const rows = { query, params: [uuid(bucket.instance), key, LOWEST_SLOT] };
    return (await this.#session.cas([statement, rows])).applied;
  }

  /** Clock and one row in one statement: the common case, cheaper than a batch for driver and server. */
  #single(common: RowWrite, version: ObjectVersion): Statement {
    const query =
      `UPDATE ${this.#table} SET key_clock = ?, commits = ?, versioned = ?, tally = ?, doc = ?, inline = ? ` +
      'WHERE bucket = ? AND key = ? AND slot = ? IF key_clock = ?';
    const { clock, trail, versioned, bucket, key, expected } = common;
    const row = [documentOf(version, common.inlineCrcs), inlineOf(version)];
    const statics = [clock, trail, versioned, tallyCell(common)];
    return { query, params: [...statics, ...row, bucket, key, slotOf(version), expected] };
  }

  #clock(common: CommonWrite): Statement {
    const { ttlS, clock, trail, versioned, bucket, key, expected } = common;
    const query =
      `UPDATE ${this.#table} USING TTL ? SET key_clock = ?, commits = ?, versioned = ?, tally = ? ` +
      'WHERE bucket = ? AND key = ? IF key_clock = ?';
    return { query, params: [ttlS, clock, trail, versioned, tallyCell(common), bucket, key, expected] };
  }

  #upsert(common: RowWrite, version: ObjectVersion): Statement {
    const query = `UPDATE ${this.#table} SET doc = ?, inline = ? WHERE bucket = ? AND key = ? AND slot = ?`;
    const { bucket, key } = common;
    return { query, params: [documentOf(version, common.inlineCrcs), inlineOf(version), bucket, key, slotOf(version)] };
  }

  #delete({ bucket, key }: CommonWrite, version: ObjectVersion): Statement {
    const query = `DELETE FROM ${this.#table} WHERE bucket = ? AND key = ? AND slot = ?`;
    return { query, params: [bucket, key, slotOf(version)] };
  }
}

/** Fewer rows than were asked for are all that there are. */
function countedBy(rows: readonly Row[], versions: readonly ObjectVersion[], clock: number | null): Counted {
  if (rows.length < TOP_ROWS) return { kind: 'all', versions };
  return decodeTally(rows[0] === undefined ? null : bytesOf(rows[0], 'tally'), clock);
}

function tallyCell({ tally, clock }: CommonWrite): unknown {
  return tally === null ? types.unset : encodeTally(tally, clock);
}

/** Whether the version is where another one, which the selector names, would have to be. */
function isInSlotOf(version: ObjectVersion, select: VersionSelector): boolean {
  return select !== 'latest' && version.seq === slotOfId(select.versionId);
}

function restless(key: string): StoreError {
  return new StoreError('contention', 'notApplied', `key ${JSON.stringify(key)} changes faster than it can be read`);
}

interface CommonWrite {
  /** 0: for good */
  readonly ttlS: number;
  readonly clock: number;
  readonly trail: Buffer;
  readonly versioned: boolean | null;
  readonly bucket: types.Uuid;
  readonly key: string;
  readonly expected: number | null;
  /** null: one that is there stays, and says nothing of the new clock */
  readonly tally: Tally | null;
}

interface RowWrite extends CommonWrite {
  readonly inlineCrcs: ReadonlyMap<string, number>;
}
