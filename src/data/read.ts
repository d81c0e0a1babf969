/** The read path of object data: a version's bytes, or a range of them, from inline data or from the chunks that hold them. */
import { StoreError } from '../store/errors.js';
import type { BlobRef, BlobStore, ObjectVersion, ReadMemory } from '../store/types.js';
import type { DataCipher } from './chunk-cipher.js';
import { INLINE_SCOPE } from './chunk-cipher.js';
import { throwIfAborted } from './interrupt.js';

export interface ByteRange {
  readonly start: number;
  /** inclusive */
  readonly end: number;
}

export interface ReadObjectOptions {
  /** Inline bytes must have been loaded. */
  readonly version: Pick<ObjectVersion, 'sizeBytes' | 'data'>;
  /** The blob store of a storage class, upper case; throws when the region has none. */
  readonly blobStoreFor: (storageClass: string) => BlobStore;
  /** From the version's EncryptionInfo; null when it has none. */
  readonly cipher: DataCipher | null;
  /** Within the object; null reads all of it. */
  readonly range: ByteRange | null;
  /** The consumer gives back each piece that it is yielded; absent: pieces are the consumer's. */
  readonly memory?: ReadMemory;
  readonly signal: AbortSignal;
}

/**
 * Plaintext in order, verified chunk by chunk: the first chunk is read, and fails, before anything is yielded.
 * @throws StoreError corrupt when stored bytes are missing or not what was written; unavailable, timeout; the signal's reason
 */
export async function* readObject(options: ReadObjectOptions): AsyncGenerator<Buffer, void, void> {
  const { version, range, signal } = options;
  const { start, end } = range ?? { start: 0, end: version.sizeBytes - 1 };
  if (start < 0 || end >= version.sizeBytes || (range && start > end)) {
    throw new RangeError(`range ${start}-${end} of ${version.sizeBytes} bytes`);
  }
  throwIfAborted(signal);
  switch (version.data.kind) {
    case 'none':
      throw new StoreError('internal', 'notApplied', 'a delete marker has no data to read');
    case 'inline': {
      const bytes = openInline(options, version.data.bytes);
      if (start <= end) yield bytes.subarray(start, end + 1);
      return;
    }
    case 'blobs': {
      const totalBytes = version.data.blobs.reduce((sum, blob) => sum + blob.sizeBytes, 0);
      if (totalBytes !== version.sizeBytes) {
        throw corrupt(`the blobs have ${totalBytes} bytes, the object ${version.sizeBytes}`);
      }
      let blobStart = 0;
      for (const blob of version.data.blobs) {
        const from = Math.max(start - blobStart, 0);
        const to = Math.min(end - blobStart, blob.sizeBytes - 1);
        if (from <= to) yield* readBlob(options, blob, from, to);
        blobStart += blob.sizeBytes;
      }
    }
  }
}

function openInline({ version, cipher }: ReadObjectOptions, stored: Buffer | null): Buffer {
  if (!stored) throw new StoreError('internal', 'notApplied', 'the inline bytes of the version were not loaded');
  // Nothing is stored as nothing, sealed or not.
  const bytes = cipher && version.sizeBytes > 0 ? cipher.open(INLINE_SCOPE, 0, stored, true) : stored;
  if (bytes.length !== version.sizeBytes) {
    throw corrupt(`${bytes.length} bytes are inline, the object has ${version.sizeBytes}`);
  }
  return bytes;
}

/** @param start @param end inclusive, in the blob */
async function* readBlob(
  { blobStoreFor, cipher, memory, signal }: ReadObjectOptions,
  blob: BlobRef,
  start: number,
  end: number,
): AsyncGenerator<Buffer, void, void> {
  const { inode, sizeBytes, chunkSizeBytes, sealedAs = inode } = blob;
  const first = Math.floor(start / chunkSizeBytes);
  const last = Math.floor(end / chunkSizeBytes);
  const lastOfBlob = Math.ceil(sizeBytes / chunkSizeBytes) - 1;
  const overheadBytes = cipher?.overheadBytes ?? 0;
  const storedChunkSizeBytes = chunkSizeBytes + overheadBytes;
  const lastSizeBytes = Math.min(chunkSizeBytes, sizeBytes - last * chunkSizeBytes) + overheadBytes;
  let index = first;
  for await (const stored of blobStoreFor(blob.storageClass).readChunks(inode, {
    first,
    last,
    storedChunkSizeBytes,
    lastSizeBytes,
    ...(memory === undefined ? {} : { memory }),
    signal,
  })) {
    throwIfAborted(signal);
    const chunk = cipher ? cipher.open(sealedAs, index, stored, index === lastOfBlob) : stored;
    if (cipher) memory?.give(stored);
    const chunkStart = index * chunkSizeBytes;
    const expectedBytes = Math.min(chunkSizeBytes, sizeBytes - chunkStart);
    if (index > last || chunk.length !== expectedBytes) {
      throw corrupt(`chunk ${index} of ${inode} has ${chunk.length} bytes, not ${expectedBytes}`);
    }
    yield chunk.subarray(Math.max(start - chunkStart, 0), Math.min(end + 1 - chunkStart, chunk.length));
    index += 1;
  }
  if (index <= last) throw corrupt(`chunks ${index} to ${last} of ${inode} are missing`);
}

function corrupt(message: string): StoreError {
  return new StoreError('corrupt', 'notApplied', message);
}
