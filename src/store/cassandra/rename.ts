/**
 * A rename on Cassandra: three conditional writes, and at any moment between them it can be told whether it is made
 * (move-mark.ts says how). Blobs stay where they are: that another key may refer to them is durable before it can.
 */
import { randomUUID } from 'node:crypto';
import { StoreError } from '../errors.js';
import { applyChange, blobsOf } from '../shared/key-change.js';
import { amountOfChange, ZERO } from '../shared/quota.js';
import { sourceChange } from '../shared/rename.js';
import type { QuotaAmount } from '../quota-types.js';
import type { KeyRename, ObjectVersion, RenameChange, RenameRequest } from '../types.js';
import type { Committer } from './committer.js';
import type { Head, HeadTable } from './head-table.js';
import type { HolderTable } from './holders.js';
import type { IntentLog } from './intents.js';
import {
  leavingChange,
  leavingEvents,
  markOf,
  stayingChange,
  withMark,
  withoutMark,
  withoutMarks,
} from './move-mark.js';
import type { LeavingMark } from './move-mark.js';
import type { Moves } from './moves.js';
import type { CassandraOptions } from './options.js';
import { backoff } from './retry.js';

export interface RenamerParts {
  readonly committer: Pick<Committer, 'holding' | 'commitHeld'>;
  readonly heads: Pick<HeadTable, 'load'>;
  readonly moves: Pick<Moves, 'settle'>;
  readonly holders: Pick<HolderTable, 'add'>;
  readonly intents: Pick<IntentLog, 'announce'>;
  readonly options: Pick<CassandraOptions, 'commitDeadlineMs' | 'now'>;
}

/** One rename while it runs. */
interface Run {
  readonly request: RenameRequest;
  readonly id: string;
  readonly deadlineMs: number;
  /** The source may carry the mark. */
  marked: boolean;
  /** Nothing is left for the sweeper to settle. */
  clean: boolean;
  /** What becomes free when the source goes. */
  frees: QuotaAmount;
}

export class Renamer {
  readonly #parts: RenamerParts;

  constructor(parts: RenamerParts) {
    this.#parts = parts;
  }

  async rename(request: RenameRequest): Promise<KeyRename> {
    const { bucket, from, to } = request;
    // The sweeper finds the source when this gateway dies on the way.
    const ticket = this.#parts.intents.announce(bucket, from);
    const deadlineMs = performance.now() + this.#parts.options.commitDeadlineMs;
    const run: Run = { request, id: randomUUID(), deadlineMs, marked: false, clean: true, frees: ZERO };
    try {
      return await this.#parts.committer.holding(bucket, [from, to], async () => {
        await ticket.durable;
        return this.#run(run);
      });
    } finally {
      if (run.clean) ticket.done();
    }
  }

  async #run(run: Run): Promise<KeyRename> {
    try {
      for (let attempt = 0; ; attempt++) {
        const target = await this.#target(run);
        const change = await this.#mark(run, target);
        if (change === null) {
          await this.#back(run);
          return { changed: false, version: null };
        }
        await this.#parts.holders.add(blobsOf(change.draft.data), [run.request.from, run.request.to]);
        const version = await this.#arrive(run, target, change);
        if (version !== null) {
          await this.#leave(run);
          return { changed: true, version: withoutMark(version) };
        }
        if (performance.now() > run.deadlineMs)
          throw new StoreError('contention', 'notApplied', 'the target of the rename is changed by too many at once');
        await backoff(attempt);
      }
    } catch (error) {
      const certain = !(error instanceof StoreError) || error.outcome === 'notApplied';
      if (!certain) run.clean = false;
      else await this.#backQuietly(run);
      throw error;
    }
  }

  /** The target as it is, with no rename of its own under way. */
  async #target({ request }: Run): Promise<Head> {
    const { bucket, to } = request;
    for (;;) {
      const head = await this.#parts.heads.load(bucket, to, 'latest', { withInline: false, serial: false });
      if (!(await this.#parts.moves.settle(bucket, to, head))) return head;
    }
  }

  /** The first write. Answers what was decided, null for nothing. */
  async #mark(run: Run, target: Head): Promise<RenameChange | null> {
    const { bucket, from, to, decide } = run.request;
    let decided: RenameChange | null = null;
    const { changed } = await this.#parts.committer.commitHeld({
      bucket,
      key: from,
      select: 'latest',
      withInline: true,
      move: run.id,
      decide: (state) => {
        const source = withoutMarks(state);
        decided = decide(source, withoutMarks(target.state));
        if (decided === null || source.latest === null) return null;
        const { marker, isNull } = decided;
        const left = applyChange(source, sourceChange(source, decided), this.#parts.options.now());
        run.frees = amountOfChange(source, left) ?? ZERO;
        const mark: LeavingMark = {
          role: 'leaving',
          id: run.id,
          to,
          clock: target.clock,
          marker,
          isNull,
          ...leavingEvents(run.request.sourceEvents, source, { id: run.id, marker, isNull }),
        };
        return { replace: withMark(withoutBytes(source.latest), mark) };
      },
    });
    if (!changed) return null;
    run.marked = true;
    return decided;
  }

  /** The second write, which makes the rename; null when the target has changed since it was looked at. */
  async #arrive(run: Run, target: Head, { draft, isNull }: RenameChange): Promise<ObjectVersion | null> {
    const { bucket, from, to, targetEvents } = run.request;
    const arrived = withMark(withoutMark(draft), { role: 'arrived', id: run.id, from });
    const { version } = await this.#parts.committer.commitHeld({
      bucket,
      key: to,
      select: 'latest',
      frees: run.frees,
      ...(targetEvents === undefined ? {} : { events: targetEvents }),
      decide: ({ seq }) => (seq === (target.clock ?? 0) ? { put: { draft: arrived, isNull } } : null),
    });
    return version;
  }

  /** The third write. The rename is made: should this fail, others do it. */
  async #leave(run: Run): Promise<void> {
    const { bucket, from, sourceEvents } = run.request;
    try {
      await this.#parts.committer.commitHeld({
        bucket,
        key: from,
        select: 'latest',
        move: run.id,
        ...(sourceEvents === undefined ? {} : { events: sourceEvents }),
        decide: (state) => {
          const mark = markOf(state.latest);
          return mark?.role === 'leaving' && mark.id === run.id ? leavingChange(state, mark) : null;
        },
      });
    } catch (error) {
      run.clean = false;
      if (!(error instanceof StoreError)) throw error;
      throw new StoreError(error.kind, 'unknown', 'the rename is made, but its source is not gone yet', error);
    }
  }

  /** Takes the mark away: the second write was certainly not made. */
  async #back(run: Run): Promise<void> {
    if (!run.marked) return;
    const { bucket, from } = run.request;
    await this.#parts.committer.commitHeld({
      bucket,
      key: from,
      select: 'latest',
      move: run.id,
      decide: (state) => (markOf(state.latest)?.id === run.id ? stayingChange(state) : null),
    });
    run.marked = false;
  }

  async #backQuietly(run: Run): Promise<void> {
    try {
      await this.#back(run);
    } catch {
      // Whoever changes the source next, or the sweeper, takes the mark away.
      run.clean = false;
    }
  }
}

/** Inline bytes that were read need not be written again. */
function withoutBytes(version: ObjectVersion): ObjectVersion {
  return version.data.kind === 'inline' ? { ...version, data: { kind: 'inline', bytes: null } } : version;
}
