/** The body of CreateBucket. */
import { S3Error } from '../errors.js';
import type { Tag } from '../tagging.js';
import { parseXml } from './parse.js';
import { readTagSet } from './tagging.js';

export interface CreateBucketConfiguration {
  /** null: none given */
  readonly locationConstraint: string | null;
  readonly tags: readonly Tag[];
}

/**
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html; an empty body is an empty configuration.
 * @throws S3Error NotImplemented for directory buckets (Location, Bucket)
 */
export function parseCreateBucketConfiguration(
  body: Buffer | string,
  limits: { readonly maxBytes?: number } = {},
): CreateBucketConfiguration {
  if (body.length === 0) return { locationConstraint: null, tags: [] };
  const root = parseXml(body, { root: 'CreateBucketConfiguration', ...limits });
  if (root.child('Location') ?? root.child('Bucket'))
    throw new S3Error('NotImplemented', { message: 'Directory buckets are not implemented.' });
  root.allowOnly('LocationConstraint', 'Tags');
  const location = root.text('LocationConstraint')?.trim() ?? '';
  const tags = root.child('Tags');
  return { locationConstraint: location === '' ? null : location, tags: tags ? readTagSet(tags) : [] };
}
