import { describe, expect, it } from 'vitest';
import { BucketGuard } from '../../../../src/store/cassandra/bucket-guard.js';
import { BUCKET_CHECK_MS, BUCKET_DELETE_WAIT_MS, BUCKET_FENCE_MS } from '../../../../src/store/cassandra/options.js';
import { marked, QUOTA_LOOK_MS, QUOTA_WAIT_MS } from '../../../../src/store/cassandra/quota-mark.js';
import { StoreError } from '../../../../src/store/errors.js';
import type { BucketRecord } from '../../../../src/store/types.js';

const RECORD: BucketRecord = {
  name: 'b',
  instance: '11111111-1111-4111-8111-111111111111',
  region: 'r',
  owner: { id: 'o', displayName: 'o' },
  createdAt: 0,
  revision: 1,
  state: 'active',
  versioning: 'unversioned',
  objectLock: false,
  documents: {},
};

function setUp() {
  const world = { now: 1000, record: RECORD as BucketRecord | null, reads: 0 };
  const guard = new BucketGuard(
    async () => {
      world.reads += 1;
      return world.record;
    },
    () => world.now,
  );
  return { world, guard };
}

const kindOf = (error: unknown) => (error instanceof StoreError ? `${error.kind} ${error.outcome}` : String(error));

describe('BucketGuard', () => {
  it('waits with a deletion for longer than a write may take unconfirmed', () => {
    expect(BUCKET_CHECK_MS).toBeLessThan(BUCKET_FENCE_MS);
    expect(BUCKET_FENCE_MS).toBeLessThan(BUCKET_DELETE_WAIT_MS);
  });

  it('looks once for many writes, and again when the look is old', async () => {
    const { world, guard } = setUp();
    await Promise.all([guard.enter(RECORD), guard.enter(RECORD)]);
    world.now += BUCKET_CHECK_MS - 1;
    const pass = await guard.enter(RECORD);
    expect(world.reads).toBe(1);
    expect(pass.lookedAtMs).toBe(1000);
    world.now += 1;
    await guard.enter(RECORD);
    expect(world.reads).toBe(2);
  });

  it.each([
    ['no bucket', null],
    ['another life', { ...RECORD, instance: '22222222-2222-4222-8222-222222222222' }],
    ['a bucket being deleted', { ...RECORD, state: 'deleting' as const }],
  ])('refuses writes to %s, and remembers no refusal', async (_name, record) => {
    const { world, guard } = setUp();
    world.record = record;
    await expect(guard.enter(RECORD).catch(kindOf)).resolves.toBe('bucketGone notApplied');
    world.record = RECORD;
    await guard.enter(RECORD);
  });

  it('confirms a quick write without a look', async () => {
    const { world, guard } = setUp();
    const pass = await guard.enter(RECORD);
    world.record = null;
    world.now += BUCKET_FENCE_MS - 1;
    await guard.confirm(pass);
    expect(world.reads).toBe(1);
  });

  it('looks again after a slow one: what a deletion may have missed is not acknowledged', async () => {
    const { world, guard } = setUp();
    const pass = await guard.enter(RECORD);
    world.now += BUCKET_FENCE_MS;
    await guard.confirm(pass);
    expect(world.reads).toBe(2);
    world.record = { ...RECORD, state: 'deleting' };
    await expect(guard.confirm(pass).catch(kindOf)).resolves.toBe('bucketGone unknown');
  });

  it('lets a change go uncounted only shortly after a look that found no mark', async () => {
    const { world, guard } = setUp();
    const pass = await guard.enter(RECORD);
    expect(pass.countedFor).toBeNull();
    world.record = { ...RECORD, ...marked('epoch') } as BucketRecord;
    world.now += QUOTA_LOOK_MS - 1;
    expect(await guard.isUncounted(pass)).toBe(true);
    expect(world.reads).toBe(1);
    world.now += 1;
    expect(await guard.isUncounted(pass)).toBe(false);
    expect((await guard.enter(RECORD)).countedFor).toBe('o');
    world.record = RECORD;
    expect(await guard.isUncounted(pass)).toBe(true);
    expect(await guard.countedFor(RECORD)).toBeNull();
  });

  it('has whoever begins to count wait for longer than a look may be old', () => {
    expect(BUCKET_CHECK_MS + QUOTA_LOOK_MS).toBeLessThan(QUOTA_WAIT_MS);
  });

  it('forgets on demand, and tells when a life is over', async () => {
    const { world, guard } = setUp();
    await guard.enter(RECORD);
    guard.forget(RECORD);
    await guard.enter(RECORD);
    expect(world.reads).toBe(2);
    world.record = { ...RECORD, state: 'deleting' };
    expect(await guard.isGone(RECORD)).toBe(false);
    world.record = null;
    expect(await guard.isGone(RECORD)).toBe(true);
  });
});
