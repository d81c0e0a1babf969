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
 * The iterator's next value, or the signal's reason as soon as it fires: a stalled source holds nobody. The listener lives
 * as long as one value is awaited, so that a long iteration does not pile up listeners.
 */
export function nextUnlessAborted<T>(iterator: AsyncIterator<T>, signal: AbortSignal): Promise<IteratorResult<T>> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(abortError(signal));
      return;
    }
    const onAbort = (): void => reject(abortError(signal));
    signal.addEventListener('abort', onAbort, { once: true });
    iterator.next().then(
      (result) => {
        signal.removeEventListener('abort', onAbort);
        resolve(result);
      },
      (error: unknown) => {
        signal.removeEventListener('abort', onAbort);
        reject(error instanceof Error ? error : new Error('the source failed', { cause: error }));
      },
    );
  });
}
