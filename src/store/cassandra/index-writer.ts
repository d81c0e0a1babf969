/**
 * Keeps object_index and version_index in step with the heads. All writes carry the clock of the change as their timestamp,
 * so that whatever order they arrive in, the last change of the key wins.
 */
import { types } from 'cassandra-driver';
import { StoreError } from '../errors.js';
import type { AppliedChange } from '../shared/key-change.js';
import type { BucketRef, ObjectVersion } from '../types.js';
import type { Session, Statement } from './cluster.js';
import { encodeObjectEntry, encodeVersionEntry, sameEntry } from './entry-codec.js';
import { CLOCK_TTL_S } from './head-table.js';
import type { Head, HeadTable } from './head-table.js';
import { PartitionBatcher } from './partition-batcher.js';
import type { Ranges } from './ranges.js';
import { numberOf, required } from './rows.js';

/** What a change does to the listings of its key. */
export interface IndexPlan {
  /** timestamp: microseconds since the epoch */
  readonly clock: number;
  /** undefined: as it is; null: not listed by ListObjects */
  readonly listed: ObjectVersion | null | undefined;
  readonly versionsIn: readonly ObjectVersion[];
  /** seqs */
  readonly versionsOut: readonly number[];
  /** performance.now() when this was known to be the state of the key, or before */
  readonly sinceMs: number;
  /** rows that were not there before */
  readonly added: number;
}

/** Repairs of a key that are overtaken by moves of its range each time. */
const MAX_REPAIRS = 20;
/** Bytes of a row beside its key, about. */
const ENTRY_BYTES = 250;

/** Whether all versions of the key belong into version_index once the change is made. */
export function isVersionedAfter(head: Head, applied: AppliedChange): boolean {
  if (head.versioned || applied.below !== null) return true;
  return applied.put !== null && (applied.put.versionId !== 'null' || applied.put.deleteMarker);
}

export function planIndex(head: Head, applied: AppliedChange): IndexPlan {
  const { latest, nullVersion } = head.state;
  const { newLatest, put, below, replace, removed } = applied;
  const shown = newLatest !== null && !newLatest.deleteMarker ? newLatest : null;
  const shownBefore = latest !== null && !latest.deleteMarker ? latest : null;
  // A marker upon another repeats a deletion that the listings may not show yet, if who made it died.
  const repeated = put !== null && head.clock !== null;
  const same =
    shown === null ? shownBefore === null && !repeated : shownBefore !== null && sameEntry(shown, shownBefore);
  const versioned = isVersionedAfter(head, applied);
  const versionsIn: ObjectVersion[] = [];
  if (versioned) {
    if (put !== null) versionsIn.push(put);
    if (below !== null) versionsIn.push(below);
    if (replace !== null) versionsIn.push(replace);
    // Until now the key was its one null object, which was not in version_index.
    const joins = !head.versioned && nullVersion !== null && !removed.some(({ seq }) => seq === nullVersion.seq);
    if (joins && replace?.seq !== nullVersion.seq) versionsIn.push(nullVersion);
  }
  return {
    clock: applied.seq,
    listed: same ? undefined : shown,
    versionsIn,
    versionsOut: head.versioned ? removed.map(({ seq }) => seq) : [],
    sinceMs: head.readAtMs,
    added:
      (shown !== null && shownBefore === null ? 1 : 0) + versionsIn.length - (versioned && replace !== null ? 1 : 0),
  };
}

/**
 * Makes the listings show the key's newest version, or that it has none, once more.
 * @param gone seq of a version that the key does not have; null: none is asked about
 */
export function planAsIs({ state, clock, versioned, readAtMs }: Head, gone: number | null): IndexPlan {
  const { seq, latest } = state;
  return {
    clock: clock ?? seq,
    listed: latest === null || latest.deleteMarker ? null : latest,
    versionsIn: versioned && latest !== null ? [latest] : [],
    versionsOut: gone === null ? [] : [gone],
    sinceMs: readAtMs,
    added: 0,
  };
}

const uuid = (text: string) => types.Uuid.fromString(text);

export class IndexWriter {
  readonly #session: Session;
  readonly #ranges: Ranges;
  readonly #heads: HeadTable;
  readonly #now: () => number;
  readonly #object: string;
  readonly #version: string;
  readonly #batches: PartitionBatcher;

  constructor(options: {
    readonly session: Session;
    readonly ranges: Ranges;
    readonly heads: HeadTable;
    readonly now: () => number;
  }) {
    this.#session = options.session;
    this.#ranges = options.ranges;
    this.#heads = options.heads;
    this.#now = options.now;
    this.#object = `${options.session.keyspace}.object_index`;
    this.#version = `${options.session.keyspace}.version_index`;
    this.#batches = new PartitionBatcher((statements) => options.session.writeTogether(statements));
  }

