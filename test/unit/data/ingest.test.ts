import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { CHECKSUM_ALGORITHMS, createChecksum } from '../../../src/data/checksums.js';
import type { Ingested } from '../../../src/data/ingest.js';
import { expectDigests, ingest } from '../../../src/data/ingest.js';
import { readObject } from '../../../src/data/read.js';
import { createDataCipher } from '../../../src/data/sse.js';
import { CHUNK_BYTES, INLINE_BYTES, setUp } from './ingest-helpers.js';
import { Random, collect, sourceOf } from './memory-stores.js';

const MD5_OF_NOTHING = 'd41d8cd98f00b204e9800998ecf8427e';
const SIZES = [
  ...[0, 1, 2, INLINE_BYTES - 1, INLINE_BYTES, INLINE_BYTES + 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1],
  ...[2 * CHUNK_BYTES - 1, 2 * CHUNK_BYTES, 2 * CHUNK_BYTES + 1, 10 * CHUNK_BYTES, 10 * CHUNK_BYTES + 17],
];

describe.each([
  ['plain', () => null],
  ['sealed', () => createDataCipher(Buffer.alloc(32, 4))],
])('ingest, %s', (_name, cipherOf) => {
  it.each(SIZES)('%i bytes in any slices come out as they went in', async (sizeBytes) => {
    const random = new Random(sizeBytes + 1);
    const bytes = random.bytes(sizeBytes);
    const slicings = [[bytes], ...[1, 7, 64, 300, 3000].map((maxSliceBytes) => random.slices(bytes, maxSliceBytes))];
    for (const slices of slicings) {
      for (const sizeHintBytes of [null, sizeBytes]) {
        const { events, intents, blobs, budget, options } = setUp();
        const cipher = cipherOf();
        const ingested = await ingest(options(slices, { cipher, sizeHintBytes }));
        expect(ingested).toMatchObject({ sizeBytes, md5Hex: createHash('md5').update(bytes).digest('hex') });
        const version = { sizeBytes, data: ingested.data };
        const read = readObject({
          version,
          blobStoreFor: () => blobs,
          cipher,
          range: null,
          signal: new AbortController().signal,
        });
        expect((await collect(read)).equals(bytes)).toBe(true);
        expect(budget.usedBytes).toBe(0);
        expect(intents.abandoned).toBe(0);

        if (sizeBytes <= INLINE_BYTES) {
          expect(ingested).toMatchObject({ data: { kind: 'inline' }, intent: null });
          expect(events).toEqual([]);
        } else {
          const chunks = Math.ceil(sizeBytes / CHUNK_BYTES);
          expect(events.slice(0, 3)).toEqual(['intent', 'open', 'chunk 0']);
          expect(events.at(-1)).toBe('finish');
          expect(events).toHaveLength(chunks + 3);
          const [blob] = ingested.data.kind === 'blobs' ? ingested.data.blobs : [];
          expect(blob).toMatchObject({ storageClass: 'STANDARD', sizeBytes, chunkSizeBytes: CHUNK_BYTES });
          expect(intents.open.get(ingested.intent?.id ?? '')).toEqual([
            { inode: blob?.inode, storageClass: 'STANDARD' },
          ]);
        }
      }
    }
  });
});

