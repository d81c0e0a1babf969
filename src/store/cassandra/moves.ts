/**
 * Finishes what renames left half done: completes those whose target has its version, and undoes the others, after it is certain
 * that the version can never come. Before that it waits a moment, as most renames that are met are simply under way.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError, asNotApplied } from '../errors.js';
import { applyChange } from '../shared/key-change.js';
import type { AppliedChange } from '../shared/key-change.js';
import { amountOfChange } from '../shared/quota.js';
import type { BucketRef, KeyChange } from '../types.js';
import { nextSeq } from '../versions.js';
import type { BucketGuard } from './bucket-guard.js';
import { newToken } from './commit-trail.js';
import type { Completions } from './completions.js';
import type { Head, HeadTable } from './head-table.js';
import type { IndexWriter } from './index-writer.js';
import { isVersionedAfter, planIndex } from './index-writer.js';
import type { IntentLog } from './intents.js';
import { eventsOfMark, leavingChange, markOf, stayingChange } from './move-mark.js';
import type { LeavingMark } from './move-mark.js';
import type { CassandraOptions } from './options.js';
import type { QuotaHold, QuotaHolds } from './quota-holds.js';
import { NO_HOLD } from './quota-holds.js';
import type { CassandraOutbox } from './outbox.js';
import { backoff } from './retry.js';

export interface MovesParts {
  readonly heads: Pick<HeadTable, 'load' | 'write' | 'fence'>;
  readonly index: Pick<IndexWriter, 'apply' | 'repair'>;
  readonly intents: Pick<IntentLog, 'announce' | 'announceGarbage' | 'cancelGarbage'>;
  readonly outbox: Pick<CassandraOutbox, 'announce'>;
  readonly completions: Pick<Completions, 'settle'>;
  readonly guard: Pick<BucketGuard, 'countedFor'>;
  readonly quotas: Pick<QuotaHolds, 'take'>;
  readonly options: Pick<CassandraOptions, 'now'>;
  /** How long a rename is left to whoever makes it; a second by default. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 1_000;
const POLL_MS = 25;
const MAX_ATTEMPTS = 30;
/** How long an answer is waited for, ms. */
const WRITE_TIMEOUT_MS = 3_000;

export class Moves {
  readonly #parts: MovesParts;

  constructor(parts: MovesParts) {
    this.#parts = parts;
  }

  /**
   * Makes sure that no rename of the key's newest version is under way any more. Does nothing for a key without marks.
   * @param head the key as read
   * @returns whether the key may have changed
   * @throws StoreError
   */
  async settle(bucket: BucketRef, key: string, head: Head): Promise<boolean> {
    const mark = markOf(head.state.latest);
    if (mark === null) return false;
    if (mark.role === 'leaving') {
      await this.#settleSource(bucket, key, mark.id);
      return true;
    }
    await this.#settleSource(bucket, mark.from, mark.id);
    return false;
  }

  /** For a source whose mark may have that id. */
  async #settleSource(bucket: BucketRef, key: string, id: string): Promise<void> {
    if (!(await this.#outlasts(bucket, key, id))) return;
    const ticket = this.#parts.intents.announce(bucket, key);
    await ticket.durable;
    const lost = await this.#untilDone(() => this.#step(bucket, key, id));
    // What was written without an answer may not be listed yet.
    if (lost) await this.#parts.index.repair(bucket, key);
    ticket.done();
  }

  /** Waits for whoever makes the rename. */
  async #outlasts(bucket: BucketRef, key: string, id: string): Promise<boolean> {
    const untilMs = performance.now() + (this.#parts.patienceMs ?? PATIENCE_MS);
    for (;;) {
      const { mark } = await this.#source(bucket, key, id);
      if (mark === null) return false;
      if (performance.now() >= untilMs) return true;
      await sleep(POLL_MS);
    }
  }

  async #source(
    bucket: BucketRef,
    key: string,
    id: string,
  ): Promise<{ readonly head: Head; readonly mark: LeavingMark | null }> {
    const head = await this.#parts.heads.load(bucket, key, 'latest', { withInline: false, serial: true });
    const mark = markOf(head.state.latest);
    return { head, mark: mark?.role === 'leaving' && mark.id === id ? mark : null };
  }

