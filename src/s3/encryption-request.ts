/**
 * What a write asks for in its x-amz-server-side-encryption* headers (the fields of a form upload stand for them). Pure.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/serv-side-encryption.html
 */
import type { CustomerKey } from '../data/sse-customer.js';
import { CUSTOMER_KEY, customerKeyOf } from '../data/sse-customer.js';
import { S3Error, invalidArgument } from './errors.js';

type Headers = Readonly<Record<string, string>>;

export const SSE = 'x-amz-server-side-encryption';
const SSE_KMS_KEY = `${SSE}-aws-kms-key-id`;
export const SSE_CONTEXT = `${SSE}-context`;
const SSE_BUCKET_KEY = `${SSE}-bucket-key-enabled`;

const MAX_CONTEXT_BYTES = 8192;

export type RequestedEncryption =
  | { readonly kind: 'SSE-S3' }
  | {
      readonly kind: 'SSE-KMS';
      /** null: the server's default key */
      readonly keyId: string | null;
      readonly context: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'SSE-C'; readonly customerKey: CustomerKey };

/**
 * null: the request leaves it to the bucket.
 * @throws S3Error InvalidArgument, InvalidEncryptionAlgorithmError, NotImplemented (aws:kms:dsse)
 */
export function requestedEncryption(headers: Headers): RequestedEncryption | null {
  const method = headers[SSE];
  const customerKey = refuseSecondMethod(headers) ? customerKeyOf(headers, CUSTOMER_KEY) : null;
  if (customerKey !== null) return { kind: 'SSE-C', customerKey };
  if (method === 'aws:kms:dsse')
    throw new S3Error('NotImplemented', { detail: { Header: SSE, AdditionalMessage: `${method} is not served` } });
  if (method !== undefined && method !== 'AES256' && method !== 'aws:kms')
    throw invalidArgument(SSE, method, 'The encryption method specified is not supported');
  const keyId = headers[SSE_KMS_KEY];
  const context = headers[SSE_CONTEXT];
  if (method === 'aws:kms')
    return {
      kind: 'SSE-KMS',
      keyId: keyId === undefined || keyId === '' ? null : keyId,
      context: context === undefined ? {} : encryptionContext(context),
    };
  for (const name of [SSE_KMS_KEY, SSE_CONTEXT])
    if (headers[name] !== undefined)
      throw invalidArgument(
        SSE,
        method ?? 'null',
        `Server Side Encryption with AWS KMS managed key requires HTTP header ${SSE} : aws:kms`,
      );
  return method === undefined ? null : { kind: 'SSE-S3' };
}

/** True when a customer's key may be meant. @throws S3Error InvalidArgument when the request also names another method */
function refuseSecondMethod(headers: Headers): boolean {
  const method = headers[SSE];
  const meant = ['algorithm', 'key', 'key-md5'].some((part) => headers[`${CUSTOMER_KEY}-${part}`] !== undefined);
  if (meant && method !== undefined)
    throw invalidArgument(
      SSE,
      method,
      'Server Side Encryption with Customer provided key is incompatible with the encryption method specified',
    );
  return meant;
}

/** x-amz-server-side-encryption-bucket-key-enabled; null when it is not there. @throws S3Error InvalidArgument */
export function requestedBucketKey(headers: Headers): boolean | null {
  const value = headers[SSE_BUCKET_KEY];
  if (value === undefined) return null;
  const lower = value.toLowerCase();
  if (lower !== 'true' && lower !== 'false')
    throw invalidArgument(SSE_BUCKET_KEY, value, `The value of ${SSE_BUCKET_KEY} must be true or false.`);
  return lower === 'true';
}

/** Base64 of a JSON object of strings. @throws S3Error InvalidArgument */
function encryptionContext(value: string): Readonly<Record<string, string>> {
  const bytes = Buffer.from(value, 'base64');
  let pairs: unknown = null;
  try {
    pairs = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    // refused below
  }
  const entries = typeof pairs === 'object' && pairs !== null && !Array.isArray(pairs) ? Object.entries(pairs) : null;
  if (entries === null || bytes.length > MAX_CONTEXT_BYTES || entries.some(([, text]) => typeof text !== 'string'))
    throw invalidArgument(
      SSE_CONTEXT,
      value,
      `The header '${SSE_CONTEXT}' shall be Base64-encoded UTF-8 string holding JSON which represents a string-string map`,
    );
  return Object.fromEntries(entries);
}

/** The answer to a write: the context that the client gave, as it gave it. */
export function contextHeader(headers: Headers): Record<string, string> {
  const context = headers[SSE_CONTEXT];
  return context === undefined ? {} : { [SSE_CONTEXT]: context };
}

/**
 * Reads take no encryption method: the object has one.
 * @throws S3Error InvalidArgument
 */
export function refuseMethodHeaders(headers: Headers): void {
  for (const name of [SSE, SSE_KMS_KEY, SSE_CONTEXT, SSE_BUCKET_KEY]) refuseHeader(headers, name);
}

/**
 * Parts are encrypted as their upload. AWS refuses the method on them; here one that repeats the upload's is let pass, as
 * several clients send it.
 * @throws S3Error InvalidArgument
 */
export function checkPartMethod(headers: Headers, kind: RequestedEncryption['kind'] | null): void {
  const method = headers[SSE];
  if (method === 'AES256' && kind === 'SSE-S3') return;
  if (method === 'aws:kms' && kind === 'SSE-KMS') return;
  refuseHeader(headers, SSE);
}

function refuseHeader(headers: Headers, name: string): void {
  const value = headers[name];
  if (value !== undefined) throw invalidArgument(name, value, `${name} header is not supported for this operation.`);
}
