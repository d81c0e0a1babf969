/** Copies blobs chunk by chunk under an intent that is kept alive, as they are stored or sealed anew: never more than a window of them in memory. */
import { StoreError } from '../store/errors.js';
import type { BlobRef, BlobStore, Intent } from '../store/types.js';
import type { IntentStore } from './blob-upload.js';

export interface BlobCopy {
  readonly from: { readonly store: BlobStore; readonly blob: BlobRef; readonly storedChunkSizeBytes: number };
  /** The copy has chunks of the same size. */
  readonly to: { readonly store: BlobStore; readonly inode: string; readonly storedChunkSizeBytes: number };
  /** What becomes of a stored chunk; absent: it stays as it is. */
  readonly convert?: (index: number, stored: Buffer, last: boolean) => readonly Buffer[];
  readonly keeper: Pick<IntentKeeper, 'renewInTime'>;
  readonly signal: AbortSignal;
}

/** The copy is durable when it resolves. @throws StoreError; the signal's reason */
export async function copyBlob({ from, to, convert, keeper, signal }: BlobCopy): Promise<void> {
  const { inode, sizeBytes, chunkSizeBytes } = from.blob;
  const writer = await to.store.openWriter(to.inode, { storedChunkSizeBytes: to.storedChunkSizeBytes, signal });
  try {
    const last = Math.ceil(sizeBytes / chunkSizeBytes) - 1;
    let index = 0;
    if (last >= 0) {
      const { storedChunkSizeBytes } = from;
      const chunks = from.store.readChunks(inode, { first: 0, last, storedChunkSizeBytes, signal });
      for await (const chunk of chunks) {
        await writer.write(index, convert?.(index, chunk, index === last) ?? [chunk]);
        index += 1;
        await keeper.renewInTime();
      }
    }
    if (index <= last)
      throw new StoreError('corrupt', 'notApplied', `chunks ${index} to ${last} of ${inode} are missing`);
    await writer.finish();
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

/** Renews an intent while work goes on that asks it to. */
export class IntentKeeper {
  readonly #metadata: Pick<IntentStore, 'renewIntent'>;
  readonly #intent: Intent;
  readonly #leaseMs: number;
  #renewedAtMs = performance.now();

  constructor(metadata: Pick<IntentStore, 'renewIntent'>, intent: Intent, leaseMs: number) {
    this.#metadata = metadata;
    this.#intent = intent;
    this.#leaseMs = leaseMs;
  }

  async renewInTime(): Promise<void> {
    if (performance.now() - this.#renewedAtMs >= this.#leaseMs / 3) await this.renew();
  }

  /** @throws StoreError closed when it lapsed */
  async renew(): Promise<void> {
    const startedMs = performance.now();
    await this.#metadata.renewIntent(this.#intent);
    this.#renewedAtMs = startedMs;
  }
}
