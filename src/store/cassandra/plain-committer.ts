/**
 * How a key of a quorum bucket changes: read, decide, write without a condition, index, acknowledge. Of writes of one key that run at the
 * same time the one with the greatest clock stays.
 *
 * A put's clock is the time, above all that it has read. What was decided upon a state, the change of a version's attributes or its
 * removal, gets the very next clock after that state: it must not win against a put that it has not seen.
 */
import { randomBytes } from 'node:crypto';
import { StoreError } from '../errors.js';
import { applyChange, blobsOf } from '../shared/key-change.js';
import type { AppliedChange } from '../shared/key-change.js';
import type { CommitRequest, KeyChange, KeyCommit, ObjectVersion } from '../types.js';
import type { BucketGuard, BucketPass } from './bucket-guard.js';
import { TOKEN_BYTES } from './commit-trail.js';
import type { Completions } from './completions.js';
import type { Head, HeadTable } from './head-table.js';
import type { IndexWriter } from './index-writer.js';
import { planAsIs } from './index-writer.js';
import type { IntentLog, Ticket } from './intents.js';
import { KeyedMutex } from './keyed-mutex.js';
import type { CassandraOptions } from './options.js';
import type { PlainHeads, PlainWrite } from './plain-heads.js';
import { backoff } from './retry.js';

export interface PlainCommitterParts {
  readonly heads: Pick<HeadTable, 'load'>;
  readonly plain: Pick<PlainHeads, 'put' | 'remove' | 'clear'>;
  readonly index: Pick<IndexWriter, 'apply'>;
  readonly intents: Pick<IntentLog, 'announce' | 'pin' | 'confirm'>;
  readonly guard: Pick<BucketGuard, 'enter' | 'confirm'>;
  readonly completions: Pick<Completions, 'check' | 'settle'>;
  readonly options: Pick<CassandraOptions, 'now' | 'commitDeadlineMs' | 'logger'>;
}

/** After so many of the overwrites the rows below are removed: a few dead ones do no harm. */
const CLEARED_SHARE = 1 / 8;
/** Clearings behind acknowledged writes that may wait; beyond that commits wait for theirs. */
const MAX_CLEARINGS = 256;

export class PlainCommitter {
  readonly #parts: PlainCommitterParts;
  readonly #keys = new KeyedMutex();
  readonly #clearings = new Set<Promise<void>>();

  constructor(parts: PlainCommitterParts) {
    this.#parts = parts;
  }

  async commit(request: CommitRequest): Promise<KeyCommit> {
    const { bucket, key } = request;
    const ticket = this.#parts.intents.announce(bucket, key);
    try {
      const commit = await this.#keys.run(`${bucket.instance}/${key}`, () => this.#run(request, ticket));
      ticket.done();
      return commit;
    } catch (error) {
      // Of an unknown outcome the announcement stays: the sweeper mends the listing.
      if (!(error instanceof StoreError) || error.outcome === 'notApplied') ticket.done();
      throw error;
    }
  }