describe('ingest', () => {
  it('keeps a small body as the very buffer it came in', async () => {
    const { options } = setUp();
    const body = Buffer.from('small');
    const { data } = await ingest(options([body]));
    expect(data.kind === 'inline' && data.bytes === body).toBe(true);
  });

  it('stores nothing as nothing, also when encrypted', async () => {
    const { options } = setUp();
    for (const cipher of [null, createDataCipher(Buffer.alloc(32))]) {
      const ingested = await ingest(options([Buffer.alloc(0)], { cipher }));
      expect(ingested).toMatchObject({ data: { kind: 'inline', bytes: Buffer.alloc(0) }, md5Hex: MD5_OF_NOTHING });
    }
  });

  it('stores inline data of encrypted objects sealed', async () => {
    const { options } = setUp();
    const cipher = createDataCipher(Buffer.alloc(32, 1));
    const { data } = await ingest(options([Buffer.from('secret')], { cipher }));
    if (data.kind !== 'inline' || !data.bytes) throw new Error('not inline');
    expect(data.bytes.length).toBe(6 + 16);
    expect(cipher.open('inline', 0, data.bytes, true).toString()).toBe('secret');
  });

  it('makes parts blobs, whatever their size', async () => {
    const { options, blobs, events } = setUp();
    const part = await ingest(options([Buffer.from('x')], { allowInline: false }));
    expect(part.data).toMatchObject({ kind: 'blobs', blobs: [{ sizeBytes: 1 }] });
    expect(events).toEqual(['intent', 'open', 'chunk 0', 'finish']);
    const empty = await ingest(options([], { allowInline: false, sizeHintBytes: 0 }));
    expect(empty).toMatchObject({ data: { kind: 'blobs', blobs: [{ sizeBytes: 0 }] }, md5Hex: MD5_OF_NOTHING });
    expect(empty.intent).not.toBeNull();
    expect(blobs.blobs.size).toBe(2);
  });

  it('keeps at most a chunk inline, however large the threshold', async () => {
    const { options } = setUp();
    const whole = await ingest(options([Buffer.alloc(CHUNK_BYTES)], { inlineThresholdBytes: 10 * CHUNK_BYTES }));
    expect(whole.data.kind).toBe('inline');
    const more = await ingest(options([Buffer.alloc(CHUNK_BYTES + 1)], { inlineThresholdBytes: 10 * CHUNK_BYTES }));
    expect(more.data.kind).toBe('blobs');
  });

  it('gives every ingest another inode', async () => {
    const { options, blobs } = setUp();
    for (let i = 0; i < 5; i += 1) await ingest(options([Buffer.alloc(1000)]));
    expect(blobs.blobs.size).toBe(5);
  });

  it('computes all checksums of the plaintext', async () => {
    const { options } = setUp();
    const random = new Random(2);
    const bytes = random.bytes(3000);
    const cipher = createDataCipher(Buffer.alloc(32, 1));
    const { digests } = await ingest(options(random.slices(bytes, 500), { cipher, checksums: CHECKSUM_ALGORITHMS }));
    expect([...digests.keys()]).toEqual(CHECKSUM_ALGORITHMS);
    for (const [algorithm, digest] of digests) {
      const checksum = createChecksum(algorithm);
      checksum.update(bytes);
      expect(digest).toEqual(checksum.digest());
    }
  });
});

