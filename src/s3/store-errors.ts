/** StoreError -> S3Error: the one place where a store's trouble becomes an answer. Exhaustive by type. */
import type { StoreErrorKind } from '../store/errors.js';
import { StoreError } from '../store/errors.js';
import type { S3ErrorCode } from './errors.js';
import { S3Error } from './errors.js';

const CODES: Readonly<Record<StoreErrorKind, S3ErrorCode>> = {
  timeout: 'ServiceUnavailable',
  unavailable: 'ServiceUnavailable',
  overloaded: 'SlowDown',
  contention: 'OperationAborted',
  bucketGone: 'NoSuchBucket',
  uploadGone: 'NoSuchUpload',
  quotaExceeded: 'QuotaExceeded',
  tooManyVersions: 'MaxVersionsExceeded',
  tooManyBuckets: 'TooManyBuckets',
  corrupt: 'InternalError',
  storage: 'ServiceUnavailable',
  closed: 'ServiceUnavailable',
  internal: 'InternalError',
};

/** Any thrown value as the S3Error to answer; what is not known to be the client's fault is InternalError. */
export function toS3Error(error: unknown): S3Error {
  if (error instanceof S3Error) return error;
  if (error instanceof StoreError) {
    const code = CODES[error.kind];
    const retry = code === 'ServiceUnavailable' || code === 'SlowDown';
    return new S3Error(code, { cause: error, ...(retry ? { headers: { 'retry-after': '1' } } : {}) });
  }
  return new S3Error('InternalError', { cause: error });
}
