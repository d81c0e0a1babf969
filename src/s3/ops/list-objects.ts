/**
 * ListObjects and ListObjectsV2: one listing, two ways to page through it.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
import type { ObjectEntry } from '../../store/types.js';
import { ownedEntries } from '../bucket-security.js';
import type { OperationContext } from '../context.js';
import { regionOf } from '../context.js';
import type { Listing } from '../listing.js';
import { list } from '../listing.js';
import type { Handler } from '../operation.js';
import { xmlResponse } from '../operation.js';
import { decodeToken, encodeToken, encodingType, pageSize } from '../paging.js';
import { listBucketResult, listBucketV2Result } from '../xml/documents.js';

export const listObjects: Handler = async (context) => {
  const { query } = context.request;
  const marker = query.get('marker') ?? '';
  const asked = common(context);
  const found = await page(context, marker);
  return xmlResponse(
    listBucketResult({
      ...asked,
      ...contents(context, found),
      marker,
      nextMarker: found.truncated && asked.delimiter !== '' ? found.last : null,
    }),
  );
};

export const listObjectsV2: Handler = async (context) => {
  const { query } = context.request;
  const token = query.get('continuation-token') ?? null;
  const startAfter = query.get('start-after') ?? '';
  const found = await page(context, token === null || token === '' ? startAfter : decodeToken(token));
  return xmlResponse(
    listBucketV2Result({
      ...common(context),
      ...contents(context, found),
      continuationToken: token,
      nextContinuationToken: found.truncated && found.last !== null ? encodeToken(found.last) : null,
      startAfter,
      fetchOwner: query.get('fetch-owner') === 'true',
    }),
  );
};

function common(context: OperationContext): {
  readonly name: string;
  readonly prefix: string;
  readonly delimiter: string;
  readonly maxKeys: number;
  readonly encodingType: 'url' | null;
} {
  const { query } = context.request;
  return {
    name: context.bucket.name,
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    maxKeys: pageSize(query, 'max-keys'),
    encodingType: encodingType(query),
  };
}

function page(context: OperationContext, after: string): Promise<Listing<ObjectEntry>> {
  const { bucket } = context;
  const { prefix, delimiter, maxKeys } = common(context);
  const { metadata } = regionOf(context, bucket);
  return list((scan) => metadata.scanObjects(bucket, scan), { prefix, delimiter, after, maxKeys });
}

function contents(
  { bucket }: OperationContext,
  found: Listing<ObjectEntry>,
): {
  readonly contents: readonly ObjectEntry[];
  readonly commonPrefixes: readonly string[];
  readonly isTruncated: boolean;
} {
  return {
    contents: ownedEntries(bucket, found.entries),
    commonPrefixes: found.commonPrefixes,
    isTruncated: found.truncated,
  };
}
