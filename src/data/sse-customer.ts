/**
 * SSE-C: data keys derived from a key that the customer sends with every request and that is never stored.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html
 */
import { createHash, hkdfSync, randomBytes } from 'node:crypto';
import { S3Error, invalidArgument } from '../s3/errors.js';
import { StoreError } from '../store/errors.js';
import type { EncryptionInfo } from '../store/types.js';
import type { DataCipher } from './chunk-cipher.js';
import { KEY_BYTES, createDataCipher } from './chunk-cipher.js';
import type { DataKey, DataKeyProvider } from './sse.js';

const SALT_BYTES = 32;

const KEY_HEADER = 'x-amz-server-side-encryption-customer-key';
const KEY_MD5_HEADER = 'x-amz-server-side-encryption-customer-key-md5';

export interface CustomerKeyHeaders {
  /** x-amz-server-side-encryption-customer-key */
  readonly keyBase64: string;
  /** x-amz-server-side-encryption-customer-key-MD5 */
  readonly keyMd5Base64: string;
}

/**
 * The customer's key out of its two headers. Errors never show the key.
 * @throws S3Error InvalidArgument when it is not 32 bytes in base64 or its MD5 is not the one given
 */
export function parseCustomerKey({ keyBase64, keyMd5Base64 }: CustomerKeyHeaders): Buffer {
  const key = Buffer.from(keyBase64, 'base64');
  if (key.length !== KEY_BYTES || key.toString('base64') !== keyBase64) {
    throw new S3Error('InvalidArgument', {
      message: 'The secret key was invalid for the specified algorithm.',
      detail: { ArgumentName: KEY_HEADER },
    });
  }
  if (customerKeyMd5(key) !== keyMd5Base64) {
    throw invalidArgument(
      KEY_MD5_HEADER,
      keyMd5Base64,
      'The calculated MD5 hash of the key did not match the hash that was provided.',
    );
  }
  return key;
}

/** MD5 of the key in base64: what names the key in EncryptionInfo and in answers. */
export function customerKeyMd5(customerKey: Buffer): string {
  return createHash('md5').update(customerKey).digest('base64');
}

/**
 * An object's data key: the same customer key gives another one for each salt.
 * @param customerKey 32 bytes
 * @param salt random bytes, stored with the object
 */
export function sseCustomerDataKey(customerKey: Buffer, salt: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', customerKey, salt, 'pithos sse-c v1', KEY_BYTES));
}

/** The provider for one request's customer key. */
export class CustomerKeyProvider implements DataKeyProvider {
  readonly #customerKey: Buffer;
  readonly #keyMd5: string;

  constructor(customerKey: Buffer) {
    this.#customerKey = customerKey;
    this.#keyMd5 = customerKeyMd5(customerKey);
  }

  newDataKey(): DataKey {
    const salt = randomBytes(SALT_BYTES);
    return {
      info: { kind: 'SSE-C', keyId: this.#keyMd5, wrappedKey: salt.toString('base64') },
      cipher: createDataCipher(sseCustomerDataKey(this.#customerKey, salt)),
    };
  }

  /** @throws S3Error InvalidRequest when the object was written with another key; StoreError corrupt for a damaged salt */
  openDataKey(info: EncryptionInfo): DataCipher {
    if (info.kind !== 'SSE-C') throw new TypeError(`a customer key cannot open a ${info.kind} key`);
    if (info.keyId !== this.#keyMd5) {
      throw new S3Error('InvalidRequest', {
        message: 'The provided encryption parameters did not match the ones used originally.',
      });
    }
    const salt = Buffer.from(info.wrappedKey, 'base64');
    if (salt.length !== SALT_BYTES) {
      throw new StoreError('corrupt', 'notApplied', 'the stored salt of a customer-encrypted object is damaged');
    }
    return createDataCipher(sseCustomerDataKey(this.#customerKey, salt));
  }
}
