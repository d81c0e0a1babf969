/**
 * Server-side encryption of a request: which one a write gets, with which key a read is opened, and what a part owes to its
 * upload. https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingServerSideEncryption.html
 */
import type { KmsProvider } from '../data/kms.js';
import type { COPY_SOURCE_CUSTOMER_KEY, CustomerKey } from '../data/sse-customer.js';
import { CUSTOMER_KEY, customerKeyOf, newCustomerDataKey, openCustomerDataKey } from '../data/sse-customer.js';
import { newKmsDataKey, openKmsDataKey, requireKmsKey } from '../data/sse-kms.js';
import type { DataCipher, KeyRing } from '../data/sse.js';
import type { BucketRecord, EncryptionInfo, UploadRecord } from '../store/types.js';
import type { BucketEncryption } from './bucket-encryption.js';
import { bucketEncryption } from './bucket-encryption.js';
import type { Services } from './context.js';
import type { RequestedEncryption } from './encryption-request.js';
import {
  SSE_CONTEXT,
  checkPartMethod,
  refuseMethodHeaders,
  requestedBucketKey,
  requestedEncryption,
} from './encryption-request.js';
import { S3Error, invalidArgument } from './errors.js';
import type { S3Request } from './request.js';

/** What the server encrypts with; made by main, handed down. */
export interface EncryptionServices {
  /** New objects may be encrypted (options.server-side-encryption); those that are can be read in any case. */
  readonly offered: boolean;
  /** null: there is no master key, SSE-S3 is refused by name */
  readonly keyRing: KeyRing | null;
  readonly kms: KmsProvider;
  /** Keys of customers are refused on connections without TLS, as AWS does. */
  readonly customerKeysRequireTls: boolean;
}

/** Whose encryption it is: a request's, or the server's own when it delivers something to a bucket. */
export interface EncryptionContext {
  readonly request: Pick<S3Request, 'headers' | 'secure'>;
  readonly services: Pick<Services, 'encryption'>;
  readonly signal: AbortSignal;
}

type Context = EncryptionContext;

export interface WriteEncryption {
  readonly info: EncryptionInfo;
  readonly cipher: DataCipher;
}

/**
 * The encryption of a new object: the request's, else the bucket's default; null stores it as it is.
 * @throws S3Error InvalidArgument, InvalidEncryptionAlgorithmError, InvalidRequest, AccessDenied (a kind that the bucket blocks),
 *   NotImplemented, ServerSideEncryptionConfigurationNotFoundError, KMS.*
 */
export async function writeEncryption(
  context: Context,
  { bucket, key }: { readonly bucket: BucketRecord; readonly key: string },
): Promise<WriteEncryption | null> {
  const { headers } = context.request;
  const ofBucket = bucketEncryption(bucket);
  const bucketKey = requestedBucketKey(headers) ?? ofBucket?.bucketKeyEnabled ?? false;
  const wanted = requestedEncryption(headers) ?? defaultEncryption(ofBucket);
  if (wanted === null) return null;
  const { offered, keyRing, kms } = context.services.encryption;
  if (!offered) throw notOffered('this server does not offer it (options.server-side-encryption).');
  switch (wanted.kind) {
    case 'SSE-S3':
      if (keyRing === null) throw noMasterKey();
      return keyRing.newDataKey();
    case 'SSE-C':
      checkTransport(context);
      if (ofBucket?.blocked?.includes('SSE-C') === true)
        throw new S3Error('AccessDenied', {
          message: 'The bucket does not accept objects that are encrypted with SSE-C.',
        });
      return newCustomerDataKey(wanted.customerKey);
    case 'SSE-KMS':
      return newKmsDataKey({
        kms,
        keyId: kmsKeyId(kms, wanted.keyId),
        context: kmsContext(wanted.context, bucketKey ? bucket.name : `${bucket.name}/${key}`),
        bucketKey,
        signal: context.signal,
      });
  }
}

const RESOURCE_ARN = 'aws:s3:arn';

/** The client's pairs and the one that S3 adds. It is stored with the version: a rename does not change it. */
function kmsContext(pairs: Readonly<Record<string, string>>, resource: string): Readonly<Record<string, string>> {
  const arn = `arn:aws:s3:::${resource}`;
  const given = pairs[RESOURCE_ARN];
  if (given !== undefined && given !== arn)
    throw invalidArgument(SSE_CONTEXT, given, `The encryption context's ${RESOURCE_ARN} is not that of the resource.`);
  return { ...pairs, [RESOURCE_ARN]: arn };
}

function defaultEncryption(ofBucket: BucketEncryption | null): RequestedEncryption | null {
  const byDefault = ofBucket?.byDefault ?? null;
  if (byDefault === null) return null;
  return byDefault.algorithm === 'AES256'
    ? { kind: 'SSE-S3' }
    : { kind: 'SSE-KMS', keyId: byDefault.keyId, context: {} };
}

/** A default that writes could not be served with. @throws S3Error as writeEncryption */
export async function checkBucketDefault(context: Context, encryption: BucketEncryption): Promise<void> {
  const wanted = defaultEncryption(encryption);
  if (wanted === null) return;
  const { offered, keyRing, kms } = context.services.encryption;
  if (!offered) throw notOffered('this server does not offer it (options.server-side-encryption).');
  if (wanted.kind === 'SSE-S3' && keyRing === null) throw noMasterKey();
  if (wanted.kind === 'SSE-KMS') await requireKmsKey(kms, kmsKeyId(kms, wanted.keyId), context.signal);
}

function kmsKeyId(kms: KmsProvider, keyId: string | null): string {
  const named = keyId ?? kms.defaultKeyId;
  if (named === null)
    throw notOffered('no key was named, and this server has neither encryption.kms-default-key nor a master key.');
  return named;
}

