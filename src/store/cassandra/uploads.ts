/** Multipart uploads of a region: their life from create to remove, by conditional writes on each upload's own partition. */
import { randomUUID } from 'node:crypto';
import { StoreError } from '../errors.js';
import type { BlobName } from '../shared/key-change.js';
import type { BucketRef, Intent, PartRecord, UploadRecord, UploadRef, UploadScan } from '../types.js';
import { nextSeq } from '../versions.js';
import type { BucketGuard } from './bucket-guard.js';
import type { CasResult } from './cluster.js';
import { readDivided } from './divided-read.js';
import type { IntentLog } from './intents.js';
import { KeyedMutex } from './keyed-mutex.js';
import { leaseMarginMs } from './options.js';
import type { CassandraOptions } from './options.js';
import { collect, lesser } from './range-scan.js';
import type { Position } from './range-scan.js';
import type { Ranges } from './ranges.js';
import { backoff } from './retry.js';
import { NEW_PART } from './upload-table.js';
import type { PartBase, UploadRow, UploadTable } from './upload-table.js';

export interface UploadsParts {
  readonly table: UploadTable;
  readonly ranges: Ranges;
  readonly intents: IntentLog;
  readonly guard: BucketGuard;
  readonly options: CassandraOptions;
}

/** Rows of one query. */
const MAX_ROWS = 1_000;
/** Uploads of a removed bucket that are removed in one go. */
const REMOVED_TOGETHER = 100;
/** A record beside its key, about. */
const UPLOAD_BYTES = 600;

export class Uploads {
  readonly #parts: UploadsParts;
  readonly #busy = new KeyedMutex();

  constructor(parts: UploadsParts) {
    this.#parts = parts;
  }

