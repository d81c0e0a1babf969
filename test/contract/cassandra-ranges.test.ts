/**
 * Listings that are cut into ranges while gateways write: two stores on one Cassandra, with limits small enough that a few
 * hundred keys make many ranges, and times short enough to wait for.
 */
import type { Client } from 'cassandra-driver';
import { types } from 'cassandra-driver';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { installSchema, openCassandraStores, schemaTargets } from '../../src/store/cassandra/index.js';
import type { CassandraOptions } from '../../src/store/cassandra/index.js';
import { CassandraMetadataStore } from '../../src/store/cassandra/metadata-store.js';
import type { MoveStep } from '../../src/store/cassandra/range-mover.js';
import { compareKeys } from '../../src/store/key-order.js';
import type { BucketRecord, Stores } from '../../src/store/types.js';
import { connectCassandra, dropKeyspace, uniqueKeyspace, useCassandra } from '../support/cassandra.js';
import { cassandraTarget } from './cassandra-stores.js';
import {
  allKeys,
  allVersions,
  inParallel,
  markerDraft,
  newBucket,
  overwrite,
  putVersion,
  range,
  removeVersion,
  uploadRecord,
} from './suite/harness.js';

const LIMITS = { rows: 60, bytes: 1024 * 1024, deletions: 20 };
/** What a range may have become before it is cut: limits, and what is written while that is found out and done. */
const BOUND = 400;
const TIMES = { cacheMs: 100, fenceMs: 300, lateMs: 300 };
/** Of a gateway that never looks again while a test runs. */
const OLD_MAPS = { cacheMs: 60_000, fenceMs: 60_000, lateMs: 60_000 };
const REGION = 'region-1';
const STEPS: readonly MoveStep[] = ['begun', 'noticed', 'cleaned', 'copied', 'flipped', 'unread', 'dropped', 'ended'];

