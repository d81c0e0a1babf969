/** fsck on Cassandra, and what only rows of its own can get wrong there: listings, tenants' lists, blocks without their inode. */
import { randomUUID } from 'node:crypto';
import { types } from 'cassandra-driver';
import type { Client } from 'cassandra-driver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '../../src/maintenance/figures.js';
import type { FsckOptions } from '../../src/maintenance/fsck.js';
import type { BucketRecord, Stores } from '../../src/store/types.js';
import { connectCassandra, dropKeyspace, uniqueKeyspace, useCassandra } from '../support/cassandra.js';
import { makeCassandraStores, openOwnStores } from './cassandra-stores.js';
import { fsckContract } from './suite/fsck.js';
import { checked } from './support/checked.js';
import { allKeys, draft, newBucket, overwrite, uploadRecord } from './suite/harness.js';

fsckContract('cassandra', makeCassandraStores);

describe('fsck on rows of Cassandra', () => {
  const keyspace = uniqueKeyspace('fsck');
  const region = 'fsck-1';
  let stores: Stores;
  let client: Client;
  let bucket: BucketRecord;

  beforeAll(async () => {
    ({ stores } = await openOwnStores(keyspace, region));
    client = await connectCassandra({ ...useCassandra(), keyspace });
    ({ bucket } = await stores.buckets.create(newBucket(region)));
  });
  afterAll(async () => {
    await stores.close();
    await client.shutdown();
    await dropKeyspace({ ...useCassandra(), keyspace });
  });

  const metadata = () => {
    const found = stores.regions.get(region)?.metadata;
    if (found === undefined) throw new Error('no region');
    return found;
  };

  const cql = (query: string, params: readonly unknown[]) => client.execute(query, [...params], { prepare: true });
  const instance = () => types.Uuid.fromString(bucket.instance);

  const fsck = async (options: Partial<FsckOptions> = {}): Promise<readonly Problem[]> =>
    (await checked(stores, options)).problems;

  /** A commit whose gateway died before it wrote the listings, and whose announcement is lost too. */
  const commitUnlisted = async (
    key: string,
    { of, versioned, clock }: { readonly of: string; readonly versioned: boolean; readonly clock: number },
  ): Promise<void> => {
    const from = await cql('SELECT slot, commits, doc, inline FROM object_head WHERE bucket = ? AND key = ? LIMIT 1', [
      instance(),
      of,
    ]);
    const { slot, commits, doc, inline } = from.first() as unknown as Record<string, unknown>;
    await cql(
      'INSERT INTO object_head (bucket, key, slot, key_clock, commits, versioned, doc, inline) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      [instance(), key, slot, types.Long.fromNumber(clock), commits, versioned, doc, inline],
    );
  };

  it('mends listings that lack a key, show what it was before, or show one that is gone', async () => {
    for (const key of ['kept', 'outdated', 'removed']) await overwrite(metadata(), bucket, key);
    await overwrite(metadata(), bucket, 'newer', draft({ etag: 'f'.repeat(32), sizeBytes: 5 }));
    expect(await fsck()).toEqual([]);

    const clock = (Date.now() + 1_000) * 1_000;
    await commitUnlisted('lacking', { of: 'kept', versioned: false, clock });
    await commitUnlisted('lacking-version', { of: 'kept', versioned: true, clock });
    await commitUnlisted('outdated', { of: 'newer', versioned: false, clock });
    const head = 'WHERE bucket = ? AND key = ?';
    await cql(`UPDATE object_head SET key_clock = ? ${head}`, [types.Long.fromNumber(clock), instance(), 'removed']);
    await cql(`DELETE FROM object_head ${head} AND slot = 9223372036854775807`, [instance(), 'removed']);
    await cql('INSERT INTO object_index (bucket, range, key, entry) VALUES (?, 0, ?, ?) USING TIMESTAMP 1', [
      instance(),
      'stray',
      '[1,2,"etag",3,"STANDARD","o",0,0,0]',
    ]);
    expect(await allKeys(metadata(), bucket)).toContain('removed');

    const wrong = ['lacking', 'lacking-version', 'outdated', 'removed', 'stray'];
    for (const repair of [false, true]) {
      const found = await fsck({ repair });
      expect(found.map(({ key }) => key).sort()).toEqual(wrong);
      for (const problem of found)
        expect(problem).toMatchObject({ kind: 'listing', bucket: bucket.name, repaired: repair });
    }
    expect(await fsck()).toEqual([]);
    expect(await allKeys(metadata(), bucket)).toEqual(['kept', 'lacking', 'lacking-version', 'newer', 'outdated']);
  });

  it('finds nothing wrong in a quorum bucket, whose superseded rows are still there', async () => {
    const quorum = await stores.buckets.create(newBucket(region, { consistency: 'quorum' }));
    const rows = () =>
      cql('SELECT slot FROM object_head WHERE bucket = ? AND key = ?', [
        types.Uuid.fromString(quorum.bucket.instance),
        'key',
      ]);
    do await overwrite(metadata(), quorum.bucket, 'key', draft({ etag: 'e'.repeat(32), sizeBytes: 5 }));
    while ((await rows()).rowLength < 2);
    expect((await fsck({ data: true })).filter((problem) => problem.bucket === quorum.bucket.name)).toEqual([]);
    await cql('INSERT INTO object_index (bucket, range, key, entry) VALUES (?, 0, ?, ?) USING TIMESTAMP 1', [
      types.Uuid.fromString(quorum.bucket.instance),
      'stray',
      '[1,2,"etag",3,"STANDARD","o",0,0,0]',
    ]);
    expect(await fsck({ repair: true })).toMatchObject([{ kind: 'listing', key: 'stray', repaired: true }]);
    expect(await fsck()).toEqual([]);
    expect(await allKeys(metadata(), quorum.bucket)).toEqual(['key']);
  });

  it('leaves a listing that the sweeper knows of to the sweeper', async () => {
    const intent = await metadata().openIntent(bucket, 'announced', []);
    await commitUnlisted('announced', { of: 'kept', versioned: false, clock: Date.now() * 1_000 });
    expect(await fsck()).toEqual([]);
    await metadata().abandonIntent(intent);
    await metadata().repairIndex(bucket, 'announced');
    expect(await allKeys(metadata(), bucket)).toContain('announced');
  });

  it('puts a bucket back into the list of its owner', async () => {
    const { bucket: lost } = await stores.buckets.create(newBucket(region));
    const row = [lost.owner.id, lost.name, types.Uuid.fromString(lost.instance)];
    await cql('DELETE FROM tenant_bucket WHERE tenant = ? AND name = ? AND instance = ?', row);
    const unlisted = async (repair: boolean) =>
      (await fsck({ repair })).filter(({ kind }) => kind === 'bucket-unlisted').map(({ bucket: name }) => name);
    expect(await unlisted(false)).toEqual([lost.name]);
    expect(await unlisted(true)).toEqual([lost.name]);
    expect(await unlisted(false)).toEqual([]);
  });

  it('finds blocks whose inode is not there, and makes them findable for the sweeper', async () => {
    const inode = randomUUID();
    const id = types.Uuid.fromString(inode);
    await cql('INSERT INTO blob_block (inode, block, chunk, crc, payload) VALUES (?, 2, 6, 0, ?)', [
      id,
      Buffer.alloc(10),
    ]);
    const orphans = async (repair: boolean) => (await fsck({ repair })).filter(({ kind }) => kind === 'orphan');
    expect(await orphans(false)).toEqual([expect.objectContaining({ inode, repaired: false })]);
    expect(await orphans(true)).toEqual([expect.objectContaining({ inode, repaired: true })]);
    expect(await orphans(false)).toEqual([]);
    await stores.regions.get(region)?.blobs.get('STANDARD')?.delete(inode);
    const left = await cql('SELECT chunk FROM blob_block WHERE inode = ? AND block = 2', [id]);
    expect(left.rows).toEqual([]);
  });

  it('mends the listing of uploads', async () => {
    const { bucket: other } = await stores.buckets.create(newBucket(region));
    const id = types.Uuid.fromString(other.instance);
    const uploadId = randomUUID();
    await metadata().createUpload(other, uploadRecord('uploaded', uploadId));
    await cql(
      'INSERT INTO upload_index (bucket, range, key, upload_id, state, record) VALUES (?, 0, ?, ?, ?, ?) USING TIMESTAMP 1',
      [
        id,
        'ghost',
        'ghost-upload',
        'open',
        JSON.stringify({
          uploadId: 'ghost-upload',
          key: 'ghost',
          createdAt: 1,
          initiator: ['i'],
          owner: ['o'],
          state: 'open',
          storageClass: 'STANDARD',
        }),
      ],
    );
    const of = (problems: readonly Problem[]) => problems.filter((problem) => problem.bucket === other.name);
    expect(of(await fsck()).map(({ key }) => key)).toEqual(['ghost']);
    expect(of(await fsck({ repair: true }))).toEqual([expect.objectContaining({ key: 'ghost', repaired: true })]);
    expect(of(await fsck())).toEqual([]);
  });
});
