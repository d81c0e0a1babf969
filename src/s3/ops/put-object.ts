/** PutObject. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html; with a write offset it appends. */
import { OBJECT_SIZE, writeOffset } from '../append.js';
import { appendObject, appendTarget, checkStillAbsent } from '../append-object.js';
import { checksumHeaders, expectedDigests, verifyDigests } from '../checksum-headers.js';
import { checkWrite } from '../conditions.js';
import { keyOf } from '../context.js';
import { writeEncryption } from '../encryption.js';
import { contextHeader } from '../encryption-request.js';
import { S3Error } from '../errors.js';
import { expirationHeader } from '../lifecycle.js';
import { objectAttributes } from '../object-attributes.js';
import { encryptionHeaders } from '../object-headers.js';
import { checkDigestUnderLock } from '../object-lock.js';
import type { Handler } from '../operation.js';
import { emptyResponse } from '../operation.js';
import { requestedReplica } from '../replica-request.js';
import { newVersionIdHeader } from '../versioning.js';
import { MAX_PUT_BYTES, writeObject } from '../write-object.js';

export const putObject: Handler = async (context) => {
  const { request, bucket, body } = context;
  const key = keyOf(context);
  if (body.lengthMissing) throw new S3Error('MissingContentLength');
  if (body.lengthBytes !== null && body.lengthBytes > MAX_PUT_BYTES)
    throw new S3Error('EntityTooLarge', {
      detail: { ProposedSize: String(body.lengthBytes), MaxSizeAllowed: String(MAX_PUT_BYTES) },
    });
  const offset = writeOffset(request.headers);
  if (offset !== null) {
    const object = await appendTarget(context, offset);
    if (object !== null) return appendObject(context, object);
  }
  const replica = requestedReplica(context, 'ReplicateObject');
  const expected = expectedDigests(request.headers);
  const attributes = await objectAttributes(context, bucket);
  checkDigestUnderLock(bucket, attributes, expected);
  const encryption = await writeEncryption(context, { bucket, key });
  const commit = await writeObject(context, {
    bucket,
    key,
    source: body.stream(),
    sizeHintBytes: body.lengthBytes,
    maxSizeBytes: MAX_PUT_BYTES,
    attributes,
    owner: attributes.owner,
    encryption,
    checksums: expected.algorithm === null ? [] : [expected.algorithm],
    cause: 'ObjectCreated:Put',
    replica,
    verify: (ingested) => verifyDigests(expected, ingested, body),
    precondition: (state) => {
      checkWrite(request.headers, state.latest);
      if (offset !== null) checkStillAbsent(state);
    },
  });
  const { version } = commit;
  if (version === null) throw new Error('a put committed no version');
  return emptyResponse(200, {
    etag: `"${version.etag}"`,
    ...(offset === null ? {} : { [OBJECT_SIZE]: String(version.sizeBytes) }),
    ...newVersionIdHeader(bucket.versioning, version.versionId),
    ...encryptionHeaders(version),
    ...contextHeader(request.headers),
    ...checksumHeaders(version.checksum),
    ...expirationHeader(bucket, { key, version, dayMs: context.services.settings.lifecycleDayMs }),
  });
};
