// CopyObject: content, metadata, conditions on the source, and who may copy what.
import {
  CopyObjectCommand,
  CreateBucketCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  PutObjectAclCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { CopyObjectCommandInput } from '@aws-sdk/client-s3';
import { beforeAll, expect, it } from 'vitest';
import { bytes, etagOf, failure, MIB, put, read } from './helpers.js';
import { bucketName, describeWire, KEYS } from './servers.js';

type CopyConditions = Omit<Partial<CopyObjectCommandInput>, 'Key' | 'Bucket' | 'CopySource'> & {
  readonly Bucket?: string;
  readonly CopySource?: string;
};

describeWire('copies', (wire) => {
  let Bucket = '';
  const content = bytes(2 * MIB + 3);
  const small = 'small content';
  const attributes = { ContentType: 'text/x-source', CacheControl: 'no-cache', Metadata: { origin: 'source' } };

  beforeAll(async () => {
    Bucket = await wire.bucket();
    await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'large', Body: content, Tagging: 't=1', ...attributes }));
    await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'small', Body: small, ...attributes }));
    await put(wire.s3, Bucket, 'ключ +%?&', 'strange key');
  });

  const copy = (input: CopyConditions & { readonly Key: string }) =>
    wire.s3.send(new CopyObjectCommand({ Bucket, CopySource: `${Bucket}/small`, ...input }));

  it('has the bytes, the metadata and the tags of its source', async () => {
    const { CopyObjectResult } = await copy({ Key: 'copy', CopySource: `/${Bucket}/large` });
    expect(CopyObjectResult?.ETag).toBe(etagOf(content));
    const got = await read(wire.s3, { Bucket, Key: 'copy' });
    expect(got.content.equals(content)).toBe(true);
    expect(got.output).toMatchObject({ ...attributes, ETag: etagOf(content), TagCount: 1 });
    expect(CopyObjectResult?.LastModified).toEqual(got.output.LastModified);
  });

  it('takes new metadata and tags when told to', async () => {
    await copy({
      Key: 'replaced',
      CopySource: `${Bucket}/large`,
      MetadataDirective: 'REPLACE',
      ContentType: 'text/x-new',
      Metadata: { fresh: 'yes' },
      TaggingDirective: 'REPLACE',
      Tagging: 'a=1&b=2',
    });
    const headed = await wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'replaced' }));
    expect(headed).toMatchObject({ ContentType: 'text/x-new', Metadata: { fresh: 'yes' }, ETag: etagOf(content) });
    expect(headed.CacheControl).toBeUndefined();
    const { TagSet } = await wire.s3.send(new GetObjectTaggingCommand({ Bucket, Key: 'replaced' }));
    expect(TagSet).toEqual([
      { Key: 'a', Value: '1' },
      { Key: 'b', Value: '2' },
    ]);
  });

  it('ignores new metadata unless told to replace it', async () => {
    await copy({ Key: 'ignored', Metadata: { fresh: 'yes' } });
    expect(await wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'ignored' }))).toMatchObject(attributes);
  });

  it('onto itself has to change something', async () => {
    await copy({ Key: 'self' });
    const self = { Key: 'self', CopySource: `${Bucket}/self` };
    expect(await failure(copy(self))).toMatchObject({ status: 400, code: 'InvalidRequest' });
    await copy({ ...self, MetadataDirective: 'REPLACE', Metadata: { changed: 'yes' } });
    const got = await read(wire.s3, { Bucket, Key: 'self' });
    expect(got.content.toString()).toBe(small);
    expect(got.output.Metadata).toEqual({ changed: 'yes' });
  });

  it('keeps the data of a large object that is copied onto itself', async () => {
    await copy({ Key: 'large-self', CopySource: `${Bucket}/large` });
    for (const round of ['1', '2'])
      await copy({
        Key: 'large-self',
        CopySource: `${Bucket}/large-self`,
        MetadataDirective: 'REPLACE',
        Metadata: { round },
      });
    const got = await read(wire.s3, { Bucket, Key: 'large-self' });
    expect(got.content.equals(content)).toBe(true);
    expect(got.output.Metadata).toEqual({ round: '2' });
  });

  it('reaches another bucket, and outlives its source', async () => {
    const target = await wire.bucket();
    await copy({ Bucket: target, Key: 'over', CopySource: `${Bucket}/large` });
    await put(wire.s3, Bucket, 'short-lived', 'original');
    await copy({ Bucket: target, Key: 'outlives', CopySource: `${Bucket}/short-lived` });
    await put(wire.s3, Bucket, 'short-lived', 'changed');
    expect((await read(wire.s3, { Bucket: target, Key: 'over' })).content.equals(content)).toBe(true);
    expect((await read(wire.s3, { Bucket: target, Key: 'outlives' })).content.toString()).toBe('original');
  });

  it('finds sources whatever their key', async () => {
    await copy({ Key: 'from-strange', CopySource: encodeURIComponent(`${Bucket}/ключ +%?&`) });
    expect((await read(wire.s3, { Bucket, Key: 'from-strange' })).content.toString()).toBe('strange key');
  });

  it('finds a source whose spaces came as plus signs, as in queries', async () => {
    await put(wire.s3, Bucket, 'one two', 'with a space');
    await put(wire.s3, Bucket, 'one+two', 'with a plus');
    for (const [source, found] of [
      ['one+two', 'with a space'],
      ['one%20two', 'with a space'],
      ['one%2Btwo', 'with a plus'],
    ] as const) {
      await copy({ Key: 'found', CopySource: `${Bucket}/${source}` });
      expect((await read(wire.s3, { Bucket, Key: 'found' })).content.toString()).toBe(found);
    }
  });

  it.each([
    ['no such key', () => `${Bucket}/missing`, 404, 'NoSuchKey'],
    ['no such bucket', () => `${bucketName()}/small`, 404, 'NoSuchBucket'],
    ['no key', () => `${Bucket}/`, 400, 'InvalidArgument'],
  ] as const)('needs a source: %s', async (_name, source, status, code) => {
    const refused = copy({ Key: 'never', CopySource: source() });
    expect(await failure(refused)).toMatchObject({ status, code });
    expect(await failure(wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'never' })))).toMatchObject({
      status: 404,
    });
  });

  it('happens only when the conditions on its source hold', async () => {
    const past = new Date(Date.now() - 86_400_000);
    const future = new Date(Date.now() + 60_000);
    const refused: CopyConditions[] = [
      { CopySourceIfMatch: etagOf('other') },
      { CopySourceIfNoneMatch: etagOf(small) },
      { CopySourceIfUnmodifiedSince: past },
      { CopySourceIfModifiedSince: future },
    ];
    for (const conditions of refused)
      expect([conditions, await failure(copy({ Key: 'conditional', ...conditions }))]).toMatchObject([
        {},
        { status: 412, code: 'PreconditionFailed' },
      ]);
    const allowed: CopyConditions[] = [
      { CopySourceIfMatch: etagOf(small) },
      { CopySourceIfMatch: etagOf(small), CopySourceIfUnmodifiedSince: past },
      { CopySourceIfNoneMatch: etagOf('other') },
      { CopySourceIfModifiedSince: past },
    ];
    for (const conditions of allowed) await copy({ Key: 'conditional', ...conditions });
  });

  it('is for those who may read the source and write the target', async () => {
    const other = wire.client(KEYS.other);
    const own = bucketName();
    await other.send(new CreateBucketCommand({ Bucket: own }));
    const take = () => other.send(new CopyObjectCommand({ Bucket: own, Key: 'taken', CopySource: `${Bucket}/small` }));
    expect(await failure(take())).toMatchObject({ status: 403, code: 'AccessDenied' });
    await wire.s3.send(new PutObjectAclCommand({ Bucket, Key: 'small', ACL: 'public-read' }));
    await take();
    expect((await read(other, { Bucket: own, Key: 'taken' })).content.toString()).toBe(small);
    const give = wire.s3.send(new CopyObjectCommand({ Bucket: own, Key: 'given', CopySource: `${Bucket}/small` }));
    expect(await failure(give)).toMatchObject({ status: 403, code: 'AccessDenied' });
  });
});
