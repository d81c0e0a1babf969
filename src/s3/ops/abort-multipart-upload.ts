/** AbortMultipartUpload. https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html */
import { findCompleted, inodesOf } from '../completed-upload.js';
import { regionOf } from '../context.js';
import { S3Error } from '../errors.js';
import { noSuchUpload } from '../multipart.js';
import type { Handler } from '../operation.js';
import { emptyResponse } from '../operation.js';
import { uploadRefOf } from '../write-part.js';

export const abortMultipartUpload: Handler = async (context) => {
  const ref = uploadRefOf(context);
  const { metadata } = regionOf(context, ref.bucket);
  const before = await metadata.closeUpload(ref, 'aborting');
  if (before === null) throw noSuchUpload(ref.uploadId);
  if (before === 'completing') {
    // Its parts may be an object's data already, or become that any moment: a completion whose commit is on its way cannot be
    // called back, and one that was answered with a timeout may still take effect. Only what a committed version leaves over
    // may go. Otherwise the upload waits for the completion to be repeated, which decides it either way: it commits, or it
    // is refused and the upload is open again.
    const version = await findCompleted(metadata, ref, { maxCandidates: Infinity });
    if (version === null)
      throw new S3Error('OperationAborted', {
        message: 'The upload is being completed and cannot be aborted now. If the completion does not end, repeat it.',
        detail: { UploadId: ref.uploadId },
      });
    await metadata.removeUpload(ref, inodesOf(version));
    throw noSuchUpload(ref.uploadId);
  }
  // 'aborting' was an abort that did not get this far: nothing but an abort can follow it.
  await metadata.removeUpload(ref, new Set());
  return emptyResponse(204);
};
