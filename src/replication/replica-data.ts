/**
 * The bytes of a replica within the deployment: from store to store, chunk by chunk, under the encryption that the destination asks
 * for. Objects under a customer's key go as they are: nobody here has the key.
 */
import { randomUUID } from 'node:crypto';
import { INLINE_SCOPE, TAG_BYTES } from '../data/chunk-cipher.js';
import { copyBlob, IntentKeeper } from '../data/copy-blob.js';
import type { DataCipher } from '../data/sse.js';
import type { WriteEncryption } from '../s3/encryption.js';
import { readCipher, writeEncryption } from '../s3/encryption.js';
import type { ReplicationRule } from '../s3/replication.js';
import { blobStoreOf } from '../store/shared/blob-store-of.js';
import type { BlobRef, BucketRecord, EncryptionInfo, Intent, ObjectData, Region } from '../store/types.js';
import type { ReplicationServices, ReplicationSource } from './destination.js';

export interface ReplicaData {
  readonly data: ObjectData;
  readonly encryption: EncryptionInfo | null;
  /** goes into the commit; null when there are no blobs */
  readonly intent: Intent | null;
}

export interface ReplicaDataOptions {
  readonly services: ReplicationServices;
  readonly source: ReplicationSource;
  readonly rule: ReplicationRule;
  readonly destination: BucketRecord;
  /** of the destination */
  readonly region: Region;
  readonly storageClass: string;
  readonly signal: AbortSignal;
  /** Has the intent as soon as there is one: whoever fails afterwards abandons it. */
  readonly onIntent: (intent: Intent) => void;
}

/** Durable when it resolves. @throws S3Error (encryption); StoreError; the signal's reason */
export async function copyData(options: ReplicaDataOptions): Promise<ReplicaData> {
  const { version } = options.source;
  const { encryption: before } = version;
  if (version.data.kind === 'none') return { data: version.data, encryption: null, intent: null };
  const asItIs = before?.kind === 'SSE-C';
  const opening = asItIs ? null : await readCipher(options, before, null);
  const sealing = asItIs ? null : await replicaEncryption(options);
  const encryption = asItIs ? before : (sealing?.info ?? null);
  if (version.data.kind === 'inline') {
    const { bytes } = version.data;
    if (bytes === null) throw new Error('a version is replicated without its inline bytes');
    const plain = opening === null || bytes.length === 0 ? bytes : opening.open(INLINE_SCOPE, 0, bytes, true);
    const sealed =
      sealing === null || plain.length === 0 ? [plain] : sealing.cipher.seal(INLINE_SCOPE, 0, [plain], true);
    return { data: { kind: 'inline', bytes: Buffer.concat(sealed) }, encryption, intent: null };
  }
  return copyBlobs(options, version.data.blobs, { opening, sealing: sealing?.cipher ?? null, encryption });
}

/** SSE-S3 stays SSE-S3, SSE-KMS gets the rule's key, what was not encrypted becomes what the destination makes of new objects. */
function replicaEncryption(options: ReplicaDataOptions): Promise<WriteEncryption | null> {
  const { services, source, rule, destination, signal } = options;
  const kind = source.version.encryption?.kind;
  const { kmsKeyId } = rule.destination;
  const headers: Record<string, string> = {};
  if (kind === 'SSE-S3') headers['x-amz-server-side-encryption'] = 'AES256';
  if (kind === 'SSE-KMS') {
    headers['x-amz-server-side-encryption'] = 'aws:kms';
    if (kmsKeyId !== null) headers['x-amz-server-side-encryption-aws-kms-key-id'] = kmsKeyId;
  }
  const request = { headers, secure: true };
  return writeEncryption({ request, services, signal }, { bucket: destination, key: source.key });
}

interface Ciphers {
  readonly opening: DataCipher | null;
  readonly sealing: DataCipher | null;
  readonly encryption: EncryptionInfo | null;
}

async function copyBlobs(
  options: ReplicaDataOptions,
  blobs: readonly BlobRef[],
  { opening, sealing, encryption }: Ciphers,
): Promise<ReplicaData> {
  const { source, destination, region, storageClass, services, signal } = options;
  const reseal = opening !== null || sealing !== null;
  const copies = blobs.map((blob): BlobRef => {
    const { sealedAs = blob.inode, ...ref } = blob;
    const copy = { ...ref, inode: randomUUID(), storageClass };
    return reseal || source.version.encryption === null ? copy : { ...copy, sealedAs };
  });
  const intent = await region.metadata.openIntent(destination, source.key, copies);
  options.onIntent(intent);
  const keeper = new IntentKeeper(region.metadata, intent, services.settings.intentLeaseMs);
  for (const [i, blob] of blobs.entries()) {
    const copy = copies[i];
    if (copy === undefined) continue;
    const { chunkSizeBytes } = blob;
    await copyBlob({
      from: {
        store: blobStoreOf(source.region, blob.storageClass),
        blob,
        storedChunkSizeBytes: chunkSizeBytes + (source.version.encryption === null ? 0 : TAG_BYTES),
      },
      to: {
        store: blobStoreOf(region, storageClass),
        inode: copy.inode,
        storedChunkSizeBytes: chunkSizeBytes + (encryption === null ? 0 : TAG_BYTES),
      },
      ...(reseal && {
        convert: (index, stored, last) => {
          const plain = opening?.open(blob.sealedAs ?? blob.inode, index, stored, last) ?? stored;
          return sealing?.seal(copy.inode, index, [plain], last) ?? [plain];
        },
      }),
      keeper,
      signal,
    });
  }
  await keeper.renew();
  return { data: { kind: 'blobs', blobs: copies }, encryption, intent };
}
