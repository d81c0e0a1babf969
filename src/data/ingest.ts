/**
 * The write path of object data: reads a body once, computes its digests, and leaves it either inline or as one durable
 * blob that waits for a metadata commit. Bounded in memory: nothing is read from the source before the chunk it goes to is paid for.
 */
import { S3Error } from '../s3/errors.js';
import type { BlobStore, BucketRef, Intent, ObjectData } from '../store/types.js';
import type { IntentStore } from './blob-upload.js';
import { BlobUpload, abandonQuietly } from './blob-upload.js';
import type { MemoryBudget, Release } from './budget.js';
import type { Checksum, ChecksumAlgorithm } from './checksums.js';
import { createChecksum } from './checksums.js';
import type { DataCipher } from './chunk-cipher.js';
import { INLINE_SCOPE } from './chunk-cipher.js';
import { abortError, Interruptible } from './interrupt.js';
import { createMd5 } from './md5.js';
import { PieceList } from './pieces.js';

export interface IngestTarget {
  readonly bucket: BucketRef;
  readonly key: string;
  readonly storageClass: string;
  readonly metadata: IntentStore;
  readonly blobs: BlobStore;
}

export interface IngestOptions {
  /** Buffers it yields must stay as they are. Its own errors (bad signature, short body) reach the caller unchanged. */
  readonly source: AsyncIterable<Buffer>;
  readonly target: IngestTarget;
  /** Up to this size, and never more than a chunk of the blob store, data stays inline. */
  readonly inlineThresholdBytes: number;
  /** Made for this object or upload alone; null stores plaintext. */
  readonly cipher: DataCipher | null;
  /** besides MD5 */
  readonly checksums: readonly ChecksumAlgorithm[];
  readonly budget: MemoryBudget;
  readonly maxSizeBytes: number;
  /** The size the client declared, which the body may not exceed; null when it declared none. */
  readonly sizeHintBytes: number | null;
  /** false for parts: they must be blobs, even when empty (an empty blob has no chunks) */
  readonly allowInline: boolean;
  /** how long an intent holds in the metadata store without being renewed */
  readonly leaseMs: number;
  readonly signal: AbortSignal;
}

export interface Ingested {
  /** What the version's data becomes: bytes as stored (sealed if encrypted), or one blob. */
  readonly data: Extract<ObjectData, { kind: 'inline' | 'blobs' }>;
  /** plaintext */
  readonly sizeBytes: number;
  readonly md5Hex: string;
  /** of the plaintext, by the algorithms that were asked for */
  readonly digests: ReadonlyMap<ChecksumAlgorithm, Buffer>;
  /** goes into the commit; null when the data is inline */
  readonly intent: Intent | null;
  /**
   * The data will not be committed: the sweeper may have it. Never throws. Not to be called after a commit whose outcome is
   * unknown: the sweeper finds out by itself.
   */
  abandon(): Promise<void>;
}

/**
 * On any failure everything written is taken back before the original error is thrown.
 * @throws S3Error EntityTooLarge beyond maxSizeBytes, IncompleteBody beyond sizeHintBytes; StoreError; the source's errors; the
 * signal's reason
 */
export async function ingest(options: IngestOptions): Promise<Ingested> {
  const run = new IngestRun(options);
  try {
    return await run.run();
  } catch (error) {
    await run.rollback();
    throw error;
  } finally {
    run.close();
  }
}

class IngestRun {
  readonly #options: IngestOptions;
  readonly #chunkSizeBytes: number;
  /** -1: nothing is inline, not even nothing */
  readonly #inlineLimitBytes: number;
  /** Fires with the caller's signal or with the upload's first failure; stops the source, the budget and the writer. */
  readonly #controller = new AbortController();
  readonly #onAbort = (): void => this.#controller.abort(abortError(this.#options.signal));
  readonly #iterator: AsyncIterator<Buffer>;
  readonly #source: Interruptible<Buffer>;
  readonly #md5 = createMd5();
  readonly #checksums: ReadonlyMap<ChecksumAlgorithm, Checksum>;
  readonly #pieces = new PieceList();
  #upload: BlobUpload | null = null;
  /** pays for the chunk that is being filled */
  #release: Release | null = null;
  #sizeBytes = 0;
  #exhausted = false;