  async #run(request: CommitRequest, ticket: Ticket): Promise<KeyCommit> {
    const { heads, guard, index, completions } = this.#parts;
    const { bucket, key, select, completes } = request;
    const [head, pass] = await Promise.all([
      heads.load(bucket, key, select, { withInline: true, serial: false }),
      guard.enter(bucket),
      ticket.durable,
    ]);
    const change = request.decide(head.state);
    if (change === null) {
      if (head.clock !== null) await index.apply(bucket, key, planAsIs(head, null));
      return { before: head.state, version: null, changed: false };
    }
    if (completes !== undefined) await completions.check({ bucket, key, uploadId: completes });
    const applied = this.#apply(head, change);
    await completions.settle(bucket, key, head, applied);
    await this.#make(request, { head, pass, applied });
    return { before: head.state, version: applied.put ?? applied.replace, changed: true };
  }

  /** @throws StoreError internal: the change needs more than a plain write */
  #apply({ state }: Head, change: KeyChange): AppliedChange {
    const blind = change.put !== undefined;
    // Digits below the millisecond: gateways that write a key in the same one seldom choose the same clock.
    const applied = applyChange(state, change, blind ? this.#parts.options.now() + Math.random() : 0);
    const versioned = [applied.put, applied.replace].some(
      (version) => version !== null && version.versionId !== 'null',
    );
    if (versioned || applied.below !== null || applied.put?.deleteMarker === true)
      throw new StoreError('internal', 'notApplied', 'a version in a quorum bucket');
    return applied;
  }

  async #make(
    request: CommitRequest,
    { head, pass, applied }: { readonly head: Head; readonly pass: BucketPass; readonly applied: AppliedChange },
  ): Promise<void> {
    const { plain, intents, index, guard } = this.#parts;
    const { bucket, key, intent, events } = request;
    const { seq: clock, newLatest } = applied;
    const drafts = events?.({ before: head.state, version: newLatest, seq: clock }) ?? [];
    if (drafts.length > 0) throw new StoreError('internal', 'notApplied', 'an event of a quorum bucket');
    const placed = applied.placed === null ? [] : blobsOf(applied.placed.data);
    const blobs = [...placed, ...applied.garbageBlobs];
    const used = intent !== undefined && applied.placed !== null ? intent : null;
    const pinned =
      blobs.length === 0 && used === null ? null : await intents.pin({ bucket, key, blobs, slot: clock, intent: used });
    const write: PlainWrite | null =
      newLatest === null
        ? null
        : { version: withBytes(newLatest, head), clock, token: randomBytes(TOKEN_BYTES).toString('hex') };
    await this.#untilWritten(() => (write === null ? plain.remove(bucket, key, clock) : plain.put(bucket, key, write)));
    try {
      if (pinned !== null && performance.now() > pinned.untilMs) throw tooLate(key);
      await index.apply(bucket, key, {
        clock,
        listed: newLatest,
        versionsIn: [],
        versionsOut: [],
        sinceMs: head.readAtMs,
        added: (newLatest === null ? 0 : 1) - (head.state.latest === null ? 0 : 1),
      });
      await guard.confirm(pass);
    } catch (error) {
      throw unknown(error);
    }
    if (pinned !== null) intents.confirm(pinned);
    if (write !== null && head.slot !== undefined && Math.random() < CLEARED_SHARE) await this.#clear(request, clock);
  }

  /** The same write again after a lost answer changes nothing. */
  async #untilWritten(write: () => Promise<void>): Promise<void> {
    const deadlineMs = performance.now() + this.#parts.options.commitDeadlineMs;
    let lost = false;
    for (let attempt = 0; ; attempt++) {
      try {
        await write();
        return;
      } catch (error) {
        const maybe = error instanceof StoreError && error.outcome === 'unknown';
        if (!maybe && !lost) throw error;
        lost = true;
        if (performance.now() > deadlineMs) throw unknown(error);
      }
      await backoff(attempt);
    }
  }

  /** Not waited for: rows that stay are never read. */
  async #clear({ bucket, key }: CommitRequest, below: number): Promise<void> {
    const clearing: Promise<void> = this.#parts.plain
      .clear(bucket, key, below)
      .catch((error: unknown) => this.#parts.options.logger.warn({ err: error }, 'superseded rows of a key stay'))
      .finally(() => this.#clearings.delete(clearing));
    this.#clearings.add(clearing);
    if (this.#clearings.size > MAX_CLEARINGS) await clearing;
  }

  async drain(): Promise<void> {
    await Promise.all(this.#clearings);
  }
}

/** The row is written whole: bytes that stay are written again. */
function withBytes(version: ObjectVersion, { state }: Head): ObjectVersion {
  const { data } = version;
  if (data.kind !== 'inline' || data.bytes !== null) return version;
  const before = state.latest?.data;
  if (before?.kind !== 'inline' || before.bytes === null)
    throw new StoreError('internal', 'notApplied', 'a change of a version whose bytes were not read');
  return { ...version, data: before };
}

function tooLate(key: string): StoreError {
  return new StoreError(
    'timeout',
    'unknown',
    `the write of key ${JSON.stringify(key)} took so long that it may be undone`,
  );
}

function unknown(error: unknown): StoreError {
  if (error instanceof StoreError) return new StoreError(error.kind, 'unknown', error.message, error);
  return new StoreError('internal', 'unknown', error instanceof Error ? error.message : String(error), error);
}
