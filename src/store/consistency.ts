/**
 * How the keys of a bucket are kept consistent: fixed for the bucket's life, and told by its instance, so that whoever has a reference
 * to the bucket knows it without asking. Conditional and plain writes of one key must never meet.
 */
import { randomUUID } from 'node:crypto';
import type { BucketConsistency, BucketRef } from './types.js';

/** Where the version digit of a uuid is; 4: random, 8: random too, and of a quorum bucket. */
const VERSION_AT = 14;

export function consistencyOf({ instance }: Pick<BucketRef, 'instance'>): BucketConsistency {
  return instance.charAt(VERSION_AT) === '8' ? 'quorum' : 'linearizable';
}

/** uuid */
export function newInstance(consistency: BucketConsistency): string {
  const random = randomUUID();
  return consistency === 'linearizable' ? random : `${random.slice(0, VERSION_AT)}8${random.slice(VERSION_AT + 1)}`;
}
