/**
 * Key management as SSE-KMS needs it: named keys that wrap data keys and never leave their keeper. LocalKms (kms-local.ts) keeps
 * them in the configuration; a client of an external service implements the same interface.
 * https://docs.aws.amazon.com/kms/latest/developerguide/data-keys.html
 */

/** Names and values that a data key is bound to: who unwraps it must present the same ones. Not secret. */
export type KmsContext = Readonly<Record<string, string>>;

export interface KmsKey {
  /** the key's own id, whatever name (alias, ARN) it was asked for by */
  readonly id: string;
  readonly enabled: boolean;
}

export interface KmsDataKey {
  /** the wrapping key's own id */
  readonly keyId: string;
  /** 32 secret bytes, for the caller to wipe */
  readonly plaintext: Buffer;
  /** what decrypt takes, printable */
  readonly wrappedKey: string;
}

export interface KmsCallOptions {
  /** A provider behind a network gives up when it fires. */
  readonly signal?: AbortSignal;
}

/** All methods throw KmsError; a wrapped key that does not open is StoreError corrupt. */
export interface KmsProvider {
  /** The key for requests that name none; null: they must name one. */
  readonly defaultKeyId: string | null;
  /** @throws KmsError notFound */
  describe(keyId: string, options?: KmsCallOptions): Promise<KmsKey>;
  /** A new data key, bound to the context. @throws KmsError notFound, disabled */
  generateDataKey(keyId: string, context: KmsContext, options?: KmsCallOptions): Promise<KmsDataKey>;
  /**
   * The data key's 32 bytes, for the caller to wipe.
   * @throws KmsError notFound, disabled; StoreError corrupt when it was not wrapped by that key under that context
   */
  decrypt(keyId: string, wrappedKey: string, context: KmsContext, options?: KmsCallOptions): Promise<Buffer>;
}

export type KmsFailure = 'notFound' | 'disabled' | 'invalidState' | 'denied' | 'unavailable';

/** A key that cannot be used. The message is for clients: it names the key, never its material. */
export class KmsError extends Error {
  override readonly name = 'KmsError';
  readonly failure: KmsFailure;

  constructor(failure: KmsFailure, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.failure = failure;
  }
}
