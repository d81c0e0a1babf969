/** What goes wrong, with S3's code and what the reader can do about it. */
import { Xml } from './xml.js';

export class ApiError extends Error {
  readonly status: number;
  /** S3's or IAM's; NetworkError when there was no answer */
  readonly code: string;
  readonly requestId: string;

  constructor(options: {
    readonly status: number;
    readonly code: string;
    readonly message: string;
    readonly requestId?: string;
  }) {
    super(options.message);
    this.name = 'ApiError';
    this.status = options.status;
    this.code = options.code;
    this.requestId = options.requestId ?? '';
  }

  /** Asking again may help. */
  get temporary(): boolean {
    return this.status === 0 || this.status >= 500 || this.status === 429 || this.code === 'RequestTimeout';
  }
}

/** From an answer's body: S3's or IAM's XML, the admin API's JSON, or nothing (HEAD). */
export function errorOf(answer: {
  readonly status: number;
  readonly body: string;
  readonly requestId: string | null;
}): ApiError {
  const { status, body } = answer;
  const requestId = answer.requestId ?? '';
  if (body.startsWith('{')) {
    const { code = '', message = '' } = parseJson(body);
    if (code !== '') return new ApiError({ status, code, message, requestId });
  }
  const root = body === '' ? null : Xml.parse(body);
  const error = root === null ? null : root.name === 'Error' ? root : root.at('Error');
  if (error?.present === true)
    return new ApiError({ status, code: error.text('Code'), message: error.text('Message'), requestId });
  const code = STATUS_CODES[status] ?? `HTTP ${status}`;
  return new ApiError({ status, code, message: `The server answered with status ${status}.`, requestId });
}

function parseJson(body: string): { code?: string; message?: string } {
  try {
    const parsed = JSON.parse(body) as { code?: string; message?: string; error?: { code?: string; message?: string } };
    return parsed.error ?? parsed;
  } catch {
    return {};
  }
}

const STATUS_CODES: Readonly<Record<number, string>> = {
  403: 'AccessDenied',
  404: 'NotFound',
  412: 'PreconditionFailed',
  503: 'ServiceUnavailable',
};

export function networkError(cause: unknown): ApiError {
  const message = 'The server did not answer.';
  return Object.assign(new ApiError({ status: 0, code: 'NetworkError', message }), { cause });
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

export interface Explained {
  readonly code: string;
  readonly message: string;
  /** '' when there is nothing better to say than the message */
  readonly advice: string;
  readonly requestId: string;
}

export function explain(error: unknown): Explained {
  if (error instanceof ApiError) {
    const { code, message, requestId } = error;
    return { code, message, advice: ADVICE[code] ?? '', requestId };
  }
  return {
    code: 'ConsoleError',
    message: error instanceof Error ? error.message : String(error),
    advice: 'This is a fault of the console itself. Reload the page and try again.',
    requestId: '',
  };
}

const LOG_IN = 'Check the access key and the secret key, then log in again.';
const LATER = 'The server is busy or its store is not reachable. Wait a moment and try again.';
const PERMISSION = 'Your key has no permission for this. Ask the owner of the account for a policy that allows it.';

const ADVICE: Readonly<Record<string, string>> = {
  NetworkError: 'Check that the server is running and that you are connected to its network.',
  InvalidAccessKeyId: `This access key is not known here or was switched off. ${LOG_IN}`,
  InvalidClientTokenId: `This access key is not known here or was switched off. ${LOG_IN}`,
  SignatureDoesNotMatch: `The secret key does not belong to this access key. ${LOG_IN}`,
  InvalidToken: 'The session token does not belong to this key. Log in with the three values you were given together.',
  ExpiredToken: 'Your session has ended. Get new temporary keys and log in again.',
  RequestTimeTooSkewed: 'The clocks of this computer and of the server differ. Set the clock of this computer.',
  AccessDenied: PERMISSION,
  AccessForbidden: PERMISSION,
  BucketAlreadyExists: 'Somebody else has a bucket of this name. Choose another name.',
  BucketAlreadyOwnedByYou: 'You have this bucket already: open it, or choose another name.',
  BucketNotEmpty: 'Delete the objects first, and in a bucket with versions all of their versions as well.',
  InvalidBucketName:
    'Use 3 to 63 lower-case letters, digits, dots and hyphens; begin and end with a letter or a digit.',
  InvalidLocationConstraint: 'Choose one of the regions that this server has.',
  NoSuchBucket: 'The bucket is gone. Go back to the list of buckets.',
  NoSuchKey: 'The object is gone, or its newest version is a delete marker. Refresh the list.',
  NoSuchVersion: 'This version is gone. Refresh the list.',
  MalformedPolicy: 'Correct the policy: the message says which part the server does not accept.',
  MalformedPolicyDocument: 'Correct the policy: the message says which part the server does not accept.',
  InvalidPolicyDocument: 'Correct the policy: the message says which part the server does not accept.',
  MalformedXML: 'One of the fields has a value that the server does not accept.',
  QuotaExceeded: 'The quota is used up. Delete something, or ask the operator for more.',
  MaxVersionsExceeded: 'Delete versions of the object that are not needed any more, then try again.',
  TooManyBuckets: 'Delete a bucket that is not needed any more, or ask the operator for more.',
  EntityTooLarge: 'The file is larger than this server takes.',
  EntityAlreadyExists: 'The name is taken. Choose another one.',
  NoSuchEntity: 'It is gone. Refresh the page.',
  DeleteConflict: 'Remove what belongs to it first: access keys, policies and memberships of groups.',
  LimitExceeded: 'Delete one that is not needed any more, then try again.',
  InvalidBucketState: 'Another setting of this bucket does not allow it.',
  PreconditionFailed: 'Somebody else has changed it meanwhile. Refresh and try again.',
  OperationAborted: 'Something else is changing it at this moment. Try again.',
  SlowDown: LATER,
  ServiceUnavailable: LATER,
  InternalError: 'The server failed. Its log has the reason under the request id.',
  NotImplemented: 'This server does not have this function.',
};
