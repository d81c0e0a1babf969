/**
 * Deletions that are repeated because the gateway that made them died before it had written the listings: acknowledged means that
 * listings show them.
 */
import { types } from 'cassandra-driver';
import type { Client } from 'cassandra-driver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BucketRecord, MetadataStore, ObjectVersion, Stores } from '../../src/store/types.js';
import { connectCassandra, dropKeyspace, uniqueKeyspace, useCassandra } from '../support/cassandra.js';
import { openOwnStores } from './cassandra-stores.js';
import { allKeys, allVersions, newBucket, overwrite, putVersion, removeVersion } from './suite/harness.js';

const REGION = 'repeats-1';
const NULL_SLOT = types.Long.fromString('9223372036854775807');

describe('a deletion of a version that is repeated', () => {
  const keyspace = uniqueKeyspace('repeats');
  let stores: Stores;
  let metadata: MetadataStore;
  let client: Client;
  let bucket: BucketRecord;

  beforeAll(async () => {
    ({ stores } = await openOwnStores(keyspace, REGION));
    const region = stores.regions.get(REGION);
    if (region === undefined) throw new Error('no region');
    ({ metadata } = region);
    client = await connectCassandra({ ...useCassandra(), keyspace });
    ({ bucket } = await stores.buckets.create(newBucket(REGION)));
  });
  afterAll(async () => {
    await stores.close();
    await client.shutdown();
    await dropKeyspace({ ...useCassandra(), keyspace });
  });

  /** What a gateway leaves that dies between the key and its listings; ms as the key's clock is in microseconds. */
  async function removeUnlisted(key: string, { versionId, seq }: ObjectVersion, last = false): Promise<void> {
    const at = [types.Uuid.fromString(bucket.instance), key];
    const clock = types.Long.fromNumber((Date.now() + 1_000) * 1_000);
    const slot = versionId === 'null' ? NULL_SLOT : types.Long.fromNumber(seq);
    await client.batch(
      [
        { query: 'DELETE FROM object_head WHERE bucket = ? AND key = ? AND slot = ?', params: [...at, slot] },
        {
          query: 'UPDATE object_head SET key_clock = ?, versioned = ? WHERE bucket = ? AND key = ?',
          params: [clock, last ? null : true, ...at],
        },
      ],
      { prepare: true },
    );
  }

  const listed = async (key: string) =>
    (await allVersions(metadata, bucket)).filter((entry) => entry.key === key).map(({ versionId }) => versionId);

  it.each([
    ['an old one', 0],
    ['the newest', 2],
  ])('takes %s out of the listing of versions', async (what, which) => {
    const key = what;
    const made: ObjectVersion[] = [];
    for (let i = 0; i < 3; i++) made.push(await putVersion(metadata, bucket, key));
    const [gone] = made.splice(which, 1);
    if (gone === undefined) throw new Error('no such version');
    await removeUnlisted(key, gone);
    expect(await listed(key)).toContain(gone.versionId);
    expect((await removeVersion(metadata, bucket, key, gone.versionId)).changed).toBe(false);
    expect(await listed(key)).toEqual(made.map(({ versionId }) => versionId).reverse());
  });

  it('takes the last one out of both listings', async () => {
    const only = await putVersion(metadata, bucket, 'last');
    await removeUnlisted('last', only, true);
    expect(await listed('last')).toEqual([only.versionId]);
    await removeVersion(metadata, bucket, 'last', only.versionId);
    expect(await listed('last')).toEqual([]);
    expect(await allKeys(metadata, bucket)).not.toContain('last');
  });

  it('takes the null version out of the listing of versions, of which the request does not say when it was made', async () => {
    const { version: old } = await overwrite(metadata, bucket, 'null');
    const newer = await putVersion(metadata, bucket, 'null');
    if (old === null) throw new Error('no version');
    await removeUnlisted('null', old);
    expect(await listed('null')).toEqual([newer.versionId, 'null']);
    await removeVersion(metadata, bucket, 'null', 'null');
    expect(await listed('null')).toEqual([newer.versionId]);
  });
});
