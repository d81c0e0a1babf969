// What a replica is like, what later changes make of it, and whether it may be made at all.
import { describe, expect, it } from 'vitest';
import type { ReplicationSource } from '../../../src/replication/destination.js';
import { ReplicationRefused } from '../../../src/replication/destination.js';
import { requirePermission, requireReadable } from '../../../src/replication/permission.js';
import { replicaDraft, withSourceChanges } from '../../../src/replication/replica.js';
import type { ReplicationRecord } from '../../../src/s3/replication-record.js';
import type { ReplicationDestination, ReplicationRule } from '../../../src/s3/replication.js';
import { deleteMarker } from '../../../src/s3/versioning.js';
import type { BucketRecord, ObjectVersion, Region, VersionDraft } from '../../../src/store/types.js';

const NOW_MS = 1_700_000_000_000;
const [MINE, THEIRS] = [
  { id: 'mine', displayName: 'Mine' },
  { id: 'theirs', displayName: 'Theirs' },
];
const ROLE = 'arn:aws:iam::mine:role/replicator';

function bucket(overrides: Partial<BucketRecord> = {}): BucketRecord {
  return {
    name: 'target',
    instance: '00000000-0000-0000-0000-000000000002',
    region: 'here',
    owner: MINE,
    createdAt: 0,
    revision: 1,
    state: 'active',
    versioning: 'enabled',
    objectLock: false,
    documents: {},
    ...overrides,
  };
}

function rule(destination: Partial<ReplicationDestination> = {}): ReplicationRule {
  return {
    id: 'r',
    enabled: true,
    filter: { form: 'empty', prefix: null, tags: {} },
    priority: 1,
    deleteMarkers: true,
    existingObjects: null,
    replicaModifications: null,
    kmsObjects: null,
    destination: {
      arn: 'arn:aws:s3:::target',
      account: null,
      storageClass: null,
      ownerOverride: false,
      kmsKeyId: null,
      metrics: null,
      replicationTime: null,
      ...destination,
    },
  };
}

function version(overrides: Partial<VersionDraft> = {}, replication?: ReplicationRecord): ObjectVersion {
  return {
    ...deleteMarker({ owner: MINE, nowMs: 5 }),
    deleteMarker: false,
    etag: 'e-2',
    versionId: 'v',
    seq: 1,
    acl: '{"acl":1}',
    uploadId: 'u',
    ...overrides,
    extra: { other: 1, ...overrides.extra, ...(replication !== undefined && { replication }) },
  };
}

const LOCKED = { retention: { mode: 'GOVERNANCE', untilMs: NOW_MS + 1000 }, legalHold: true } as const;
const ENFORCED = { 'ownership-controls': 'BucketOwnerEnforced' };

describe('a replica', () => {
  const data = { kind: 'inline', bytes: Buffer.from('x') } as const;
  const made = (of: ObjectVersion, destination = bucket(), by = rule()) =>
    replicaDraft({
      version: of,
      rule: by,
      destination,
      storageClass: 'GLACIER',
      data,
      encryption: null,
      nowMs: NOW_MS,
    });

  it('is the version in other blobs, and no upload’s', () => {
    const original = version({ tags: { k: 'v' }, headers: { a: 'b' } }, { to: { x: 'PENDING' }, changedMs: 7 });
    const { versionId: _id, seq: _seq, ...same } = original;
    expect(made(original)).toEqual({
      ...same,
      data,
      storageClass: 'GLACIER',
      uploadId: null,
      extra: { other: 1, replication: { replica: true, changedMs: 7 } },
    });
  });

  it('is the destination owner’s if the rule says so, or its bucket', () => {
    const theirs = bucket({ owner: THEIRS });
    expect(made(version(), theirs)).toMatchObject({ owner: MINE, acl: '{"acl":1}' });
    expect(made(version(), theirs, rule({ ownerOverride: true }))).toMatchObject({ owner: THEIRS, acl: null });
    expect(made(version(), bucket({ owner: THEIRS, documents: ENFORCED }))).toMatchObject({ owner: THEIRS, acl: null });
  });

  it('is locked where buckets can lock', () => {
    expect(made(version(LOCKED))).toMatchObject({ retention: null, legalHold: false });
    expect(made(version(LOCKED), bucket({ objectLock: true }))).toMatchObject(LOCKED);
  });
});

