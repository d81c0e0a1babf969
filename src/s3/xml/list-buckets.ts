/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html */
import type { Owner } from '../../store/types.js';
import { isoDate } from '../dates.js';
import { element, optional, parent, xmlDocument } from './build.js';
import { ownerElement } from './fragments.js';

export interface ListAllMyBucketsResult {
  readonly owner: Owner;
  readonly buckets: readonly {
    readonly name: string;
    /** ms since the epoch */
    readonly createdAt: number;
    /** S3 tells it in paged listings only */
    readonly bucketRegion?: string;
  }[];
  /** where the next page goes on */
  readonly continuationToken?: string;
  readonly prefix?: string;
}

export function listAllMyBucketsResult(result: ListAllMyBucketsResult): string {
  const buckets = result.buckets.map((bucket) =>
    parent(
      'Bucket',
      element('Name', bucket.name) +
        element('CreationDate', isoDate(bucket.createdAt)) +
        optional('BucketRegion', bucket.bucketRegion),
    ),
  );
  return xmlDocument(
    'ListAllMyBucketsResult',
    ownerElement('Owner', result.owner) +
      parent('Buckets', buckets.join('')) +
      optional('ContinuationToken', result.continuationToken) +
      optional('Prefix', result.prefix),
  );
}
