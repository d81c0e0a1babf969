// Conditions on writes: exactly one of several writers gets through, and a refused one changes nothing.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { etagOf, failure, put, read } from './helpers.js';
import { describeWire } from './servers.js';

const WRONG = '"00000000000000000000000000000000"';

interface Conditions {
  readonly IfMatch?: string;
  readonly IfNoneMatch?: string;
}

describeWire('conditional writes', (wire) => {
  let Bucket = '';
  beforeAll(async () => {
    Bucket = await wire.bucket();
    await put(wire.s3, Bucket, 'source', 'copied');
  });

  /** Each way to write, as one that leaves its own content. */
  const writers = {
    PutObject: (Key: string, conditions: Conditions) =>
      wire.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'put', ...conditions })),
    CopyObject: (Key: string, conditions: Conditions) =>
      wire.s3.send(new CopyObjectCommand({ Bucket, Key, CopySource: `${Bucket}/source`, ...conditions })),
    CompleteMultipartUpload: async (Key: string, conditions: Conditions) => {
      const { UploadId } = await wire.s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
      const { ETag } = await wire.s3.send(
        new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'completed' }),
      );
      const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
      return wire.s3.send(
        new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload, ...conditions }),
      );
    },
  };
  const written = { PutObject: 'put', CopyObject: 'copied', CompleteMultipartUpload: 'completed' };

  describe.each(['PutObject', 'CopyObject', 'CompleteMultipartUpload'] as const)('%s', (name) => {
    const write = writers[name];
    const contentOfKey = async (Key: string): Promise<string> =>
      (await read(wire.s3, { Bucket, Key })).content.toString();

    it('with If-None-Match: * creates, and does not overwrite', async () => {
      const Key = `${name}/created`;
      await write(Key, { IfNoneMatch: '*' });
      expect(await contentOfKey(Key)).toBe(written[name]);

      await put(wire.s3, Bucket, Key, 'old');
      expect(await failure(write(Key, { IfNoneMatch: '*' }))).toMatchObject({
        status: 412,
        code: 'PreconditionFailed',
      });
      expect(await contentOfKey(Key)).toBe('old');
    });

    it('with If-Match overwrites the object it means, and no other', async () => {
      const Key = `${name}/matched`;
      expect(await failure(write(Key, { IfMatch: etagOf('old') }))).toMatchObject({ status: 404, code: 'NoSuchKey' });
      expect(await failure(wire.s3.send(new HeadObjectCommand({ Bucket, Key })))).toMatchObject({ status: 404 });

      await put(wire.s3, Bucket, Key, 'old');
      expect(await failure(write(Key, { IfMatch: WRONG }))).toMatchObject({ status: 412, code: 'PreconditionFailed' });
      expect(await contentOfKey(Key)).toBe('old');
      await write(Key, { IfMatch: etagOf('old') });
      expect(await contentOfKey(Key)).toBe(written[name]);
    });

    it('lets one of many creators through', async () => {
      const Key = `${name}/raced`;
      const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => write(Key, { IfNoneMatch: '*' })));
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const outcome of outcomes)
        if (outcome.status === 'rejected')
          expect(['PreconditionFailed', 'ConditionalRequestConflict']).toContain((outcome.reason as Error).name);
    });
  });

  it('lets one of many overwriters through', async () => {
    await put(wire.s3, Bucket, 'raced', 'old');
    const contents = Array.from({ length: 8 }, (_, i) => `new ${i}`);
    const outcomes = await Promise.allSettled(
      contents.map((Body) =>
        wire.s3.send(new PutObjectCommand({ Bucket, Key: 'raced', Body, IfMatch: etagOf('old') })),
      ),
    );
    const winners = contents.filter((_, i) => outcomes[i]?.status === 'fulfilled');
    expect(winners).toHaveLength(1);
    expect((await read(wire.s3, { Bucket, Key: 'raced' })).content.toString()).toBe(winners[0]);
  });

  it('leaves an upload open whose completion is refused', async () => {
    const Key = 'still-open';
    await put(wire.s3, Bucket, Key, 'old');
    const { UploadId } = await wire.s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const part = { Bucket, Key, UploadId, PartNumber: 1 };
    const { ETag } = await wire.s3.send(new UploadPartCommand({ ...part, Body: 'completed' }));
    const complete = { Bucket, Key, UploadId, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } };
    const refused = wire.s3.send(new CompleteMultipartUploadCommand({ ...complete, IfNoneMatch: '*' }));
    expect(await failure(refused)).toMatchObject({ status: 412, code: 'PreconditionFailed' });

    expect((await wire.s3.send(new ListPartsCommand({ Bucket, Key, UploadId }))).Parts).toHaveLength(1);
    await wire.s3.send(new CompleteMultipartUploadCommand({ ...complete, IfMatch: etagOf('old') }));
    expect((await read(wire.s3, { Bucket, Key })).content.toString()).toBe('completed');
  });

  describe('DeleteObject', () => {
    const remove = (Key: string, conditions: object) =>
      wire.s3.send(new DeleteObjectCommand({ Bucket, Key, ...conditions }));

    it('with If-Match deletes the object it means, and no other', async () => {
      const Key = 'deleted-if-match';
      expect(await failure(remove(Key, { IfMatch: '*' }))).toMatchObject({ status: 404, code: 'NoSuchKey' });
      await put(wire.s3, Bucket, Key, 'old');
      expect(await failure(remove(Key, { IfMatch: WRONG }))).toMatchObject({
        status: 412,
        code: 'PreconditionFailed',
      });
      await wire.s3.send(new HeadObjectCommand({ Bucket, Key }));
      await remove(Key, { IfMatch: etagOf('old') });
      expect(await failure(wire.s3.send(new HeadObjectCommand({ Bucket, Key })))).toMatchObject({ status: 404 });
    });

    it('looks at size and time; what is not there counts as deleted', async () => {
      const Key = 'deleted-if-match-size';
      await put(wire.s3, Bucket, Key, 'four');
      const { LastModified } = await wire.s3.send(new HeadObjectCommand({ Bucket, Key }));
      const refused = { status: 412, code: 'PreconditionFailed' };
      expect(await failure(remove(Key, { IfMatchSize: 5 }))).toMatchObject(refused);
      expect(await failure(remove(Key, { IfMatchLastModifiedTime: new Date(0) }))).toMatchObject(refused);
      await remove(Key, { IfMatchSize: 4, IfMatchLastModifiedTime: LastModified });
      expect(await failure(wire.s3.send(new HeadObjectCommand({ Bucket, Key })))).toMatchObject({ status: 404 });
      await remove(Key, { IfMatchSize: 4 });
      await remove(Key, { IfMatchLastModifiedTime: LastModified });
    });
  });
});
