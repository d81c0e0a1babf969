// Keys and tenants that have as much as they may have: 400 with a code of its own, and nothing is lost.
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListBucketsCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
} from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { failure, failures, put, read } from './helpers.js';
import type { Wire } from './servers.js';
import { bucketName, describeWire, KEYS } from './servers.js';

const MAX_VERSIONS = 4;
const MAX_BUCKETS = 2;
const limits = { 'max-versions-per-key': MAX_VERSIONS, 'max-buckets-per-tenant': MAX_BUCKETS };

describeWire('bounds', suite, { service: { workers: 1 }, limits }, { ownKeyspace: true });

function suite(wire: Wire): void {
  it('of versions: refused until one of them goes', async () => {
    const { s3 } = wire;
    const Bucket = await wire.bucket();
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await s3.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration }));
    for (let i = 1; i <= MAX_VERSIONS; i++) await put(s3, Bucket, 'key', `content ${i}`);
    await put(s3, Bucket, 'source', 'source');
    const refused = await failures([
      put(s3, Bucket, 'key', 'one more'),
      s3.send(new CopyObjectCommand({ Bucket, Key: 'key', CopySource: `${Bucket}/source` })),
      // Its delete marker would be one more.
      s3.send(new DeleteObjectCommand({ Bucket, Key: 'key' })),
    ]);
    for (const { status, code } of refused) expect([status, code]).toEqual([400, 'MaxVersionsExceeded']);
    expect((await read(s3, { Bucket, Key: 'key' })).content.toString()).toBe(`content ${MAX_VERSIONS}`);
    const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: 'key' }));
    expect(Versions).toHaveLength(MAX_VERSIONS);
    await s3.send(new DeleteObjectCommand({ Bucket, Key: 'key', VersionId: Versions.at(-1)?.VersionId }));
    await put(s3, Bucket, 'key', 'one more');
    expect((await read(s3, { Bucket, Key: 'key' })).content.toString()).toBe('one more');
  });

  it('of buckets: refused until one of them goes', async () => {
    const s3 = wire.client(KEYS.other);
    const create = async (Bucket = bucketName()): Promise<string> => {
      await s3.send(new CreateBucketCommand({ Bucket }));
      return Bucket;
    };
    const names: string[] = [];
    for (let i = 0; i < MAX_BUCKETS; i++) names.push(await create());
    const { status, code } = await failure(create());
    expect([status, code]).toEqual([400, 'TooManyBuckets']);
    const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
    expect(Buckets.map(({ Name }) => Name).sort()).toEqual(names.sort());
    await s3.send(new DeleteBucketCommand({ Bucket: names[0] }));
    await create();
    s3.destroy();
  });
}
