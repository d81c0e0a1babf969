/** A tenant's quotas changed by several processes at once, on a partition whose answers get lost or come late. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { QuotaHolds } from '../../../../src/store/cassandra/quota-holds.js';
import { settleHold } from '../../../../src/store/cassandra/quota-ops.js';
import { StoreError } from '../../../../src/store/errors.js';
import { newTally, NO_TENANT, ZERO } from '../../../../src/store/shared/quota.js';
import { BUCKET, gatewayOf, Partition, TENANT } from './quota-partition.js';

const take = ({ holds }: { readonly holds: QuotaHolds }, bytes: number, frees: number | null = 0) =>
  holds.take({
    tenant: TENANT,
    bucket: BUCKET,
    key: `k${randomUUID()}`,
    amount: { bytes, objects: Math.sign(bytes) },
    frees: frees === null ? null : { bytes: frees, objects: 0 },
    token: Buffer.from('token'),
    base: Buffer.alloc(0),
  });

const kindOf = (error: unknown) => (error instanceof StoreError ? `${error.kind} ${error.outcome}` : String(error));

describe('Ledger', () => {
  it('takes what comes together along in one write', async () => {
    const partition = new Partition(1_000);
    const gateway = gatewayOf(partition);
    const holds = await Promise.all(Array.from({ length: 50 }, () => take(gateway, 10)));
    expect(partition.writes).toBe(1);
    await Promise.all(holds.map((hold) => hold.made()));
    await gateway.ledger.drain();
    expect(partition.writes).toBe(2);
    expect(partition.reads).toBe(1);
    expect(partition.bucket).toMatchObject({ used: { bytes: 500, objects: 50 }, held: ZERO });
  });

  it('refuses only what there is no room for, whoever has taken it', async () => {
    const partition = new Partition(100);
    const [a, b] = [gatewayOf(partition), gatewayOf(partition)];
    await (await take(a, 60)).made();
    expect(await take(b, 41).catch(kindOf)).toBe('quotaExceeded notApplied');
    await (await take(b, 40)).made();
    await a.ledger.drain();
    await b.ledger.drain();
    expect(await take(a, 1).catch(kindOf)).toBe('quotaExceeded notApplied');
    // What is about to become free counts as free, and what makes no demands is not judged.
    (await take(a, 0)).cancel();
    await (await take(b, -50)).made();
    await (await take(a, 50)).made();
    await a.ledger.drain();
    expect(partition.bucket.used.bytes).toBe(100);
  });

  it('waits for room that others have taken and give back', async () => {
    const partition = new Partition(100);
    const [a, b] = [gatewayOf(partition), gatewayOf(partition)];
    const first = await take(a, 80);
    const second = take(b, 80);
    first.cancel();
    await (await second).made();
    await b.ledger.drain();
    expect(partition.bucket.used.bytes).toBe(80);
  });

  it('settles what a process has left behind, once', async () => {
    const partition = new Partition(100);
    const [dead, alive] = [gatewayOf(partition), gatewayOf(partition)];
    await take(dead, 30);
    await take(dead, 20);
    await take(dead, 10);
    const [made, not, doubtful] = partition.holds.get(dead.id) ?? [];
    if (made === undefined || not === undefined || doubtful === undefined) throw new Error('nothing is held');
    for (let turn = 0; turn < 2; turn++) {
      await alive.ledger.run(settleHold(dead.id, made, 'made', false));
      await alive.ledger.run(settleHold(dead.id, not, 'dead', false));
      await alive.ledger.run(settleHold(dead.id, doubtful, 'unknown', false));
      // Whose it was was not dead after all, and settles it too.
      await dead.ledger.run(settleHold(dead.id, not, 'made', true));
    }
    expect(partition.bucket).toMatchObject({ used: { bytes: 40, objects: 2 }, held: ZERO, doubtful: true });
  });

  it('leaves buckets alone that are not counted any more', async () => {
    const partition = new Partition(100);
    const gateway = gatewayOf(partition);
    const hold = await take(gateway, 30);
    partition.buckets.delete(BUCKET.instance);
    partition.tenant = NO_TENANT;
    partition.buckets.set(BUCKET.instance, newTally({ name: 'b', region: 'r', epoch: 'another', counted: true }));
    partition.revision += 1;
    await hold.made();
    await gateway.ledger.drain();
    expect(partition.bucket).toMatchObject({ used: ZERO, held: ZERO });
    expect(partition.holds.get(gateway.id)).toEqual([]);
  });

  it('counts everything once, whatever gets lost', async () => {
    for (let seed = 1; seed <= 25; seed++) {
      let state = seed;
      const random = () => {
        state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
        return state / 2 ** 32;
      };
      const partition = new Partition(200);
      partition.fault = () => {
        const dice = random();
        if (dice < 0.1) return 'appliedButLost';
        if (dice < 0.2) return 'neverApplied';
        return dice < 0.3 ? 'appliedLater' : 'none';
      };
      const gateways = [gatewayOf(partition), gatewayOf(partition), gatewayOf(partition)];
      let used = 0;
      const worker = async (number: number): Promise<void> => {
        for (let turn = 0; turn < 8; turn++) {
          const gateway = gateways[(number + turn) % gateways.length];
          if (gateway === undefined) return;
          // No more than has been made already is taken away.
          const bytes = turn % 3 === 2 && used >= 40 ? -Math.floor(random() * 10) : 1 + Math.floor(random() * 30);
          if (bytes < 0) used += bytes;
          const hold = await take(gateway, bytes).catch((error: unknown) => {
            expect(kindOf(error)).toBe('quotaExceeded notApplied');
            return null;
          });
          if (hold === null) continue;
          if (bytes < 0 || random() < 0.8) {
            if (bytes > 0) used += bytes;
            await hold.made();
          } else hold.cancel();
        }
      };
      await Promise.all([0, 1, 2, 3, 4, 5].map(worker));
      await Promise.all(gateways.map(({ ledger }) => ledger.drain()));
      for (const late of partition.late) late();
      expect(partition.bucket.used.bytes, `seed ${seed}`).toBe(used);
      expect(partition.bucket.held.bytes, `seed ${seed}`).toBe(0);
    }
  }, 120_000);
});
