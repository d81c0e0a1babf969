// Replication configurations: their two schemas, what S3 refuses, and which versions go where.
import { describe, expect, it } from 'vitest';
import { S3Error } from '../../../src/s3/errors.js';
import { checkReplication } from '../../../src/s3/replication-checks.js';
import { parseDestination, queueNameOf, replicaRulesFor, rulesFor } from '../../../src/s3/replication.js';
import { parseReplicationConfiguration, replicationConfiguration } from '../../../src/s3/xml/replication.js';
import type { EncryptionInfo, VersionDraft } from '../../../src/store/types.js';

const ROLE = 'arn:aws:iam::tenant:role/replicator';
const BUCKET = '<Bucket>arn:aws:s3:::there</Bucket>';
const FIRST = `<Rule><ID>a</ID><Prefix>p/</Prefix><Status>Enabled</Status><Destination>${BUCKET}</Destination></Rule>`;

interface RuleText {
  readonly id?: string;
  readonly priority?: string;
  readonly filter?: string;
  readonly status?: string;
  readonly markers?: string;
  readonly destination?: string;
  readonly more?: string;
}

function second(rule: RuleText = {}): string {
  const { id = 'a', priority = '<Priority>1</Priority>', filter = '<Filter/>', status = 'Enabled', more = '' } = rule;
  const { markers = '<DeleteMarkerReplication><Status>Disabled</Status></DeleteMarkerReplication>' } = rule;
  const { destination = BUCKET } = rule;
  return `<Rule><ID>${id}</ID>${priority}${filter}<Status>${status}</Status>${more}<Destination>${destination}</Destination>${markers}</Rule>`;
}

const document = (...rules: readonly string[]) =>
  `<ReplicationConfiguration><Role>${ROLE}</Role>${rules.join('')}</ReplicationConfiguration>`;
const parse = (...rules: readonly string[]) => parseReplicationConfiguration(document(...rules));

