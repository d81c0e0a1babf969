/**
 * Data keys of encrypted objects. Every object version (every multipart upload) has its own. How it is had again from the
 * version's EncryptionInfo is said here for SSE-S3, in sse-customer.ts for SSE-C, in sse-kms.ts for SSE-KMS.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingServerSideEncryption.html
 */
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { StoreError } from '../store/errors.js';
import type { EncryptionInfo } from '../store/types.js';
import type { DataCipher } from './chunk-cipher.js';
import { KEY_BYTES, NONCE_BYTES, TAG_BYTES, createDataCipher } from './chunk-cipher.js';

export { INLINE_SCOPE, createDataCipher } from './chunk-cipher.js';
export type { DataCipher } from './chunk-cipher.js';

export interface DataKey {
  /** to be stored with the object version or the upload */
  readonly info: EncryptionInfo;
  readonly cipher: DataCipher;
}

export interface MasterKey {
  /** stored with every object it protects: never reuse an id for another key */
  readonly id: string;
  /** 32 bytes */
  readonly key: Buffer;
}

export interface KeyRingOptions {
  /** wraps new data keys */
  readonly current: MasterKey;
  /** still open what they wrapped */
  readonly previous?: readonly MasterKey[];
}

/** SSE-S3: data keys wrapped by master keys that the gateway holds. */
export class KeyRing {
  readonly currentId: string;
  readonly #keys = new Map<string, KeyObject>();

  /** @throws RangeError for a key that is not 32 bytes long or an id that is there twice */
  constructor({ current, previous = [] }: KeyRingOptions) {
    for (const { id, key } of [current, ...previous]) {
      if (key.length !== KEY_BYTES)
        throw new RangeError(`master key '${id}' has ${key.length} bytes, not ${KEY_BYTES}`);
      if (this.#keys.has(id)) throw new RangeError(`there are two master keys '${id}'`);
      this.#keys.set(id, createSecretKey(key));
    }
    this.currentId = current.id;
  }

  newDataKey(): DataKey {
    const dataKey = randomBytes(KEY_BYTES);
    const wrappedKey = wrapDataKey(this.#masterKey(this.currentId), this.currentId, dataKey);
    return { info: { kind: 'SSE-S3', keyId: this.currentId, wrappedKey }, cipher: createDataCipher(dataKey) };
  }

  /** @throws StoreError internal when the key that info names is not configured, corrupt when info is damaged */
  openDataKey(info: EncryptionInfo): DataCipher {
    if (info.kind !== 'SSE-S3') throw new TypeError(`the key ring cannot open a ${info.kind} key`);
    return createDataCipher(unwrapDataKey(this.#masterKey(info.keyId), info.keyId, info.wrappedKey));
  }

  #masterKey(id: string): KeyObject {
    const key = this.#keys.get(id);
    if (key) return key;
    throw new StoreError(
      'internal',
      'notApplied',
      `master key '${id}', which protects this object, is not configured on this gateway`,
    );
  }
}

const WRAP_VERSION = 1;

/**
 * A data key sealed by another key: version, random nonce, AES-256-GCM ciphertext and tag, in base64. The wrapping key's id
 * is authenticated with it.
 */
export function wrapDataKey(wrappingKey: KeyObject, keyId: string, dataKey: Buffer): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', wrappingKey, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(wrapContext(keyId));
  const sealed = cipher.update(dataKey);
  cipher.final();
  return Buffer.concat([Buffer.from([WRAP_VERSION]), nonce, sealed, cipher.getAuthTag()]).toString('base64');
}

/** @throws StoreError corrupt when it was not wrapped by this key under this id */
export function unwrapDataKey(wrappingKey: KeyObject, keyId: string, wrappedKey: string): Buffer {
  const wrapped = Buffer.from(wrappedKey, 'base64');
  const sealedAt = 1 + NONCE_BYTES;
  const tagAt = sealedAt + KEY_BYTES;
  if (wrapped[0] !== WRAP_VERSION || wrapped.length !== tagAt + TAG_BYTES) {
    throw new StoreError('corrupt', 'notApplied', 'the wrapped data key has an unknown encoding');
  }
  const decipher = createDecipheriv('aes-256-gcm', wrappingKey, wrapped.subarray(1, sealedAt), {
    authTagLength: TAG_BYTES,
  });
  decipher.setAAD(wrapContext(keyId));
  decipher.setAuthTag(wrapped.subarray(tagAt));
  const dataKey = decipher.update(wrapped.subarray(sealedAt, tagAt));
  try {
    decipher.final();
  } catch (error) {
    throw new StoreError('corrupt', 'notApplied', `the wrapped data key was not made by key '${keyId}'`, error);
  }
  return dataKey;
}

function wrapContext(keyId: string): Buffer {
  return Buffer.from(`pithos data key v${WRAP_VERSION} ${keyId}`);
}
