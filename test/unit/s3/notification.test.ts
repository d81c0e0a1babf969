import { describe, expect, it } from 'vitest';
import { S3Error } from '../../../src/s3/errors.js';
import { eventName, eventRecord, formEncoded, sequencerOf } from '../../../src/s3/event-record.js';
import type { Cause } from '../../../src/s3/event-record.js';
import { eventsOf } from '../../../src/s3/events.js';
import { checkNotifications, matching, NOTIFICATION_DOCUMENT, targetOf } from '../../../src/s3/notification.js';
import type { EventType, NotificationConfiguration } from '../../../src/s3/notification.js';
import { notificationConfiguration, parseNotificationConfiguration } from '../../../src/s3/xml/notification.js';
import type { BucketRecord, MadeChange, ObjectVersion } from '../../../src/store/types.js';

function configuration(overrides: Partial<NotificationConfiguration> = {}): NotificationConfiguration {
  return {
    kind: 'queue',
    id: 'id',
    arn: 'arn:aws:sqs:r:1:target',
    events: ['s3:ObjectCreated:*'],
    filter: null,
    ...overrides,
  };
}

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof S3Error) return `${error.code}: ${error.message}`;
    throw error;
  }
  return 'accepted';
}

describe('targetOf', () => {
  it.each([
    ['arn:aws:sqs:us-east-1:123456789012:audit', 'audit'],
    ['arn:aws:sns:::audit.fifo', 'audit.fifo'],
    ['arn:aws-cn:lambda:r:tenant@example.com:function:fn', 'fn'],
    ['arn:aws:lambda:r:1:function:fn:live', 'fn'],
    ['arn:aws:lambda:r:1:fn', 'fn'],
    ['arn:aws:s3:::audit', null],
    ['arn:aws:sqs:us-east-1:123456789012:', null],
    ['arn:aws:sqs:us-east-1:123456789012:a b', null],
    ['arn:aws:sqs:us-east-1:123456789012:a:b', null],
    ['audit', null],
  ])('%s names %s', (arn, target) => {
    expect(targetOf(arn)).toBe(target);
  });
});

describe('matching', () => {
  const filter = { prefix: 'a/', suffix: '.jpg' };
  it.each([
    ['s3:ObjectCreated:Put', 'a/x.jpg', true],
    ['s3:ObjectCreated:Copy', 'a/.jpg', true],
    ['s3:ObjectRemoved:Delete', 'a/x.jpg', false],
    ['s3:ObjectCreated:Put', 'b/a/x.jpg', false],
    ['s3:ObjectCreated:Put', 'a/x.jpg.gz', false],
  ])('%s of %s: %s', (event, key, matches) => {
    expect(matching([configuration({ filter })], event, key)).toHaveLength(matches ? 1 : 0);
  });

  it('takes a name without a star for itself only', () => {
    const events: EventType[] = ['s3:ObjectCreated:Put', 's3:LifecycleTransition'];
    const one = configuration({ events });
    expect(matching([one], 's3:ObjectCreated:Put', 'k')).toEqual([one]);
    expect(matching([one], 's3:LifecycleTransition', 'k')).toEqual([one]);
    expect(matching([one], 's3:ObjectCreated:Post', 'k')).toEqual([]);
  });
});

describe('checkNotifications', () => {
  const pair = (a: Partial<NotificationConfiguration>, b: Partial<NotificationConfiguration>) =>
    refusal(() => {
      checkNotifications([configuration({ id: 'a', ...a }), configuration({ id: 'b', ...b })]);
    });
  const filter = (prefix: string | null, suffix: string | null = null) => ({ filter: { prefix, suffix } });

  it('refuses two that one event could go by', () => {
    expect(pair({}, {})).toMatch(/^InvalidArgument: Configurations overlap/);
    expect(pair({ events: ['s3:ObjectCreated:Put'] }, {})).toMatch(/^InvalidArgument: Configurations overlap/);
    expect(pair(filter('a'), filter('ab'))).toMatch(/^InvalidArgument: Configuration is ambiguously defined/);
    expect(pair(filter(null, 'g'), filter('x'))).toMatch(/ambiguously/);
    expect(pair({}, filter('x'))).toMatch(/ambiguously/);
    expect(pair(filter('a', '.jpg'), filter('a', 'e.jpg'))).toMatch(/ambiguously/);
    expect(pair({ id: 'b' }, { events: ['s3:ObjectRemoved:*'] })).toMatch(/IDs must be unique/);
  });

  it('accepts those that share no key or no event', () => {
    expect(pair({ events: ['s3:ObjectCreated:Put'] }, { events: ['s3:ObjectCreated:Copy'] })).toBe('accepted');
    expect(pair(filter('a/'), filter('b/'))).toBe('accepted');
    expect(pair(filter('a', '.jpg'), filter('a', '.png'))).toBe('accepted');
  });
});

