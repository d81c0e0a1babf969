// Event notifications arrive: targets that are down, hang or refuse, gateways that are killed, and NATS.
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { CreateBucketCommand, PutBucketNotificationConfigurationCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { spawnPithos } from '../support/server.js';
import { inParallel, put, text } from './helpers.js';
import { NatsBroker, recordsOf, Webhook } from './receivers.js';
import { bucketName, clientOf, describeWire, makeHome, REGION, STORES } from './servers.js';
import type { StoreKind } from './servers.js';

const webhook = await Webhook.start();
const other = await Webhook.start();
const broker = await NatsBroker.start();
afterAll(async () => {
  await Promise.all([webhook.down(), other.down(), broker.remove()]);
});

const STREAM = 'EVENTS';
const NOTIFICATIONS = {
  targets: {
    hook: { type: 'webhook', url: webhook.url(), timeout: '2s' },
    other: { type: 'webhook', url: other.url() },
    subject: { type: 'nats', servers: [broker.server], subject: 's3.plain' },
    stream: { type: 'nats', servers: `nats://${broker.server}`, subject: 's3.stored', stream: STREAM, timeout: '2s' },
    'no-stream': { type: 'nats', servers: [broker.server], subject: 's3.nowhere', stream: 'NONE', timeout: '1s' },
  },
  'max-retry-interval': '1s',
};

/** Another process may have to wait for the leases of one that was killed. */
const SOON = { timeout: 60_000, interval: 50 };
const AFTER_DEATH = { timeout: 100_000, interval: 200 };

/** Sends what is created in the bucket to a target. */
async function listen(s3: S3Client, Bucket: string, target: string, SkipDestinationValidation = true) {
  await s3.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket,
      SkipDestinationValidation,
      NotificationConfiguration: {
        TopicConfigurations: [
          { Id: target, TopicArn: `arn:aws:sns:${REGION}::${target}`, Events: ['s3:ObjectCreated:*'] },
        ],
      },
    }),
  );
}

const keysOf = (records: readonly { readonly s3: { readonly object: { readonly key: string } } }[]) =>
  records.map(({ s3 }) => s3.object.key).sort();
const distinct = (keys: readonly string[]) => [...new Set(keys)];

describeWire(
  'delivery of event notifications',
  (wire) => {
    afterEach(() => {
      webhook.answer = () => 200;
    });

    it('waits for a webhook that is down', async () => {
      const Bucket = await wire.bucket();
      await listen(wire.s3, Bucket, 'hook');
      await webhook.down();
      try {
        await inParallel(text(0, 40), 8, (key) => put(wire.s3, Bucket, key, 'x'));
        await expect.poll(() => wire.server.logs(), SOON).toContain('a target of events is down');
      } finally {
        await webhook.up();
      }
      await expect.poll(() => distinct(keysOf(webhook.records(Bucket))), SOON).toEqual(text(0, 40));
      await expect.poll(() => wire.server.logs(), SOON).toContain('the target of events is up again');
    });

    it('does not let one target wait for another', async () => {
      const [hanging, fine] = [await wire.bucket(), await wire.bucket()];
      await listen(wire.s3, hanging, 'hook');
      await listen(wire.s3, fine, 'other', false);
      webhook.answer = () => 'hang';
      await inParallel(text(0, 30), 8, (key) => put(wire.s3, hanging, key, 'x'));
      await inParallel(text(0, 30), 8, (key) => put(wire.s3, fine, key, 'x'));
      await expect.poll(() => keysOf(other.records(fine)), SOON).toEqual(text(0, 30));
      expect(webhook.records(hanging)).toEqual([]);
      webhook.answer = () => 200;
      await expect.poll(() => distinct(keysOf(webhook.records(hanging))), SOON).toEqual(text(0, 30));
    });

    it('does not let an event that is refused keep others back, nor itself from arriving later', async () => {
      const Bucket = await wire.bucket();
      await listen(wire.s3, Bucket, 'hook');
      let refusals = 0;
      webhook.answer = ({ body }) => {
        if (!body.includes('"poison"') || refusals >= 3) return 200;
        refusals += 1;
        return 400;
      };
      await put(wire.s3, Bucket, 'poison', 'x');
      await inParallel(text(0, 20), 4, (key) => put(wire.s3, Bucket, key, 'x'));
      await expect.poll(() => keysOf(webhook.records(Bucket)), SOON).toEqual([...text(0, 20), 'poison']);
      expect(refusals).toBe(3);
    });

    it('tells of every change once, with a sequencer that orders them', async () => {
      const Bucket = await wire.bucket();
      await listen(wire.s3, Bucket, 'hook');
      await inParallel(text(0, 40), 8, (n) => put(wire.s3, Bucket, 'k', n));
      await expect.poll(() => webhook.records(Bucket).length, SOON).toBe(40);
      const sequence = webhook.records(Bucket).map(({ s3 }) => s3.object.sequencer);
      expect(new Set(sequence).size).toBe(40);
      // On Cassandra each process delivers its own events: between those of two, only the sequencer tells.
      if (wire.store === 'embedded') expect(sequence).toEqual([...sequence].sort());
    });

    it('publishes on a NATS subject', async () => {
      const Bucket = await wire.bucket();
      const connection = await connect({ servers: broker.server });
      const bodies: string[] = [];
      connection.subscribe('s3.plain', {
        callback: (_error, message) => {
          bodies.push(message.string());
        },
      });
      await connection.flush();
      await listen(wire.s3, Bucket, 'subject', false);
      await expect.poll(() => bodies.filter((body) => body.includes('s3:TestEvent')), SOON).toHaveLength(1);
      await inParallel(text(0, 20), 4, (key) => put(wire.s3, Bucket, key, 'x'));
      await expect.poll(() => keysOf(recordsOf(bodies, Bucket)), SOON).toEqual(text(0, 20));
      await connection.close();
    });

    it('has JetStream store events, also those of a time when it was down', async () => {
      const Bucket = await wire.bucket();
      const setUp = await connect({ servers: broker.server });
      const streams = await jetstreamManager(setUp);
      await streams.streams.add({ name: STREAM, subjects: ['s3.stored'] });
      await setUp.close();
      await listen(wire.s3, Bucket, 'stream', false);
      await put(wire.s3, Bucket, 'before', 'x');
      const stored = async () => {
        const connection = await connect({ servers: broker.server });
        try {
          const { streams: all } = await jetstreamManager(connection);
          const bodies: string[] = [];
          const { state } = await all.info(STREAM);
          for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
            const message = await all.getMessage(STREAM, { seq });
            if (message !== null) bodies.push(new TextDecoder().decode(message.data));
          }
          return keysOf(recordsOf(bodies, Bucket));
        } finally {
          await connection.close();
        }
      };
      await expect.poll(stored, SOON).toEqual(['before']);
      await broker.down();
      try {
        await inParallel(text(0, 20), 4, (key) => put(wire.s3, Bucket, key, 'x'));
      } finally {
        await broker.up();
      }
      // Each once: JetStream knows repetitions by the message's id.
      await expect.poll(stored, SOON).toEqual([...text(0, 20), 'before']);
    });

    it('refuses a stream that is not there', async () => {
      const Bucket = await wire.bucket();
      await expect(listen(wire.s3, Bucket, 'no-stream', false)).rejects.toThrow('Unable to validate');
    });
  },
  { notifications: NOTIFICATIONS },
);

