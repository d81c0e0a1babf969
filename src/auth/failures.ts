/**
 * The errors of authentication with AWS's codes, messages and details. Nothing here ever holds a secret; the canonical
 * forms in a SignatureDoesNotMatch are the requester's own data, and are what makes a client's bug findable.
 */
import { S3Error, invalidArgument } from '../s3/errors.js';
import { formatIso } from './dates.js';
import { displayText } from './encoding.js';

export { invalidArgument };

function hexBytes(byteString: string): string {
  return Buffer.from(byteString, 'latin1').toString('hex').replace(/../g, '$& ').trimEnd();
}

/** Keys of SSE-C among signed headers and query parameters: an error document may be logged by whoever gets it. */
function withoutCustomerKeys(canonical: string): string {
  return canonical.replace(/(server-side-encryption-customer-key[:=])[^&\n]*/gi, '$1(hidden)');
}

export function signatureDoesNotMatch(given: {
  accessKey: string;
  provided: string;
  stringToSign: string;
  canonicalRequest?: string;
}): S3Error {
  const facts = { ...given, stringToSign: withoutCustomerKeys(given.stringToSign) };
  if (facts.canonicalRequest !== undefined) facts.canonicalRequest = withoutCustomerKeys(facts.canonicalRequest);
  const detail: Record<string, string> = {
    AWSAccessKeyId: displayText(facts.accessKey),
    StringToSign: displayText(facts.stringToSign),
    SignatureProvided: displayText(facts.provided),
    StringToSignBytes: hexBytes(facts.stringToSign),
  };
  if (facts.canonicalRequest !== undefined) {
    detail.CanonicalRequest = displayText(facts.canonicalRequest);
    detail.CanonicalRequestBytes = hexBytes(facts.canonicalRequest);
  }
  return new S3Error('SignatureDoesNotMatch', { detail });
}

export function unknownAccessKey(accessKey: string): S3Error {
  return new S3Error('InvalidAccessKeyId', { detail: { AWSAccessKeyId: displayText(accessKey) } });
}

export function invalidToken(): S3Error {
  return new S3Error('InvalidToken');
}

export function headerMalformed(reason: string, detail: Record<string, string> = {}): S3Error {
  return new S3Error('AuthorizationHeaderMalformed', {
    message: `The authorization header is malformed; ${reason}`,
    detail,
  });
}

export function queryParameters(message: string, detail: Record<string, string> = {}): S3Error {
  return new S3Error('AuthorizationQueryParametersError', { message, detail });
}

export function accessDenied(message: string, detail: Record<string, string> = {}): S3Error {
  return new S3Error('AccessDenied', { message, detail });
}

/** No date, or one that cannot be read. */
export function dateRequired(): S3Error {
  return accessDenied('AWS authentication requires a valid Date or x-amz-date header');
}

export function timeTooSkewed(facts: { requestTime: string; nowMs: number; maxSkewMs: number }): S3Error {
  return new S3Error('RequestTimeTooSkewed', {
    detail: {
      RequestTime: displayText(facts.requestTime),
      ServerTime: formatIso(facts.nowMs),
      MaxAllowedSkewMilliseconds: String(facts.maxSkewMs),
    },
  });
}

export function requestExpired(facts: { expiresMs: number; nowMs: number; expiresSeconds?: number }): S3Error {
  return accessDenied('Request has expired', {
    ...(facts.expiresSeconds === undefined ? {} : { 'X-Amz-Expires': String(facts.expiresSeconds) }),
    Expires: formatIso(facts.expiresMs),
    ServerTime: formatIso(facts.nowMs),
  });
}

export function oneMechanismOnly(authorization: string): S3Error {
  return invalidArgument(
    'Authorization',
    displayText(authorization),
    'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified',
  );
}

export function headersNotSigned(names: readonly string[]): S3Error {
  return accessDenied('There were headers present in the request which were not signed', {
    HeadersNotSigned: names.join(', '),
  });
}

export function asymmetricNotImplemented(name: string): S3Error {
  return new S3Error('NotImplemented', {
    message: `Signature Version 4A (${name}) is not implemented; sign with AWS4-HMAC-SHA256`,
  });
}
