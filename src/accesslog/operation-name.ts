/** The names of operations in access logs: REST.METHOD.RESOURCE. https://docs.aws.amazon.com/AmazonS3/latest/userguide/LogFormat.html */

/** What an operation works on, in the log's words, where its name does not say it by itself. */
const RESOURCES: Readonly<Record<string, string>> = {
  AbortMultipartUpload: 'UPLOAD',
  CompleteMultipartUpload: 'UPLOAD',
  CreateMultipartUpload: 'UPLOADS',
  DeleteObjects: 'MULTI_OBJECT_DELETE',
  DeleteObjectTagging: 'OBJECT_TAGGING',
  GetBucketLifecycleConfiguration: 'LIFECYCLE',
  GetBucketPolicyStatus: 'POLICY_STATUS',
  GetBucketRequestPayment: 'REQUEST_PAYMENT',
  GetBucketLogging: 'LOGGING_STATUS',
  GetObjectAcl: 'ACL',
  GetObjectAttributes: 'OBJECT_ATTRIBUTES',
  GetObjectLegalHold: 'LEGAL_HOLD',
  GetObjectLockConfiguration: 'OBJECT_LOCK_CONFIGURATION',
  GetObjectRetention: 'RETENTION',
  GetObjectTagging: 'OBJECT_TAGGING',
  GetObjectTorrent: 'OBJECT_TORRENT',
  ListBuckets: 'SERVICE',
  ListMultipartUploads: 'UPLOADS',
  ListObjects: 'BUCKET',
  ListObjectsV2: 'BUCKET',
  ListObjectVersions: 'BUCKETVERSIONS',
  ListParts: 'UPLOAD',
  PreflightBucket: 'PREFLIGHT',
  PreflightObject: 'PREFLIGHT',
  PutBucketLifecycleConfiguration: 'LIFECYCLE',
  PutBucketLogging: 'LOGGING_STATUS',
  PutBucketRequestPayment: 'REQUEST_PAYMENT',
  PutObjectAcl: 'ACL',
  PutObjectLegalHold: 'LEGAL_HOLD',
  PutObjectLockConfiguration: 'OBJECT_LOCK_CONFIGURATION',
  PutObjectRetention: 'RETENTION',
  PutObjectTagging: 'OBJECT_TAGGING',
  RenameObject: 'OBJECT_RENAME',
  RestoreObject: 'OBJECT_RESTORE',
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

/** GetBucketCors: CORS; PutObject: OBJECT; DeletePublicAccessBlock: PUBLIC_ACCESS_BLOCK. */
function resourceOf(operation: string): string {
  const noun = operation.replace(/^(Get|Put|Delete|Head|Create|List|Post|Copy)/, '').replace(/^Bucket(?=.)/, '');
  return noun.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
}
