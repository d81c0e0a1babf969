/**
 * The sweeper's questions. An entry of a write that may still be under way is settled first: a fence on the key (a change of
 * its clock and nothing else, and the same on its uploads) makes sure that nothing made for the state before can be applied
 * any more, however late. Only then is what the key refers to final.
 */
import { consistencyOf } from '../consistency.js';
import { unreferencedBlobs } from '../shared/key-change.js';
import type { BlobName } from '../shared/key-change.js';
import { StoreError } from '../errors.js';
import type { BucketRef, GarbageEntry, ObjectVersion } from '../types.js';
import { nextSeq } from '../versions.js';
import type { BucketGuard } from './bucket-guard.js';
import { newToken } from './commit-trail.js';
import { parseEntryId } from './garbage-rows.js';
import type { Head, HeadTable } from './head-table.js';
import type { HolderTable } from './holders.js';
import type { IndexWriter } from './index-writer.js';
import type { IntentLog } from './intents.js';
import type { Moves } from './moves.js';
import type { CassandraOptions } from './options.js';
import type { PlainSweep } from './plain-sweep.js';
import { backoff } from './retry.js';
import type { Uploads } from './uploads.js';

export interface SweepParts {
  readonly heads: HeadTable;
  readonly index: IndexWriter;
  readonly uploads: Uploads;
  readonly intents: IntentLog;
  readonly guard: BucketGuard;
  readonly moves: Moves;
  readonly holders: HolderTable;
  readonly plain: PlainSweep;
  readonly options: CassandraOptions;
}

const MAX_ATTEMPTS = 30;

export class Sweep {
  readonly #parts: SweepParts;

  constructor(parts: SweepParts) {
    this.#parts = parts;
  }

  async unreferenced(entry: GarbageEntry): Promise<readonly BlobName[]> {
    const { bucket, key } = entry;
    const { plain } = this.#parts;
    const isPlain = consistencyOf(bucket) === 'quorum';
    if (await this.#parts.guard.isGone(bucket)) {
      await (isPlain ? plain.purge(bucket, key) : this.#purge(bucket, key));
      await this.#forget(entry.blobs);
      return entry.blobs;
    }
    if (isPlain) return plain.unreferenced(entry);
    const kind = parseEntryId(entry.id)?.kind ?? 'intent';
    if (kind === 'garbage') {
      const free = await this.#referenced(entry, { fence: false });
      // Still referred to: the change that was to let them go has not been made. It must not be made any more.
      if (free.length === entry.blobs.length) return free;
    }
    await this.settleKey(bucket, key);
    return this.#referenced(entry, { fence: true });
  }

  /** Nothing made for the key as it was can be applied any more, no rename of it is under way, and its listing says what it is. */
  async settleKey(bucket: BucketRef, key: string): Promise<void> {
    await this.#fence(bucket, key);
    await this.#settleRename(bucket, key);
    await this.#parts.index.repair(bucket, key);
  }

  async #referenced(entry: GarbageEntry, options: { readonly fence: boolean }): Promise<BlobName[]> {
    const { heads, uploads } = this.#parts;
    if (entry.blobs.length === 0) return [];
    // Uploads first: what moves from an upload into a version between the two reads is seen in both, not in neither.
    const parts = await uploads.blobsOfKey(entry.bucket, entry.key, options);
    const { versions } = await heads.all(entry.bucket, entry.key);
    const held = new Set(parts.map(({ inode }) => inode));
    const free = unreferencedBlobs(entry.blobs, versions).filter(({ inode }) => !held.has(inode));
    return this.#unheld(entry, free);
  }

