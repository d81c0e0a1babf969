/**
 * The common end of every operation that creates an object from bytes: ingest, check the digests, commit, answer.
 * Order: intent -> data durable -> commit. The version that was there stays until the commit has replaced it.
 */
import type { ChecksumAlgorithm } from '../data/checksums.js';
import type { Ingested } from '../data/ingest.js';
import { ingest } from '../data/ingest.js';
import { blobStoreOf } from '../store/shared/blob-store-of.js';
import type {
  BucketRecord,
  KeyCommit,
  KeyState,
  ObjectChecksum,
  Owner,
  PartInfo,
  VersionDraft,
} from '../store/types.js';
import { StoreError } from '../store/errors.js';
import type { OperationContext } from './context.js';
import { regionOf } from './context.js';
import type { WriteEncryption } from './encryption.js';
import { entityTag } from './encryption.js';
import type { Cause } from './event-record.js';
import { eventsOf } from './events.js';
import type { ObjectAttributes } from './object-attributes.js';
import { retentionOfNew } from './object-lock.js';
import type { ReplicaFacts } from './replica-request.js';
import { placeReplica, replicaSelector } from './replica-request.js';
import { replicating } from './replicating.js';
import { putChange } from './versioning.js';

/** One upload at most. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const MAX_PUT_BYTES = 5 * 1024 ** 3;

export interface WriteRequest {
  readonly bucket: BucketRecord;
  readonly key: string;
  readonly source: AsyncIterable<Buffer>;
  readonly sizeHintBytes: number | null;
  readonly maxSizeBytes: number;
  readonly attributes: ObjectAttributes;
  readonly owner: Owner;
  readonly encryption: WriteEncryption | null;
  readonly checksums: readonly ChecksumAlgorithm[];
  /** Runs when all bytes are in, before the commit; throws to refuse them; answers the checksum to store. */
  readonly verify: (ingested: Ingested) => ObjectChecksum | null;
  /** Runs on the state the commit is decided on; throws to refuse. */
  readonly precondition: (state: KeyState) => void;
  /** for who is notified of it */
  readonly cause: Cause;
  /** It is a replica of that version; one that is there already stays. */
  readonly replica?: ReplicaFacts | null;
}

export async function writeObject(
  context: OperationContext,
  request: WriteRequest,
): Promise<KeyCommit & { readonly etag: string }> {
  const { services } = context;
  const { bucket, key, attributes } = request;
  const region = regionOf(context, bucket);
  const blobs = blobStoreOf(region, attributes.storageClass);
  const ingested = await ingest({
    source: request.source,
    target: { bucket, key, storageClass: attributes.storageClass, metadata: region.metadata, blobs },
    inlineThresholdBytes: services.settings.inlineThresholdBytes,
    cipher: request.encryption?.cipher ?? null,
    checksums: request.checksums,
    budget: services.budget,
    maxSizeBytes: request.maxSizeBytes,
    sizeHintBytes: request.sizeHintBytes,
    allowInline: true,
    leaseMs: services.settings.intentLeaseMs,
    signal: context.signal,
  });
  const { encryption } = request;
  const etag = entityTag(encryption?.info ?? null, encryption?.cipher ?? null, ingested.md5Hex);
  const commit = await commitIngested(ingested, async () => {
    const checksum = request.verify(ingested);
    const draft = draftOf(request, { ...ingested, etag }, checksum, services.now());
    const { replica = null } = request;
    if (replica !== null) return placed(context, request, { replica, draft, ingested });
    return region.metadata.commit({
      bucket,
      key,
      select: 'latest',
      ...(ingested.intent === null ? {} : { intent: ingested.intent }),
      ...eventsOf(context, request),
      decide: replicating({ bucket, key, nowMs: draft.lastModified }, (state) => {
        request.precondition(state);
        return putChange(bucket.versioning, state, draft);
      }),
    });
  });
  return { ...commit, etag };
}

async function placed(
  context: OperationContext,
  { bucket, key, cause }: WriteRequest,
  {
    replica,
    draft,
    ingested,
  }: { readonly replica: ReplicaFacts; readonly draft: VersionDraft; readonly ingested: Ingested },
): Promise<KeyCommit> {
  const commit = await regionOf(context, bucket).metadata.commit({
    bucket,
    key,
    select: replicaSelector(replica),
    ...(ingested.intent === null ? {} : { intent: ingested.intent }),
    ...eventsOf(context, { bucket, key, cause }),
    decide: (state) => placeReplica(state, draft, replica),
  });
  if (!commit.changed) await ingested.abandon();
  return { ...commit, version: commit.version ?? commit.before.selected };
}

/**
 * Runs the commit of ingested data. When it certainly did not happen the data is given up at once; when that is unknown it
 * is left to the sweeper, which asks the key before it removes anything.
 */
export async function commitIngested<T>(ingested: Pick<Ingested, 'abandon'>, commit: () => Promise<T>): Promise<T> {
  try {
    return await commit();
  } catch (error) {
    if (!(error instanceof StoreError) || error.outcome === 'notApplied') await ingested.abandon();
    throw error;
  }
}

export function draftOf(
  request: Pick<WriteRequest, 'bucket' | 'attributes' | 'owner' | 'encryption'>,
  stored: { readonly sizeBytes: number; readonly etag: string; readonly data: VersionDraft['data'] },
  checksum: ObjectChecksum | null,
  nowMs: number,
  multipart: { readonly parts: readonly PartInfo[]; readonly uploadId: string } | null = null,
): VersionDraft {
  const { attributes } = request;
  return {
    deleteMarker: false,
    sizeBytes: stored.sizeBytes,
    etag: stored.etag,
    lastModified: nowMs,
    storageClass: attributes.storageClass,
    owner: request.owner,
    headers: attributes.headers,
    data: stored.data,
    acl: attributes.acl,
    tags: attributes.tags,
    parts: multipart?.parts ?? null,
    checksum,
    encryption: request.encryption?.info ?? null,
    retention: retentionOfNew(request.bucket, attributes.retention, nowMs),
    legalHold: attributes.legalHold,
    uploadId: multipart?.uploadId ?? null,
    extra: {},
  };
}
