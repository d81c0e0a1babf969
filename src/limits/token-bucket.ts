/** A rate with one second's worth of slack. Amounts may be taken ahead of time: whoever takes them is told how long to wait. */

export class TokenBucket {
  #perSecond: number;
  /** below 0: taken ahead of time */
  #tokens: number;
  #atMs: number;

  /** Full at first. nowMs: of any clock that does not go back, the same for all calls. */
  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = checked(perSecond);
    this.#tokens = this.#capacity;
    this.#atMs = nowMs;
  }

  /** What may be taken at once after a pause; a rate below one a second still lets one pass. */
  get #capacity(): number {
    return Math.max(1, this.#perSecond);
  }

  /** What was taken ahead of time stays owed. */
  setRate(perSecond: number, nowMs: number): void {
    if (perSecond === this.#perSecond) return;
    this.#refill(nowMs);
    this.#perSecond = checked(perSecond);
    this.#tokens = Math.min(this.#tokens, this.#capacity);
  }

  /** Ready now, below 0 when more was taken ahead. */
  available(nowMs: number): number {
    this.#refill(nowMs);
    return this.#tokens;
  }

  /** @returns ms until what was taken is due, 0: now */
  take(amount: number, nowMs: number): number {
    this.#refill(nowMs);
    this.#tokens -= amount;
    return this.#tokens >= 0 ? 0 : (-this.#tokens / this.#perSecond) * 1000;
  }

  /** How long until that much could be taken without waiting, ms. */
  untilReady(amount: number, nowMs: number): number {
    return Math.max(0, ((amount - this.available(nowMs)) / this.#perSecond) * 1000);
  }

  #refill(nowMs: number): void {
    if (nowMs <= this.#atMs) return;
    this.#tokens = Math.min(this.#capacity, this.#tokens + ((nowMs - this.#atMs) / 1000) * this.#perSecond);
    this.#atMs = nowMs;
  }
}

function checked(perSecond: number): number {
  if (!(perSecond > 0)) throw new RangeError(`a rate of ${perSecond} per second`);
  return perSecond;
}
