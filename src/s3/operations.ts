/**
 * THE table: every operation of the S3 API, one row each. Routing, authorization, logs, rate limits and the table of
 * supported operations in README all come from it. A row without a handler is known and answers NotImplemented by name.
 */
import {
  deleteAbsentConfiguration,
  getAbsentConfiguration,
  getBucketAccelerateConfiguration,
  listBucketAnalyticsConfigurations,
  listBucketIntelligentTieringConfigurations,
  listBucketMetricsConfigurations,
} from './ops/absent-configurations.js';
import { deleteBucketReplication, getBucketReplication, putBucketReplication } from './ops/bucket-replication.js';
import { deleteBucketCors, getBucketCors, preflight, putBucketCors } from './ops/bucket-cors.js';
import { deleteBucketEncryption, getBucketEncryption, putBucketEncryption } from './ops/bucket-encryption.js';
import { getBucketAcl, putBucketAcl } from './ops/bucket-acl.js';
import { deleteBucketPolicy, getBucketPolicy, getBucketPolicyStatus, putBucketPolicy } from './ops/bucket-policy.js';
import {
  deleteBucketLifecycle,
  getBucketLifecycleConfiguration,
  putBucketLifecycleConfiguration,
} from './ops/bucket-lifecycle.js';
import { getBucketNotificationConfiguration, putBucketNotificationConfiguration } from './ops/bucket-notification.js';
import {
  deleteBucketInventoryConfiguration,
  getBucketInventoryConfiguration,
  listBucketInventoryConfigurations,
  putBucketInventoryConfiguration,
} from './ops/bucket-inventory.js';
import {
  getBucketLocation,
  getBucketRequestPayment,
  getBucketVersioning,
  putBucketRequestPayment,
  putBucketVersioning,
} from './ops/bucket-info.js';
import { abortMultipartUpload } from './ops/abort-multipart-upload.js';
import { completeMultipartUpload } from './ops/complete-multipart-upload.js';
import { copyObject } from './ops/copy-object.js';
import { createBucket } from './ops/create-bucket.js';
import { createMultipartUpload } from './ops/create-multipart-upload.js';
import { deleteBucket } from './ops/delete-bucket.js';
import { deleteObject } from './ops/delete-object.js';
import { deleteBucketTagging, getBucketTagging, putBucketTagging } from './ops/bucket-tagging.js';
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from './ops/object-tagging.js';
import { deleteObjects } from './ops/delete-objects.js';
import { getObjectAttributes } from './ops/get-object-attributes.js';
import { getObjectTorrent } from './ops/get-object-torrent.js';
import { getObject, headObject } from './ops/get-object.js';
import { headBucket } from './ops/head-bucket.js';
import { listBuckets } from './ops/list-buckets.js';
import { listMultipartUploads } from './ops/list-multipart-uploads.js';
import { listObjectVersions } from './ops/list-object-versions.js';
import { listObjects, listObjectsV2 } from './ops/list-objects.js';
import { listParts } from './ops/list-parts.js';
import { getObjectAcl, putObjectAcl } from './ops/object-acl.js';
import { getObjectLegalHold, putObjectLegalHold } from './ops/object-legal-hold.js';
import { getObjectLockConfiguration, putObjectLockConfiguration } from './ops/object-lock-configuration.js';
import { getObjectRetention, putObjectRetention } from './ops/object-retention.js';
import {
  deleteBucketOwnershipControls,
  getBucketOwnershipControls,
  putBucketOwnershipControls,
} from './ops/ownership-controls.js';
import { postObject } from './ops/post-object.js';
import { getBucketLogging, putBucketLogging } from './ops/bucket-logging.js';
import { deleteBucketWebsite, getBucketWebsite, putBucketWebsite } from './ops/bucket-website.js';
import { deletePublicAccessBlock, getPublicAccessBlock, putPublicAccessBlock } from './ops/public-access-block.js';
import { putObject } from './ops/put-object.js';
import { renameObject } from './ops/rename-object.js';
import { restoreObject } from './ops/restore-object.js';
import { selectObjectContent } from './ops/select-object-content.js';
import { uploadPartCopy } from './ops/upload-part-copy.js';
import { uploadPart } from './ops/upload-part.js';
import type {
  Access,
  AclPermission,
  BodyKind,
  Handler,
  HttpMethod,
  OperationRow,
  OperationTarget,
} from './operation.js';

