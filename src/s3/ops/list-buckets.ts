/** ListBuckets. https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html */
import { ownerOf } from '../context.js';
import { invalidArgument } from '../errors.js';
import type { Handler } from '../operation.js';
import { xmlResponse } from '../operation.js';
import { decodeToken, encodeToken } from '../paging.js';
import { listAllMyBucketsResult } from '../xml/documents.js';

/** An account's buckets at most, and the most that one page holds. */
const MAX_BUCKETS = 10_000;

export const listBuckets: Handler = async (context) => {
  const { query } = context.request;
  const owner = ownerOf(context.identity);
  const maxBuckets = query.get('max-buckets');
  const limit = maxBuckets === undefined ? MAX_BUCKETS : Number(maxBuckets);
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_BUCKETS)
    throw invalidArgument(
      'max-buckets',
      maxBuckets ?? '',
      `max-buckets must be an integer between 1 and ${MAX_BUCKETS}`,
    );
  const token = query.get('continuation-token');
  const prefix = query.get('prefix');
  const region = query.get('bucket-region');
  const page = await context.services.stores.buckets.list(owner.id, {
    prefix: prefix ?? '',
    after: token === undefined || token === '' ? '' : decodeToken(token),
    limit,
    ...(region === undefined ? {} : { region }),
  });
  const paged = maxBuckets !== undefined || token !== undefined || region !== undefined;
  const last = page.buckets[page.buckets.length - 1];
  return xmlResponse(
    listAllMyBucketsResult({
      owner,
      buckets: page.buckets.map((bucket) => ({
        name: bucket.name,
        createdAt: bucket.createdAt,
        ...(paged ? { bucketRegion: bucket.region } : {}),
      })),
      ...(page.truncated && last ? { continuationToken: encodeToken(last.name) } : {}),
      ...(prefix === undefined ? {} : { prefix }),
    }),
  );
};