  /** @returns whether the mark is gone; each step can be repeated */
  async #step(bucket: BucketRef, key: string, id: string): Promise<boolean> {
    const { heads, options } = this.#parts;
    const { head, mark } = await this.#source(bucket, key, id);
    if (mark === null) return true;
    const target = await heads.load(bucket, mark.to, 'latest', { withInline: false, serial: true });
    if (markOf(target.state.latest)?.id === id)
      return this.#write(bucket, key, head, { change: leavingChange(head.state, mark), mark });
    if (target.clock === mark.clock) {
      // After that nothing that was made for this clock can come any more; what came meanwhile is seen in the next step.
      const clock = nextSeq(target.state.seq, options.now());
      await heads.fence(bucket, mark.to, target, { clock, token: newToken() });
      return false;
    }
    const back = stayingChange(head.state);
    return back === null || this.#write(bucket, key, head, { change: back, mark: null });
  }

  /** mark: of the rename that the change ends, which tells of it. */
  async #write(
    bucket: BucketRef,
    key: string,
    head: Head,
    { change, mark }: { readonly change: KeyChange; readonly mark: LeavingMark | null },
  ): Promise<boolean> {
    const { heads, index, intents, outbox, completions, options } = this.#parts;
    const applied = applyChange(head.state, change, options.now());
    await completions.settle(bucket, key, head, applied);
    const garbage =
      applied.garbageBlobs.length === 0 ? [] : await intents.announceGarbage(bucket, key, applied.garbageBlobs);
    const versioned = isVersionedAfter(head, applied);
    const token = newToken();
    const hold = await this.#takeRoom(bucket, key, { head, applied, token });
    const drafts = mark === null ? [] : eventsOfMark(mark, applied.put);
    const events = await outbox
      .announce({ bucket, key, seq: applied.seq, token, base: head.trail, drafts })
      .catch((error: unknown) => {
        hold.cancel();
        throw error;
      });
    try {
      if (!(await heads.write(bucket, key, head, { applied, token, versioned, timeoutMs: WRITE_TIMEOUT_MS }))) {
        intents.cancelGarbage(garbage);
        hold.cancel();
        events.cancel();
        return false;
      }
    } catch (error) {
      hold.lost();
      events.lost();
      throw error;
    }
    events.made();
    try {
      await index.apply(bucket, key, planIndex(head, applied));
    } catch (error) {
      hold.lost();
      throw error;
    }
    await hold.made();
    return true;
  }

  /** Whether there is room or not: the rename has been let through already, or has not happened. */
  async #takeRoom(
    bucket: BucketRef,
    key: string,
    { head, applied, token }: { readonly head: Head; readonly applied: AppliedChange; readonly token: Buffer },
  ): Promise<QuotaHold> {
    const { guard, quotas } = this.#parts;
    const amount = amountOfChange(head.state, applied);
    const tenant = amount === null ? null : await guard.countedFor(bucket);
    if (tenant === null || amount === null) return NO_HOLD;
    return quotas.take({ tenant, bucket, key, amount, frees: null, token, base: head.trail });
  }

  /** A lost answer is no worse than a refusal: the next step sees what became of it. @returns whether there was one */
  async #untilDone(step: () => Promise<boolean>): Promise<boolean> {
    let anyLost = false;
    for (let attempt = 0; ; attempt++) {
      try {
        if (await step()) return anyLost;
      } catch (error) {
        const lost = error instanceof StoreError && error.outcome === 'unknown' && error.kind !== 'internal';
        // To the caller, who only wanted the rename out of its way, nothing of its own has happened.
        if (!lost || attempt >= MAX_ATTEMPTS) throw asNotApplied(error);
        anyLost = true;
      }
      if (attempt >= MAX_ATTEMPTS)
        throw new StoreError('contention', 'notApplied', 'a rename of the key could not be finished');
      await backoff(attempt);
    }
  }
}
