// What changes of keys keep and tell of replication: statuses, tasks, and nothing of replicas.
import { describe, expect, it } from 'vitest';
import { replicatedDraft, replicating, replicationEvents } from '../../../src/s3/replicating.js';
import type { ReplicationTask } from '../../../src/s3/replicating.js';
import { afterDelivery, replicationHeaders, replicationRecord } from '../../../src/s3/replication-record.js';
import type { ReplicationRecord } from '../../../src/s3/replication-record.js';
import type { ReplicationRule } from '../../../src/s3/replication.js';
import { deleteMarker } from '../../../src/s3/versioning.js';
import type { BucketRecord, KeyState, ObjectVersion, VersionDraft } from '../../../src/store/types.js';

const OWNER = { id: 'tenant', displayName: 'tenant' };
const [A, B] = ['arn:aws:s3:::a', 'arn:pithos:replication:::site/b'];

function rule(arn: string, overrides: Partial<ReplicationRule> = {}): ReplicationRule {
  return {
    id: arn,
    enabled: true,
    filter: { form: 'empty', prefix: null, tags: {} },
    priority: 1,
    deleteMarkers: false,
    existingObjects: null,
    replicaModifications: null,
    kmsObjects: null,
    destination: {
      arn,
      account: null,
      storageClass: null,
      ownerOverride: false,
      kmsKeyId: null,
      metrics: null,
      replicationTime: null,
    },
    ...overrides,
  };
}

function bucket(...rules: readonly ReplicationRule[]): BucketRecord {
  return {
    name: 'source',
    instance: '00000000-0000-0000-0000-000000000001',
    region: 'here',
    owner: OWNER,
    createdAt: 0,
    revision: 1,
    state: 'active',
    versioning: 'enabled',
    objectLock: false,
    documents: rules.length === 0 ? {} : { replication: JSON.stringify({ role: 'r', rules }) },
  };
}

const object: VersionDraft = { ...deleteMarker({ owner: OWNER, nowMs: 1 }), deleteMarker: false };
const version = (record: ReplicationRecord | null): ObjectVersion => ({
  ...object,
  versionId: 'v',
  seq: 1,
  extra: { other: 1, ...(record !== null && { replication: record }) },
});
const EMPTY: KeyState = { seq: 0, latest: null, previous: null, nullVersion: null, selected: null };

const place = (source: BucketRecord) => ({ bucket: source, key: 'k', nowMs: 1000 });
const tasks = (source: BucketRecord, made: ObjectVersion | null) =>
  replicationEvents(source, 'k', { before: EMPTY, version: made, seq: 2 });

describe('a new version', () => {
  it('is pending for each destination, and told to the queue of each', () => {
    const source = bucket(rule(A), rule(B));
    const draft = replicatedDraft(place(source), object, false);
    expect(replicationRecord(draft)).toEqual({ to: { [A]: 'PENDING', [B]: 'PENDING' } });
    const made = { ...draft, versionId: 'v', seq: 1 };
    const events = tasks(source, made);
    expect(events.map(({ queue }) => queue)).toEqual(['replication/region/here', 'replication/target/site']);
    const task = JSON.parse(events[0]?.body ?? '') as ReplicationTask;
    expect(task).toMatchObject({ bucket: { name: 'source' }, key: 'k', versionId: 'v', role: 'r', rule: { id: A } });
  });

  it('is nothing of a null version, of markers that no rule takes, and where nothing is configured', () => {
    expect(replicatedDraft(place(bucket(rule(A))), object, true)).toBe(object);
    expect(replicatedDraft(place(bucket()), object, false)).toBe(object);
    const marker = deleteMarker({ owner: OWNER, nowMs: 1 });
    expect(replicatedDraft(place(bucket(rule(A))), marker, false)).toBe(marker);
    expect(
      replicationRecord(replicatedDraft(place(bucket(rule(A, { deleteMarkers: true }))), marker, false)),
    ).not.toBeNull();
  });

  it('does not inherit what the version it is made from had', () => {
    const inherited = { ...object, extra: { other: 1, replication: { replica: true } } };
    expect(replicatedDraft(place(bucket()), inherited, false).extra).toEqual({ other: 1 });
    expect(replicationRecord(replicatedDraft(place(bucket(rule(A))), inherited, false))).toEqual({
      to: { [A]: 'PENDING' },
    });
  });

  it('is marked within the decision, which may also refuse or do nothing', () => {
    const source = bucket(rule(A));
    const decide = replicating(place(source), () => ({ put: { draft: object, isNull: false } }));
    expect(replicationRecord(decide(EMPTY)?.put?.draft ?? object)).toEqual({ to: { [A]: 'PENDING' } });
    expect(replicating(place(source), () => null)(EMPTY)).toBeNull();
    const remove = { remove: [version(null)] };
    expect(replicating(place(source), () => remove)(EMPTY)).toBe(remove);
    expect(tasks(source, null)).toEqual([]);
  });
});

