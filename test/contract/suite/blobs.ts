/** Contract of BlobStore. */
import { randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { BlobStore } from '../../../src/store/types.js';
import { expectStoreError, inParallel, range, useStores } from './harness.js';
import type { MakeStores } from './harness.js';

const SEALING_OVERHEAD_BYTES = 28;

export function blobContract(name: string, makeStores: MakeStores): void {
  describe(`${name}: blobs`, () => {
    const fixture = useStores(makeStores);

    it('says sensibly how it wants to be used', () => {
      const { blobs } = fixture();
      expect(blobs.chunkSizeBytes).toBeGreaterThan(0);
      expect(blobs.window).toBeGreaterThan(0);
    });

    it('answers any range of chunks across all borders', async () => {
      const { blobs } = fixture();
      const { inode, chunks, storedChunkSizeBytes } = await writeBlob(blobs, { fullChunks: 9, lastBytes: 1 });
      for (const [first, last] of [
        [0, 9],
        [0, 0],
        [9, 9],
        [3, 7],
        [8, 9],
      ] as const) {
        const read = await readAll(blobs, inode, { first, last, storedChunkSizeBytes });
        expect(sameBytes(read, chunks.slice(first, last + 1))).toBe(true);
      }
    });

    it('keeps chunks that are longer than plaintext chunks', async () => {
      const { blobs } = fixture();
      const options = { fullChunks: 2, lastBytes: 100, overheadBytes: SEALING_OVERHEAD_BYTES };
      const { inode, chunks, storedChunkSizeBytes } = await writeBlob(blobs, options);
      const read = await readAll(blobs, inode, { first: 0, last: 2, storedChunkSizeBytes });
      expect(sameBytes(read, chunks)).toBe(true);
    });

    it('keeps a blob of one short chunk and one that ends at a border', async () => {
      const { blobs } = fixture();
      for (const [fullChunks, lastBytes] of [
        [0, 1],
        [1, 0],
        [2, 0],
      ] as const) {
        const { inode, chunks, storedChunkSizeBytes } = await writeBlob(blobs, { fullChunks, lastBytes });
        const last = chunks.length - 1;
        const read = await readAll(blobs, inode, { first: 0, last, storedChunkSizeBytes });
        expect(sameBytes(read, chunks)).toBe(true);
      }
    });

    it('keeps an empty blob', async () => {
      const { blobs } = fixture();
      const { inode, storedChunkSizeBytes } = await writeBlob(blobs, { fullChunks: 0, lastBytes: 0 });
      expect(await readAll(blobs, inode, { first: 0, last: -1, storedChunkSizeBytes })).toEqual([]);
      await blobs.delete(inode);
    });

    it('takes chunks in any order and in pieces, and lets go of the buffers', async () => {
      const { blobs } = fixture();
      const storedChunkSizeBytes = blobs.chunkSizeBytes;
      const inode = randomUUID();
      const chunks = [randomBytes(storedChunkSizeBytes), randomBytes(storedChunkSizeBytes), randomBytes(77)];
      const writer = await blobs.openWriter(inode, { storedChunkSizeBytes });
      for (const index of [2, 0, 1]) {
        const chunk = Buffer.from(chunks[index] ?? Buffer.alloc(0));
        const third = Math.floor(chunk.length / 3);
        await writer.write(index, [chunk.subarray(0, third), Buffer.alloc(0), chunk.subarray(third)]);
        chunk.fill(0);
      }
      await writer.finish();
      const read = await readAll(blobs, inode, { first: 0, last: 2, storedChunkSizeBytes });
      expect(sameBytes(read, chunks)).toBe(true);
    });

    it('takes a chunk in very many pieces', async () => {
      const { blobs } = fixture();
      const storedChunkSizeBytes = blobs.chunkSizeBytes;
      const inode = randomUUID();
      const chunk = randomBytes(5000);
      const writer = await blobs.openWriter(inode, { storedChunkSizeBytes });
      await writer.write(
        0,
        range(2500).map((i) => chunk.subarray(2 * i, 2 * i + 2)),
      );
      await writer.finish();
      expect(sameBytes(await readAll(blobs, inode, { first: 0, last: 0, storedChunkSizeBytes }), [chunk])).toBe(true);
    });

    it('serves 64 writers at once', async () => {
      const { blobs } = fixture();
      const written = await Promise.all(
        range(64).map((i) => writeBlob(blobs, { fullChunks: i % 3, lastBytes: 100 + i })),
      );
      await inParallel(written, 16, async ({ inode, chunks, storedChunkSizeBytes }) => {
        const read = await readAll(blobs, inode, { first: 0, last: chunks.length - 1, storedChunkSizeBytes });
        expect(sameBytes(read, chunks)).toBe(true);
      });
    });

    it('notices a changed byte in any chunk, and only there', async () => {
      const { blobs, region, underTest } = fixture();
      for (const corrupted of [0, 2, 4]) {
        const { inode, storedChunkSizeBytes } = await writeBlob(blobs, { fullChunks: 4, lastBytes: 10 });
        await underTest.corruptBlob(region.name, 'STANDARD', inode, corrupted);
        for (const index of range(5)) {
          const read = readAll(blobs, inode, { first: index, last: index, storedChunkSizeBytes });
          if (index === corrupted) await expectStoreError(read, 'corrupt');
          else expect(await read).toHaveLength(1);
        }
        await expectStoreError(readAll(blobs, inode, { first: 0, last: 4, storedChunkSizeBytes }), 'corrupt');
      }
    });

    it('answers the good chunks before a bad one', async () => {
      const { blobs, region, underTest } = fixture();
      const { inode, chunks, storedChunkSizeBytes } = await writeBlob(blobs, { fullChunks: 4, lastBytes: 10 });
      await underTest.corruptBlob(region.name, 'STANDARD', inode, 3);
      const read: Buffer[] = [];
      const reading = async () => {
        for await (const chunk of blobs.readChunks(inode, { first: 0, last: 4, storedChunkSizeBytes }))
          read.push(chunk);
      };
      await expectStoreError(reading(), 'corrupt');
      expect(sameBytes(read, chunks.slice(0, 3))).toBe(true);
    });

    it('calls missing bytes corrupt, never empty', async () => {
      const { blobs } = fixture();
      const storedChunkSizeBytes = blobs.chunkSizeBytes;
      await expectStoreError(readAll(blobs, randomUUID(), { first: 0, last: 0, storedChunkSizeBytes }), 'corrupt');
      const { inode } = await writeBlob(blobs, { fullChunks: 1, lastBytes: 5 });
      await expectStoreError(readAll(blobs, inode, { first: 0, last: 2, storedChunkSizeBytes }), 'corrupt');
      await expectStoreError(readAll(blobs, inode, { first: 5, last: 5, storedChunkSizeBytes }), 'corrupt');
    });

    it('notices a chunk that was never written', async () => {
      const { blobs } = fixture();
      const storedChunkSizeBytes = blobs.chunkSizeBytes;
      const inode = randomUUID();
      const writer = await blobs.openWriter(inode, { storedChunkSizeBytes });
      await writer.write(0, [randomBytes(storedChunkSizeBytes)]);
      await writer.write(2, [randomBytes(storedChunkSizeBytes)]);
      await writer.finish();
      await expectStoreError(readAll(blobs, inode, { first: 0, last: 2, storedChunkSizeBytes }), 'corrupt');
      await expectStoreError(readAll(blobs, inode, { first: 1, last: 1, storedChunkSizeBytes }), 'corrupt');
      expect(await readAll(blobs, inode, { first: 2, last: 2, storedChunkSizeBytes })).toHaveLength(1);
    });

    it('deletes idempotently, and only that blob', async () => {
      const { blobs } = fixture();
      const gone = await writeBlob(blobs, { fullChunks: 2, lastBytes: 5 });
      const kept = await writeBlob(blobs, { fullChunks: 2, lastBytes: 5 });
      await blobs.delete(gone.inode);
      await blobs.delete(gone.inode);
      await blobs.delete(randomUUID());
      const { storedChunkSizeBytes } = kept;
      await expectStoreError(readAll(blobs, gone.inode, { first: 0, last: 0, storedChunkSizeBytes }), 'corrupt');
      const read = await readAll(blobs, kept.inode, { first: 0, last: 2, storedChunkSizeBytes });
      expect(sameBytes(read, kept.chunks)).toBe(true);
    });

    it('can be left in the middle of a read', async () => {
      const { blobs } = fixture();
      const { inode, chunks, storedChunkSizeBytes } = await writeBlob(blobs, { fullChunks: 6, lastBytes: 5 });
      for (const wanted of [1, 3]) {
        const read: Buffer[] = [];
        for await (const chunk of blobs.readChunks(inode, { first: 0, last: 6, storedChunkSizeBytes })) {
          if (read.push(chunk) === wanted) break;
        }
        expect(sameBytes(read, chunks.slice(0, wanted))).toBe(true);
      }
    });

    it('leaves nothing to read after abort, which never throws', async () => {
      const { blobs } = fixture();
      const storedChunkSizeBytes = blobs.chunkSizeBytes;
      const inode = randomUUID();
      const writer = await blobs.openWriter(inode, { storedChunkSizeBytes });
      await writer.write(0, [randomBytes(storedChunkSizeBytes)]);
      await writer.abort();
      await writer.abort();
      await expect(writer.write(1, [randomBytes(10)])).rejects.toThrow();
      await expect(writer.finish()).rejects.toThrow();
      await expectStoreError(readAll(blobs, inode, { first: 0, last: 0, storedChunkSizeBytes }), 'corrupt');
    });

    it('stops writing and reading when the signal fires', async () => {
      const { blobs } = fixture();
      const storedChunkSizeBytes = blobs.chunkSizeBytes;
      const controller = new AbortController();
      const { signal } = controller;
      const writer = await blobs.openWriter(randomUUID(), { storedChunkSizeBytes, signal });
      await writer.write(0, [randomBytes(10)]);
      const { inode } = await writeBlob(blobs, { fullChunks: 6, lastBytes: 5 });
      const reading = async () => {
        for await (const _ of blobs.readChunks(inode, { first: 0, last: 6, storedChunkSizeBytes, signal })) {
          controller.abort(new Error('enough'));
        }
      };
      await expectStoreError(reading(), 'closed');
      await expectStoreError(writer.write(1, [randomBytes(10)]), 'closed');
      await writer.abort();
    });
  });
}

interface WrittenBlob {
  readonly inode: string;
  readonly chunks: readonly Buffer[];
  readonly storedChunkSizeBytes: number;
}

/** Full chunks and, unless lastBytes is 0, a short one; at most window writes in flight. */
async function writeBlob(
  blobs: BlobStore,
  options: { readonly fullChunks: number; readonly lastBytes: number; readonly overheadBytes?: number },
): Promise<WrittenBlob> {
  const { fullChunks, lastBytes, overheadBytes = 0 } = options;
  const storedChunkSizeBytes = blobs.chunkSizeBytes + overheadBytes;
  const chunks = range(fullChunks).map(() => randomBytes(storedChunkSizeBytes));
  if (lastBytes > 0) chunks.push(randomBytes(lastBytes));
  const inode = randomUUID();
  const writer = await blobs.openWriter(inode, { storedChunkSizeBytes });
  await inParallel([...chunks.entries()], blobs.window, ([index, chunk]) => writer.write(index, [chunk]));
  await writer.finish();
  return { inode, chunks, storedChunkSizeBytes };
}

async function readAll(
  blobs: BlobStore,
  inode: string,
  options: { readonly first: number; readonly last: number; readonly storedChunkSizeBytes: number },
): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of blobs.readChunks(inode, options)) chunks.push(chunk);
  return chunks;
}

/** toEqual on big buffers is slow. */
function sameBytes(actual: readonly Buffer[], expected: readonly Buffer[]): boolean {
  return (
    actual.length === expected.length &&
    actual.every((chunk, i) => expected[i] !== undefined && chunk.equals(expected[i]))
  );
}