describe('a change of the source', () => {
  const change = (current: ObjectVersion, of: ObjectVersion, destination = bucket({ objectLock: true }), by = rule()) =>
    withSourceChanges(current, { version: of, rule: by, destination, nowMs: NOW_MS });

  it('is applied once, and never over a later one', () => {
    const source = version({ tags: { new: '' } }, { to: {}, changedMs: 5 });
    const current = version({ tags: { old: '' } }, { replica: true, changedMs: 4 });
    const after = change(current, source);
    expect(after).toMatchObject({ tags: { new: '' }, extra: { replication: { replica: true, changedMs: 5 } } });
    expect(change(after ?? current, source)).toBeNull();
    expect(change(version({}, { replica: true, changedMs: 6 }), source)).toBeNull();
    expect(change(current, version({ tags: { new: '' } }, { to: {} }))).toBeNull();
  });

  it('that comes back keeps what the original knows of its own replication', () => {
    const original = version({}, { to: { there: 'COMPLETED' }, ids: { there: 'v' } });
    const after = change(original, version({ tags: { k: 'v' } }, { replica: true, changedMs: 9 }));
    expect(after?.extra['replication']).toEqual({ to: { there: 'COMPLETED' }, ids: { there: 'v' }, changedMs: 9 });
  });

  it('leaves ACLs of other owners alone', () => {
    const source = version({ acl: null }, { to: {}, changedMs: 5 });
    expect(change(version({ owner: THEIRS }), source)?.acl).toBe('{"acl":1}');
    expect(change(version(), source)?.acl).toBeNull();
  });

  it('does not weaken compliance, and does weaken governance', () => {
    const source = version({}, { to: {}, changedMs: 5 });
    const compliance = { mode: 'COMPLIANCE', untilMs: NOW_MS + 1000 } as const;
    expect(change(version({ retention: compliance }), source)?.retention).toEqual(compliance);
    expect(change(version(LOCKED), source)).toMatchObject({ retention: null, legalHold: false });
    expect(change(version(LOCKED), source, bucket())).toMatchObject(LOCKED);
  });
});

describe('permission', () => {
  const source = (overrides: Partial<ReplicationSource> = {}): ReplicationSource => ({
    bucket: bucket({ name: 'source' }),
    region: { name: 'here' } as Region,
    key: 'a/k',
    version: version({ acl: null }),
    role: ROLE,
    versionIdThere: null,
    ...overrides,
  });
  const policy = (...statements: readonly object[]) => ({
    policy: JSON.stringify({ Version: '2012-10-17', Statement: statements }),
  });
  const statement = (Effect: string, Principal: unknown, Action: unknown, more: object = {}) => ({
    Effect,
    Principal,
    Action,
    Resource: 'arn:aws:s3:::target/a/*',
    ...more,
  });
  const allowed = (destination: BucketRecord, of = source(), by = rule()): boolean => {
    try {
      requirePermission({ source: of, rule: by, destination, nowMs: NOW_MS });
      return true;
    } catch (error) {
      if (error instanceof ReplicationRefused) return false;
      throw error;
    }
  };

  it('is there among buckets of one owner unless it is denied', () => {
    expect(allowed(bucket())).toBe(true);
    expect(allowed(bucket({ documents: policy(statement('Deny', '*', 's3:ReplicateObject')) }))).toBe(false);
  });

  it('is given by the policy of another owner: to the role, or to the account', () => {
    const theirs = (...statements: readonly object[]) => bucket({ owner: THEIRS, documents: policy(...statements) });
    expect(allowed(bucket({ owner: THEIRS }))).toBe(false);
    expect(allowed(theirs(statement('Allow', { AWS: ROLE }, 's3:ReplicateObject')))).toBe(true);
    expect(allowed(theirs(statement('Allow', { AWS: 'arn:aws:iam::mine:root' }, 's3:Replicate*')))).toBe(true);
    expect(allowed(theirs(statement('Allow', { AWS: 'arn:aws:iam::else:root' }, 's3:*')))).toBe(false);
    expect(allowed(theirs(statement('Allow', { AWS: ROLE }, 's3:PutObject')))).toBe(false);
    const key = { key: 'b/k' };
    expect(allowed(theirs(statement('Allow', { AWS: ROLE }, 's3:*')), source(key))).toBe(false);
  });

  it('of a role is only that of the account’s own', () => {
    const role = 'arn:aws:iam::else:role/replicator';
    const documents = policy(statement('Allow', { AWS: role }, 's3:*'));
    expect(allowed(bucket({ owner: THEIRS, documents }), source({ role }))).toBe(false);
  });

  it('is needed for each thing that is done', () => {
    const object = bucket({
      owner: THEIRS,
      documents: policy(statement('Allow', { AWS: ROLE }, 's3:ReplicateObject')),
    });
    expect(allowed(object, source({ version: version({ tags: { k: 'v' } }) }))).toBe(false);
    expect(allowed(object, source(), rule({ ownerOverride: true }))).toBe(false);
    expect(allowed(object, source({ version: version({ deleteMarker: true }) }))).toBe(false);
    const deletes = bucket({
      owner: THEIRS,
      documents: policy(statement('Allow', { AWS: ROLE }, 's3:ReplicateDelete')),
    });
    expect(allowed(deletes, source({ version: version({ deleteMarker: true }) }))).toBe(true);
  });

  it('to read is needed of the owners of objects', () => {
    const theirs = version({ owner: THEIRS, acl: null });
    expect(() => requireReadable(source({ version: theirs }))).toThrow(ReplicationRefused);
    expect(() => requireReadable(source())).not.toThrow();
    const enforced = bucket({ name: 'source', documents: ENFORCED });
    expect(() => requireReadable(source({ version: theirs, bucket: enforced }))).not.toThrow();
  });
});
