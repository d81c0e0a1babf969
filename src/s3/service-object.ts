/**
 * Objects that the server itself writes for a bucket's owner: access logs and inventory reports. As PutObject would, under the
 * bucket's encryption and lock, but without a request.
 */
import { ingest } from '../data/ingest.js';
import type { Ingested } from '../data/ingest.js';
import { blobStoreOf } from '../store/shared/blob-store-of.js';
import type { BucketRecord, Intent, Region } from '../store/types.js';
import type { Services, ServiceSettings } from './context.js';
import type { WriteEncryption } from './encryption.js';
import { entityTag, writeEncryption } from './encryption.js';
import { serviceEventsOf } from './events.js';
import { replicating } from './replicating.js';
import { putChange } from './versioning.js';
import { commitIngested, draftOf, MAX_PUT_BYTES } from './write-object.js';

/** Of all that the server writes. */
export const SERVICE_STORAGE_CLASS = 'STANDARD';

export interface ServiceWriter {
  readonly services: Pick<Services, 'stores' | 'encryption' | 'budget' | 'now'> & {
    readonly settings: Pick<ServiceSettings, 'inlineThresholdBytes' | 'intentLeaseMs' | 'lifecycleDayMs'>;
  };
  /** of the bucket */
  readonly region: Region;
  readonly bucket: BucketRecord;
}

/** Data that is durable and waits for its commit. */
export interface ServiceObject {
  readonly key: string;
  readonly contentType: string;
  /** serialised; null: the owner's alone */
  readonly acl: string | null;
  readonly ingested: Ingested;
  readonly encryption: WriteEncryption | null;
}

export interface ServiceContent {
  readonly key: string;
  readonly contentType: string;
  readonly acl?: string | null;
  /** of a request that would ask for an encryption; default: the bucket's */
  readonly encryptionHeaders?: Readonly<Record<string, string>>;
  readonly source: AsyncIterable<Buffer>;
  /** null: not known */
  readonly sizeBytes: number | null;
  readonly signal: AbortSignal;
}

/** Makes the bytes durable, unseen. @throws S3Error of the encryption; StoreError; the source's errors; the signal's reason */
export async function ingestForService(
  { services, region, bucket }: ServiceWriter,
  { key, contentType, acl = null, encryptionHeaders = {}, source, sizeBytes, signal }: ServiceContent,
): Promise<ServiceObject> {
  const blobs = blobStoreOf(region, SERVICE_STORAGE_CLASS);
  const request = { headers: encryptionHeaders, secure: true };
  const encryption = await writeEncryption({ request, services, signal }, { bucket, key });
  const ingested = await ingest({
    source,
    target: { bucket, key, storageClass: SERVICE_STORAGE_CLASS, metadata: region.metadata, blobs },
    inlineThresholdBytes: services.settings.inlineThresholdBytes,
    cipher: encryption?.cipher ?? null,
    checksums: [],
    budget: services.budget,
    maxSizeBytes: MAX_PUT_BYTES,
    sizeHintBytes: sizeBytes,
    allowInline: true,
    leaseMs: services.settings.intentLeaseMs,
    signal,
  });
  return { key, contentType, acl, ingested, encryption };
}

/**
 * The object is there when it resolves.
 * @param beforeCommit when the data has an intent: the last that is done before it is used up
 * @throws S3Error (Object Lock), StoreError
 */
export async function commitForService(
  { services, region, bucket }: ServiceWriter,
  { key, contentType, acl, ingested, encryption }: ServiceObject,
  beforeCommit: (intent: Intent) => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const { intent, sizeBytes, data, md5Hex } = ingested;
  const { owner } = bucket;
  const draft = draftOf(
    {
      bucket,
      owner,
      encryption,
      attributes: {
        headers: { 'content-type': contentType },
        owner,
        acl,
        tags: {},
        storageClass: SERVICE_STORAGE_CLASS,
        retention: null,
        legalHold: false,
      },
    },
    { sizeBytes, data, etag: entityTag(encryption?.info ?? null, encryption?.cipher ?? null, md5Hex) },
    null,
    services.now(),
  );
  if (intent !== null) await beforeCommit(intent);
  await commitIngested(ingested, () =>
    region.metadata.commit({
      bucket,
      key,
      select: 'latest',
      ...(intent === null ? {} : { intent }),
      ...serviceEventsOf({ bucket, key, cause: 'ObjectCreated:Put' }),
      decide: replicating({ bucket, key, nowMs: draft.lastModified }, (state) =>
        putChange(bucket.versioning, state, draft),
      ),
    }),
  );
}
