// RenameObject: one object under another key, with everything it is.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_RenameObject.html
import {
  DeleteObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectLockConfigurationCommand,
  RenameObjectCommand,
} from '@aws-sdk/client-s3';
import type { RenameObjectCommandInput, RenameObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { beforeAll, expect, it } from 'vitest';
import { bytes, etagOf, failure, MIB, put, read } from './helpers.js';
import { exchange, signedExchange } from './raw.js';
import { describeWire, KEYS } from './servers.js';

describeWire('renaming', (wire) => {
  let Bucket = '';
  beforeAll(async () => {
    Bucket = await wire.bucket();
  });

  const rename = (
    source: string,
    Key: string,
    more: Partial<RenameObjectCommandInput> = {},
    s3: S3Client = wire.s3,
  ): Promise<RenameObjectCommandOutput> =>
    s3.send(new RenameObjectCommand({ Bucket, Key, RenameSource: encodeURIComponent(source), ...more }));
  const contentOf = async (Key: string): Promise<string> => (await read(wire.s3, { Bucket, Key })).content.toString();
  const exists = async (Key: string, bucket = Bucket): Promise<boolean> => {
    const { Contents = [] } = await wire.s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: Key }));
    const listed = Contents.some((entry) => entry.Key === Key);
    const head = await wire.s3.send(new HeadObjectCommand({ Bucket: bucket, Key })).then(
      () => true,
      () => false,
    );
    expect(listed).toBe(head);
    return head;
  };

  it.each([
    ['small', 100],
    ['large', 3 * MIB],
  ] as const)('a %s object keeps everything but its key', async (name, sizeBytes) => {
    const [from, Key] = [`${name}/von ä+b`, `${name}/nach é%25`];
    const Body = bytes(sizeBytes);
    const more = { Metadata: { a: 'b' }, ContentType: 'text/x-test', CacheControl: 'no-store', Tagging: 't=1' };
    await wire.s3.send(
      new PutObjectCommand({
        Bucket,
        Key: from,
        Body,
        ServerSideEncryption: 'AES256',
        ChecksumAlgorithm: 'SHA1',
        ...more,
      }),
    );
    const before = await read(wire.s3, { Bucket, Key: from, ChecksumMode: 'ENABLED' });
    await rename(from, Key);
    expect(await exists(from)).toBe(false);
    const after = await read(wire.s3, { Bucket, Key, ChecksumMode: 'ENABLED' });
    expect(after.content.equals(Body)).toBe(true);
    const facts = ({ output }: typeof before) => {
      const { $metadata: _answer, Body: _body, ...rest } = output;
      return rest;
    };
    expect(facts(after)).toEqual(facts(before));
    const { TagSet } = await wire.s3.send(new GetObjectTaggingCommand({ Bucket, Key }));
    expect(TagSet).toEqual([{ Key: 't', Value: '1' }]);
  });

  it('replaces what is at the destination, and can go round and back', async () => {
    for (const [Key, body] of [
      ['a', 'from a'],
      ['b', 'from b'],
    ] as const)
      await put(wire.s3, Bucket, Key, body);
    await rename('a', 'b');
    expect(await contentOf('b')).toBe('from a');
    await rename('b', 'c');
    await rename('c', 'a');
    expect(await contentOf('a')).toBe('from a');
    expect([await exists('b'), await exists('c')]).toEqual([false, false]);
    await put(wire.s3, Bucket, 'b', 'new');
    await wire.s3.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    expect([await exists('a'), await contentOf('b')]).toEqual([false, 'new']);
  });

  it('refuses sources that are not there, and itself', async () => {
    expect(await failure(rename('nothing', 'x'))).toMatchObject({ status: 404, code: 'NoSuchKey' });
    await put(wire.s3, Bucket, 'self', 'x');
    expect(await failure(rename('self', 'self'))).toMatchObject({ status: 400, code: 'InvalidRequest' });
    const bare = { method: 'PUT', target: `/${Bucket}/x?renameObject` };
    expect(await signedExchange(wire.server, bare)).toMatchObject({ status: 400, code: 'InvalidRequest' });
    const garbled = { ...bare, headers: { 'x-amz-rename-source': '%ff' } };
    expect(await signedExchange(wire.server, garbled)).toMatchObject({ status: 400, code: 'InvalidArgument' });
    const whole = { ...bare, headers: { 'x-amz-rename-source': `/${Bucket}/self` } };
    expect(await signedExchange(wire.server, whole)).toMatchObject({ status: 200 });
    expect([await exists('self'), await contentOf('x')]).toEqual([false, 'x']);
  });

  it('holds to conditions on source and destination', async () => {
    const [past, future] = [new Date(Date.now() - 3_600_000), new Date(Date.now() + 3_600_000)];
    const [mine, other] = [etagOf('source'), etagOf('other')];
    const refusals: readonly Partial<RenameObjectCommandInput>[] = [
      { SourceIfMatch: other },
      { SourceIfNoneMatch: mine },
      { SourceIfNoneMatch: '*' },
      { SourceIfModifiedSince: future },
      { SourceIfUnmodifiedSince: past },
      { DestinationIfNoneMatch: '*' },
      { DestinationIfMatch: mine },
      { DestinationIfUnmodifiedSince: past },
    ];
    await put(wire.s3, Bucket, 'source', 'source');
    await put(wire.s3, Bucket, 'there', 'there');
    for (const conditions of refusals)
      expect(await failure(rename('source', 'there', conditions)), JSON.stringify(conditions)).toMatchObject({
        status: 412,
        code: 'PreconditionFailed',
      });
    for (const conditions of [{ DestinationIfMatch: etagOf('there') }, { DestinationIfModifiedSince: past }])
      expect(await failure(rename('source', 'absent', conditions))).toMatchObject({ status: 412 });
    expect([await contentOf('source'), await contentOf('there')]).toEqual(['source', 'there']);
    await rename('source', 'there', {
      SourceIfMatch: mine,
      SourceIfNoneMatch: other,
      SourceIfUnmodifiedSince: future,
      DestinationIfMatch: etagOf('there'),
      DestinationIfUnmodifiedSince: future,
    });
    await rename('there', 'fresh', { DestinationIfNoneMatch: '*' });
    expect(await contentOf('fresh')).toBe('source');
  });

  it('is done once for a client token', async () => {
    const ClientToken = 'token-1';
    await put(wire.s3, Bucket, 'once', 'x');
    await rename('once', 'done', { ClientToken });
    // The answer got lost: the same request again.
    await rename('once', 'done', { ClientToken });
    await put(wire.s3, Bucket, 'once', 'a new one');
    await rename('once', 'done', { ClientToken });
    expect([await contentOf('once'), await contentOf('done')]).toEqual(['a new one', 'x']);
    expect(await failure(rename('other', 'done', { ClientToken }))).toMatchObject({
      status: 400,
      code: 'IdempotencyParameterMismatch',
    });
    expect(await failure(rename('once', 'done', { ClientToken: 'x'.repeat(65) }))).toMatchObject({ status: 400 });
    await rename('once', 'done', { ClientToken: 'token-2' });
    expect(await contentOf('done')).toBe('a new one');
  });

  it('gives one of many renames the object, and readers always find it', async () => {
    await put(wire.s3, Bucket, 'contested', 'x');
    const targets = Array.from({ length: 5 }, (_, i) => `won-${i}`);
    const results = await Promise.allSettled(targets.map((Key) => rename('contested', Key)));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    for (const result of results)
      if (result.status === 'rejected') expect((result.reason as Error).name).toBe('NoSuchKey');
    expect(await Promise.all(targets.map((Key) => exists(Key)))).toContain(true);

    await put(wire.s3, Bucket, 'here', 'x');
    const renamed = new AbortController();
    let missing = 0;
    const there = async (Key: string): Promise<boolean> =>
      (await signedExchange(wire.server, { method: 'HEAD', target: `/${Bucket}/${Key}` })).status === 200;
    const reader = (async () => {
      // First where it comes from, then where it goes to: it is in one of them.
      while (!renamed.signal.aborted) if (!(await there('here')) && !(await there('gone'))) missing += 1;
    })();
    await rename('here', 'gone');
    renamed.abort();
    await reader;
    expect(missing).toBe(0);
  });

  it('writes a version and a delete marker where there are versions', async () => {
    const versioned = await wire.bucket();
    const status = (Status: 'Enabled' | 'Suspended') =>
      wire.s3.send(new PutBucketVersioningCommand({ Bucket: versioned, VersioningConfiguration: { Status } }));
    await status('Enabled');
    await put(wire.s3, versioned, 'from', bytes(MIB));
    await put(wire.s3, versioned, 'to', 'old');
    const { $metadata, ...answer } = await rename('from', 'to', { Bucket: versioned });
    expect($metadata.httpStatusCode).toBe(200);
    expect(answer).toEqual({});
    const list = async () => {
      const { Versions = [], DeleteMarkers = [] } = await wire.s3.send(
        new ListObjectVersionsCommand({ Bucket: versioned }),
      );
      return [
        ...Versions.map(({ Key, IsLatest, Size, VersionId }) => [Key, IsLatest, Size, VersionId === 'null']),
        ...DeleteMarkers.map(({ Key, IsLatest, VersionId }) => [Key, IsLatest, 'marker', VersionId === 'null']),
      ];
    };
    expect(await list()).toEqual([
      ['from', false, MIB, false],
      ['to', true, MIB, false],
      ['to', false, 3, false],
      ['from', true, 'marker', false],
    ]);
    // Each of the two can go without the other's bytes.
    const { Versions = [] } = await wire.s3.send(new ListObjectVersionsCommand({ Bucket: versioned, Prefix: 'from' }));
    await wire.s3.send(new DeleteObjectCommand({ Bucket: versioned, Key: 'from', VersionId: Versions[0]?.VersionId }));
    expect((await read(wire.s3, { Bucket: versioned, Key: 'to' })).content.equals(bytes(MIB))).toBe(true);

    await status('Suspended');
    await rename('to', 'null', { Bucket: versioned });
    expect((await list()).filter(([Key, latest]) => Key !== 'from' && latest)).toEqual([
      ['null', true, MIB, true],
      ['to', true, 'marker', true],
    ]);
  });

  it('leaves what is locked where it is', async () => {
    const locked = await wire.bucket({ ObjectLockEnabledForBucket: true });
    await wire.s3.send(
      new PutObjectLockConfigurationCommand({
        Bucket: locked,
        ObjectLockConfiguration: {
          ObjectLockEnabled: 'Enabled',
          Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } },
        },
      }),
    );
    await put(wire.s3, locked, 'from', 'kept');
    await rename('from', 'to', { Bucket: locked });
    const { Versions = [] } = await wire.s3.send(new ListObjectVersionsCommand({ Bucket: locked }));
    expect(Versions.map(({ Key }) => Key)).toEqual(['from', 'to']);
    for (const { Key, VersionId } of Versions) {
      const head = await wire.s3.send(new HeadObjectCommand({ Bucket: locked, Key, VersionId }));
      expect(head.ObjectLockMode).toBe('GOVERNANCE');
      const removal = new DeleteObjectCommand({ Bucket: locked, Key, VersionId });
      expect(await failure(wire.s3.send(removal))).toMatchObject({ status: 403, code: 'AccessDenied' });
    }
  });

  it('needs the permissions of what it does', async () => {
    const shared = await wire.bucket();
    const other = wire.client(KEYS.other);
    await put(wire.s3, shared, 'from', 'x');
    const allow = (...actions: string[]) =>
      wire.s3.send(
        new PutBucketPolicyCommand({
          Bucket: shared,
          Policy: JSON.stringify({
            Version: '2012-10-17',
            Statement: actions.map((action) => ({
              Effect: 'Allow',
              Principal: { AWS: `arn:aws:iam::${KEYS.other.tenant}:root` },
              Action: `s3:${action}`,
              Resource: `arn:aws:s3:::${shared}/*`,
            })),
          }),
        }),
      );
    const attempt = (): Promise<unknown> => rename('from', 'to', { Bucket: shared }, other);
    for (const actions of [
      ['PutObject'],
      ['PutObject', 'GetObject'],
      ['PutObject', 'DeleteObject'],
      ['GetObject', 'DeleteObject'],
    ]) {
      await allow(...actions);
      await expect.poll(async () => (await failure(attempt())).code, { timeout: 60_000 }).toBe('AccessDenied');
    }
    const anonymous = await exchange(wire.server, {
      method: 'PUT',
      target: `/${shared}/to?renameObject`,
      headers: { 'x-amz-rename-source': 'from' },
    });
    expect(anonymous.status).toBe(403);
    await allow('PutObject', 'GetObject', 'DeleteObject');
    await expect
      .poll(
        async () =>
          attempt().then(
            () => 'done',
            (error: unknown) => (error as Error).name,
          ),
        { timeout: 60_000 },
      )
      .toBe('done');
    other.destroy();
    expect(await exists('to', shared)).toBe(true);
  });
});
