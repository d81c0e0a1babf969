/**
 * One blob on its way into a store: announced by an intent that is kept alive, its chunks sealed and written in a bounded window,
 * and taken back as a whole when anything fails.
 */
import { randomUUID } from 'node:crypto';
import { StoreError } from '../store/errors.js';
import type {
  AnnouncedBlob,
  BlobRef,
  BlobStore,
  BlobWriter,
  BucketRef,
  Intent,
  MetadataStore,
} from '../store/types.js';
import type { Release } from './budget.js';
import type { DataCipher } from './chunk-cipher.js';
import { throwIfAborted } from './interrupt.js';

/** What of the metadata store the data path uses. */
export type IntentStore = Pick<MetadataStore, 'openIntent' | 'announceBlob' | 'renewIntent' | 'abandonIntent'>;

export interface BlobUploadOptions {
  readonly bucket: BucketRef;
  readonly key: string;
  readonly storageClass: string;
  readonly metadata: IntentStore;
  readonly blobs: BlobStore;
  readonly cipher: DataCipher | null;
  /** how long an intent holds without being renewed */
  readonly leaseMs: number;
  /** Fires to stop the upload, and when the upload itself has failed: whoever feeds it must listen to it. */
  readonly controller: AbortController;
}

export class BlobUpload {
  readonly #options: BlobUploadOptions;
  /** Known when it is open. */
  #inode = '';
  readonly #inFlight = new Set<Promise<void>>();
  readonly #opened: Promise<BlobWriter>;
  #intent: Intent | null = null;
  #renewedAtMs = 0;
  #renewing: Promise<void> | null = null;
  #timer: NodeJS.Timeout | null = null;
  #chunks = 0;

  /** Starts at once: the announcement is on its way while the caller still gathers the first chunk. */
  constructor(options: BlobUploadOptions) {
    this.#options = options;
    this.#opened = this.#open();
    this.#opened.catch((error: unknown) => this.#fail(error));
  }

  /**
   * Writes the next chunk; returns when it is under way and the window has room to fill another one.
   * @param chunk chunkSizeBytes of plaintext, fewer only in the last chunk
   * @param release called when the chunk's memory is free again, also on failure
   * @throws the first failure of this or an earlier chunk
   */
  async write(chunk: readonly Buffer[], last: boolean, release: Release): Promise<void> {
    const { signal } = this.#options.controller;
    try {
      const writer = await this.#opened;
      while (this.#inFlight.size >= this.#options.blobs.window) await Promise.race(this.#inFlight);
      throwIfAborted(signal);
      const index = this.#chunks;
      this.#chunks += 1;
      const payload = this.#options.cipher?.seal(this.#inode, index, chunk, last) ?? chunk;
      const writing: Promise<void> = writer
        .write(index, payload)
        .catch((error: unknown) => this.#fail(error))
        .finally(() => {
          this.#inFlight.delete(writing);
          release();
        });
      this.#inFlight.add(writing);
    } catch (error) {
      release();
      throw error;
    }
  }

  /** All chunks are durable when it resolves. The intent then still has most of its lease to be committed under. */
  async finish(sizeBytes: number): Promise<{ readonly blob: BlobRef; readonly intent: Intent }> {
    const { controller, storageClass, blobs } = this.#options;
    const writer = await this.#opened;
    await Promise.all(this.#inFlight);
    throwIfAborted(controller.signal);
    await writer.finish();
    await this.#stopRenewing();
    // A lease that lapsed meanwhile has put the blob at the sweeper's disposal.
    throwIfAborted(controller.signal);
    if (!this.#intent) throw new Error('a blob was finished before it was announced');
    return {
      blob: { inode: this.#inode, storageClass, sizeBytes, chunkSizeBytes: blobs.chunkSizeBytes },
      intent: this.#intent,
    };
  }

  /** Drops everything; never throws. What cannot be dropped now, the sweeper drops when the intent has lapsed. */
  async rollback(): Promise<void> {
    await this.#stopRenewing();
    await Promise.all(this.#inFlight);
    const writer = await this.#opened.catch(() => null);
    await writer?.abort();
    if (this.#intent) await abandonQuietly(this.#options.metadata, this.#intent);
  }

  async #open(): Promise<BlobWriter> {
    const { metadata, blobs, bucket, key, storageClass, cipher, leaseMs, controller } = this.#options;
    const announced = await (metadata.announceBlob?.(bucket, key, storageClass) ??
      announceNew(metadata, { bucket, key, storageClass }));
    this.#inode = announced.inode;
    this.#intent = announced.intent;
    this.#renewedAtMs = performance.now();
    if (!controller.signal.aborted) {
      this.#timer = setInterval(() => {
        this.#renewing ??= this.#renew().finally(() => {
          this.#renewing = null;
        });
      }, leaseMs / 3);
      this.#timer.unref();
    }
    return blobs.openWriter(this.#inode, {
      storedChunkSizeBytes: blobs.chunkSizeBytes + (cipher?.overheadBytes ?? 0),
      signal: controller.signal,
    });
  }

  /** A renewal that only could not be answered is tried again next time, as long as the lease surely holds until then. */
  async #renew(): Promise<void> {
    const startedAtMs = performance.now();
    if (!this.#intent) return;
    try {
      await this.#options.metadata.renewIntent(this.#intent);
      this.#renewedAtMs = startedAtMs;
    } catch (error) {
      const lapsed = error instanceof StoreError && error.kind === 'closed';
      const unsafe = performance.now() - this.#renewedAtMs >= (this.#options.leaseMs * 2) / 3;
      if (lapsed || unsafe) this.#fail(error);
    }
  }

  /** A renewal under way is waited for, so that none can revive the intent after its commit or abandonment. */
  async #stopRenewing(): Promise<void> {
    if (this.#timer) clearInterval(this.#timer);
    await this.#renewing;
  }

  #fail(error: unknown): void {
    this.#options.controller.abort(error);
  }
}

async function announceNew(
  metadata: IntentStore,
  { bucket, key, storageClass }: Pick<BlobUploadOptions, 'bucket' | 'key' | 'storageClass'>,
): Promise<AnnouncedBlob> {
  const inode = randomUUID();
  return { inode, intent: await metadata.openIntent(bucket, key, [{ inode, storageClass }]) };
}

/** The write did not happen. An intent that cannot be abandoned now lapses by itself. */
export async function abandonQuietly(metadata: IntentStore, intent: Intent): Promise<void> {
  try {
    await metadata.abandonIntent(intent);
  } catch {
    // Nothing is lost: the intent lapses and the sweeper removes the blob.
  }
}
