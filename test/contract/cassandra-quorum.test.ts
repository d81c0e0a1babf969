/**
 * Quorum buckets on Cassandra with two gateways whose clocks are far apart: which of racing writes stays, that its data stays, that
 * the data of the others goes, what becomes of writes without an answer, and how many statements a PUT takes in either mode.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterPool } from '../../src/store/cassandra/cluster.js';
import type { Session } from '../../src/store/cassandra/cluster.js';
import { GarbageTable } from '../../src/store/cassandra/garbage-table.js';
import { HeadTable } from '../../src/store/cassandra/head-table.js';
import { installSchema, openCassandraStores, schemaTargets } from '../../src/store/cassandra/index.js';
import { IntentLog } from '../../src/store/cassandra/intents.js';
import { DEFAULT_CASSANDRA_OPTIONS } from '../../src/store/cassandra/options.js';
import { PlainHeads } from '../../src/store/cassandra/plain-heads.js';
import { NO_OBSERVER } from '../../src/store/shared/observer.js';
import type { StoreObserver } from '../../src/store/shared/observer.js';
import type {
  BlobRef,
  BucketConsistency,
  BucketRecord,
  MetadataStore,
  ObjectVersion,
  Stores,
} from '../../src/store/types.js';
import { nextSeq } from '../../src/store/versions.js';
import { dropKeyspace, uniqueKeyspace, useCassandra } from '../support/cassandra.js';
import { cassandraTarget } from './cassandra-stores.js';
import { allVersions, blobDraft, blobRef, draft, garbageOf, newBucket, overwrite, range } from './suite/harness.js';

const REGION = 'quorum-1';
const LEASE = { gcGraceMs: 30_000, intentLeaseMs: 60_000 };

describe('quorum buckets on Cassandra', () => {
  const keyspace = uniqueKeyspace('quorum');
  const opened: Stores[] = [];
  const pool = new ClusterPool(DEFAULT_CASSANDRA_OPTIONS);
  let session: Session;
  let bucket: BucketRecord;
  let ahead: MetadataStore;
  let behind: MetadataStore;

  const config = () => {
    const target = cassandraTarget(useCassandra(), keyspace);
    const blobs = { ...target, maxChunkBytes: 64 * 1024, maxBlockChunks: 3 };
    return {
      bucketstore: target,
      regions: { [REGION]: { metastore: target, storageClasses: { STANDARD: blobs } } },
    };
  };
  const open = (skewMs: number, observer: StoreObserver = NO_OBSERVER): { stores: Stores; metadata: MetadataStore } => {
    const { bucketstore, regions } = config();
    const options = { ...LEASE, now: () => Date.now() + skewMs, observer };
    const stores = openCassandraStores({ buckets: bucketstore, regions, options });
    opened.push(stores);
    const metadata = stores.regions.get(REGION)?.metadata;
    if (metadata === undefined) throw new Error('no region');
    return { stores, metadata };
  };

  beforeAll(async () => {
    await installSchema({ targets: schemaTargets(config()), waitMs: 60_000 });
    const first = open(10_000);
    ahead = first.metadata;
    behind = open(-10_000).metadata;
    session = pool.session(config().bucketstore);
    ({ bucket } = await first.stores.buckets.create(newBucket(REGION, { consistency: 'quorum' })));
  });
  afterAll(async () => {
    for (const stores of opened) await stores.close();
    await pool.close();
    await dropKeyspace({ ...useCassandra(), keyspace });
  });

  const latest = (key: string, metadata = behind) => metadata.getVersion(bucket, key, 'latest', { withInline: true });

  async function put(metadata: MetadataStore, key: string, blob: BlobRef): Promise<void> {
    const intent = await metadata.openIntent(bucket, key, [blob]);
    await overwrite(metadata, bucket, key, { ...blobDraft(blob), etag: blob.inode }, intent);
  }

  /** What sweepers free of a key, two of them at it at the same time. */
  async function swept(key: string): Promise<Set<string>> {
    const free = new Set<string>();
    await Promise.all(
      [ahead, behind].map(async (metadata) => {
        for (const entry of await garbageOf(metadata, bucket, key)) {
          await metadata.repairIndex(bucket, key);
          for (const { inode } of await metadata.unreferenced(entry)) free.add(inode);
        }
      }),
    );
    return free;
  }

  it('shows every gateway what was acknowledged last, whatever the clocks say', async () => {
    for (const i of range(20)) {
      const [writer, reader] = i % 2 === 0 ? [ahead, behind] : [behind, ahead];
      await overwrite(writer, bucket, 'turns', draft({ etag: `turn-${i}` }));
      expect((await latest('turns', reader))?.etag).toBe(`turn-${i}`);
    }
  });

  it('keeps the data of the write that stays, and lets go that of all others', async () => {
    for (const round of range(10)) {
      const key = `race-${round}`;
      const blobs = range(6).map(() => blobRef());
      await Promise.all(blobs.map((blob, i) => put(i % 2 === 0 ? ahead : behind, key, blob)));
      const stays = (await latest(key))?.etag;
      const free = await swept(key);
      expect([...free].sort()).toEqual(
        blobs
          .map(({ inode }) => inode)
          .filter((inode) => inode !== stays)
          .sort(),
      );
      expect((await latest(key, ahead))?.etag).toBe(stays);
      const listed = (await allVersions(ahead, bucket)).filter((entry) => entry.key === key);
      expect(listed.map(({ etag }) => etag)).toEqual([stays]);
    }
  });

  it('does not let a change of attributes win against a write that it has not seen', async () => {
    for (const round of range(30)) {
      const key = `tags-${round}`;
      await overwrite(behind, bucket, key, draft({ etag: 'old' }));
      await Promise.all([
        overwrite(behind, bucket, key, draft({ etag: 'new', data: { kind: 'inline', bytes: Buffer.from('new') } })),
        ahead.commit({
          bucket,
          key,
          select: 'latest',
          decide: ({ selected }) => (selected === null ? null : { replace: { ...selected, tags: { a: 'b' } } }),
        }),
      ]);
      expect(await latest(key)).toMatchObject({ etag: 'new', data: { bytes: Buffer.from('new') } });
    }
  });

  describe('a write without an answer', () => {
    const plain = () => new PlainHeads(session);
    /** As a gateway leaves it that died with the write on its way; the write itself comes with land(). */
    async function lose(key: string, own: BlobRef): Promise<{ land: () => Promise<void>; version: ObjectVersion }> {
      const head = await new HeadTable(session).load(bucket, key, 'latest', { withInline: false, serial: false });
      const clock = nextSeq(head.state.seq, Date.now());
      const options = { ...DEFAULT_CASSANDRA_OPTIONS, ...LEASE };
      const table = new GarbageTable({ session, region: REGION, now: Date.now });
      const before = head.state.latest?.data;
      const blobs = [own, ...(before?.kind === 'blobs' ? before.blobs : [])];
      await new IntentLog(table, options).pin({ bucket, key, blobs, slot: clock, intent: null });
      const version = { ...blobDraft(own), etag: own.inode, versionId: 'null', seq: clock };
      return { version, land: () => plain().put(bucket, key, { version, clock, token: '00' }) };
    }

    it('is called off where nobody has seen it: it never appears, and what it was to replace stays', async () => {
      const [old, lost] = [blobRef(), blobRef()];
      await put(behind, 'called-off', old);
      const { land } = await lose('called-off', lost);
      expect([...(await swept('called-off'))]).toEqual([lost.inode]);
      await land();
      expect((await latest('called-off'))?.etag).toBe(old.inode);
      expect([...(await swept('called-off'))]).toEqual([lost.inode]);
    });

    it('counts where it has come: it stays, and what it has replaced goes', async () => {
      const [old, came] = [blobRef(), blobRef()];
      await put(behind, 'came', old);
      const { land } = await lose('came', came);
      await land();
      expect([...(await swept('came'))]).toEqual([old.inode]);
      expect((await latest('came'))?.etag).toBe(came.inode);
      expect((await allVersions(ahead, bucket)).filter(({ key }) => key === 'came')).toMatchObject([
        { etag: came.inode },
      ]);
    });

    it('is one thing or the other for sweepers that look while it comes', async () => {
      for (const round of range(15)) {
        const key = `meets-${round}`;
        const [old, lost] = [blobRef(), blobRef()];
        await put(behind, key, old);
        const { land } = await lose(key, lost);
        const [free] = await Promise.all([swept(key), land()]);
        const stays = (await latest(key))?.etag;
        expect(stays === old.inode || stays === lost.inode).toBe(true);
        expect(free.has(stays ?? '')).toBe(false);
        expect(await latest(key, ahead)).toEqual(await latest(key));
      }
    });

    it('is nothing any more below a newer write', async () => {
      const [old, lost, newer] = [blobRef(), blobRef(), blobRef()];
      await put(behind, 'below', old);
      const { land } = await lose('below', lost);
      await put(ahead, 'below', newer);
      expect([...(await swept('below'))].sort()).toEqual([old.inode, lost.inode].sort());
      await land();
      expect((await latest('below'))?.etag).toBe(newer.inode);
    });
  });

  it('takes the cells of one write alone where two have the same clock', async () => {
    const plain = new PlainHeads(session);
    const clock = Date.now() * 1000;
    for (const round of range(8)) {
      const key = `tie-${round}`;
      const writes = range(2).map((i) => {
        const bytes = Buffer.from(randomUUID());
        const made = draft({ etag: `${randomUUID()}-${i}`, data: { kind: 'inline', bytes } });
        return { version: { ...made, versionId: 'null', seq: clock }, clock, token: `0${i}` };
      });
      for (const write of writes) await plain.put(bucket, key, write);
      const found = await latest(key);
      expect(writes.map(({ version }) => version)).toContainEqual(found);
    }
  });

  it('takes no conditional statement to write: figures of docs/consistency.md', async () => {
    const counted = new Map<string, number>();
    const count = (call: string): void => void counted.set(call, (counted.get(call) ?? 0) + 1);
    const observer: StoreObserver = { ...NO_OBSERVER, began: (call) => (count(call), () => undefined) };
    const { stores, metadata } = open(0, observer);
    const puts = 100;
    const statementsOf = async (consistency: BucketConsistency): Promise<ReadonlyMap<string, number>> => {
      const made = await stores.buckets.create(newBucket(REGION, { consistency }));
      const write = (i: number) => overwrite(metadata, made.bucket, `key-${i % 10}`, draft({ etag: `e-${i}` }));
      for (const i of range(10)) await write(i);
      counted.clear();
      for (const i of range(puts)) await write(i);
      return new Map(counted);
    };
    const expected = { 'select object_head': puts, 'insert object_index': puts, 'insert garbage': puts };
    const conditional = await statementsOf('linearizable');
    expect(Object.fromEntries(conditional)).toMatchObject({ ...expected, 'cas object_head': puts });
    const plain = await statementsOf('quorum');
    expect(Object.fromEntries(plain)).toMatchObject({ ...expected, 'update object_head': puts });
    expect([...plain.keys()].filter((call) => call.startsWith('cas'))).toEqual([]);
    // Superseded rows.
    expect(plain.get('delete object_head') ?? 0).toBeLessThan(puts / 2);
  });
});
