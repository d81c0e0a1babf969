/** What replicas are made with, and what makes them in one place. */
import type { ReplicationRule } from '../s3/replication.js';
import type { Services, ServiceSettings } from '../s3/context.js';
import type { BucketRecord, ObjectVersion, Region } from '../store/types.js';

export type ReplicationServices = Pick<Services, 'stores' | 'encryption' | 'now'> & {
  readonly settings: Pick<ServiceSettings, 'intentLeaseMs'>;
};

/** A version as it is when its turn has come. */
export interface ReplicationSource {
  readonly bucket: BucketRecord;
  /** of the bucket */
  readonly region: Region;
  readonly key: string;
  /** with its inline bytes */
  readonly version: ObjectVersion;
  /** ARN of the role that the configuration names */
  readonly role: string;
  /** The id that the destination is known to have had it under; null: not known to have had it. */
  readonly versionIdThere: string | null;
}

export interface ReplicationDestinationStore {
  /**
   * Makes the destination agree with the version: repeatable, and whatever order deliveries come in.
   * @returns the version's id there
   * @throws ReplicationRefused when trying again is of no use; anything else: to be tried again
   */
  replicate(source: ReplicationSource, rule: ReplicationRule, signal: AbortSignal): Promise<string>;
  close(): Promise<void>;
}

/** It cannot be replicated as things are; the message says why. Nothing is wrong with this server. */
export class ReplicationRefused extends Error {
  override readonly name = 'ReplicationRefused';
}
