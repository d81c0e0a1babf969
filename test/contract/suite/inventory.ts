/** The runner of inventory reports on the store under test: that a report is made once, and whole or not at all. */
import { randomUUID } from 'node:crypto';
import pino from 'pino';
import { describe, expect, it } from 'vitest';
import { MemoryBudget } from '../../../src/data/budget.js';
import { LocalKms } from '../../../src/data/kms-local.js';
import type { InventoryRun } from '../../../src/inventory/runner.js';
import { InventoryRunner } from '../../../src/inventory/runner.js';
import type { InventoryConfiguration } from '../../../src/s3/inventory.js';
import { inventoryDocument, inventoryLeaseDocument } from '../../../src/s3/inventory.js';
import type { BucketRecord, MetadataStore, Stores } from '../../../src/store/types.js';
import {
  INTENT_LEASE_MS,
  OWNER,
  allKeys,
  draft,
  eventually,
  garbageOf,
  overwrite,
  range,
  useStores,
} from './harness.js';
import type { MakeStores } from './harness.js';

const DAY_MS = 24 * 60 * 60 * 1000;
/** Today's noon: no test crosses midnight. */
const NOON_MS = Math.floor(Date.now() / DAY_MS) * DAY_MS + DAY_MS / 2;
const ID = 'report';
const ROWS = 25;
const FILE_ROWS = 10;

export function inventoryContract(name: string, makeStores: MakeStores): void {
  describe(`${name}: inventory`, () => {
    const fixture = useStores(makeStores);

    /** A bucket with a few objects that wants a daily report, and the one that it goes to. */
    const setUp = async (overrides: Partial<InventoryConfiguration> = {}) => {
      const { metadata, bucket: makeBucket, stores } = fixture();
      const target = await makeBucket();
      await stores.buckets.update(target, () => ({ documents: { policy: policyOf(target.name) } }));
      const configuration: InventoryConfiguration = {
        id: ID,
        enabled: true,
        prefix: null,
        allVersions: false,
        frequency: 'Daily',
        fields: ['Size'],
        destination: { bucket: target.name, accountId: null, format: 'CSV', prefix: null, encryption: null },
        ...overrides,
      };
      const source = await makeBucket({ documents: { [inventoryDocument(ID)]: JSON.stringify(configuration) } });
      for (const index of range(ROWS)) await overwrite(metadata, source, `key-${index}`, draft());
      return { metadata, stores, source, target, published: () => publishedIn(metadata, target) };
    };

    /** days: how far its clock runs ahead */
    const runner = (days = 0, stores: Stores = fixture().stores) =>
      new InventoryRunner({
        services: {
          stores,
          encryption: {
            offered: true,
            keyRing: null,
            kms: new LocalKms({ keys: [], regions: [], masterKeys: [], defaultKeyId: null }),
            customerKeysRequireTls: false,
          },
          budget: new MemoryBudget({ limitBytes: 64 * 1024 * 1024 }),
          settings: { inlineThresholdBytes: 0, intentLeaseMs: INTENT_LEASE_MS, lifecycleDayMs: DAY_MS },
          now: () => NOON_MS + days * DAY_MS,
        },
        intervalMs: 60_000,
        dayMs: DAY_MS,
        limits: { maxRows: FILE_ROWS, maxBytes: 1024 * 1024 },
        log: pino({ level: 'silent' }),
      });

    const noteOf = async (bucket: BucketRecord): Promise<unknown> => {
      const record = await fixture().stores.buckets.get(bucket.name, { fresh: true });
      const note = record?.documents[inventoryLeaseDocument(ID)];
      return note === undefined ? null : JSON.parse(note);
    };

    it('is made by one of many gateways, once in a day, in files of bounded size', async () => {
      const { published, source } = await setUp();
      const runs = await Promise.all(range(4).map(() => runner().run()));
      expect(sum(runs, 'reports')).toBe(1);
      expect(sum(runs, 'rows')).toBe(ROWS);
      expect(await published()).toEqual({ data: 3, symlinks: 1, manifests: 1, checksums: 1 });
      expect(await noteOf(source)).toMatchObject({ holder: null, progress: null });
      expect((await runner().run()).reports).toBe(0);
      expect((await runner(1).run()).reports).toBe(1);
      expect(await published()).toEqual({ data: 6, symlinks: 2, manifests: 2, checksums: 2 });
    });

    it('is not made while it is another gateway that has it, and begun anew when that one has died', async () => {
      const { published, source, stores } = await setUp();
      const untilMs = NOON_MS + DAY_MS / 2;
      const note = { holder: randomUUID(), untilMs, startedMs: NOON_MS - DAY_MS, progress: 'begun' };
      await stores.buckets.update(source, () => ({
        documents: { [inventoryLeaseDocument(ID)]: JSON.stringify(note) },
      }));
      expect((await runner().run()).reports).toBe(0);
      expect((await published()).data).toBe(0);
      expect((await runner(0.6).run()).reports).toBe(1);
      expect(await published()).toEqual({ data: 3, symlinks: 1, manifests: 1, checksums: 1 });
    });

    it('is given up unseen when its configuration changes meanwhile', async () => {
      const { published, source, stores, metadata, target } = await setUp();
      const meddling = watching(stores, source, {
        scanned: async () => {
          await stores.buckets.update(source, () => ({ documents: { [inventoryLeaseDocument(ID)]: null } }));
        },
      });
      expect(await runner(0, meddling).run()).toEqual({ reports: 0, rows: 0, failures: 0 });
      expect(await published()).toEqual({ data: 0, symlinks: 0, manifests: 0, checksums: 0 });
      expect(await allKeys(metadata, target)).toEqual([]);
      expect((await runner().run()).reports).toBe(1);
    });

    it('leaves nothing but garbage when the store fails half way, and is begun anew', async () => {
      const { published, source, stores, metadata, target } = await setUp();
      const keys: string[] = [];
      const failing = watching(stores, source, {
        announced: (key) => {
          if (keys.push(key) > 2) throw new Error('the store broke down');
        },
      });
      expect(await runner(0, failing).run()).toEqual({ reports: 0, rows: 0, failures: 1 });
      expect(await allKeys(metadata, target)).toEqual([]);
      expect(keys).toHaveLength(3);
      for (const key of keys.slice(0, 2))
        await eventually(async () => (await garbageOf(metadata, target, key)).length, 1);
      expect(await noteOf(source)).toMatchObject({ holder: null, progress: 'begun' });
      expect((await runner().run()).reports).toBe(1);
      expect(await published()).toEqual({ data: 3, symlinks: 1, manifests: 1, checksums: 1 });
    });

    it('is not delivered without the permission of the destination, nor when it is disabled', async () => {
      const { published, stores, target } = await setUp();
      await stores.buckets.update(target, () => ({ documents: { policy: null } }));
      expect(await runner().run()).toEqual({ reports: 0, rows: 0, failures: 1 });
      expect((await published()).data).toBe(0);
      await stores.buckets.update(target, () => ({ documents: { policy: policyOf(target.name) } }));
      expect((await runner().run()).reports).toBe(1);
      const disabled = await setUp({ enabled: false });
      await runner().run();
      expect((await disabled.published()).data).toBe(0);
    });

    it('is not delivered to a bucket of another account than it says', async () => {
      const { stores, source, published } = await setUp();
      const document = inventoryDocument(ID);
      const change = (accountId: string) =>
        stores.buckets.update(source, ({ documents }) => {
          const configuration = JSON.parse(documents[document] ?? '') as InventoryConfiguration;
          const destination = { ...configuration.destination, accountId };
          return { documents: { [document]: JSON.stringify({ ...configuration, destination }) } };
        });
      await change('somebody else');
      expect((await runner().run()).failures).toBe(1);
      expect((await published()).data).toBe(0);
      await change(OWNER.id);
      expect((await runner().run()).reports).toBe(1);
    });
  });
}

