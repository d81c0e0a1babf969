/** Builders of key states for the unit tests here. */
import type { Head } from '../../../../src/store/cassandra/head-table.js';
import type { ObjectVersion, VersionDraft } from '../../../../src/store/types.js';

export const DRAFT: VersionDraft = {
  deleteMarker: false,
  sizeBytes: 5,
  etag: 'etag',
  lastModified: 1_700_000_000_000,
  storageClass: 'STANDARD',
  owner: { id: 'owner', displayName: 'owner' },
  headers: {},
  data: { kind: 'inline', bytes: Buffer.from('hello') },
  acl: null,
  tags: {},
  parts: null,
  checksum: null,
  encryption: null,
  retention: null,
  legalHold: false,
  uploadId: null,
  extra: {},
};

export function version(overrides: Partial<ObjectVersion>): ObjectVersion {
  const seq = overrides.seq ?? 1;
  return { ...DRAFT, seq, versionId: `v${seq}`, ...overrides };
}

/** Versions newest first. */
export function headOf(versions: readonly ObjectVersion[], versioned: boolean): Head {
  const latest = versions[0] ?? null;
  return {
    state: {
      seq: latest?.seq ?? 0,
      latest,
      previous: versions[1] ?? null,
      nullVersion: versions.find(({ versionId }) => versionId === 'null') ?? null,
      selected: latest,
    },
    clock: latest?.seq ?? null,
    trail: Buffer.alloc(0),
    versioned,
    readAtMs: performance.now(),
  };
}
