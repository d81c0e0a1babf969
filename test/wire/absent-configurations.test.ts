// What tools read of a bucket that has no such configuration, what is refused by name, and other operations on objects that have
// nothing to work on.
import {
  DeleteBucketAnalyticsConfigurationCommand,
  DeleteBucketIntelligentTieringConfigurationCommand,
  DeleteBucketMetricsConfigurationCommand,
  DeleteBucketReplicationCommand,
  GetBucketAccelerateConfigurationCommand,
  GetBucketAnalyticsConfigurationCommand,
  GetBucketIntelligentTieringConfigurationCommand,
  GetBucketMetricsConfigurationCommand,
  GetBucketReplicationCommand,
  GetObjectTorrentCommand,
  ListBucketAnalyticsConfigurationsCommand,
  ListBucketIntelligentTieringConfigurationsCommand,
  ListBucketMetricsConfigurationsCommand,
  PutBucketAccelerateConfigurationCommand,
  RestoreObjectCommand,
} from '@aws-sdk/client-s3';
import { beforeAll, expect, it } from 'vitest';
import { failure, put } from './helpers.js';
import { exchange, signedExchange } from './raw.js';
import { describeWire, KEYS } from './servers.js';

describeWire('configurations that no bucket has', (wire) => {
  let Bucket = '';
  beforeAll(async () => {
    Bucket = await wire.bucket();
    await put(wire.s3, Bucket, 'k', 'x');
  });

  it('are read as S3 answers for a bucket without one', async () => {
    const { s3 } = wire;
    expect((await s3.send(new GetBucketAccelerateConfigurationCommand({ Bucket }))).Status).toBeUndefined();
    expect(await failure(s3.send(new GetBucketReplicationCommand({ Bucket })))).toMatchObject({
      status: 404,
      code: 'ReplicationConfigurationNotFoundError',
    });
    const absent = { status: 404, code: 'NoSuchConfiguration' };
    const byId = { Bucket, Id: 'id' };
    expect(await failure(s3.send(new GetBucketAnalyticsConfigurationCommand(byId)))).toMatchObject(absent);
    expect(await failure(s3.send(new GetBucketMetricsConfigurationCommand(byId)))).toMatchObject(absent);
    const tiering = s3.send(new GetBucketIntelligentTieringConfigurationCommand(byId));
    expect(await failure(tiering)).toMatchObject(absent);
    const analytics = await s3.send(new ListBucketAnalyticsConfigurationsCommand({ Bucket }));
    expect([analytics.IsTruncated, analytics.AnalyticsConfigurationList]).toEqual([false, undefined]);
    const metrics = await s3.send(new ListBucketMetricsConfigurationsCommand({ Bucket }));
    expect([metrics.IsTruncated, metrics.MetricsConfigurationList]).toEqual([false, undefined]);
    const tierings = await s3.send(new ListBucketIntelligentTieringConfigurationsCommand({ Bucket }));
    expect([tierings.IsTruncated, tierings.IntelligentTieringConfigurationList]).toEqual([false, undefined]);
  });

  it('can be deleted', async () => {
    const byId = { Bucket, Id: 'id' };
    const answers = await Promise.all([
      wire.s3.send(new DeleteBucketReplicationCommand({ Bucket })),
      wire.s3.send(new DeleteBucketAnalyticsConfigurationCommand(byId)),
      wire.s3.send(new DeleteBucketMetricsConfigurationCommand(byId)),
      wire.s3.send(new DeleteBucketIntelligentTieringConfigurationCommand(byId)),
    ]);
    expect(answers.map(({ $metadata }) => $metadata.httpStatusCode)).toEqual([204, 204, 204, 204]);
  });

  it('are refused by name', async () => {
    const accelerate = new PutBucketAccelerateConfigurationCommand({
      Bucket,
      AccelerateConfiguration: { Status: 'Enabled' },
    });
    expect(await failure(wire.s3.send(accelerate))).toMatchObject({
      status: 501,
      code: 'NotImplemented',
      message: expect.stringContaining('PutBucketAccelerateConfiguration') as string,
    });
  });

  it("are the owner's to read", async () => {
    const other = wire.client(KEYS.other);
    const reading = other.send(new GetBucketReplicationCommand({ Bucket }));
    expect(await failure(reading)).toMatchObject({ status: 403, code: 'AccessDenied' });
    other.destroy();
    const anonymous = await exchange(wire.server, { method: 'GET', target: `/${Bucket}?accelerate` });
    expect(anonymous.status).toBe(403);
  });

  it('there is no torrent of anything', async () => {
    for (const Key of ['k', 'nothing'])
      expect(await failure(wire.s3.send(new GetObjectTorrentCommand({ Bucket, Key })))).toMatchObject({
        status: 404,
        code: 'NoSuchKey',
      });
    const anonymous = await exchange(wire.server, { method: 'GET', target: `/${Bucket}/k?torrent` });
    expect(anonymous).toMatchObject({ status: 403, code: 'AccessDenied' });
  });

  it('there is nothing to restore', async () => {
    const RestoreRequest = { Days: 1 };
    const restore = (Key: string) => wire.s3.send(new RestoreObjectCommand({ Bucket, Key, RestoreRequest }));
    expect(await failure(restore('k'))).toMatchObject({ status: 403, code: 'InvalidObjectState' });
    expect(await failure(restore('nothing'))).toMatchObject({ status: 404, code: 'NoSuchKey' });
    const malformed = {
      method: 'POST',
      target: `/${Bucket}/k?restore`,
      body: '<RestoreRequest><Days>0</Days></RestoreRequest>',
    };
    expect(await signedExchange(wire.server, malformed)).toMatchObject({ status: 400, code: 'MalformedXML' });
  });

  it('finds a bucket by the form that Ceph gives its name', async () => {
    const at = (name: string) => signedExchange(wire.server, { method: 'GET', target: `/${name}?list-type=2` });
    for (const name of [`:${Bucket}`, `${encodeURIComponent(KEYS.user.tenant)}:${Bucket}`, `%3A${Bucket}`])
      expect((await at(name)).status, name).toBe(200);
    expect(await at(`somebody:${Bucket}`)).toMatchObject({ status: 404, code: 'NoSuchBucket' });
    expect(await at(':')).toMatchObject({ status: 404, code: 'NoSuchBucket' });
    const strange = { method: 'PUT', target: `/somebody:${Bucket}-2` };
    expect(await signedExchange(wire.server, strange)).toMatchObject({ status: 403, code: 'AccessDenied' });
  });
});
