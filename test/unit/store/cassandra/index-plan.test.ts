import { describe, expect, it } from 'vitest';
import { isVersionedAfter, planIndex } from '../../../../src/store/cassandra/index-writer.js';
import type { Head } from '../../../../src/store/cassandra/head-table.js';
import {
  decodeAsNullVersion,
  decodeObjectEntry,
  decodeVersionEntry,
  encodeObjectEntry,
  encodeVersionEntry,
} from '../../../../src/store/cassandra/entry-codec.js';
import { objectEntry, versionEntry } from '../../../../src/store/shared/entries.js';
import { applyChange } from '../../../../src/store/shared/key-change.js';
import type { KeyChange, ObjectVersion } from '../../../../src/store/types.js';
import { DRAFT, headOf, version } from './heads.js';

const NOW_MS = 1_000_000;

function plan(head: Head, change: KeyChange) {
  const applied = applyChange(head.state, change, NOW_MS);
  const { listed, versionsIn, versionsOut, clock } = planIndex(head, applied);
  return {
    clock,
    listed: listed === undefined || listed === null ? listed : listed.seq,
    versionsIn: versionsIn.map(({ seq }) => seq).sort(),
    versionsOut: [...versionsOut].sort(),
    versioned: isVersionedAfter(head, applied),
  };
}

const PUT_NULL = { draft: DRAFT, isNull: true };
const PUT_VERSION = { draft: DRAFT, isNull: false };
const MARKER: ObjectVersion['deleteMarker'] = true;
const SEQ = NOW_MS * 1000;

describe('planIndex', () => {
  it('keeps keys of never-versioned buckets out of version_index', () => {
    const empty = headOf([], false);
    expect(plan(empty, { put: PUT_NULL })).toEqual({
      clock: SEQ,
      listed: SEQ,
      versionsIn: [],
      versionsOut: [],
      versioned: false,
    });
    const object = headOf([version({ seq: 5, versionId: 'null' })], false);
    expect(plan(object, { put: PUT_NULL })).toMatchObject({ listed: SEQ, versionsIn: [], versionsOut: [] });
    expect(plan(object, { remove: [object.state.latest ?? version({})] })).toMatchObject({
      listed: null,
      versionsIn: [],
      versionsOut: [],
      versioned: false,
    });
  });

  it('takes the null version along when a key becomes versioned', () => {
    const object = headOf([version({ seq: 5, versionId: 'null' })], false);
    expect(plan(object, { put: PUT_VERSION })).toMatchObject({
      listed: SEQ,
      versionsIn: [SEQ, 5].sort(),
      versionsOut: [],
      versioned: true,
    });
  });

  it('counts a null delete marker as versioned: object_index cannot hold it', () => {
    const marker = { draft: { ...DRAFT, deleteMarker: MARKER, data: { kind: 'none' as const } }, isNull: true };
    const object = headOf([version({ seq: 5, versionId: 'null' })], false);
    expect(plan(object, { put: marker })).toMatchObject({
      listed: null,
      versionsIn: [SEQ],
      versionsOut: [],
      versioned: true,
    });
  });

  it('replaces the null version of a versioned key in version_index', () => {
    const head = headOf([version({ seq: 9 }), version({ seq: 5, versionId: 'null' })], true);
    expect(plan(head, { put: PUT_NULL })).toMatchObject({ listed: SEQ, versionsIn: [SEQ], versionsOut: [5] });
  });

  it('lists the version below when the newest is removed', () => {
    const head = headOf([version({ seq: 9 }), version({ seq: 5 })], true);
    const [newest] = [head.state.latest ?? version({})];
    expect(plan(head, { remove: [newest] })).toMatchObject({ listed: 5, versionsIn: [], versionsOut: [9] });
  });

  it('does not list a key whose newest version is a delete marker', () => {
    const head = headOf([version({ seq: 9 }), version({ seq: 5, deleteMarker: MARKER })], true);
    expect(plan(head, { remove: [head.state.latest ?? version({})] }).listed).toBeNull();
  });

  it('takes a key out of the listing again when a deletion is repeated: the first may have died before it did', () => {
    const marker = { draft: { ...DRAFT, deleteMarker: MARKER, data: { kind: 'none' as const } }, isNull: false };
    const head = headOf([version({ seq: 9, deleteMarker: MARKER }), version({ seq: 5 })], true);
    expect(plan(head, { put: marker }).listed).toBeNull();
    const { previous } = head.state;
    expect(plan(head, { remove: previous === null ? [] : [previous] }).listed).toBeUndefined();
  });

  it('leaves object_index alone when the newest version stays as it is listed', () => {
    const head = headOf([version({ seq: 9 }), version({ seq: 5 })], true);
    const { previous, latest } = head.state;
    expect(plan(head, { remove: previous === null ? [] : [previous] })).toMatchObject({
      listed: undefined,
      versionsOut: [5],
    });
    if (latest === null) throw new Error('no latest');
    expect(plan(head, { replace: { ...latest, tags: { a: 'b' } } }).listed).toBeUndefined();
    expect(plan(head, { replace: { ...latest, storageClass: 'GLACIER' } })).toMatchObject({
      listed: 9,
      versionsIn: [9],
    });
  });
});

describe('entry codec', () => {
  const full = version({
    seq: 77,
    etag: 'e',
    sizeBytes: 2 ** 40,
    owner: { id: 'o', displayName: 'O' },
    checksum: { algorithm: 'CRC32', type: 'COMPOSITE', value: 'x-2' },
  });
  const plain = version({ seq: 78, owner: { id: 'o', displayName: 'o' } });

  it('keeps what listings say', () => {
    for (const one of [full, plain]) {
      expect(decodeObjectEntry('k', encodeObjectEntry(one))).toEqual(objectEntry('k', one));
      expect(decodeVersionEntry('k', encodeVersionEntry(one), true)).toEqual(versionEntry('k', one, true));
    }
    const marker = version({ seq: 79, deleteMarker: MARKER, etag: '' });
    expect(decodeVersionEntry('k', encodeVersionEntry(marker), false)).toEqual(versionEntry('k', marker, false));
  });

  it('reads a row of object_index as the null version of its key', () => {
    const only = version({ seq: 80, versionId: 'null' });
    expect(decodeAsNullVersion('k', encodeObjectEntry(only))).toEqual(versionEntry('k', only, true));
  });

  it('calls nonsense corrupt', () => {
    expect(() => decodeObjectEntry('k', '{')).toThrow(/JSON/);
  });
});
