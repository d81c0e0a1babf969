/**
 * Moves keys from ranges to other ranges: cuts a range that has grown too large, rewrites one that is full of tombstones, joins small
 * neighbours. Steps, each of which any gateway can go on from (docs/adr/0004-bounded-partitions.md):
 *
 *   begin   the new ranges are `filling`: gateways write to old and new
 *   wait    until all gateways do
 *   copy
 *   flip    the new ranges are `active`, the old ones `leaving`: gateways read the new ones, and write to both
 *   wait    until nobody reads the old ones
 *   drop    the old partitions, with all their tombstones
 *   end     the old ranges are taken from the map
 */
import { StoreError } from '../errors.js';
import { compareKeys } from '../key-order.js';
import type { BucketRef } from '../types.js';
import type { Session } from './cluster.js';
import { dropRange } from './index-tables.js';
import { copyRows, removeDeleted } from './range-copy.js';
import { WHOLE_BUCKET } from './range-map.js';
import type { RangeRow, RangeSpan } from './range-map.js';
import { cutsOf, isRidden } from './range-plan.js';
import type { RangeLimits } from './range-plan.js';
import type { RangeLoads } from './range-load.js';
import { surveyRange } from './range-survey.js';
import type { Survey } from './range-survey.js';
import type { ChangedRow, RangeTable, StoredMap } from './range-table.js';
import { oldMapsGoneMs, oldWritesGoneMs } from './range-times.js';
import type { RangeTimes } from './range-times.js';
import type { Ranges } from './ranges.js';
import { pause } from './retry.js';

export type MoveStep = 'begun' | 'noticed' | 'cleaned' | 'copied' | 'flipped' | 'unread' | 'dropped' | 'ended';

export interface RangeMoverParts {
  /** see wideSession() */
  readonly session: Session;
  readonly table: RangeTable;
  readonly ranges: Pick<Ranges, 'forget'>;
  readonly loads: Pick<RangeLoads, 'of' | 'add' | 'remove'>;
  readonly limits: RangeLimits;
  readonly times: RangeTimes;
  readonly now: () => number;
  /** Told after each step; what it throws ends the move there. */
  readonly onStep?: ((step: MoveStep) => void | Promise<void>) | undefined;
}

export interface MoveTask {
  readonly bucket: BucketRef;
  readonly range: number;
  /** A read of it failed. */
  readonly unreadable: boolean;
  /** Whether this gateway has the work yet. */
  readonly holds: () => Promise<boolean>;
  readonly signal: AbortSignal;
}

export interface MoveReport {
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly rows: number;
  /** rows that the new ranges got although they had been deleted */
  readonly removed: number;
}

/** Ranges that are joined at most. */
const MAX_SOURCES = 8;
/** Changes of the map that meet others of the same map. */
const MAX_TRIES = 50;

export class RangeMover {
  readonly #parts: RangeMoverParts;

  constructor(parts: RangeMoverParts) {
    this.#parts = parts;
  }

  /**
   * Looks at a range, and moves its keys if that is due, or goes on with a move that was begun for it.
   * @returns null: nothing was to be done
   */
  async run(task: MoveTask): Promise<MoveReport | null> {
    const { table } = this.#parts;
    await table.settle(task.bucket.instance);
    const map = await table.load(task.bucket.instance);
    const rows = rangesOf(map);
    const source = rows.find(({ id }) => id === task.range);
    const part = rows.filter(({ move }) => move === task.range);
    if (part.some(({ state }) => state === 'filling')) return this.#fill(task, part);
    if (part.some(({ state }) => state === 'leaving')) return this.#leave(task, part, { to: [], rows: 0, removed: 0 });
    // Gone, or part of a move that was begun for another range.
    if (source?.state !== 'active' || source.move !== null) return null;
    const begun = await this.#begin(task, map, rows, source);
    return begun === null ? null : this.#fill(task, begun);
  }

