// Memory of a worker stays bounded however many large uploads and downloads run at once. memory.mjs does it with 64 x 256 MiB.
import { Readable } from 'node:stream';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { bytes, etagOf, KIB, MIB, sha256Of } from './helpers.js';
import { describeWire } from './servers.js';

const STREAMS = 16;
const SIZE_BYTES = 64 * MIB;
const LIMIT_BYTES = 512 * MIB;
const PIECE = bytes(64 * KIB, 5);

function* pieces(): Generator<Buffer> {
  for (let sent = 0; sent < SIZE_BYTES; sent += PIECE.length) yield PIECE;
}

describeWire(
  'memory',
  (wire) => {
    it(`stays under 512 MiB while ${STREAMS} x 64 MiB come in and go out at once`, async () => {
      const Bucket = await wire.bucket();
      const s3 = wire.client(undefined, { requestHandler: { httpAgent: { maxSockets: STREAMS } } });
      const whole = Buffer.concat([...pieces()]);
      const keys = Array.from({ length: STREAMS }, (_, i) => `stream-${i}`);
      const etags = await Promise.all(
        keys.map(async (Key) => {
          const Body = Readable.from(pieces());
          return (await s3.send(new PutObjectCommand({ Bucket, Key, Body, ContentLength: SIZE_BYTES }))).ETag;
        }),
      );
      expect(new Set(etags)).toEqual(new Set([etagOf(whole)]));
      const digests = await Promise.all(
        keys.map(async (Key) => {
          const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
          return sha256Of(Body as Readable);
        }),
      );
      expect(new Set(digests)).toEqual(new Set([await sha256Of(Readable.from([whole]))]));
      s3.destroy();
      expect(wire.server.peakRssBytes()).toBeLessThan(LIMIT_BYTES);
    });
  },
  { service: { workers: 1 } },
  { ownKeyspace: true },
);
