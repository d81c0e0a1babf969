/** Contract of quotas: what counts, what is refused, and that neither is ever wrong, whoever writes and counts meanwhile. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoreError } from '../../../src/store/errors.js';
import type { QuotaLimits, QuotaScope } from '../../../src/store/quota-types.js';
import type { BucketRecord, MetadataStore, Owner, Stores } from '../../../src/store/types.js';
import {
  allVersions,
  draft,
  expectStoreError,
  inParallel,
  markerDraft,
  overwrite,
  putVersion,
  range,
  removeVersion,
  useStores,
} from './harness.js';
import type { MakeStores } from './harness.js';

const TIMEOUT_MS = 120_000;

function limits(bytes: number | null, objects: number | null = null): QuotaLimits {
  return { bytes, objects };
}

function sized(sizeBytes: number) {
  return draft({ sizeBytes, data: { kind: 'inline', bytes: Buffer.alloc(Math.min(sizeBytes, 16)) } });
}

function ofBucket(bucket: BucketRecord): QuotaScope {
  return { kind: 'bucket', bucket };
}

function tenant(): Owner {
  return { id: `tenant-${randomUUID()}`, displayName: 'T' };
}

function remove(metadata: MetadataStore, bucket: BucketRecord, key: string) {
  return metadata.commit({
    bucket,
    key,
    select: 'latest',
    decide: ({ latest }) => (latest === null ? null : { remove: [latest] }),
  });
}

async function held(metadata: MetadataStore, bucket: BucketRecord) {
  const objects = (await allVersions(metadata, bucket)).filter(({ deleteMarker }) => !deleteMarker);
  return { bytes: objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), objects: objects.length };
}

/** true: made; false: refused for want of room */
async function made(write: Promise<unknown>): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof StoreError && error.kind === 'quotaExceeded') return false;
    throw error;
  }
}