const account: Access = { kind: 'account' };
const owner: Access = { kind: 'bucketOwner' };
const handler: Access = { kind: 'handler' };
const bucket = (permission: AclPermission): Access => ({ kind: 'bucket', permission });
const object = (permission: AclPermission): Access => ({ kind: 'object', permission });

interface Options {
  readonly query?: Readonly<Record<string, true | string>>;
  readonly header?: string;
  readonly versionActions?: readonly string[];
  readonly body?: BodyKind;
}

function row(
  name: string,
  where: readonly [HttpMethod, OperationTarget],
  access: Access,
  actions: readonly string[],
  serve: Handler | null,
  options: Options = {},
): OperationRow {
  const { body = 'none', ...rest } = options;
  const [method, on] = where;
  return { name, method, on, access, actions, handler: serve, body, ...rest };
}

/** A bucket's sub-resource that is known and not served. */
function later(name: string, method: HttpMethod, on: OperationTarget, parameter: string, action: string): OperationRow {
  return row(name, [method, on], owner, [action], null, {
    query: { [parameter]: true },
    body: method === 'PUT' || method === 'POST' ? 'xml' : 'none',
  });
}

const SERVICE: readonly OperationRow[] = [
  row('ListBuckets', ['GET', 'service'], account, ['ListAllMyBuckets'], listBuckets),
];

