import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ingest } from '../../../src/data/ingest.js';
import type { ByteRange, ReadObjectOptions } from '../../../src/data/read.js';
import { readObject } from '../../../src/data/read.js';
import type { DataCipher } from '../../../src/data/sse.js';
import { createDataCipher } from '../../../src/data/sse.js';
import type { BlobRef, ObjectData } from '../../../src/store/types.js';
import { setUp } from './ingest-helpers.js';
import { BUCKET, MemoryBlobs, MemoryIntents, Random, collect, sourceOf } from './memory-stores.js';

const CORRUPT = { name: 'StoreError', kind: 'corrupt' };
const STANDARD = new MemoryBlobs({ chunkSizeBytes: 64 });
const COLD = new MemoryBlobs({ chunkSizeBytes: 100 });

function storeOf(storageClass: string): MemoryBlobs {
  return storageClass === 'COLD' ? COLD : STANDARD;
}

interface Stored {
  readonly bytes: Buffer;
  readonly data: ObjectData;
}

/** An object of parts, in turn in two storage classes of different chunk sizes. */
async function storeParts(sizes: readonly number[], cipher: DataCipher | null, random: Random): Promise<Stored> {
  const refs: BlobRef[] = [];
  const parts: Buffer[] = [];
  for (const [i, sizeBytes] of sizes.entries()) {
    const part = random.bytes(sizeBytes);
    const storageClass = i % 2 === 0 ? 'STANDARD' : 'COLD';
    const { data } = await ingest(
      setUp().options(random.slices(part, 50), {
        target: { bucket: BUCKET, key: 'k', storageClass, metadata: new MemoryIntents(), blobs: storeOf(storageClass) },
        allowInline: false,
        cipher,
      }),
    );
    if (data.kind === 'blobs') refs.push(...data.blobs);
    parts.push(part);
  }
  return { bytes: Buffer.concat(parts), data: { kind: 'blobs', blobs: refs } };
}

function read(stored: Stored, cipher: DataCipher | null, range: ByteRange | null, signal?: AbortSignal) {
  const options: ReadObjectOptions = {
    version: { sizeBytes: stored.bytes.length, data: stored.data },
    blobStoreFor: storeOf,
    cipher,
    range,
    signal: signal ?? new AbortController().signal,
  };
  return collect(readObject(options));
}

const SHAPES: readonly (readonly number[])[] = [
  [1],
  [63],
  [64],
  [65],
  [640],
  [641, 1],
  [64, 100, 64],
  [65, 0, 99, 0, 0, 101],
  [200, 333, 1, 64, 512],
];

describe.each([
  ['plain', null],
  ['sealed', createDataCipher(Buffer.alloc(32, 8))],
] as const)('readObject, %s', (_name, cipher) => {
  it.each(SHAPES.map((shape) => [shape]))('of parts %j: any range is that slice', async (sizes) => {
    const random = new Random(sizes.length * 1000 + (sizes[0] ?? 0));
    const stored = await storeParts(sizes, cipher, random);
    const { bytes } = stored;
    expect((await read(stored, cipher, null)).equals(bytes)).toBe(true);
    const borders = [0, 1, 62, 63, 64, 65, 127, 128, bytes.length - 2, bytes.length - 1];
    const starts = [...borders, ...Array.from({ length: 25 }, () => random.below(bytes.length))];
    for (const start of starts.filter((at) => at >= 0 && at < bytes.length)) {
      const ends = [start, start + 1, start + random.below(bytes.length - start), bytes.length - 1];
      for (const end of ends.filter((at) => at < bytes.length)) {
        const got = await read(stored, cipher, { start, end });
        expect(got.equals(bytes.subarray(start, end + 1)), `${start}-${end}`).toBe(true);
      }
    }
  });

  it('reads only the chunks that hold the range', async () => {
    const stored = await storeParts([200, 250, 64], cipher, new Random(1));
    const [a, b] = stored.data.kind === 'blobs' ? stored.data.blobs : [];
    STANDARD.reads.length = 0;
    COLD.reads.length = 0;
    await read(stored, cipher, { start: 130, end: 301 });
    expect(STANDARD.reads).toEqual([`${a?.inode}:2`, `${a?.inode}:3`]);
    expect(COLD.reads).toEqual([`${b?.inode}:0`, `${b?.inode}:1`]);
  });

  it('stops reading when the consumer has enough', async () => {
    const stored = await storeParts([640], cipher, new Random(1));
    STANDARD.reads.length = 0;
    const options = { version: { sizeBytes: 640, data: stored.data }, blobStoreFor: storeOf, cipher, range: null };
    for await (const chunk of readObject({ ...options, signal: new AbortController().signal })) {
      expect(chunk).toHaveLength(64);
      break;
    }
    expect(STANDARD.reads).toHaveLength(1);
  });

  it('finds a chunk that is missing, cut, exchanged or too many', async () => {
    const stored = await storeParts([64 * 4 + 10], cipher, new Random(4));
    const inode = stored.data.kind === 'blobs' ? (stored.data.blobs[0]?.inode ?? '') : '';
    const chunks = STANDARD.blobs.get(inode);
    if (!chunks) throw new Error('no chunks');
    const original = new Map(chunks);
    const chunk = (index: number): Buffer => original.get(index) ?? Buffer.alloc(0);
    const restore = (): void => original.forEach((bytes, index) => chunks.set(index, bytes));

    chunks.delete(2);
    await expect(read(stored, cipher, null)).rejects.toMatchObject(CORRUPT);
    expect(await read(stored, cipher, { start: 0, end: 127 })).toHaveLength(128);
    restore();
    chunks.set(4, chunk(4).subarray(0, -1));
    await expect(read(stored, cipher, null)).rejects.toMatchObject(CORRUPT);
    restore();
    chunks.set(1, Buffer.concat([chunk(1), Buffer.alloc(1)]));
    await expect(read(stored, cipher, { start: 64, end: 64 })).rejects.toMatchObject(CORRUPT);
    restore();
    if (cipher) {
      chunks.set(1, chunk(2)).set(2, chunk(1));
      await expect(read(stored, cipher, null)).rejects.toMatchObject(CORRUPT);
      restore();
      chunks.set(4, Buffer.concat(cipher.seal(inode, 4, [Buffer.alloc(10)], false)));
      await expect(read(stored, cipher, null)).rejects.toMatchObject(CORRUPT);
      restore();
    }
    expect((await read(stored, cipher, null)).equals(stored.bytes)).toBe(true);
  });

  it('finds an object cut at a chunk’s border although its metadata agrees', async () => {
    const stored = await storeParts([64 * 3], cipher, new Random(6));
    const [blob] = stored.data.kind === 'blobs' ? stored.data.blobs : [];
    if (!blob) throw new Error('no blob');
    const cut: Stored = { bytes: Buffer.alloc(128), data: { kind: 'blobs', blobs: [{ ...blob, sizeBytes: 128 }] } };
    if (cipher) await expect(read(cut, cipher, null)).rejects.toMatchObject(CORRUPT);
    else expect(await read(cut, cipher, null)).toHaveLength(128);
  });
});

