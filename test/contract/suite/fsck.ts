/** Contract of StoreAudit, by way of fsck: what is right is clean, what is wrong is named, and what can be mended is. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Sweeper } from '../../../src/gc/sweeper.js';
import type { Problem } from '../../../src/maintenance/figures.js';
import type { FsckOptions } from '../../../src/maintenance/fsck.js';
import { countBucket } from '../../../src/maintenance/usage.js';
import type { BlobRef, BucketRecord } from '../../../src/store/types.js';
import { checked } from '../support/checked.js';
import type { Checked } from '../support/checked.js';
import type { draft, Fixture, MakeStores } from './harness.js';
import {
  blobDraft,
  inParallel,
  LATER_MS,
  markerDraft,
  overwrite,
  partRecord,
  putVersion,
  range,
  removeVersion,
  uploadRecord,
  useStores,
} from './harness.js';

const SILENT = { info: () => undefined, warn: () => undefined } as unknown as ConstructorParameters<
  typeof Sweeper
>[0]['log'];
const CHUNK_BYTES = 64 * 1024;

export function fsckContract(name: string, makeStores: MakeStores): void {
  describe(`fsck on ${name}`, () => {
    const fixture = useStores(makeStores);
    let dir = '';
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'pithos-fsck-test-'));
    });
    afterAll(() => rm(dir, { recursive: true, force: true }));

    const fsck = (options: Partial<FsckOptions> = {}): Promise<Checked> => checked(fixture().stores, options);

    const sweep = (): Promise<unknown> =>
      new Sweeper({
        stores: fixture().stores,
        intervalMs: 0,
        batch: 100,
        log: SILENT,
        now: () => Date.now() + LATER_MS,
      }).sweep();

    it('is clean on all that a bucket may hold, and counts as the listings do', async () => {
      const bucket = await furnished(fixture());
      const { problems, figures, usage } = await fsck({ data: true });
      expect(problems).toEqual([]);
      expect(figures.checkedBlobs).toBeGreaterThan(0);
      expect(figures.checkedChunks).toBeGreaterThan(figures.checkedBlobs);
      const counted = await countBucket({
        metadata: fixture().metadata,
        bucket,
        signal: new AbortController().signal,
        onPage: () => undefined,
      });
      expect(usage.get(bucket.instance)).toEqual(counted);
      expect(counted).toMatchObject({ objects: 34, versions: 39, deleteMarkers: 2, uploads: 2 });
    });

    it('names a damaged chunk with its key and version, only when it reads data', async () => {
      const bucket = await fixture().bucket();
      const blob = await writeBlob(fixture(), 3);
      await overwrite(fixture().metadata, bucket, 'damaged', blobDraft(blob));
      await fixture().underTest.corruptBlob(bucket.region, blob.storageClass, blob.inode, 1);
      expect(ofBucket(await fsck(), bucket)).toEqual([]);
      for (const repair of [false, true]) {
        expect(ofBucket(await fsck({ data: true, repair }), bucket)).toEqual([
          expect.objectContaining({
            kind: 'data-corrupt',
            key: 'damaged',
            versionId: 'null',
            inode: blob.inode,
            what: expect.stringContaining('chunk 1') as string,
            repaired: false,
          }),
        ]);
      }
      // It is never removed.
      expect(await fixture().metadata.getVersion(bucket, 'damaged', 'latest', { withInline: false })).not.toBeNull();
      await removeVersion(fixture().metadata, bucket, 'damaged', 'null');
    });

    it('names versions and parts whose blobs are lost or too short', async () => {
      const { metadata, blobs } = fixture();
      const bucket = await fixture().bucket();
      const [lost, short, part] = [
        await writeBlob(fixture(), 2),
        await writeBlob(fixture(), 2),
        await writeBlob(fixture(), 1),
      ];
      await overwrite(metadata, bucket, 'lost', blobDraft(lost));
      await overwrite(metadata, bucket, 'short', blobDraft({ ...short, sizeBytes: short.sizeBytes + CHUNK_BYTES }));
      const uploadId = randomUUID();
      await metadata.createUpload(bucket, uploadRecord('uploaded', uploadId));
      const intent = await metadata.openIntent(bucket, 'uploaded', [part]);
      await metadata.putPart({ bucket, key: 'uploaded', uploadId }, partRecord(3, { blob: part }), intent);
      await blobs.delete(lost.inode);
      await blobs.delete(part.inode);
      const found = ofBucket(await fsck(), bucket);
      expect(found.map(({ kind, key, partNumber }) => [kind, key, partNumber]).sort()).toEqual([
        ['data-missing', 'lost', undefined],
        ['data-missing', 'short', undefined],
        ['data-missing', 'uploaded', 3],
      ]);
      for (const key of ['lost', 'short']) await removeVersion(metadata, bucket, key, 'null');
      await metadata.removeUpload({ bucket, key: 'uploaded', uploadId });
    });

    it('tells orphans from blobs that wait for the sweeper, hands them over, and the sweeper removes them', async () => {
      const { metadata, blobs } = fixture();
      const bucket = await fixture().bucket();
      await sweep();
      const [orphan, waiting, young] = [await writeBlob(fixture(), 2), await writeBlob(fixture(), 2), randomUUID()];
      await metadata.openIntent(bucket, 'waiting', [waiting]);
      const orphans = async (options: Partial<FsckOptions> = {}): Promise<readonly Problem[]> =>
        (await fsck(options)).problems.filter(({ kind }) => kind === 'orphan');
      expect(await orphans()).toEqual([expect.objectContaining({ inode: orphan.inode, repaired: false })]);
      const tooYoung = await fsck({ minAgeMs: 3_600_000 });
      expect(tooYoung.figures).toMatchObject({ orphans: 0, youngBlobs: 1 });
      // Handing over deletes nothing: the sweeper does, after the grace.
      expect(await orphans({ repair: true })).toEqual([
        expect.objectContaining({ inode: orphan.inode, repaired: true }),
      ]);
      await readAll(fixture(), orphan);
      const queued = await fsck();
      expect(queued.figures).toMatchObject({ orphans: 0, backlogIntents: 1, backlogGarbage: 1 });
      await sweep();
      await expect(readAll(fixture(), orphan)).rejects.toThrow();
      await expect(readAll(fixture(), waiting)).rejects.toThrow();
      expect(await fsck()).toMatchObject({ problems: [], figures: { blobs: queued.figures.blobs - 2 } });
      await blobs.delete(young);
    });

    it('takes nothing for an orphan that a rename has carried on', async () => {
      const { metadata } = fixture();
      const bucket = await fixture().bucket();
      const blob = await writeBlob(fixture(), 2);
      await overwrite(metadata, bucket, 'from', blobDraft(blob));
      const decide = (): { draft: ReturnType<typeof draft>; isNull: boolean; marker: null } => ({
        draft: blobDraft(blob),
        isNull: true,
        marker: null,
      });
      await metadata.rename({ bucket, from: 'from', to: 'to', decide });
      // While fsck runs, too: the blob goes to and fro between two keys.
      const aborter = new AbortController();
      const moving = (async () => {
        for (let i = 0; !aborter.signal.aborted; i++) {
          const [from, to] = i % 2 === 0 ? (['to', 'from'] as const) : (['from', 'to'] as const);
          await metadata.rename({ bucket, from, to, decide });
        }
      })();
      try {
        for (let i = 0; i < 3; i++) expect((await fsck()).problems).toEqual([]);
      } finally {
        aborter.abort();
        await moving;
      }
    });

    it('is clean while clients put, overwrite and delete', async () => {
      const { metadata } = fixture();
      const bucket = await fixture().bucket({ versioning: 'enabled' });
      const aborter = new AbortController();
      const writers = range(3).map(async (writer) => {
        for (let i = 0; !aborter.signal.aborted; i++) {
          const key = `busy-${writer}-${i % 5}`;
          const blob = await writeBlob(fixture(), 1, { bucket, key });
          await overwrite(metadata, bucket, key, blobDraft(blob.ref), blob.intent);
          if (i % 3 === 0) await removeVersion(metadata, bucket, key, 'null');
        }
      });
      try {
        for (let i = 0; i < 2; i++) expect((await fsck({ settleMs: 3_000 })).problems).toEqual([]);
      } finally {
        aborter.abort();
        await Promise.all(writers);
      }
    });

    it('goes on where it was cut off, and finds the same', async () => {
      const bucket = await fixture().bucket();
      const blob = await writeBlob(fixture(), 1);
      await overwrite(fixture().metadata, bucket, 'lost', blobDraft(blob));
      await fixture().blobs.delete(blob.inode);
      const orphan = await writeBlob(fixture(), 1);
      const whole = await fsck();
      const stateFile = join(dir, 'state');
      let runs = 0;
      for (;;) {
        runs += 1;
        const aborter = new AbortController();
        let pages = 0;
        // Each run is cut off a little later.
        const onProgress = (): void => {
          pages += 1;
          if (pages > 12 * runs) aborter.abort(new Error('cut off'));
        };
        const resumed = await fsck({ stateFile, signal: aborter.signal, onProgress, checkpointMs: 0 }).catch(
          (error: unknown) => {
            expect(String(error)).toContain('cut off');
            return null;
          },
        );
        if (resumed === null) {
          await expect(fsck({ stateFile, repair: true })).rejects.toThrow(/asked for something else/);
          continue;
        }
        expect(resumed.problems).toEqual(whole.problems);
        // What is done goes from the backlog by itself.
        const backlog = { backlogCommits: 0, backlogIntents: 0, backlogGarbage: 0, backlogBlobs: 0 };
        expect({ ...resumed.figures, ...backlog }).toEqual({ ...whole.figures, ...backlog });
        expect([...resumed.usage]).toEqual([...whole.usage]);
        break;
      }
      expect(runs).toBeGreaterThan(2);
      expect(whole.problems.map(({ kind }) => kind).sort()).toEqual(['data-missing', 'orphan']);
      await fixture().blobs.delete(orphan.inode);
      await removeVersion(fixture().metadata, bucket, 'lost', 'null');
    });

    it('looks at one bucket only when told so', async () => {
      const [one, other] = [await fixture().bucket(), await fixture().bucket()];
      for (const bucket of [one, other]) {
        const blob = await writeBlob(fixture(), 1);
        await overwrite(fixture().metadata, bucket, 'lost', blobDraft(blob));
        await fixture().blobs.delete(blob.inode);
      }
      const found = await fsck({ bucket: one });
      expect(found.problems.map(({ bucket }) => bucket)).toEqual([one.name]);
      expect([...found.usage.keys()]).toEqual([one.instance]);
      for (const bucket of [one, other]) await removeVersion(fixture().metadata, bucket, 'lost', 'null');
    });
  });
}

function ofBucket({ problems }: Checked, { name }: BucketRecord): Problem[] {
  return problems.filter(({ bucket }) => bucket === name);
}

/** One of everything that the model knows: 30 inline objects, blobs, versions, markers, uploads. */
async function furnished(fixture: Fixture): Promise<BucketRecord> {
  const { metadata } = fixture;
  const bucket = await fixture.bucket({ versioning: 'enabled' });
  await inParallel(range(30), 8, (i) => overwrite(metadata, bucket, `inline/${i}`));
  for (const key of ['plain', 'größer', 'key\u{1f600}']) {
    await overwrite(metadata, bucket, key, blobDraft(await writeBlob(fixture, 4), await writeBlob(fixture, 1)));
  }
  for (let i = 0; i < 4; i++) await putVersion(metadata, bucket, 'versions', blobDraft(await writeBlob(fixture, 1)));
  for (const key of ['inline/0', 'marked']) {
    if (key === 'marked') await overwrite(metadata, bucket, key);
    await putVersion(metadata, bucket, key, markerDraft());
  }
  await putVersion(metadata, bucket, 'inline/0');
  for (const parts of [0, 3]) {
    const uploadId = randomUUID();
    await metadata.createUpload(bucket, uploadRecord('uploaded', uploadId));
    for (let partNumber = 1; partNumber <= parts; partNumber++) {
      const blob = await writeBlob(fixture, 2);
      const intent = await metadata.openIntent(bucket, 'uploaded', [blob]);
      const part = partRecord(partNumber, { sizeBytes: blob.sizeBytes, blob });
      await metadata.putPart({ bucket, key: 'uploaded', uploadId }, part, intent);
    }
  }
  return bucket;
}

