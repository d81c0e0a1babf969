/**
 * Memory that downloads read chunks into, used again and again: a fresh buffer of a chunk's size costs the kernel a page fault for
 * each page, and the garbage collector a run for each few of them.
 */
import type { ReadMemory } from '../store/types.js';
import type { MemoryBudget, Release } from './budget.js';

/** Chunks that are smaller are not worth it: Node cuts small buffers from larger ones. */
const MIN_BYTES = 32 * 1024;
/** What chunks have besides their bytes (a tag, a CRC) does not take them to the next class. */
const SLACK_BYTES = 64;

export interface ChunkMemoryOptions {
  /** of buffers that nobody uses */
  readonly keepBytes: number;
  /** for chunks that are read before their client has taken what comes before them */
  readonly ahead: MemoryBudget;
}

export class ChunkMemory implements ReadMemory {
  readonly #options: ChunkMemoryOptions;
  /** size of the buffers -> those that nobody uses, the one that was used last at the end */
  readonly #kept = new Map<number, Buffer[]>();
  /** Those in use; one that is lost is forgotten. */
  readonly #lent = new WeakMap<ArrayBufferLike, Buffer>();
  #keptBytes = 0;

  constructor(options: ChunkMemoryOptions) {
    this.#options = options;
  }

  /** of buffers that nobody uses */
  get keptBytes(): number {
    return this.#keptBytes;
  }

  take(sizeBytes: number): Buffer {
    if (sizeBytes < MIN_BYTES) return Buffer.allocUnsafeSlow(sizeBytes);
    const classBytes = 2 ** Math.ceil(Math.log2(sizeBytes - SLACK_BYTES)) + SLACK_BYTES;
    let whole = this.#kept.get(classBytes)?.pop();
    if (whole === undefined) whole = Buffer.allocUnsafeSlow(classBytes);
    else this.#keptBytes -= classBytes;
    this.#lent.set(whole.buffer, whole);
    return whole.subarray(0, sizeBytes);
  }

  give(piece: Buffer): void {
    const whole = this.#lent.get(piece.buffer);
    if (whole === undefined) return;
    this.#lent.delete(piece.buffer);
    if (this.#keptBytes + whole.length > this.#options.keepBytes) return;
    this.#keptBytes += whole.length;
    const kept = this.#kept.get(whole.length);
    if (kept === undefined) this.#kept.set(whole.length, [whole]);
    else kept.push(whole);
  }

  tryAhead(sizeBytes: number): Release | null {
    return this.#options.ahead.tryAcquire(sizeBytes);
  }
}
