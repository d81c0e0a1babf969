/**
 * SSE-KMS: data keys that a KMS wraps. https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html
 */
import type { S3ErrorCode } from '../s3/errors.js';
import { S3Error } from '../s3/errors.js';
import type { EncryptionInfo } from '../store/types.js';
import type { DataCipher } from './chunk-cipher.js';
import { createDataCipher } from './chunk-cipher.js';
import type { KmsContext, KmsFailure, KmsProvider } from './kms.js';
import { KmsError } from './kms.js';
import type { DataKey } from './sse.js';

export interface KmsDataKeyRequest {
  readonly kms: KmsProvider;
  /** as the client or the bucket names it */
  readonly keyId: string;
  readonly context: KmsContext;
  /** The object is written with an S3 Bucket Key: recorded and answered, keys are no fewer here. */
  readonly bucketKey: boolean;
  readonly signal: AbortSignal;
}

/** @throws S3Error KMS.NotFoundException, KMS.DisabledException, KMS.KMSInvalidStateException, AccessDenied, ServiceUnavailable */
export function newKmsDataKey({ kms, keyId, context, bucketKey, signal }: KmsDataKeyRequest): Promise<DataKey> {
  return answeringS3Errors(async () => {
    const dataKey = await kms.generateDataKey(keyId, context, { signal });
    const info: EncryptionInfo = {
      kind: 'SSE-KMS',
      keyId: dataKey.keyId,
      wrappedKey: dataKey.wrappedKey,
      context,
      ...(bucketKey && { bucketKey }),
    };
    return { info, cipher: cipherOf(dataKey.plaintext) };
  });
}

/** @throws S3Error as newKmsDataKey; StoreError corrupt when the stored key is damaged */
export function openKmsDataKey(kms: KmsProvider, info: EncryptionInfo, signal: AbortSignal): Promise<DataCipher> {
  if (info.kind !== 'SSE-KMS') throw new TypeError(`a KMS cannot open a ${info.kind} key`);
  return answeringS3Errors(async () =>
    cipherOf(await kms.decrypt(info.keyId, info.wrappedKey, info.context ?? {}, { signal })),
  );
}

/** The key's own id, if it may be used. @throws S3Error as newKmsDataKey */
export function requireKmsKey(kms: KmsProvider, keyId: string, signal: AbortSignal): Promise<string> {
  return answeringS3Errors(async () => {
    const { id, enabled } = await kms.describe(keyId, { signal });
    if (!enabled) throw new KmsError('disabled', `${id} is disabled.`);
    return id;
  });
}

function cipherOf(plaintext: Buffer): DataCipher {
  const cipher = createDataCipher(plaintext);
  plaintext.fill(0);
  return cipher;
}

const CODES: Readonly<Record<KmsFailure, S3ErrorCode>> = {
  notFound: 'KMS.NotFoundException',
  disabled: 'KMS.DisabledException',
  invalidState: 'KMS.KMSInvalidStateException',
  denied: 'AccessDenied',
  unavailable: 'ServiceUnavailable',
};

async function answeringS3Errors<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof KmsError)) throw error;
    throw new S3Error(CODES[error.failure], {
      ...(error.failure === 'unavailable' ? { headers: { 'retry-after': '1' } } : { message: error.message }),
      cause: error,
    });
  }
}
