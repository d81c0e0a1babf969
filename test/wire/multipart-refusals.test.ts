// Multipart uploads that are refused: wrong lists of parts, uploads that are not there, parts that may not be.
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListPartsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { CompletedPart, CompleteMultipartUploadCommandInput } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { bytes, etagOf, failure, failures, MIB, put, read } from './helpers.js';
import { signedExchange } from './raw.js';
import { bucketName, describeWire, KEYS } from './servers.js';

const PART = 5 * MIB;
const UNKNOWN_ID = '0'.repeat(9) + 'f'.repeat(32);

describeWire('refused multipart uploads', (wire) => {
  const Key = 'key';
  let Bucket = '';
  let UploadId = '';
  const parts: CompletedPart[] = [];

  beforeAll(async () => {
    Bucket = await wire.bucket();
    await put(wire.s3, Bucket, Key, 'old');
    ({ UploadId = '' } = await wire.s3.send(new CreateMultipartUploadCommand({ Bucket, Key })));
    const bodies = ['too small to be first', bytes(PART), 'last'];
    for (const [i, Body] of bodies.entries()) {
      const PartNumber = i + 1;
      const { ETag } = await wire.s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body }));
      parts.push({ PartNumber, ETag });
    }
  });

  const complete = (Parts: CompletedPart[], input: Partial<CompleteMultipartUploadCommandInput> = {}) =>
    wire.s3.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...input }));

  describe('a list of parts', () => {
    it.each([
      ['out of order', [3, 2], 'InvalidPartOrder'],
      ['with a part twice', [2, 2], 'InvalidPartOrder'],
      ['with a part that was never sent', [2, 4], 'InvalidPart'],
      ['with a part below 5 MiB before the last', [1, 3], 'EntityTooSmall'],
      ['without parts', [], 'MalformedXML'],
    ])('%s is refused: %s %s', async (_name, numbers, code) => {
      const list = numbers.map((number) => parts[number - 1] ?? { PartNumber: number, ETag: etagOf('never sent') });
      expect(await failure(complete(list))).toMatchObject({ status: 400, code });
    });

    it('with the wrong ETag is refused', async () => {
      const list = [{ PartNumber: 2, ETag: etagOf('other') }];
      const refused = await failure(complete(list));
      expect(refused).toMatchObject({ status: 400, code: 'InvalidPart' });
      expect(refused.error['PartNumber']).toBe('2');
    });

    it('that is no such document is refused', async () => {
      const target = `/${Bucket}/${Key}?uploadId=${UploadId}`;
      for (const body of ['', 'parts', '<CompleteMultipartUpload>', '<Other/>']) {
        const answer = await signedExchange(wire.server, { method: 'POST', target, body });
        expect([body, answer.status, answer.code]).toEqual([body, 400, 'MalformedXML']);
      }
    });

    it('with the wrong size of the object is refused', async () => {
      expect(await failure(complete(parts.slice(1), { MpuObjectSize: 5 }))).toMatchObject({ status: 400 });
    });

    it('leaves the old object and the upload as they were', async () => {
      expect((await read(wire.s3, { Bucket, Key })).content.toString()).toBe('old');
      const { Parts } = await wire.s3.send(new ListPartsCommand({ Bucket, Key, UploadId }));
      expect(Parts).toHaveLength(3);
      const done = await complete(parts.slice(1), { MpuObjectSize: PART + 4 });
      expect(done.ETag).toMatch(/-2"$/);
      const { ContentLength } = await wire.s3.send(new HeadObjectCommand({ Bucket, Key }));
      expect(ContentLength).toBe(PART + 4);
    });
  });

  it.each([0, 10_001, -1])('a part may not have the number %i', async (PartNumber) => {
    const { UploadId: id } = await wire.s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'numbers' }));
    const sent = wire.s3.send(new UploadPartCommand({ Bucket, Key: 'numbers', UploadId: id, PartNumber, Body: 'x' }));
    expect(await failure(sent)).toMatchObject({ status: 400, code: 'InvalidArgument' });
  });

  it.each(['never', UNKNOWN_ID, ''])('an upload %j is not there', async (id) => {
    const upload = { Bucket, Key: 'missing', UploadId: id };
    const calls = [
      wire.s3.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'x' })),
      wire.s3.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } })),
      wire.s3.send(new AbortMultipartUploadCommand(upload)),
      wire.s3.send(new ListPartsCommand(upload)),
    ];
    for (const refused of await failures(calls)) expect(refused).toMatchObject({ status: 404, code: 'NoSuchUpload' });
  });

  it('an upload belongs to its key', async () => {
    const { UploadId: id } = await wire.s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'its-key' }));
    const elsewhere = { Bucket, Key: 'another-key', UploadId: id };
    const refused = await failures([
      wire.s3.send(new UploadPartCommand({ ...elsewhere, PartNumber: 1, Body: 'x' })),
      wire.s3.send(new AbortMultipartUploadCommand(elsewhere)),
    ]);
    expect(refused.map(({ code }) => code)).toEqual(['NoSuchUpload', 'NoSuchUpload']);
  });

  it('an aborted upload is gone with its parts', async () => {
    const upload = { Bucket, Key: 'aborted' };
    const { UploadId: id } = await wire.s3.send(new CreateMultipartUploadCommand(upload));
    const own = { ...upload, UploadId: id };
    const part = { ...own, PartNumber: 1, Body: bytes(MIB) };
    const { ETag } = await wire.s3.send(new UploadPartCommand(part));
    await wire.s3.send(new AbortMultipartUploadCommand(own));
    const refused = await failures([
      wire.s3.send(new UploadPartCommand(part)),
      wire.s3.send(new ListPartsCommand(own)),
      wire.s3.send(new AbortMultipartUploadCommand(own)),
      wire.s3.send(
        new CompleteMultipartUploadCommand({ ...own, MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] } }),
      ),
      wire.s3.send(new GetObjectCommand(upload)),
    ]);
    expect(refused.map(({ code }) => code)).toEqual([
      'NoSuchUpload',
      'NoSuchUpload',
      'NoSuchUpload',
      'NoSuchUpload',
      'NoSuchKey',
    ]);
  });

  it('a completed upload cannot be aborted, and its object stays', async () => {
    const upload = { Bucket, Key: 'completed' };
    const { UploadId: id } = await wire.s3.send(new CreateMultipartUploadCommand(upload));
    const own = { ...upload, UploadId: id };
    const { ETag } = await wire.s3.send(new UploadPartCommand({ ...own, PartNumber: 1, Body: 'kept' }));
    const MultipartUpload = { Parts: [{ PartNumber: 1, ETag }] };
    await wire.s3.send(new CompleteMultipartUploadCommand({ ...own, MultipartUpload }));
    expect(await failure(wire.s3.send(new AbortMultipartUploadCommand(own)))).toMatchObject({
      status: 404,
      code: 'NoSuchUpload',
    });
    expect((await read(wire.s3, upload)).content.toString()).toBe('kept');
  });

  it('an upload is its bucket owner’s business', async () => {
    const other = wire.client(KEYS.other);
    const { UploadId: id } = await wire.s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'private' }));
    const own = { Bucket, Key: 'private', UploadId: id };
    const refused = await failures([
      other.send(new CreateMultipartUploadCommand({ Bucket, Key: 'private' })),
      other.send(new UploadPartCommand({ ...own, PartNumber: 1, Body: 'x' })),
      other.send(new ListPartsCommand(own)),
      other.send(new AbortMultipartUploadCommand(own)),
    ]);
    for (const refusal of refused) expect(refusal).toMatchObject({ status: 403, code: 'AccessDenied' });
    const nowhere = new CreateMultipartUploadCommand({ Bucket: bucketName(), Key: 'x' });
    expect(await failure(wire.s3.send(nowhere))).toMatchObject({ status: 404, code: 'NoSuchBucket' });
  });
});