describe('NotificationConfiguration', () => {
  const document = (content: string) => `<NotificationConfiguration>${content}</NotificationConfiguration>`;
  const queue = (content: string) =>
    document(
      `<QueueConfiguration><Queue>arn:aws:sqs:r:1:t</Queue><Event>s3:ObjectCreated:Put</Event>${content}</QueueConfiguration>`,
    );

  it('comes back as it was given', () => {
    const given = document(
      '<TopicConfiguration><Id>t</Id><Topic>arn:aws:sns:r:1:a</Topic><Event>s3:ObjectCreated:*</Event><Event>s3:ObjectAcl:Put</Event>' +
        '<Filter><S3Key><FilterRule><Name>Prefix</Name><Value>a &amp; b/</Value></FilterRule>' +
        '<FilterRule><Name>Suffix</Name><Value></Value></FilterRule></S3Key></Filter></TopicConfiguration>' +
        '<CloudFunctionConfiguration><Id>f</Id><CloudFunction>arn:aws:lambda:r:1:function:a</CloudFunction><Event>s3:ObjectRemoved:*</Event></CloudFunctionConfiguration>',
    );
    const { configurations, eventBridge } = parseNotificationConfiguration(given);
    expect(eventBridge).toBe(false);
    expect(configurations).toHaveLength(2);
    expect(configurations[0]?.filter).toEqual({ prefix: 'a & b/', suffix: '' });
    const written = notificationConfiguration(configurations);
    expect(written).toContain(given.replace('<NotificationConfiguration>', ''));
    expect(parseNotificationConfiguration(written).configurations).toEqual(configurations);
  });

  it('gives an Id to one without, and answers nothing as an empty root', () => {
    const [one] = parseNotificationConfiguration(queue('')).configurations;
    expect(one?.id).toMatch(/^[0-9a-f-]{36}$/);
    expect(notificationConfiguration([])).toMatch(/<NotificationConfiguration xmlns="[^"]+"\/>$/);
    expect(parseNotificationConfiguration(document('<EventBridgeConfiguration/>'))).toEqual({
      configurations: [],
      eventBridge: true,
    });
  });

  it.each([
    ['MalformedXML', document('<QueueConfiguration><Queue>a</Queue></QueueConfiguration>')],
    ['MalformedXML', document('<QueueConfiguration><Event>s3:ObjectCreated:Put</Event></QueueConfiguration>')],
    ['MalformedXML', document('<Queue/>')],
    ['MalformedXML', queue('<Queue>another</Queue>')],
    ['MalformedXML', queue('<Filter><Prefix>a</Prefix></Filter>')],
    ['InvalidArgument', queue('<Event>s3:ObjectSeen</Event>')],
    ['InvalidArgument', queue(`<Id>${'x'.repeat(256)}</Id>`)],
    [
      'InvalidArgument',
      queue('<Filter><S3Key><FilterRule><Name>infix</Name><Value>a</Value></FilterRule></S3Key></Filter>'),
    ],
    [
      'InvalidArgument',
      queue(
        `<Filter><S3Key>${'<FilterRule><Name>prefix</Name><Value>a</Value></FilterRule>'.repeat(2)}</S3Key></Filter>`,
      ),
    ],
    [
      'InvalidArgument',
      queue(
        `<Filter><S3Key><FilterRule><Name>suffix</Name><Value>${'ä'.repeat(513)}</Value></FilterRule></S3Key></Filter>`,
      ),
    ],
  ])('%s: %s', (code, body) => {
    expect(refusal(() => parseNotificationConfiguration(body))).toMatch(new RegExp(`^${code}:`));
  });
});

