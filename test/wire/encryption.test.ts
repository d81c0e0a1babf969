// Server-side encryption (SSE-S3): said on every answer, true in the store, and invisible to readers of any part.
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { bytes, etagOf, failure, KIB, MIB, put, read } from './helpers.js';
import { signedExchange } from './raw.js';
import { clientOf, describeWire, makeHome } from './servers.js';
import { spawnPithos } from '../support/server.js';
import { storeContains } from './stored.js';

const SSE = { ServerSideEncryption: 'AES256' } as const;

/** Content with a marker at its start, its middle and its end. */
function marked(sizeBytes: number, marker: string): Buffer {
  const content = bytes(sizeBytes, 3);
  for (const at of [0, Math.floor(sizeBytes / 2), sizeBytes - marker.length]) content.write(marker, at);
  return content;
}

describeWire(
  'encryption',
  (wire) => {
    let Bucket = '';
    beforeAll(async () => {
      Bucket = await wire.bucket();
    });

    it.each([100, 31 * KIB, 40 * KIB, 3 * MIB])('keeps no plaintext of an object of %i bytes', async (sizeBytes) => {
      const marker = `secret of ${sizeBytes} bytes in ${Bucket}`;
      const content = marked(sizeBytes + 100, marker);
      const stored = await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'sealed', Body: content, ...SSE }));
      expect(stored).toMatchObject({ ...SSE, ETag: etagOf(content) });
      expect(await storeContains(wire, Buffer.from(marker))).toBe(false);

      const got = await read(wire.s3, { Bucket, Key: 'sealed' });
      expect(got.content.equals(content)).toBe(true);
      expect(got.output).toMatchObject(SSE);
      expect(await wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'sealed' }))).toMatchObject({
        ...SSE,
        ContentLength: content.length,
      });

      // The search would find it: without encryption it is there.
      const open = marker.replace('secret', 'public');
      await put(wire.s3, Bucket, 'open', marked(sizeBytes + 100, open));
      expect(await storeContains(wire, Buffer.from(open))).toBe(true);
      expect((await wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'open' }))).ServerSideEncryption).toBeUndefined();
    });

    it('serves ranges', async () => {
      const content = bytes(2 * MIB + 12_345, 8);
      await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'ranges', Body: content, ...SSE }));
      const edges = [0, 1, 64 * KIB - 1, 64 * KIB, 128 * KIB, MIB - 1, MIB, MIB + 1, content.length - 1];
      for (const start of edges)
        for (const length of [1, 100, 128 * KIB + 1]) {
          const end = Math.min(start + length, content.length);
          const got = await read(wire.s3, { Bucket, Key: 'ranges', Range: `bytes=${start}-${end - 1}` });
          expect(got.content.equals(content.subarray(start, end))).toBe(true);
        }
    });

    it('covers multipart uploads', async () => {
      const marker = `secret part in ${Bucket}`;
      const parts = [marked(5 * MIB, marker), marked(1000, marker)];
      const upload = { Bucket, Key: 'multipart' };
      const created = await wire.s3.send(new CreateMultipartUploadCommand({ ...upload, ...SSE }));
      expect(created).toMatchObject(SSE);
      const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
      for (const [i, Body] of parts.entries()) {
        const PartNumber = i + 1;
        const part = await wire.s3.send(
          new UploadPartCommand({ ...upload, UploadId: created.UploadId, PartNumber, Body }),
        );
        expect(part).toMatchObject(SSE);
        Parts.push({ PartNumber, ETag: part.ETag });
      }
      const done = await wire.s3.send(
        new CompleteMultipartUploadCommand({ ...upload, UploadId: created.UploadId, MultipartUpload: { Parts } }),
      );
      expect(done).toMatchObject(SSE);
      expect(await storeContains(wire, Buffer.from(marker))).toBe(false);
      const whole = Buffer.concat(parts);
      expect((await read(wire.s3, upload)).content.equals(whole)).toBe(true);
      const across = await read(wire.s3, { ...upload, Range: `bytes=${5 * MIB - 10}-${5 * MIB + 9}` });
      expect(across.content.equals(whole.subarray(5 * MIB - 10, 5 * MIB + 10))).toBe(true);
      const second = await read(wire.s3, { ...upload, PartNumber: 2 });
      expect(second.content.equals(parts[1] ?? whole)).toBe(true);
    });

    it('is chosen anew for each copy', async () => {
      const content = marked(70 * KIB, `copied secret in ${Bucket}`);
      await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'source', Body: content, ...SSE }));
      const CopySource = `${Bucket}/source`;
      await wire.s3.send(new CopyObjectCommand({ Bucket, Key: 'opened', CopySource }));
      const sealed = await wire.s3.send(
        new CopyObjectCommand({ Bucket, Key: 'sealed-again', CopySource: `${Bucket}/opened`, ...SSE }),
      );
      expect(sealed).toMatchObject(SSE);
      for (const Key of ['opened', 'sealed-again'])
        expect((await read(wire.s3, { Bucket, Key })).content.equals(content)).toBe(true);
      expect((await read(wire.s3, { Bucket, Key: 'opened' })).output.ServerSideEncryption).toBeUndefined();
    });

    it('is not asked for by reads', async () => {
      await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'read', Body: 'x', ...SSE }));
      const headers = { 'x-amz-server-side-encryption': 'AES256' };
      for (const method of ['GET', 'HEAD']) {
        const answer = await signedExchange(wire.server, { method, target: `/${Bucket}/read`, headers });
        expect(answer.status).toBe(400);
        if (method === 'GET') expect(answer.code).toBe('InvalidArgument');
      }
    });

    describe('refuses by name', () => {
      it.each([
        ['an unknown method', { 'x-amz-server-side-encryption': 'ROT13' }, 400],
        ['two layers of KMS', { 'x-amz-server-side-encryption': 'aws:kms:dsse' }, 501],
        ['a KMS key without its method', { 'x-amz-server-side-encryption-aws-kms-key-id': 'k' }, 400],
      ] as const)('%s', async (_name, headers, status) => {
        const target = `/${Bucket}/refused`;
        const answer = await signedExchange(wire.server, { method: 'PUT', target, headers, body: 'x' });
        expect(answer.status).toBe(status);
        expect(await failure(wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'refused' })))).toMatchObject({
          status: 404,
        });
      });

      it('any encryption where there is no master key', async () => {
        // On Cassandra there is none by default; the embedded store makes its own.
        const off =
          wire.store === 'cassandra' ? { encryption: null } : { options: { 'server-side-encryption': false } };
        const home = await makeHome(wire.store, off);
        const server = await spawnPithos({ config: home.config });
        const s3 = clientOf(server);
        try {
          const own = `no-key-${Bucket}`;
          await s3.send(new CreateBucketCommand({ Bucket: own }));
          for (const ServerSideEncryption of ['AES256', 'aws:kms'] as const) {
            const refused = await failure(
              s3.send(new PutObjectCommand({ Bucket: own, Key: 'x', Body: 'x', ServerSideEncryption })),
            );
            expect(refused).toMatchObject({ status: 400, code: 'ServerSideEncryptionConfigurationNotFoundError' });
          }
          await put(s3, own, 'x', 'unencrypted');
        } finally {
          s3.destroy();
          await server.stop();
          await home.remove();
        }
      });
    });
  },
  {},
  { ownKeyspace: true },
);
