/** CreateMultipartUpload. https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html */
import { initiatorOf, keyOf, regionOf } from '../context.js';
import { writeEncryption } from '../encryption.js';
import { contextHeader } from '../encryption-request.js';
import { abortHeaders } from '../lifecycle.js';
import { makeUploadId, uploadChecksum, uploadChecksumHeaders } from '../multipart.js';
import { objectAttributes } from '../object-attributes.js';
import { encryptionHeaders } from '../object-headers.js';
import type { Handler } from '../operation.js';
import { xmlResponse } from '../operation.js';
import { requestedReplica } from '../replica-request.js';
import { initiateMultipartUploadResult } from '../xml/multipart.js';

export const createMultipartUpload: Handler = async (context) => {
  const { request, bucket, services } = context;
  const key = keyOf(context);
  const replica = requestedReplica(context, 'ReplicateObject');
  const checksum = uploadChecksum(request.headers);
  const attributes = await objectAttributes(context, bucket);
  const encryption = (await writeEncryption(context, { bucket, key }))?.info ?? null;
  const createdAt = services.now();
  const uploadId = makeUploadId(createdAt);
  await regionOf(context, bucket).metadata.createUpload(bucket, {
    ...attributes,
    uploadId,
    key,
    createdAt,
    initiator: initiatorOf(context.identity),
    state: 'open',
    checksum,
    encryption,
    extra: replica === null ? {} : { replica },
  });
  return xmlResponse(initiateMultipartUploadResult({ bucket: bucket.name, key, uploadId }), {
    ...encryptionHeaders({ encryption }),
    ...contextHeader(request.headers),
    ...uploadChecksumHeaders(checksum),
    ...abortHeaders(bucket, { key, createdAt }, services.settings.lifecycleDayMs),
  });
};
