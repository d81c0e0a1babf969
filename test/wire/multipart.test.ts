// Multipart uploads that succeed: their parts, the object they become, and how they are listed meanwhile.
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import type { CreateMultipartUploadCommandInput } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { beforeAll, expect, it } from 'vitest';
import { bytes, etagOf, failure, md5, MIB, put, read } from './helpers.js';
import { describeWire, USER_KEY } from './servers.js';

const PART = 5 * MIB;

describeWire('multipart uploads', (wire) => {
  let Bucket = '';
  beforeAll(async () => {
    Bucket = await wire.bucket();
  });

  const create = async (Key: string, input: Partial<CreateMultipartUploadCommandInput> = {}): Promise<string> => {
    const { UploadId } = await wire.s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...input }));
    return UploadId ?? '';
  };
  const part = async (Key: string, UploadId: string, PartNumber: number, Body: Buffer | string) => {
    const { ETag } = await wire.s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
    return { PartNumber, ETag };
  };
  const complete = (Key: string, UploadId: string, Parts: { PartNumber: number; ETag: string | undefined }[]) =>
    wire.s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
  /** '"md5 of the parts' md5s-count"' */
  const multipartEtag = (parts: readonly Buffer[]): string =>
    `"${md5(Buffer.concat(parts.map((data) => Buffer.from(md5(data), 'hex'))))}-${parts.length}"`;

  it('lib-storage uploads a stream in parallel parts', async () => {
    const content = bytes(12 * MIB + 7);
    const parts = [content.subarray(0, PART), content.subarray(PART, 2 * PART), content.subarray(2 * PART)];
    const params = {
      Bucket,
      Key: 'lib-storage',
      Body: Readable.from([content]),
      ContentType: 'text/x-large',
      Metadata: { from: 'lib-storage' },
    };
    const done = await new Upload({ client: wire.s3, params, partSize: PART, queueSize: 3 }).done();
    expect(done).toMatchObject({ Bucket, Key: 'lib-storage', ETag: multipartEtag(parts) });
    expect(done.Location).toContain(`/${Bucket}/lib-storage`);
    const got = await read(wire.s3, { Bucket, Key: 'lib-storage' });
    expect(got.content.equals(content)).toBe(true);
    expect(got.output).toMatchObject({
      ETag: multipartEtag(parts),
      ContentLength: content.length,
      ContentType: 'text/x-large',
      Metadata: { from: 'lib-storage' },
    });
    const { Contents } = await wire.s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'lib-storage' }));
    expect(Contents).toMatchObject([{ ETag: multipartEtag(parts), Size: content.length }]);
  });

  it('is no object until it is completed, and replaces the old one then', async () => {
    const Key = 'hidden';
    const UploadId = await create(Key);
    const first = await part(Key, UploadId, 1, 'new');
    expect(await failure(wire.s3.send(new HeadObjectCommand({ Bucket, Key })))).toMatchObject({ status: 404 });
    expect((await wire.s3.send(new ListObjectsV2Command({ Bucket, Prefix: Key }))).KeyCount).toBe(0);
    await put(wire.s3, Bucket, Key, 'old');
    await complete(Key, UploadId, [first]);
    expect((await read(wire.s3, { Bucket, Key })).content.toString()).toBe('new');
    expect(await failure(wire.s3.send(new ListPartsCommand({ Bucket, Key, UploadId })))).toMatchObject({
      status: 404,
      code: 'NoSuchUpload',
    });
  });

  it('takes the last of the parts sent under one number, and any numbers in order', async () => {
    const Key = 'numbers';
    const UploadId = await create(Key);
    const large = bytes(PART, 2);
    await part(Key, UploadId, 7, bytes(PART, 3));
    const seventh = await part(Key, UploadId, 7, large);
    const last = await part(Key, UploadId, 10_000, 'end');
    await part(Key, UploadId, 8, 'left out');
    await complete(Key, UploadId, [seventh, last]);
    const got = await read(wire.s3, { Bucket, Key });
    expect(got.content.equals(Buffer.concat([large, Buffer.from('end')]))).toBe(true);
    expect(got.output.ETag).toBe(multipartEtag([large, Buffer.from('end')]));

    const page = await wire.s3.send(new GetObjectCommand({ Bucket, Key, PartNumber: 10_000 }));
    expect(page).toMatchObject({ PartsCount: 2, ContentRange: `bytes ${PART}-${PART + 2}/${PART + 3}` });
    expect(await page.Body?.transformToString()).toBe('end');
  });

  it('gives its parts by number', async () => {
    const Key = 'by-number';
    const parts = [bytes(PART, 1), bytes(PART, 2), Buffer.from('tail')];
    const UploadId = await create(Key);
    const sent = await Promise.all(parts.map((data, i) => part(Key, UploadId, i + 1, data)));
    await complete(Key, UploadId, sent);
    for (const [i, data] of parts.entries()) {
      const got = await read(wire.s3, { Bucket, Key, PartNumber: i + 1 });
      expect(got.output.$metadata.httpStatusCode).toBe(206);
      expect(got.output).toMatchObject({ PartsCount: 3, ContentLength: data.length });
      expect(got.content.equals(data)).toBe(true);
      const headed = await wire.s3.send(new HeadObjectCommand({ Bucket, Key, PartNumber: i + 1 }));
      expect(headed).toMatchObject({ PartsCount: 3, ContentLength: data.length });
    }
    expect(await failure(read(wire.s3, { Bucket, Key, PartNumber: 4 }))).toMatchObject({
      status: 416,
      code: 'InvalidPartNumber',
    });
    const across = await read(wire.s3, { Bucket, Key, Range: `bytes=${PART - 2}-${PART + 1}` });
    expect(across.content.equals(Buffer.concat(parts).subarray(PART - 2, PART + 2))).toBe(true);
    await put(wire.s3, Bucket, 'one-piece', 'whole');
    expect((await read(wire.s3, { Bucket, Key: 'one-piece', PartNumber: 1 })).content.toString()).toBe('whole');
  });

  it('can be completed again with the same answer', async () => {
    const Key = 'twice';
    const UploadId = await create(Key);
    const only = await part(Key, UploadId, 1, 'once');
    const [first, second] = [await complete(Key, UploadId, [only]), await complete(Key, UploadId, [only])];
    expect(second.ETag).toBe(first.ETag);
    await put(wire.s3, Bucket, Key, 'written since');
    expect((await complete(Key, UploadId, [only])).ETag).toBe(first.ETag);
    expect((await read(wire.s3, { Bucket, Key })).content.toString()).toBe('written since');
    await wire.s3.send(new DeleteObjectCommand({ Bucket, Key }));
    expect((await complete(Key, UploadId, [only])).ETag).toBe(first.ETag);
    expect(await failure(read(wire.s3, { Bucket, Key }))).toMatchObject({ code: 'NoSuchKey' });
    const together = await create('together');
    const raced = await part('together', together, 1, 'raced');
    const answers = await Promise.all([1, 2, 3].map(() => complete('together', together, [raced])));
    expect(new Set(answers.map(({ ETag }) => ETag)).size).toBe(1);
    expect((await read(wire.s3, { Bucket, Key: 'together' })).content.toString()).toBe('raced');
  });

  it('copies parts and ranges of objects', async () => {
    const source = bytes(PART + MIB, 4);
    await put(wire.s3, Bucket, 'source +', source);
    const Key = 'from-parts';
    const UploadId = await create(Key);
    const copyPart = async (PartNumber: number, CopySourceRange?: string) => {
      const CopySource = encodeURIComponent(`${Bucket}/source +`);
      const range = CopySourceRange === undefined ? {} : { CopySourceRange };
      const command = new UploadPartCopyCommand({ Bucket, Key, UploadId, PartNumber, CopySource, ...range });
      return { PartNumber, ETag: (await wire.s3.send(command)).CopyPartResult?.ETag };
    };
    const whole = await copyPart(1);
    expect(whole.ETag).toBe(etagOf(source));
    const middle = await copyPart(2, `bytes=10-${PART + 9}`);
    const last = await copyPart(3, 'bytes=0-0');
    await complete(Key, UploadId, [whole, middle, last]);
    const expected = Buffer.concat([source, source.subarray(10, PART + 10), source.subarray(0, 1)]);
    expect((await read(wire.s3, { Bucket, Key })).content.equals(expected)).toBe(true);

    const again = await create(Key);
    const beyond = new UploadPartCopyCommand({
      Bucket,
      Key,
      UploadId: again,
      PartNumber: 1,
      CopySource: `${Bucket}/from-parts`,
      CopySourceRange: `bytes=0-${expected.length}`,
    });
    expect((await failure(wire.s3.send(beyond))).code).toMatch(/^Invalid(Range|Argument)$/);
  });

  it('lists its parts page by page', async () => {
    const Key = 'parts';
    const UploadId = await create(Key);
    for (const number of [5, 1, 3]) await part(Key, UploadId, number, `part ${number}`);
    const found: unknown[] = [];
    let PartNumberMarker: string | undefined;
    for (;;) {
      const page = await wire.s3.send(
        new ListPartsCommand({ Bucket, Key, UploadId, MaxParts: 2, ...(PartNumberMarker && { PartNumberMarker }) }),
      );
      expect(page).toMatchObject({ Bucket, Key, UploadId, MaxParts: 2, StorageClass: 'STANDARD' });
      expect([page.Owner?.ID, page.Initiator?.ID]).toEqual([USER_KEY.tenant, USER_KEY.tenant]);
      found.push(...(page.Parts ?? []).map(({ PartNumber, ETag, Size }) => [PartNumber, ETag, Size]));
      if (page.IsTruncated !== true) break;
      PartNumberMarker = page.NextPartNumberMarker;
    }
    expect(found).toEqual([1, 3, 5].map((number) => [number, etagOf(`part ${number}`), 6]));
  });

  it('is listed until it is completed or aborted', async () => {
    const own = await wire.bucket();
    const start = async (Key: string) =>
      (await wire.s3.send(new CreateMultipartUploadCommand({ Bucket: own, Key }))).UploadId;
    const uploads: [string, string | undefined][] = [];
    for (const Key of ['a', 'dir/x', 'dir/y', 'same', 'same', 'z']) uploads.push([Key, await start(Key)]);

    const found: unknown[] = [];
    let markers = {};
    for (;;) {
      const page = await wire.s3.send(new ListMultipartUploadsCommand({ Bucket: own, MaxUploads: 2, ...markers }));
      found.push(...(page.Uploads ?? []).map(({ Key, UploadId }) => [Key, UploadId]));
      if (page.IsTruncated !== true) break;
      expect(page.Uploads).toHaveLength(2);
      markers = { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker };
    }
    expect(found).toEqual(uploads);

    const grouped = await wire.s3.send(new ListMultipartUploadsCommand({ Bucket: own, Delimiter: '/' }));
    expect(grouped.CommonPrefixes).toEqual([{ Prefix: 'dir/' }]);
    expect(grouped.Uploads?.map(({ Key }) => Key)).toEqual(['a', 'same', 'same', 'z']);
    const prefixed = await wire.s3.send(new ListMultipartUploadsCommand({ Bucket: own, Prefix: 'dir/' }));
    expect(prefixed.Uploads?.map(({ Key }) => Key)).toEqual(['dir/x', 'dir/y']);

    for (const [Key, UploadId] of uploads)
      await wire.s3.send(new AbortMultipartUploadCommand({ Bucket: own, Key, UploadId }));
    const after = await wire.s3.send(new ListMultipartUploadsCommand({ Bucket: own }));
    expect(after.Uploads ?? []).toEqual([]);
  });
});
