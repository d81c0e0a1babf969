/**
 * The one way a key changes: announce, read, decide, write if the key is still as it was read, index, acknowledge.
 *
 * When the answer to a write is lost, the key's trail of commit tokens tells what became of it. As long as the key is
 * unchanged the write can still be applied, but then no other one made for that state can be: trying again is safe, and
 * settles it. Nothing is ever acknowledged, or repeated, on a guess.
 */
import { StoreError } from '../errors.js';
import { applyChange, blobsOf } from '../shared/key-change.js';
import type { AppliedChange, BlobName } from '../shared/key-change.js';
import { amountOfChange, ZERO } from '../shared/quota.js';
import type { QuotaAmount } from '../quota-types.js';
import type { BucketRef, CommitRequest, KeyChange, KeyCommit } from '../types.js';
import type { BucketGuard, BucketPass } from './bucket-guard.js';
import { isRefusal, tell } from './commit-told.js';
import type { Told } from './commit-told.js';
import { fateOf, newToken } from './commit-trail.js';
import type { Completions } from './completions.js';
import type { GarbageRow } from './garbage-table.js';
import type { Head, HeadTable } from './head-table.js';
import type { CassandraOutbox } from './outbox.js';
import type { Announcement } from './outbox-announcer.js';
import type { QuotaHold, QuotaHolds } from './quota-holds.js';
import { NO_HOLD } from './quota-holds.js';
import { isVersionedAfter, planAsIs, planIndex } from './index-writer.js';
import type { IndexWriter } from './index-writer.js';
import type { IntentLog, Ticket } from './intents.js';
import { KeyedMutex } from './keyed-mutex.js';
import { markOf, withoutMarks } from './move-mark.js';
import type { Moves } from './moves.js';
import type { CassandraOptions } from './options.js';
import { backoff } from './retry.js';
import { nextSeq, seqOfVersionId } from '../versions.js';
import type { VersionLimit } from './version-limit.js';

export interface CommitterParts {
  readonly heads: Pick<HeadTable, 'load' | 'write' | 'fence'>;
  readonly index: Pick<IndexWriter, 'apply' | 'repair'>;
  readonly intents: Pick<IntentLog, 'announce' | 'announceGarbage' | 'cancelGarbage' | 'use' | 'close'>;
  readonly guard: Pick<BucketGuard, 'enter' | 'confirm' | 'isUncounted'>;
  readonly outbox: Pick<CassandraOutbox, 'announce'>;
  readonly quotas: Pick<QuotaHolds, 'take'>;
  readonly limit: Pick<VersionLimit, 'check'>;
  readonly moves: Pick<Moves, 'settle'>;
  readonly completions: Pick<Completions, 'check' | 'settle'>;
  readonly options: Pick<CassandraOptions, 'now' | 'commitDeadlineMs'>;
}

/**
 * How long the first answer of a write is waited for, doubled with each that is lost: a coordinator that waits for a node which
 * has just died is better given up and another one asked, but a slow cluster must not be asked ever faster.
 */
const FIRST_PATIENCE_MS = 1_500;

/** What is to be written, for a key as it was read. */
interface Decided {
  readonly head: Head;
  readonly change: KeyChange;
  readonly pass: BucketPass;
}

/** A write that was sent. */
interface Attempt {
  readonly head: Head;
  readonly applied: AppliedChange;
  readonly token: Buffer;
  /** who wants to know what became of it */
  readonly told: Told;
}

/**
 * A commit; move: the rename that makes it, whose own mark does not stand in its way; frees: what that rename is going to make room
 * for in its bucket's quotas.
 */
export type HeldCommit = CommitRequest & { readonly move?: string; readonly frees?: QuotaAmount };

