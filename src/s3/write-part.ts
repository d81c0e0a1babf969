/**
 * The common end of UploadPart and UploadPartCopy: ingest, check, record. Order: intent -> data durable -> part record; the part
 * of that number that was there before stays until the record has replaced it.
 */
import type { ChecksumAlgorithm } from '../data/checksums.js';
import type { Ingested } from '../data/ingest.js';
import { ingest } from '../data/ingest.js';
import type { DataCipher } from '../data/sse.js';
import { blobStoreOf } from '../store/shared/blob-store-of.js';
import type { PartRecord, UploadRecord, UploadRef } from '../store/types.js';
import { checkObjectKey } from './bucket-name.js';
import type { OperationContext } from './context.js';
import { keyOf, regionOf } from './context.js';
import { entityTag } from './encryption.js';
import { checksumRecord, noSuchUpload, uploadIdOf } from './multipart.js';
import { MAX_PUT_BYTES, commitIngested } from './write-object.js';

/** The upload that the request's key and uploadId name. @throws S3Error NoSuchUpload, KeyTooLongError */
export function uploadRefOf(context: OperationContext): UploadRef {
  const key = keyOf(context);
  checkObjectKey(key);
  return { bucket: context.bucket, key, uploadId: uploadIdOf(context.request.query) };
}

/** The upload that a part is to be added to. @throws S3Error NoSuchUpload, also when it is being completed or aborted */
export async function requireOpenUpload(context: OperationContext, ref: UploadRef): Promise<UploadRecord> {
  const upload = await regionOf(context, ref.bucket).metadata.getUpload(ref);
  if (upload?.state !== 'open') throw noSuchUpload(ref.uploadId);
  return upload;
}

export interface PartWrite {
  readonly ref: UploadRef;
  readonly upload: UploadRecord;
  /** from partCipher: checked before the body is read */
  readonly cipher: DataCipher | null;
  readonly partNumber: number;
  readonly source: AsyncIterable<Buffer>;
  readonly sizeHintBytes: number | null;
  readonly checksums: readonly ChecksumAlgorithm[];
  /** Runs when all bytes are in, before the part is recorded; throws to refuse them. */
  readonly verify: (ingested: Ingested) => void;
}

/** @throws S3Error, StoreError uploadGone when the upload was closed meanwhile */
export async function writePart(context: OperationContext, write: PartWrite): Promise<PartRecord> {
  const { services } = context;
  const { ref, upload, partNumber } = write;
  const region = regionOf(context, ref.bucket);
  const { metadata } = region;
  const blobs = blobStoreOf(region, upload.storageClass);
  const { cipher } = write;
  const ingested = await ingest({
    source: write.source,
    target: { bucket: ref.bucket, key: ref.key, storageClass: upload.storageClass, metadata, blobs },
    inlineThresholdBytes: 0,
    cipher,
    checksums: write.checksums,
    budget: services.budget,
    maxSizeBytes: MAX_PUT_BYTES,
    sizeHintBytes: write.sizeHintBytes,
    allowInline: false,
    leaseMs: services.settings.intentLeaseMs,
    signal: context.signal,
  });
  return commitIngested(ingested, async () => {
    write.verify(ingested);
    const { data, intent } = ingested;
    const blob = data.kind === 'blobs' ? data.blobs[0] : undefined;
    if (blob === undefined || intent === null) throw new Error('a part was ingested without a blob');
    const part: PartRecord = {
      partNumber,
      sizeBytes: ingested.sizeBytes,
      etag: entityTag(upload.encryption, cipher, ingested.md5Hex),
      lastModified: services.now(),
      checksums: checksumRecord(ingested.digests),
      blob,
    };
    await metadata.putPart(ref, part, intent);
    return part;
  });
}
