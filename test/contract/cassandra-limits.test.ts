/** How many versions a key of Cassandra has, as its partition tells: true after every change, and counted where nothing tells. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { types } from 'cassandra-driver';
import { ClusterPool } from '../../src/store/cassandra/cluster.js';
import type { Session } from '../../src/store/cassandra/cluster.js';
import { newToken } from '../../src/store/cassandra/commit-trail.js';
import { HeadTable } from '../../src/store/cassandra/head-table.js';
import type { Head } from '../../src/store/cassandra/head-table.js';
import { DEFAULT_CASSANDRA_OPTIONS } from '../../src/store/cassandra/index.js';
import { tallyOf } from '../../src/store/cassandra/version-tally.js';
import type { BucketRecord, MetadataStore, Stores } from '../../src/store/types.js';
import { nextSeq } from '../../src/store/versions.js';
import { Random } from '../support/random.js';
import { dropKeyspace, uniqueKeyspace, useCassandra } from '../support/cassandra.js';
import { openOwnStores } from './cassandra-stores.js';
import {
  allVersions,
  draft,
  expectStoreError,
  markerDraft,
  newBucket,
  overwrite,
  putVersion,
  range,
  removeVersion,
} from './suite/harness.js';

const REGION = 'limits-1';
const KEY = 'key';
const MAX_VERSIONS = 6;

describe('the number of versions of a key on Cassandra', () => {
  const keyspace = uniqueKeyspace('limits');
  let stores: Stores;
  let pool: ClusterPool;
  let session: Session;
  let heads: HeadTable;

  beforeAll(async () => {
    const own = await openOwnStores(keyspace, REGION, { maxVersionsPerKey: MAX_VERSIONS });
    ({ stores } = own);
    pool = new ClusterPool(DEFAULT_CASSANDRA_OPTIONS);
    session = pool.session(own.target);
    heads = new HeadTable(session);
  });
  afterAll(async () => {
    await stores.close();
    await pool.close();
    await dropKeyspace({ ...useCassandra(), keyspace });
  });

  const metadata = (): MetadataStore => {
    const region = stores.regions.get(REGION);
    if (region === undefined) throw new Error('no region');
    return region.metadata;
  };
  const makeBucket = async (): Promise<BucketRecord> =>
    (await stores.buckets.create(newBucket(REGION, { versioning: 'enabled' }))).bucket;
  const load = (bucket: BucketRecord): Promise<Head> =>
    heads.load(bucket, KEY, 'latest', { withInline: false, serial: true });
  /** As a gateway leaves it that does not know of tallies. */
  const forget = (bucket: BucketRecord): Promise<void> =>
    session.write(`DELETE tally FROM ${session.keyspace}.object_head WHERE bucket = ? AND key = ?`, [
      types.Uuid.fromString(bucket.instance),
      KEY,
    ]);

  it('is kept through every kind of change', { timeout: 120_000 }, async () => {
    const bucket = await makeBucket();
    const random = new Random(5);
    let kept = 0;
    for (const step of range(60)) {
      const before = await allVersions(metadata(), bucket);
      const one = before.length === 0 ? null : random.pick(before);
      const dice = random.next();
      if (one === null || (dice < 0.5 && before.length < MAX_VERSIONS)) {
        const version = draft({ headers: { filler: 'x'.repeat(random.integer(0, 200)) }, etag: `${step}` });
        if (dice < 0.1) await putVersion(metadata(), bucket, KEY, markerDraft());
        else if (dice < 0.2) await overwrite(metadata(), bucket, KEY, version);
        else await putVersion(metadata(), bucket, KEY, version);
      } else if (dice < 0.8) {
        await removeVersion(metadata(), bucket, KEY, one.versionId);
      } else {
        await metadata().commit({
          bucket,
          key: KEY,
          select: { versionId: one.versionId },
          decide: ({ selected }) =>
            selected === null ? null : { replace: { ...selected, tags: { step: `${step}` } } },
        });
      }
      const { versions, head } = await heads.all(bucket, KEY);
      const truth = tallyOf(versions);
      if (versions.length < 3) expect(head.counted?.kind).toBe('all');
      else expect(head.counted).toEqual({ kind: 'tally', tally: truth });
      if (versions.length >= 3) kept += 1;
    }
    expect(kept).toBeGreaterThan(10);
  });

  it('stays known when a key is fenced', async () => {
    const bucket = await makeBucket();
    for (const _ of range(4)) await putVersion(metadata(), bucket, KEY);
    const head = await load(bucket);
    const clock = nextSeq(head.state.seq, Date.now());
    expect(await heads.fence(bucket, KEY, head, { clock, token: newToken() })).toBe(true);
    const fenced = await load(bucket);
    expect(fenced.clock).toBe(clock);
    expect(fenced.counted).toEqual(head.counted);
  });

  it('is counted where nothing tells it, and told from then on', async () => {
    const bucket = await makeBucket();
    for (const _ of range(MAX_VERSIONS - 1)) await putVersion(metadata(), bucket, KEY);
    await forget(bucket);
    expect((await load(bucket)).counted).toEqual({ kind: 'unknown' });
    await putVersion(metadata(), bucket, KEY);
    const { versions, head } = await heads.all(bucket, KEY);
    expect(head.counted).toEqual({ kind: 'tally', tally: tallyOf(versions) });
    await forget(bucket);
    await expectStoreError(putVersion(metadata(), bucket, KEY), 'tooManyVersions');
    // What adds no version needs no count.
    await removeVersion(metadata(), bucket, KEY, versions[2]?.versionId ?? '');
    expect((await load(bucket)).counted).toEqual({ kind: 'unknown' });
    await putVersion(metadata(), bucket, KEY);
    await expectStoreError(putVersion(metadata(), bucket, KEY), 'tooManyVersions');
  });

  it('is not believed when the key has changed since', async () => {
    const bucket = await makeBucket();
    for (const _ of range(4)) await putVersion(metadata(), bucket, KEY);
    const { clock } = await load(bucket);
    // A gateway that does not know of tallies moves the clock alone.
    const moved = await session.cas([
      {
        query: `UPDATE ${session.keyspace}.object_head SET key_clock = ? WHERE bucket = ? AND key = ? IF key_clock = ?`,
        params: [(clock ?? 0) + 1, types.Uuid.fromString(bucket.instance), KEY, clock],
      },
    ]);
    expect(moved.applied).toBe(true);
    expect((await load(bucket)).counted).toEqual({ kind: 'unknown' });
  });
});