const BUCKET: readonly OperationRow[] = [
  row('CreateBucket', ['PUT', 'bucket'], account, ['CreateBucket'], createBucket, { body: 'xml' }),
  row('HeadBucket', ['HEAD', 'bucket'], bucket('READ'), ['ListBucket'], headBucket),
  row('DeleteBucket', ['DELETE', 'bucket'], owner, ['DeleteBucket'], deleteBucket),
  row('ListObjects', ['GET', 'bucket'], bucket('READ'), ['ListBucket'], listObjects),
  row('ListObjectsV2', ['GET', 'bucket'], bucket('READ'), ['ListBucket'], listObjectsV2, {
    query: { 'list-type': '2' },
  }),
  row('ListObjectVersions', ['GET', 'bucket'], bucket('READ'), ['ListBucketVersions'], listObjectVersions, {
    query: { versions: true },
  }),
  row('ListMultipartUploads', ['GET', 'bucket'], bucket('READ'), ['ListBucketMultipartUploads'], listMultipartUploads, {
    query: { uploads: true },
  }),
  row('DeleteObjects', ['POST', 'bucket'], { kind: 'keys', permission: 'WRITE' }, ['DeleteObject'], deleteObjects, {
    query: { delete: true },
    body: 'xml',
  }),
  row('PostObject', ['POST', 'bucket'], handler, ['PutObject'], postObject, { body: 'form' }),
  row('GetBucketLocation', ['GET', 'bucket'], owner, ['GetBucketLocation'], getBucketLocation, {
    query: { location: true },
  }),
  row('GetBucketAcl', ['GET', 'bucket'], bucket('READ_ACP'), ['GetBucketAcl'], getBucketAcl, { query: { acl: true } }),
  row('PutBucketAcl', ['PUT', 'bucket'], bucket('WRITE_ACP'), ['PutBucketAcl'], putBucketAcl, {
    query: { acl: true },
    body: 'xml',
  }),
  row('GetBucketCors', ['GET', 'bucket'], owner, ['GetBucketCORS'], getBucketCors, { query: { cors: true } }),
  row('PutBucketCors', ['PUT', 'bucket'], owner, ['PutBucketCORS'], putBucketCors, {
    query: { cors: true },
    body: 'xml',
  }),
  row('DeleteBucketCors', ['DELETE', 'bucket'], owner, ['PutBucketCORS'], deleteBucketCors, { query: { cors: true } }),
  row('GetBucketRequestPayment', ['GET', 'bucket'], owner, ['GetBucketRequestPayment'], getBucketRequestPayment, {
    query: { requestPayment: true },
  }),
  row('PutBucketRequestPayment', ['PUT', 'bucket'], owner, ['PutBucketRequestPayment'], putBucketRequestPayment, {
    query: { requestPayment: true },
    body: 'xml',
  }),
  row('GetBucketVersioning', ['GET', 'bucket'], owner, ['GetBucketVersioning'], getBucketVersioning, {
    query: { versioning: true },
  }),
  row('PutBucketVersioning', ['PUT', 'bucket'], owner, ['PutBucketVersioning'], putBucketVersioning, {
    query: { versioning: true },
    body: 'xml',
  }),
  row('GetBucketTagging', ['GET', 'bucket'], owner, ['GetBucketTagging'], getBucketTagging, {
    query: { tagging: true },
  }),
  row('PutBucketTagging', ['PUT', 'bucket'], owner, ['PutBucketTagging'], putBucketTagging, {
    query: { tagging: true },
    body: 'xml',
  }),
  row('DeleteBucketTagging', ['DELETE', 'bucket'], owner, ['PutBucketTagging'], deleteBucketTagging, {
    query: { tagging: true },
  }),
  row(
    'GetObjectLockConfiguration',
    ['GET', 'bucket'],
    owner,
    ['GetBucketObjectLockConfiguration'],
    getObjectLockConfiguration,
    { query: { 'object-lock': true } },
  ),
  row(
    'PutObjectLockConfiguration',
    ['PUT', 'bucket'],
    owner,
    ['PutBucketObjectLockConfiguration'],
    putObjectLockConfiguration,
    { query: { 'object-lock': true }, body: 'xml' },
  ),
  row('GetBucketEncryption', ['GET', 'bucket'], owner, ['GetEncryptionConfiguration'], getBucketEncryption, {
    query: { encryption: true },
  }),
  row('PutBucketEncryption', ['PUT', 'bucket'], owner, ['PutEncryptionConfiguration'], putBucketEncryption, {
    query: { encryption: true },
    body: 'xml',
  }),
  row('DeleteBucketEncryption', ['DELETE', 'bucket'], owner, ['PutEncryptionConfiguration'], deleteBucketEncryption, {
    query: { encryption: true },
  }),
  row(
    'GetBucketLifecycleConfiguration',
    ['GET', 'bucket'],
    owner,
    ['GetLifecycleConfiguration'],
    getBucketLifecycleConfiguration,
    { query: { lifecycle: true } },
  ),
  row(
    'PutBucketLifecycleConfiguration',
    ['PUT', 'bucket'],
    owner,
    ['PutLifecycleConfiguration'],
    putBucketLifecycleConfiguration,
    { query: { lifecycle: true }, body: 'xml' },
  ),
  row('DeleteBucketLifecycle', ['DELETE', 'bucket'], owner, ['PutLifecycleConfiguration'], deleteBucketLifecycle, {
    query: { lifecycle: true },
  }),
  row('PreflightBucket', ['OPTIONS', 'bucket'], handler, [], preflight),

  row(
    'GetBucketAccelerateConfiguration',
    ['GET', 'bucket'],
    owner,
    ['GetAccelerateConfiguration'],
    getBucketAccelerateConfiguration,
    { query: { accelerate: true } },
  ),
  later('PutBucketAccelerateConfiguration', 'PUT', 'bucket', 'accelerate', 'PutAccelerateConfiguration'),
  row(
    'ListBucketAnalyticsConfigurations',
    ['GET', 'bucket'],
    owner,
    ['GetAnalyticsConfiguration'],
    listBucketAnalyticsConfigurations,
    { query: { analytics: true } },
  ),
  row(
    'GetBucketAnalyticsConfiguration',
    ['GET', 'bucket'],
    owner,
    ['GetAnalyticsConfiguration'],
    getAbsentConfiguration,
    {
      query: { analytics: true, id: true },
    },
  ),
  later('PutBucketAnalyticsConfiguration', 'PUT', 'bucket', 'analytics', 'PutAnalyticsConfiguration'),
  row(
    'DeleteBucketAnalyticsConfiguration',
    ['DELETE', 'bucket'],
    owner,
    ['PutAnalyticsConfiguration'],
    deleteAbsentConfiguration,
    { query: { analytics: true } },
  ),
  row(
    'ListBucketIntelligentTieringConfigurations',
    ['GET', 'bucket'],
    owner,
    ['GetIntelligentTieringConfiguration'],
    listBucketIntelligentTieringConfigurations,
    { query: { 'intelligent-tiering': true } },
  ),
  row(
    'GetBucketIntelligentTieringConfiguration',
    ['GET', 'bucket'],
    owner,
    ['GetIntelligentTieringConfiguration'],
    getAbsentConfiguration,
    {
      query: { 'intelligent-tiering': true, id: true },
    },
  ),
  later(
    'PutBucketIntelligentTieringConfiguration',
    'PUT',
    'bucket',
    'intelligent-tiering',
    'PutIntelligentTieringConfiguration',
  ),
  row(
    'DeleteBucketIntelligentTieringConfiguration',
    ['DELETE', 'bucket'],
    owner,
    ['PutIntelligentTieringConfiguration'],
    deleteAbsentConfiguration,
    { query: { 'intelligent-tiering': true } },
  ),
  row(
    'GetBucketInventoryConfiguration',
    ['GET', 'bucket'],
    owner,
    ['GetInventoryConfiguration'],
    getBucketInventoryConfiguration,
    { query: { inventory: true, id: true } },
  ),
  row(
    'ListBucketInventoryConfigurations',
    ['GET', 'bucket'],
    owner,
    ['GetInventoryConfiguration'],
    listBucketInventoryConfigurations,
    { query: { inventory: true } },
  ),
  row(
    'PutBucketInventoryConfiguration',
    ['PUT', 'bucket'],
    owner,
    ['PutInventoryConfiguration'],
    putBucketInventoryConfiguration,
    { query: { inventory: true }, body: 'xml' },
  ),
  row(
    'DeleteBucketInventoryConfiguration',
    ['DELETE', 'bucket'],
    owner,
    ['PutInventoryConfiguration'],
    deleteBucketInventoryConfiguration,
    { query: { inventory: true } },
  ),
  row('GetBucketLogging', ['GET', 'bucket'], owner, ['GetBucketLogging'], getBucketLogging, {
    query: { logging: true },
  }),
  row('PutBucketLogging', ['PUT', 'bucket'], owner, ['PutBucketLogging'], putBucketLogging, {
    query: { logging: true },
    body: 'xml',
  }),
  row(
    'ListBucketMetricsConfigurations',
    ['GET', 'bucket'],
    owner,
    ['GetMetricsConfiguration'],
    listBucketMetricsConfigurations,
    { query: { metrics: true } },
  ),
  row('GetBucketMetricsConfiguration', ['GET', 'bucket'], owner, ['GetMetricsConfiguration'], getAbsentConfiguration, {
    query: { metrics: true, id: true },
  }),
  later('PutBucketMetricsConfiguration', 'PUT', 'bucket', 'metrics', 'PutMetricsConfiguration'),
  row(
    'DeleteBucketMetricsConfiguration',
    ['DELETE', 'bucket'],
    owner,
    ['PutMetricsConfiguration'],
    deleteAbsentConfiguration,
    { query: { metrics: true } },
  ),
  row(
    'GetBucketNotificationConfiguration',
    ['GET', 'bucket'],
    owner,
    ['GetBucketNotification'],
    getBucketNotificationConfiguration,
    { query: { notification: true } },
  ),
  row(
    'PutBucketNotificationConfiguration',
    ['PUT', 'bucket'],
    owner,
    ['PutBucketNotification'],
    putBucketNotificationConfiguration,
    { query: { notification: true }, body: 'xml' },
  ),
  row(
    'GetBucketOwnershipControls',
    ['GET', 'bucket'],
    owner,
    ['GetBucketOwnershipControls'],
    getBucketOwnershipControls,
    { query: { ownershipControls: true } },
  ),
  row(
    'PutBucketOwnershipControls',
    ['PUT', 'bucket'],
    owner,
    ['PutBucketOwnershipControls'],
    putBucketOwnershipControls,
    { query: { ownershipControls: true }, body: 'xml' },
  ),
  row(
    'DeleteBucketOwnershipControls',
    ['DELETE', 'bucket'],
    owner,
    ['PutBucketOwnershipControls'],
    deleteBucketOwnershipControls,
    { query: { ownershipControls: true } },
  ),
  row('GetBucketPolicy', ['GET', 'bucket'], owner, ['GetBucketPolicy'], getBucketPolicy, { query: { policy: true } }),
  row('PutBucketPolicy', ['PUT', 'bucket'], owner, ['PutBucketPolicy'], putBucketPolicy, {
    query: { policy: true },
    body: 'xml',
  }),
  row('DeleteBucketPolicy', ['DELETE', 'bucket'], owner, ['DeleteBucketPolicy'], deleteBucketPolicy, {
    query: { policy: true },
  }),
  row('GetBucketPolicyStatus', ['GET', 'bucket'], owner, ['GetBucketPolicyStatus'], getBucketPolicyStatus, {
    query: { policyStatus: true },
  }),
  row('GetPublicAccessBlock', ['GET', 'bucket'], owner, ['GetBucketPublicAccessBlock'], getPublicAccessBlock, {
    query: { publicAccessBlock: true },
  }),
  row('PutPublicAccessBlock', ['PUT', 'bucket'], owner, ['PutBucketPublicAccessBlock'], putPublicAccessBlock, {
    query: { publicAccessBlock: true },
    body: 'xml',
  }),
  row('DeletePublicAccessBlock', ['DELETE', 'bucket'], owner, ['PutBucketPublicAccessBlock'], deletePublicAccessBlock, {
    query: { publicAccessBlock: true },
  }),
  row('GetBucketReplication', ['GET', 'bucket'], owner, ['GetReplicationConfiguration'], getBucketReplication, {
    query: { replication: true },
  }),
  row('PutBucketReplication', ['PUT', 'bucket'], owner, ['PutReplicationConfiguration'], putBucketReplication, {
    query: { replication: true },
    body: 'xml',
  }),
  row(
    'DeleteBucketReplication',
    ['DELETE', 'bucket'],
    owner,
    ['PutReplicationConfiguration'],
    deleteBucketReplication,
    {
      query: { replication: true },
    },
  ),
  row('GetBucketWebsite', ['GET', 'bucket'], owner, ['GetBucketWebsite'], getBucketWebsite, {
    query: { website: true },
  }),
  row('PutBucketWebsite', ['PUT', 'bucket'], owner, ['PutBucketWebsite'], putBucketWebsite, {
    query: { website: true },
    body: 'xml',
  }),
  row('DeleteBucketWebsite', ['DELETE', 'bucket'], owner, ['DeleteBucketWebsite'], deleteBucketWebsite, {
    query: { website: true },
  }),
];

