/** Waiting for a source that may never answer, under an AbortSignal. */
import { StoreError } from '../store/errors.js';

/** Why the signal fired, always as an Error. */
export function abortError(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new StoreError('closed', 'notApplied', 'the operation was aborted', reason);
}

/** @throws the signal's reason when it has fired */
export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw abortError(signal);
}

/**
 * The values of an iterator, or the signal's reason as soon as it fires: a stalled source holds nobody. One listener for all values,
 * which close takes off.
 */
export class Interruptible<T> {
  readonly #iterator: AsyncIterator<T>;
  readonly #signal: AbortSignal;
  /** of whoever waits for a value */
  #reject: ((reason: Error) => void) | null = null;
  readonly #onAbort = (): void => this.#reject?.(abortError(this.#signal));

  constructor(iterator: AsyncIterator<T>, signal: AbortSignal) {
    this.#iterator = iterator;
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  /** One at a time. @throws the signal's reason; what the iterator throws */
  next(): Promise<IteratorResult<T>> {
    return new Promise((resolve, reject) => {
      if (this.#signal.aborted) {
        reject(abortError(this.#signal));
        return;
      }
      this.#reject = reject;
      this.#iterator.next().then(resolve, (error: unknown) => {
        reject(error instanceof Error ? error : new Error('the source failed', { cause: error }));
      });
    });
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
  }
}
