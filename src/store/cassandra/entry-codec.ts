/** Listing rows as JSON arrays: the entry cells of object_index and version_index. */
import { StoreError } from '../errors.js';
import type { ObjectEntry, ObjectVersion, VersionEntry } from '../types.js';

/** owner name and checksum are 0 when they are the owner's id and none. */
type StoredEntry = [
  seq: number,
  sizeBytes: number,
  etag: string,
  lastModified: number,
  storageClass: string,
  ownerId: string,
  ownerName: string | 0,
  checksumAlgorithm: string | 0,
  checksumType: 'COMPOSITE' | 'FULL_OBJECT' | 0,
];
type StoredVersionEntry = [...StoredEntry, versionId: string, deleteMarker: 0 | 1];

function pack(version: ObjectVersion): StoredEntry {
  const { owner, checksum } = version;
  return [
    version.seq,
    version.sizeBytes,
    version.etag,
    version.lastModified,
    version.storageClass,
    owner.id,
    owner.displayName === owner.id ? 0 : owner.displayName,
    checksum?.algorithm ?? 0,
    checksum?.type ?? 0,
  ];
}

export function encodeObjectEntry(version: ObjectVersion): string {
  return JSON.stringify(pack(version));
}

export function encodeVersionEntry(version: ObjectVersion): string {
  const entry: StoredVersionEntry = [...pack(version), version.versionId, version.deleteMarker ? 1 : 0];
  return JSON.stringify(entry);
}

/** Whether a listing shows the same for both. */
export function sameEntry(a: ObjectVersion, b: ObjectVersion): boolean {
  return a === b || encodeVersionEntry(a) === encodeVersionEntry(b);
}

function unpack(key: string, stored: StoredEntry | StoredVersionEntry): ObjectEntry {
  const [, sizeBytes, etag, lastModified, storageClass, ownerId, ownerName, algorithm, type] = stored;
  return {
    key,
    sizeBytes,
    etag,
    lastModified,
    storageClass,
    owner: { id: ownerId, displayName: ownerName === 0 ? ownerId : ownerName },
    checksumAlgorithm: algorithm === 0 ? null : algorithm,
    checksumType: type === 0 ? null : type,
  };
}

/** @throws StoreError corrupt */
export function decodeObjectEntry(key: string, entry: string): ObjectEntry {
  return unpack(key, parse(entry) as StoredEntry);
}

/** A row of object_index as the only version of its key. */
export function decodeAsNullVersion(key: string, entry: string): VersionEntry {
  const stored = parse(entry) as StoredEntry;
  return { ...unpack(key, stored), versionId: 'null', seq: stored[0], deleteMarker: false, latest: true };
}

/** A row of version_index; which one is the latest only the listing knows. */
export function decodeVersionEntry(key: string, entry: string, latest: boolean): VersionEntry {
  const stored = parse(entry) as StoredVersionEntry;
  return {
    ...unpack(key, stored),
    versionId: stored[9],
    seq: stored[0],
    deleteMarker: stored[10] === 1,
    latest,
  };
}

function parse(entry: string): unknown {
  try {
    return JSON.parse(entry);
  } catch (cause) {
    throw new StoreError('corrupt', 'notApplied', 'a stored listing entry is not JSON', cause);
  }
}