  /** Listed first: a crash in between leaves a listed upload that is not there, which the sweeper finds by the announcement. */
  async create(bucket: BucketRef, upload: UploadRecord): Promise<void> {
    const { table, intents, guard, options } = this.#parts;
    const ref = { bucket, key: upload.key, uploadId: upload.uploadId };
    const ticket = intents.announce(bucket, upload.key);
    const pass = await guard.enter(bucket).catch((error: unknown) => {
      ticket.done();
      throw error;
    });
    await ticket.durable;
    const row: UploadRow = { record: upload, clock: nextSeq(0, options.now()), changeId: randomUUID() };
    await this.#list(ref, row);
    await this.#until(async () => {
      const result = await table.insert(ref, row);
      // Upload ids are unique: one that is there is this one.
      return result.applied || (await table.read(ref, { serial: true })) !== null;
    });
    await guard.confirm(pass);
    ticket.done();
  }

  async get(ref: UploadRef): Promise<UploadRecord | null> {
    return (await this.#parts.table.read(ref, { serial: false }))?.record ?? null;
  }

  async putPart(ref: UploadRef, part: PartRecord, intent: Intent): Promise<void> {
    const { guard, intents } = this.#parts;
    const pass = await guard.enter(ref.bucket);
    await this.#busy.run(`${ref.uploadId}/${part.partNumber}`, () => this.#writePart(ref, part, intent));
    await guard.confirm(pass);
    intents.close(intent, [part.blob]);
  }

  async #writePart(ref: UploadRef, part: PartRecord, intent: Intent): Promise<void> {
    const { table, intents, options } = this.#parts;
    const { inode } = part.blob;
    const deadlineMs = performance.now() + options.commitDeadlineMs;
    let base: PartBase = NEW_PART;
    /** An answer was lost: the part may be there already, or come yet. */
    let uncertain = false;
    for (let attempt = 0; ; attempt++) {
      const replaced = base.replaces !== null && base.replaces.inode !== inode ? [base.replaces] : [];
      const garbage = await intents.announceGarbage(ref.bucket, ref.key, replaced);
      intents.use(intent);
      const result = await unlessUnknown(() => table.putPart(ref, part, base));
      if (result?.applied === true) return;
      if (result === null) {
        uncertain = true;
      } else {
        if (uncertain && result.found.replaces?.inode === inode) return;
        // The lost write was made for another base: it can no longer be applied, or has been and was replaced since.
        const replacedSince = result.found.replaces !== null && result.found.replaces.inode !== base.replaces?.inode;
        if (uncertain && (replacedSince || result.state === null)) throw unknownPart(ref);
        uncertain = false;
        intents.cancelGarbage(garbage);
        if (result.state !== 'open') throw uploadGone(ref, result.state);
        base = result.found;
      }
      if (performance.now() > deadlineMs) {
        throw uncertain
          ? unknownPart(ref)
          : new StoreError('contention', 'notApplied', 'the part is written by too many');
      }
      await backoff(attempt);
    }
  }

  async listParts(ref: UploadRef, afterPart: number, limit: number): Promise<PartRecord[]> {
    return limit <= 0 ? [] : this.#parts.table.parts(ref, afterPart, limit);
  }

  async scan(bucket: BucketRef, scan: UploadScan): Promise<UploadRecord[]> {
    if (scan.limit <= 0) return [];
    const { table, ranges } = this.#parts;
    const start: Position<string> = { key: scan.from, inclusive: scan.inclusive, sub: scan.fromUploadIdAfter };
    const across = { ranges, bucket: bucket.instance, start, end: scan.end, limit: scan.limit };
    return collect<UploadRecord, string>(across, async (span, at, wanted) => {
      // Some may be on their way out.
      const limit = Math.min(MAX_ROWS, wanted + 16);
      const page = await readDivided({
        stretch: { from: at.key, inclusive: at.inclusive, end: lesser(span.end, scan.end) },
        limit,
        onFailure: () => ranges.unreadable(bucket, span.id),
        read: (part, most) => {
          const uploadId = part.from === at.key && part.inclusive === at.inclusive ? at.sub : null;
          const from = { key: part.from, uploadId, inclusive: part.inclusive };
          return table.scan({ instance: bucket.instance, range: span.id, from, end: part.end, limit: most });
        },
      });
      const last = page.length === limit ? page.at(-1) : undefined;
      const next = last === undefined ? null : { key: last.key, inclusive: false, sub: last.uploadId };
      return { rows: page.filter(({ state }) => state === 'open'), next };
    });
  }

  async close(ref: UploadRef, to: 'completing' | 'aborting'): Promise<UploadRecord['state'] | null> {
    return this.#announced(ref, () => this.#move(ref, 'open', to));
  }

  async reopen(ref: UploadRef): Promise<void> {
    await this.#announced(ref, () => this.#move(ref, 'completing', 'open'));
  }

  /** A gateway that dies before it has written the listing leaves the announcement, and the sweeper mends the listing. */
  async #announced<T>({ bucket, key }: UploadRef, change: () => Promise<T>): Promise<T> {
    const ticket = this.#parts.intents.announce(bucket, key);
    await ticket.durable;
    const result = await change();
    ticket.done();
    return result;
  }

  /** The state before; moves only from `from`. */
  async #move(
    ref: UploadRef,
    from: UploadRecord['state'],
    to: UploadRecord['state'],
  ): Promise<UploadRecord['state'] | null> {
    const { table, options } = this.#parts;
    const progress: { moved: UploadRow | null; before: UploadRecord['state'] | null } = { moved: null, before: null };
    await this.#until(async () => {
      const row = await table.read(ref, { serial: true });
      // After a lost answer the upload tells whose change was the last.
      if (row !== null && row.changeId === progress.moved?.changeId) return true;
      progress.before = row?.record.state ?? null;
      progress.moved = null;
      if (row?.record.state !== from) return true;
      const moved: UploadRow = {
        record: { ...row.record, state: to },
        clock: nextSeq(row.clock, options.now()),
        changeId: randomUUID(),
      };
      progress.moved = moved;
      return (await table.setState(ref, row, moved)).applied;
    });
    if (progress.moved !== null) await this.#list(ref, progress.moved);
    return progress.before;
  }

  /** Removes the upload and its parts; blobs that `keep` does not name become garbage. */
  async remove(ref: UploadRef, keep: ReadonlySet<string>): Promise<void> {
    await this.#announced(ref, () => this.#remove(ref, keep));
  }

  async #remove(ref: UploadRef, keep: ReadonlySet<string>): Promise<void> {
    const { table, intents, options } = this.#parts;
    let clock = 0;
    // Anew when it changes meanwhile: a completion that was refused may have opened it again, and parts have come.
    await this.#until(async () => {
      // No part may come after its blobs were counted.
      await this.#move(ref, 'open', 'aborting');
      const row = await table.read(ref, { serial: true });
      if (row === null) return true;
      clock = row.clock;
      const blobs = (await table.blobs(ref)).filter(({ inode }) => !keep.has(inode));
      await intents.announceGarbage(ref.bucket, ref.key, blobs);
      return (await table.remove(ref, row)).applied;
    });
    await this.#unlist(ref, nextSeq(clock, options.now()));
  }

  /** Removes all uploads of a bucket that is being deleted, whatever their state; their parts become garbage. */
  async removeAll(bucket: BucketRef): Promise<void> {
    const { table, ranges } = this.#parts;
    for (let start: Position<string> = { key: '', inclusive: true, sub: null }; ;) {
      const across = { ranges, bucket: bucket.instance, start, end: null, limit: REMOVED_TOGETHER };
      const page = await collect<UploadRecord, string>(across, async (span, at, limit) => {
        const from = { key: at.key, uploadId: at.sub, inclusive: at.inclusive };
        const rows = await table.scan({ instance: bucket.instance, range: span.id, from, end: span.end, limit });
        const last = rows.length === limit ? rows.at(-1) : undefined;
        return { rows, next: last === undefined ? null : { key: last.key, inclusive: false, sub: last.uploadId } };
      });
      for (const { key, uploadId } of page) await this.remove({ bucket, key, uploadId }, new Set());
      const last = page.at(-1);
      if (last === undefined) break;
      start = { key: last.key, inclusive: false, sub: last.uploadId };
    }
  }

  async removeOfKey(bucket: BucketRef, key: string): Promise<void> {
    for (const { uploadId } of await this.#ofKey(bucket, key)) {
      await this.remove({ bucket, key, uploadId }, new Set());
    }
  }

  #ofKey(bucket: BucketRef, key: string): Promise<{ uploadId: string; clock: number }[]> {
    const { table, ranges } = this.#parts;
    return ranges.readAt(bucket.instance, key, (range) => table.ofKey({ bucket, key }, range));
  }

  /** Blobs of all parts of all uploads of a key. fence: parts that are under way are stopped first. */
  async blobsOfKey(bucket: BucketRef, key: string, options: { readonly fence: boolean }): Promise<BlobName[]> {
    const { table } = this.#parts;
    const found: BlobName[] = [];
    for (const { uploadId } of await this.#ofKey(bucket, key)) {
      const ref = { bucket, key, uploadId };
      if (options.fence) await table.moveFence(ref);
      found.push(...(await table.blobs(ref)));
    }
    return found;
  }

  /** Listed uploads that are not there (their creation died) are taken from the listing; states are set right. */
  async repair(bucket: BucketRef, key: string): Promise<void> {
    const { table, ranges, options } = this.#parts;
    const { first, then } = (await ranges.map(bucket.instance)).forWrite(key);
    /** when they were listed last */
    const listed = new Map<string, Set<number>>();
    for (const range of [...first, ...then]) {
      for (const { uploadId, clock } of await table.ofKey({ bucket, key }, range)) {
        listed.set(uploadId, (listed.get(uploadId) ?? new Set()).add(clock));
      }
    }
    for (const [uploadId, clocks] of listed) {
      const ref = { bucket, key, uploadId };
      const row = await table.read(ref, { serial: true });
      const last = Math.max(...clocks);
      if (row !== null) {
        if (clocks.size > 1 || row.clock !== last) await this.#list(ref, row);
      } else if (last < (options.now() - options.intentLeaseMs + leaseMarginMs(options)) * 1000) {
        // Old enough not to be one that is just being created. It was listed a moment after it was announced: when the
        // announcement lapses it has to be old enough for certain, because nobody will look again.
        await this.#unlist(ref, last + 1);
      }
    }
  }

  async #list(ref: UploadRef, row: UploadRow): Promise<void> {
    const { table, ranges } = this.#parts;
    const load = { rows: row.record.state === 'open' ? 1 : 0, bytes: UPLOAD_BYTES + ref.key.length, deletions: 0 };
    for (let now = row; ;) {
      const { bucket, key } = ref;
      const sinceMs = performance.now();
      const listing = now;
      const to = (range: number) => table.list(ref, range, listing);
      if (await ranges.write({ bucket, key, sinceMs, load, to })) return;
      // It took long: the upload may have changed meanwhile, in ranges that this has just been written to.
      const current = await table.read(ref, { serial: true });
      if (current === null) return this.#unlist(ref, now.clock + 1);
      now = current;
    }
  }

  /** A removal is final: however late, nothing newer is undone by it. */
  async #unlist(ref: UploadRef, clock: number): Promise<void> {
    const { table, ranges } = this.#parts;
    const { bucket, key } = ref;
    const to = (range: number) => table.unlist(ref, range, clock);
    const load = { rows: 0, bytes: -(UPLOAD_BYTES + key.length), deletions: 1 };
    while (!(await ranges.write({ bucket, key, sinceMs: performance.now(), load, to })));
  }

  /** Repeats a step that settles itself: each attempt looks first, or finds, what an earlier one did. */
  async #until(step: () => Promise<boolean>): Promise<void> {
    const deadlineMs = performance.now() + this.#parts.options.commitDeadlineMs;
    let lost: StoreError | null = null;
    for (let attempt = 0; ; attempt++) {
      try {
        if (await step()) return;
      } catch (error) {
        if (!isLost(error)) throw lost === null ? error : asUnknown(error);
        lost = error;
      }
      if (performance.now() > deadlineMs) {
        throw lost ?? new StoreError('contention', 'notApplied', 'the upload is changed by too many at once');
      }
      await backoff(attempt);
    }
  }
}

function isLost(error: unknown): error is StoreError {
  return (
    error instanceof StoreError &&
    error.outcome === 'unknown' &&
    error.kind !== 'internal' &&
    error.kind !== 'contention'
  );
}

function asUnknown(error: unknown): unknown {
  return error instanceof StoreError ? new StoreError(error.kind, 'unknown', error.message, error) : error;
}

async function unlessUnknown<T extends CasResult | { readonly applied: boolean }>(
  attempt: () => Promise<T>,
): Promise<T | null> {
  try {
    return await attempt();
  } catch (error) {
    if (isLost(error)) return null;
    throw error;
  }
}

function uploadGone(ref: UploadRef, state: UploadRecord['state'] | null): StoreError {
  return new StoreError('uploadGone', 'notApplied', `the upload ${ref.uploadId} is not open (${state ?? 'unknown'})`);
}

function unknownPart(ref: UploadRef): StoreError {
  return new StoreError('timeout', 'unknown', `Cassandra does not say whether the part of ${ref.uploadId} was written`);
}