describe('events', () => {
  /** Buckets that the webhook does not answer for, and those that it refuses. */
  const hanging = new Set<string>();
  const refused = new Set<string>();
  beforeAll(() => {
    webhook.answer = ({ body }) => {
      const of = (buckets: ReadonlySet<string>) => [...buckets].some((bucket) => body.includes(bucket));
      return of(hanging) ? 'hang' : of(refused) ? 503 : 200;
    };
  });

  const surviveDeath = async (store: StoreKind, workers: number): Promise<void> => {
    const home = await makeHome(store, { notifications: NOTIFICATIONS, service: { workers } });
    const Bucket = bucketName('killed');
    const first = await spawnPithos({ config: home.config });
    const acknowledged: string[] = [];
    try {
      const s3 = clientOf(first);
      await s3.send(new CreateBucketCommand({ Bucket }));
      await listen(s3, Bucket, 'hook');
      hanging.add(Bucket);
      // Killed in the midst of it: whatever was answered must be told of.
      const writing = inParallel(text(0, 400), 8, async (Key) => {
        await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }));
        acknowledged.push(Key);
      }).catch(() => undefined);
      await vi.waitUntil(() => acknowledged.length > 60, SOON);
      await first.kill();
      await writing;
      s3.destroy();
    } finally {
      await first.kill();
      hanging.delete(Bucket);
    }
    expect(acknowledged.length).toBeLessThan(400);
    const second = await spawnPithos({ config: home.config });
    try {
      const untold = () => {
        const told = new Set(keysOf(webhook.records(Bucket)));
        return acknowledged.filter((key) => !told.has(key));
      };
      await vi.waitFor(() => expect(untold()).toEqual([]), AFTER_DEATH);
    } finally {
      await second.stop();
      await home.remove();
    }
  };

  const title = 'on %s survive a gateway of %i processes that is killed after it acknowledged their changes';
  // Mostly a wait for leases, so they wait together; but not two in a keyspace, where each might deliver the other's events.
  it.concurrent.each([
    ['embedded', 1],
    ['embedded', 2],
    ['cassandra', 1],
  ] as const)(title, surviveDeath);
  it.each([['cassandra', 2]] as const)(title, surviveDeath);

  it.each(STORES)('on %s are given up when they could not be delivered in time', async (store) => {
    const notifications = { ...NOTIFICATIONS, 'max-age': '5s' };
    const home = await makeHome(store, { notifications });
    const server = await spawnPithos({ config: home.config });
    const Bucket = bucketName('late');
    try {
      const s3 = clientOf(server);
      await s3.send(new CreateBucketCommand({ Bucket }));
      await listen(s3, Bucket, 'hook');
      refused.add(Bucket);
      await put(s3, Bucket, 'late', 'x');
      await expect.poll(() => server.logs(), SOON).toContain('an event was given up');
      refused.delete(Bucket);
      await put(s3, Bucket, 'in time', 'x');
      await expect.poll(() => keysOf(webhook.records(Bucket)), SOON).toEqual(['in+time']);
      s3.destroy();
    } finally {
      refused.delete(Bucket);
      await server.stop();
      await home.remove();
    }
  });
});
