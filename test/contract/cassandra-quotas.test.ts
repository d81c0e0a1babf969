/** Quotas on Cassandra: counting page by page beside writers, changes that were under way, and what processes that died have left. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterPool } from '../../src/store/cassandra/cluster.js';
import type { Session } from '../../src/store/cassandra/cluster.js';
import { newToken, TOKEN_BYTES } from '../../src/store/cassandra/commit-trail.js';
import { GarbageTable } from '../../src/store/cassandra/garbage-table.js';
import { HeadTable } from '../../src/store/cassandra/head-table.js';
import { DEFAULT_CASSANDRA_OPTIONS } from '../../src/store/cassandra/index.js';
import { IntentLog } from '../../src/store/cassandra/intents.js';
import { Ledger } from '../../src/store/cassandra/quota-ledger.js';
import { QuotaHolds } from '../../src/store/cassandra/quota-holds.js';
import { QuotaTable } from '../../src/store/cassandra/quota-table.js';
import { applyChange } from '../../src/store/shared/key-change.js';
import type { QuotaScope } from '../../src/store/quota-types.js';
import type { BucketRecord, MetadataStore, Stores } from '../../src/store/types.js';
import { dropKeyspace, uniqueKeyspace, useCassandra } from '../support/cassandra.js';
import { openOwnStores } from './cassandra-stores.js';
import {
  allVersions,
  draft,
  expectStoreError,
  inParallel,
  newBucket,
  overwrite,
  putVersion,
  range,
} from './suite/harness.js';

const REGION = 'quota-1';
/** A change that is older has been left behind by whoever was making it. */
const STALE_MS = 3_000;

