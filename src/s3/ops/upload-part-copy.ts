/**
 * UploadPartCopy. https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
 * Deviation: a range may be copied from sources of any size (AWS wants more than 5 MB).
 */
import { loadCopySource } from '../copy-source.js';
import { partCipher } from '../encryption.js';
import { S3Error } from '../errors.js';
import { partAlgorithms, partNumberOf } from '../multipart.js';
import { encryptionHeaders } from '../object-headers.js';
import type { Handler } from '../operation.js';
import { xmlResponse } from '../operation.js';
import { parseCopyRange } from '../range.js';
import { chargedHeaders } from '../requester-pays.js';
import { versionIdHeader } from '../versioning.js';
import { MAX_PUT_BYTES } from '../write-object.js';
import { requireOpenUpload, uploadRefOf, writePart } from '../write-part.js';
import { copyPartResult } from '../xml/copy-results.js';

export const uploadPartCopy: Handler = async (context) => {
  const { headers, query } = context.request;
  const partNumber = partNumberOf(query);
  const ref = uploadRefOf(context);
  const upload = await requireOpenUpload(context, ref);
  const cipher = await partCipher(context, upload);
  const source = await loadCopySource(context);
  const rangeHeader = headers['x-amz-copy-source-range'];
  const range = rangeHeader === undefined ? null : parseCopyRange(rangeHeader, source.version.sizeBytes);
  const sizeBytes = range === null ? source.version.sizeBytes : range.end - range.start + 1;
  if (sizeBytes > MAX_PUT_BYTES)
    throw new S3Error('InvalidRequest', {
      message: `The specified copy source is larger than the maximum allowable size for a copy source: ${MAX_PUT_BYTES}`,
    });
  const part = await writePart(context, {
    ref,
    upload,
    cipher,
    partNumber,
    checksums: partAlgorithms(upload.checksum, null),
    source: source.body(range),
    sizeHintBytes: sizeBytes,
    verify: ({ sizeBytes: copied }) => {
      if (copied !== sizeBytes) throw new Error(`${copied} bytes came from a source of ${sizeBytes}`);
    },
  });
  const sourceVersion = versionIdHeader(source.bucket.versioning, source.version.versionId)['x-amz-version-id'];
  return xmlResponse(copyPartResult(part), {
    ...(sourceVersion === undefined ? {} : { 'x-amz-copy-source-version-id': sourceVersion }),
    ...chargedHeaders(context.identity, source.bucket),
    ...encryptionHeaders(upload),
  });
};
