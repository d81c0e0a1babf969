/** ListMultipartUploads. https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListMultipartUploads.html */
import { regionOf } from '../context.js';
import type { Handler } from '../operation.js';
import { xmlResponse } from '../operation.js';
import { encodingType, pageSize } from '../paging.js';
import { listUploads } from '../upload-listing.js';
import { listMultipartUploadsResult } from '../xml/list-uploads.js';

export const listMultipartUploads: Handler = async (context) => {
  const { bucket, request } = context;
  const { query } = request;
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const keyMarker = query.get('key-marker') ?? '';
  const uploadIdMarker = query.get('upload-id-marker') ?? '';
  // No key is longer, and none may be asked for.
  const maxUploads = pageSize(query, 'max-uploads');
  const encoding = encodingType(query);
  const { metadata } = regionOf(context, bucket);
  const { truncated, ...listing } = await listUploads((scan) => metadata.scanUploads(bucket, scan), {
    prefix,
    delimiter,
    keyMarker,
    uploadIdMarker,
    maxUploads,
  });
  return xmlResponse(
    listMultipartUploadsResult({
      ...listing,
      bucket: bucket.name,
      prefix,
      delimiter,
      keyMarker,
      uploadIdMarker,
      maxUploads,
      encodingType: encoding,
      isTruncated: truncated,
    }),
  );
};
