/**
 * Encryption of stored chunks: AES-256-GCM with a tag per chunk, so that any range can be read and is authenticated without
 * the rest. Each inode has its own key, derived from the object's data key; the nonce is the chunk's index with a mark on the last
 * chunk, so that chunks that were swapped, moved between inodes or cut off at the end are found out.
 */
import type { KeyObject } from 'node:crypto';
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, hkdfSync } from 'node:crypto';
import { StoreError } from '../store/errors.js';

export const KEY_BYTES = 32;
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;
const ALGORITHM = 'aes-256-gcm';

/** The scope of data that lives in its metadata row; blobs have their inode's uuid. */
export const INLINE_SCOPE = 'inline';

/**
 * Seals the chunks of one object version, or of one multipart upload's parts. A chunk (scope, index) may be sealed once only:
 * what replaces it belongs to another inode, and an object that is written again needs another data key.
 */
export interface DataCipher {
  /** how much longer a sealed chunk is */
  readonly overheadBytes: 16;
  /**
   * @param scope the inode's uuid, or INLINE_SCOPE
   * @param index of the chunk in its inode, from 0
   * @param last whether it is the inode's last chunk
   */
  seal(scope: string, index: number, chunk: readonly Buffer[], last: boolean): Buffer[];
  /** @throws StoreError corrupt when the bytes are not what was sealed there with this key */
  open(scope: string, index: number, sealed: Buffer, last: boolean): Buffer;
  /**
   * 32 hex digits that stand for the content with this MD5 and do not tell it: the same for the same content under this
   * data key, another one under any other.
   */
  opaqueTag(contentMd5Hex: string): string;
}

/** @param dataKey 32 secret bytes that no other object has */
export function createDataCipher(dataKey: Buffer): DataCipher {
  if (dataKey.length !== KEY_BYTES) throw new RangeError(`data key of ${dataKey.length} bytes`);
  return new ChunkCipher(createSecretKey(dataKey));
}

class ChunkCipher implements DataCipher {
  readonly overheadBytes = TAG_BYTES;
  readonly #dataKey: KeyObject;
  // Chunks come inode by inode: remembering one derived key is enough.
  #scope: string | null = null;
  #scopeKey: KeyObject;

  constructor(dataKey: KeyObject) {
    this.#dataKey = dataKey;
    this.#scopeKey = dataKey;
  }

  seal(scope: string, index: number, chunk: readonly Buffer[], last: boolean): Buffer[] {
    const cipher = createCipheriv(ALGORITHM, this.#keyOf(scope), chunkNonce(index, last), { authTagLength: TAG_BYTES });
    const sealed = chunk.map((piece) => cipher.update(piece));
    cipher.final();
    sealed.push(cipher.getAuthTag());
    return sealed;
  }

  open(scope: string, index: number, sealed: Buffer, last: boolean): Buffer {
    const end = sealed.length - TAG_BYTES;
    if (end < 0) throw corrupt(scope, index);
    const decipher = createDecipheriv(ALGORITHM, this.#keyOf(scope), chunkNonce(index, last), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAuthTag(sealed.subarray(end));
    const chunk = decipher.update(sealed.subarray(0, end));
    try {
      decipher.final();
    } catch (error) {
      throw corrupt(scope, index, error);
    }
    return chunk;
  }

  opaqueTag(contentMd5Hex: string): string {
    const key = hkdfSync('sha256', this.#dataKey, Buffer.alloc(0), 'pithos tag v1', KEY_BYTES);
    return createHmac('sha256', Buffer.from(key)).update(contentMd5Hex).digest('hex').slice(0, 32);
  }

  #keyOf(scope: string): KeyObject {
    if (scope !== this.#scope) {
      const key = hkdfSync('sha256', this.#dataKey, Buffer.alloc(0), `pithos chunk v1 ${scope}`, KEY_BYTES);
      this.#scopeKey = createSecretKey(Buffer.from(key));
      this.#scope = scope;
    }
    return this.#scopeKey;
  }
}

/** 11 bytes of index (the upper ones are always 0) and 1 byte that is 1 for the last chunk. */
function chunkNonce(index: number, last: boolean): Buffer {
  const nonce = Buffer.alloc(NONCE_BYTES);
  nonce.writeBigUInt64BE(BigInt(index), 3);
  nonce.writeUInt8(last ? 1 : 0, 11);
  return nonce;
}

function corrupt(scope: string, index: number, cause?: unknown): StoreError {
  return new StoreError(
    'corrupt',
    'notApplied',
    `encrypted chunk ${index} of ${scope} fails its authentication`,
    cause,
  );
}
