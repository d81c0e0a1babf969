/** HeadBucket. https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html */
import type { Handler } from '../operation.js';
import { emptyResponse } from '../operation.js';
import { consistencyHeader } from '../quorum-bucket.js';

export const headBucket: Handler = async ({ bucket }) =>
  emptyResponse(200, {
    'x-amz-bucket-region': bucket.region,
    'x-amz-access-point-alias': 'false',
    ...consistencyHeader(bucket),
  });
