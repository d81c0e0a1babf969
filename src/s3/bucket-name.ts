/** What a bucket and a key may be called. */
import { S3Error, invalidArgument } from './errors.js';

/** UTF-8 bytes. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
export const MAX_KEY_BYTES = 1024;

/** DNS labels of lower-case letters, digits and inner hyphens. */
const LABELS = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/;
/** Kept by AWS for its own kinds of buckets and aliases; refused so that names stay portable. */
const RESERVED_PREFIXES = ['xn--', 'sthree-', 'amzn-s3-demo-'];
const RESERVED_SUFFIXES = ['-s3alias', '--ol-s3', '.mrap', '--x-s3', '--table-s3'];

/**
 * Whether a bucket of that name may be created: 3 to 63 characters, DNS labels joined by dots, no IPv4 address, none of
 * AWS's reserved prefixes and suffixes. Stricter than AWS's current text in one thing: a label neither starts nor ends with
 * a hyphen ("a.-b", "a-.b"), since no host name may.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
 */
export function isValidBucketName(name: string): boolean {
  return (
    name.length >= 3 &&
    name.length <= 63 &&
    LABELS.test(name) &&
    !IPV4.test(name) &&
    !RESERVED_PREFIXES.some((prefix) => name.startsWith(prefix)) &&
    !RESERVED_SUFFIXES.some((suffix) => name.endsWith(suffix))
  );
}

/** For the creation of a bucket; existing ones of any name stay usable. @throws S3Error InvalidBucketName */
export function checkBucketName(name: string): void {
  if (!isValidBucketName(name)) throw new S3Error('InvalidBucketName', { detail: { BucketName: name } });
}

/** @throws S3Error KeyTooLongError above 1,024 UTF-8 bytes, InvalidArgument when empty */
export function checkObjectKey(key: string): void {
  if (key === '') throw invalidArgument('Key', key, 'An object key must have at least one character.');
  // A UTF-16 unit is at most three bytes, so most keys need no counting.
  if (key.length * 3 <= MAX_KEY_BYTES) return;
  const sizeBytes = Buffer.byteLength(key);
  if (sizeBytes > MAX_KEY_BYTES)
    throw new S3Error('KeyTooLongError', {
      detail: { Size: String(sizeBytes), MaxSizeAllowed: String(MAX_KEY_BYTES) },
    });
}