  /** Resolves when the listings show the change, or a later one of the key. Repeatable. */
  async apply(bucket: BucketRef, key: string, plan: IndexPlan): Promise<void> {
    if (plan.listed === undefined && plan.versionsIn.length === 0 && plan.versionsOut.length === 0) return;
    if (!(await this.#write(bucket, key, plan))) await this.repair(bucket, key);
  }

  /** @returns false: it came so late that a newer change may have missed a range that this one was written to */
  async #write(bucket: BucketRef, key: string, plan: IndexPlan): Promise<boolean> {
    const { added, sinceMs } = plan;
    const deletions = plan.versionsOut.length + (plan.listed === null ? 1 : 0);
    return this.#ranges.write({
      bucket,
      key,
      sinceMs,
      load: { rows: added, bytes: (added - deletions) * (key.length + ENTRY_BYTES), deletions },
      to: (range) => this.#applyTo(bucket, range, key, plan),
    });
  }

  async #applyTo(bucket: BucketRef, range: number, key: string, plan: IndexPlan): Promise<void> {
    const at = [uuid(bucket.instance), range, key];
    const statements: Statement[] = [];
    for (const version of plan.versionsIn) {
      const query = `INSERT INTO ${this.#version} (bucket, range, key, seq, entry) VALUES (?, ?, ?, ?, ?) USING TIMESTAMP ?`;
      statements.push({ query, params: [...at, version.seq, encodeVersionEntry(version), plan.clock] });
    }
    for (const seq of plan.versionsOut) {
      const query = `DELETE FROM ${this.#version} USING TIMESTAMP ? WHERE bucket = ? AND range = ? AND key = ? AND seq = ?`;
      statements.push({ query, params: [plan.clock, ...at, seq] });
    }
    const partition = `${bucket.instance}/${range}`;
    await Promise.all([
      this.#batches.add(`object/${partition}`, this.#list(at, plan)),
      this.#batches.add(`version/${partition}`, statements),
    ]);
  }

  #list(at: readonly unknown[], { clock, listed }: IndexPlan): Statement[] {
    if (listed === undefined) return [];
    if (listed === null) {
      const query = `DELETE FROM ${this.#object} USING TIMESTAMP ? WHERE bucket = ? AND range = ? AND key = ?`;
      return [{ query, params: [clock, ...at] }];
    }
    const query = `INSERT INTO ${this.#object} (bucket, range, key, entry) VALUES (?, ?, ?, ?) USING TIMESTAMP ?`;
    return [{ query, params: [...at, encodeObjectEntry(listed), clock] }];
  }

  /** Writes the listings of one key anew from its head, with the clock of its last change. */
  async repair(bucket: BucketRef, key: string): Promise<void> {
    for (let attempt = 0; attempt < MAX_REPAIRS; attempt++) {
      if (await this.#repairOnce(bucket, key)) return;
    }
    throw new StoreError('timeout', 'unknown', `the listing of key ${JSON.stringify(key)} is not written in time`);
  }

  async #repairOnce(bucket: BucketRef, key: string): Promise<boolean> {
    const sinceMs = performance.now();
    const { versions, head } = await this.#heads.all(bucket, key);
    const { latest } = head.state;
    // Without a clock the last change is at least CLOCK_TTL_S ago: half of that covers its entries and is older than anything
    // that a new change can write, however far apart the gateways' clocks are.
    const clock = head.clock ?? Math.floor((this.#now() - (CLOCK_TTL_S * 1000) / 2) * 1000);
    const seqs = new Set(versions.map(({ seq }) => seq));
    const { first, then } = (await this.#ranges.map(bucket.instance)).forWrite(key);
    const stale = new Set<number>();
    for (const range of [...first, ...then]) {
      const query = `SELECT seq FROM ${this.#version} WHERE bucket = ? AND range = ? AND key = ?`;
      for await (const page of this.#session.pages(query, [uuid(bucket.instance), range, key], 1000)) {
        for (const row of page) {
          const seq = required(numberOf(row, 'seq'), 'seq');
          if (!seqs.has(seq) || !head.versioned) stale.add(seq);
        }
      }
    }
    return this.#write(bucket, key, {
      clock,
      listed: latest !== null && !latest.deleteMarker ? latest : null,
      versionsIn: head.versioned ? versions : [],
      versionsOut: [...stale],
      sinceMs,
      added: 0,
    });
  }
}
