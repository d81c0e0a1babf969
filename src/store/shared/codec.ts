/**
 * Object versions, uploads and parts as JSON documents: what both stores keep in a row. Fields at their default are left
 * out, runs of blobs and parts are arrays, so that a row of a small object is a few hundred bytes and one of 10,000 parts
 * stays around a MiB. Inline bytes are never in the document; they lie beside it.
 */
import { StoreError } from '../errors.js';
import type {
  BlobRef,
  BucketRecord,
  EncryptionInfo,
  ObjectChecksum,
  ObjectData,
  ObjectVersion,
  Owner,
  PartInfo,
  PartRecord,
  Retention,
  UploadRecord,
} from '../types.js';

/**
 * [inode, sizeBytes], followed by [storageClass, chunkSizeBytes] unless they are those of the blob before, followed by the
 * inode that its chunks were sealed under where it is another one.
 */
type StoredBlob = [string, number] | [string, number, string, number] | [string, number, string, number, string];
type StoredPart = [number, number] | [number, number, Record<string, string>];
type StoredOwner = [string] | [string, string];

interface StoredVersion {
  versionId: string;
  seq: number;
  deleteMarker?: true;
  sizeBytes?: number;
  etag?: string;
  lastModified: number;
  storageClass: string;
  owner: StoredOwner;
  headers?: Readonly<Record<string, string>>;
  /** absent: none */
  data?: 'inline' | StoredBlob[];
  acl?: string;
  tags?: Readonly<Record<string, string>>;
  parts?: StoredPart[];
  checksum?: ObjectChecksum;
  encryption?: EncryptionInfo;
  retention?: Retention;
  legalHold?: true;
  uploadId?: string;
  extra?: Readonly<Record<string, unknown>>;
  /** the last one */
  inlineCrc?: number;
}

interface StoredUpload {
  uploadId: string;
  key: string;
  createdAt: number;
  initiator: StoredOwner;
  owner: StoredOwner;
  state: UploadRecord['state'];
  storageClass: string;
  headers?: Readonly<Record<string, string>>;
  acl?: string;
  tags?: Readonly<Record<string, string>>;
  checksum?: NonNullable<UploadRecord['checksum']>;
  encryption?: EncryptionInfo;
  retention?: Retention;
  legalHold?: true;
  extra?: Readonly<Record<string, unknown>>;
}

interface StoredPartRecord {
  partNumber: number;
  sizeBytes: number;
  etag: string;
  lastModified: number;
  checksums?: Readonly<Record<string, string>>;
  blob: StoredBlob;
}

/**
 * The version's document. Its inline bytes, if any, are version.data.bytes and have to be stored beside it; inlineCrc: their
 * CRC32C, for stores where one can be read without the other.
 */
export function encodeVersion(version: ObjectVersion, inlineCrc?: number): string {
  const stored: StoredVersion = {
    versionId: version.versionId,
    seq: version.seq,
    ...(version.deleteMarker && { deleteMarker: true as const }),
    ...(version.sizeBytes !== 0 && { sizeBytes: version.sizeBytes }),
    ...(version.etag !== '' && { etag: version.etag }),
    lastModified: version.lastModified,
    storageClass: version.storageClass,
    owner: packOwner(version.owner),
    ...packMap('headers', version.headers),
    ...(version.data.kind === 'inline' && { data: 'inline' as const }),
    ...(version.data.kind === 'blobs' && { data: packBlobs(version.data.blobs) }),
    ...(version.acl !== null && { acl: version.acl }),
    ...packMap('tags', version.tags),
    ...(version.parts !== null && { parts: version.parts.map(packPart) }),
    ...(version.checksum !== null && { checksum: version.checksum }),
    ...(version.encryption !== null && { encryption: version.encryption }),
    ...(version.retention !== null && { retention: version.retention }),
    ...(version.legalHold && { legalHold: true as const }),
    ...(version.uploadId !== null && { uploadId: version.uploadId }),
    ...packMap('extra', version.extra),
    ...(inlineCrc !== undefined && { inlineCrc }),
  };
  return JSON.stringify(stored);
}

/** CRC32C of the inline bytes that belong to the document, its last field; undefined: it does not say. */
export function inlineCrcOf(document: string): number | undefined {
  const found = /,"inlineCrc":(\d+)\}$/.exec(document.slice(-32))?.[1];
  return found === undefined ? undefined : Number(found);
}

/**
 * inline: the bytes stored beside the document, null when they were not read (or there are none).
 * @throws StoreError corrupt
 */
export function decodeVersion(document: string, inline: Buffer | null): ObjectVersion {
  const stored = parse(document, 'object version') as StoredVersion;
  return {
    versionId: stored.versionId,
    seq: stored.seq,
    deleteMarker: stored.deleteMarker === true,
    sizeBytes: stored.sizeBytes ?? 0,
    etag: stored.etag ?? '',
    lastModified: stored.lastModified,
    storageClass: stored.storageClass,
    owner: unpackOwner(stored.owner),
    headers: stored.headers ?? {},
    data: unpackData(stored.data, inline),
    acl: stored.acl ?? null,
    tags: stored.tags ?? {},
    parts: stored.parts === undefined ? null : stored.parts.map(unpackPart),
    checksum: stored.checksum ?? null,
    encryption: stored.encryption ?? null,
    retention: stored.retention ?? null,
    legalHold: stored.legalHold === true,
    uploadId: stored.uploadId ?? null,
    extra: stored.extra ?? {},
  };
}

