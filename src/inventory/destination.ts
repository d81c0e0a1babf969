/**
 * Where a report goes: whether it may, and the writing of its objects. Data files are written as the rows come and stay unseen
 * until they are committed; a report that does not come to its end leaves nothing behind but what the sweeper collects.
 */
import { bucketArn, isServiceAllowed, objectArn } from '../iam/policy.js';
import { bucketPolicy } from '../s3/bucket-security.js';
import type { InventoryConfiguration } from '../s3/inventory.js';
import { commitForService, ingestForService, SERVICE_STORAGE_CLASS } from '../s3/service-object.js';
import type { ServiceObject, ServiceWriter } from '../s3/service-object.js';
import type { BucketRecord, Region } from '../store/types.js';
import type { IntentKeeper } from './intent-keeper.js';

export const INVENTORY_SERVICE = 's3.amazonaws.com';

/** The report may not be delivered; the message says why. Nothing is wrong with this server. */
export class DeliveryRefused extends Error {
  override readonly name = 'DeliveryRefused';
}

/** What reports are made with. */
export type InventoryServices = ServiceWriter['services'];

/** Data that waits for its commit. */
export type WrittenObject = ServiceObject;

export interface DestinationOptions {
  readonly services: InventoryServices;
  readonly region: Region;
  readonly source: BucketRecord;
  readonly configuration: InventoryConfiguration;
  readonly keeper: IntentKeeper;
  readonly signal: AbortSignal;
}

export class Destination {
  readonly #options: DestinationOptions;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(options: DestinationOptions) {
    this.#options = options;
    this.#headers = encryptionHeadersOf(options.configuration);
  }

  /**
   * The destination bucket as it is now, when all these keys may be written to it.
   * @throws DeliveryRefused; StoreError
   */
  async admit(keys: readonly string[]): Promise<BucketRecord> {
    const { services, source, configuration } = this.#options;
    const { bucket: name, accountId } = configuration.destination;
    const bucket = await services.stores.buckets.get(name, { fresh: true });
    if (bucket?.state !== 'active') throw new DeliveryRefused(`the destination bucket ${name} does not exist`);
    if (bucket.region !== source.region)
      throw new DeliveryRefused(`the destination bucket ${name} is not in the region of the source bucket`);
    if (accountId !== null && accountId !== bucket.owner.id)
      throw new DeliveryRefused(`the destination bucket ${name} is not owned by the account of the configuration`);
    const refused = keys.find((key) => !this.#isAllowed(bucket, key));
    if (refused !== undefined)
      throw new DeliveryRefused(
        `the policy of the destination bucket ${name} does not allow ${INVENTORY_SERVICE} s3:PutObject on ${refused}`,
      );
    return bucket;
  }

  #isAllowed(bucket: BucketRecord, key: string): boolean {
    const { source, services } = this.#options;
    return isServiceAllowed({
      policy: bucketPolicy(bucket),
      service: INVENTORY_SERVICE,
      action: 's3:PutObject',
      resource: objectArn(bucket.name, key),
      resourceAccount: bucket.owner.id,
      sourceArn: bucketArn(source.name),
      sourceAccount: source.owner.id,
      nowMs: services.now(),
      keys: new Map([
        // AWS delivers so, and its example policy asks for it.
        ['s3:x-amz-acl', ['bucket-owner-full-control']],
        ['s3:x-amz-storage-class', [SERVICE_STORAGE_CLASS]],
        ...Object.entries(this.#headers).map(([name, value]): [string, string[]] => [`s3:${name}`, [value]]),
      ]),
    });
  }

  /**
   * Makes the bytes durable, unseen; the keeper keeps them from the sweeper.
   * @throws S3Error of the encryption; StoreError; the source's errors; the signal's reason
   */
  async write(
    bucket: BucketRecord,
    object: { readonly key: string; readonly contentType: string; readonly source: AsyncIterable<Buffer> },
  ): Promise<WrittenObject> {
    const { keeper, signal } = this.#options;
    const encryptionHeaders = this.#headers;
    const content = { ...object, encryptionHeaders, sizeBytes: null, signal };
    const written = await ingestForService(this.#writer(bucket), content);
    if (written.ingested.intent !== null) keeper.add(written.ingested.intent);
    return written;
  }

  /** The object is there when it resolves. @throws S3Error (Object Lock), StoreError */
  async publish(bucket: BucketRecord, object: WrittenObject): Promise<void> {
    await commitForService(this.#writer(bucket), object, (intent) => this.#options.keeper.drop(intent));
  }

  #writer(bucket: BucketRecord): ServiceWriter {
    const { services, region } = this.#options;
    return { services, region, bucket };
  }

  /** It will not be published. Never throws. */
  async discard({ ingested }: WrittenObject): Promise<void> {
    if (ingested.intent !== null) await this.#options.keeper.drop(ingested.intent);
    await ingested.abandon();
  }
}

/** As a request would ask for the configuration's encryption. */
function encryptionHeadersOf({ destination }: InventoryConfiguration): Readonly<Record<string, string>> {
  const { encryption } = destination;
  if (encryption === null) return {};
  return encryption.kind === 'SSE-S3'
    ? { 'x-amz-server-side-encryption': 'AES256' }
    : {
        'x-amz-server-side-encryption': 'aws:kms',
        'x-amz-server-side-encryption-aws-kms-key-id': encryption.keyId,
      };
}