  async #begin(
    task: MoveTask,
    map: StoredMap,
    rows: readonly RangeRow[],
    source: RangeRow,
  ): Promise<RangeRow[] | null> {
    const { loads, limits, session } = this.#parts;
    const { instance } = task.bucket;
    const { signal } = task;
    const counted = await loads.of(instance, source.id);
    const survey = await surveyRange(session, instance, source, { signal });
    await loads.add(instance, source.id, {
      rows: survey.rows + counted.deletions - counted.rows,
      bytes: survey.bytes - counted.bytes,
      deletions: 0,
    });
    const ridden = task.unreadable || isRidden({ live: survey.rows, deletions: counted.deletions }, limits);
    const starts = cutsOf(source.start, survey.samples, limits);
    if (starts.length === 1 && !ridden) return null;
    const sources = starts.length === 1 ? await this.#withNeighbours(task, rows, source, survey) : [source];
    const first = sources[0] ?? source;
    return this.#publish(task, map, sources, starts.length === 1 ? [first.start] : starts);
  }

  /** The range and what lies beside it, as long as all of it makes a small range. */
  async #withNeighbours(
    { bucket, signal }: MoveTask,
    rows: readonly RangeRow[],
    source: RangeRow,
    survey: Survey,
  ): Promise<RangeRow[]> {
    const { session, limits } = this.#parts;
    const most = limits.rows / 2;
    const active = rows.filter(({ state }) => state === 'active').sort((a, b) => compareKeys(a.start, b.start));
    const joined = [source];
    let total = survey.rows;
    const at = active.indexOf(source);
    for (const step of [-1, 1]) {
      for (let i = at + step; joined.length < MAX_SOURCES && total <= most; i += step) {
        const next = active[i];
        if (next === undefined || next.move !== null) break;
        const { rows: more, complete } = await surveyRange(session, bucket.instance, next, {
          maxRows: most - total,
          signal,
        });
        if (!complete || total + more > most) break;
        total += more;
        if (step < 0) joined.unshift(next);
        else joined.push(next);
      }
    }
    return joined;
  }

  /** null: the ranges have changed since they were looked at. */
  async #publish(
    { bucket, range }: MoveTask,
    before: StoredMap,
    sources: readonly RangeRow[],
    starts: readonly string[],
  ): Promise<RangeRow[] | null> {
    const { table, ranges } = this.#parts;
    let map = before;
    for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
      const part = partOf(map, range, sources, starts);
      if (part === null) return null;
      if (await table.change(bucket.instance, map, part, map.nextId + starts.length)) {
        ranges.forget(bucket.instance);
        await this.#step('begun');
        return part;
      }
      map = await table.load(bucket.instance);
    }
    throw busy(bucket);
  }

  async #fill(task: MoveTask, part: readonly RangeRow[]): Promise<MoveReport | null> {
    const { session, times, loads } = this.#parts;
    const { bucket, signal } = task;
    await pause(oldWritesGoneMs(times), signal);
    await this.#step('noticed');
    const sources = inOrder(part.filter(({ state }) => state === 'active'));
    const targets = inOrder(part.filter(({ state }) => state === 'filling'));
    const options = {
      session,
      bucket: bucket.instance,
      sources,
      targets,
      stillCopying: () => this.#check(task, targets),
      stillMine: async () => {
        if (!(await task.holds())) throw overtaken(task);
      },
      signal,
    };
    const removed = await removeDeleted(options);
    await this.#step('cleaned');
    const copied = await copyRows(options);
    await Promise.all(
      targets.map(({ id }, i) => loads.add(bucket.instance, id, { rows: 0, bytes: 0, deletions: 0, ...copied[i] })),
    );
    await this.#step('copied');
    const flipped = await this.#change(task, (row) => {
      if (row.state === 'filling') return { ...row, state: 'active', move: null };
      return row.state === 'active' ? { ...row, state: 'leaving' } : null;
    });
    await this.#step('flipped');
    const rows = copied.reduce((sum, one) => sum + one.rows, 0);
    return this.#leave(task, flipped, { to: targets.map(({ id }) => id), rows, removed });
  }

  async #leave(task: MoveTask, part: readonly RangeRow[], done: Omit<MoveReport, 'from'>): Promise<MoveReport> {
    const { session, times, now, loads } = this.#parts;
    const { bucket, signal } = task;
    const gone = part.filter(({ state }) => state === 'leaving');
    await pause(oldMapsGoneMs(times), signal);
    await this.#step('unread');
    for (const { id } of gone) {
      await dropRange(session, { bucket: bucket.instance, range: id }, now());
      await loads.remove(bucket.instance, id);
    }
    await this.#step('dropped');
    await this.#change(task, (row) => (row.state === 'leaving' ? { ...row, state: 'free', move: null } : null));
    await this.#step('ended');
    return { ...done, from: gone.map(({ id }) => id) };
  }

  /**
   * Changes the rows of the move, whatever happens to others meanwhile; answers them as they are then.
   * @throws StoreError contention when the move has gone on without this gateway
   */
  async #change(task: MoveTask, next: (row: RangeRow) => ChangedRow | null): Promise<RangeRow[]> {
    const { table, ranges } = this.#parts;
    const { instance } = task.bucket;
    for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
      const map = await table.load(instance);
      const changed = map.rows.flatMap((row) => (row.move === task.range ? (next(row) ?? []) : []));
      if (changed.length === 0) throw overtaken(task);
      if (!(await table.change(instance, map, changed))) continue;
      ranges.forget(instance);
      return changed.flatMap((row) => (row.state === 'free' ? [] : [{ ...row, state: row.state }]));
    }
    throw busy(task.bucket);
  }

  async #check(task: MoveTask, targets: readonly RangeSpan[]): Promise<void> {
    const { table } = this.#parts;
    await table.settle(task.bucket.instance);
    const { rows } = await table.load(task.bucket.instance);
    const filling = new Set(rows.filter(({ state }) => state === 'filling').map(({ id }) => id));
    if (!targets.every(({ id }) => filling.has(id)) || !(await task.holds())) throw overtaken(task);
  }

  async #step(step: MoveStep): Promise<void> {
    await this.#parts.onStep?.(step);
  }
}

