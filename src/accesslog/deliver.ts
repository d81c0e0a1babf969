/** Writes log objects into the target bucket, as PutObject would, in the name of the log delivery service. */
import { randomBytes } from 'node:crypto';
import { serialiseAcl } from '../iam/acl.js';
import { aclsDisabled } from '../s3/bucket-security.js';
import type { Services } from '../s3/context.js';
import type { LoggingConfiguration } from '../s3/logging.js';
import { logAcl, logObjectKey, mayDeliverLogs } from '../s3/logging.js';
import { commitForService, ingestForService } from '../s3/service-object.js';
import type { BucketRecord } from '../store/types.js';
import type { Delivered } from './entries.js';
import type { Batch } from './line-buffer.js';

/** The log may not be delivered; the message says why. Trying again would not help. */
export class DeliveryRefused extends Error {
  override readonly name = 'DeliveryRefused';
}

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
    if (region === undefined) throw new Error(`region ${bucket.region} is not configured`);
    const writer = { services, region, bucket };
    const object = await ingestForService(writer, {
      key,
      contentType: 'text/plain',
      acl,
      source: once(body),
      sizeBytes: body.length,
      signal: AbortSignal.timeout(DELIVERY_TIMEOUT_MS),
    });
    await commitForService(writer, object);
  }
}

async function* once(body: Buffer): AsyncGenerator<Buffer, void, void> {
  yield body;
}

function aclOf(target: BucketRecord, configuration: LoggingConfiguration): string | null {
  const acl = logAcl(configuration);
  return acl === null || aclsDisabled(target) ? null : serialiseAcl(acl);
}
