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

/**
 * Records of the buckets in use, as long as their rows are byte for byte the same. A record is asked for by every request, and what is
 * worked out of it (policies, ACLs) is remembered by whoever does, for the record's life.
 */
export class RememberedBuckets {
  readonly #limitBytes: number;
  #bytes = 0;
  readonly #known = new Map<string, { readonly stored: Buffer; readonly record: BucketRecord }>();

  /** Of rows; what is made of them takes a few times as much. */
  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  /** As readBucket. @throws StoreError corrupt */
  read(db: MetaDatabase, name: string): BucketRecord | null {
    if (name === '') return null;
    const stored = db.buckets.getBinary(bucketKey(name));
    if (stored === undefined) return null;
    const known = this.#known.get(name);
    if (known?.stored.equals(stored) === true) return known.record;
    const record = unpackBucket(stored);
    this.#bytes += stored.length - (known?.stored.length ?? 0);
    if (this.#bytes > this.#limitBytes) {
      this.#known.clear();
      this.#bytes = stored.length;
    }
    this.#known.set(name, { stored, record });
    return record;
  }
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
