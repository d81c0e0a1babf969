/** Listing rows made from versions. */
import type { ObjectEntry, ObjectVersion, VersionEntry } from '../types.js';

/** What ListObjects says of a version that is the newest of its key and no delete marker. */
export function objectEntry(key: string, version: ObjectVersion): ObjectEntry {
  return {
    key,
    sizeBytes: version.sizeBytes,
    etag: version.etag,
    lastModified: version.lastModified,
    storageClass: version.storageClass,
    owner: version.owner,
    checksumAlgorithm: version.checksum?.algorithm ?? null,
    checksumType: version.checksum?.type ?? null,
  };
}

/** latest: it is the newest version of its key. */
export function versionEntry(key: string, version: ObjectVersion, latest: boolean): VersionEntry {
  return {
    ...objectEntry(key, version),
    versionId: version.versionId,
    seq: version.seq,
    deleteMarker: version.deleteMarker,
    latest,
  };
}
