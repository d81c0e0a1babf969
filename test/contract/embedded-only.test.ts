/** What only the embedded store promises: its directory, its files, its repair, and how it fails. */
import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, mkdir, readFile, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { MetaDatabase } from '../../src/store/embedded/database.js';
import { openEmbeddedStores } from '../../src/store/embedded/index.js';
import type { EmbeddedStoresOptions } from '../../src/store/embedded/index.js';
import { headKey } from '../../src/store/embedded/keys.js';
import { loadOrCreateMasterKey } from '../../src/store/embedded/master-key.js';
import type { BucketRecord, Region, Stores } from '../../src/store/types.js';
import { CHUNK_SIZE_BYTES, blobFile, embeddedOptions, makeDataDir } from './embedded-stores.js';
import {
  allKeys,
  allVersions,
  draft,
  expectStoreError,
  garbageInodes,
  markerDraft,
  newBucket,
  overwrite,
  partRecord,
  putVersion,
  range,
  uploadRecord,
} from './suite/harness.js';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

describe('embedded store: data directory', () => {
  it('finds everything again when it is opened again', async () => {
    const { stores, dataDir, bucket, region } = await opened();
    await overwrite(region.metadata, bucket, 'key', draft({ data: { kind: 'inline', bytes: Buffer.from('bytes') } }));
    const inode = await writeBlob(region, [randomBytes(10)]);
    await stores.close();
    const again = await opened({ dataDir });
    expect(await again.stores.buckets.get(bucket.name)).toEqual(bucket);
    const version = await again.region.metadata.getVersion(bucket, 'key', 'latest', { withInline: true });
    expect(version?.data).toEqual({ kind: 'inline', bytes: Buffer.from('bytes') });
    expect(await readBlob(again.region, inode, 0)).toHaveLength(1);
  });

  it('goes on with greater seqs when the clock went back', async () => {
    const { stores, dataDir, bucket, region } = await opened();
    const before = await putVersion(region.metadata, bucket, 'key');
    await stores.close();
    const again = await opened({ dataDir, now: () => 1_000_000_000_000 });
    const after = await putVersion(again.region.metadata, bucket, 'other');
    expect(after.seq).toBeGreaterThan(before.seq);
  });

  it('refuses a directory of something else, and leaves it alone', async () => {
    const dataDir = await freshDir();
    await writeFile(join(dataDir, 'precious.txt'), 'x');
    const error = await expectStoreError(openEmbeddedStores(embeddedOptions(dataDir)), 'internal');
    expect(error.message).toContain('not a Pithos data directory');
    expect(error.message).toContain('precious.txt');
    expect(await readdir(dataDir)).toEqual(['precious.txt']);
  });

  it('refuses newer and unreadable formats', async () => {
    const dataDir = await freshDir();
    for (const [marker, reason] of [
      ['{"format":2}', 'data format 2'],
      ['{"format":"1"}', 'not a marker'],
      ['nonsense', 'not a marker'],
    ] as const) {
      await writeFile(join(dataDir, 'pithos-data.json'), marker);
      const error = await expectStoreError(openEmbeddedStores(embeddedOptions(dataDir)), 'internal');
      expect(error.message).toContain(reason);
    }
  });

  it('keeps names of regions and classes inside the directory', async () => {
    const dataDir = await freshDir();
    const names = { regionNames: ['..', 'a/b'], storageClasses: { STANDARD: null, '.': null } };
    const stores = await openEmbeddedStores({ ...embeddedOptions(dataDir), ...names });
    await stores.close();
    expect((await readdir(join(dataDir, 'blobs'))).sort()).toEqual(['%2E.', 'a%2Fb']);
    expect((await readdir(join(dataDir, 'blobs', '%2E.'))).sort()).toEqual(['%2E', 'STANDARD']);
  });

  it('keeps regions apart', async () => {
    const dataDir = await freshDir();
    const stores = await openEmbeddedStores({ ...embeddedOptions(dataDir), regionNames: ['one', 'two'] });
    cleanups.push(() => stores.close());
    const [one, two] = [...stores.regions.values()];
    if (one === undefined || two === undefined) throw new Error('no regions');
    const { bucket } = await stores.buckets.create(newBucket('one'));
    await overwrite(one.metadata, bucket, 'key');
    expect(await allKeys(two.metadata, bucket)).toEqual([]);
    await one.metadata.openIntent(bucket, 'key', [{ inode: randomUUID(), storageClass: 'STANDARD' }]);
    expect(await garbageInodes(two.metadata, bucket, 'key')).toEqual([]);
    expect(await garbageInodes(one.metadata, bucket, 'key')).toHaveLength(1);
  });

  it('refuses everything after close', async () => {
    const { stores, bucket, region } = await opened();
    await stores.close();
    await stores.close();
    await expectStoreError(overwrite(region.metadata, bucket, 'key'), 'closed');
    await expectStoreError(region.metadata.getVersion(bucket, 'key', 'latest', { withInline: false }), 'closed');
    await expectStoreError(stores.ready(), 'closed');
  });
});

