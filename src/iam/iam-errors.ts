/**
 * The errors of the IAM and STS APIs, with AWS's codes and HTTP statuses, and how failures of the layers below appear there.
 * https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
 */
import { S3Error } from '../s3/errors.js';
import type { S3ErrorCode } from '../s3/errors.js';
import { toS3Error } from '../s3/store-errors.js';

const STATUSES = {
  AccessDenied: 403,
  ConcurrentModification: 409,
  DeleteConflict: 409,
  EntityAlreadyExists: 409,
  ExpiredToken: 403,
  ExpiredTokenException: 400,
  IDPCommunicationError: 400,
  IDPRejectedClaim: 403,
  IncompleteSignature: 400,
  InternalFailure: 500,
  InvalidAction: 400,
  InvalidClientTokenId: 403,
  InvalidIdentityToken: 400,
  InvalidInput: 400,
  LimitExceeded: 409,
  MalformedPolicyDocument: 400,
  MalformedQueryString: 400,
  MissingAction: 400,
  MissingAuthenticationToken: 403,
  MissingParameter: 400,
  NoSuchEntity: 404,
  NotImplemented: 501,
  PackedPolicyTooLarge: 400,
  RequestEntityTooLarge: 413,
  RequestExpired: 400,
  ServiceUnavailable: 503,
  SignatureDoesNotMatch: 403,
  Throttling: 400,
  UnmodifiableEntity: 400,
  ValidationError: 400,
} as const satisfies Record<string, number>;

export type IamErrorCode = keyof typeof STATUSES;

/** An error that is answered as IAM's error document. */
export class IamError extends Error {
  override readonly name = 'IamError';
  readonly code: IamErrorCode;
  readonly status: number;

  constructor(code: IamErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.status = STATUSES[code];
  }
}

export function noSuchEntity(what: string): IamError {
  return new IamError('NoSuchEntity', `${what} cannot be found.`);
}

export function alreadyExists(what: string): IamError {
  return new IamError('EntityAlreadyExists', `${what} already exists.`);
}

export function invalid(message: string): IamError {
  return new IamError('ValidationError', message);
}

/** What a failed signature, a token or a store is called here; everything else is the server's own failure. */
const FROM_S3: Partial<Record<S3ErrorCode, IamErrorCode>> = {
  AccessDenied: 'AccessDenied',
  AuthorizationHeaderMalformed: 'IncompleteSignature',
  AuthorizationQueryParametersError: 'IncompleteSignature',
  ExpiredToken: 'ExpiredToken',
  IncompleteBody: 'MalformedQueryString',
  InvalidAccessKeyId: 'InvalidClientTokenId',
  InvalidArgument: 'IncompleteSignature',
  InvalidRequest: 'IncompleteSignature',
  InvalidToken: 'InvalidClientTokenId',
  MaxMessageLengthExceeded: 'RequestEntityTooLarge',
  NotImplemented: 'NotImplemented',
  OperationAborted: 'ConcurrentModification',
  RequestTimeTooSkewed: 'RequestExpired',
  RequestTimeout: 'MalformedQueryString',
  ServiceUnavailable: 'ServiceUnavailable',
  SignatureDoesNotMatch: 'SignatureDoesNotMatch',
  SlowDown: 'Throttling',
};

const MESSAGES: Partial<Record<IamErrorCode, string>> = {
  ExpiredToken: 'The security token included in the request is expired',
  InvalidClientTokenId: 'The security token included in the request is invalid.',
};

/** Any thrown value as the error to answer. */
export function toIamError(error: unknown): IamError {
  if (error instanceof IamError) return error;
  const s3 = error instanceof S3Error ? error : toS3Error(error);
  const code = FROM_S3[s3.code] ?? 'InternalFailure';
  if (code === 'InternalFailure')
    return new IamError(code, 'The request processing has failed because of an unknown error.', s3.cause ?? s3);
  return new IamError(code, MESSAGES[code] ?? s3.message, s3.cause ?? s3);
}
