// Appending to objects, by the header of S3 Express.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/directory-buckets-objects-append.html
import { createHash } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutBucketVersioningCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { PutObjectCommandInput, PutObjectCommandOutput } from '@aws-sdk/client-s3';
import { crc32 } from '@node-rs/crc32';
import { beforeAll, expect, it } from 'vitest';
import { bytes, etagOf, failure, KIB, MIB, put, read } from './helpers.js';
import { signedExchange } from './raw.js';
import { describeWire } from './servers.js';

const MIB5 = 5 * MIB;

function crc(data: Buffer): string {
  const digest = Buffer.alloc(4);
  digest.writeUInt32BE(crc32(data));
  return digest.toString('base64');
}

describeWire('appending', (wire) => {
  let Bucket = '';
  beforeAll(async () => {
    Bucket = await wire.bucket();
  });

  const append = (
    Key: string,
    WriteOffsetBytes: number,
    Body: Buffer | string,
    more: Partial<PutObjectCommandInput> = {},
  ): Promise<PutObjectCommandOutput> =>
    wire.s3.send(new PutObjectCommand({ Bucket, Key, WriteOffsetBytes, Body, ...more }));
  const contentOf = async (Key: string): Promise<Buffer> => (await read(wire.s3, { Bucket, Key })).content;

  it('creates at offset 0, and grows the object by its size', async () => {
    const Key = 'log';
    const created = await append(Key, 0, 'one,', { Metadata: { kept: 'yes' }, ContentType: 'text/plain' });
    expect(created).toMatchObject({ ETag: etagOf('one,'), Size: 4 });
    const appended = await append(Key, 4, 'two,');
    expect(appended).toMatchObject({ Size: 8, ChecksumCRC32: crc(Buffer.from('one,two,')) });
    expect(appended.ETag).toMatch(/^"[0-9a-f]{32}-2"$/);
    await append(Key, 8, 'three');
    const { output, content } = await read(wire.s3, { Bucket, Key, ChecksumMode: 'ENABLED' });
    expect(content.toString()).toBe('one,two,three');
    expect(output).toMatchObject({
      ContentLength: 13,
      Metadata: { kept: 'yes' },
      ContentType: 'text/plain',
      ChecksumCRC32: crc(content),
      ChecksumType: 'FULL_OBJECT',
    });
    const { Contents = [] } = await wire.s3.send(new ListObjectsV2Command({ Bucket, Prefix: Key }));
    expect(Contents).toMatchObject([{ Key, Size: 13, ETag: output.ETag }]);
  });

  it('takes any sizes, across what is kept inline and what is not', async () => {
    const pieces = [bytes(1, 1), bytes(10 * KIB, 2), bytes(90 * KIB, 3), bytes(3 * MIB + 1, 4), bytes(7, 5)];
    let offset = 0;
    for (const piece of pieces) {
      await append('sizes', offset, piece);
      offset += piece.length;
    }
    const whole = Buffer.concat(pieces);
    expect(
      createHash('md5')
        .update(await contentOf('sizes'))
        .digest('hex'),
    ).toBe(createHash('md5').update(whole).digest('hex'));
    // Ranges that begin in one piece and end in another.
    const { content } = await read(wire.s3, { Bucket, Key: 'sizes', Range: `bytes=10000-${offset - 3}` });
    expect(content.equals(whole.subarray(10_000, offset - 2))).toBe(true);
    const part = await read(wire.s3, { Bucket, Key: 'sizes', PartNumber: 4 });
    expect(part.output.PartsCount).toBe(5);
    expect(part.content.equals(pieces[3] ?? Buffer.alloc(0))).toBe(true);
  });

  it('appends to what was uploaded in parts, and to what is empty', async () => {
    const Key = 'multipart';
    const { UploadId } = await wire.s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const Parts = [];
    for (const [i, Body] of [bytes(MIB5, 1), bytes(10, 2)].entries()) {
      const PartNumber = i + 1;
      const { ETag } = await wire.s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
      Parts.push({ ETag, PartNumber });
    }
    await wire.s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts } }));
    const { ETag } = await append(Key, MIB5 + 10, 'end');
    expect(ETag).toMatch(/-3"$/);
    expect((await contentOf(Key)).subarray(-13).equals(Buffer.concat([bytes(10, 2), Buffer.from('end')]))).toBe(true);
    const { ObjectParts } = await wire.s3.send(
      new GetObjectAttributesCommand({ Bucket, Key, ObjectAttributes: ['ObjectParts'] }),
    );
    expect(ObjectParts?.TotalPartsCount).toBe(3);

    await put(wire.s3, Bucket, 'empty', '');
    expect((await append('empty', 0, 'first')).ETag).toBe(etagOf('first'));
    // A copy is one object again.
    await wire.s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/log` }));
    const copy = await read(wire.s3, { Bucket, Key: 'copy' });
    expect(copy.output.ETag).toBe(etagOf(copy.content));
  });

  it('refuses any other offset than the size', async () => {
    await put(wire.s3, Bucket, 'ten', '0123456789');
    for (const [Key, offset] of [
      ['ten', 0],
      ['ten', 9],
      ['ten', 11],
      ['none', 1],
    ] as const)
      expect(await failure(append(Key, offset, 'x'))).toMatchObject({ status: 400, code: 'InvalidWriteOffset' });
    expect((await contentOf('ten')).toString()).toBe('0123456789');
    expect(await failure(wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'none' })))).toMatchObject({ status: 404 });
    for (const offset of ['-1', '1.5', 'x', '']) {
      const headers = { 'x-amz-write-offset-bytes': offset };
      const answer = await signedExchange(wire.server, { method: 'PUT', target: `/${Bucket}/ten`, headers, body: 'x' });
      expect(answer).toMatchObject({ status: 400, code: 'InvalidArgument' });
    }
  });

  it('refuses what an append cannot have', async () => {
    await put(wire.s3, Bucket, 'strict', 'data');
    const refused = async (more: Partial<PutObjectCommandInput>, body = 'x') =>
      (await failure(append('strict', 4, body, more))).code;
    expect(await refused({}, '')).toBe('InvalidRequest');
    expect(await refused({ Metadata: { other: 'x' } })).toBe('InvalidRequest');
    expect(await refused({ Tagging: 'a=b' })).toBe('InvalidRequest');
    expect(await refused({ ACL: 'public-read' })).toBe('InvalidRequest');
    expect(await refused({ ChecksumAlgorithm: 'CRC32C' })).toBe('InvalidRequest');
    expect(await refused({ ServerSideEncryption: 'AES256' })).toBe('EncryptionTypeMismatch');
    expect(await refused({ ContentMD5: createHash('md5').update('y').digest('base64') })).toBe('BadDigest');
    expect(await refused({ ChecksumCRC32: crc(Buffer.from('y')) })).toBe('BadDigest');
    expect(await refused({ IfMatch: etagOf('other') })).toBe('PreconditionFailed');
    expect(await refused({ IfNoneMatch: '*' })).toBe('PreconditionFailed');
    expect((await contentOf('strict')).toString()).toBe('data');
    await append('strict', 4, '!', { IfMatch: etagOf('data') });
    expect((await contentOf('strict')).toString()).toBe('data!');
  });

  it('goes on with the checksum of the object', async () => {
    const sha = (data: Buffer | string): Buffer => createHash('sha256').update(data).digest();
    await append('sha', 0, 'one', { ChecksumAlgorithm: 'SHA256' });
    const { ChecksumSHA256 } = await append('sha', 3, 'two', { ChecksumAlgorithm: 'SHA256' });
    const composite = `${sha(Buffer.concat([sha('one'), sha('two')])).toString('base64')}-2`;
    expect(ChecksumSHA256).toBe(composite);
    const { output } = await read(wire.s3, { Bucket, Key: 'sha', ChecksumMode: 'ENABLED' });
    expect(output).toMatchObject({ ChecksumSHA256: composite, ChecksumType: 'COMPOSITE' });
  });

  it('keeps the encryption of the object, small or large', async () => {
    for (const [Key, sizeBytes] of [
      ['sealed-small', 100],
      ['sealed-large', 2 * MIB],
    ] as const) {
      const first = bytes(sizeBytes, 1);
      await append(Key, 0, first, { ServerSideEncryption: 'AES256' });
      const { ServerSideEncryption } = await append(Key, sizeBytes, bytes(300, 2), { ServerSideEncryption: 'AES256' });
      expect(ServerSideEncryption).toBe('AES256');
      await append(Key, sizeBytes + 300, bytes(MIB, 3));
      const { output, content } = await read(wire.s3, { Bucket, Key, ChecksumMode: 'ENABLED' });
      expect(output.ServerSideEncryption).toBe('AES256');
      expect(content.equals(Buffer.concat([first, bytes(300, 2), bytes(MIB, 3)]))).toBe(true);
      expect(output.ChecksumCRC32).toBe(crc(content));
    }
    const key = Buffer.alloc(32, 7);
    const customer = {
      SSECustomerAlgorithm: 'AES256',
      SSECustomerKey: key.toString('base64'),
      SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
    };
    const sealed = append('customer', 0, 'x', customer);
    expect(await failure(sealed)).toMatchObject({ status: 400, code: 'InvalidRequest' });
  });

  it('makes a version of every append where there are versions', async () => {
    const versioned = await wire.bucket();
    await wire.s3.send(
      new PutBucketVersioningCommand({ Bucket: versioned, VersioningConfiguration: { Status: 'Enabled' } }),
    );
    const send = (WriteOffsetBytes: number, Body: Buffer) =>
      wire.s3.send(new PutObjectCommand({ Bucket: versioned, Key: 'k', WriteOffsetBytes, Body }));
    const first = await send(0, bytes(MIB, 1));
    const second = await send(MIB, bytes(MIB, 2));
    expect(second.VersionId).not.toBe(first.VersionId);
    const old = await read(wire.s3, { Bucket: versioned, Key: 'k', VersionId: first.VersionId });
    expect(old.content.equals(bytes(MIB, 1))).toBe(true);
    const now = await read(wire.s3, { Bucket: versioned, Key: 'k' });
    expect(now.content.equals(Buffer.concat([bytes(MIB, 1), bytes(MIB, 2)]))).toBe(true);
  });

  it.each([10, 200 * KIB])('lets one of several appends at an offset in, of %i bytes each', async (sizeBytes) => {
    const Key = `race-${sizeBytes}`;
    const writers = 4;
    const won: number[] = [];
    await append(Key, 0, Buffer.alloc(sizeBytes, 0xff));
    for (let round = 1; round <= 4; round++) {
      const results = await Promise.allSettled(
        Array.from({ length: writers }, (_, i) => append(Key, round * sizeBytes, Buffer.alloc(sizeBytes, i))),
      );
      const winners = results.flatMap(({ status }, i) => (status === 'fulfilled' ? [i] : []));
      expect(winners).toHaveLength(1);
      won.push(...winners);
      for (const result of results)
        if (result.status === 'rejected')
          expect((result.reason as Error).name).toMatch(/^(InvalidWriteOffset|ConditionalRequestConflict)$/);
    }
    const expected = Buffer.concat([0xff, ...won].map((fill) => Buffer.alloc(sizeBytes, fill)));
    expect((await contentOf(Key)).equals(expected)).toBe(true);
  });
});