describe('bounds', () => {
  it('has no more writes outstanding than the window', async () => {
    for (const window of [1, 3]) {
      const { options, blobs } = setUp({ window });
      await ingest(options([Buffer.alloc(40 * CHUNK_BYTES)]));
      expect(blobs.maxOutstanding).toBe(window);
    }
  });

  it('does not read on while the store is slow: a window, the chunk being filled, and a slice', async () => {
    const { options, blobs } = setUp({ window: 2 });
    let open: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    blobs.beforeStore = () => gate;
    let pulledBytes = 0;
    const counted = sourceOf(
      (function* slices() {
        for (let i = 0; i < 100; i += 1) {
          pulledBytes += 64;
          yield Buffer.alloc(64);
        }
      })(),
    );
    const running = ingest(options(counted));
    for (let turn = 0; turn < 50; turn += 1) await nextTurn();
    expect(pulledBytes).toBe(3 * CHUNK_BYTES + 64);
    open();
    expect((await running).sizeBytes).toBe(6400);
  });

  it('many uploads share a budget of few chunks: never exceeded, nobody starves', async () => {
    const limitBytes = 5 * CHUNK_BYTES;
    const { options, blobs, budget } = setUp({ window: 4, limitBytes });
    const random = new Random(77);
    const uploads = 24;
    let pulledBytes = 0;
    let storedBytes = 0;
    let highestHeld = 0;
    let highestUsed = 0;
    let largestSlice = 0;
    blobs.beforeStore = async () => {
      for (let turns = random.below(4); turns >= 0; turns -= 1) await nextTurn();
    };
    blobs.afterStore = (sizeBytes) => (storedBytes += sizeBytes);
    async function* measured(bytes: Buffer): AsyncGenerator<Buffer, void, void> {
      for (const slice of random.slices(bytes, 400)) {
        if (random.below(3) === 0) await nextTurn();
        pulledBytes += slice.length;
        largestSlice = Math.max(largestSlice, slice.length);
        highestHeld = Math.max(highestHeld, pulledBytes - storedBytes);
        highestUsed = Math.max(highestUsed, budget.usedBytes);
        yield slice;
      }
    }
    const bodies = Array.from({ length: uploads }, () =>
      random.bytes(INLINE_BYTES + 1 + random.below(20 * CHUNK_BYTES)),
    );
    const ingested = await Promise.all(
      bodies.map((body, i) =>
        ingest(options(measured(body), { sizeHintBytes: i % 2 === 0 ? body.length : null, allowInline: false })),
      ),
    );
    expect(ingested.map(({ md5Hex }) => md5Hex)).toEqual(
      bodies.map((body) => createHash('md5').update(body).digest('hex')),
    );
    expect(highestUsed).toBeLessThanOrEqual(limitBytes);
    expect(highestUsed).toBeGreaterThan(limitBytes / 2);
    // Besides what is paid for, each upload may hold the rest of one slice of its source.
    expect(highestHeld).toBeLessThanOrEqual(limitBytes + uploads * largestSlice);
    expect(budget.usedBytes).toBe(0);
  });

  it('pays for a small declared body what it takes, not a whole chunk', async () => {
    const { options, budget } = setUp();
    let usedBytes = -1;
    async function* source(): AsyncGenerator<Buffer, void, void> {
      usedBytes = budget.usedBytes;
      yield Buffer.alloc(10);
    }
    await ingest(options(source(), { sizeHintBytes: 10 }));
    expect(usedBytes).toBe(10);
    await ingest(options(source(), { sizeHintBytes: null }));
    expect(usedBytes).toBe(CHUNK_BYTES);
  });

  it('works when the budget is smaller than a chunk', async () => {
    const { options, budget } = setUp({ limitBytes: 10 });
    expect((await ingest(options([Buffer.alloc(5 * CHUNK_BYTES + 1)]))).sizeBytes).toBe(5 * CHUNK_BYTES + 1);
    expect(budget.usedBytes).toBe(0);
  });
});

describe('expectDigests', () => {
  async function ingested(): Promise<Ingested> {
    return ingest(setUp().options([Buffer.from('123456789')], { checksums: ['CRC32', 'CRC64NVME'] }));
  }

  it('accepts what matches, and no expectation at all', async () => {
    const body = await ingested();
    expectDigests(body, {});
    expectDigests(body, {
      md5: Buffer.from(body.md5Hex, 'hex'),
      checksums: new Map([
        ['CRC32', Buffer.from('cbf43926', 'hex')],
        ['CRC64NVME', Buffer.from('ae8b14860a799888', 'hex')],
      ]),
    });
  });

  it('refuses what does not', async () => {
    const body = await ingested();
    const md5 = Buffer.alloc(16);
    expect(() => expectDigests(body, { md5 })).toThrow(
      expect.objectContaining({
        code: 'BadDigest',
        detail: {
          ExpectedDigest: md5.toString('base64'),
          CalculatedDigest: Buffer.from(body.md5Hex, 'hex').toString('base64'),
        },
      }) as Error,
    );
    for (const digest of [Buffer.from('cbf43927', 'hex'), Buffer.alloc(3), Buffer.alloc(0)]) {
      const checksums = new Map([['CRC32', digest]] as const);
      expect(() => expectDigests(body, { checksums })).toThrow(
        expect.objectContaining({ code: 'BadDigest', message: expect.stringContaining('CRC32') as string }) as Error,
      );
    }
    expect(() => expectDigests(body, { md5: Buffer.alloc(0) })).toThrow(/Content-MD5/);
  });

  it('does not pass over a checksum that was not computed', async () => {
    const body = await ingested();
    expect(() => expectDigests(body, { checksums: new Map([['SHA1', Buffer.alloc(20)]]) })).toThrow(/SHA1/);
  });
});