  constructor(options: IngestOptions) {
    const { signal, source, target, checksums } = options;
    this.#options = options;
    this.#chunkSizeBytes = target.blobs.chunkSizeBytes;
    this.#inlineLimitBytes = options.allowInline ? Math.min(options.inlineThresholdBytes, this.#chunkSizeBytes) : -1;
    this.#checksums = new Map(checksums.map((algorithm) => [algorithm, createChecksum(algorithm)]));
    this.#iterator = source[Symbol.asyncIterator]();
    this.#source = new Interruptible(this.#iterator, this.#controller.signal);
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  async run(): Promise<Ingested> {
    const { sizeHintBytes, maxSizeBytes } = this.#options;
    if (sizeHintBytes !== null && sizeHintBytes > maxSizeBytes) throw tooLarge(sizeHintBytes, maxSizeBytes);
    await this.#reserve(0);
    for (;;) {
      const next = await this.#source.next();
      if (next.done) break;
      if (next.value.length > 0) await this.#accept(next.value);
    }
    this.#exhausted = true;
    return this.#sizeBytes <= this.#inlineLimitBytes ? this.#finishInline() : await this.#finishBlob();
  }

  async rollback(): Promise<void> {
    if (!this.#exhausted) {
      // Not awaited: a generator that hangs in next() would only answer after that.
      this.#iterator.return?.().catch(() => undefined);
    }
    if (!this.#controller.signal.aborted) this.#controller.abort();
    await this.#upload?.rollback();
  }

  close(): void {
    this.#release?.();
    this.#source.close();
    this.#options.signal.removeEventListener('abort', this.#onAbort);
  }

  async #accept(slice: Buffer): Promise<void> {
    const { maxSizeBytes, sizeHintBytes } = this.#options;
    const before = this.#sizeBytes;
    const sizeBytes = before + slice.length;
    if (sizeBytes > maxSizeBytes) throw tooLarge(sizeBytes, maxSizeBytes);
    if (sizeHintBytes !== null && sizeBytes > sizeHintBytes) {
      throw new S3Error('IncompleteBody', {
        message: `The body is longer than the ${sizeHintBytes} bytes declared for it`,
      });
    }
    this.#sizeBytes = sizeBytes;
    this.#md5.update(slice);
    for (const checksum of this.#checksums.values()) checksum.update(slice);
    if (sizeBytes > this.#inlineLimitBytes) this.#upload ??= this.#startUpload();

    for (let offset = 0; offset < slice.length;) {
      // A full chunk waits for a byte after it, because only then it is known not to be the last one.
      if (this.#pieces.sizeBytes === this.#chunkSizeBytes) {
        await this.#flush(false);
        await this.#reserve(before + offset);
      }
      const end = Math.min(slice.length, offset + this.#chunkSizeBytes - this.#pieces.sizeBytes);
      this.#pieces.add(end - offset === slice.length ? slice : slice.subarray(offset, end));
      offset = end;
    }
  }

  /**
   * Pays for the chunk that starts at this offset. A chunk is paid for as a whole and the one before it has been handed over: nobody
   * waits for memory while holding some that only more memory could free.
   */
  async #reserve(offset: number): Promise<void> {
    const { budget, sizeHintBytes } = this.#options;
    const bytes = Math.min(this.#chunkSizeBytes, (sizeHintBytes ?? Infinity) - offset);
    this.#release = budget.tryAcquire(bytes) ?? (await budget.acquire(bytes, this.#controller.signal));
  }

  async #flush(last: boolean): Promise<void> {
    const release = this.#release;
    if (!this.#upload || !release) throw new Error('a chunk without an upload or a reservation');
    this.#release = null;
    await this.#upload.write(this.#pieces.take(), last, release);
  }

  #startUpload(): BlobUpload {
    const { target, cipher, leaseMs } = this.#options;
    return new BlobUpload({ ...target, cipher, leaseMs, controller: this.#controller });
  }

  #finishInline(): Ingested {
    const { cipher } = this.#options;
    let pieces = this.#pieces.take();
    if (cipher && pieces.length > 0) pieces = cipher.seal(INLINE_SCOPE, 0, pieces, true);
    const bytes = pieces.length === 1 && pieces[0] ? pieces[0] : Buffer.concat(pieces);
    return this.#result({ kind: 'inline', bytes }, null);
  }

  async #finishBlob(): Promise<Ingested> {
    const upload = (this.#upload ??= this.#startUpload());
    if (this.#pieces.sizeBytes > 0) await this.#flush(true);
    const { blob, intent } = await upload.finish(this.#sizeBytes);
    return this.#result({ kind: 'blobs', blobs: [blob] }, intent);
  }

  #result(data: Ingested['data'], intent: Intent | null): Ingested {
    const { metadata } = this.#options.target;
    return {
      data,
      sizeBytes: this.#sizeBytes,
      md5Hex: this.#md5.digest().toString('hex'),
      digests: new Map([...this.#checksums].map(([algorithm, checksum]) => [algorithm, checksum.digest()])),
      intent,
      abandon: async () => {
        if (intent) await abandonQuietly(metadata, intent);
      },
    };
  }
}

function tooLarge(sizeBytes: number, maxSizeBytes: number): S3Error {
  return new S3Error('EntityTooLarge', {
    detail: { ProposedSize: String(sizeBytes), MaxSizeAllowed: String(maxSizeBytes) },
  });
}

/** Digests that the client sent, binary. */
export interface ExpectedDigests {
  /** Content-MD5 */
  readonly md5?: Buffer;
  /** only of algorithms that ingest was asked for */
  readonly checksums?: ReadonlyMap<ChecksumAlgorithm, Buffer>;
}

/**
 * To be called before the commit; the caller abandons what it refuses.
 * @throws S3Error BadDigest when the body is not what the client says it sent
 */
export function expectDigests(ingested: Pick<Ingested, 'md5Hex' | 'digests'>, expected: ExpectedDigests): void {
  const { md5, checksums } = expected;
  if (md5 && md5.toString('hex') !== ingested.md5Hex) {
    throw new S3Error('BadDigest', {
      message: 'The Content-MD5 you specified did not match what we received.',
      detail: {
        ExpectedDigest: md5.toString('base64'),
        CalculatedDigest: Buffer.from(ingested.md5Hex, 'hex').toString('base64'),
      },
    });
  }
  for (const [algorithm, digest] of checksums ?? []) {
    const calculated = ingested.digests.get(algorithm);
    if (!calculated) throw new Error(`${algorithm} is to be checked but was not computed`);
    if (!calculated.equals(digest)) {
      throw new S3Error('BadDigest', {
        message: `The ${algorithm} you specified did not match the calculated checksum.`,
      });
    }
  }
}
