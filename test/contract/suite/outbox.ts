/** Contract of MetadataStore.outbox: what changes leave to be delivered, who gets it, and that none of it gets lost. */
import { randomUUID } from 'node:crypto';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LifecycleRunner } from '../../../src/gc/lifecycle.js';
import { NOTIFICATION_QUEUE } from '../../../src/s3/events.js';
import type { LifecycleRule } from '../../../src/s3/lifecycle.js';
import { LIFECYCLE_DOCUMENT } from '../../../src/s3/lifecycle.js';
import { NOTIFICATION_DOCUMENT } from '../../../src/s3/notification.js';
import type { BucketRef, MetadataStore, OutboxEntry, Stores } from '../../../src/store/types.js';
import { INTENT_LEASE_MS, draft, inParallel, markerDraft, putVersion, range, useStores } from './harness.js';
import type { MakeStores } from './harness.js';

/** Leases of a process that has died must run out first. */
const TAKE_OVER = { timeout: 60_000, interval: 500 };
const DAY_MS = 24 * 60 * 60 * 1000;
const SOON = { timeout: 60_000, interval: 50 };

/** Puts as a bucket with versioning does, and wants it told to the queues. */
async function tell(metadata: MetadataStore, bucket: BucketRef, key: string, queues: readonly string[], text = key) {
  const { version } = await metadata.commit({
    bucket,
    key,
    select: 'latest',
    decide: () => ({ put: { draft: draft(), isNull: false } }),
    events: (made) => queues.map((queue) => ({ queue, body: JSON.stringify({ text, seq: made.seq }) })),
  });
  if (version === null) throw new Error('no version');
  return version;
}

const keysOf = (entries: readonly OutboxEntry[]) => entries.map(({ key }) => key).sort();

