/** What a gateway that died between announcing a change and making it has left in Cassandra: others find out what happened. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterPool } from '../../src/store/cassandra/cluster.js';
import type { Session } from '../../src/store/cassandra/cluster.js';
import { newToken } from '../../src/store/cassandra/commit-trail.js';
import { HeadTable } from '../../src/store/cassandra/head-table.js';
import { DEFAULT_CASSANDRA_OPTIONS } from '../../src/store/cassandra/index.js';
import { CassandraOutbox } from '../../src/store/cassandra/outbox.js';
import { OutboxLeases } from '../../src/store/cassandra/outbox-leases.js';
import { OutboxSettler } from '../../src/store/cassandra/outbox-settle.js';
import { OutboxTable } from '../../src/store/cassandra/outbox-table.js';
import type { BucketRecord, OutboxEntry, Stores } from '../../src/store/types.js';
import { dropKeyspace, uniqueKeyspace, useCassandra } from '../support/cassandra.js';
import { openOwnStores } from './cassandra-stores.js';
import { draft, newBucket, overwrite } from './suite/harness.js';

const REGION = 'outbox-1';
const POLL = { timeout: 60_000, interval: 500 };

describe('the outbox of a gateway that died', () => {
  const keyspace = uniqueKeyspace('outbox');
  let stores: Stores;
  let bucket: BucketRecord;
  let pool: ClusterPool;
  let session: Session;

  beforeAll(async () => {
    const own = await openOwnStores(keyspace, REGION);
    ({ stores } = own);
    ({ bucket } = await stores.buckets.create(newBucket(REGION)));
    pool = new ClusterPool(DEFAULT_CASSANDRA_OPTIONS);
    session = pool.session(own.target);
  });
  afterAll(async () => {
    await stores.close();
    await pool.close();
    await dropKeyspace({ ...useCassandra(), keyspace });
  });

  const metadata = () => {
    const region = stores.regions.get(REGION);
    if (region === undefined) throw new Error('no region');
    return region.metadata;
  };

  /** Of a process of its own. now: its clock */
  const outboxOf = (heads: HeadTable, now: () => number = Date.now) =>
    new CassandraOutbox({
      table: new OutboxTable({ session, region: REGION }),
      leases: new OutboxLeases(session, randomUUID()),
      settler: new OutboxSettler(heads, now),
      options: { ...DEFAULT_CASSANDRA_OPTIONS, now },
    });

  it('is told of what was made, and never of what was not', async () => {
    const queue = `test/${randomUUID()}`;
    const heads = new HeadTable(session);
    const dying = outboxOf(heads);
    /** Announces a change of the key as it is, and dies; made: not before it has made the change. */
    const die = async (key: string, made: boolean) => {
      const { trail, state } = await heads.load(bucket, key, 'latest', { withInline: false, serial: true });
      let token = newToken();
      if (made) {
        await overwrite(metadata(), bucket, key);
        token = (await heads.load(bucket, key, 'latest', { withInline: false, serial: true })).trail.subarray(0, 8);
      }
      const change = { bucket, key, seq: state.seq + 1, token, base: trail, drafts: [{ queue, body: key }] };
      await dying.announce(change);
    };
    await die('new', false);
    await overwrite(metadata(), bucket, 'there');
    await die('there', false);
    await die('new and made', true);
    await overwrite(metadata(), bucket, 'there and made');
    await die('there and made', true);
    await overwrite(metadata(), bucket, 'moved on');
    await die('moved on', false);
    await overwrite(metadata(), bucket, 'moved on', draft({ etag: 'later' }));
    const before = await heads.load(bucket, 'there', 'latest', { withInline: false, serial: true });

    const found: OutboxEntry[] = [];
    await expect
      .poll(async () => {
        found.push(...(await metadata().outbox.take(queue, { limit: 10 })));
        return found.map(({ body }) => body).sort();
      }, POLL)
      .toEqual(['new and made', 'there and made']);
    await metadata().outbox.remove(found);
    expect(await metadata().outbox.take(queue, { limit: 10 })).toEqual([]);
    // What had been read for the change that was under way is no longer enough to make it.
    const after = await heads.load(bucket, 'there', 'latest', { withInline: false, serial: true });
    expect(after.clock).toBeGreaterThan(before.clock ?? 0);
    expect(after.state.latest).toEqual(before.state.latest);
    const fence = { clock: (before.clock ?? 0) + 1, token: newToken() };
    expect(await heads.fence(bucket, 'there', before, fence)).toBe(false);
    // Nothing is left of it.
    const rows = await session.read(`SELECT shard FROM ${session.keyspace}.outbox`, []);
    expect(rows).toHaveLength(0);
  });

  it('leaves no partition and no name of one behind when all is delivered', async () => {
    const queue = `test/${randomUUID()}`;
    let aheadMs = 0;
    const heads = new HeadTable(session);
    const outbox = outboxOf(heads, () => Date.now() + aheadMs);
    const base = Buffer.alloc(0);
    const change = { bucket, key: 'k', seq: 1, token: newToken(), base, drafts: [{ queue, body: '{}' }] };
    for (const _ of [1, 2, 3]) (await outbox.announce(change)).made();
    (await outbox.announce(change)).cancel();
    const entries = await outbox.take(queue, { limit: 10 });
    expect(entries).toHaveLength(3);
    await outbox.remove(entries.slice(1));
    await outbox.postpone(entries.slice(0, 1), Date.now());
    await outbox.drain();
    const names = async () => {
      const rows = await session.read(`SELECT scope, name FROM ${session.keyspace}.outbox_shard`, []);
      const all = rows.map((row) => [String(row['scope']), String(row['name'])].join(': '));
      return all.filter((name) => name.includes(queue)).sort();
    };
    expect((await names()).length).toBeGreaterThanOrEqual(3);
    // Long after.
    aheadMs = 3 * 60 * 60_000;
    const late: OutboxEntry[] = [];
    await expect.poll(async () => late.push(...(await outbox.take(queue, { limit: 10 }))), POLL).toBe(1);
    await outbox.take(queue, { limit: 10 });
    // In hand: nothing may be dropped.
    expect((await names()).length).toBeGreaterThanOrEqual(3);
    await outbox.remove(late);
    await expect
      .poll(async () => {
        await outbox.take(queue, { limit: 10 });
        return names();
      }, POLL)
      .toEqual([`queues:${REGION}: ${queue}`]);
  });
});
