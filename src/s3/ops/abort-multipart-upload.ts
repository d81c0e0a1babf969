/** AbortMultipartUpload. https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html */
import { abortUpload } from '../abort-upload.js';
import { regionOf } from '../context.js';
import { S3Error } from '../errors.js';
import { noSuchUpload } from '../multipart.js';
import type { Handler } from '../operation.js';
import { emptyResponse } from '../operation.js';
import { uploadRefOf } from '../write-part.js';

export const abortMultipartUpload: Handler = async (context) => {
  const ref = uploadRefOf(context);
  switch (await abortUpload(regionOf(context, ref.bucket).metadata, ref)) {
    case 'aborted':
      return emptyResponse(204);
    case 'completing':
      throw new S3Error('OperationAborted', {
        message: 'The upload is being completed and cannot be aborted now. If the completion does not end, repeat it.',
        detail: { UploadId: ref.uploadId },
      });
    case 'gone':
    case 'completed':
      throw noSuchUpload(ref.uploadId);
  }
};
