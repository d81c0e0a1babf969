import { expect, it } from 'vitest';
import { packBucket, RememberedBuckets } from '../../../../src/store/embedded/bucket-rows.js';
import type { MetaDatabase } from '../../../../src/store/embedded/database.js';
import { newBucketRecord } from '../../../../src/store/shared/buckets.js';
import type { BucketRecord } from '../../../../src/store/types.js';

const rows = new Map<string, Buffer>();
const db = {
  buckets: { getBinary: (key: Buffer) => rows.get(key.toString('latin1')) },
} as unknown as MetaDatabase;

function put(record: BucketRecord): void {
  rows.clear();
  const stored = packBucket(record);
  // Whatever the key is made like: there is one row.
  rows.get = () => stored;
}

const owner = { id: 'tenant', displayName: 'tenant' };
const plain = { owner, region: 'r', versioning: 'unversioned', objectLock: false, documents: {} } as const;

it('gives the same record while the row is the same, and another one when it changed', () => {
  const remembered = new RememberedBuckets(10_000);
  const record = newBucketRecord({ ...plain, name: 'bucket' }, 1);
  put(record);
  const first = remembered.read(db, 'bucket');
  expect(first).toEqual(record);
  expect(remembered.read(db, 'bucket')).toBe(first);
  put({ ...record, revision: record.revision + 1, documents: { policy: '{}' } });
  const second = remembered.read(db, 'bucket');
  expect(second).toMatchObject({ documents: { policy: '{}' } });
  expect(remembered.read(db, 'bucket')).toBe(second);
});

it('forgets when it holds too much', () => {
  const remembered = new RememberedBuckets(1_000);
  put(newBucketRecord({ ...plain, name: 'bucket' }, 1));
  const first = remembered.read(db, 'bucket');
  put(newBucketRecord({ ...plain, name: 'large', documents: { policy: 'x'.repeat(2_000) } }, 1));
  expect(remembered.read(db, 'large')?.name).toBe('large');
  put(newBucketRecord({ ...plain, name: 'bucket' }, 1));
  expect(remembered.read(db, 'bucket')).not.toBe(first);
});
