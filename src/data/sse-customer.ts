/**
 * SSE-C: data keys derived from a key that the customer sends with every request and that is never stored.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
 */
import type { KeyObject } from 'node:crypto';
import { createHash, createSecretKey, hkdfSync, randomBytes } from 'node:crypto';
import { S3Error, invalidArgument } from '../s3/errors.js';
import { StoreError } from '../store/errors.js';
import type { EncryptionInfo } from '../store/types.js';
import type { DataCipher } from './chunk-cipher.js';
import { KEY_BYTES, createDataCipher } from './chunk-cipher.js';
import type { DataKey } from './sse.js';

const SALT_BYTES = 32;
const ALGORITHM = 'AES256';

/** The headers of the object a request reads or writes. */
export const CUSTOMER_KEY = 'x-amz-server-side-encryption-customer';
/** The headers of the object a request copies from. */
export const COPY_SOURCE_CUSTOMER_KEY = 'x-amz-copy-source-server-side-encryption-customer';

/** A customer's key while its request runs. Printing it does not show the key. */
export interface CustomerKey {
  readonly key: KeyObject;
  /** base64: what names the key in EncryptionInfo and in answers */
  readonly md5: string;
}

/**
 * The customer's key of a request, from the headers `<prefix>-algorithm`, `-key` and `-key-md5`; null when there are none of
 * them. Errors never show the key.
 * @throws S3Error InvalidArgument, InvalidEncryptionAlgorithmError
 */
export function customerKeyOf(
  headers: Readonly<Record<string, string>>,
  prefix: typeof CUSTOMER_KEY | typeof COPY_SOURCE_CUSTOMER_KEY,
): CustomerKey | null {
  const algorithm = headers[`${prefix}-algorithm`];
  const encoded = headers[`${prefix}-key`];
  const md5 = headers[`${prefix}-key-md5`];
  if (algorithm === undefined && encoded === undefined && md5 === undefined) return null;
  const refuse = (name: string, reason: string): S3Error => invalidArgument(`${prefix}-${name}`, 'null', reason);
  if (algorithm === undefined) throw refuse('algorithm', `${MUST_PROVIDE} a valid encryption algorithm.`);
  if (algorithm !== ALGORITHM)
    throw new S3Error('InvalidEncryptionAlgorithmError', {
      message: `The encryption request you specified is not valid. Supported value: ${ALGORITHM}.`,
      detail: { ArgumentName: `${prefix}-algorithm`, ArgumentValue: algorithm },
    });
  if (encoded === undefined || encoded === '') throw refuse('key', `${MUST_PROVIDE} an appropriate secret key.`);
  if (md5 === undefined || md5 === '')
    throw refuse('key-MD5', `${MUST_PROVIDE} the client calculated MD5 of the secret key.`);
  const key = Buffer.from(encoded, 'base64');
  if (key.length !== KEY_BYTES || key.toString('base64') !== encoded)
    throw refuse('key', 'The secret key was invalid for the specified algorithm.');
  if (customerKeyMd5(key) !== md5)
    throw refuse('key-MD5', 'The calculated MD5 hash of the key did not match the hash that was provided.');
  return { key: createSecretKey(key), md5 };
}

const MUST_PROVIDE = 'Requests specifying Server Side Encryption with Customer provided keys must provide';

/** MD5 of the key in base64. */
export function customerKeyMd5(customerKey: Buffer): string {
  return createHash('md5').update(customerKey).digest('base64');
}

/**
 * An object's data key: the same customer key gives another one for each salt.
 * @param customerKey 32 bytes
 * @param salt random bytes, stored with the object
 */
export function sseCustomerDataKey(customerKey: KeyObject, salt: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', customerKey, salt, 'pithos sse-c v1', KEY_BYTES));
}

export function newCustomerDataKey({ key, md5 }: CustomerKey): DataKey {
  const salt = randomBytes(SALT_BYTES);
  return {
    info: { kind: 'SSE-C', keyId: md5, wrappedKey: salt.toString('base64') },
    cipher: createDataCipher(sseCustomerDataKey(key, salt)),
  };
}

/** For a key with the MD5 that info names: the caller says what another key means. @throws StoreError corrupt for a damaged salt */
export function openCustomerDataKey({ key, md5 }: CustomerKey, info: EncryptionInfo): DataCipher {
  if (info.kind !== 'SSE-C') throw new TypeError(`a customer key cannot open a ${info.kind} key`);
  if (info.keyId !== md5) throw new Error('the customer key is not the one that the object was written with');
  const salt = Buffer.from(info.wrappedKey, 'base64');
  if (salt.length !== SALT_BYTES)
    throw new StoreError('corrupt', 'notApplied', 'the stored salt of a customer-encrypted object is damaged');
  return createDataCipher(sseCustomerDataKey(key, salt));
}
