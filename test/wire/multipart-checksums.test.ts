// Checksums of multipart objects: composite ones of the parts' digests, full-object ones as if it had come in one piece.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type {
  ChecksumAlgorithm,
  ChecksumType,
  CompletedPart,
  CompleteMultipartUploadCommandInput,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { bytes, failure, MIB, read } from './helpers.js';
import { describeWire } from './servers.js';

const PARTS = [bytes(5 * MIB, 1), bytes(100, 2)];
const WHOLE = Buffer.concat(PARTS);

function crc32Bytes(data: Buffer): Buffer {
  const digest = Buffer.alloc(4);
  digest.writeUInt32BE(crc32(data));
  return digest;
}

describeWire('multipart checksums', (wire) => {
  let Bucket = '';
  beforeAll(async () => {
    Bucket = await wire.bucket();
  });

  type Field = 'ChecksumCRC32' | 'ChecksumCRC32C' | 'ChecksumCRC64NVME' | 'ChecksumSHA1' | 'ChecksumSHA256';
  const fieldOf = (algorithm: ChecksumAlgorithm): Field => `Checksum${algorithm}` as Field;

  const upload = async (Key: string, algorithm: ChecksumAlgorithm, ChecksumType?: ChecksumType) => {
    const created = await wire.s3.send(
      new CreateMultipartUploadCommand({
        Bucket,
        Key,
        ChecksumAlgorithm: algorithm,
        ...(ChecksumType !== undefined && { ChecksumType }),
      }),
    );
    const { UploadId } = created;
    const Parts: CompletedPart[] = [];
    for (const [i, Body] of PARTS.entries()) {
      const PartNumber = i + 1;
      const sent = await wire.s3.send(
        new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body, ChecksumAlgorithm: algorithm }),
      );
      const checksum = sent[fieldOf(algorithm)];
      expect(checksum).toBeTypeOf('string');
      Parts.push({ PartNumber, ETag: sent.ETag, [fieldOf(algorithm)]: checksum });
    }
    const complete = (input: Partial<CompleteMultipartUploadCommandInput> = {}) =>
      wire.s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...input }));
    return { created, UploadId, Parts, complete };
  };

  it.each([
    ['SHA256', (data: Buffer) => createHash('sha256').update(data).digest()],
    ['SHA1', (data: Buffer) => createHash('sha1').update(data).digest()],
    ['CRC32', crc32Bytes],
  ] as const)('composite %s is the digest of the digests', async (algorithm, digest) => {
    const Key = `composite-${algorithm}`;
    const { created, UploadId, complete } = await upload(Key, algorithm);
    expect(created).toMatchObject({ ChecksumAlgorithm: algorithm, ChecksumType: 'COMPOSITE' });
    const listed = await wire.s3.send(new ListPartsCommand({ Bucket, Key, UploadId }));
    expect(listed).toMatchObject({ ChecksumAlgorithm: algorithm, ChecksumType: 'COMPOSITE' });
    expect(listed.Parts?.map((part) => part[fieldOf(algorithm)])).toEqual(
      PARTS.map((part) => digest(part).toString('base64')),
    );

    const value = `${digest(Buffer.concat(PARTS.map(digest))).toString('base64')}-2`;
    const done = await complete();
    expect(done).toMatchObject({ [fieldOf(algorithm)]: value, ChecksumType: 'COMPOSITE' });
    const headed = await wire.s3.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }));
    expect(headed).toMatchObject({ [fieldOf(algorithm)]: value, ChecksumType: 'COMPOSITE' });
    const second = await wire.s3.send(new GetObjectCommand({ Bucket, Key, PartNumber: 2, ChecksumMode: 'ENABLED' }));
    expect(second).toHaveProperty(fieldOf(algorithm), digest(PARTS[1] ?? WHOLE).toString('base64'));
    expect(await second.Body?.transformToByteArray()).toHaveLength(100);
  });

  it.each(['CRC32', 'CRC32C', 'CRC64NVME'] as const)('full-object %s is that of the whole', async (algorithm) => {
    const onePiece = await wire.s3.send(
      new PutObjectCommand({ Bucket, Key: 'one-piece', Body: WHOLE, ChecksumAlgorithm: algorithm }),
    );
    const value = onePiece[fieldOf(algorithm)];
    expect(value).toBeTypeOf('string');
    if (algorithm === 'CRC32') expect(value).toBe(crc32Bytes(WHOLE).toString('base64'));

    const Key = `full-${algorithm}`;
    const { complete } = await upload(Key, algorithm, 'FULL_OBJECT');
    const wrong = Buffer.alloc(Buffer.from(value ?? '', 'base64').length).toString('base64');
    const refused = complete({ ChecksumType: 'FULL_OBJECT', [fieldOf(algorithm)]: wrong });
    expect(await failure(refused)).toMatchObject({ status: 400, code: 'BadDigest' });
    expect(await failure(wire.s3.send(new HeadObjectCommand({ Bucket, Key })))).toMatchObject({ status: 404 });

    const done = await complete({ ChecksumType: 'FULL_OBJECT', [fieldOf(algorithm)]: value });
    expect(done).toMatchObject({ [fieldOf(algorithm)]: value, ChecksumType: 'FULL_OBJECT' });
    // The SDK verifies what it reads against the checksum of the whole object.
    const got = await read(wire.s3, { Bucket, Key, ChecksumMode: 'ENABLED' });
    expect(got.output).toMatchObject({ [fieldOf(algorithm)]: value, ChecksumType: 'FULL_OBJECT' });
    expect(got.content.equals(WHOLE)).toBe(true);
  });

  it.each([
    ['MD5', 'md5'],
    ['SHA512', 'sha512'],
  ] as const)('composite %s is made of digests that the client computed', async (algorithm, hash) => {
    const target = { Bucket, Key: `composite-${algorithm}` };
    const digest = (data: Buffer): Buffer => createHash(hash).update(data).digest();
    const { UploadId } = await wire.s3.send(
      new CreateMultipartUploadCommand({ ...target, ChecksumAlgorithm: algorithm }),
    );
    const Parts: CompletedPart[] = [];
    for (const [i, Body] of PARTS.entries()) {
      const part = { PartNumber: i + 1, [`Checksum${algorithm}`]: digest(Body).toString('base64') };
      const { ETag } = await wire.s3.send(new UploadPartCommand({ ...target, ...part, UploadId, Body }));
      Parts.push({ ...part, ETag });
    }
    const value = `${digest(Buffer.concat(PARTS.map(digest))).toString('base64')}-2`;
    const done = await wire.s3.send(
      new CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } }),
    );
    expect(done).toMatchObject({ [`Checksum${algorithm}`]: value, ChecksumType: 'COMPOSITE' });
  });

  it('CRC64NVME is always of the full object', async () => {
    const { created } = await upload('crc64', 'CRC64NVME');
    expect(created.ChecksumType).toBe('FULL_OBJECT');
    for (const [algorithm, ChecksumType] of [
      ['CRC64NVME', 'COMPOSITE'],
      ['SHA256', 'FULL_OBJECT'],
      ['SHA1', 'FULL_OBJECT'],
    ] as const) {
      const create = new CreateMultipartUploadCommand({
        Bucket,
        Key: 'x',
        ChecksumAlgorithm: algorithm,
        ChecksumType,
      });
      expect(await failure(wire.s3.send(create))).toMatchObject({ status: 400, code: 'InvalidRequest' });
    }
  });

  describe('a part', () => {
    it('whose checksum is wrong is not kept', async () => {
      const upload = { Bucket, Key: 'bad-part' };
      const { UploadId } = await wire.s3.send(
        new CreateMultipartUploadCommand({ ...upload, ChecksumAlgorithm: 'SHA256' }),
      );
      const part = { ...upload, UploadId, PartNumber: 1, Body: 'right' };
      const wrong = createHash('sha256').update('wrong').digest('base64');
      expect(await failure(wire.s3.send(new UploadPartCommand({ ...part, ChecksumSHA256: wrong })))).toMatchObject({
        status: 400,
        code: 'BadDigest',
      });
      const other = new UploadPartCommand({ ...part, ChecksumAlgorithm: 'CRC32' });
      expect(await failure(wire.s3.send(other))).toMatchObject({ status: 400, code: 'InvalidRequest' });
      const { Parts } = await wire.s3.send(new ListPartsCommand({ ...upload, UploadId }));
      expect(Parts ?? []).toEqual([]);
    });

    it('brings a checksum where the object’s is made of those, which the completion need not repeat', async () => {
      const silent = wire.client(undefined, { requestChecksumCalculation: 'WHEN_REQUIRED' });
      const begin = async (Key: string, type: ChecksumType) => {
        const { UploadId } = await silent.send(
          new CreateMultipartUploadCommand({ Bucket, Key, ChecksumAlgorithm: 'CRC32', ChecksumType: type }),
        );
        return { Bucket, Key, UploadId };
      };
      const composite = await begin('silent-composite', 'COMPOSITE');
      const part = { PartNumber: 1, Body: WHOLE };
      const refused = await failure(silent.send(new UploadPartCommand({ ...composite, ...part })));
      expect(refused).toMatchObject({ status: 400, code: 'InvalidRequest' });
      expect(refused.message).toContain('expected checksum Type: crc32, actual checksum Type: null');

      const { ETag } = await wire.s3.send(new UploadPartCommand({ ...composite, ...part, ChecksumAlgorithm: 'CRC32' }));
      const complete = (target: typeof composite, etag?: string) =>
        silent.send(
          new CompleteMultipartUploadCommand({
            ...target,
            MultipartUpload: { Parts: [{ PartNumber: 1, ETag: etag }] },
          }),
        );
      expect(await complete(composite, ETag)).toMatchObject({ ChecksumType: 'COMPOSITE' });

      const whole = await begin('silent-whole', 'FULL_OBJECT');
      const sent = await silent.send(new UploadPartCommand({ ...whole, ...part }));
      expect(await complete(whole, sent.ETag)).toMatchObject({ ChecksumType: 'FULL_OBJECT' });
    });

    it('is named with its own checksum in the completion', async () => {
      const { Parts, complete } = await upload('named', 'SHA256');
      const swapped = Parts.map((part, i) => ({ ...part, ChecksumSHA256: Parts[1 - i]?.ChecksumSHA256 }));
      expect(await failure(complete({ MultipartUpload: { Parts: swapped } }))).toMatchObject({
        status: 400,
        code: 'InvalidPart',
      });
      await complete();
    });
  });

  it('are among the attributes of the object and its parts', async () => {
    const Key = 'attributes';
    const { Parts, complete } = await upload(Key, 'SHA256');
    const done = await complete();
    const asked = {
      Bucket,
      Key,
      ObjectAttributes: ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'] as (
        'ETag' | 'Checksum' | 'ObjectParts' | 'StorageClass' | 'ObjectSize'
      )[],
    };
    const all = await wire.s3.send(new GetObjectAttributesCommand(asked));
    expect(all).toMatchObject({
      ETag: done.ETag?.replaceAll('"', ''),
      StorageClass: 'STANDARD',
      ObjectSize: WHOLE.length,
    });
    // Elsewhere the number of parts follows the value; the attributes give it apart.
    expect(all.Checksum?.ChecksumSHA256?.replace(/-2$/, '')).toBe(done.ChecksumSHA256?.replace(/-2$/, ''));
    expect(all.ObjectParts).toMatchObject({ TotalPartsCount: 2, IsTruncated: false });
    expect(all.ObjectParts?.Parts).toMatchObject(
      PARTS.map(({ length: Size }, i) => ({ PartNumber: i + 1, Size, ChecksumSHA256: Parts[i]?.ChecksumSHA256 })),
    );
    const paged = await wire.s3.send(new GetObjectAttributesCommand({ ...asked, MaxParts: 1, PartNumberMarker: '1' }));
    expect(paged.ObjectParts?.Parts?.map(({ PartNumber }) => PartNumber)).toEqual([2]);
  });
});
