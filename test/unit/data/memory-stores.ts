/**
 * Stores in memory for tests of the data pipeline alone: they hold a blob store and the intents to their contracts, and
 * record what happened in which order. Tests of stores run against the real ones.
 */
import { randomUUID } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { IntentStore } from '../../../src/data/blob-upload.js';
import { StoreError } from '../../../src/store/errors.js';
import type { BlobRef, BlobStore, BlobWriter, BucketRef, Intent } from '../../../src/store/types.js';

export const BUCKET: BucketRef = { name: 'pictures', instance: randomUUID(), region: 'eu-1' };

export class MemoryIntents implements IntentStore {
  readonly events: string[];
  readonly open = new Map<string, readonly Pick<BlobRef, 'inode' | 'storageClass'>[]>();
  readonly renewed: string[] = [];
  abandoned = 0;
  failOpen: Error | null = null;
  failRenew: Error | null = null;
  failAbandon: Error | null = null;

  constructor(events: string[] = []) {
    this.events = events;
  }

  async openIntent(
    bucket: BucketRef,
    key: string,
    blobs: readonly Pick<BlobRef, 'inode' | 'storageClass'>[],
  ): Promise<Intent> {
    await nextTurn();
    if (this.failOpen) throw this.failOpen;
    const intent = { id: randomUUID(), bucket, key };
    this.open.set(intent.id, blobs);
    this.events.push('intent');
    return intent;
  }

  async renewIntent(intent: Intent): Promise<void> {
    await nextTurn();
    if (this.failRenew) throw this.failRenew;
    if (!this.open.has(intent.id)) throw new StoreError('closed', 'notApplied', 'the intent lapsed');
    this.renewed.push(intent.id);
  }

  async abandonIntent(intent: Intent): Promise<void> {
    await nextTurn();
    if (this.failAbandon) throw this.failAbandon;
    this.open.delete(intent.id);
    this.abandoned += 1;
    this.events.push('abandon');
  }
}

export interface MemoryBlobsOptions {
  readonly chunkSizeBytes: number;
  readonly window?: number;
  readonly events?: string[];
}

export class MemoryBlobs implements BlobStore {
  readonly chunkSizeBytes: number;
  readonly window: number;
  readonly events: string[];
  readonly blobs = new Map<string, Map<number, Buffer>>();
  /** chunks read, as 'inode:index' */
  readonly reads: string[] = [];
  outstanding = 0;
  maxOutstanding = 0;
  /** runs before a chunk is stored: delays, failures, measurements */
  beforeStore: (index: number) => Promise<void> | void = () => nextTurn();
  afterStore: (sizeBytes: number) => void = () => undefined;
  failFinish: Error | null = null;

  constructor({ chunkSizeBytes, window = 4, events = [] }: MemoryBlobsOptions) {
    this.chunkSizeBytes = chunkSizeBytes;
    this.window = window;
    this.events = events;
  }

  async openWriter(
    inode: string,
    { storedChunkSizeBytes, signal }: { readonly storedChunkSizeBytes: number; readonly signal?: AbortSignal },
  ): Promise<BlobWriter> {
    if (this.blobs.has(inode)) throw new Error('inode used twice');
    const chunks = new Map<number, Buffer>();
    this.blobs.set(inode, chunks);
    this.events.push('open');
    let ended = false;
    let writing = 0;
    return {
      write: async (index, payload) => {
        if (ended) throw new Error('write after the end');
        this.outstanding += 1;
        writing += 1;
        this.maxOutstanding = Math.max(this.maxOutstanding, this.outstanding);
        try {
          await this.beforeStore(index);
          signal?.throwIfAborted();
          if (chunks.has(index)) throw new Error(`chunk ${index} written twice`);
          // Only now: until the write resolves, the buffers must not change.
          const bytes = Buffer.concat(payload);
          if (bytes.length === 0 || bytes.length > storedChunkSizeBytes)
            throw new Error(`chunk of ${bytes.length} bytes`);
          chunks.set(index, bytes);
          this.events.push(`chunk ${index}`);
          this.afterStore(bytes.length);
        } finally {
          this.outstanding -= 1;
          writing -= 1;
        }
      },
      finish: async () => {
        if (writing > 0) throw new Error('finish before the writes ended');
        await nextTurn();
        if (this.failFinish) throw this.failFinish;
        for (let index = 0; index < chunks.size - 1; index += 1) {
          if (chunks.get(index)?.length !== storedChunkSizeBytes) throw new Error(`chunk ${index} is not full`);
        }
        ended = true;
        this.events.push('finish');
      },
      abort: async () => {
        ended = true;
        this.blobs.delete(inode);
        this.events.push('abort');
      },
    };
  }

  async *readChunks(
    inode: string,
    { first, last }: { readonly first: number; readonly last: number },
  ): AsyncGenerator<Buffer, void, void> {
    for (let index = first; index <= last; index += 1) {
      const chunk = this.blobs.get(inode)?.get(index);
      if (!chunk) throw new StoreError('corrupt', 'notApplied', `no chunk ${index} of ${inode}`);
      this.reads.push(`${inode}:${index}`);
      yield chunk;
    }
  }

  async delete(inode: string): Promise<void> {
    this.blobs.delete(inode);
  }
}

/** The same numbers for the same seed, so that a failure can be repeated (mulberry32). */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** 0 <= n < limit */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % limit;
  }

  bytes(sizeBytes: number): Buffer {
    const bytes = Buffer.alloc(sizeBytes);
    for (let i = 0; i < sizeBytes; i += 1) bytes[i] = this.below(256);
    return bytes;
  }

  /** The bytes cut at random places, empty slices included. */
  slices(bytes: Buffer, maxSliceBytes: number): Buffer[] {
    const slices: Buffer[] = [];
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + this.below(maxSliceBytes + 1));
      slices.push(bytes.subarray(at, end));
      at = end;
    }
    return slices;
  }
}

export async function* sourceOf(slices: Iterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  for (const slice of slices) {
    await Promise.resolve();
    yield slice;
  }
}

export async function collect(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
}
