/** ListParts. https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListParts.html */
import { regionOf } from '../context.js';
import { abortHeaders } from '../lifecycle.js';
import { noSuchUpload, partNumberMarker } from '../multipart.js';
import type { Handler } from '../operation.js';
import { xmlResponse } from '../operation.js';
import { pageSize } from '../paging.js';
import { uploadRefOf } from '../write-part.js';
import { listPartsResult } from '../xml/list-uploads.js';
import { MAX_PARTS } from '../xml/multipart.js';

export const listParts: Handler = async (context) => {
  const { query } = context.request;
  const ref = uploadRefOf(context);
  const maxParts = pageSize(query, 'max-parts');
  const after = partNumberMarker('part-number-marker', query.get('part-number-marker'));
  const { metadata } = regionOf(context, ref.bucket);
  const upload = await metadata.getUpload(ref);
  // A completion under way still has its parts to show, an abort only some of them.
  if (upload === null || upload.state === 'aborting') throw noSuchUpload(ref.uploadId);
  // One more than is wanted tells whether the listing is truncated.
  const found =
    maxParts === 0 || after >= MAX_PARTS
      ? []
      : await metadata.listParts(ref, { afterPart: after, limit: maxParts + 1 });
  const parts = found.slice(0, maxParts);
  return xmlResponse(
    listPartsResult({
      bucket: ref.bucket.name,
      key: ref.key,
      uploadId: ref.uploadId,
      initiator: upload.initiator,
      owner: upload.owner,
      storageClass: upload.storageClass,
      checksum: upload.checksum,
      partNumberMarker: after,
      nextPartNumberMarker: parts.at(-1)?.partNumber ?? null,
      maxParts,
      isTruncated: found.length > parts.length,
      parts,
    }),
    abortHeaders(context.bucket, upload, context.services.settings.lifecycleDayMs),
  );
};
