/** Writes log objects into the target bucket, as PutObject would, in the name of the log delivery service. */
import { randomBytes } from 'node:crypto';
import { ingest } from '../data/ingest.js';
import { serialiseAcl } from '../iam/acl.js';
import { aclsDisabled } from '../s3/bucket-security.js';
import type { Services } from '../s3/context.js';
import { entityTag, writeEncryption } from '../s3/encryption.js';
import { lifecycleEventsOf } from '../s3/events.js';
import type { LoggingConfiguration } from '../s3/logging.js';
import { logAcl, logObjectKey, mayDeliverLogs } from '../s3/logging.js';
import { putChange } from '../s3/versioning.js';
import { commitIngested, draftOf, MAX_PUT_BYTES } from '../s3/write-object.js';
import type { BucketRecord } from '../store/types.js';
import type { Delivered } from './entries.js';
import type { Batch } from './line-buffer.js';

/** The log may not be delivered; the message says why. Trying again would not help. */
export class DeliveryRefused extends Error {
  override readonly name = 'DeliveryRefused';
}

const STORAGE_CLASS = 'STANDARD';
/** A delivery that takes longer is given up; its lines wait for the next one. */
const DELIVERY_TIMEOUT_MS = 60_000;

export class LogDeliverer {
  readonly #services: Services;

  constructor(services: Services) {
    this.#services = services;
  }

  /** Writes one object. @throws DeliveryRefused; StoreError, S3Error */
  async deliver({
    source,
    configuration,
    dayMs,
    lines,
  }: Pick<Batch, 'source' | 'configuration' | 'dayMs' | 'lines'>): Promise<Delivered> {
    const startedMs = performance.now();
    const target = await this.#services.stores.buckets.get(configuration.targetBucket, { fresh: true });
    if (target?.state !== 'active')
      throw new DeliveryRefused(`the target bucket ${configuration.targetBucket} is gone`);
    if (target.owner.id !== source.owner.id || target.region !== source.region)
      throw new DeliveryRefused(`the target bucket ${target.name} is another account's or in another region`);
    const nowMs = this.#services.now();
    const unique = randomBytes(8).toString('hex').toUpperCase();
    const key = logObjectKey({ source, configuration, dayMs, nowMs, unique });
    if (!mayDeliverLogs({ source, target, key, nowMs }))
      throw new DeliveryRefused(`the target bucket ${target.name} does not allow log delivery`);
    const body = Buffer.from(lines.join(''));
    await this.#write(target, { key, body, acl: aclOf(target, configuration) });
    return { target, key, sizeBytes: body.length, durationMs: performance.now() - startedMs };
  }

  async #write(
    bucket: BucketRecord,
    { key, body, acl }: { readonly key: string; readonly body: Buffer; readonly acl: string | null },
  ): Promise<void> {
    const services = this.#services;
    const region = services.stores.regions.get(bucket.region);
    const blobs = region?.blobs.get(STORAGE_CLASS);
    if (region === undefined || blobs === undefined) throw new Error(`region ${bucket.region} has no ${STORAGE_CLASS}`);
    const signal = AbortSignal.timeout(DELIVERY_TIMEOUT_MS);
    const request = { headers: {}, secure: true };
    const encryption = await writeEncryption({ request, services, signal }, { bucket, key });
    const ingested = await ingest({
      source: once(body),
      target: { bucket, key, storageClass: STORAGE_CLASS, metadata: region.metadata, blobs },
      inlineThresholdBytes: services.settings.inlineThresholdBytes,
      cipher: encryption?.cipher ?? null,
      checksums: [],
      budget: services.budget,
      maxSizeBytes: MAX_PUT_BYTES,
      sizeHintBytes: body.length,
      allowInline: true,
      leaseMs: services.settings.intentLeaseMs,
      signal,
    });
    const { owner } = bucket;
    const draft = draftOf(
      {
        bucket,
        owner,
        encryption,
        attributes: {
          headers: { 'content-type': 'text/plain' },
          owner,
          acl,
          tags: {},
          storageClass: STORAGE_CLASS,
          retention: null,
          legalHold: false,
        },
      },
      {
        sizeBytes: ingested.sizeBytes,
        data: ingested.data,
        etag: entityTag(encryption?.info ?? null, encryption?.cipher ?? null, ingested.md5Hex),
      },
      null,
      services.now(),
    );
    await commitIngested(ingested, () =>
      region.metadata.commit({
        bucket,
        key,
        select: 'latest',
        ...(ingested.intent === null ? {} : { intent: ingested.intent }),
        ...lifecycleEventsOf({ bucket, key, cause: 'ObjectCreated:Put' }),
        decide: (state) => putChange(bucket.versioning, state, draft),
      }),
    );
  }
}

async function* once(body: Buffer): AsyncGenerator<Buffer, void, void> {
  yield body;
}

function aclOf(target: BucketRecord, configuration: LoggingConfiguration): string | null {
  const acl = logAcl(configuration);
  return acl === null || aclsDisabled(target) ? null : serialiseAcl(acl);
}