export function quotaContract(name: string, makeStores: MakeStores): void {
  describe(`quotas of ${name}`, { timeout: TIMEOUT_MS }, () => {
    const fixture = useStores(makeStores);
    /** What another gateway has opened on the same data. */
    let other: Stores;
    beforeAll(async () => {
      other = await fixture().underTest.open();
      await other.ready();
    });
    afterAll(async () => other.close());
    const usageOf = async (scope: QuotaScope) => (await fixture().stores.quotas.get(scope))?.usage;
    const otherMetadata = (): MetadataStore => {
      const region = other.regions.get(fixture().region.name);
      if (region === undefined) throw new Error('the other gateway lacks the region');
      return region.metadata;
    };

    it('counts what is there already, and refuses what goes above, leaving the old object', async () => {
      const { stores, metadata, bucket: make } = fixture();
      const bucket = await make({ owner: tenant() });
      await overwrite(metadata, bucket, 'a', sized(60));
      await overwrite(metadata, bucket, 'b', sized(30));
      const quota = await stores.quotas.set(ofBucket(bucket), limits(100));
      expect(quota).toEqual({
        tenant: bucket.owner.id,
        bucket: bucket.name,
        limits: limits(100),
        usage: { bytes: 90, objects: 2 },
      });
      await expectStoreError(overwrite(metadata, bucket, 'c', sized(11)), 'quotaExceeded');
      await expectStoreError(overwrite(otherMetadata(), bucket, 'a', sized(71)), 'quotaExceeded');
      expect((await metadata.getVersion(bucket, 'a', 'latest', { withInline: false }))?.sizeBytes).toBe(60);
      await overwrite(metadata, bucket, 'a', sized(70));
      expect(await usageOf(ofBucket(bucket))).toEqual({ bytes: 100, objects: 2 });
      await overwrite(otherMetadata(), bucket, 'a', sized(10));
      await overwrite(metadata, bucket, 'c', sized(60));
      expect(await held(metadata, bucket)).toEqual({ bytes: 100, objects: 3 });
      await remove(metadata, bucket, 'c');
      await overwrite(otherMetadata(), bucket, 'd', sized(60));
      await expectStoreError(overwrite(otherMetadata(), bucket, 'e', sized(1)), 'quotaExceeded');
      await overwrite(otherMetadata(), bucket, 'e', sized(0));
    });

    it('counts all versions that are objects, whether newest or not', async () => {
      const { stores, metadata, bucket: make } = fixture();
      const bucket = await make({ owner: tenant(), versioning: 'enabled' });
      await stores.quotas.set(ofBucket(bucket), limits(null, 3));
      const first = await putVersion(metadata, bucket, 'k', sized(5));
      await putVersion(metadata, bucket, 'k', sized(6));
      await putVersion(metadata, bucket, 'k', markerDraft());
      await putVersion(metadata, bucket, 'l', sized(7));
      await expectStoreError(putVersion(metadata, bucket, 'k', sized(1)), 'quotaExceeded');
      await putVersion(metadata, bucket, 'm', markerDraft());
      expect(await usageOf(ofBucket(bucket))).toEqual({ bytes: 18, objects: 3 });
      await removeVersion(metadata, bucket, 'k', first.versionId);
      expect(await usageOf(ofBucket(bucket))).toEqual({ bytes: 13, objects: 2 });
      await putVersion(otherMetadata(), bucket, 'k', sized(1));
    });

    it('refuses growth only, once there is more than a lowered quota allows', async () => {
      const { stores, metadata, bucket: make } = fixture();
      const bucket = await make({ owner: tenant() });
      await overwrite(metadata, bucket, 'a', sized(50));
      await overwrite(metadata, bucket, 'b', sized(50));
      await stores.quotas.set(ofBucket(bucket), limits(1000));
      await stores.quotas.set(ofBucket(bucket), limits(20, 1));
      await expectStoreError(overwrite(otherMetadata(), bucket, 'a', sized(51)), 'quotaExceeded');
      await overwrite(metadata, bucket, 'a', sized(50));
      await overwrite(metadata, bucket, 'a', sized(40));
      await remove(metadata, bucket, 'b');
      expect(await usageOf(ofBucket(bucket))).toEqual({ bytes: 40, objects: 1 });
    });

    it('holds a tenant to the sum of its buckets, of those that come later too', async () => {
      const { stores, metadata, bucket: make } = fixture();
      const owner = tenant();
      const old = await make({ owner });
      await overwrite(metadata, old, 'a', sized(40));
      const scope: QuotaScope = { kind: 'tenant', tenant: owner.id };
      await stores.quotas.set(scope, limits(100));
      const created = await make({ owner });
      await overwrite(metadata, created, 'b', sized(60));
      await expectStoreError(overwrite(metadata, old, 'c', sized(1)), 'quotaExceeded');
      expect(await usageOf(scope)).toEqual({ bytes: 100, objects: 2 });
      await stores.quotas.set(ofBucket(created), limits(70));
      await remove(metadata, old, 'a');
      await expectStoreError(overwrite(metadata, created, 'd', sized(11)), 'quotaExceeded');
      await overwrite(metadata, old, 'd', sized(11));
      expect((await stores.quotas.ofTenant(owner.id)).map(({ bucket, usage }) => [bucket, usage.bytes])).toEqual([
        [null, 71],
        [created.name, 60],
      ]);
      await remove(metadata, created, 'b');
      expect(await stores.buckets.delete(created, () => metadata.isEmpty(created))).toBe('deleted');
      expect(await usageOf(scope)).toEqual({ bytes: 11, objects: 1 });
    });

    it('counts no longer once the quota is gone, and anew when it is back', async () => {
      const { stores, metadata, bucket: make } = fixture();
      const bucket = await make({ owner: tenant() });
      await stores.quotas.set(ofBucket(bucket), limits(10));
      expect(await stores.quotas.remove(ofBucket(bucket))).toBe(true);
      expect(await stores.quotas.remove(ofBucket(bucket))).toBe(false);
      expect(await stores.quotas.get(ofBucket(bucket))).toBeNull();
      await overwrite(otherMetadata(), bucket, 'a', sized(500));
      await overwrite(metadata, bucket, 'b', sized(500));
      const quota = await stores.quotas.set(ofBucket(bucket), limits(1001));
      expect(quota.usage).toEqual({ bytes: 1000, objects: 2 });
    });

    it('keeps the sums in a rename, even where there is no room', async () => {
      const { stores, metadata, bucket: make } = fixture();
      const bucket = await make({ owner: tenant() });
      await overwrite(metadata, bucket, 'a', sized(100));
      await stores.quotas.set(ofBucket(bucket), limits(100, 1));
      await metadata.rename({
        bucket,
        from: 'a',
        to: 'b',
        decide: ({ latest }) => (latest === null ? null : { draft: latest, isNull: true, marker: null }),
      });
      expect(await usageOf(ofBucket(bucket))).toEqual({ bytes: 100, objects: 1 });
      expect((await allVersions(metadata, bucket)).map(({ key }) => key)).toEqual(['b']);
      await expectStoreError(overwrite(metadata, bucket, 'a', sized(0)), 'quotaExceeded');
    });

    it('is reached and never exceeded by many writers of two gateways', async () => {
      const { stores, metadata, bucket: make } = fixture();
      const bucket = await make({ owner: tenant() });
      await overwrite(metadata, bucket, 'first', sized(10));
      await stores.quotas.set(ofBucket(bucket), limits(400, 1000));
      let accepted = 0;
      await inParallel(range(120), 24, async (i) => {
        const gateway = i % 2 === 0 ? metadata : otherMetadata();
        // Some keys are fought for: their writers lose room that they have taken.
        if (await made(overwrite(gateway, bucket, `k${i % 90}`, sized(10)))) accepted += 1;
      });
      const there = await held(metadata, bucket);
      expect(there.bytes).toBe(400);
      expect(accepted).toBeGreaterThanOrEqual(39);
      expect(await usageOf(ofBucket(bucket))).toEqual(there);
    });

    it('counts exactly while others put, overwrite and delete', async () => {
      const { stores, metadata, bucket: make } = fixture();
      const bucket = await make({ owner: tenant(), versioning: 'enabled' });
      await inParallel(range(60), 16, (i) => overwrite(metadata, bucket, `k${i}`, sized(1 + (i % 7))));
      let writing = true;
      const writers = range(6).map(async (writer) => {
        const gateway = writer % 2 === 0 ? metadata : otherMetadata();
        for (let i = writer; writing; i += 7) {
          const key = `k${(i * 31) % 80}`;
          if (i % 3 === 0) await remove(gateway, bucket, key);
          else if (i % 3 === 1) await putVersion(gateway, bucket, key, sized(i % 11));
          else await overwrite(gateway, bucket, key, sized(i % 13));
        }
      });
      await other.quotas.set(ofBucket(bucket), limits(1_000_000_000));
      const checked = await stores.quotas.check(bucket, { repair: false });
      writing = false;
      await Promise.all(writers);
      expect(checked?.counter).toEqual(checked?.counted);
      const there = await held(metadata, bucket);
      await expect.poll(() => usageOf(ofBucket(bucket)), { timeout: 60_000 }).toEqual(there);
      expect(await stores.quotas.check(bucket, { repair: false })).toEqual({
        counter: there,
        counted: there,
        repaired: false,
      });
      expect(await stores.quotas.checkTenant(bucket.owner.id, { repair: false })).toEqual({
        counter: there,
        counted: there,
        repaired: false,
      });
    });

    it('has none of quorum buckets, which cannot be counted, and their owners', async () => {
      const { stores, bucket: make } = fixture();
      const owner = tenant();
      const scope: QuotaScope = { kind: 'tenant', tenant: owner.id };
      const bucket = await make({ owner, consistency: 'quorum' });
      await expectStoreError(stores.quotas.set(ofBucket(bucket), limits(10)), 'internal');
      await expectStoreError(stores.quotas.set(scope, limits(10)), 'internal');
      expect(await stores.quotas.get(scope)).toBeNull();
      expect(await stores.buckets.delete(bucket, async () => true)).toBe('deleted');
      await stores.quotas.set(scope, limits(10));
      await expectStoreError(make({ owner, consistency: 'quorum' }), 'internal');
      await make({ owner });
    });

    it('names tenants that have quotas, and nothing of those that have none', async () => {
      const { stores, bucket: make } = fixture();
      const owner = tenant();
      const bucket = await make({ owner });
      expect(await stores.quotas.check(bucket, { repair: false })).toBeNull();
      expect(await stores.quotas.ofTenant(owner.id)).toEqual([]);
      await stores.quotas.set({ kind: 'tenant', tenant: owner.id }, limits(7, 8));
      const seen: string[] = [];
      for (let after = ''; ;) {
        const page = await stores.quotas.tenants({ after, limit: 2 });
        const last = page.at(-1);
        if (last === undefined) break;
        seen.push(...page);
        after = last;
      }
      expect(seen).toContain(owner.id);
      expect(new Set(seen).size).toBe(seen.length);
      await stores.quotas.settle();
    });
  });
}
