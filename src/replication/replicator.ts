/**
 * Works on the entries that commits leave for replication: reads the version as it is now, makes the destination agree with it, and
 * keeps in the version what became of it, by a commit that touches nothing else. An entry that is handed out again finds that done.
 */
import type { Logger } from 'pino';
import { DeliveryError, deliveryError } from '../events/target.js';
import type { Message, Target } from '../events/target.js';
import { lifecycleEventsOf } from '../s3/events.js';
import type { ReplicationTask } from '../s3/replicating.js';
import type { DeliveryStatus, ReplicationRecord } from '../s3/replication-record.js';
import { afterDelivery, replicationRecord } from '../s3/replication-record.js';
import type { ReplicationDestinationStore, ReplicationServices, ReplicationSource } from './destination.js';
import { ReplicationRefused } from './destination.js';
import { requireReadable } from './permission.js';

export interface ReplicatorOptions {
  readonly services: ReplicationServices;
  readonly destination: ReplicationDestinationStore;
  readonly log: Logger;
}

/** A source and its record as they were read. */
interface Loaded {
  readonly source: ReplicationSource;
  readonly record: ReplicationRecord;
}

export class Replicator implements Target {
  readonly #options: ReplicatorOptions;

  constructor(options: ReplicatorOptions) {
    this.#options = options;
  }

  async deliver({ body }: Message, signal: AbortSignal): Promise<void> {
    const task = JSON.parse(body) as ReplicationTask;
    const { arn } = task.rule.destination;
    try {
      const loaded = await this.#load(task);
      if (loaded === null) return;
      let versionId: string | null = null;
      let status: DeliveryStatus = 'COMPLETED';
      try {
        requireReadable(loaded.source);
        versionId = await this.#options.destination.replicate(loaded.source, task.rule, signal);
      } catch (error) {
        if (!(error instanceof ReplicationRefused)) throw error;
        status = 'FAILED';
        this.#refused(task, error.message);
      }
      await this.#settle(loaded, { arn, status, versionId });
    } catch (error) {
      signal.throwIfAborted();
      throw error instanceof DeliveryError ? error : deliveryError(`replication to ${arn}`, error);
    }
  }

  async giveUp({ body }: Message): Promise<void> {
    const task = JSON.parse(body) as ReplicationTask;
    const loaded = await this.#load(task);
    if (loaded === null) return;
    await this.#settle(loaded, { arn: task.rule.destination.arn, status: 'FAILED', versionId: null });
  }

  /** null: there is nothing to do for it any more */
  async #load({ bucket: ref, key, versionId, role, rule }: ReplicationTask): Promise<Loaded | null> {
    const { stores } = this.#options.services;
    const bucket = await stores.buckets.get(ref.name);
    if (bucket?.instance !== ref.instance || bucket.state !== 'active') return null;
    const region = stores.regions.get(bucket.region);
    if (region === undefined) throw new DeliveryError(`there is no region ${bucket.region} here`);
    const version = await region.metadata.getVersion(bucket, key, { versionId }, { withInline: true });
    const record = version === null ? null : replicationRecord(version);
    if (version === null || record === null) return null;
    const { arn } = rule.destination;
    if (record.replica !== true && record.to?.[arn] !== 'PENDING') return null;
    return { record, source: { bucket, region, key, version, role, versionIdThere: record.ids?.[arn] ?? null } };
  }

  async #settle({ source, record }: Loaded, outcome: Parameters<typeof afterDelivery>[2]): Promise<void> {
    if (record.replica === true) return;
    const { bucket, region, key, version } = source;
    await region.metadata.commit({
      bucket,
      key,
      select: { versionId: version.versionId },
      ...(outcome.status === 'FAILED' &&
        lifecycleEventsOf({ bucket, key, cause: 'Replication:OperationFailedReplication' })),
      decide: ({ selected }) => {
        const replace = selected === null ? null : afterDelivery(selected, record, outcome);
        return replace === null ? null : { replace };
      },
    });
  }

  #refused({ bucket, key, versionId, rule }: ReplicationTask, reason: string): void {
    const about = { bucket: bucket.name, key, versionId, rule: rule.id, destination: rule.destination.arn };
    this.#options.log.warn({ ...about, reason }, 'a version is not replicated');
  }

  async close(): Promise<void> {
    await this.#options.destination.close();
  }
}
