/**
 * The buffers of a chunk that is being filled. They are kept as they came; only runs of tiny ones are copied together, so that a
 * client that sends a byte at a time cannot make us hold thousands of buffers (or what they are cut from).
 */

/** Pieces below this size are merged with tiny neighbours. */
const TINY_BYTES = 8 * 1024;
const STAGING_BYTES = 64 * 1024;

export class PieceList {
  #pieces: Buffer[] = [];
  #sizeBytes = 0;
  /** Backing of the newest piece when that is one we merged. */
  #staging: Buffer | null = null;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(piece: Buffer): void {
    this.#sizeBytes += piece.length;
    const newest = this.#pieces.at(-1);
    if (newest === undefined || piece.length >= TINY_BYTES || !this.#merge(newest, piece)) {
      this.#pieces.push(piece);
      this.#staging = null;
    }
  }

  /** All pieces in order; the list is empty afterwards. */
  take(): readonly Buffer[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#sizeBytes = 0;
    this.#staging = null;
    return pieces;
  }

  #merge(newest: Buffer, piece: Buffer): boolean {
    if (this.#staging === null) {
      if (newest.length >= TINY_BYTES) return false;
      this.#staging = Buffer.allocUnsafeSlow(STAGING_BYTES);
      newest.copy(this.#staging);
    }
    const end = newest.length + piece.length;
    if (end > STAGING_BYTES) return false;
    piece.copy(this.#staging, newest.length);
    this.#pieces[this.#pieces.length - 1] = this.#staging.subarray(0, end);
    return true;
  }
}