function policyOf(target: string): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: {
      Effect: 'Allow',
      Principal: { Service: 's3.amazonaws.com' },
      Action: 's3:PutObject',
      Resource: `arn:aws:s3:::${target}/*`,
      Condition: { StringEquals: { 'aws:SourceAccount': OWNER.id } },
    },
  });
}

async function publishedIn(metadata: MetadataStore, target: BucketRecord) {
  const keys = await allKeys(metadata, target);
  const count = (end: string): number => keys.filter((key) => key.endsWith(end)).length;
  return {
    data: count('.csv.gz'),
    symlinks: count('/symlink.txt'),
    manifests: count('/manifest.json'),
    checksums: count('/manifest.checksum'),
  };
}

interface Watch {
  /** the bucket is about to be listed */
  readonly scanned?: () => Promise<void>;
  /** data of that key is about to be written */
  readonly announced?: (key: string) => void;
}

/** The stores, with something that happens at the same time. */
function watching(stores: Stores, bucket: BucketRecord, { scanned, announced }: Watch): Stores {
  const region = stores.regions.get(bucket.region);
  if (region === undefined) throw new Error('the bucket has no region');
  const watched: Partial<MetadataStore> = {
    scanObjects: async (ref, scan) => {
      if (ref.name === bucket.name) await scanned?.();
      return region.metadata.scanObjects(ref, scan);
    },
    openIntent: async (ref, key, blobs) => {
      announced?.(key);
      return region.metadata.openIntent(ref, key, blobs);
    },
    ...(region.metadata.announceBlob !== undefined && {
      announceBlob: async (ref, key, storageClass) => {
        announced?.(key);
        const blob = await region.metadata.announceBlob?.(ref, key, storageClass);
        if (blob === undefined) throw new Error('the store announces no blobs any more');
        return blob;
      },
    }),
  };
  const metadata = new Proxy(region.metadata, {
    get: (target, property) => {
      const own: unknown = Reflect.get(watched, property) ?? Reflect.get(target, property, target);
      return typeof own === 'function' ? (own.bind(target) as unknown) : own;
    },
  });
  return { ...stores, buckets: stores.buckets, regions: new Map([[region.name, { ...region, metadata }]]) };
}

function sum(runs: readonly InventoryRun[], what: keyof InventoryRun): number {
  return runs.reduce((total, run) => total + run[what], 0);
}
