/** The bits of a BZIP2 stream, highest first. What is read at once has been waited for before. */

/** The object ends where bits were to follow. */
export class Bzip2Truncated extends Error {}

export class Bzip2Bits {
  readonly #source: AsyncIterator<Buffer>;
  #bytes: Buffer = Buffer.alloc(0);
  /** of the next byte */
  #index = 0;
  /** Bits of bytes that were taken from `bytes`, in the low bits. */
  #held = 0;
  #heldBits = 0;
  #ended = false;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Waits until that many bytes are there, or all that there are. */
  async ensure(bytes: number): Promise<void> {
    const pieces: Buffer[] = [this.#bytes.subarray(this.#index)];
    let available = this.#bytes.length - this.#index;
    if (available >= bytes || this.#ended) return;
    while (available < bytes) {
      const next = await this.#source.next();
      if (next.done === true) {
        this.#ended = true;
        break;
      }
      // The source may use its buffer again.
      pieces.push(Buffer.from(next.value));
      available += next.value.length;
    }
    this.#bytes = Buffer.concat(pieces);
    this.#index = 0;
  }

  /** @param count 1 to 32 @throws Bzip2Truncated */
  take(count: number): number {
    if (count > 24) return this.take(count - 16) * 0x10000 + this.take(16);
    while (this.#heldBits < count) {
      const byte = this.#bytes[this.#index];
      if (byte === undefined) throw new Bzip2Truncated();
      this.#index += 1;
      this.#held = ((this.#held & 0xffffff) << 8) | byte;
      this.#heldBits += 8;
    }
    this.#heldBits -= count;
    return (this.#held >>> this.#heldBits) & ((1 << count) - 1);
  }

  /** Goes to the next whole byte. */
  align(): void {
    this.#heldBits -= this.#heldBits % 8;
  }

  /** Something follows; after align. */
  async more(): Promise<boolean> {
    await this.ensure(1);
    return this.#heldBits > 0 || this.#index < this.#bytes.length;
  }

  async close(): Promise<void> {
    await this.#source.return?.();
  }
}
