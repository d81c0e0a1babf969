// Clients that take their time: with headers, with reading, with nothing at all; and headers that are too large.
import { beforeAll, expect, it } from 'vitest';
import { bytes, MIB, put, read } from './helpers.js';
import { exchange, head, RawConnection } from './raw.js';
import { describeWire, USER_KEY } from './servers.js';
import { signV4 } from './signing.js';

const LARGE_BYTES = 24 * MIB;
const READERS = 24;
const LIMIT_BYTES = 512 * MIB;

describeWire(
  'slow clients',
  (wire) => {
    let Bucket = '';
    const large = bytes(LARGE_BYTES, 6);
    beforeAll(async () => {
      Bucket = await wire.bucket();
      await put(wire.s3, Bucket, 'large', large);
    });
    const host = () => `${wire.server.host}:${wire.server.port}`;
    const getLarge = async () => {
      const path = `/${Bucket}/large`;
      const { headers } = signV4({ method: 'GET', path, headers: { host: host() }, credentials: USER_KEY });
      const connection = await RawConnection.open(wire.server);
      await connection.send(head('GET', path, headers));
      return connection;
    };

    it('that do not finish their headers are told so and cut off', async () => {
      const connection = await RawConnection.open(wire.server);
      await connection.send(`GET / HTTP/1.1\r\nHost: ${host()}\r\nX-Slow: `);
      expect(await connection.response()).toMatchObject({ status: 400, code: 'RequestTimeout' });
      await connection.ended();
    });

    it('that say nothing at all are cut off', async () => {
      const connection = await RawConnection.open(wire.server);
      await connection.ended();
    });

    it('that are idle after an answer are cut off', async () => {
      const connection = await RawConnection.open(wire.server);
      await connection.send(head('GET', '/', { host: host() }));
      expect((await connection.response()).status).toBe(403);
      await connection.ended();
      expect(connection.pendingBytes).toBe(0);
    });

    it('that stop reading are cut off, and hold little memory until then', async () => {
      const connections = await Promise.all(Array.from({ length: READERS }, () => getLarge()));
      for (const connection of connections) connection.pause();
      const ended = () =>
        wire.server
          .logs()
          .split('\n')
          .filter((line) => line.includes('"operation":"GetObject"') && line.includes('"key":"large"')).length;
      await expect.poll(ended, { timeout: 60_000, interval: 200 }).toBe(READERS);
      expect(wire.server.peakRssBytes()).toBeLessThan(LIMIT_BYTES);
      for (const connection of connections) {
        connection.resume();
        await connection.ended();
        expect(connection.pendingBytes).toBeLessThan(LARGE_BYTES);
        connection.destroy();
      }
    });

    it('that read slowly get all of it', async () => {
      const connection = await getLarge();
      // In gulps, for longer than a silence may last: none of them large enough to take all that is left.
      for (let gulp = 0; gulp < 8; gulp++) {
        await connection.gulp(LARGE_BYTES / 16);
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      expect(connection.pendingBytes).toBeLessThan(LARGE_BYTES);
      connection.resume();
      const { status, body } = await connection.response();
      expect([status, body.equals(large)]).toEqual([200, true]);
      connection.destroy();
    });

    it('with too large headers get S3’s error', async () => {
      const answer = await exchange(wire.server, {
        method: 'GET',
        target: `/${Bucket}/large`,
        headers: { 'x-amz-meta-giant': 'x'.repeat(20_000) },
      });
      expect(answer).toMatchObject({ status: 400, code: 'RequestHeaderSectionTooLarge' });
      expect(answer.headers['content-type']).toBe('application/xml');
      expect(answer.headers['connection']).toBe('close');
    });

    it('leave a server that goes on', async () => {
      expect((await read(wire.s3, { Bucket, Key: 'large' })).content.equals(large)).toBe(true);
      expect(wire.server.logs()).not.toMatch(/uncaught|"level":"(error|fatal)"/);
    });
  },
  {
    service: { workers: 1 },
    limits: {
      'headers-timeout': '2s',
      'keep-alive-timeout': '1s',
      'body-idle-timeout': '3s',
      'max-header-size': '16k',
    },
  },
);
