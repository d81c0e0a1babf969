/** Documents of versions, uploads and parts, and bucket patches. */
import { describe, expect, it } from 'vitest';
import { StoreError } from '../../../src/store/errors.js';
import {
  decodePart,
  decodeUpload,
  decodeVersion,
  encodePart,
  encodeUpload,
  encodeVersion,
} from '../../../src/store/shared/codec.js';
import { patchBucket } from '../../../src/store/shared/buckets.js';
import type { BucketRecord, ObjectVersion, PartRecord, UploadRecord } from '../../../src/store/types.js';

const PLAIN: ObjectVersion = {
  versionId: 'null',
  seq: 1_700_000_000_000_000,
  deleteMarker: false,
  sizeBytes: 0,
  etag: '',
  lastModified: 1,
  storageClass: 'STANDARD',
  owner: { id: 'o', displayName: 'o' },
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

describe('version documents', () => {
  it('leave out what is at its default', () => {
    expect(JSON.parse(encodeVersion(PLAIN))).toEqual({
      versionId: 'null',
      seq: PLAIN.seq,
      lastModified: 1,
      storageClass: 'STANDARD',
      owner: ['o'],
    });
    expect(decodeVersion(encodeVersion(PLAIN), null)).toEqual(PLAIN);
  });

  it.each<Partial<ObjectVersion>>([
    { deleteMarker: true },
    { sizeBytes: 5 * 2 ** 40, etag: 'e' },
    { owner: { id: 'o', displayName: '' } },
    { headers: { a: '' }, tags: { b: 'c' }, extra: { d: null } },
    { acl: '' },
    { parts: [] },
    { parts: [{ partNumber: 1, sizeBytes: 0, checksums: { SHA1: 'x' } }] },
    { checksum: { algorithm: 'CRC32', type: 'COMPOSITE', value: 'x-1' } },
    { encryption: { kind: 'SSE-C', keyId: 'k', wrappedKey: 'w' } },
    { retention: { mode: 'GOVERNANCE', untilMs: 1 }, legalHold: true, uploadId: 'u' },
    { data: { kind: 'blobs', blobs: [] } },
    {
      data: {
        kind: 'blobs',
        blobs: [
          { inode: 'a', storageClass: 'S', sizeBytes: 3, chunkSizeBytes: 4, sealedAs: 'x' },
          { inode: 'b', storageClass: 'S', sizeBytes: 3, chunkSizeBytes: 4, sealedAs: 'y' },
          { inode: 'c', storageClass: 'S', sizeBytes: 3, chunkSizeBytes: 4 },
        ],
      },
    },
  ])('keep %j', (overrides) => {
    const version = { ...PLAIN, ...overrides };
    expect(decodeVersion(encodeVersion(version), null)).toEqual(version);
  });

  it('never hold inline bytes', () => {
    const bytes = Buffer.from('secret bytes');
    const document = encodeVersion({ ...PLAIN, data: { kind: 'inline', bytes } });
    expect(document).not.toContain('secret');
    expect(document).not.toContain(bytes.toString('base64'));
    expect(decodeVersion(document, bytes).data).toEqual({ kind: 'inline', bytes });
    expect(decodeVersion(document, null).data).toEqual({ kind: 'inline', bytes: null });
  });

  it('say class and chunk size of blobs only where they change', () => {
    const blob = (inode: string, storageClass: string, chunkSizeBytes: number) => ({
      inode,
      storageClass,
      sizeBytes: 7,
      chunkSizeBytes,
    });
    const blobs = [blob('a', 'X', 1), blob('b', 'X', 1), blob('c', 'X', 2), blob('d', 'Y', 2), blob('e', 'X', 1)];
    const document = encodeVersion({ ...PLAIN, data: { kind: 'blobs', blobs } });
    expect(document).toContain('[["a",7,"X",1],["b",7],["c",7,"X",2],["d",7,"Y",2],["e",7,"X",1]]');
    expect(decodeVersion(document, null).data).toEqual({ kind: 'blobs', blobs });
  });

  it('are corrupt when they are not what was written', () => {
    for (const document of ['', '{', '{"owner":["o"],"data":[["a",7]]}']) {
      expect(() => decodeVersion(document, null)).toThrow(StoreError);
    }
  });
});

describe('upload and part documents', () => {
  const upload: UploadRecord = {
    uploadId: 'u',
    key: 'k\u0000',
    createdAt: 5,
    initiator: { id: 'i', displayName: 'I' },
    owner: { id: 'o', displayName: 'o' },
    state: 'completing',
    storageClass: 'STANDARD',
    headers: { a: 'b' },
    acl: 'x',
    tags: {},
    checksum: { algorithm: 'SHA256', type: 'COMPOSITE' },
    encryption: null,
    retention: null,
    legalHold: true,
    extra: {},
  };

  it('keep an upload, with the state that the store says', () => {
    expect(decodeUpload(encodeUpload(upload))).toEqual(upload);
    expect(decodeUpload(encodeUpload(upload), 'open')).toEqual({ ...upload, state: 'open' });
  });

  it('keep a part', () => {
    const blob = { inode: 'i', storageClass: 'S', sizeBytes: 3, chunkSizeBytes: 4 };
    const part: PartRecord = {
      partNumber: 7,
      sizeBytes: 3,
      etag: 'e',
      lastModified: 9,
      checksums: { CRC32: 'x' },
      blob,
    };
    expect(decodePart(encodePart(part))).toEqual(part);
    expect(decodePart(encodePart({ ...part, checksums: {} }))).toEqual({ ...part, checksums: {} });
  });
});

describe('patchBucket', () => {
  it('leaves the record that it was given alone', () => {
    const bucket: BucketRecord = {
      name: 'b',
      instance: 'i',
      region: 'r',
      owner: { id: 'o', displayName: 'o' },
      createdAt: 1,
      revision: 1,
      state: 'active',
      versioning: 'unversioned',
      objectLock: false,
      documents: { acl: 'a' },
    };
    const patched = patchBucket(bucket, { objectLock: true, documents: { acl: null, cors: 'c', policy: null } });
    expect(patched).toEqual({ ...bucket, objectLock: true, documents: { cors: 'c' }, revision: 2 });
    expect(bucket.documents).toEqual({ acl: 'a' });
  });
});