describe('event records', () => {
  const version = (overrides: Partial<ObjectVersion>) =>
    ({
      versionId: 'v1',
      deleteMarker: false,
      sizeBytes: 7,
      etag: 'e',
      storageClass: 'GLACIER',
      ...overrides,
    }) as ObjectVersion;
  const before = { seq: 0, latest: null, previous: null, nullVersion: null, selected: null };
  const change = (overrides: Partial<MadeChange>): MadeChange => ({
    before,
    version: version({}),
    seq: 1_700_000_000_123_456,
    ...overrides,
  });
  const bucket: BucketRecord = {
    name: 'b',
    instance: 'i',
    region: 'r',
    owner: { id: 'owner', displayName: 'Owner' },
    createdAt: 0,
    revision: 1,
    state: 'active',
    versioning: 'enabled',
    objectLock: false,
    documents: {},
  };
  const actor = { principalId: 'p', sourceIpAddress: '192.0.2.1', requestId: 'R' };
  const record = (cause: Cause, made: MadeChange) => eventRecord({ bucket, key: 'k', cause, actor, made }, 'c');

  it('names what happened', () => {
    const gone = change({ version: null });
    const marked = change({ version: version({ deleteMarker: true }) });
    expect(eventName('ObjectCreated:Put', change({}))).toBe('ObjectCreated:Put');
    expect(eventName('ObjectRemoved', gone)).toBe('ObjectRemoved:Delete');
    expect(eventName('ObjectRemoved', marked)).toBe('ObjectRemoved:DeleteMarkerCreated');
    expect(eventName('LifecycleExpiration', gone)).toBe('LifecycleExpiration:Delete');
    expect(eventName('LifecycleExpiration', marked)).toBe('LifecycleExpiration:DeleteMarkerCreated');
  });

  it('tells of a version what is left of it', () => {
    const object = (made: MadeChange) => (record('ObjectRemoved', made)['s3'] as { object: unknown }).object;
    const named = { sequencer: sequencerOf(1_700_000_000_123_456), key: 'k' };
    expect(object(change({}))).toEqual({ ...named, size: 7, eTag: 'e', versionId: 'v1' });
    expect(object(change({ version: version({ versionId: 'null' }) }))).toEqual({ ...named, size: 7, eTag: 'e' });
    expect(object(change({ version: version({ deleteMarker: true }) }))).toEqual({
      ...named,
      eTag: 'd41d8cd98f00b204e9800998ecf8427e',
      versionId: 'v1',
    });
    const removed = { ...before, latest: version({ versionId: 'v9' }), selected: version({ versionId: 'v3' }) };
    expect(object(change({ version: null, before: removed }))).toEqual({ ...named, versionId: 'v3' });
  });

  it('carries the clock of the change, and what a transition moved to', () => {
    expect(record('ObjectCreated:Put', change({}))).toMatchObject({
      eventVersion: '2.1',
      eventTime: '2023-11-14T22:13:20.123Z',
      userIdentity: { principalId: 'p' },
    });
    expect(record('LifecycleTransition', change({}))).toMatchObject({
      eventVersion: '2.3',
      lifecycleEventData: { transitionEventData: { destinationStorageClass: 'GLACIER' } },
    });
  });

  it('orders by the sequencer, as text', () => {
    const seqs = [1, 255, 4096, 1_700_000_000_123_456, 2 ** 53 - 1];
    const texts = seqs.map(sequencerOf);
    expect(texts).toEqual([...texts].sort());
  });

  it.each([
    ['a b/c+d.txt', 'a+b/c%2Bd.txt'],
    ["ä!'()*~", '%C3%A4%21%27%28%29*%7E'],
    ['%41', '%2541'],
  ])('encodes %s as %s', (key, encoded) => {
    expect(formEncoded(key)).toBe(encoded);
    expect(decodeURIComponent(encoded.replaceAll('+', ' '))).toBe(key);
  });

  it('cost a bucket without a configuration nothing, and go to the queue of the target elsewhere', () => {
    const context = {
      identity: { kind: 'anonymous', tenant: null, memberOf: [], master: false },
      request: { id: 'R', remoteAddress: '::ffff:192.0.2.7' },
    } as unknown as Parameters<typeof eventsOf>[0];
    const occasion = { key: 'k', cause: 'ObjectCreated:Put' } as const;
    expect(eventsOf(context, { bucket, ...occasion })).toEqual({});
    const told: BucketRecord = {
      ...bucket,
      documents: { [NOTIFICATION_DOCUMENT]: JSON.stringify([configuration({ arn: 'arn:aws:sns:::audit' })]) },
    };
    const drafts = eventsOf(context, { bucket: told, ...occasion }).events?.(change({})) ?? [];
    expect(drafts.map(({ queue }) => queue)).toEqual(['notification/audit']);
    expect(JSON.parse(drafts[0]?.body ?? '')).toMatchObject({
      Records: [
        {
          userIdentity: { principalId: 'Anonymous' },
          requestParameters: { sourceIPAddress: '192.0.2.7' },
          s3: { configurationId: 'id' },
        },
      ],
    });
    expect(eventsOf(context, { bucket: told, key: 'k', cause: 'ObjectRemoved' }).events?.(change({}))).toEqual([]);
  });
});