describe('embedded store: metadata', () => {
  it('turns the uploads of a deleted bucket into garbage', async () => {
    const { stores, bucket, region } = await opened();
    const { metadata } = region;
    await metadata.createUpload(bucket, uploadRecord('key', 'u1'));
    const part = partRecord(1);
    const intent = await metadata.openIntent(bucket, 'key', [part.blob]);
    await metadata.putPart({ bucket, key: 'key', uploadId: 'u1' }, part, intent);
    expect(await stores.buckets.delete(bucket, () => metadata.isEmpty(bucket))).toBe('deleted');
    expect(await metadata.getUpload({ bucket, key: 'key', uploadId: 'u1' })).toBeNull();
    expect(await garbageInodes(metadata, bucket, 'key')).toEqual([part.blob.inode]);
  });

  it('turns blobs that a commit did not use into garbage, in entries of bounded size', async () => {
    const { bucket, region } = await opened();
    const { metadata } = region;
    const blobs = range(2500).map(() => ({
      inode: randomUUID(),
      storageClass: 'STANDARD',
      sizeBytes: 1,
      chunkSizeBytes: 1,
    }));
    const [used, ...unused] = blobs;
    if (used === undefined) throw new Error('no blob');
    const intent = await metadata.openIntent(bucket, 'key', blobs);
    await metadata.commit({
      bucket,
      key: 'key',
      select: 'latest',
      intent,
      decide: () => ({ put: { draft: draft({ data: { kind: 'blobs', blobs: [used] } }), isNull: true } }),
    });
    expect(await garbageInodes(metadata, bucket, 'key')).toEqual(unused.map((blob) => blob.inode).sort());
    const entries = await metadata.dueGarbage({ nowMs: Date.now() + 1000, limit: 100 });
    expect(entries.map((entry) => entry.blobs.length).sort()).toEqual([1000, 1000, 499].sort());
  });

  it('repairs a key whose newest row is lost or doubled', async () => {
    const { stores, dataDir, bucket, region } = await opened();
    for (const key of ['lost', 'doubled']) {
      await overwrite(region.metadata, bucket, key, draft({ etag: 'null' }));
      await putVersion(region.metadata, bucket, key, draft({ etag: 'second' }));
      await putVersion(region.metadata, bucket, key, markerDraft());
    }
    const sound = await allVersions(region.metadata, bucket);
    await stores.close();

    const db = new MetaDatabase({ path: join(dataDir, 'meta'), regionNames: ['test-region'] });
    const { live, hidden } = db.region('test-region');
    await db.transact((writes) => {
      writes.remove(hidden, headKey(bucket, 'lost'));
      const doubled = hidden.getBinary(headKey(bucket, 'doubled'));
      if (doubled === undefined) throw new Error('no row');
      writes.put(live, headKey(bucket, 'doubled'), doubled);
    });
    await db.close();

    const again = await opened({ dataDir });
    const { metadata } = again.region;
    for (const key of ['lost', 'doubled']) await metadata.repairIndex(bucket, key);
    const listed = await allVersions(metadata, bucket);
    expect(listed.filter((entry) => entry.key === 'doubled')).toEqual(sound.filter((entry) => entry.key === 'doubled'));
    expect(listed.filter((entry) => entry.key === 'lost').map((entry) => [entry.etag, entry.latest])).toEqual([
      ['second', true],
      ['null', false],
    ]);
    expect(await allKeys(metadata, bucket)).toEqual(['lost']);
    const found = await metadata.getVersion(bucket, 'lost', { versionId: 'null' }, { withInline: false });
    expect(found?.etag).toBe('null');
  });
});