/** One commit() while it runs. */
interface Run {
  readonly request: HeldCommit;
  readonly ticket: Ticket;
  readonly deadlineMs: number;
  /** Writes whose answer was lost and that can be applied yet. */
  pending: Attempt[];
  /** How many answers were lost. */
  lost: number;
  /** Garbage announced for the version that the next write supersedes. */
  garbage: { readonly blobs: string; readonly rows: readonly GarbageRow[] } | null;
}

export class Committer {
  readonly #parts: CommitterParts;
  readonly #keys = new KeyedMutex();

  constructor(parts: CommitterParts) {
    this.#parts = parts;
  }

  async commit(request: CommitRequest): Promise<KeyCommit> {
    return this.#announced(request, (task) => this.holding(request.bucket, [request.key], task));
  }

  /** The same for who holds the key. */
  async commitHeld(request: HeldCommit): Promise<KeyCommit> {
    return this.#announced(request, (task) => task());
  }

  /** Runs while no other commit of this gateway changes the keys. */
  async holding<T>(bucket: BucketRef, keys: readonly string[], task: () => Promise<T>): Promise<T> {
    // In one order, so that two who want the same keys never wait for each other.
    const sorted = [...new Set(keys)].sort();
    const held = sorted.reduceRight((inner, key) => () => this.#keys.run(`${bucket.instance}/${key}`, inner), task);
    return held();
  }

  async #announced(
    request: HeldCommit,
    hold: (task: () => Promise<KeyCommit>) => Promise<KeyCommit>,
  ): Promise<KeyCommit> {
    const { bucket, key } = request;
    const ticket = this.#parts.intents.announce(bucket, key);
    const deadlineMs = performance.now() + this.#parts.options.commitDeadlineMs;
    return hold(async () => {
      const run: Run = { request, ticket, deadlineMs, pending: [], lost: 0, garbage: null };
      try {
        this.#checkDeadline(run);
        const result = await this.#run(run);
        ticket.done();
        return result;
      } catch (error) {
        // Of an unknown outcome the announcement stays: the sweeper settles it.
        if (!(error instanceof StoreError) || error.outcome === 'notApplied') {
          ticket.done();
          this.#dropGarbage(run);
        }
        for (const { told } of run.pending) told.lost();
        throw error;
      }
    });
  }

