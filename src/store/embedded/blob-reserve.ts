/**
 * Blobs of one storage class that wait to be written: announced by an intent, their files there and named durably. A write that
 * finds one is spared the announcement's commit and the sync of a new name. How many wait follows how many were asked for lately:
 * none where nobody writes. What is not taken in time is removed again; what a crash leaves, the sweeper finds by its intent.
 */
import { AsyncResource } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { AnnouncedBlob, BucketRef } from '../types.js';
import type { FileBlobStore } from './blob-store.js';
import type { RegionContext } from './context.js';
import { forgetUnclaimed, isWhole, openUnclaimed } from './garbage.js';

/** Open files of a storage class, and what a crash leaves to the sweeper, at most. */
const MAX_AHEAD = 32;
/** So long a blob waits for whoever takes it. */
const HOLD_MS = 2_000;
/** Digits of an inode that name its directory: those made together share one, and one sync. */
const DIRECTORY_DIGITS = 4;

export interface BlobReserveOptions {
  readonly context: RegionContext;
  readonly storageClass: string;
  readonly blobs: FileBlobStore;
}

interface WaitingBlob {
  readonly inode: string;
  readonly intentId: string;
  /** on the monotonic clock, ms: who takes it later would have less than the whole lease */
  readonly untilMs: number;
}

interface Taker {
  readonly resolve: (blob: WaitingBlob) => void;
  readonly reject: (error: unknown) => void;
}

export class BlobReserve {
  readonly #options: BlobReserveOptions;
  /** It is done for all who write: not in the context (the trace) of the request that was the first to ask. */
  readonly #work = new AsyncResource('BlobReserve');
  /** oldest first */
  #waiting: WaitingBlob[] = [];
  readonly #takers: Taker[] = [];
  readonly #removing = new Set<Promise<void>>();
  #filling: Promise<void> | null = null;
  #expiry: NodeJS.Timeout | null = null;
  /** How many were to wait when it was filled last. */
  #target = 0;
  /** since it was filled last */
  #taken = 0;
  #filledAtMs = -Infinity;
  #closed = false;

  constructor(options: BlobReserveOptions) {
    this.#options = options;
  }

  /** @throws StoreError */
  async take(bucket: BucketRef, key: string): Promise<AnnouncedBlob> {
    this.#taken += 1;
    const { inode, intentId } = this.#next() ?? (await this.#ask());
    return { inode, intent: { id: intentId, bucket, key } };
  }

  /** Removes what waits. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#filling;
    this.#remove(this.#waiting.splice(0));
    await Promise.all(this.#removing);
    await this.#options.blobs.close();
  }

  #next(): WaitingBlob | null {
    const nowMs = performance.now();
    this.#remove(this.#expired(nowMs));
    for (let blob = this.#waiting.shift(); blob !== undefined; blob = this.#waiting.shift()) {
      if (isWhole(this.#options.context, blob.intentId)) {
        if (this.#waiting.length < this.#target / 2) this.#fill();
        return blob;
      }
      this.#remove([blob]);
    }
    return null;
  }

  #ask(): Promise<WaitingBlob> {
    return new Promise((resolve, reject) => {
      this.#takers.push({ resolve, reject });
      this.#fill();
    });
  }

  #fill(): void {
    this.#filling ??= this.#work
      .runInAsyncScope(() => this.#fillUp())
      .finally(() => {
        this.#filling = null;
      });
  }

  async #fillUp(): Promise<void> {
    do {
      const asked = this.#takers.length;
      try {
        this.#waiting.push(...(await this.#make(asked + Math.max(0, this.#plan() - this.#waiting.length))));
      } catch (error) {
        for (const { reject } of this.#takers.splice(0, asked)) reject(error);
      }
      for (const { resolve } of this.#takers.splice(0, this.#waiting.length)) {
        const blob = this.#waiting.shift();
        if (blob !== undefined) resolve(blob);
      }
    } while (this.#takers.length > 0);
    this.#watch();
  }

  /** As many as half the time they may wait will need, if it goes on like since the last time; never more than twice those taken then. */
  #plan(): number {
    const nowMs = performance.now();
    const rate = this.#taken / Math.max(1, nowMs - this.#filledAtMs);
    this.#target = Math.min(MAX_AHEAD, 2 * this.#taken, Math.floor((rate * HOLD_MS) / 2));
    this.#taken = 0;
    this.#filledAtMs = nowMs;
    return this.#closed ? 0 : this.#target;
  }

  /** Announced durably before there are files; what fails halfway is left to the sweeper. */
  async #make(count: number): Promise<readonly WaitingBlob[]> {
    if (count === 0) return [];
    const { context, storageClass, blobs } = this.#options;
    const untilMs = performance.now() + HOLD_MS;
    const directory = randomUUID().slice(0, DIRECTORY_DIGITS);
    const inodes = Array.from({ length: count }, () => directory + randomUUID().slice(DIRECTORY_DIGITS));
    const names = inodes.map((inode) => ({ inode, storageClass }));
    const ids = await openUnclaimed(context, names, HOLD_MS);
    await blobs.createAhead(inodes);
    return inodes.map((inode, i) => ({ inode, intentId: ids[i] ?? '', untilMs }));
  }

  #watch(): void {
    const [oldest] = this.#waiting;
    if (oldest === undefined || this.#expiry !== null || this.#closed) return;
    this.#expiry = setTimeout(() => {
      this.#expiry = null;
      this.#remove(this.#expired(performance.now()));
      this.#watch();
    }, oldest.untilMs - performance.now());
    this.#expiry.unref();
  }

  #expired(nowMs: number): readonly WaitingBlob[] {
    const fresh = this.#waiting.findIndex(({ untilMs }) => untilMs > nowMs);
    return this.#waiting.splice(0, fresh < 0 ? this.#waiting.length : fresh);
  }

  #remove(blobs: readonly WaitingBlob[]): void {
    if (blobs.length === 0) return;
    const removing = this.#forget(blobs).catch(() => {
      // The sweeper removes them when their intents have lapsed.
    });
    this.#removing.add(removing);
    void removing.finally(() => this.#removing.delete(removing));
  }

  /** Files first: one whose intent is gone would be found by nobody. */
  async #forget(blobs: readonly WaitingBlob[]): Promise<void> {
    await Promise.all(blobs.map(({ inode }) => this.#options.blobs.delete(inode)));
    await forgetUnclaimed(
      this.#options.context,
      blobs.map(({ intentId }) => intentId),
    );
  }
}