function noMasterKey(): S3Error {
  return notOffered('this server has no master key (encryption.master-key) configured.');
}

function notOffered(reason: string): S3Error {
  return new S3Error('ServerSideEncryptionConfigurationNotFoundError', {
    status: 400,
    message: `Server-side encryption was asked for, but ${reason}`,
  });
}

/**
 * Checks what a read brings along for a version: the customer's key where it was written with one, nothing else. Answers
 * the key for readCipher.
 * @throws S3Error InvalidRequest (no key, or one too many), AccessDenied (another key), InvalidArgument
 */
export function checkReadKey(
  context: Context,
  encryption: EncryptionInfo | null,
  prefix: typeof CUSTOMER_KEY | typeof COPY_SOURCE_CUSTOMER_KEY = CUSTOMER_KEY,
): CustomerKey | null {
  const { headers } = context.request;
  // The source of a copy stands beside a target that may well name a method.
  if (prefix === CUSTOMER_KEY) refuseMethodHeaders(headers);
  const customerKey = customerKeyOf(headers, prefix);
  if (customerKey !== null) checkTransport(context);
  if (encryption?.kind !== 'SSE-C') {
    if (customerKey !== null)
      throw new S3Error('InvalidRequest', { message: 'The encryption parameters are not applicable to this object.' });
    return null;
  }
  if (customerKey === null)
    throw new S3Error('InvalidRequest', {
      message:
        'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.',
    });
  if (customerKey.md5 !== encryption.keyId)
    throw new S3Error('AccessDenied', {
      message:
        'Requests specifying Server Side Encryption with Customer provided keys must provide the correct secret key.',
    });
  return customerKey;
}

/**
 * The cipher a version's bytes are opened with; null when it is stored as it is.
 * @param customerKey from checkReadKey
 * @throws S3Error KMS.*; StoreError
 */
export async function readCipher(
  context: Pick<Context, 'services' | 'signal'>,
  encryption: EncryptionInfo | null,
  customerKey: CustomerKey | null,
): Promise<DataCipher | null> {
  if (encryption === null) return null;
  const { keyRing, kms } = context.services.encryption;
  switch (encryption.kind) {
    case 'SSE-S3':
      if (keyRing === null) throw new Error('the object is encrypted, but this server has no master key configured');
      return keyRing.openDataKey(encryption);
    case 'SSE-KMS':
      return openKmsDataKey(kms, encryption, context.signal);
    case 'SSE-C':
      if (customerKey === null) throw new Error('an object of a customer key is read without a key');
      return openCustomerDataKey(customerKey, encryption);
  }
}

/**
 * The cipher of an upload's parts. Every part of an upload with a customer's key brings that key again.
 * @throws S3Error InvalidRequest, InvalidArgument, KMS.*; StoreError
 */
export async function partCipher(
  context: Context,
  { encryption }: Pick<UploadRecord, 'encryption'>,
): Promise<DataCipher | null> {
  const customerKey = checkUploadKey(context, encryption);
  if (encryption?.kind === 'SSE-C' && customerKey === null)
    throw new S3Error('InvalidRequest', { message: UPLOAD_NEEDS_KEY });
  return readCipher(context, encryption, customerKey);
}

/**
 * A completion brings an upload's customer key where checksums are involved.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
 * @param checksummed the upload, or one of its parts, has checksums
 * @throws S3Error InvalidRequest, InvalidArgument
 */
export function checkCompletionKey(
  context: Context,
  { encryption }: Pick<UploadRecord, 'encryption'>,
  checksummed: boolean,
): void {
  const customerKey = checkUploadKey(context, encryption);
  if (encryption?.kind === 'SSE-C' && customerKey === null && checksummed)
    throw new S3Error('InvalidRequest', { message: UPLOAD_NEEDS_KEY });
}

const UPLOAD_NEEDS_KEY =
  'The multipart upload initiate requested encryption. Subsequent part requests must include the appropriate encryption parameters.';

/** The customer's key of a request about an upload, if it is the upload's. */
function checkUploadKey(context: Context, encryption: EncryptionInfo | null): CustomerKey | null {
  const { headers } = context.request;
  checkPartMethod(headers, encryption?.kind ?? null);
  const customerKey = customerKeyOf(headers, CUSTOMER_KEY);
  if (customerKey === null) return null;
  checkTransport(context);
  if (encryption?.kind !== 'SSE-C')
    throw new S3Error('InvalidRequest', {
      message:
        'The multipart upload initiate did not request encryption. Please resend the request without sending encryption parameters.',
    });
  if (customerKey.md5 !== encryption.keyId)
    throw new S3Error('InvalidRequest', {
      message: 'The provided encryption parameters did not match the ones used originally.',
    });
  return customerKey;
}

function checkTransport({ request, services }: Context): void {
  if (services.encryption.customerKeysRequireTls && !request.secure)
    throw new S3Error('InvalidRequest', {
      message:
        'Requests specifying Server Side Encryption with Customer provided keys must be made over a secure connection.',
    });
}

/**
 * ETag of content: its MD5, which clients compare with their own. Under keys that not every reader of the listing may use
 * it would tell what was written, so that SSE-KMS and SSE-C have another one, as on AWS; SDKs know not to compare it.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
 */
export function entityTag(
  encryption: Pick<EncryptionInfo, 'kind'> | null,
  cipher: DataCipher | null,
  md5Hex: string,
): string {
  return encryption === null || cipher === null || encryption.kind === 'SSE-S3' ? md5Hex : cipher.opaqueTag(md5Hex);
}
