/**
 * The names of operations in access logs: REST.METHOD.RESOURCE, and those of what S3 does by itself.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html
 */
import type { LifecycleAction } from '../s3/lifecycle-action.js';

/** What an operation works on, in the log's words, where its name does not say it by itself. */
const RESOURCES: Readonly<Record<string, string>> = {
  AbortMultipartUpload: 'UPLOAD',
  CompleteMultipartUpload: 'UPLOAD',
  CreateMultipartUpload: 'UPLOADS',
  DeleteBucketPolicy: 'BUCKETPOLICY',
  DeleteObjects: 'MULTI_OBJECT_DELETE',
  GetBucketLogging: 'LOGGING_STATUS',
  GetBucketPolicy: 'BUCKETPOLICY',
  GetObjectAcl: 'ACL',
  GetObjectLegalHold: 'LEGAL_HOLD',
  GetObjectLockConfiguration: 'OBJECT_LOCK_CONFIGURATION',
  GetObjectRetention: 'RETENTION',
  ListBuckets: 'SERVICE',
  ListMultipartUploads: 'UPLOADS',
  ListObjects: 'BUCKET',
  ListObjectsV2: 'BUCKET',
  ListObjectVersions: 'BUCKETVERSIONS',
  ListParts: 'UPLOAD',
  PostObject: 'BUCKET',
  PreflightBucket: 'PREFLIGHT',
  PreflightObject: 'PREFLIGHT',
  PutBucketLogging: 'LOGGING_STATUS',
  PutBucketPolicy: 'BUCKETPOLICY',
  PutObjectAcl: 'ACL',
  PutObjectLegalHold: 'LEGAL_HOLD',
  PutObjectLockConfiguration: 'OBJECT_LOCK_CONFIGURATION',
  PutObjectRetention: 'RETENTION',
  RenameObject: 'OBJECT_RENAME',
  RestoreObject: 'RESTORE',
  SelectObjectContent: 'OBJECT_SELECT',
  UploadPart: 'PART',
  UploadPartCopy: 'PART',
};

const COPIES: ReadonlySet<string> = new Set(['CopyObject', 'UploadPartCopy']);

/** @param operation AWS's name of the operation; null: none was found */
export function operationName(method: string, operation: string | null): string {
  if (operation === null) return `REST.${method}.-`;
  const verb = COPIES.has(operation) ? 'COPY' : method;
  return `REST.${verb}.${RESOURCES[operation] ?? resourceOf(operation)}`;
}

/** The other line of a copy, in the log of the bucket that is copied from. @param operation AWS's name */
export function copySourceName(operation: string | null): string {
  return `${operationName('GET', operation)}_GET`;
}

/** GetBucketCors: CORS; PutObject: OBJECT; GetBucketInventoryConfiguration, ListBucketInventoryConfigurations: INVENTORY. */
function resourceOf(operation: string): string {
  const noun = operation
    .replace(/^(Get|Put|Delete|Head|Create|List|Post|Copy)/, '')
    .replace(/^Bucket(?=.)/, '')
    .replace(/(?<=.)Configurations?$/, '');
  return noun.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-and-other-bucket-config.html#lifecycle-general-considerations-logging */
const TRANSITIONS: Readonly<Record<string, string>> = {
  STANDARD_IA: 'TRANSITION_SIA',
  ONEZONE_IA: 'TRANSITION_ZIA',
  INTELLIGENT_TIERING: 'TRANSITION_INT',
  GLACIER_IR: 'TRANSITION_GIR',
  DEEP_ARCHIVE: 'TRANSITION_GDA',
};

export function lifecycleName({ kind, storageClass }: Pick<LifecycleAction, 'kind' | 'storageClass'>): string {
  switch (kind) {
    case 'expire':
      return 'S3.EXPIRE.OBJECT';
    case 'create-delete-marker':
      return 'S3.CREATE.DELETEMARKER';
    case 'abort-upload':
      return 'S3.DELETE.UPLOAD';
    case 'transition':
      return `S3.${TRANSITIONS[storageClass ?? ''] ?? 'TRANSITION'}.OBJECT`;
  }
}