describe('cassandra: ranges of listings', () => {
  const keyspace = uniqueKeyspace('ranges');
  const opened: Stores[] = [];
  let client: Client;

  beforeAll(async () => {
    await installSchema({ targets: schemaTargets(config()), waitMs: 60_000 });
    client = await connectCassandra({ ...useCassandra(), keyspace });
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((stores) => stores.close()));
  });
  afterAll(async () => {
    await client.shutdown();
    await dropKeyspace({ ...useCassandra(), keyspace });
  });

  function config() {
    const target = cassandraTarget(useCassandra(), keyspace);
    const blobs = { ...target, maxChunkBytes: 65_536, maxBlockChunks: 3 };
    return { bucketstore: target, regions: { [REGION]: { metastore: target, storageClasses: { STANDARD: blobs } } } };
  }

  function open(options: Partial<CassandraOptions> = {}) {
    const { bucketstore, regions } = config();
    const stores = openCassandraStores({
      buckets: bucketstore,
      regions,
      options: { indexLimits: LIMITS, indexTimes: TIMES, ...options },
    });
    opened.push(stores);
    const metadata = stores.regions.get(REGION)?.metadata;
    if (!(metadata instanceof CassandraMetadataStore)) throw new Error('not a Cassandra store');
    const { keeper } = metadata.indexRanges;
    /** Until nothing that is noted is left to do. */
    const settle = async () => {
      const due = 'SELECT id FROM index_due WHERE scope = ?';
      for (let empty = 0; empty < 2;) {
        await keeper.poll();
        await keeper.settled();
        empty = (await client.execute(due, [REGION], { prepare: true })).rowLength === 0 ? empty + 1 : 0;
      }
    };
    return { stores, metadata, keeper, settle };
  }

  type Gateway = ReturnType<typeof open>;

  async function makeBucket({ stores }: Gateway): Promise<BucketRecord> {
    return (await stores.buckets.create(newBucket(REGION))).bucket;
  }

  async function mapOf(bucket: BucketRecord) {
    const query = 'SELECT start, until, id, state, move FROM index_map WHERE bucket = ?';
    const { rows } = await client.execute(query, [types.Uuid.fromString(bucket.instance)], { prepare: true });
    return (
      rows
        .map((row) => ({
          start: String(row.get('start')),
          until: String(row.get('until')),
          id: Number(row.get('id')),
          state: String(row.get('state')),
          move: Number(row.get('move')),
        }))
        // A map that was removed is a revision without ranges.
        .filter(({ state }) => state !== 'free' && state !== 'null')
        .sort((a, b) => compareKeys(a.start, b.start))
    );
  }

  async function rowsOf(bucket: BucketRecord, id: number, table = 'object_index'): Promise<string[]> {
    const query = `SELECT key FROM ${table} WHERE bucket = ? AND range = ?`;
    const at = [types.Uuid.fromString(bucket.instance), id];
    const { rows } = await client.execute(query, at, { prepare: true, fetchSize: 5000 });
    return rows.map((row) => String(row.get('key')));
  }

  /** Every range holds the keys between its bounds and no others, together they hold all keys, and none is too large. */
  async function expectBounded(bucket: BucketRecord, keys: readonly string[], bound = BOUND) {
    const map = await mapOf(bucket);
    expect(map.every(({ state, move }) => state === 'active' && move === -1)).toBe(true);
    expect(map.map(({ start }) => start)).toEqual(['', ...map.slice(0, -1).map(({ until }) => until)]);
    const found: string[] = [];
    for (const { id, start, until } of map) {
      const rows = await rowsOf(bucket, id);
      expect(rows.length, `rows of range ${id}`).toBeLessThanOrEqual(bound);
      for (const key of rows) {
        expect(compareKeys(start, key)).toBeLessThanOrEqual(0);
        if (until !== '') expect(compareKeys(key, until)).toBeLessThan(0);
      }
      found.push(...rows);
    }
    expect(found).toEqual([...keys].sort(compareKeys));
    return map;
  }

  /** Ranges 0 and up to the last one used that are not in the map hold nothing. */
  async function expectNothingLeft(bucket: BucketRecord) {
    const map = await mapOf(bucket);
    const ids = new Set(map.map(({ id }) => id));
    for (const id of range(Math.max(...ids) + 1).filter((one) => !ids.has(one))) {
      for (const table of ['object_index', 'version_index', 'upload_index'])
        expect(await rowsOf(bucket, id, table)).toEqual([]);
    }
  }

  const keyOf = (i: number) => `dir-${i % 7}/${String(i).padStart(6, '0')}`;

  it('cuts a listing that grows, while two gateways put and delete and every listing is right', async () => {
    const [a, b] = [open(), open()];
    const bucket = await makeBucket(a);
    const present = new Set<string>();
    const absent = new Set<string>();
    let writing = true;
    const write = async (gateway: Gateway, mine: number) => {
      const numbers = range(700).filter((i) => i % 2 === mine);
      await inParallel(numbers, 6, async (i) => {
        await overwrite(gateway.metadata, bucket, keyOf(i));
        present.add(keyOf(i));
        if (i % 5 !== 0) return;
        present.delete(keyOf(i));
        await removeVersion(gateway.metadata, bucket, keyOf(i), 'null');
        absent.add(keyOf(i));
      });
    };
    const watch = async ({ metadata }: Gateway) => {
      let listings = 0;
      while (writing) {
        const [mustHave, mustNot] = [new Set(present), new Set(absent)];
        const listed = await allKeys(metadata, bucket);
        const seen = new Set(listed);
        // What is being deleted meanwhile may be there or not.
        const missing = [...mustHave].filter((key) => !seen.has(key) && present.has(key));
        expect(missing).toEqual([]);
        expect(listed.filter((key) => mustNot.has(key))).toEqual([]);
        expect(listed).toEqual([...seen].sort(compareKeys));
        listings += 1;
      }
      return listings;
    };
    const watchers = Promise.all([watch(a), watch(b)]);
    try {
      await Promise.all([write(a, 0), write(b, 1)]);
      await Promise.all([a.settle(), b.settle()]);
    } finally {
      writing = false;
    }
    for (const listings of await watchers) expect(listings).toBeGreaterThan(3);
    const keys = range(700)
      .filter((i) => i % 5 !== 0)
      .map(keyOf);
    const map = await expectBounded(bucket, keys);
    expect(map.length).toBeGreaterThan(3);
    await expectNothingLeft(bucket);
    for (const { metadata } of [a, b]) expect(await allKeys(metadata, bucket)).toEqual([...keys].sort(compareKeys));
  });

  it('keeps ranges bounded when keys only ever grow', async () => {
    const gateway = open();
    const bucket = await makeBucket(gateway);
    const keys = range(900).map((i) => `log/${String(i).padStart(8, '0')}`);
    for (let i = 0; i < keys.length; i += 150) {
      await inParallel(keys.slice(i, i + 150), 8, (key) => overwrite(gateway.metadata, bucket, key));
      await gateway.settle();
    }
    const map = await expectBounded(bucket, keys, 150);
    expect(map.length).toBeGreaterThan(8);
  });

  it('rewrites what is full of tombstones, and joins what is left', async () => {
    const gateway = open();
    const bucket = await makeBucket(gateway);
    const keys = range(500).map(keyOf);
    await inParallel(keys, 8, (key) => overwrite(gateway.metadata, bucket, key));
    await gateway.settle();
    const before = await mapOf(bucket);
    expect(before.length).toBeGreaterThan(3);
    const gone = keys.filter((_, i) => i % 50 !== 0);
    await inParallel(gone, 8, (key) => removeVersion(gateway.metadata, bucket, key, 'null'));
    await gateway.settle();
    const left = keys.filter((_, i) => i % 50 === 0).sort(compareKeys);
    const after = await expectBounded(bucket, left);
    expect(after.length).toBeLessThan(before.length);
    expect(after.some(({ id }) => before.every((range) => range.id !== id))).toBe(true);
    await expectNothingLeft(bucket);
    expect(await allKeys(gateway.metadata, bucket)).toEqual(left);
  });

  it('carries versions, delete markers and uploads along', async () => {
    const [a, b] = [open(), open()];
    const bucket = await makeBucket(a);
    const ids = range(120);
    await inParallel(ids, 6, async (i) => {
      const gateway = i % 2 === 0 ? a : b;
      await putVersion(gateway.metadata, bucket, keyOf(i));
      await putVersion(gateway.metadata, bucket, keyOf(i));
      if (i % 4 === 0) await putVersion(gateway.metadata, bucket, keyOf(i), markerDraft());
      if (i % 3 === 0) await gateway.metadata.createUpload(bucket, uploadRecord(keyOf(i), `upload-${i}`));
    });
    await Promise.all([a.settle(), b.settle()]);
    expect((await mapOf(bucket)).length).toBeGreaterThan(2);
    const versions = await allVersions(b.metadata, bucket);
    expect(versions).toHaveLength(120 * 2 + 30);
    for (const limit of [7, 100]) {
      const seen: string[] = [];
      for (let from = '', seq: number | null = null; ;) {
        const page = await a.metadata.scanVersions(bucket, {
          from,
          inclusive: from === '',
          end: null,
          limit,
          fromSeqBelow: seq,
        });
        seen.push(...page.map(({ key, versionId, latest }) => `${key} ${versionId} ${latest}`));
        const last = page.at(-1);
        if (last === undefined || page.length < limit) break;
        [from, seq] = [last.key, last.seq];
      }
      expect(seen).toEqual(versions.map(({ key, versionId, latest }) => `${key} ${versionId} ${latest}`));
    }
    const uploads = await b.metadata.scanUploads(bucket, {
      from: '',
      inclusive: true,
      end: null,
      limit: 1000,
      fromUploadIdAfter: null,
    });
    const expected = ids
      .filter((i) => i % 3 === 0)
      .map(keyOf)
      .sort(compareKeys);
    expect(uploads.map(({ key }) => key)).toEqual(expected);
    const visible = ids
      .filter((i) => i % 4 !== 0)
      .map(keyOf)
      .sort(compareKeys);
    expect(await allKeys(a.metadata, bucket)).toEqual(visible);
    await expectNothingLeft(bucket);
  });

  for (const crash of STEPS) {
    it(`goes on after a gateway died when it was "${crash}"`, async () => {
      let died = false;
      const dying = open({
        onIndexMove: (step) => {
          if (died || step !== crash) return;
          died = true;
          throw new Error('dies here');
        },
      });
      const other = open({ indexUpkeep: false });
      const bucket = await makeBucket(dying);
      const keys = range(150).map(keyOf);
      await inParallel(keys, 8, (key) => overwrite(dying.metadata, bucket, key));
      await expect.poll(() => died, { timeout: 60_000 }).toBe(true);
      await dying.stores.close();
      // Both old and new ranges are written to as long as nobody has gone on.
      const more = range(60).map((i) => `more-${i}`);
      await inParallel(more, 8, (key) => overwrite(other.metadata, bucket, key));
      await inParallel(keys.slice(0, 30), 8, (key) => removeVersion(other.metadata, bucket, key, 'null'));
      const wanted = [...keys.slice(30), ...more].sort(compareKeys);
      expect(await allKeys(other.metadata, bucket)).toEqual(wanted);
      await other.settle();
      const map = await expectBounded(bucket, wanted);
      expect(map.length).toBeGreaterThan(1);
      await expectNothingLeft(bucket);
      expect(await allKeys(other.metadata, bucket)).toEqual(wanted);
    });
  }

  it('shows to a gateway with an old map what one with the new map writes', async () => {
    const [writer, reader] = [open({ indexUpkeep: false }), open({ indexUpkeep: false, indexTimes: OLD_MAPS })];
    const seen: { readonly when: MoveStep; readonly listed: readonly string[] }[] = [];
    let count = 0;
    const gateway = open({
      onIndexMove: async (step) => {
        if (step === 'copied' && count === 0) count = (await allKeys(reader.metadata, bucket)).length;
        if (step !== 'flipped' || seen.length > 0) return;
        await overwrite(writer.metadata, bucket, 'new');
        await removeVersion(writer.metadata, bucket, keyOf(1), 'null');
        seen.push({ when: step, listed: await allKeys(reader.metadata, bucket) });
      },
    });
    const bucket = await makeBucket(gateway);
    const keys = range(150).map(keyOf);
    await inParallel(keys, 8, (key) => overwrite(gateway.metadata, bucket, key));
    await expect.poll(() => seen.length, { timeout: 60_000 }).toBe(1);
    await gateway.settle();
    expect(count).toBe(150);
    const wanted = [...keys.filter((key) => key !== keyOf(1)), 'new'].sort(compareKeys);
    expect(seen[0]?.listed).toEqual(wanted);
    expect(await allKeys(writer.metadata, bucket)).toEqual(wanted);
  });

  it('does not bring back a key whose deletion the new range was never told of', async () => {
    const doomed = keyOf(3);
    let target: number | null = null;
    const gateway = open({
      onIndexMove: async (step) => {
        if (step !== 'begun' || target !== null) return;
        const filling = (await mapOf(bucket)).find(({ state, start, until }) => {
          const within = compareKeys(start, doomed) <= 0 && (until === '' || compareKeys(doomed, until) < 0);
          return state === 'filling' && within;
        });
        target = filling?.id ?? null;
        // A put by a gateway that knew of the new range, the deletion by one that did not: only the first one is there.
        const query = 'INSERT INTO object_index (bucket, range, key, entry) VALUES (?, ?, ?, ?) USING TIMESTAMP ?';
        const stamp = (Date.now() - 60_000) * 1000;
        await client.execute(query, [types.Uuid.fromString(bucket.instance), target, doomed, '[]', stamp], {
          prepare: true,
        });
      },
    });
    const bucket = await makeBucket(gateway);
    const keys = range(150)
      .map(keyOf)
      .filter((key) => key !== doomed);
    await inParallel(keys, 8, (key) => overwrite(gateway.metadata, bucket, key));
    await expect.poll(() => target, { timeout: 60_000 }).not.toBeNull();
    await gateway.settle();
    expect(await allKeys(gateway.metadata, bucket)).toEqual([...keys].sort(compareKeys));
    await expectBounded(bucket, keys);
    // Nor does it stand in the way of a new life of the key.
    await overwrite(gateway.metadata, bucket, doomed);
    expect(await allKeys(gateway.metadata, bucket)).toContain(doomed);
  });

  it('lists across more deletions than Cassandra crosses in one query, and rewrites the range', async () => {
    const quiet = open({ indexUpkeep: false });
    const bucket = await makeBucket(quiet);
    const keys = ['a', 'key-050000x', 'z'];
    await inParallel(keys, 3, (key) => overwrite(quiet.metadata, bucket, key));
    const query = 'DELETE FROM object_index USING TIMESTAMP ? WHERE bucket = ? AND range = 0 AND key = ?';
    const instance = types.Uuid.fromString(bucket.instance);
    const stamp = Date.now() * 1000;
    await inParallel(range(240), 4, async (i) => {
      const statements = range(500).map((j) => ({
        query,
        params: [stamp, instance, `key-${String(i * 500 + j).padStart(6, '0')}`],
      }));
      await client.batch(statements, { prepare: true, logged: false, readTimeout: 60_000 });
    });
    expect(await allKeys(quiet.metadata, bucket)).toEqual(keys);
    expect(
      await quiet.metadata.scanVersions(bucket, {
        from: 'b',
        inclusive: true,
        end: null,
        limit: 9,
        fromSeqBelow: null,
      }),
    ).toHaveLength(2);

    const gateway = open();
    expect(await allKeys(gateway.metadata, bucket)).toEqual(keys);
    await gateway.settle();
    const [only] = await mapOf(bucket);
    expect(only).toMatchObject({ start: '', until: '', state: 'active' });
    expect(only?.id).not.toBe(0);
    // In one query now.
    const rewritten = await client.execute(
      'SELECT key FROM object_index WHERE bucket = ? AND range = ?',
      [instance, only?.id],
      { prepare: true },
    );
    expect(rewritten.rows.map((row) => String(row.get('key')))).toEqual(keys);
    await expectNothingLeft(bucket);
  });

  it('leaves no range map behind when a bucket goes', async () => {
    const gateway = open();
    const bucket = await makeBucket(gateway);
    const keys = range(150).map(keyOf);
    await inParallel(keys, 8, (key) => overwrite(gateway.metadata, bucket, key));
    await gateway.settle();
    expect((await mapOf(bucket)).length).toBeGreaterThan(1);
    await inParallel(keys, 8, (key) => removeVersion(gateway.metadata, bucket, key, 'null'));
    expect(await gateway.metadata.isEmpty(bucket)).toBe(true);
    expect(await gateway.stores.buckets.delete(bucket, () => gateway.metadata.isEmpty(bucket))).toBe('deleted');
    await gateway.settle();
    expect(await mapOf(bucket)).toEqual([]);
  });
});