describe('quotas on Cassandra', () => {
  const keyspace = uniqueKeyspace('quotas');
  let stores: Stores;
  let pool: ClusterPool;
  let session: Session;

  beforeAll(async () => {
    const options = { quotaPageRows: 16, commitDeadlineMs: STALE_MS / 1.5 };
    const own = await openOwnStores(keyspace, REGION, options);
    ({ stores } = own);
    pool = new ClusterPool(DEFAULT_CASSANDRA_OPTIONS);
    session = pool.session(own.target);
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
  const makeBucket = async (): Promise<BucketRecord> => {
    const owner = { id: `tenant-${randomUUID()}`, displayName: 'T' };
    return (await stores.buckets.create(newBucket(REGION, { owner, versioning: 'enabled' }))).bucket;
  };
  const scopeOf = (bucket: BucketRecord): QuotaScope => ({ kind: 'bucket', bucket });
  const usageOf = async (bucket: BucketRecord) => (await stores.quotas.get(scopeOf(bucket)))?.usage;
  const sized = (sizeBytes: number) => draft({ sizeBytes });
  /** As a process of its own has it, which never settles anything. */
  const dying = (tenant: string): { readonly ledger: Ledger; readonly holds: QuotaHolds } => {
    const gateway = randomUUID();
    const options = DEFAULT_CASSANDRA_OPTIONS;
    const ledger = new Ledger({ table: new QuotaTable(session), tenant, gateway, options });
    return { ledger, holds: new QuotaHolds({ ledger: () => ledger, gateway, onWait: () => undefined, options }) };
  };

  it('counts page by page while others write on all of them', async () => {
    const bucket = await makeBucket();
    await inParallel(range(100), 16, (i) => overwrite(metadata(), bucket, `k${i % 70}`, sized(1 + (i % 7))));
    let writing = true;
    const writers = range(4).map(async (writer) => {
      for (let i = writer; writing; i += 5) {
        const key = `k${(i * 31) % 90}`;
        if (i % 3 === 0) await putVersion(metadata(), bucket, key, sized(i % 11));
        else await overwrite(metadata(), bucket, key, sized(i % 13));
      }
    });
    await stores.quotas.set(scopeOf(bucket), { bytes: 1e9, objects: null });
    writing = false;
    await Promise.all(writers);
    const entries = await allVersions(metadata(), bucket);
    const there = { bytes: entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), objects: entries.length };
    expect(await usageOf(bucket)).toEqual(there);
    expect(await stores.quotas.check(bucket, { repair: false })).toMatchObject({ counter: there, counted: there });
  });

  it('stops what was under way uncounted when counting began', async () => {
    const bucket = await makeBucket();
    const heads = new HeadTable(session);
    const garbage = new GarbageTable({ session, region: REGION, now: Date.now });
    const intents = new IntentLog(garbage, DEFAULT_CASSANDRA_OPTIONS);
    // A change that has looked at its bucket, read its key and announced itself, and is then held up.
    await intents.announce(bucket, 'late').durable;
    const head = await heads.load(bucket, 'late', 'latest', { withInline: false, serial: false });
    const put = { draft: sized(50), isNull: true };
    const write = {
      applied: applyChange(head.state, { put }, Date.now()),
      token: newToken(),
      versioned: false,
      timeoutMs: 10_000,
    };
    await stores.quotas.set(scopeOf(bucket), { bytes: 10, objects: null });
    expect(await heads.write(bucket, 'late', head, write)).toBe(false);
    expect(await usageOf(bucket)).toEqual({ bytes: 0, objects: 0 });
  });

  it('gives back room that a process took that died, and counts what it has made', async () => {
    const bucket = await makeBucket();
    await stores.quotas.set(scopeOf(bucket), { bytes: 100, objects: null });
    const tenant = bucket.owner.id;
    const { holds } = dying(tenant);
    const amount = { bytes: 60, objects: 1 };
    const common = { tenant, bucket, amount, frees: { bytes: 0, objects: 0 } };
    await holds.take({ ...common, key: 'never', token: newToken(), base: Buffer.alloc(0) });
    // Not before it is certain that the change will never be made.
    await overwrite(metadata(), bucket, 'a', sized(40));
    await expect
      .poll(
        () =>
          overwrite(metadata(), bucket, 'b', sized(1)).then(
            () => true,
            () => false,
          ),
        { timeout: 60_000 },
      )
      .toBe(true);
    await expect.poll(() => usageOf(bucket)).toEqual({ bytes: 41, objects: 2 });

    // Of this one the key says that it was made: it took the place of the object of 40 bytes.
    const { trail } = await new HeadTable(session).load(bucket, 'a', 'latest', { withInline: false, serial: true });
    const token = trail.subarray(0, TOKEN_BYTES);
    await holds.take({
      ...common,
      amount: { bytes: 9, objects: 0 },
      key: 'a',
      token,
      base: trail.subarray(TOKEN_BYTES),
    });
    await expect
      .poll(async () => stores.quotas.settle().then(() => usageOf(bucket)), { timeout: 60_000, interval: 500 })
      .toEqual({ bytes: 50, objects: 2 });
  });

  it('finds a wrong counter, and mends it and the sum of its tenant', async () => {
    const bucket = await makeBucket();
    await overwrite(metadata(), bucket, 'a', sized(40));
    await stores.quotas.set(scopeOf(bucket), { bytes: 100, objects: null });
    const { ledger } = dying(bucket.owner.id);
    await ledger.run({
      buckets: [bucket.instance],
      run: (one) => {
        const row = one.bucket(bucket.instance);
        if (row === null) throw new Error('there is no counter');
        one.setBucket(bucket.instance, { ...row, used: { bytes: 99, objects: 7 } });
        one.setTenant({ ...one.tenant, used: { bytes: 1, objects: 0 } });
      },
    });
    await expectStoreError(overwrite(metadata(), bucket, 'b', sized(2)), 'quotaExceeded');
    const right = { bytes: 40, objects: 1 };
    const wrong = { counter: { bytes: 99, objects: 7 }, counted: right };
    expect(await stores.quotas.check(bucket, { repair: false })).toEqual({ ...wrong, repaired: false });
    expect(await stores.quotas.check(bucket, { repair: true })).toEqual({ ...wrong, repaired: true });
    expect(await stores.quotas.check(bucket, { repair: false })).toMatchObject({ counter: right, counted: right });
    expect((await stores.quotas.checkTenant(bucket.owner.id, { repair: true }))?.counted).toEqual(right);
    expect(await stores.quotas.checkTenant(bucket.owner.id, { repair: false })).toMatchObject({ counter: right });
    await overwrite(metadata(), bucket, 'b', sized(60));
  });

  it('leaves buckets alone that nothing counts', async () => {
    const bucket = await makeBucket();
    await overwrite(metadata(), bucket, 'a', sized(40));
    expect((await stores.buckets.get(bucket.name, { fresh: true }))?.documents).toEqual({});
    expect(await new QuotaTable(session).head(bucket.owner.id)).toMatchObject({ revision: 0 });
  });
});
