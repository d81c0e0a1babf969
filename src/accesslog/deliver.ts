/** Writes log objects into the target bucket, as PutObject would, in the name of the log delivery service. */
import { randomBytes } from 'node:crypto';
import { ingest } from '../data/ingest.js';
import { serialiseAcl } from '../iam/acl.js';
import type { Services } from '../s3/context.js';
import { entityTag, writeEncryption } from '../s3/encryption.js';
import { lifecycleEventsOf } from '../s3/events.js';
import type { LoggingConfiguration } from '../s3/logging.js';
import { logAcl, mayDeliverLogs } from '../s3/logging.js';
import { putChange } from '../s3/versioning.js';
import { commitIngested, draftOf, MAX_PUT_BYTES } from '../s3/write-object.js';
import { aclsDisabled } from '../s3/bucket-security.js';
import type { BucketRecord } from '../store/types.js';

export interface Delivery {
  readonly source: BucketRecord;
  readonly configuration: LoggingConfiguration;
  readonly lines: readonly { readonly text: string; /** ms since the epoch */ readonly timeMs: number }[];
}

/** The log may not be delivered; the message says why. Trying again would not help. */
export class DeliveryRefused extends Error {
  override readonly name = 'DeliveryRefused';
}

const STORAGE_CLASS = 'STANDARD';

export class LogDeliverer {
  readonly #services: Services;

  constructor(services: Services) {
    this.#services = services;
  }

  /** One object, or one for each day where the keys are by the day of the event. @throws DeliveryRefused; StoreError, S3Error */
  async deliver({ source, configuration, lines }: Delivery): Promise<void> {
    const target = await this.#services.stores.buckets.get(configuration.targetBucket, { fresh: true });
    if (target?.state !== 'active')
      throw new DeliveryRefused(`the target bucket ${configuration.targetBucket} is gone`);
    if (target.owner.id !== source.owner.id || target.region !== source.region)
      throw new DeliveryRefused(`the target bucket ${target.name} is another account's or in another region`);
    const nowMs = this.#services.now();
    for (const [dayMs, texts] of byDay(lines, configuration.keyFormat === 'by-event-time' ? null : nowMs)) {
      const key = logKey({ source, configuration, dayMs, nowMs });
      if (!mayDeliverLogs({ source, target, key, nowMs }))
        throw new DeliveryRefused(`the target bucket ${target.name} does not allow log delivery`);
      await this.#write(target, { key, body: Buffer.from(texts.join('')), acl: aclOf(target, configuration) });
    }
  }

  async #write(
    bucket: BucketRecord,
    { key, body, acl }: { readonly key: string; readonly body: Buffer; readonly acl: string | null },
  ): Promise<void> {
    const services = this.#services;
    const region = services.stores.regions.get(bucket.region);
    const blobs = region?.blobs.get(STORAGE_CLASS);
    if (region === undefined || blobs === undefined) throw new Error(`region ${bucket.region} has no ${STORAGE_CLASS}`);
    const { signal } = new AbortController();
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

const DAY_MS = 24 * 60 * 60_000;

/** @param deliveredMs null: by the day of the event; else all of them under that time */
function byDay(lines: Delivery['lines'], deliveredMs: number | null): Map<number, string[]> {
  const days = new Map<number, string[]>();
  for (const { text, timeMs } of lines) {
    const day = deliveredMs ?? Math.floor(timeMs / DAY_MS) * DAY_MS;
    const texts = days.get(day);
    if (texts === undefined) days.set(day, [text]);
    else texts.push(text);
  }
  return days;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerLogs.html#server-log-keyname-format */
function logKey(parts: {
  readonly source: BucketRecord;
  readonly configuration: LoggingConfiguration;
  readonly dayMs: number;
  readonly nowMs: number;
}): string {
  const { source, configuration, dayMs, nowMs } = parts;
  const { targetPrefix, keyFormat } = configuration;
  const unique = randomBytes(8).toString('hex').toUpperCase();
  const time = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace(/[T:]/g, '-');
  if (keyFormat === 'simple') return `${targetPrefix}${time(nowMs)}-${unique}`;
  const day = time(dayMs).slice(0, 10).replaceAll('-', '/');
  return `${targetPrefix}${source.owner.id}/${source.region}/${source.name}/${day}/${time(dayMs)}-${unique}`;
}
