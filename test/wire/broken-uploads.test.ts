// Uploads that do not come to their end: the client dies, stalls, sends less or other than it said. The old object stays.
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bytes, etagOf, KIB, MIB, put, read } from './helpers.js';
import { head, RawConnection } from './raw.js';
import { describeWire, USER_KEY } from './servers.js';
import { sha256Hex, signV4 } from './signing.js';

const IDLE_MS = 3_000;

describeWire(
  'broken uploads',
  (wire) => {
    let Bucket = '';
    let target = '';
    const Key = 'key';
    const old = bytes(300 * KIB, 7);
    beforeAll(async () => {
      Bucket = await wire.bucket();
      target = `/${Bucket}/${Key}`;
    });
    beforeEach(() => put(wire.s3, Bucket, Key, old));

    const expectOld = async (): Promise<void> => {
      const { content, output } = await read(wire.s3, { Bucket, Key });
      expect([output.ETag, content.equals(old)]).toEqual([etagOf(old), true]);
      const { Contents } = await wire.s3.send(new ListObjectsV2Command({ Bucket }));
      expect(Contents).toMatchObject([{ Key, ETag: etagOf(old), Size: old.length }]);
    };
    const begin = async (body: Buffer, headers: Readonly<Record<string, string>>, payload = 'UNSIGNED-PAYLOAD') => {
      const own = { host: wire.server.url.slice('http://'.length), ...headers };
      const signed = signV4({ method: 'PUT', path: target, headers: own, payload, credentials: USER_KEY });
      const connection = await RawConnection.open(wire.server);
      await connection.send(head('PUT', target, signed.headers));
      await connection.send(body);
      return connection;
    };

    it.each([0, 1, 10 * KIB, 2 * MIB])('a client that dies after %i bytes changes nothing', async (sentBytes) => {
      const body = bytes(4 * MIB, 8);
      const connection = await begin(body.subarray(0, sentBytes), { 'content-length': String(body.length) });
      await sleep(50);
      connection.destroy();
      await sleep(50);
      await expectOld();
    });

    it('a body that is shorter than its framing says changes nothing', async () => {
      const chunked = await begin(Buffer.from('5\r\nhello\r\n'), { 'transfer-encoding': 'chunked' });
      await sleep(50);
      chunked.destroy();
      const nonsense = await begin(Buffer.from('zz\r\nhello\r\n'), { 'transfer-encoding': 'chunked' });
      expect((await nonsense.response()).status).toBe(400);
      nonsense.destroy();
      const decoded = await begin(
        Buffer.from('5\r\nhello\r\n0\r\n\r\n'),
        {
          'content-length': '15',
          'content-encoding': 'aws-chunked',
          'x-amz-decoded-content-length': '6',
        },
        'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
      );
      expect(await decoded.response()).toMatchObject({ status: 400, code: 'IncompleteBody' });
      decoded.destroy();
      await expectOld();
    });

    it('a body that is not the one that was signed changes nothing', async () => {
      const body = bytes(2 * MIB, 9);
      const changed = Buffer.from(body);
      changed[MIB] = (changed[MIB] ?? 0) ^ 1;
      const connection = await begin(changed, { 'content-length': String(body.length) }, sha256Hex(body));
      expect(await connection.response()).toMatchObject({ status: 400, code: 'XAmzContentSHA256Mismatch' });
      connection.destroy();
      const digest = await begin(changed, {
        'content-length': String(body.length),
        'content-md5': Buffer.from(etagOf(body).slice(1, -1), 'hex').toString('base64'),
      });
      expect(await digest.response()).toMatchObject({ status: 400, code: 'BadDigest' });
      digest.destroy();
      await expectOld();
    });

    describe('slowness', () => {
      it('is no fault as long as bytes come', async () => {
        const pieces = [bytes(1000, 1), bytes(40 * KIB, 2), bytes(1, 3), bytes(2000, 4)];
        const body = Buffer.concat(pieces);
        const connection = await begin(Buffer.alloc(0), { 'content-length': String(body.length) });
        for (const piece of pieces) {
          // All four together are longer than a silence may last, each far from it.
          await sleep(IDLE_MS * 0.35);
          await connection.send(piece);
        }
        const answer = await connection.response();
        expect([answer.status, answer.headers['etag']]).toEqual([200, etagOf(body)]);
        connection.destroy();
        expect((await read(wire.s3, { Bucket, Key })).content.equals(body)).toBe(true);
      });

      it('ends an upload that stands still', async () => {
        const startMs = performance.now();
        const connection = await begin(bytes(100 * KIB, 5), { 'content-length': String(MIB) });
        expect(await connection.response()).toMatchObject({ status: 400, code: 'RequestTimeout' });
        expect(performance.now() - startMs).toBeGreaterThan(IDLE_MS * 0.9);
        await connection.ended();
        await expectOld();
      });
    });

    it('leaves a server that goes on', async () => {
      const body = bytes(8 * MIB, 6);
      const dying = await Promise.all(
        Array.from({ length: 20 }, () => begin(body.subarray(0, MIB), { 'content-length': String(body.length) })),
      );
      for (const connection of dying) connection.destroy();
      await put(wire.s3, Bucket, Key, 'after');
      expect((await read(wire.s3, { Bucket, Key })).content.toString()).toBe('after');
      expect(wire.server.running).toBe(true);
      expect(wire.server.logs()).not.toMatch(/uncaught|"level":"(error|fatal)"/);
    });
  },
  { limits: { 'body-idle-timeout': `${IDLE_MS}ms` } },
);