const OBJECT: readonly OperationRow[] = [
  row('PutObject', ['PUT', 'object'], bucket('WRITE'), ['PutObject'], putObject, { body: 'stream' }),
  row('CopyObject', ['PUT', 'object'], bucket('WRITE'), ['PutObject'], copyObject, { header: 'x-amz-copy-source' }),
  row('GetObject', ['GET', 'object'], object('READ'), ['GetObject'], getObject, {
    versionActions: ['GetObjectVersion'],
  }),
  row('HeadObject', ['HEAD', 'object'], object('READ'), ['GetObject'], headObject, {
    versionActions: ['GetObjectVersion'],
  }),
  row('DeleteObject', ['DELETE', 'object'], bucket('WRITE'), ['DeleteObject'], deleteObject, {
    versionActions: ['DeleteObjectVersion'],
  }),
  row(
    'GetObjectAttributes',
    ['GET', 'object'],
    object('READ'),
    ['GetObject', 'GetObjectAttributes'],
    getObjectAttributes,
    {
      query: { attributes: true },
      versionActions: ['GetObjectVersion', 'GetObjectVersionAttributes'],
    },
  ),
  row('GetObjectAcl', ['GET', 'object'], object('READ_ACP'), ['GetObjectAcl'], getObjectAcl, {
    query: { acl: true },
    versionActions: ['GetObjectVersionAcl'],
  }),
  row('PutObjectAcl', ['PUT', 'object'], object('WRITE_ACP'), ['PutObjectAcl'], putObjectAcl, {
    query: { acl: true },
    versionActions: ['PutObjectVersionAcl'],
    body: 'xml',
  }),
  row('CreateMultipartUpload', ['POST', 'object'], bucket('WRITE'), ['PutObject'], createMultipartUpload, {
    query: { uploads: true },
  }),
  row('UploadPart', ['PUT', 'object'], bucket('WRITE'), ['PutObject'], uploadPart, {
    query: { uploadId: true, partNumber: true },
    body: 'stream',
  }),
  row('UploadPartCopy', ['PUT', 'object'], bucket('WRITE'), ['PutObject'], uploadPartCopy, {
    query: { uploadId: true, partNumber: true },
    header: 'x-amz-copy-source',
  }),
  row('ListParts', ['GET', 'object'], bucket('WRITE'), ['ListMultipartUploadParts'], listParts, {
    query: { uploadId: true },
  }),
  row('CompleteMultipartUpload', ['POST', 'object'], bucket('WRITE'), ['PutObject'], completeMultipartUpload, {
    query: { uploadId: true },
    body: 'xml',
  }),
  row('AbortMultipartUpload', ['DELETE', 'object'], bucket('WRITE'), ['AbortMultipartUpload'], abortMultipartUpload, {
    query: { uploadId: true },
  }),
  row('GetObjectTagging', ['GET', 'object'], object('READ'), ['GetObjectTagging'], getObjectTagging, {
    query: { tagging: true },
    versionActions: ['GetObjectVersionTagging'],
  }),
  row('PutObjectTagging', ['PUT', 'object'], object('WRITE'), ['PutObjectTagging'], putObjectTagging, {
    query: { tagging: true },
    versionActions: ['PutObjectVersionTagging'],
    body: 'xml',
  }),
  row('DeleteObjectTagging', ['DELETE', 'object'], object('WRITE'), ['DeleteObjectTagging'], deleteObjectTagging, {
    query: { tagging: true },
    versionActions: ['DeleteObjectVersionTagging'],
  }),
  row('GetObjectLegalHold', ['GET', 'object'], owner, ['GetObjectLegalHold'], getObjectLegalHold, {
    query: { 'legal-hold': true },
  }),
  row('PutObjectLegalHold', ['PUT', 'object'], owner, ['PutObjectLegalHold'], putObjectLegalHold, {
    query: { 'legal-hold': true },
    body: 'xml',
  }),
  row('GetObjectRetention', ['GET', 'object'], owner, ['GetObjectRetention'], getObjectRetention, {
    query: { retention: true },
  }),
  row('PutObjectRetention', ['PUT', 'object'], owner, ['PutObjectRetention'], putObjectRetention, {
    query: { retention: true },
    body: 'xml',
  }),
  row('PreflightObject', ['OPTIONS', 'object'], handler, [], preflight),

  row('GetObjectTorrent', ['GET', 'object'], object('READ'), ['GetObjectTorrent'], getObjectTorrent, {
    query: { torrent: true },
    versionActions: ['GetObjectVersionTorrent'],
  }),
  row('RestoreObject', ['POST', 'object'], owner, ['RestoreObject'], restoreObject, {
    query: { restore: true },
    body: 'xml',
  }),
  row('SelectObjectContent', ['POST', 'object'], object('READ'), ['GetObject'], selectObjectContent, {
    query: { select: true },
    versionActions: ['GetObjectVersion'],
    body: 'xml',
  }),
  row('RenameObject', ['PUT', 'object'], bucket('WRITE'), ['PutObject'], renameObject, {
    query: { renameObject: true },
  }),
];

export const OPERATIONS: readonly OperationRow[] = [...SERVICE, ...BUCKET, ...OBJECT];
