/**
 * A bucket's default encryption, as its document 'encryption' keeps it: what objects get whose request asks for nothing.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html
 */
import type { BucketRecord } from '../store/types.js';

export interface BucketEncryption {
  /** null: nothing is encrypted by default */
  readonly byDefault:
    | { readonly algorithm: 'AES256' }
    /** keyId null: the key of requests that name none */
    | { readonly algorithm: 'aws:kms'; readonly keyId: string | null }
    | null;
  /** null: not said, which means false */
  readonly bucketKeyEnabled: boolean | null;
  /** Kinds of encryption that writes may not ask for; null: not said, which means none. */
  readonly blocked: readonly ('SSE-C' | 'NONE')[] | null;
}

const parsed = new WeakMap<BucketRecord, BucketEncryption>();

/** null: never configured */
export function bucketEncryption(bucket: BucketRecord): BucketEncryption | null {
  const document = bucket.documents['encryption'];
  if (document === undefined) return null;
  let encryption = parsed.get(bucket);
  if (encryption === undefined) {
    encryption = JSON.parse(document) as BucketEncryption;
    parsed.set(bucket, encryption);
  }
  return encryption;
}

export function serialiseBucketEncryption(encryption: BucketEncryption): string {
  return JSON.stringify(encryption);
}
