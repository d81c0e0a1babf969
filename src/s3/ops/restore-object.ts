/**
 * RestoreObject. https://docs.aws.amazon.com/AmazonS3/latest/API/API_RestoreObject.html
 * Objects of every storage class can be read at once here, so that there is never something to restore: an object that AWS would
 * have archived counts as restored, any other one is refused as on AWS.
 */
import type { BucketRecord, ObjectVersion } from '../../store/types.js';
import { missing } from '../access.js';
import type { OperationContext } from '../context.js';
import { keyOf, regionOf } from '../context.js';
import { S3Error } from '../errors.js';
import type { Handler } from '../operation.js';
import { emptyResponse } from '../operation.js';
import { selectorOf, versionIdHeader } from '../versioning.js';
import { xmlBody } from '../xml-body.js';
import { parseRestoreRequest } from '../xml/restore-request.js';

/** What AWS keeps out of reach until it is restored. */
const ARCHIVES: ReadonlySet<string> = new Set(['GLACIER', 'DEEP_ARCHIVE']);

export const restoreObject: Handler = async (context) => {
  const { type } = parseRestoreRequest(await xmlBody(context, { required: true }));
  if (type === 'SELECT')
    throw new S3Error('NotImplemented', { message: 'RestoreObject with Type SELECT is not served.' });
  const version = await requestedVersion(context, context.bucket);
  requireArchived(version);
  return emptyResponse(200, versionIdHeader(context.bucket.versioning, version.versionId));
};

/** @throws S3Error InvalidObjectState for what AWS would not have archived either */
export function requireArchived({ storageClass }: Pick<ObjectVersion, 'storageClass'>): void {
  if (ARCHIVES.has(storageClass)) return;
  throw new S3Error('InvalidObjectState', {
    message: "Restore is not allowed for the object's current storage class",
    detail: { StorageClass: storageClass },
  });
}

async function requestedVersion(context: OperationContext, bucket: BucketRecord): Promise<ObjectVersion> {
  const key = keyOf(context);
  const select = selectorOf(context.request.query.get('versionId'));
  const version = await regionOf(context, bucket).metadata.getVersion(bucket, key, select, { withInline: false });
  if (version === null || (version.deleteMarker && select === 'latest')) throw missing(select, key);
  if (version.deleteMarker)
    throw new S3Error('MethodNotAllowed', { detail: { Method: 'POST', ResourceType: 'DeleteMarker' } });
  return version;
}
