/** What the commit decides: the listing may be out of date, and Object Lock outranks every rule. */
import { describe, expect, it } from 'vitest';
import type { Judgement, Step } from '../../../src/gc/lifecycle-decisions.js';
import { expiryChange, stillDue } from '../../../src/gc/lifecycle-decisions.js';
import type { LifecycleRule } from '../../../src/s3/lifecycle.js';
import type { KeyState, ObjectVersion, VersioningState } from '../../../src/store/types.js';

const DAY_MS = 86_400_000;
const NOW_MS = 100 * DAY_MS;
const OWNER = { id: 'o', displayName: 'o' };
const CURRENT: Step = { kind: 'expire', standing: null };
const OLD: Step = { kind: 'expire', standing: { sinceMs: 0, newer: 0 } };

const RULE: LifecycleRule = {
  id: 'r',
  enabled: true,
  filter: { form: 'one', prefix: null, tags: { a: 'b' }, largerThanBytes: null, smallerThanBytes: null },
  expiration: { kind: 'days', days: 1 },
  noncurrentExpiration: { days: 1, newer: null },
  abortUploadDays: null,
  transitions: [],
  noncurrentTransitions: [],
};

function judgement(versioning: VersioningState = 'enabled', rule: Partial<LifecycleRule> = {}): Judgement {
  return {
    bucket: { owner: OWNER, versioning },
    configuration: { rules: [{ ...RULE, ...rule }], transitionMinimum: 'all_storage_classes_128K' },
    clock: { nowMs: NOW_MS, dayMs: DAY_MS },
    key: 'k',
  };
}

function version(seq: number, overrides: Partial<ObjectVersion> = {}): ObjectVersion {
  return {
    seq,
    versionId: `v${seq}`,
    deleteMarker: false,
    sizeBytes: 1,
    etag: 'e',
    lastModified: 1,
    storageClass: 'STANDARD',
    owner: OWNER,
    headers: {},
    data: { kind: 'none' },
    acl: null,
    tags: { a: 'b' },
    parts: null,
    checksum: null,
    encryption: null,
    retention: null,
    legalHold: false,
    uploadId: null,
    extra: {},
    ...overrides,
  };
}

function state(
  selected: ObjectVersion | null,
  latest: ObjectVersion | null = selected,
  previous: ObjectVersion | null = null,
): KeyState {
  const nullVersion = [latest, previous].find((one) => one?.versionId === 'null') ?? null;
  return { seq: latest?.seq ?? 0, latest, previous, nullVersion, selected };
}

describe('expiryChange of a current version', () => {
  it('lays a delete marker of the bucket owner over it', () => {
    const change = expiryChange(judgement(), state(version(5)), 5, CURRENT);
    expect(change?.put).toMatchObject({
      isNull: false,
      draft: { deleteMarker: true, owner: OWNER, lastModified: NOW_MS },
    });
    expect(change?.remove).toBeUndefined();
  });

  it('removes it from a bucket without versions', () => {
    const object = version(5, { versionId: 'null' });
    expect(expiryChange(judgement('unversioned'), state(object), 5, CURRENT)).toEqual({ remove: [object] });
  });

  it.each<[string, KeyState]>([
    ['is gone', state(null)],
    ['was written again', state(version(6))],
    ['has another version over it', state(version(5), version(6))],
    ['has lost its tag', state(version(5, { tags: { a: 'c' } }))],
    ['is newer than it was listed', state(version(5, { lastModified: NOW_MS }))],
  ])('does nothing when it %s', (_name, now) => {
    expect(expiryChange(judgement(), now, 5, CURRENT)).toBeNull();
  });

  it('leaves a locked null version where a marker would take its place', () => {
    const object = version(5, { versionId: 'null', legalHold: true });
    expect(expiryChange(judgement('suspended'), state(object), 5, CURRENT)).toBeNull();
    expect(expiryChange(judgement('enabled'), state(object), 5, CURRENT)?.put?.draft.deleteMarker).toBe(true);
  });
});

describe('expiryChange of a noncurrent version', () => {
  it('removes it', () => {
    const old = version(5);
    expect(expiryChange(judgement(), state(old, version(6)), 5, OLD)).toEqual({ remove: [old] });
  });

  it('does nothing when it has become the current one', () => {
    expect(expiryChange(judgement(), state(version(5)), 5, OLD)).toBeNull();
  });

  it.each<[string, Partial<ObjectVersion>]>([
    ['legal hold', { legalHold: true }],
    ['compliance', { retention: { mode: 'COMPLIANCE', untilMs: NOW_MS + 1 } }],
    ['governance', { retention: { mode: 'GOVERNANCE', untilMs: NOW_MS + 1 } }],
  ])('respects %s', (_name, lock) => {
    expect(expiryChange(judgement(), state(version(5, lock), version(6)), 5, OLD)).toBeNull();
  });
});

describe('expiryChange of a delete marker', () => {
  const marker = version(5, { deleteMarker: true, tags: {} });
  const own = judgement('enabled', {
    filter: { ...RULE.filter, tags: {} },
    expiration: { kind: 'deleteMarker', remove: true },
  });

  it('removes it when nothing is under it, and only then', () => {
    expect(expiryChange(own, state(marker), 5, { kind: 'removeMarker' })).toEqual({ remove: [marker] });
    expect(expiryChange(own, state(marker, marker, version(4)), 5, { kind: 'removeMarker' })).toBeNull();
    expect(expiryChange(own, state(marker, version(6), marker), 5, { kind: 'removeMarker' })).toBeNull();
  });
});

describe('stillDue', () => {
  it('tells an expiry from a move', () => {
    const transitions = [{ kind: 'days' as const, days: 1, storageClass: 'GLACIER' }];
    const moving = judgement('enabled', { expiration: null, transitions });
    const object = version(5, { sizeBytes: 1_000_000 });
    const move: Step = { kind: 'move', standing: null, storageClass: 'GLACIER' };
    expect(stillDue(moving, state(object), 5, move)).toBe(object);
    expect(stillDue(moving, state(object), 5, CURRENT)).toBeNull();
    expect(stillDue(judgement(), state(object), 5, move)).toBeNull();
  });
});
