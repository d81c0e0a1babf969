/** Contract of BucketStore. */
import { describe, expect, it } from 'vitest';
import type { BucketStore } from '../../../src/store/types.js';
import {
  OWNER,
  allKeys,
  draft,
  expectStoreError,
  inParallel,
  newBucket,
  overwrite,
  range,
  useStores,
} from './harness.js';
import type { MakeStores } from './harness.js';
import { StoreError } from '../../../src/store/errors.js';

export function bucketContract(name: string, makeStores: MakeStores): void {
  describe(`${name}: buckets`, () => {
    const fixture = useStores(makeStores);
    const setUp = () => {
      const { stores, region } = fixture();
      return { ...fixture(), buckets: stores.buckets, fresh: freshReader(stores.buckets), region: region.name };
    };

    it('creates a bucket and answers it as it was created', async () => {
      const { buckets, fresh, region } = setUp();
      const wanted = newBucket(region, { versioning: 'enabled', objectLock: true, documents: { acl: '{"é":"𐀀"}' } });
      const before = Date.now();
      const { created, bucket } = await buckets.create(wanted);
      expect(created).toBe(true);
      expect(bucket).toMatchObject({ ...wanted, state: 'active' });
      expect(bucket.instance).toMatch(/^[0-9a-f-]{36}$/);
      expect(bucket.createdAt).toBeGreaterThanOrEqual(before - 1);
      expect(bucket.createdAt).toBeLessThanOrEqual(Date.now() + 1);
      expect(await fresh(wanted.name)).toEqual(bucket);
      expect(await buckets.get(wanted.name)).toEqual(bucket);
    });

    it('answers null for a name that nobody has', async () => {
      expect(await setUp().fresh('nobody-has-this-name')).toBeNull();
    });

    it('gives a name to exactly one of 100 concurrent creators', async () => {
      const { buckets, fresh, region } = setUp();
      const { name: bucketName } = newBucket(region);
      const results = await Promise.all(
        range(100).map((i) =>
          buckets.create(newBucket(region, { name: bucketName, owner: { id: `tenant-${i}`, displayName: `T${i}` } })),
        ),
      );
      const winners = results.filter((result) => result.created);
      expect(winners).toHaveLength(1);
      const owner = await fresh(bucketName);
      expect(owner).toEqual(winners[0]?.bucket);
      for (const { bucket } of results) expect(bucket.instance).toBe(owner?.instance);
      for (const i of [0, 50, 99]) {
        const page = await buckets.list(`tenant-${i}`, { prefix: bucketName, after: '', limit: 10 });
        expect(page.buckets.map((bucket) => bucket.name)).toEqual(
          owner?.owner.id === `tenant-${i}` ? [bucketName] : [],
        );
      }
    });

    it('applies patches: sets, replaces and removes documents, leaves the rest', async () => {
      const { buckets, fresh, bucket: makeBucket } = setUp();
      const bucket = await makeBucket({ documents: { acl: 'a', cors: 'c' } });
      const first = await buckets.update(bucket, () => ({ documents: { cors: 'c2', policy: 'p' } }));
      expect(first).toEqual({
        ...bucket,
        documents: { acl: 'a', cors: 'c2', policy: 'p' },
        revision: bucket.revision + 1,
      });
      const second = await buckets.update(bucket, () => ({ versioning: 'enabled', documents: { cors: null } }));
      expect(second.documents).toEqual({ acl: 'a', policy: 'p' });
      expect(second.versioning).toBe('enabled');
      expect(second.objectLock).toBe(false);
      expect(await fresh(bucket.name)).toEqual(second);
    });

    it('loses none of 20 concurrent updates', async () => {
      const { buckets, fresh, bucket: makeBucket } = setUp();
      const bucket = await makeBucket({ documents: { counter: '0' } });
      await Promise.all(
        range(20).map(() =>
          buckets.update(bucket, ({ documents }) => ({
            documents: { counter: String(Number(documents['counter']) + 1) },
          })),
        ),
      );
      const after = await fresh(bucket.name);
      expect(after?.documents).toEqual({ counter: '20' });
      expect(after?.revision).toBe(bucket.revision + 20);
    });

    it('writes nothing when the change throws, and hands the throw on', async () => {
      const { buckets, fresh, bucket: makeBucket } = setUp();
      const bucket = await makeBucket();
      const refused = new Error('refused');
      await expect(
        buckets.update(bucket, () => {
          throw refused;
        }),
      ).rejects.toBe(refused);
      expect(await fresh(bucket.name)).toEqual(bucket);
    });

    it('refuses to update another life of the bucket', async () => {
      const { buckets, bucket: makeBucket } = setUp();
      const bucket = await makeBucket();
      expect(await buckets.delete(bucket, async () => true)).toBe('deleted');
      await expectStoreError(
        buckets.update(bucket, () => ({ versioning: 'enabled' })),
        'bucketGone',
      );
      await makeBucket({ name: bucket.name });
      await expectStoreError(
        buckets.update(bucket, () => ({ versioning: 'enabled' })),
        'bucketGone',
      );
    });

    it('deletes an empty bucket, once', async () => {
      const { buckets, fresh, bucket: makeBucket } = setUp();
      const bucket = await makeBucket();
      expect(await buckets.delete(bucket, async () => true)).toBe('deleted');
      expect(await fresh(bucket.name)).toBeNull();
      expect(await buckets.delete(bucket, async () => true)).toBe('gone');
      const page = await buckets.list(OWNER.id, { prefix: bucket.name, after: '', limit: 10 });
      expect(page).toEqual({ buckets: [], truncated: false });
    });

    it('does not delete the next life of the name', async () => {
      const { buckets, fresh, bucket: makeBucket } = setUp();
      const first = await makeBucket();
      await buckets.delete(first, async () => true);
      const second = await makeBucket({ name: first.name });
      expect(second.instance).not.toBe(first.instance);
      expect(await buckets.delete(first, async () => true)).toBe('gone');
      expect(await fresh(first.name)).toEqual(second);
    });

    it('fences writes off while it looks whether the bucket is empty', async () => {
      const { buckets, fresh, metadata, bucket: makeBucket } = setUp();
      const bucket = await makeBucket();
      const outcome = await buckets.delete(bucket, async () => {
        expect((await fresh(bucket.name))?.state).toBe('deleting');
        await expectStoreError(overwrite(metadata, bucket, 'key'), 'bucketGone');
        await expectStoreError(
          buckets.update(bucket, () => ({ versioning: 'enabled' })),
          'bucketGone',
        );
        expect((await buckets.create(newBucket(bucket.region, { name: bucket.name }))).created).toBe(false);
        return metadata.isEmpty(bucket);
      });
      expect(outcome).toBe('deleted');
    });

    it('makes a bucket that is not empty usable again', async () => {
      const { buckets, fresh, metadata, bucket: makeBucket } = setUp();
      const bucket = await makeBucket();
      await overwrite(metadata, bucket, 'key');
      expect(await buckets.delete(bucket, () => metadata.isEmpty(bucket))).toBe('notEmpty');
      expect((await fresh(bucket.name))?.state).toBe('active');
      await overwrite(metadata, bucket, 'other');
      expect(await allKeys(metadata, bucket)).toEqual(['key', 'other']);
    });

    it('makes the bucket usable again when isEmpty cannot tell, and hands the failure on', async () => {
      const { buckets, fresh, metadata, bucket: makeBucket } = setUp();
      const bucket = await makeBucket();
      const failure = new Error('cannot tell');
      await expect(buckets.delete(bucket, () => Promise.reject(failure))).rejects.toBe(failure);
      expect((await fresh(bucket.name))?.state).toBe('active');
      await overwrite(metadata, bucket, 'key');
    });

    it('lets one of several concurrent deletions win', async () => {
      const { buckets, fresh, metadata, bucket: makeBucket } = setUp();
      const bucket = await makeBucket();
      const outcomes = await Promise.allSettled(
        range(8).map(() => buckets.delete(bucket, () => metadata.isEmpty(bucket))),
      );
      const answers = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
      expect(answers.filter((answer) => answer === 'deleted')).toHaveLength(1);
      expect(answers).not.toContain('notEmpty');
      expect(await fresh(bucket.name)).toBeNull();
    });

    it('never loses an acknowledged write to a racing deletion', async () => {
      const { buckets, fresh, metadata, bucket: makeBucket } = setUp();
      for (const round of range(12)) {
        const bucket = await makeBucket();
        const writes = range(4).map(async (i) => {
          // spread over the deletion's steps
          await new Promise((resolve) => setTimeout(resolve, (i * round) / 4));
          return overwrite(metadata, bucket, `key-${i}`);
        });
        const [outcome, ...written] = await Promise.allSettled([
          buckets.delete(bucket, () => metadata.isEmpty(bucket)),
          ...writes,
        ]);
        if (outcome.status === 'rejected') throw outcome.reason;
        const acknowledged = written.flatMap((write, i) => (write.status === 'fulfilled' ? [`key-${i}`] : []));
        for (const write of written) {
          if (write.status === 'rejected') await expectStoreError(Promise.reject(write.reason as Error), 'bucketGone');
        }
        if (outcome.value === 'deleted') {
          expect(acknowledged).toEqual([]);
          expect(await fresh(bucket.name)).toBeNull();
        } else {
          expect(outcome.value).toBe('notEmpty');
          // A write that took so long that it had to look again was refused, but may have been made: that kept the bucket.
          const possible = written.flatMap((write, i) => (mayBeMade(write) ? [`key-${i}`] : []));
          const keys = await allKeys(metadata, bucket);
          expect(keys).not.toEqual([]);
          expect(keys).toEqual(expect.arrayContaining(acknowledged));
          expect(possible).toEqual(expect.arrayContaining([...keys]));
        }
      }
    });

    it('does not trust what isEmpty said when another deletion gave up in between', async () => {
      const { buckets, fresh, metadata, bucket: makeBucket } = setUp();
      const bucket = await makeBucket();
      let asked = 0;
      const acknowledged: string[] = [];
      let other: Promise<unknown> = Promise.resolve();
      const outcome = await buckets.delete(bucket, async () => {
        asked += 1;
        if (asked > 1) return metadata.isEmpty(bucket);
        other = buckets.delete(bucket, () => Promise.reject(new Error('cannot tell'))).catch(() => undefined);
        // a store may also keep the other one waiting until this one is through
        await Promise.race([other, new Promise((resolve) => setTimeout(resolve, 2000))]);
        await overwrite(metadata, bucket, 'key').then(
          () => acknowledged.push('key'),
          (error: unknown) => expectStoreError(Promise.reject(error as Error), 'bucketGone'),
        );
        return true;
      });
      await other;
      expect(outcome).toBe(acknowledged.length > 0 ? 'notEmpty' : 'deleted');
      expect((await fresh(bucket.name)) === null).toBe(acknowledged.length === 0);
      expect(await allKeys(metadata, bucket)).toEqual(acknowledged);
    });

    it('shows nothing of the life before to a bucket that was created again', async () => {
      const { buckets, metadata, bucket: makeBucket } = setUp();
      const first = await makeBucket();
      await overwrite(metadata, first, 'key', draft({ etag: 'first' }));
      // whatever is left of the first life, its rows stay under its instance
      expect(await buckets.delete(first, async () => true)).toBe('deleted');
      const second = await makeBucket({ name: first.name });
      expect(await metadata.getVersion(second, 'key', 'latest', { withInline: true })).toBeNull();
      expect(await allKeys(metadata, second)).toEqual([]);
      expect(await metadata.isEmpty(second)).toBe(true);
      await expectStoreError(overwrite(metadata, first, 'key'), 'bucketGone');
      await overwrite(metadata, second, 'key', draft({ etag: 'second' }));
      const version = await metadata.getVersion(second, 'key', 'latest', { withInline: false });
      expect(version?.etag).toBe('second');
    });

    it("scans everybody's buckets in pages, each once", async () => {
      const { buckets, region } = setUp();
      const names = new Set<string>();
      for (const i of range(7)) {
        const owner = { id: `scanned-${i % 2}-${Date.now()}`, displayName: 'S' };
        names.add((await buckets.create(newBucket(region, { owner, documents: { lifecycle: `${i}` } }))).bucket.name);
      }
      for (const limit of [2, 1000]) {
        const seen: string[] = [];
        for (let after = '', truncated = true; truncated; after = seen.at(-1) ?? '') {
          const page = await buckets.scanAll({ after, limit });
          expect(page.buckets.length).toBeLessThanOrEqual(limit);
          seen.push(...page.buckets.map((bucket) => bucket.name));
          truncated = page.truncated;
        }
        expect(new Set(seen).size).toBe(seen.length);
        expect(seen.filter((name) => names.has(name)).sort()).toEqual([...names].sort());
      }
    });

    it('lists the buckets of a tenant in order, by prefix, in pages', async () => {
      const { buckets, region } = setUp();
      const owner = { id: `lister-${Date.now()}`, displayName: 'L' };
      const stranger = { id: `${owner.id}x`, displayName: 'S' };
      const salt = owner.id.slice(-6);
      const names = ['a', 'a-b', 'ab', 'b1', 'b2', 'b3', 'c'].map((part) => `${part}-${salt}`).sort();
      await inParallel([...names].reverse(), 4, (bucketName) =>
        buckets.create(newBucket(region, { name: bucketName, owner })),
      );
      await buckets.create(newBucket(region, { name: `b0-${salt}`, owner: stranger }));
      const list = async (prefix: string, after: string, limit: number) => {
        const page = await buckets.list(owner.id, { prefix, after, limit });
        return { names: page.buckets.map((bucket) => bucket.name), truncated: page.truncated };
      };
      expect(await list('', '', 100)).toEqual({ names, truncated: false });
      expect(await list('', '', 7)).toEqual({ names, truncated: false });
      expect(await list('', '', 3)).toEqual({ names: names.slice(0, 3), truncated: true });
      expect(await list('', names[2] ?? '', 3)).toEqual({ names: names.slice(3, 6), truncated: true });
      expect(await list('', names[5] ?? '', 3)).toEqual({ names: names.slice(6), truncated: false });
      expect(await list('b', '', 100)).toEqual({ names: names.filter((n) => n.startsWith('b')), truncated: false });
      expect(await list('b', `b1-${salt}`, 1)).toEqual({ names: [`b2-${salt}`], truncated: true });
      expect(await list('zz', '', 100)).toEqual({ names: [], truncated: false });
      expect((await buckets.list('nobody', { prefix: '', after: '', limit: 5 })).buckets).toEqual([]);
    });

    it('lists by region', async () => {
      const { buckets, region } = setUp();
      const owner = { id: `regional-${Date.now()}`, displayName: 'R' };
      const { bucket } = await buckets.create(newBucket(region, { owner }));
      const inRegion = await buckets.list(owner.id, { prefix: '', after: '', limit: 5, region });
      expect(inRegion.buckets).toEqual([bucket]);
      const elsewhere = await buckets.list(owner.id, { prefix: '', after: '', limit: 5, region: 'elsewhere' });
      expect(elsewhere).toEqual({ buckets: [], truncated: false });
    });
  });
}

function freshReader(buckets: BucketStore) {
  return (name: string) => buckets.get(name, { fresh: true });
}

function mayBeMade(write: PromiseSettledResult<unknown>): boolean {
  return write.status === 'fulfilled' || (write.reason instanceof StoreError && write.reason.outcome === 'unknown');
}
