/**
 * Errors of the stores. A store never says "not found" or "empty" for a question it could not answer: it throws a
 * StoreError whose outcome tells whether a write may have happened.
 */

export type StoreErrorKind =
  /** no answer in time */
  | 'timeout'
  /** too few replicas, no connection, node down */
  | 'unavailable'
  /** asked to slow down; retry later */
  | 'overloaded'
  /** optimistic retries exhausted under contention */
  | 'contention'
  /** the bucket instance is gone or being deleted */
  | 'bucketGone'
  /** the multipart upload is not open (unknown, aborted, completing or completed) */
  | 'uploadGone'
  /** a quota of the bucket or its owner has no room for the change */
  | 'quotaExceeded'
  /** the key has as many versions as a key may have */
  | 'tooManyVersions'
  /** the tenant has as many buckets as a tenant may have */
  | 'tooManyBuckets'
  /** stored bytes are missing or fail their checksum */
  | 'corrupt'
  /** no space, read-only file system, wrong permissions */
  | 'storage'
  /** the store was closed, or the caller's AbortSignal fired */
  | 'closed'
  /** a bug or a misconfiguration: wrong schema, bad credentials */
  | 'internal';

/** 'notApplied': the write certainly did not and will not happen. 'unknown': it may have happened or may happen yet. */
export type StoreOutcome = 'notApplied' | 'unknown';

export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly kind: StoreErrorKind;
  readonly outcome: StoreOutcome;

  constructor(kind: StoreErrorKind, outcome: StoreOutcome, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.kind = kind;
    this.outcome = outcome;
  }
}

/** For who has not begun with what it was to do: of its own change the outcome is known, whatever became of what failed. */
export function asNotApplied(error: unknown): unknown {
  if (!(error instanceof StoreError) || error.outcome === 'notApplied') return error;
  return new StoreError(error.kind, 'notApplied', error.message, error);
}