describe('embedded store: blob files', () => {
  it('goes on reading a blob that is deleted meanwhile', async () => {
    const { region } = await opened();
    const chunks = range(20).map(() => randomBytes(CHUNK_SIZE_BYTES));
    const inode = await writeBlob(region, chunks);
    const read: Buffer[] = [];
    for await (const chunk of store(region).readChunks(inode, {
      first: 0,
      last: 19,
      storedChunkSizeBytes: CHUNK_SIZE_BYTES,
    })) {
      if (read.push(chunk) === 1) await store(region).delete(inode);
    }
    expect(Buffer.concat(read).equals(Buffer.concat(chunks))).toBe(true);
    await expectStoreError(readBlob(region, inode, 0), 'corrupt');
  });

  it('notices a file that was cut off anywhere', async () => {
    const { dataDir, region } = await opened();
    const chunks = range(3).map(() => randomBytes(CHUNK_SIZE_BYTES));
    const inode = await writeBlob(region, chunks);
    const path = blobFile(dataDir, 'test-region', 'STANDARD', inode);
    const { size } = await stat(path);
    for (const cut of [size - 1, size - 4, size - 5, size - CHUNK_SIZE_BYTES, size - CHUNK_SIZE_BYTES - 4]) {
      await truncate(path, cut);
      await expectStoreError(readBlob(region, inode, 2), 'corrupt');
    }
    expect(await readBlob(region, inode, 1)).toHaveLength(2);
  });

  it('writes the documented layout', async () => {
    const { dataDir, region } = await opened();
    const inode = await writeBlob(region, [Buffer.alloc(CHUNK_SIZE_BYTES, 1), Buffer.from('123456789')]);
    const file = await readFile(blobFile(dataDir, 'test-region', 'STANDARD', inode));
    expect(file.length).toBe(CHUNK_SIZE_BYTES + 4 + 9 + 4);
    expect(file.subarray(CHUNK_SIZE_BYTES + 4).toString('hex')).toBe('313233343536373839e3069283');
  });

  it('does not write over a blob, nor outside its directory', async () => {
    const { region } = await opened();
    const inode = await writeBlob(region, [randomBytes(5)]);
    const options = { storedChunkSizeBytes: CHUNK_SIZE_BYTES };
    await expectStoreError(store(region).openWriter(inode, options), 'internal');
    await expectStoreError(store(region).openWriter('../../../../x', options), 'internal');
    expect(await readBlob(region, inode, 0)).toHaveLength(1);
  });

  it('creates directories again that somebody has tidied up', async () => {
    const { dataDir, region } = await opened();
    const inode = await writeBlob(region, [randomBytes(5)]);
    await rm(join(dataDir, 'blobs', 'test-region', 'STANDARD', inode.slice(0, 2)), { recursive: true });
    const sibling = `${inode.slice(0, 4)}${randomUUID().slice(4)}`;
    const writer = await store(region).openWriter(sibling, { storedChunkSizeBytes: CHUNK_SIZE_BYTES });
    await writer.write(0, [randomBytes(5)]);
    await writer.finish();
    expect(await readBlob(region, sibling, 0)).toHaveLength(1);
  });

  it('leaves no file behind after abort', async () => {
    const { dataDir, region } = await opened();
    const inode = randomUUID();
    const writer = await store(region).openWriter(inode, { storedChunkSizeBytes: CHUNK_SIZE_BYTES });
    const writing = writer.write(0, [randomBytes(CHUNK_SIZE_BYTES)]);
    await writer.abort();
    await writing;
    await expect(stat(blobFile(dataDir, 'test-region', 'STANDARD', inode))).rejects.toThrow('ENOENT');
  });
});

