/** Rows of the buckets table: instance (16 bytes), state (1 byte), JSON document. */
import { StoreError } from '../errors.js';
import { decodeBucket, encodeBucket } from '../shared/codec.js';
import type { BucketRecord, BucketRef } from '../types.js';
import type { MetaDatabase } from './database.js';
import { bucketKey, bucketStart } from './keys.js';

const STATE_OFFSET = 16;
const HEADER_BYTES = 17;
const ACTIVE = 1;
const DELETING = 2;

export function packBucket(bucket: BucketRecord): Buffer {
  const state = Buffer.of(bucket.state === 'active' ? ACTIVE : DELETING);
  return Buffer.concat([bucketStart(bucket), state, Buffer.from(encodeBucket(bucket), 'utf8')]);
}

/** In the current snapshot or transaction. @throws StoreError corrupt */
export function readBucket(db: MetaDatabase, name: string): BucketRecord | null {
  if (name === '') return null;
  const stored = db.buckets.getBinary(bucketKey(name));
  return stored === undefined ? null : unpackBucket(stored);
}

/** @throws StoreError corrupt */
export function unpackBucket(stored: Buffer): BucketRecord {
  return decodeBucket(stored.toString('utf8', HEADER_BYTES));
}

/** For every write to a bucket, within its transaction. @throws StoreError bucketGone */
export function checkBucketActive(db: MetaDatabase, bucket: BucketRef): void {
  // lmdb-js reuses the buffer of getBinaryFast at its next read: it is not kept
  const stored = bucket.name === '' ? undefined : db.buckets.getBinaryFast(bucketKey(bucket.name));
  const active =
    stored !== undefined &&
    stored[STATE_OFFSET] === ACTIVE &&
    stored.compare(bucketStart(bucket), 0, STATE_OFFSET, 0, STATE_OFFSET) === 0;
  if (!active) throw bucketGone(bucket);
}

export function bucketGone(bucket: BucketRef): StoreError {
  return new StoreError('bucketGone', 'notApplied', `the bucket ${bucket.name} is gone or being deleted`);
}