export function encodeUpload(upload: UploadRecord): string {
  const stored: StoredUpload = {
    uploadId: upload.uploadId,
    key: upload.key,
    createdAt: upload.createdAt,
    initiator: packOwner(upload.initiator),
    owner: packOwner(upload.owner),
    state: upload.state,
    storageClass: upload.storageClass,
    ...packMap('headers', upload.headers),
    ...(upload.acl !== null && { acl: upload.acl }),
    ...packMap('tags', upload.tags),
    ...(upload.checksum !== null && { checksum: upload.checksum }),
    ...(upload.encryption !== null && { encryption: upload.encryption }),
    ...(upload.retention !== null && { retention: upload.retention }),
    ...(upload.legalHold && { legalHold: true as const }),
    ...packMap('extra', upload.extra),
  };
  return JSON.stringify(stored);
}

/** state: given by stores that keep it in a column of its own. @throws StoreError corrupt */
export function decodeUpload(document: string, state?: UploadRecord['state']): UploadRecord {
  const stored = parse(document, 'upload') as StoredUpload;
  return {
    uploadId: stored.uploadId,
    key: stored.key,
    createdAt: stored.createdAt,
    initiator: unpackOwner(stored.initiator),
    owner: unpackOwner(stored.owner),
    state: state ?? stored.state,
    storageClass: stored.storageClass,
    headers: stored.headers ?? {},
    acl: stored.acl ?? null,
    tags: stored.tags ?? {},
    checksum: stored.checksum ?? null,
    encryption: stored.encryption ?? null,
    retention: stored.retention ?? null,
    legalHold: stored.legalHold === true,
    extra: stored.extra ?? {},
  };
}

export function encodePart(part: PartRecord): string {
  const stored: StoredPartRecord = {
    partNumber: part.partNumber,
    sizeBytes: part.sizeBytes,
    etag: part.etag,
    lastModified: part.lastModified,
    ...packMap('checksums', part.checksums),
    blob: [part.blob.inode, part.blob.sizeBytes, part.blob.storageClass, part.blob.chunkSizeBytes],
  };
  return JSON.stringify(stored);
}

/** @throws StoreError corrupt */
export function decodePart(document: string): PartRecord {
  const stored = parse(document, 'part') as StoredPartRecord;
  const [blob] = unpackBlobs([stored.blob]);
  if (blob === undefined) throw new StoreError('corrupt', 'notApplied', 'part without a blob');
  return {
    partNumber: stored.partNumber,
    sizeBytes: stored.sizeBytes,
    etag: stored.etag,
    lastModified: stored.lastModified,
    checksums: stored.checksums ?? {},
    blob,
  };
}

export function encodeBucket(bucket: BucketRecord): string {
  return JSON.stringify(bucket);
}

/** @throws StoreError corrupt */
export function decodeBucket(document: string): BucketRecord {
  return parse(document, 'bucket') as BucketRecord;
}

function parse(document: string, what: string): unknown {
  try {
    return JSON.parse(document);
  } catch (cause) {
    throw new StoreError('corrupt', 'notApplied', `stored ${what} is not JSON`, cause);
  }
}

function packMap<K extends string, V>(name: K, map: Readonly<Record<string, V>>) {
  return (Object.keys(map).length > 0 ? { [name]: map } : {}) as Partial<Record<K, Readonly<Record<string, V>>>>;
}

function packOwner(owner: Owner): StoredOwner {
  return owner.displayName === owner.id ? [owner.id] : [owner.id, owner.displayName];
}

function unpackOwner([id, displayName]: StoredOwner): Owner {
  return { id, displayName: displayName ?? id };
}

function packBlobs(blobs: readonly BlobRef[]): StoredBlob[] {
  return blobs.map((blob, i) => {
    const before = blobs[i - 1];
    if (blob.sealedAs !== undefined)
      return [blob.inode, blob.sizeBytes, blob.storageClass, blob.chunkSizeBytes, blob.sealedAs];
    if (before?.storageClass === blob.storageClass && before.chunkSizeBytes === blob.chunkSizeBytes) {
      return [blob.inode, blob.sizeBytes];
    }
    return [blob.inode, blob.sizeBytes, blob.storageClass, blob.chunkSizeBytes];
  });
}

function unpackBlobs(stored: readonly StoredBlob[]): BlobRef[] {
  let storageClass = '';
  let chunkSizeBytes = 0;
  return stored.map((blob) => {
    if (blob.length > 2) [, , storageClass = '', chunkSizeBytes = 0] = blob;
    if (chunkSizeBytes === 0) throw new StoreError('corrupt', 'notApplied', 'stored blob without a chunk size');
    const ref: BlobRef = { inode: blob[0], storageClass, sizeBytes: blob[1], chunkSizeBytes };
    return blob.length === 5 ? { ...ref, sealedAs: blob[4] } : ref;
  });
}

function unpackData(stored: StoredVersion['data'], inline: Buffer | null): ObjectData {
  if (stored === undefined) return { kind: 'none' };
  if (stored === 'inline') return { kind: 'inline', bytes: inline };
  return { kind: 'blobs', blobs: unpackBlobs(stored) };
}

function packPart(part: PartInfo): StoredPart {
  const { partNumber, sizeBytes, checksums } = part;
  return Object.keys(checksums).length > 0 ? [partNumber, sizeBytes, checksums] : [partNumber, sizeBytes];
}

function unpackPart([partNumber, sizeBytes, checksums]: StoredPart): PartInfo {
  return { partNumber, sizeBytes, checksums: checksums ?? {} };
}