/** So many chunks, the last one half full. */
async function writeBlob(fixture: Fixture, chunks: number): Promise<BlobRef>;
async function writeBlob(
  fixture: Fixture,
  chunks: number,
  announced: { readonly bucket: BucketRecord; readonly key: string },
): Promise<{ readonly ref: BlobRef; readonly intent: Awaited<ReturnType<Fixture['metadata']['openIntent']>> }>;
async function writeBlob(
  { blobs, metadata }: Fixture,
  chunks: number,
  announced?: { readonly bucket: BucketRecord; readonly key: string },
): Promise<unknown> {
  const sizeBytes = chunks * CHUNK_BYTES - CHUNK_BYTES / 2;
  const ref: BlobRef = { inode: randomUUID(), storageClass: 'STANDARD', sizeBytes, chunkSizeBytes: CHUNK_BYTES };
  const intent = announced && (await metadata.openIntent(announced.bucket, announced.key, [ref]));
  const writer = await blobs.openWriter(ref.inode, { storedChunkSizeBytes: CHUNK_BYTES });
  for (let i = 0; i < chunks; i++)
    await writer.write(i, [Buffer.alloc(i === chunks - 1 ? CHUNK_BYTES / 2 : CHUNK_BYTES, i + 1)]);
  await writer.finish();
  return intent === undefined ? ref : { ref, intent };
}

async function readAll({ blobs }: Fixture, { inode, sizeBytes }: BlobRef): Promise<void> {
  const last = Math.ceil(sizeBytes / CHUNK_BYTES) - 1;
  for await (const _chunk of blobs.readChunks(inode, { first: 0, last, storedChunkSizeBytes: CHUNK_BYTES }));
}