describe('readObject', () => {
  const signal = new AbortController().signal;

  it.each([
    ['plain', null],
    ['sealed', createDataCipher(Buffer.alloc(32, 8))],
  ] as const)('of inline data, %s', async (_name, cipher) => {
    const bytes = new Random(3).bytes(90);
    const { data } = await ingest(setUp().options([bytes], { cipher }));
    const stored = { bytes, data };
    expect(await read(stored, cipher, null)).toEqual(bytes);
    expect(await read(stored, cipher, { start: 0, end: 0 })).toEqual(bytes.subarray(0, 1));
    expect(await read(stored, cipher, { start: 10, end: 89 })).toEqual(bytes.subarray(10));
    const cut: ObjectData = {
      kind: 'inline',
      bytes: data.kind === 'inline' ? (data.bytes?.subarray(1) ?? null) : null,
    };
    await expect(read({ bytes, data: cut }, cipher, null)).rejects.toMatchObject(CORRUPT);
  });

  it('of nothing yields nothing', async () => {
    for (const cipher of [null, createDataCipher(Buffer.alloc(32))]) {
      expect(
        await read({ bytes: Buffer.alloc(0), data: { kind: 'inline', bytes: Buffer.alloc(0) } }, cipher, null),
      ).toHaveLength(0);
      expect(await read({ bytes: Buffer.alloc(0), data: { kind: 'blobs', blobs: [] } }, cipher, null)).toHaveLength(0);
    }
  });

  it('refuses what it cannot read', async () => {
    const bytes = Buffer.alloc(10);
    await expect(read({ bytes, data: { kind: 'none' } }, null, null)).rejects.toMatchObject({ kind: 'internal' });
    await expect(read({ bytes, data: { kind: 'inline', bytes: null } }, null, null)).rejects.toMatchObject({
      kind: 'internal',
    });
    const blob = { inode: randomUUID(), storageClass: 'STANDARD', sizeBytes: 9, chunkSizeBytes: 64 };
    await expect(read({ bytes, data: { kind: 'blobs', blobs: [blob] } }, null, null)).rejects.toMatchObject(CORRUPT);
  });

  it.each([
    [-1, 3],
    [0, 10],
    [5, 4],
    [10, 10],
  ])('refuses the range %i-%i of 10 bytes', async (start, end) => {
    const stored: Stored = { bytes: Buffer.alloc(10), data: { kind: 'inline', bytes: Buffer.alloc(10) } };
    await expect(read(stored, null, { start, end })).rejects.toThrow(RangeError);
  });

  it('finds a store that ends early or goes on too long', async () => {
    const blob = { inode: randomUUID(), storageClass: 'STANDARD', sizeBytes: 128, chunkSizeBytes: 64 };
    for (const chunks of [1, 3]) {
      const store = new MemoryBlobs({ chunkSizeBytes: 64 });
      store.readChunks = () => sourceOf(Array.from({ length: chunks }, () => Buffer.alloc(64)));
      const reading = collect(
        readObject({
          version: { sizeBytes: 128, data: { kind: 'blobs', blobs: [blob] } },
          blobStoreFor: () => store,
          cipher: null,
          range: null,
          signal,
        }),
      );
      await expect(reading).rejects.toMatchObject(CORRUPT);
    }
  });

  it('stops when the signal fires', async () => {
    const stored = await storeParts([640], null, new Random(1));
    const controller = new AbortController();
    const reason = new Error('client went away');
    const options = {
      version: { sizeBytes: 640, data: stored.data },
      blobStoreFor: storeOf,
      cipher: null,
      range: null,
    };
    let seen = 0;
    const reading = (async () => {
      for await (const _chunk of readObject({ ...options, signal: controller.signal })) {
        seen += 1;
        if (seen === 3) controller.abort(reason);
      }
    })();
    await expect(reading).rejects.toBe(reason);
    expect(seen).toBe(3);
    await expect(read(stored, null, null, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
