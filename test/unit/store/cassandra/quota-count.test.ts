/** Counting a bucket beside writers whose changes fall between any two steps of it. */
import { setImmediate as tick } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { KeyedMutex } from '../../../../src/store/cassandra/keyed-mutex.js';
import { countBucket } from '../../../../src/store/cassandra/quota-count.js';
import type { CountRequest } from '../../../../src/store/cassandra/quota-count.js';
import { compareKeys } from '../../../../src/store/key-order.js';
import type { VersionEntry } from '../../../../src/store/types.js';
import { BUCKET, gatewayOf, Partition, TENANT } from './quota-partition.js';

/** A bucket with one version a key, whose listing takes its time. */
class World {
  readonly partition = new Partition(1e9, false);
  readonly sizes = new Map<string, number>();
  readonly #keys = new KeyedMutex();
  readonly #random: () => number;

  constructor(seed: number) {
    let state = seed;
    this.#random = () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    };
    for (let i = 0; i < 40; i++) if (this.#random() < 0.6) this.sizes.set(`k${i}`, this.#dice(100));
  }

  #dice(faces: number): number {
    return Math.floor(this.#random() * faces);
  }

  async #pause(): Promise<void> {
    for (let left = this.#dice(4); left > 0; left--) await tick();
  }

  sum(): { bytes: number; objects: number } {
    return { bytes: [...this.sizes.values()].reduce((sum, size) => sum + size, 0), objects: this.sizes.size };
  }

  readonly region: CountRequest['region'] = {
    scanVersions: async (_bucket, { from, limit }) => {
      const found: VersionEntry[] = [];
      for (let i = 0, keys = this.#after(from); i < keys.length && found.length < limit; i++) {
        if (this.#dice(3) === 0) await tick();
        const key = keys[i] ?? '';
        const sizeBytes = this.sizes.get(key);
        if (sizeBytes !== undefined) found.push(entry(key, sizeBytes));
      }
      return found;
    },
  };

  /** All keys that there may be. */
  #after(from: string): string[] {
    return Array.from({ length: 60 }, (_, i) => `k${i}`)
      .filter((key) => compareKeys(key, from) > 0)
      .sort(compareKeys);
  }

  readonly settler: CountRequest['settler'] = {
    settle: () => Promise.resolve(),
    underWay: async (_tenant, _instance, wanted) => {
      await tick();
      return [...this.partition.holds.values()].flat().filter(({ key }) => wanted(key)).length;
    },
  };

  /** Puts, overwrites or deletes a key. */
  async change(gateway: ReturnType<typeof gatewayOf>): Promise<void> {
    const key = `k${this.#dice(60)}`;
    const size = this.#dice(3) === 0 ? null : this.#dice(100);
    await this.#keys.run(key, async () => {
      const before = this.sizes.get(key);
      const amount = {
        bytes: (size ?? 0) - (before ?? 0),
        objects: (size === null ? 0 : 1) - (before === undefined ? 0 : 1),
      };
      const common = { tenant: TENANT, bucket: BUCKET, frees: { bytes: 0, objects: 0 } };
      const hold = await gateway.holds.take({ ...common, key, amount, token: Buffer.alloc(8), base: Buffer.alloc(0) });
      await this.#pause();
      if (this.#dice(5) === 0) {
        hold.cancel();
        return;
      }
      if (size === null) this.sizes.delete(key);
      else this.sizes.set(key, size);
      await this.#pause();
      await hold.made();
    });
  }
}

function entry(key: string, sizeBytes: number): VersionEntry {
  return {
    key,
    sizeBytes,
    etag: '',
    lastModified: 0,
    storageClass: 'STANDARD',
    owner: { id: TENANT, displayName: '' },
    checksumAlgorithm: null,
    checksumType: null,
    versionId: 'null',
    seq: 1,
    deleteMarker: false,
    latest: true,
  };
}

describe('countBucket', () => {
  it('misses nothing and counts nothing twice', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const world = new World(seed);
      const gateways = [gatewayOf(world.partition), gatewayOf(world.partition)];
      const [first] = gateways;
      if (first === undefined) return;
      let counting = true;
      const writers = Array.from({ length: 5 }, async (_, writer) => {
        for (let turn = 0; counting; turn++) await world.change(gateways[(writer + turn) % 2] ?? first);
      });
      const { region, settler } = world;
      const request = { ledger: first.ledger, region, settler, tenant: TENANT, bucket: BUCKET, pageSize: 7 };
      await countBucket({ ...request, adopt: true });
      const check = await countBucket({ ...request, adopt: false });
      counting = false;
      await Promise.all(writers);
      for (const { ledger } of gateways) await ledger.drain();
      expect(check?.counter, `seed ${seed}`).toEqual(check?.counted);
      expect(world.partition.bucket, `seed ${seed}`).toMatchObject({
        used: world.sum(),
        held: { bytes: 0, objects: 0 },
        counted: true,
        count: null,
      });
    }
  }, 120_000);

  it('gives way to another that counts the same bucket, and knows when the counter is gone', async () => {
    const world = new World(1);
    const { ledger } = gatewayOf(world.partition);
    const { settler } = world;
    const request = { ledger, settler, tenant: TENANT, bucket: BUCKET, pageSize: 7, adopt: true };
    let other: Promise<unknown> | null = null;
    const region: CountRequest['region'] = {
      scanVersions: async (bucket, scan) => {
        other ??= countBucket({ ...request, region: world.region });
        await other;
        return world.region.scanVersions(bucket, scan);
      },
    };
    await expect(countBucket({ ...request, region })).rejects.toMatchObject({ kind: 'contention' });
    expect(world.partition.bucket.used).toEqual(world.sum());
    world.partition.buckets.clear();
    world.partition.revision += 1;
    expect(await countBucket({ ...request, region: world.region })).toBeNull();
  });
});
