/**
 * What a write means for a key's versions, by the bucket's versioning state. Pure.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/versioning-workflows.html
 */
import type {
  KeyChange,
  KeyState,
  ObjectVersion,
  Owner,
  VersionDraft,
  VersioningState,
  VersionSelector,
} from '../store/types.js';
import { seqOfVersionId } from '../store/versions.js';
import { invalidArgument } from './errors.js';
import { checkRemovable } from './object-lock.js';

/**
 * enabled: a version on top; unversioned and suspended: the null version is replaced, wherever it stands.
 * @throws S3Error AccessDenied when Object Lock keeps the null version: a gateway may still hold the bucket for unversioned
 * after another one has enabled the lock
 */
export function putChange(versioning: VersioningState, state: KeyState, draft: VersionDraft): KeyChange {
  if (versioning === 'enabled') return { put: { draft, isNull: false } };
  return { put: { draft, isNull: true }, remove: removableNull(state, draft.lastModified) };
}

function removableNull({ nullVersion }: KeyState, nowMs: number): ObjectVersion[] {
  if (nullVersion === null) return [];
  checkRemovable(nullVersion, { nowMs, bypass: false });
  return [nullVersion];
}

/**
 * DELETE without a version id: a marker on versioned buckets, else the object goes; null when there is nothing to delete.
 * @throws S3Error AccessDenied as putChange
 */
export function deleteChange(
  versioning: VersioningState,
  state: KeyState,
  marker: { readonly owner: Owner; readonly nowMs: number },
): KeyChange | null {
  if (versioning !== 'unversioned') return putChange(versioning, state, deleteMarker(marker));
  const remove = removableNull(state, marker.nowMs);
  return remove.length === 0 ? null : { remove };
}

export function deleteMarker({ owner, nowMs }: { readonly owner: Owner; readonly nowMs: number }): VersionDraft {
  return {
    deleteMarker: true,
    sizeBytes: 0,
    etag: '',
    lastModified: nowMs,
    storageClass: 'STANDARD',
    owner,
    headers: {},
    data: { kind: 'none' },
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
}

/**
 * ?versionId=, or the newest.
 * @throws S3Error InvalidArgument for what cannot be a version's id
 */
export function selectorOf(versionId: string | undefined): VersionSelector {
  if (versionId === undefined || versionId === '') return 'latest';
  if (versionId !== 'null' && seqOfVersionId(versionId) === null)
    throw invalidArgument('versionId', versionId, 'Invalid version id specified');
  return { versionId };
}

/** x-amz-version-id of answers to writes: they tell the ids they make, and a suspended bucket makes none. */
export function newVersionIdHeader(versioning: VersioningState, versionId: string): Record<string, string> {
  return versioning === 'enabled' ? { 'x-amz-version-id': versionId } : {};
}

/** x-amz-version-id belongs in answers of buckets that are or were versioned. */
export function versionIdHeader(versioning: VersioningState, versionId: string): Record<string, string> {
  return versioning === 'unversioned' ? {} : { 'x-amz-version-id': versionId };
}