/** A map that was never changed stands for one range, one without rows was removed with its bucket. */
function rangesOf({ revision, rows }: StoredMap): readonly RangeRow[] {
  return revision === 0 ? [WHOLE_BUCKET] : rows;
}

/** The rows of a move that begins; null: not all of the sources are as they were. */
function partOf(
  map: StoredMap,
  move: number,
  sources: readonly RangeRow[],
  starts: readonly string[],
): RangeRow[] | null {
  const rows = rangesOf(map);
  const free = sources.every((source) =>
    rows.some(
      ({ id, end, state, move: other }) =>
        id === source.id && end === source.end && state === 'active' && other === null,
    ),
  );
  if (!free) return null;
  const used = new Set(rows.map(({ start, slot }) => slotName(start, slot)));
  const end = sources.at(-1)?.end ?? null;
  const targets = starts.map((start, i): RangeRow => {
    let slot = 0;
    while (used.has(slotName(start, slot))) slot += 1;
    return { start, end: starts[i + 1] ?? end, slot, id: map.nextId + i, state: 'filling', move };
  });
  return [...sources.map((row): RangeRow => ({ ...row, move })), ...targets];
}

function inOrder(rows: readonly RangeRow[]): RangeRow[] {
  return [...rows].sort((a, b) => compareKeys(a.start, b.start));
}

function slotName(start: string, slot: number): string {
  return `${slot}/${start}`;
}

function busy({ name }: BucketRef): StoreError {
  return new StoreError('contention', 'unknown', `the range map of bucket ${name} is changed by too many at once`);
}

function overtaken({ bucket, range }: MoveTask): StoreError {
  return new StoreError('contention', 'notApplied', `another gateway moves range ${range} of bucket ${bucket.name}`);
}