describe('a change of tags, ACL or lock', () => {
  const replaced = (source: BucketRecord, record: ReplicationRecord | null) =>
    replicating(place(source), () => ({ replace: version(record) }))(EMPTY)?.replace;

  it('goes where the version went and a rule still sends', () => {
    const source = bucket(rule(A), rule(B, { enabled: false }));
    const made = replaced(source, { to: { [A]: 'COMPLETED', [B]: 'COMPLETED' } });
    expect(made?.extra).toEqual({
      other: 1,
      replication: { to: { [A]: 'PENDING', [B]: 'COMPLETED' }, changedMs: 1000 },
    });
    expect(tasks(source, made ?? null).map(({ queue }) => queue)).toEqual(['replication/region/here']);
  });

  it('is later than the one before, whatever the clock says', () => {
    expect(replaced(bucket(), { replica: true, changedMs: 5000 })?.extra['replication']).toEqual({
      replica: true,
      changedMs: 5001,
    });
  });

  it('is nobody else’s business of a version that was never replicated', () => {
    const source = bucket(rule(A));
    const made = replaced(source, null);
    expect(made?.extra).toEqual({ other: 1 });
    expect(tasks(source, made ?? null)).toEqual([]);
  });

  it('of a replica goes back only if its bucket says so', () => {
    const record = { replica: true, changedMs: 1 } as const;
    expect(tasks(bucket(rule(A)), version(record))).toEqual([]);
    expect(tasks(bucket(rule(A, { replicaModifications: true })), version(record))).toHaveLength(1);
  });
});

describe('the status', () => {
  it.each<[ReplicationRecord | null, string | undefined]>([
    [null, undefined],
    [{ replica: true }, 'REPLICA'],
    [{ to: {} }, undefined],
    [{ to: { a: 'PENDING', b: 'COMPLETED' } }, 'PENDING'],
    [{ to: { a: 'COMPLETED', b: 'COMPLETED' } }, 'COMPLETED'],
    [{ to: { a: 'FAILED', b: 'PENDING' } }, 'FAILED'],
  ])('of %j is %s', (record, status) => {
    expect(replicationHeaders(version(record))['x-amz-replication-status']).toBe(status);
  });

  it('is kept of each destination', () => {
    const record = { to: { [A]: 'PENDING', [B]: 'PENDING' } } as const;
    const after = afterDelivery(version(record), record, { arn: A, status: 'COMPLETED', versionId: 'v' });
    expect(after?.extra).toEqual({
      other: 1,
      replication: { to: { [A]: 'COMPLETED', [B]: 'PENDING' }, ids: { [A]: 'v' } },
    });
    const again = { arn: A, status: 'COMPLETED', versionId: 'v' } as const;
    expect(afterDelivery(after ?? version(null), record, again)).toBeNull();
    expect(afterDelivery(version(null), record, again)).toBeNull();
  });

  it('stays pending for a change that came during the delivery, which has brought the version all the same', () => {
    const delivered = { to: { [A]: 'PENDING' }, changedMs: 1 } as const;
    const current = version({ ...delivered, changedMs: 2 });
    expect(
      replicationRecord(afterDelivery(current, delivered, { arn: A, status: 'COMPLETED', versionId: 'v' }) ?? object),
    ).toEqual({ to: { [A]: 'PENDING' }, changedMs: 2, ids: { [A]: 'v' } });
  });
});
