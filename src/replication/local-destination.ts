/**
 * Replicas in buckets of the same deployment, whatever their region, tenant and storage class. Order, as of every write: intent ->
 * data durable -> commit; the commit places the version where its id says, so that nothing depends on the order of deliveries.
 */
import { abandonQuietly } from '../data/blob-upload.js';
import { S3Error } from '../s3/errors.js';
import { lifecycleEventsOf } from '../s3/events.js';
import type { ReplicationRule } from '../s3/replication.js';
import { parseDestination } from '../s3/replication.js';
import type { StoreErrorKind } from '../store/errors.js';
import { StoreError } from '../store/errors.js';
import type { BucketRecord, Intent, Region } from '../store/types.js';
import { seqOfVersionId } from '../store/versions.js';
import type { ReplicationDestinationStore, ReplicationServices, ReplicationSource } from './destination.js';
import { ReplicationRefused } from './destination.js';
import { requirePermission } from './permission.js';
import { copyData } from './replica-data.js';
import { replicaDraft, withSourceChanges } from './replica.js';
import { replicationRecord } from '../s3/replication-record.js';

interface Delivery {
  readonly source: ReplicationSource;
  readonly rule: ReplicationRule;
  readonly destination: BucketRecord;
  /** of the destination */
  readonly region: Region;
  readonly signal: AbortSignal;
}

export class LocalDestination implements ReplicationDestinationStore {
  readonly #services: ReplicationServices;

  constructor(services: ReplicationServices) {
    this.#services = services;
  }

  async replicate(source: ReplicationSource, rule: ReplicationRule, signal: AbortSignal): Promise<string> {
    const { versionId } = source.version;
    if (seqOfVersionId(versionId) === null) throw new ReplicationRefused('null versions are not replicated');
    const delivery = { source, rule, signal, ...(await this.#destination(source, rule)) };
    try {
      await this.#bring(delivery);
    } catch (error) {
      throw refusalOf(error);
    }
    return versionId;
  }

  /** @throws ReplicationRefused; StoreError */
  async #destination(
    source: ReplicationSource,
    rule: ReplicationRule,
  ): Promise<Pick<Delivery, 'destination' | 'region'>> {
    const { stores, now } = this.#services;
    const { arn, account } = rule.destination;
    const name = parseDestination(arn)?.bucket ?? '';
    const destination = await stores.buckets.get(name, { fresh: true });
    const region = destination?.state === 'active' ? stores.regions.get(destination.region) : undefined;
    if (destination === null || region === undefined)
      throw new ReplicationRefused(`the destination bucket ${name} does not exist`);
    if (destination.versioning !== 'enabled')
      throw new ReplicationRefused(`versioning is not enabled on the destination bucket ${name}`);
    if (account !== null && account !== destination.owner.id)
      throw new ReplicationRefused(`the destination bucket ${name} is not owned by the account of the rule`);
    requirePermission({ source, rule, destination, nowMs: now() });
    return { destination, region };
  }

  async #bring(delivery: Delivery): Promise<void> {
    const { source, destination, region } = delivery;
    const { versionId } = source.version;
    const select = { versionId };
    const there = await region.metadata.getVersion(destination, source.key, select, { withInline: false });
    if (there !== null) return this.#update(delivery);
    const isReplica = replicationRecord(source.version)?.replica === true;
    if (isReplica || source.versionIdThere !== null)
      throw new ReplicationRefused('the version has been deleted at the destination');
    // Another process may have been quicker, with an earlier state of the version.
    if (!(await this.#create(delivery))) await this.#update(delivery);
  }

  async #update({ source, rule, destination, region }: Delivery): Promise<void> {
    const nowMs = this.#services.now();
    const { version } = source;
    await region.metadata.commit({
      bucket: destination,
      key: source.key,
      select: { versionId: version.versionId },
      decide: ({ selected }) => {
        const replace = selected === null ? null : withSourceChanges(selected, { version, rule, destination, nowMs });
        return replace === null ? null : { replace };
      },
    });
  }

  /** @returns false: the version is there already */
  async #create({ source, rule, destination, region, signal }: Delivery): Promise<boolean> {
    const services = this.#services;
    const { version, key } = source;
    const wanted = rule.destination.storageClass ?? version.storageClass;
    const storageClass = region.blobs.has(wanted) ? wanted : 'STANDARD';
    let intent: Intent | null = null;
    const onIntent = (opened: Intent): void => {
      intent = opened;
    };
    const abandon = async (): Promise<void> => {
      if (intent !== null) await abandonQuietly(region.metadata, intent);
    };
    try {
      const copied = await copyData({ services, source, rule, destination, region, storageClass, signal, onIntent });
      const draft = replicaDraft({ version, rule, destination, storageClass, ...copied, nowMs: services.now() });
      const { changed } = await region.metadata.commit({
        bucket: destination,
        key,
        select: { versionId: version.versionId },
        ...(copied.intent === null ? {} : { intent: copied.intent }),
        ...lifecycleEventsOf({
          bucket: destination,
          key,
          cause: version.deleteMarker ? 'ObjectRemoved' : 'ObjectCreated:Put',
        }),
        decide: (state) => {
          if (state.selected !== null) return null;
          if (state.taken === true)
            throw new ReplicationRefused('another version, made at the same moment, has its place at the destination');
          return { place: { draft, versionId: version.versionId } };
        },
      });
      if (!changed) await abandon();
      return changed;
    } catch (error) {
      // Of an unknown outcome the copies may be what the version refers to: the sweeper finds out.
      if (!(error instanceof StoreError) || error.outcome === 'notApplied') await abandon();
      throw error;
    }
  }

  async close(): Promise<void> {
    // There is nothing open.
  }
}

/** Of kinds that time does not mend. */
const FINAL: ReadonlySet<StoreErrorKind> = new Set(['bucketGone', 'quotaExceeded', 'tooManyVersions']);

/** What no repetition can change. */
function refusalOf(error: unknown): unknown {
  if (error instanceof S3Error && error.status < 500) return new ReplicationRefused(`${error.code}: ${error.message}`);
  if (error instanceof StoreError && FINAL.has(error.kind)) return new ReplicationRefused(error.message);
  return error;
}
