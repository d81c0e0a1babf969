/** Blobs that the embedded store announces and creates ahead of time: what they spare, and that none of them is left behind. */
import { randomBytes, randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEmbeddedStores } from '../../src/store/embedded/index.js';
import type { StoreObserver } from '../../src/store/shared/observer.js';
import type { AnnouncedBlob, BlobStore, BucketRecord, Region, Stores } from '../../src/store/types.js';
import { CHUNK_SIZE_BYTES, embeddedOptions, makeDataDir } from './embedded-stores.js';
import { draft, expectStoreError, garbageInodes, INTENT_LEASE_MS, newBucket, range } from './suite/harness.js';

const signal = new AbortController().signal;
const CLASS = 'STANDARD';

let dataDir: string;
let stores: Stores;
let region: Region;
let bucket: BucketRecord;
let calls: Map<string, number>;

const observer: StoreObserver = {
  began: (call) => {
    calls.set(call, (calls.get(call) ?? 0) + 1);
    return () => undefined;
  },
  retried: () => undefined,
};

const regionOf = (of: Stores): Region => {
  const found = of.regions.get('test-region');
  if (found === undefined) throw new Error('no region');
  return found;
};

beforeEach(async () => {
  calls = new Map();
  dataDir = await makeDataDir();
  stores = await openEmbeddedStores({ ...embeddedOptions(dataDir), observer });
  region = regionOf(stores);
  ({ bucket } = await stores.buckets.create(newBucket(region.name)));
});
afterEach(async () => {
  await stores.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function announce(key = 'key'): Promise<AnnouncedBlob> {
  const announced = await region.metadata.announceBlob?.(bucket, key, CLASS);
  if (announced === undefined) throw new Error('the store announces no blobs');
  return announced;
}

function files(of: Region = region): BlobStore {
  const found = of.blobs.get(CLASS);
  if (found === undefined) throw new Error('no storage class');
  return found;
}

async function put({ inode, intent }: AnnouncedBlob, bytes = randomBytes(100)): Promise<void> {
  const writer = await files().openWriter(inode, { storedChunkSizeBytes: CHUNK_SIZE_BYTES });
  await writer.write(0, [bytes]);
  await writer.finish();
  const blob = { inode, storageClass: CLASS, sizeBytes: bytes.length, chunkSizeBytes: CHUNK_SIZE_BYTES };
  await region.metadata.commit({
    bucket,
    key: intent.key,
    select: 'latest',
    intent,
    decide: () => ({ put: { draft: draft({ data: { kind: 'blobs', blobs: [blob] } }), isNull: true } }),
  });
}

/** Inodes that intents and garbage name, and those that have a file. */
async function left(of: Stores = stores): Promise<{ readonly announced: string[]; readonly stored: string[] }> {
  const audit = await of.audit();
  const announced: string[] = [];
  for await (const entries of audit.regions.get(region.name)?.backlog({ signal }) ?? [])
    announced.push(...entries.flatMap(({ blobs }) => blobs.map(({ inode }) => inode)));
  const stored: string[] = [];
  for (const place of audit.places)
    for await (const { items } of place.blobs({ cursor: null, signal }))
      stored.push(...items.map(({ inode }) => inode));
  return { announced: announced.sort(), stored: stored.sort() };
}

describe('embedded store: blobs ahead of time', () => {
  it('spare writes most of the announcements, and are gone when nobody writes any more', async () => {
    const inodes: string[] = [];
    for (const i of range(100)) {
      const blob = await announce(`key-${i}`);
      inodes.push(blob.inode);
      await put(blob);
    }
    expect(new Set(inodes).size).toBe(100);
    // A commit for each, and one now and then for many to come.
    expect(calls.get('commit')).toBeLessThan(150);
    await expect.poll(left).toEqual({ announced: [], stored: inodes.sort() });
    for (const inode of inodes)
      for await (const chunk of files().readChunks(inode, {
        first: 0,
        last: 0,
        storedChunkSizeBytes: CHUNK_SIZE_BYTES,
      }))
        expect(chunk).toHaveLength(100);
  });

  it('are announced before they have a file', async () => {
    for (const round of range(5)) {
      const blobs = await Promise.all(range(8).map(() => announce(`round-${round}`)));
      const before = new Set((await left()).stored);
      const { announced, stored } = await left();
      // More are announced meanwhile, and expire: those that were there before and after the announcements were read were among them.
      expect(announced).toEqual(expect.arrayContaining(stored.filter((inode) => before.has(inode))));
      expect(stored).toEqual(expect.arrayContaining(blobs.map(({ inode }) => inode)));
      for (const { intent } of blobs) await region.metadata.abandonIntent(intent);
    }
  });

  it('belong to the key once they are taken: what is given up is garbage of that key', async () => {
    const { inode, intent } = await announce('given-up');
    expect(intent).toMatchObject({ bucket: { name: bucket.name }, key: 'given-up' });
    await region.metadata.abandonIntent(intent);
    expect(await garbageInodes(region.metadata, bucket, 'given-up')).toEqual([inode]);
  });

  it('are not handed out when the sweeper has claimed them', async () => {
    for (const i of range(5)) await put(await announce(`before-${i}`));
    const due = await region.metadata.dueGarbage({ nowMs: Date.now() + 10 * INTENT_LEASE_MS, limit: 1000 });
    const claimed = new Set(due.flatMap(({ blobs }) => blobs.map(({ inode }) => inode)));
    for (const i of range(40)) {
      const blob = await announce(`after-${i}`);
      expect(claimed.has(blob.inode)).toBe(false);
      await put(blob);
    }
  });

  it('that a process left behind are found and removed like any that were announced', async () => {
    const taken = await announce('unfinished');
    for (const i of range(4)) await put(await announce(`whole-${i}`));
    const other = await openEmbeddedStores(embeddedOptions(dataDir));
    try {
      const { metadata } = regionOf(other);
      for (const entry of await metadata.dueGarbage({ nowMs: Date.now() + 10 * INTENT_LEASE_MS, limit: 1000 })) {
        for (const { inode } of await metadata.unreferenced(entry)) await files(regionOf(other)).delete(inode);
        await metadata.removeGarbage(entry);
      }
      const { announced, stored } = await left(other);
      expect(announced).toEqual([]);
      expect(stored).toHaveLength(4);
      await expectStoreError(put(taken), 'closed');
    } finally {
      await other.close();
    }
  });

  it('go with the store', async () => {
    for (const i of range(6)) await put(await announce(`key-${i}`));
    await stores.close();
    stores = await openEmbeddedStores(embeddedOptions(dataDir));
    const { announced, stored } = await left();
    expect(announced).toEqual([]);
    expect(stored).toHaveLength(6);
    await expectStoreError(announce(), 'closed');
  });
});

it('a large blob is synced while it is written', async () => {
  const inode = randomUUID();
  const writer = await files().openWriter(inode, { storedChunkSizeBytes: CHUNK_SIZE_BYTES });
  const chunk = randomBytes(CHUNK_SIZE_BYTES);
  const chunks = (40 * 1024 * 1024) / CHUNK_SIZE_BYTES;
  for (const i of range(chunks)) await writer.write(i, [chunk]);
  expect(calls.get('early sync')).toBeGreaterThan(0);
  expect(calls.get('sync')).toBeUndefined();
  await writer.finish();
  expect(calls.get('sync')).toBe(1);
  let found = 0;
  for await (const read of files().readChunks(inode, {
    first: 0,
    last: chunks - 1,
    storedChunkSizeBytes: CHUNK_SIZE_BYTES,
  }))
    if (read.equals(chunk)) found += 1;
  expect(found).toBe(chunks);
});
