/** UploadPart. https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html */
import { expectedDigests, partChecksumHeaders, verifyDigests } from '../checksum-headers.js';
import { S3Error } from '../errors.js';
import { partAlgorithms, partNumberOf } from '../multipart.js';
import { partCipher } from '../encryption.js';
import { encryptionHeaders } from '../object-headers.js';
import type { Handler } from '../operation.js';
import { emptyResponse } from '../operation.js';
import { MAX_PUT_BYTES } from '../write-object.js';
import { requireOpenUpload, uploadRefOf, writePart } from '../write-part.js';

export const uploadPart: Handler = async (context) => {
  const { request, body } = context;
  const partNumber = partNumberOf(request.query);
  const ref = uploadRefOf(context);
  if (body.lengthMissing) throw new S3Error('MissingContentLength');
  if (body.lengthBytes !== null && body.lengthBytes > MAX_PUT_BYTES)
    throw new S3Error('EntityTooLarge', {
      detail: { ProposedSize: String(body.lengthBytes), MaxSizeAllowed: String(MAX_PUT_BYTES) },
    });
  const expected = expectedDigests(request.headers);
  const upload = await requireOpenUpload(context, ref);
  const cipher = await partCipher(context, upload);
  const part = await writePart(context, {
    ref,
    upload,
    cipher,
    partNumber,
    checksums: partAlgorithms(upload.checksum, expected),
    source: body.stream(),
    sizeHintBytes: body.lengthBytes,
    verify: (ingested) => {
      verifyDigests(expected, ingested, body);
    },
  });
  return emptyResponse(200, {
    etag: `"${part.etag}"`,
    ...encryptionHeaders(upload),
    ...partChecksumHeaders(part, null),
  });
};