describe('embedded store: master key', () => {
  it('is made once, the same for all that start at the same time', async () => {
    const dataDir = join(await freshDir(), 'new');
    const keys = await Promise.all(range(10).map(() => loadOrCreateMasterKey(dataDir)));
    const [first] = keys;
    expect(first?.key).toHaveLength(32);
    expect(first?.id).toMatch(/^[0-9a-f]{16}$/);
    for (const key of keys) expect(key).toEqual(first);
    expect(await readdir(dataDir)).toEqual(['master.key']);
    const { mode } = await stat(join(dataDir, 'master.key'));
    expect(mode & 0o777).toBe(0o600);
    expect(await loadOrCreateMasterKey(dataDir)).toEqual(first);
    // and the store opens on it
    const stores = await openEmbeddedStores(embeddedOptions(dataDir));
    await stores.close();
  });

  it('differs from directory to directory', async () => {
    const [a, b] = [await loadOrCreateMasterKey(await freshDir()), await loadOrCreateMasterKey(await freshDir())];
    expect(a.id).not.toBe(b.id);
    expect(a.key.equals(b.key)).toBe(false);
  });

  it.each([0o640, 0o604, 0o660, 0o601])('refuses a file of mode %o', async (mode) => {
    const dataDir = await freshDir();
    await loadOrCreateMasterKey(dataDir);
    await chmod(join(dataDir, 'master.key'), mode);
    const error = await expectStoreError(loadOrCreateMasterKey(dataDir), 'internal');
    expect(error.message).toContain(`mode ${mode.toString(8)}`);
  });

  it.each([0, 31, 33])('refuses a file of %i bytes', async (length) => {
    const dataDir = await freshDir();
    await writeFile(join(dataDir, 'master.key'), Buffer.alloc(length), { mode: 0o600 });
    const error = await expectStoreError(loadOrCreateMasterKey(dataDir), 'internal');
    expect(error.message).toContain(`${length} bytes`);
  });

  it('refuses what is no file', async () => {
    const dataDir = await freshDir();
    await mkdir(join(dataDir, 'master.key'), { mode: 0o700 });
    await expectStoreError(loadOrCreateMasterKey(dataDir), 'internal');
  });
});

interface Opened {
  readonly stores: Stores;
  readonly dataDir: string;
  readonly region: Region;
  readonly bucket: BucketRecord;
}

async function opened(overrides: Partial<EmbeddedStoresOptions> = {}): Promise<Opened> {
  const dataDir = overrides.dataDir ?? (await freshDir());
  const stores = await openEmbeddedStores({ ...embeddedOptions(dataDir), ...overrides });
  cleanups.push(() => stores.close());
  const region = stores.regions.get('test-region');
  if (region === undefined) throw new Error('no region');
  return { stores, dataDir, region, bucket: (await stores.buckets.create(newBucket(region.name))).bucket };
}

async function freshDir(): Promise<string> {
  const dataDir = await makeDataDir();
  cleanups.push(() => rm(dataDir, { recursive: true, force: true }));
  return dataDir;
}

function store(region: Region) {
  const blobs = region.blobs.get('STANDARD');
  if (blobs === undefined) throw new Error('no storage class STANDARD');
  return blobs;
}

async function writeBlob(region: Region, chunks: readonly Buffer[]): Promise<string> {
  const inode = randomUUID();
  const writer = await store(region).openWriter(inode, { storedChunkSizeBytes: CHUNK_SIZE_BYTES });
  for (const [i, chunk] of chunks.entries()) await writer.write(i, [chunk]);
  await writer.finish();
  return inode;
}

async function readBlob(region: Region, inode: string, last: number): Promise<Buffer[]> {
  const options = { first: 0, last, storedChunkSizeBytes: CHUNK_SIZE_BYTES };
  const chunks: Buffer[] = [];
  for await (const chunk of store(region).readChunks(inode, options)) chunks.push(chunk);
  return chunks;
}
