/** Contract of what a store takes at most: versions of a key, buckets of a tenant. What is refused changes nothing. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StoreError } from '../../../src/store/errors.js';
import type { StoreErrorKind } from '../../../src/store/errors.js';
import type { BucketRecord, MetadataStore, Owner, Stores } from '../../../src/store/types.js';
import { makeVersionId } from '../../../src/store/versions.js';
import {
  allVersions,
  draft,
  expectStoreError,
  inParallel,
  markerDraft,
  newBucket,
  overwrite,
  putVersion,
  range,
  removeVersion,
  useStores,
} from './harness.js';
import type { MakeStores } from './harness.js';

const MAX_VERSIONS = 5;
const MAX_BUCKETS = 3;
const TIMEOUT_MS = 120_000;

/** true: made; false: refused for that reason */
async function made(write: Promise<unknown>, refusal: StoreErrorKind): Promise<boolean> {
  try {
    await write;
    return true;
  } catch (error) {
    if (error instanceof StoreError && error.kind === refusal && error.outcome === 'notApplied') return false;
    throw error;
  }
}

export function limitContract(name: string, makeStores: MakeStores): void {
  describe(`${name}: limits`, { timeout: TIMEOUT_MS }, () => {
    const fixture = useStores(makeStores);
    /** Two gateways with small limits on the same data; the fixture's own has the default ones. */
    let gateways: Stores[] = [];
    beforeAll(async () => {
      const limits = { maxVersionsPerKey: MAX_VERSIONS, maxBucketsPerTenant: MAX_BUCKETS };
      const { underTest } = fixture();
      gateways = [await underTest.open(limits), await underTest.open(limits)];
      await Promise.all(gateways.map((stores) => stores.ready()));
    });
    afterAll(async () => {
      await Promise.all(gateways.map((stores) => stores.close()));
    });
    const gateway = (index = 0): Stores => {
      const stores = gateways[index];
      if (stores === undefined) throw new Error('there are two gateways');
      return stores;
    };
    const metadataOf = (index = 0): MetadataStore => {
      const region = gateway(index).regions.get(fixture().region.name);
      if (region === undefined) throw new Error('the gateway lacks the region');
      return region.metadata;
    };

    describe('of the versions of a key', () => {
      const full = async (key = 'key'): Promise<BucketRecord> => {
        const bucket = await fixture().bucket({ versioning: 'enabled' });
        for (const i of range(MAX_VERSIONS - 1))
          await putVersion(metadataOf(i % 2), bucket, key, draft({ etag: `${i}` }));
        await putVersion(metadataOf(), bucket, key, markerDraft());
        return bucket;
      };

      it('refuse one more, delete marker or not, and leave the key as it was', async () => {
        const bucket = await full();
        const before = await allVersions(metadataOf(), bucket);
        expect(before).toHaveLength(MAX_VERSIONS);
        for (const version of [draft(), markerDraft()]) {
          const error = await expectStoreError(putVersion(metadataOf(), bucket, 'key', version), 'tooManyVersions');
          expect(error.outcome).toBe('notApplied');
        }
        const id = makeVersionId((Date.now() - 60_000) * 1000);
        const placed = metadataOf().commit({
          bucket,
          key: 'key',
          select: { versionId: id },
          decide: () => ({ place: { draft: draft(), versionId: id } }),
        });
        await expectStoreError(placed, 'tooManyVersions');
        expect(await allVersions(metadataOf(), bucket)).toEqual(before);
        // Other keys have room of their own.
        await putVersion(metadataOf(), bucket, 'other');
      });

      it('take a version for each that goes', async () => {
        const bucket = await full();
        const [newest, , middle] = await allVersions(metadataOf(), bucket);
        for (const gone of [middle, newest]) {
          await removeVersion(metadataOf(1), bucket, 'key', gone?.versionId ?? '');
          await putVersion(metadataOf(), bucket, 'key');
          await expectStoreError(putVersion(metadataOf(1), bucket, 'key'), 'tooManyVersions');
        }
        for (const { versionId } of await allVersions(metadataOf(), bucket))
          await removeVersion(metadataOf(), bucket, 'key', versionId);
        for (const _ of range(MAX_VERSIONS)) await putVersion(metadataOf(), bucket, 'key');
        await expectStoreError(putVersion(metadataOf(1), bucket, 'key'), 'tooManyVersions');
      });

      it('let pass what adds no version', async () => {
        const bucket = await full();
        const [, object] = await allVersions(metadataOf(), bucket);
        const tagged = await metadataOf().commit({
          bucket,
          key: 'key',
          select: { versionId: object?.versionId ?? '' },
          decide: ({ selected }) => (selected === null ? null : { replace: { ...selected, tags: { a: 'b' } } }),
        });
        expect(tagged.version?.tags).toEqual({ a: 'b' });
        const unversioned = await fixture().bucket();
        for (const _ of range(2 * MAX_VERSIONS)) await overwrite(metadataOf(), unversioned, 'key');
        // Of a bucket whose versioning is suspended: the null version takes its own place.
        const last = (await allVersions(metadataOf(), bucket)).at(-1);
        await removeVersion(metadataOf(), bucket, 'key', last?.versionId ?? '');
        for (const _ of range(3)) await overwrite(metadataOf(1), bucket, 'key');
        await expectStoreError(putVersion(metadataOf(), bucket, 'key'), 'tooManyVersions');
        expect(await allVersions(metadataOf(), bucket)).toHaveLength(MAX_VERSIONS);
      });

      it('count what gateways with other limits have written', async () => {
        const { metadata } = fixture();
        const bucket = await full();
        await putVersion(metadata, bucket, 'key');
        await putVersion(metadata, bucket, 'key');
        await expectStoreError(putVersion(metadataOf(), bucket, 'key'), 'tooManyVersions');
        for (const { versionId } of (await allVersions(metadata, bucket)).slice(0, 3))
          await removeVersion(metadata, bucket, 'key', versionId);
        await putVersion(metadataOf(), bucket, 'key');
        await expectStoreError(putVersion(metadataOf(), bucket, 'key'), 'tooManyVersions');
      });

      it('hold for writers at the same time', async () => {
        const bucket = await fixture().bucket({ versioning: 'enabled' });
        let acknowledged = 0;
        await inParallel(range(12), 6, async (i) => {
          if (await made(putVersion(metadataOf(i % 2), bucket, 'key'), 'tooManyVersions')) acknowledged += 1;
        });
        expect(acknowledged).toBe(MAX_VERSIONS);
        expect(await allVersions(metadataOf(), bucket)).toHaveLength(MAX_VERSIONS);
      });

      it('refuse a rename to a full key, and let the full key be renamed', async () => {
        const bucket = await full('full');
        await removeVersion(
          metadataOf(),
          bucket,
          'full',
          (await allVersions(metadataOf(), bucket))[0]?.versionId ?? '',
        );
        await putVersion(metadataOf(), bucket, 'full', draft({ etag: 'last' }));
        await putVersion(metadataOf(), bucket, 'from', draft({ etag: 'from' }));
        const rename = (from: string, to: string) =>
          metadataOf().rename({
            bucket,
            from,
            to,
            decide: ({ selected }) =>
              selected === null ? null : { draft: selected, isNull: false, marker: markerDraft() },
          });
        await expectStoreError(rename('from', 'full'), 'tooManyVersions');
        const latest = (key: string) => metadataOf().getVersion(bucket, key, 'latest', { withInline: true });
        expect(await latest('from')).toMatchObject({ etag: 'from', data: { bytes: Buffer.from('hello') } });
        expect(await latest('full')).toMatchObject({ etag: 'last' });
        expect((await rename('full', 'to')).changed).toBe(true);
        expect(await latest('to')).toMatchObject({ etag: 'last' });
        expect(await latest('full')).toMatchObject({ deleteMarker: true });
      });
    });

    describe('of the buckets of a tenant', () => {
      const tenant = (): Owner => ({ id: `tenant-${randomUUID()}`, displayName: 'T' });
      const create = (owner: Owner, index = 0, bucketName = `bucket-${randomUUID()}`) =>
        gateway(index).buckets.create({ ...newBucket(fixture().region.name), name: bucketName, owner });
      const namesOf = async ({ id }: Owner): Promise<string[]> => {
        const page = await gateway().buckets.list(id, { prefix: '', after: '', limit: 100 });
        return page.buckets.map(({ name: bucketName }) => bucketName).sort();
      };

      it('refuse one more, and leave its name free', async () => {
        const owner = tenant();
        const names: string[] = [];
        for (const _ of range(MAX_BUCKETS)) names.push((await create(owner)).bucket.name);
        const refused = `bucket-${randomUUID()}`;
        const error = await expectStoreError(create(owner, 1, refused), 'tooManyBuckets');
        expect(error.outcome).toBe('notApplied');
        expect(await namesOf(owner)).toEqual(names.sort());
        expect(await gateway().buckets.get(refused, { fresh: true })).toBeNull();
        // Whoever asks for what is there is told so.
        expect((await create(owner, 0, names[0])).created).toBe(false);
        expect((await create(tenant(), 0, refused)).created).toBe(true);
      });

      it('take one for each that goes', async () => {
        const owner = tenant();
        for (const _ of range(MAX_BUCKETS)) await create(owner);
        const [first] = (await gateway().buckets.list(owner.id, { prefix: '', after: '', limit: 1 })).buckets;
        if (first === undefined) throw new Error('the tenant has buckets');
        expect(await gateway().buckets.delete(first, async () => true)).toBe('deleted');
        expect((await create(owner)).created).toBe(true);
        await expectStoreError(create(owner), 'tooManyBuckets');
      });

      it('hold for creators at the same time', async () => {
        const owner = tenant();
        let acknowledged = 0;
        await inParallel(range(8), 4, async (i) => {
          if (await made(create(owner, i % 2), 'tooManyBuckets')) acknowledged += 1;
        });
        // Of two that meet at the last place both may be refused.
        expect(acknowledged).toBeLessThanOrEqual(MAX_BUCKETS);
        expect(await namesOf(owner)).toHaveLength(acknowledged);
        while ((await namesOf(owner)).length < MAX_BUCKETS) await create(owner);
        await expectStoreError(create(owner), 'tooManyBuckets');
      });
    });
  });
}
