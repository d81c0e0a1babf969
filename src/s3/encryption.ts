/**
 * Which encryption a write asks for and how a stored version is opened again.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingServerSideEncryption.html
 */
import type { DataCipher } from '../data/sse.js';
import type { EncryptionInfo } from '../store/types.js';
import type { OperationContext } from './context.js';
import { S3Error, invalidArgument } from './errors.js';

export interface WriteEncryption {
  readonly info: EncryptionInfo;
  readonly cipher: DataCipher;
}

const SSE = 'x-amz-server-side-encryption';
const SSE_KMS_KEY = 'x-amz-server-side-encryption-aws-kms-key-id';
const SSE_CUSTOMER = 'x-amz-server-side-encryption-customer-algorithm';

/**
 * The encryption of a new object by the request's headers; null stores it as it is.
 * @throws S3Error InvalidArgument, InvalidRequest, NotImplemented, ServerSideEncryptionConfigurationNotFoundError
 */
export function writeEncryption(context: Pick<OperationContext, 'request' | 'services'>): WriteEncryption | null {
  const { headers } = context.request;
  refuseCustomerKey(headers);
  const algorithm = headers[SSE];
  if (algorithm === undefined) {
    if (headers[SSE_KMS_KEY] !== undefined)
      throw invalidArgument(SSE, '', `The header ${SSE} must be aws:kms when a KMS key is named.`);
    return null;
  }
  if (algorithm === 'aws:kms' || algorithm === 'aws:kms:dsse')
    throw new S3Error('NotImplemented', { detail: { Header: SSE, AdditionalMessage: `${algorithm} is not served` } });
  if (algorithm !== 'AES256') throw invalidArgument(SSE, algorithm, 'The encryption method specified is not supported');
  const { keyRing } = context.services;
  if (keyRing === null)
    throw new S3Error('ServerSideEncryptionConfigurationNotFoundError', {
      status: 400,
      message:
        'Server-side encryption was asked for, but this server has no master key (encryption.master-key) configured.',
    });
  return keyRing.newDataKey();
}

/** SSE-C is known and not served yet: saying so beats storing plaintext. */
function refuseCustomerKey(headers: Readonly<Record<string, string>>): void {
  if (headers[SSE_CUSTOMER] !== undefined) throw new S3Error('NotImplemented', { detail: { Header: SSE_CUSTOMER } });
}

/** The cipher a version's bytes are opened with; null when it is stored as it is. */
export function readCipher(
  context: Pick<OperationContext, 'services'>,
  encryption: EncryptionInfo | null,
): DataCipher | null {
  if (encryption === null) return null;
  const { keyRing } = context.services;
  if (keyRing === null) throw new Error('the object is encrypted, but this server has no master key configured');
  return keyRing.openDataKey(encryption);
}
