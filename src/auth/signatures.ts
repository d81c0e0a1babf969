/** The keyed hashes of both schemes, the cache of derived SigV4 keys, and the comparison that leaks no timing. */
import { createHmac, hash, timingSafeEqual } from 'node:crypto';

/** Hex SHA-256 of a latin1 byte string. */
export function sha256Hex(byteString: string): string {
  requireBytes(byteString);
  return hash('sha256', Buffer.from(byteString, 'latin1'), 'hex');
}

// 'latin1' drops the high byte of a char, so text that was already decoded as UTF-8 could pass for other text.
function requireBytes(byteString: string): void {
  if (!isLatin1(byteString)) throw new TypeError('a signed request must be given as byte strings (latin1)');
}

/** Base64 HMAC-SHA1 of a latin1 byte string, SigV2's signature. */
export function signV2(secret: string, stringToSign: string): string {
  requireBytes(stringToSign);
  return createHmac('sha1', secret).update(stringToSign, 'latin1').digest('base64');
}

/** Hex HMAC-SHA256 of a latin1 byte string, SigV4's signature. */
export function signV4(signingKey: Buffer, stringToSign: string): string {
  return createHmac('sha256', signingKey).update(stringToSign, 'latin1').digest('hex');
}

/** Compares two signatures in a time that does not depend on where they differ. */
export function signaturesEqual(expected: string, provided: string): boolean {
  if (expected.length !== provided.length) return false;
  return timingSafeEqual(Buffer.from(expected, 'latin1'), Buffer.from(provided, 'latin1')) && isLatin1(provided);
}

function isLatin1(text: string): boolean {
  return !/[^\0-\xff]/.test(text);
}

/** Where a signing key is valid: SigV4's credential scope without its terminator. */
export interface SigningScope {
  /** YYYYMMDD */
  readonly date: string;
  readonly region: string;
  readonly service: string;
}

/** SigV4's key derivation: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html */
export function deriveSigningKey(secret: string, scope: SigningScope): Buffer {
  const dateKey = createHmac('sha256', 'AWS4' + secret)
    .update(scope.date, 'latin1')
    .digest();
  const regionKey = createHmac('sha256', dateKey).update(scope.region, 'latin1').digest();
  const serviceKey = createHmac('sha256', regionKey).update(scope.service, 'latin1').digest();
  return createHmac('sha256', serviceKey).update('aws4_request').digest();
}

interface CachedKey {
  readonly secret: string;
  readonly key: Buffer;
}

/**
 * Derived keys, least recently used out first. Deriving costs four HMACs, verifying one. Only keys that have verified a
 * signature are kept, so that made-up regions cannot push out the keys in use.
 */
export class SigningKeyCache {
  readonly #capacity: number;
  readonly #keys = new Map<string, CachedKey>();

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#keys.size;
  }

  /** The key for a credential and scope, cached or derived. */
  get(credential: { accessKey: string; secret: string }, scope: SigningScope): Buffer {
    const id = cacheId(credential.accessKey, scope);
    const cached = this.#keys.get(id);
    if (cached?.secret !== credential.secret) return deriveSigningKey(credential.secret, scope);
    this.#keys.delete(id);
    this.#keys.set(id, cached);
    return cached.key;
  }

  /** Keeps a key after it has verified a signature. */
  keep(credential: { accessKey: string; secret: string }, scope: SigningScope, key: Buffer): void {
    const id = cacheId(credential.accessKey, scope);
    if (this.#keys.get(id)?.key === key) return;
    this.#keys.delete(id);
    if (this.#keys.size >= this.#capacity) {
      const oldest = this.#keys.keys().next();
      if (oldest.done !== true) this.#keys.delete(oldest.value);
    }
    this.#keys.set(id, { secret: credential.secret, key });
  }
}

// The access key comes last: it is the only part that may hold a '/'.
function cacheId(accessKey: string, scope: SigningScope): string {
  return scope.date + '/' + scope.service + '/' + scope.region + '/' + accessKey;
}