function refused(run: () => unknown): { readonly code: string; readonly message: string } {
  try {
    run();
  } catch (error) {
    if (error instanceof S3Error) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('it was not refused');
}
const check = (...rules: readonly string[]) => refused(() => checkReplication(parse(...rules)));

const MARKERS = '<DeleteMarkerReplication><Status>Enabled</Status></DeleteMarkerReplication>';
const TAG = '<Tag><Key>k</Key><Value>v</Value></Tag>';

describe('a replication configuration', () => {
  it('is answered as it was put', () => {
    const full = second({
      filter: `<Filter><And><Prefix>p/</Prefix>${TAG}</And></Filter>`,
      more:
        '<SourceSelectionCriteria><ReplicaModifications><Status>Enabled</Status></ReplicaModifications>' +
        '<SseKmsEncryptedObjects><Status>Enabled</Status></SseKmsEncryptedObjects></SourceSelectionCriteria>' +
        '<ExistingObjectReplication><Status>Enabled</Status></ExistingObjectReplication>',
      destination:
        `${BUCKET}<Account>other</Account><StorageClass>STANDARD_IA</StorageClass>` +
        '<AccessControlTranslation><Owner>Destination</Owner></AccessControlTranslation>' +
        '<EncryptionConfiguration><ReplicaKmsKeyID>key</ReplicaKmsKeyID></EncryptionConfiguration>' +
        '<ReplicationTime><Status>Enabled</Status><Time><Minutes>15</Minutes></Time></ReplicationTime>' +
        '<Metrics><Status>Enabled</Status><EventThreshold><Minutes>15</Minutes></EventThreshold></Metrics>',
    });
    for (const rules of [[FIRST], [full], [second(), second({ id: 'b', priority: '<Priority>2</Priority>' })]]) {
      const configuration = parse(...rules);
      checkReplication(configuration);
      const answer = replicationConfiguration(configuration);
      expect(parseReplicationConfiguration(answer)).toEqual(configuration);
      for (const rule of rules)
        expect(answer.replace(/<Filter\/>/g, '<Filter></Filter>')).toContain(
          rule.replace(/<Filter\/>/g, '<Filter></Filter>'),
        );
    }
  });

  it('gets ids for rules that have none', () => {
    const { rules } = parse(FIRST.replace('<ID>a</ID>', ''));
    expect(rules[0]?.id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    ['no rule', document()],
    ['no role', `<ReplicationConfiguration>${FIRST}</ReplicationConfiguration>`],
    ['no status', document(FIRST.replace('<Status>Enabled</Status>', ''))],
    ['another status', document(second({ status: 'On' }))],
    ['no destination', document(FIRST.replace(/<Destination>.*<\/Destination>/, ''))],
    ['neither prefix nor filter', document(second({ filter: '' }))],
    ['prefix and filter', document(second({ filter: '<Prefix/><Filter/>' }))],
    ['two predicates without And', document(second({ filter: `<Filter><Prefix>p</Prefix>${TAG}</Filter>` }))],
    ['an empty And', document(second({ filter: '<Filter><And/></Filter>' }))],
    ['an unknown element', document(second({ more: '<Surprise/>' }))],
    [
      'a threshold without minutes',
      document(second({ destination: `${BUCKET}<ReplicationTime><Status>Enabled</Status><Time/></ReplicationTime>` })),
    ],
  ])('is malformed with %s', (_what, text) => {
    expect(refused(() => parseReplicationConfiguration(text)).code).toBe('MalformedXML');
  });

  it.each([
    ['what is not an ARN', '<Bucket>there</Bucket>'],
    ['a key', '<Bucket>arn:aws:s3:::there/key</Bucket>'],
    [
      'an owner without an account',
      `${BUCKET}<AccessControlTranslation><Owner>Destination</Owner></AccessControlTranslation>`,
    ],
    [
      'another time',
      `${BUCKET}<ReplicationTime><Status>Enabled</Status><Time><Minutes>5</Minutes></Time></ReplicationTime>`,
    ],
  ])('refuses %s as an argument', (_what, destination) => {
    expect(refused(() => parse(second({ destination }))).code).toBe('InvalidArgument');
  });

  it('is refused for what its rules are together', () => {
    expect(check(second(), second({ priority: '<Priority>2</Priority>' })).code).toBe('InvalidArgument');
    expect(check(second(), second({ id: 'b' })).message).toContain('duplicate priority');
    expect(check(second(), FIRST.replace('>a<', '>b<')).message).toContain('cannot be in one');
    expect(check(FIRST, FIRST.replace('>a<', '>b<').replace('p/', 'p/q')).message).toContain('overlapping prefixes');
    expect(check(FIRST, FIRST.replace('>a<', '>b<').replace('p/', 'q').replace('there', 'else')).message).toContain(
      'same destination',
    );
  });

  it('is refused for what a rule lacks', () => {
    expect(check(second({ priority: '' })).message).toContain('Priority must be specified');
    expect(check(second({ markers: '' })).message).toContain('DeleteMarkerReplication must be specified');
    expect(check(second({ filter: `<Filter>${TAG}</Filter>`, markers: MARKERS })).message).toContain('Tag filter');
    const kms =
      '<SourceSelectionCriteria><SseKmsEncryptedObjects><Status>Enabled</Status></SseKmsEncryptedObjects></SourceSelectionCriteria>';
    expect(check(second({ more: kms })).message).toContain('ReplicaKmsKeyID');
    const key = `${BUCKET}<EncryptionConfiguration><ReplicaKmsKeyID>k</ReplicaKmsKeyID></EncryptionConfiguration>`;
    expect(check(second({ destination: key })).message).toContain('SseKmsEncryptedObjects');
    const time = `${BUCKET}<ReplicationTime><Status>Enabled</Status><Time><Minutes>15</Minutes></Time></ReplicationTime>`;
    expect(check(second({ destination: time })).message).toContain('metrics');
    const role = parseReplicationConfiguration(document(second()).replace(ROLE, 'somebody'));
    expect(refused(() => checkReplication(role)).code).toBe('InvalidArgument');
  });
});

type Subject = Pick<VersionDraft, 'deleteMarker' | 'tags' | 'encryption'>;
const OBJECT: Subject = { deleteMarker: false, tags: {}, encryption: null };
const MARKER: Subject = { ...OBJECT, deleteMarker: true };
const KMS: EncryptionInfo = { kind: 'SSE-KMS', keyId: 'k', wrappedKey: '' };

describe('a rule', () => {
  const ids = (rules: readonly string[], key: string, version: Subject) =>
    rulesFor(parse(...rules), key, version).map(({ id }) => id);

  it('takes keys by prefix and tags, while it is enabled', () => {
    const both = second({ filter: `<Filter><And><Prefix>p/</Prefix>${TAG}</And></Filter>` });
    expect(ids([both], 'p/x', { ...OBJECT, tags: { k: 'v', other: '' } })).toEqual(['a']);
    expect(ids([both], 'p/x', { ...OBJECT, tags: { k: 'w' } })).toEqual([]);
    expect(ids([both], 'q', { ...OBJECT, tags: { k: 'v' } })).toEqual([]);
    expect(ids([second({ status: 'Disabled' })], 'p/x', OBJECT)).toEqual([]);
    expect(ids([FIRST], 'p/x', OBJECT)).toEqual(['a']);
    expect(ids([FIRST], 'P/x', OBJECT)).toEqual([]);
    const inherited = second({ filter: '<Filter><Tag><Key>constructor</Key><Value>x</Value></Tag></Filter>' });
    expect(ids([inherited], 'p', OBJECT)).toEqual([]);
  });

  it('takes delete markers if told to, or of the first schema', () => {
    expect(ids([second()], 'k', MARKER)).toEqual([]);
    expect(ids([second({ markers: MARKERS })], 'k', MARKER)).toEqual(['a']);
    expect(ids([FIRST], 'p/k', MARKER)).toEqual(['a']);
  });

  it('takes objects under SSE-KMS if told to', () => {
    expect(ids([second()], 'k', { ...OBJECT, encryption: KMS })).toEqual([]);
    expect(ids([second()], 'k', { ...OBJECT, encryption: { ...KMS, kind: 'SSE-S3' } })).toEqual(['a']);
    const more =
      '<SourceSelectionCriteria><SseKmsEncryptedObjects><Status>Enabled</Status></SseKmsEncryptedObjects></SourceSelectionCriteria>';
    expect(ids([second({ more })], 'k', { ...OBJECT, encryption: KMS })).toEqual(['a']);
  });

  it('gives way to one of the same destination with a higher priority, even where that one leaves markers out', () => {
    const strong = second({
      id: 'strong',
      priority: '<Priority>9</Priority>',
      filter: '<Filter><Prefix>p</Prefix></Filter>',
    });
    const weak = second({ id: 'weak', markers: MARKERS });
    const elsewhere = second({
      id: 'elsewhere',
      priority: '<Priority>3</Priority>',
      destination: '<Bucket>arn:aws:s3:::elsewhere</Bucket>',
    });
    expect(ids([weak, strong, elsewhere], 'p', OBJECT)).toEqual(['strong', 'elsewhere']);
    expect(ids([weak, strong], 'q', OBJECT)).toEqual(['weak']);
    expect(ids([weak, strong], 'p', MARKER)).toEqual([]);
  });

  it('sends changes of replicas back if told to', () => {
    const more =
      '<SourceSelectionCriteria><ReplicaModifications><Status>Enabled</Status></ReplicaModifications></SourceSelectionCriteria>';
    expect(replicaRulesFor(parse(second({ more })), 'k', OBJECT).map(({ id }) => id)).toEqual(['a']);
    expect(replicaRulesFor(parse(second()), 'k', OBJECT)).toEqual([]);
  });
});

describe('a destination', () => {
  it('is a bucket here or of a server that has a name', () => {
    expect(parseDestination('arn:aws:s3:::b')).toEqual({ kind: 'local', bucket: 'b' });
    expect(parseDestination('arn:pithos:replication:::site-2/b')).toEqual({
      kind: 'remote',
      target: 'site-2',
      bucket: 'b',
    });
    for (const arn of [
      'b',
      'arn:aws:s3:::',
      'arn:aws:s3:eu::b',
      'arn:pithos:replication:::b',
      'arn:pithos:replication:::t/b/c',
    ])
      expect(parseDestination(arn)).toBeNull();
  });

  it('has the queue of its region or server', () => {
    const [rule] = parse(second()).rules;
    if (rule === undefined) throw new Error('no rule');
    const { destination } = rule;
    expect(queueNameOf(destination, 'here')).toBe('region/here');
    expect(queueNameOf({ ...destination, region: 'there' }, 'here')).toBe('region/there');
    expect(queueNameOf({ ...destination, arn: 'arn:pithos:replication:::t/b' }, 'here')).toBe('target/t');
  });
});
