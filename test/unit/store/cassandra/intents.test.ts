import { describe, expect, it } from 'vitest';
import type { GarbageItem, GarbageKind } from '../../../../src/store/cassandra/garbage-rows.js';
import type { GarbageRow } from '../../../../src/store/cassandra/garbage-table.js';
import { IntentLog } from '../../../../src/store/cassandra/intents.js';
import { DEFAULT_CASSANDRA_OPTIONS } from '../../../../src/store/cassandra/options.js';
import { StoreError } from '../../../../src/store/errors.js';
import type { BucketRef } from '../../../../src/store/types.js';

const BUCKET: BucketRef = { name: 'b', instance: '11111111-1111-4111-8111-111111111111', region: 'r' };
const LEASE_MS = 60_000;
const GRACE_MS = 30_000;
const BLOB = (n: number) => ({ inode: `inode-${n}`, storageClass: 'STANDARD' });

function setUp() {
  const world = {
    now: 1_000_000,
    rows: new Map<string, GarbageRow>(),
    writes: 0,
    made: 0,
    failure: null as Error | null,
  };
  const table = {
    newRow: (kind: GarbageKind, items: readonly GarbageItem[], notBeforeMs: number): GarbageRow => {
      world.made += 1;
      return { shard: 's', id: `row-${world.made}`, kind, items: [...items], notBeforeMs };
    },
    write: async (row: GarbageRow) => {
      world.writes += 1;
      await new Promise((resolve) => setTimeout(resolve, 2));
      if (world.failure !== null) throw world.failure;
      world.rows.set(row.id, row);
    },
    remove: async (rows: readonly Pick<GarbageRow, 'id'>[]) => {
      for (const { id } of rows) world.rows.delete(id);
    },
  };
  const options = {
    ...DEFAULT_CASSANDRA_OPTIONS,
    intentLeaseMs: LEASE_MS,
    gcGraceMs: GRACE_MS,
    now: () => world.now,
  };
  return { world, log: new IntentLog(table, options) };
}

const kindOf = (error: unknown) => (error instanceof StoreError ? `${error.kind} ${error.outcome}` : String(error));

describe('IntentLog: changes', () => {
  it('makes many changes durable in few rows, and removes a row when all its changes are done', async () => {
    const { world, log } = setUp();
    const tickets = Array.from({ length: 100 }, (_, i) => log.announce(BUCKET, `key-${i}`));
    const late = Array.from({ length: 50 }, async (_, i) => {
      await Promise.resolve();
      await Promise.resolve();
      const ticket = log.announce(BUCKET, `late-${i}`);
      await ticket.durable;
      return ticket;
    });
    await Promise.all(tickets.map(({ durable }) => durable));
    const all = [...tickets, ...(await Promise.all(late))];
    expect(world.writes).toBeLessThanOrEqual(3);
    const announced = [...world.rows.values()].flatMap(({ items }) => items.map(({ key }) => key));
    expect(announced).toHaveLength(150);
    const [last, ...others] = all;
    for (const ticket of others) ticket.done();
    await log.drain();
    expect(world.rows.size).toBe(1);
    last?.done();
    last?.done();
    await log.drain();
    expect(world.rows.size).toBe(0);
  });

  it('cuts groups, so that no row grows without bound', async () => {
    const { world, log } = setUp();
    await Promise.all(Array.from({ length: 1000 }, (_, i) => log.announce(BUCKET, `key-${i}`).durable));
    expect(Math.max(...[...world.rows.values()].map(({ items }) => items.length))).toBeLessThanOrEqual(256);
    expect([...world.rows.values()].reduce((sum, { items }) => sum + items.length, 0)).toBe(1000);
  });

  it('says that nothing was applied when an announcement fails', async () => {
    const { world, log } = setUp();
    world.failure = new StoreError('timeout', 'unknown', 'slow');
    const ticket = log.announce(BUCKET, 'k');
    expect(await ticket.durable.catch(kindOf)).toBe('timeout notApplied');
    ticket.done();
    world.failure = null;
    await log.announce(BUCKET, 'k').durable;
  });
});

describe('IntentLog: blobs', () => {
  it('holds blobs until they are referred to', async () => {
    const { world, log } = setUp();
    const intent = await log.openIntent(BUCKET, 'k', [BLOB(1)]);
    expect([...world.rows.values()]).toMatchObject([{ kind: 'intent', notBeforeMs: world.now + LEASE_MS }]);
    log.use(intent);
    log.close(intent, [BLOB(2)]);
    await log.drain();
    expect(world.rows.size).toBe(1);
    log.close(intent, [BLOB(1), BLOB(2)]);
    await log.drain();
    expect(world.rows.size).toBe(0);
    expect(() => log.use(intent)).toThrow(/lapsed or was closed/);
  });

  it('makes garbage at once of what a commit did not use', async () => {
    const { world, log } = setUp();
    const intent = await log.openIntent(BUCKET, 'k', [BLOB(1), BLOB(2)]);
    log.close(intent, [BLOB(2)]);
    await log.drain();
    expect([...world.rows.values()]).toMatchObject([{ notBeforeMs: world.now, items: [{ blobs: [BLOB(1)] }] }]);
  });

  it('is used, and renewed, only with a margin to the end of the lease', async () => {
    const { world, log } = setUp();
    const intent = await log.openIntent(BUCKET, 'k', [BLOB(1)]);
    world.now += LEASE_MS * 0.7;
    await log.renew(intent);
    expect([...world.rows.values()]).toMatchObject([{ notBeforeMs: world.now + LEASE_MS }]);
    world.now += LEASE_MS * 0.7;
    log.use(intent);
    world.now += LEASE_MS * 0.2;
    expect(await log.renew(intent).catch(kindOf)).toBe('closed notApplied');
    expect(() => log.use(intent)).toThrow(StoreError);
  });

  it('ends when the sweeper was told of it', async () => {
    const { world, log } = setUp();
    const intent = await log.openIntent(BUCKET, 'k', [BLOB(1)]);
    log.lapse(world.rows.keys());
    expect(() => log.use(intent)).toThrow(StoreError);
    await log.abandon(intent);
    expect(world.rows.size).toBe(1);
  });

  it('makes abandoned blobs due at once, still to be settled if a commit was attempted', async () => {
    const { world, log } = setUp();
    const untried = await log.openIntent(BUCKET, 'k', [BLOB(1)]);
    const tried = await log.openIntent(BUCKET, 'k', [BLOB(2)]);
    log.use(tried);
    await log.abandon(untried);
    await log.abandon(tried);
    await log.abandon(tried);
    expect([...world.rows.values()]).toMatchObject([
      { kind: 'garbage', notBeforeMs: world.now, items: [{ blobs: [BLOB(1)] }] },
      { kind: 'intent', notBeforeMs: world.now, items: [{ blobs: [BLOB(2)] }] },
    ]);
  });

  it('announces garbage in bounded rows, due after the grace period', async () => {
    const { world, log } = setUp();
    const blobs = Array.from({ length: 1200 }, (_, i) => BLOB(i));
    const rows = await log.announceGarbage(BUCKET, 'k', blobs);
    expect([...world.rows.values()].map(({ items }) => items[0]?.blobs.length)).toEqual([500, 500, 200]);
    for (const row of rows) expect(row.notBeforeMs).toBe(world.now + GRACE_MS);
    log.cancelGarbage(rows);
    await log.drain();
    expect(world.rows.size).toBe(0);
  });
});
