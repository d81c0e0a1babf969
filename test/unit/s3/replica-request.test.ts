// The header by which another Pithos says which version it replicates.
import { describe, expect, it } from 'vitest';
import { S3Error } from '../../../src/s3/errors.js';
import { parseReplicaHeader, placeReplica, replicaChange, replicaHeader } from '../../../src/s3/replica-request.js';
import { deleteMarker } from '../../../src/s3/versioning.js';
import type { KeyState, ObjectVersion } from '../../../src/store/types.js';
import { makeVersionId } from '../../../src/store/versions.js';

const NOW_MS = 1_700_000_000_000;
const idAt = (ms: number) => makeVersionId(ms * 1000);
const FACTS = { versionId: idAt(NOW_MS), lastModified: NOW_MS, etag: `${'a'.repeat(32)}-3`, changedMs: 7 };
const parse = (facts: object) => parseReplicaHeader(Buffer.from(JSON.stringify(facts)).toString('base64url'), NOW_MS);

describe('the header', () => {
  it('is read as it was written', () => {
    expect(parseReplicaHeader(replicaHeader(FACTS), NOW_MS)).toEqual(FACTS);
    const marker = { versionId: FACTS.versionId, lastModified: 0 };
    expect(parseReplicaHeader(replicaHeader(marker), NOW_MS)).toEqual(marker);
  });

  it.each([
    ['no version', { ...FACTS, versionId: undefined }],
    ['the null version', { ...FACTS, versionId: 'null' }],
    ['a version of a clock that is far ahead', { ...FACTS, versionId: idAt(NOW_MS + 3_600_000) }],
    ['no time', { ...FACTS, lastModified: undefined }],
    ['a time before time', { ...FACTS, lastModified: -1 }],
    ['another entity tag', { ...FACTS, etag: 'x' }],
    ['a change of tomorrow', { ...FACTS, changedMs: NOW_MS + 86_400_000 }],
    ['text for a number', { ...FACTS, changedMs: '7' }],
  ])('is refused with %s', (_what, facts) => {
    expect(() => parse(facts)).toThrow(S3Error);
  });

  it('is refused when it is something else', () => {
    for (const header of ['', '%', 'bnVsbA', Buffer.from('{').toString('base64url')])
      expect(() => parseReplicaHeader(header, NOW_MS)).toThrow(S3Error);
  });
});

const draft = deleteMarker({ owner: { id: 'o', displayName: 'o' }, nowMs: 1 });
const EMPTY: KeyState = { seq: 0, latest: null, previous: null, nullVersion: null, selected: null };
const version = (record?: object): ObjectVersion => ({
  ...draft,
  versionId: 'v',
  seq: 1,
  extra: record === undefined ? {} : { replication: record },
});

describe('a replica', () => {
  it('is placed once, with its time, its tag and what it is', () => {
    const change = placeReplica(EMPTY, { ...draft, extra: { other: 1 } }, FACTS);
    expect(change?.place.versionId).toBe(FACTS.versionId);
    expect(change?.place.draft).toMatchObject({
      lastModified: NOW_MS,
      etag: FACTS.etag,
      extra: { other: 1, replication: { replica: true, changedMs: 7 } },
    });
    expect(placeReplica({ ...EMPTY, selected: version() }, draft, FACTS)).toBeNull();
    expect(() => placeReplica({ ...EMPTY, taken: true }, draft, FACTS)).toThrow(S3Error);
  });

  it('takes changes that are not older than its own', () => {
    const after = { ...version(), tags: { k: 'v' } };
    expect(replicaChange(version({ replica: true, changedMs: 8 }), after, FACTS)).toBeNull();
    for (const before of [version({ replica: true, changedMs: 7 }), version({ replica: true }), version()])
      expect(replicaChange(before, after, FACTS)).toMatchObject({
        tags: { k: 'v' },
        extra: { replication: { replica: true, changedMs: 7 } },
      });
    expect(replicaChange(version({ to: { x: 'COMPLETED' } }), after, FACTS)?.extra['replication']).toEqual({
      to: { x: 'COMPLETED' },
      changedMs: 7,
    });
  });
});