  /** Those of the blobs that no other key of the bucket has got by a rename. */
  async #unheld({ bucket, key }: GarbageEntry, blobs: readonly BlobName[]): Promise<BlobName[]> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const holders = await this.#parts.holders.of(blobs);
      if (holders.size === 0) return [...blobs];
      const keys = [...new Set([key, ...[...holders.values()].flat()])];
      // A blob that is being renamed is seen in neither key when the wrong one is looked at first. If no key has changed
      // between two looks, and no key has come, the first one is of one moment.
      const first = await this.#look(bucket, keys);
      const second = await this.#look(bucket, keys);
      if (keys.some((one) => first.get(one)?.clock !== second.get(one)?.clock)) continue;
      const later = await this.#parts.holders.of(blobs);
      if ([...later.values()].flat().some((one) => !keys.includes(one))) continue;
      const free = unreferencedBlobs(
        blobs,
        [...first.values()].flatMap(({ versions }) => versions),
      );
      await this.#parts.holders.forget(free.map(({ inode }) => inode).filter((inode) => holders.has(inode)));
      return free;
    }
    throw new StoreError('contention', 'notApplied', 'the keys of a renamed blob change faster than they can be read');
  }

  async #look(
    bucket: BucketRef,
    keys: readonly string[],
  ): Promise<Map<string, { readonly clock: number | null; readonly versions: readonly ObjectVersion[] }>> {
    const seen = await Promise.all(
      keys.map(async (key) => {
        const { versions, head } = await this.#parts.heads.all(bucket, key);
        return [key, { clock: head.clock, versions }] as const;
      }),
    );
    return new Map(seen);
  }

  async #forget(blobs: readonly BlobName[]): Promise<void> {
    const holders = await this.#parts.holders.of(blobs);
    await this.#parts.holders.forget([...holders.keys()]);
  }

  async #settleRename(bucket: BucketRef, key: string): Promise<void> {
    const head = await this.#parts.heads.load(bucket, key, 'latest', { withInline: false, serial: true });
    await this.#parts.moves.settle(bucket, key, head);
  }

  async #fence(bucket: BucketRef, key: string): Promise<void> {
    await this.#untilApplied(async (attempt) => {
      const head = await this.#parts.heads.load(bucket, key, 'latest', { withInline: false, serial: attempt > 0 });
      return this.#parts.heads.fence(bucket, key, head, { clock: this.#clockAfter(head), token: newToken() });
    });
  }

  /** A write that slipped into a bucket while it was deleted, and was refused: nobody can see it, but it holds blobs. */
  async #purge(bucket: BucketRef, key: string): Promise<void> {
    const { heads, uploads, intents } = this.#parts;
    await this.#untilApplied(async () => {
      const { versions, head } = await heads.all(bucket, key);
      if (versions.length === 0) return this.#fenceEmpty(bucket, key, head);
      await intents.announceGarbage(bucket, key, blobsOfAll(versions));
      return heads.purge(bucket, key, head, this.#clockAfter(head), newToken());
    });
    await uploads.removeOfKey(bucket, key);
    await this.#parts.index.repair(bucket, key);
  }

  async #fenceEmpty(bucket: BucketRef, key: string, head: Head): Promise<boolean> {
    return this.#parts.heads.fence(bucket, key, head, { clock: this.#clockAfter(head), token: newToken() });
  }

  #clockAfter(head: Head): number {
    return nextSeq(head.state.seq, this.#parts.options.now());
  }

  /** Repeatable conditional writes: a lost answer is no worse than a refusal. */
  async #untilApplied(step: (attempt: number) => Promise<boolean>): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        if (await step(attempt)) return;
      } catch (error) {
        const lost = error instanceof StoreError && error.outcome === 'unknown' && error.kind !== 'internal';
        if (!lost || attempt >= MAX_ATTEMPTS) throw error;
      }
      if (attempt >= MAX_ATTEMPTS)
        throw new StoreError('contention', 'notApplied', 'the key is changed by too many at once');
      await backoff(attempt);
    }
  }
}

function blobsOfAll(versions: readonly ObjectVersion[]): BlobName[] {
  return unreferencedBlobs(
    versions.flatMap(({ data }) => (data.kind === 'blobs' ? data.blobs : [])),
    [],
  );
}