export function outboxContract(name: string, makeStores: MakeStores): void {
  describe(`${name}: outbox`, () => {
    const fixture = useStores(makeStores);
    const setUp = async () => {
      const { metadata, bucket: makeBucket } = fixture();
      return { metadata, outbox: metadata.outbox, bucket: await makeBucket(), queue: `test/${randomUUID()}` };
    };
    /** All that comes within a while; asks until there are so many. */
    const taken = async (queue: string, count: number, metadata = fixture().metadata): Promise<OutboxEntry[]> => {
      const entries: OutboxEntry[] = [];
      await expect
        .poll(async () => entries.push(...(await metadata.outbox.take(queue, { limit: 1000 }))), SOON)
        .toBe(count);
      return entries;
    };

    it('holds what a change wants delivered, with the facts of the change', async () => {
      const { metadata, bucket, queue } = await setUp();
      const startedMs = Date.now();
      const version = await tell(metadata, bucket, 'käse/1', [queue]);
      const [entry] = await taken(queue, 1);
      const { name: bucketName, instance, region } = bucket;
      expect(entry).toMatchObject({
        queue,
        bucket: { name: bucketName, instance, region },
        key: 'käse/1',
        seq: version.seq,
        attempts: 0,
        body: JSON.stringify({ text: 'käse/1', seq: version.seq }),
      });
      expect(entry?.createdMs).toBeGreaterThanOrEqual(startedMs - 1000);
      expect(entry?.createdMs).toBeLessThanOrEqual(Date.now() + 1000);
    });

    it('hands the facts of every kind of change to events', async () => {
      const { metadata, bucket, queue } = await setUp();
      const version = await tell(metadata, bucket, 'k', []);
      const seen: unknown[] = [];
      const change = async (decide: Parameters<MetadataStore['commit']>[0]['decide']) =>
        metadata.commit({
          bucket,
          key: 'k',
          select: { versionId: version.versionId },
          decide,
          events: (made) => {
            seen.push([made.version?.versionId, made.before.selected?.versionId, made.seq > version.seq]);
            return [{ queue, body: '{}' }];
          },
        });
      await change(({ selected }) => (selected === null ? null : { replace: { ...selected, tags: { a: 'b' } } }));
      await change(({ selected }) => (selected === null ? null : { remove: [selected] }));
      const marker = await metadata.commit({
        bucket,
        key: 'k',
        select: 'latest',
        decide: () => ({ put: { draft: markerDraft(), isNull: false } }),
        events: ({ version: made }) => [{ queue, body: String(made?.deleteMarker) }],
      });
      expect(seen).toEqual([
        [version.versionId, version.versionId, true],
        [undefined, version.versionId, true],
      ]);
      const entries = await taken(queue, 3);
      expect(entries.map(({ body }) => body)).toEqual(['{}', '{}', 'true']);
      expect(entries.at(-1)?.seq).toBe(marker.version?.seq);
    });

    it('holds nothing of a change that is not made', async () => {
      const { metadata, outbox, bucket, queue } = await setUp();
      const events = () => [{ queue, body: '{}' }];
      const request = { bucket, key: 'k', select: 'latest', events } as const;
      await metadata.commit({ ...request, decide: () => null });
      const refused = metadata.commit({
        ...request,
        decide: () => {
          throw new Error('no');
        },
      });
      await expect(refused).rejects.toThrow('no');
      await tell(metadata, bucket, 'k', []);
      await tell(metadata, bucket, 'other', [queue]);
      expect(keysOf(await taken(queue, 1))).toEqual(['other']);
      expect(await outbox.take(queue, { limit: 10 })).toEqual([]);
    });

    it('tells each change once, and in the order of the key, when many fight for it', async () => {
      const { metadata, bucket, queue } = await setUp();
      const seqs: number[] = [];
      await inParallel(range(60), 12, async (i) => {
        const { seq } = await tell(metadata, bucket, `key-${i % 3}`, [queue]);
        seqs.push(seq);
      });
      const entries = await taken(queue, 60);
      expect(entries.map(({ seq }) => seq).sort()).toEqual([...seqs].sort());
      for (const key of ['key-0', 'key-1', 'key-2']) {
        const ofKey = entries.filter((entry) => entry.key === key).map(({ seq }) => seq);
        expect(ofKey).toEqual([...ofKey].sort((a, b) => a - b));
      }
    });

    it('keeps queues apart', async () => {
      const { metadata, outbox, bucket, queue } = await setUp();
      await tell(metadata, bucket, 'both', [queue, `${queue}x`]);
      await tell(metadata, bucket, 'one', [queue]);
      expect(keysOf(await taken(`${queue}x`, 1))).toEqual(['both']);
      expect(keysOf(await taken(queue, 2))).toEqual(['both', 'one']);
      expect(await outbox.queues()).toEqual(expect.arrayContaining([queue, `${queue}x`]));
    });

    it('hands out no more than is asked for, and nothing twice', async () => {
      const { metadata, outbox, bucket, queue } = await setUp();
      for (const i of range(7)) await tell(metadata, bucket, `k${i}`, [queue]);
      const first = await taken(queue, 7).catch(() => []);
      expect(first).toHaveLength(7);
      expect(await outbox.take(queue, { limit: 10 })).toEqual([]);
      outbox.giveBack(first);
      const again = await outbox.take(queue, { limit: 3 });
      expect(keysOf(again)).toEqual(['k0', 'k1', 'k2']);
      expect(await outbox.take(queue, { limit: 0 })).toEqual([]);
      expect(keysOf(await outbox.take(queue, { limit: 10 }))).toEqual(['k3', 'k4', 'k5', 'k6']);
    });

    it('forgets what is removed, and that only', async () => {
      const { metadata, outbox, bucket, queue } = await setUp();
      for (const i of range(4)) await tell(metadata, bucket, `k${i}`, [queue]);
      const entries = await taken(queue, 4);
      await outbox.remove(entries.slice(0, 2));
      await outbox.remove(entries.slice(0, 2));
      outbox.giveBack(entries);
      expect(keysOf(await taken(queue, 2))).toEqual(['k2', 'k3']);
    });

    it('brings what is postponed when it is due, with one more attempt', async () => {
      const { metadata, outbox, bucket, queue } = await setUp();
      for (const i of range(3)) await tell(metadata, bucket, `k${i}`, [queue]);
      const entries = await taken(queue, 3);
      const dueMs = Date.now() + 1500;
      await outbox.postpone(entries.slice(0, 1), dueMs);
      await outbox.postpone(entries.slice(1, 2), Date.now() + 3_600_000);
      const [later] = await taken(queue, 1);
      expect(Date.now()).toBeGreaterThanOrEqual(dueMs);
      const [before] = entries;
      if (before === undefined || later === undefined) throw new Error('no entry');
      expect(later).toEqual({ ...before, id: later.id, attempts: 1 });
      await outbox.postpone([later], Date.now());
      expect(await taken(queue, 1)).toMatchObject([{ key: 'k0', attempts: 2, createdMs: before.createdMs }]);
    });

    it('tells who watches as soon as there is something', async () => {
      const { metadata, outbox, bucket, queue } = await setUp();
      const told: string[] = [];
      const stop = outbox.watch((which) => told.push(which));
      await tell(metadata, bucket, 'k', [queue]);
      expect(told).toEqual([queue]);
      expect(await outbox.take(queue, { limit: 1 })).toHaveLength(1);
      stop();
      await tell(metadata, bucket, 'k', [queue]);
      expect(told).toEqual([queue]);
    });

    it('holds what lifecycle rules do to objects', async () => {
      const { stores, region, metadata, bucket: makeBucket } = fixture();
      const storageClass = [...region.blobs.keys()].find((one) => one !== 'STANDARD') ?? '';
      const target = `target-${randomUUID()}`;
      const rule = (prefix: string, action: Partial<LifecycleRule>): LifecycleRule => ({
        id: prefix,
        enabled: true,
        filter: { form: 'one', prefix, tags: {}, largerThanBytes: null, smallerThanBytes: null },
        expiration: null,
        noncurrentExpiration: null,
        abortUploadDays: null,
        transitions: [],
        noncurrentTransitions: [],
        ...action,
      });
      const rules = [
        rule('move/', { transitions: [{ kind: 'days', days: 1, storageClass }] }),
        rule('drop/', { expiration: { kind: 'days', days: 1 } }),
      ];
      const events = ['s3:LifecycleTransition', 's3:LifecycleExpiration:*'];
      const configuration = { kind: 'queue', id: 'c', arn: `arn:aws:sqs:::${target}`, events, filter: null };
      const bucket = await makeBucket({
        versioning: 'enabled',
        documents: {
          [LIFECYCLE_DOCUMENT]: JSON.stringify({ rules, transitionMinimum: 'varies_by_storage_class' }),
          [NOTIFICATION_DOCUMENT]: JSON.stringify([configuration]),
        },
      });
      for (const key of ['move/a', 'drop/a', 'stay'])
        await putVersion(metadata, bucket, key, draft({ lastModified: Date.now(), sizeBytes: 200_000 }));
      const log = pino({ level: 'silent' });
      const now = () => Date.now() + 3 * DAY_MS;
      const runner = { stores, intervalMs: 60_000, dayMs: DAY_MS, intentLeaseMs: INTENT_LEASE_MS, log, now };
      await new LifecycleRunner(runner).run();
      const entries = await taken(NOTIFICATION_QUEUE + target, 2);
      const told = entries.map(({ body }) => {
        const [record] = (JSON.parse(body) as { Records: Record<string, unknown>[] }).Records;
        return [record?.['eventName'], record?.['lifecycleEventData']];
      });
      expect(told.sort()).toEqual([
        ['LifecycleExpiration:DeleteMarkerCreated', undefined],
        ['LifecycleTransition', { transitionEventData: { destinationStorageClass: storageClass } }],
      ]);
    });

    it('hands a backlog out page by page', async () => {
      const { metadata, outbox, bucket, queue } = await setUp();
      await inParallel(range(300), 32, (i) => tell(metadata, bucket, `k${i}`, [queue]));
      const seen = new Set<string>();
      await expect
        .poll(async () => {
          const entries = await outbox.take(queue, { limit: 40 });
          expect(entries.length).toBeLessThanOrEqual(40);
          for (const { key } of entries) seen.add(key);
          await outbox.remove(entries);
          return seen.size;
        }, SOON)
        .toBe(300);
      expect(await outbox.take(queue, { limit: 40 })).toEqual([]);
    });
  });

  describe(`${name}: outbox of several processes`, () => {
    const fixture = useStores(makeStores);
    let second: Stores | null = null;
    const other = () => {
      const metadata = second?.regions.get(fixture().region.name)?.metadata;
      if (metadata === undefined) throw new Error('the second stores are not open');
      return metadata;
    };
    beforeAll(async () => {
      second = await fixture().underTest.open();
    });
    afterAll(() => second?.close());

    it('gives an entry to one of them, and to another when it lets go', async () => {
      const { metadata, bucket: makeBucket } = fixture();
      const [bucket, queue] = [await makeBucket(), `test/${randomUUID()}`];
      await tell(metadata, bucket, 'k', [queue]);
      const entries: OutboxEntry[] = [];
      await expect.poll(async () => entries.push(...(await metadata.outbox.take(queue, { limit: 10 }))), SOON).toBe(1);
      // The time in which another one would find it, had it been left alone.
      for (const _ of range(12)) {
        expect(await other().outbox.take(queue, { limit: 10 })).toEqual([]);
        expect(await metadata.outbox.take(queue, { limit: 10 })).toEqual([]);
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
      metadata.outbox.giveBack(entries);
      await metadata.outbox.release();
      const found: OutboxEntry[] = [];
      await expect
        .poll(async () => found.push(...(await other().outbox.take(queue, { limit: 10 }))), TAKE_OVER)
        .toBe(1);
      expect(found).toMatchObject([{ key: 'k', attempts: 0 }]);
      await other().outbox.remove(found);
    });

    it('tells each change once when processes fight for a key', async () => {
      const { metadata, bucket: makeBucket } = fixture();
      const [bucket, queue] = [await makeBucket(), `test/${randomUUID()}`];
      const seqs: number[] = [];
      await inParallel(range(40), 8, async (i) => {
        const { seq } = await tell(i % 2 === 0 ? metadata : other(), bucket, 'k', [queue]);
        seqs.push(seq);
      });
      const told: number[] = [];
      const collect = async (outbox: MetadataStore['outbox']) => {
        const entries = await outbox.take(queue, { limit: 100 });
        told.push(...entries.map(({ seq }) => seq));
        await outbox.remove(entries);
      };
      await expect
        .poll(async () => {
          await collect(metadata.outbox);
          await collect(other().outbox);
          return told.length;
        }, SOON)
        .toBeGreaterThanOrEqual(40);
      for (const _ of range(5)) for (const outbox of [metadata.outbox, other().outbox]) await collect(outbox);
      expect(told.sort()).toEqual(seqs.sort());
    });

    it('finds what a process left that is gone, and only what was made', async () => {
      const { stores, underTest, region, bucket: makeBucket } = fixture();
      const [bucket, queue] = [await makeBucket(), `test/${randomUUID()}`];
      const dying = await underTest.open();
      const metadata = dying.regions.get(region.name)?.metadata;
      if (metadata === undefined) throw new Error('no region');
      await dying.ready();
      for (const key of ['a', 'b', 'c', 'c']) await tell(metadata, bucket, key, [queue]);
      // Changed since, by others, who tell nobody.
      await tell(fixture().metadata, bucket, 'b', []);
      await dying.close();
      const found: OutboxEntry[] = [];
      const survivor = stores.regions.get(region.name)?.metadata.outbox;
      await expect
        .poll(async () => {
          found.push(...((await survivor?.take(queue, { limit: 10 })) ?? []));
          return keysOf(found);
        }, TAKE_OVER)
        .toEqual(['a', 'b', 'c', 'c']);
      await survivor?.remove(found);
      expect(await survivor?.take(queue, { limit: 10 })).toEqual([]);
    });
  });
}