  async #run(run: Run): Promise<KeyCommit> {
    const { heads, guard } = this.#parts;
    const { bucket, key, select, withInline = false } = run.request;
    for (let attempt = 0; ; attempt++) {
      const serial = run.pending.length > 0;
      const [found, pass] = await this.#orUnknown(run, async () =>
        Promise.all([heads.load(bucket, key, select, { withInline, serial }), guard.enter(bucket), run.ticket.durable]),
      );
      const done = this.#settle(run, found);
      if (done !== null) return this.#finish(run, done, pass);
      const head = await this.#orUnknown(run, () => this.#withoutRename(run, found));
      if (head === null) continue;
      const change = await this.#decide(run, head);
      if (change === 'again') continue;
      if (change === null) {
        await this.#show(run, head);
        return { before: head.state, version: null, changed: false };
      }
      const made = await this.#write(run, { head, change, pass });
      if (made !== null) return this.#finish(run, made, pass);
      this.#checkDeadline(run);
      await backoff(attempt);
    }
  }

  /** The key as it is once no other rename of it is under way; null: it has to be read again. */
  async #withoutRename({ request }: Run, head: Head): Promise<Head | null> {
    const mark = markOf(head.state.latest);
    if (mark === null || mark.id === request.move) return head;
    if (await this.#parts.moves.settle(request.bucket, request.key, head)) return null;
    return { ...head, state: withoutMarks(head.state) };
  }

  /** The pending write that was applied; forgets those that never will be. @throws StoreError unknown when the trail is lost */
  #settle(run: Run, head: Head): Attempt | null {
    for (const one of run.pending) {
      const fate = fateOf(one.token, one.head.trail, head.trail);
      if (fate === 'applied') return one;
      if (fate === 'unknown') throw unknownOutcome(run.request);
      if (fate !== 'dead') continue;
      run.pending = run.pending.filter((other) => other !== one);
      one.told.cancel();
    }
    return null;
  }

  async #decide(run: Run, head: Head): Promise<KeyChange | 'again' | null> {
    let change: KeyChange | null;
    try {
      change = run.request.decide(head.state);
      if (change !== null) await this.#checkUpload(run.request);
    } catch (error) {
      // Before its refusal may be reported, a write that is still under way must be stopped or seen.
      if (run.pending.length > 0) return this.#fence(run, head);
      throw error;
    }
    if (change === null && run.pending.length > 0) return this.#fence(run, head);
    return change;
  }

  async #checkUpload({ bucket, key, completes }: HeldCommit): Promise<void> {
    if (completes !== undefined) await this.#parts.completions.check({ bucket, key, uploadId: completes });
  }

  async #fence(run: Run, head: Head): Promise<'again'> {
    const { bucket, key } = run.request;
    const clock = nextSeq(head.state.seq, this.#parts.options.now());
    await this.#orUnknown(run, () => this.#parts.heads.fence(bucket, key, head, { clock, token: newToken() }));
    this.#checkDeadline(run);
    return 'again';
  }

  /** null: not applied, or not known to be. */
  async #write(run: Run, { head: found, change, pass }: Decided): Promise<Attempt | null> {
    const { heads, intents, guard, limit, completions, options } = this.#parts;
    const { bucket, key, intent, move } = run.request;
    const applied = applyChange(found.state, change, options.now());
    const amount = amountOfChange(found.state, applied);
    const token = newToken();
    await this.#orUnknown(run, () => completions.settle(bucket, key, found, applied));
    let told: Told;
    let head = found;
    try {
      // What a rename leaves at its source belongs to what was let through at its target.
      if (move === undefined) head = await limit.check(bucket, key, found, applied);
      told = await tell({
        garbage: this.#announceGarbage(run, applied.garbageBlobs),
        events: this.#announceEvents(run, head, applied, token),
        hold: this.#takeRoom(run, { head, pass, amount, token }),
      });
    } catch (error) {
      if (run.pending.length === 0) throw error;
      if (!isRefusal(error)) throw madeUnknown(error);
      await this.#fence(run, head);
      return null;
    }
    const attempt: Attempt = { head, applied, token, told };
    try {
      if (amount !== null && !told.isCounted && !(await this.#orUnknown(run, () => guard.isUncounted(pass)))) {
        told.cancel();
        return null;
      }
      // Last of all: the sweeper must not get hold of the blobs between this look at the lease and the write.
      if (intent !== undefined && applied.placed !== null) await this.#orUnknown(run, async () => intents.use(intent));
    } catch (error) {
      told.cancel();
      throw error;
    }
    try {
      const versioned = isVersionedAfter(head, applied);
      const timeoutMs = FIRST_PATIENCE_MS * 2 ** run.lost;
      if (await heads.write(bucket, key, head, { applied, token, versioned, timeoutMs })) return attempt;
      told.cancel();
      return null;
    } catch (error) {
      const lost = error instanceof StoreError && error.outcome === 'unknown' && error.kind !== 'internal';
      if (!lost) {
        if (error instanceof StoreError && error.outcome === 'notApplied') told.cancel();
        else told.lost();
        throw run.pending.length > 0 ? madeUnknown(error) : error;
      }
      run.pending.push(attempt);
      run.lost += 1;
      return null;
    }
  }

  async #takeRoom(
    { request }: Run,
    {
      head,
      pass,
      amount,
      token,
    }: Pick<Decided, 'head' | 'pass'> & Pick<Attempt, 'token'> & { amount: QuotaAmount | null },
  ): Promise<QuotaHold> {
    const tenant = pass.countedFor;
    if (tenant === null || amount === null) return NO_HOLD;
    const { bucket, key, frees = ZERO } = request;
    return this.#parts.quotas.take({ tenant, bucket, key, amount, frees, token, base: head.trail });
  }

  async #announceEvents(run: Run, head: Head, applied: AppliedChange, token: Buffer): Promise<Announcement> {
    const { bucket, key, events } = run.request;
    const { seq, put, below, replace } = applied;
    const drafts = events?.({ before: head.state, version: put ?? below ?? replace, seq }) ?? [];
    return this.#parts.outbox.announce({ bucket, key, seq, token, base: head.trail, drafts });
  }

  async #announceGarbage(run: Run, blobs: readonly BlobName[]): Promise<void> {
    const names = blobs.map(({ inode }) => inode).join();
    if (run.garbage?.blobs === names) return;
    // What was announced for a pending write stays: it may be applied yet.
    if (run.pending.length === 0) this.#dropGarbage(run);
    run.garbage = null;
    if (blobs.length === 0) return;
    const rows = await this.#parts.intents.announceGarbage(run.request.bucket, run.request.key, blobs);
    run.garbage = { blobs: names, rows };
  }

  #dropGarbage(run: Run): void {
    if (run.garbage !== null) this.#parts.intents.cancelGarbage(run.garbage.rows);
    run.garbage = null;
  }

  /**
   * Nothing to change, because what is wanted is so already. Who made it so may have died before the listings showed it, or not be
   * that far yet: acknowledged means that they do, so this makes sure. That goes for a version that is gone, too.
   */
  async #show({ request: { bucket, key, select } }: Run, head: Head): Promise<void> {
    const { index } = this.#parts;
    if (head.clock === null) return;
    const gone = select === 'latest' || head.state.selected !== null ? null : select.versionId;
    // Ids tell under which seq a version is listed, but for the null version's.
    if (gone === 'null') await index.repair(bucket, key);
    else await index.apply(bucket, key, planAsIs(head, gone === null ? null : seqOfVersionId(gone)));
  }

  /** The change is made. Now it must show, and its bucket must still be there. */
  async #finish(run: Run, made: Attempt, pass: BucketPass): Promise<KeyCommit> {
    const { index, guard, intents } = this.#parts;
    const { bucket, key, intent } = run.request;
    const { head, applied } = made;
    // The key has moved on from the state that the others were made for.
    for (const { told } of run.pending) if (told !== made.told) told.cancel();
    run.pending = [];
    let shown = false;
    try {
      await index.apply(bucket, key, planIndex(head, applied));
      shown = true;
      await guard.confirm(pass);
    } catch (error) {
      throw madeUnknown(error);
    } finally {
      // Whether it shows or not: it was made.
      await made.told.made(shown);
    }
    if (intent !== undefined && applied.placed !== null) intents.close(intent, blobsOf(applied.placed.data));
    return { before: head.state, version: applied.put ?? applied.below ?? applied.replace, changed: true };
  }

  /** What fails while a write may still be applied leaves the outcome unknown. */
  async #orUnknown<T>(run: Run, task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      throw run.pending.length > 0 ? madeUnknown(error) : error;
    }
  }

  #checkDeadline(run: Run): void {
    if (performance.now() < run.deadlineMs) return;
    if (run.pending.length > 0) throw unknownOutcome(run.request);
    const { key } = run.request;
    throw new StoreError('contention', 'notApplied', `key ${JSON.stringify(key)} is changed by too many at once`);
  }
}

function unknownOutcome({ bucket, key }: { readonly bucket: BucketRef; readonly key: string }): StoreError {
  const what = `key ${JSON.stringify(key)} of bucket ${bucket.name}`;
  return new StoreError('timeout', 'unknown', `Cassandra does not say whether the change of ${what} was made`);
}

function madeUnknown(error: unknown): StoreError {
  if (error instanceof StoreError) return new StoreError(error.kind, 'unknown', error.message, error);
  return new StoreError('internal', 'unknown', error instanceof Error ? error.message : String(error), error);
}
