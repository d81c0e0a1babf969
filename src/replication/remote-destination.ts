/**
 * Replicas on a server elsewhere, by its S3 API. Another Pithos is told which version it is (src/s3/replica-request.ts): it keeps id,
 * time, entity tag and order, and repeated deliveries find it there. Any other server makes versions of its own.
 */
import {
  DeleteObjectCommand,
  DeleteObjectTaggingCommand,
  GetBucketVersioningCommand,
  HeadObjectCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import type { HeadObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import type { ReplicationTargetConfig } from '../config/types.js';
import { readCipher } from '../s3/encryption.js';
import { legalHoldStatus } from '../s3/object-lock.js';
import { REPLICA_HEADER, replicaHeader } from '../s3/replica-request.js';
import type { ReplicationRule } from '../s3/replication.js';
import { parseDestination } from '../s3/replication.js';
import { replicationRecord } from '../s3/replication-record.js';
import type { ObjectVersion, Retention } from '../store/types.js';
import type { ReplicationDestinationStore, ReplicationServices, ReplicationSource } from './destination.js';
import { ReplicationRefused } from './destination.js';
import { remoteAttributes, remoteHeaders } from './remote-attributes.js';
import { refusalBy, remoteClient, statusOf, withHeaders } from './remote-client.js';
import { sendObject } from './remote-upload.js';

interface Delivery {
  readonly source: ReplicationSource;
  readonly rule: ReplicationRule;
  readonly bucket: string;
  /** It keeps the version's id. */
  readonly keepsId: boolean;
  /** that tell another Pithos which version it is */
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export class RemoteDestination implements ReplicationDestinationStore {
  readonly #services: ReplicationServices;
  readonly #config: ReplicationTargetConfig;
  readonly #client: S3Client;

  constructor(services: ReplicationServices, config: ReplicationTargetConfig) {
    this.#services = services;
    this.#config = config;
    this.#client = remoteClient(config);
  }

  /** @returns what stands against replicas in that bucket, for the client; null: nothing */
  async check(bucket: string, signal: AbortSignal): Promise<string | null> {
    const within = AbortSignal.any([signal, AbortSignal.timeout(this.#config.timeoutMs)]);
    try {
      const { Status } = await this.#client.send(new GetBucketVersioningCommand({ Bucket: bucket }), {
        abortSignal: within,
      });
      return Status === 'Enabled' ? null : 'Destination bucket must have versioning enabled.';
    } catch (error) {
      return statusOf(error) === 404 ? 'Destination bucket must exist.' : 'The destination could not be asked.';
    }
  }

  async replicate(source: ReplicationSource, rule: ReplicationRule, signal: AbortSignal): Promise<string> {
    const { version } = source;
    const bucket = parseDestination(rule.destination.arn)?.bucket ?? '';
    const keepsId = this.#config.kind === 'pithos';
    const headers = keepsId ? replicaHeaders(version) : {};
    try {
      const delivery: Delivery = { source, rule, bucket, keepsId, headers, signal };
      return version.deleteMarker ? await this.#marker(delivery) : await this.#object(delivery);
    } catch (error) {
      const refusal = refusalBy(error);
      throw refusal === null ? error : new ReplicationRefused(refusal);
    }
  }

  async #marker({ source, bucket, headers, signal }: Delivery): Promise<string> {
    if (source.versionIdThere !== null) return source.versionIdThere;
    const command = new DeleteObjectCommand({ Bucket: bucket, Key: source.key });
    const { VersionId } = await this.#client.send(withHeaders(command, headers), { abortSignal: signal });
    return VersionId ?? 'null';
  }

  async #object(delivery: Delivery): Promise<string> {
    const { source, rule, bucket, keepsId, headers, signal } = delivery;
    const { version, versionIdThere } = source;
    const knownId = keepsId ? version.versionId : versionIdThere;
    const there = knownId === null ? null : await this.#head(delivery, knownId);
    if (there !== null && knownId !== null) {
      if (replicationRecord(version)?.changedMs !== undefined) await this.#update(delivery, knownId, there);
      return knownId;
    }
    if (versionIdThere !== null || replicationRecord(version)?.replica === true)
      throw new ReplicationRefused('the version has been deleted at the destination');
    if (version.encryption?.kind === 'SSE-C')
      throw new ReplicationRefused("objects under a customer's key are not replicated to other servers");
    const cipher = await readCipher({ services: this.#services, signal }, version.encryption, null);
    const attributes = remoteAttributes(source, rule, this.#services.now());
    const sent = await sendObject({
      client: this.#client,
      source,
      cipher,
      bucket,
      attributes,
      headers: { ...headers, ...remoteHeaders(source) },
      signal,
    });
    return sent ?? 'null';
  }

  async #head({ source, bucket, signal }: Delivery, VersionId: string): Promise<HeadObjectCommandOutput | null> {
    try {
      const command = new HeadObjectCommand({ Bucket: bucket, Key: source.key, VersionId });
      return await this.#client.send(command, { abortSignal: signal });
    } catch (error) {
      if (statusOf(error) === 404) return null;
      throw error;
    }
  }

  /** Tags and lock. ACLs name accounts, which are others there. */
  async #update(delivery: Delivery, VersionId: string, there: HeadObjectCommandOutput): Promise<void> {
    const { source, bucket, headers, signal } = delivery;
    const { tags, retention } = source.version;
    const at = { Bucket: bucket, Key: source.key, VersionId };
    const client = this.#client;
    const options = { abortSignal: signal };
    const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    if (TagSet.length === 0) await client.send(withHeaders(new DeleteObjectTaggingCommand(at), headers), options);
    else await client.send(withHeaders(new PutObjectTaggingCommand({ ...at, Tagging: { TagSet } }), headers), options);
    if (!source.bucket.objectLock) return;
    const hold = legalHoldStatus(source.version);
    if (hold !== null && hold !== (there.ObjectLockLegalHoldStatus ?? 'OFF'))
      await client.send(
        withHeaders(new PutObjectLegalHoldCommand({ ...at, LegalHold: { Status: hold } }), headers),
        options,
      );
    if (!this.#needsRetention(retention, there)) return;
    const Retention = retention === null ? {} : { Mode: retention.mode, RetainUntilDate: new Date(retention.untilMs) };
    const command = new PutObjectRetentionCommand({ ...at, Retention, BypassGovernanceRetention: true });
    await client.send(withHeaders(command, headers), options);
  }

  /** One that has ended cannot be set any more, and does not matter. */
  #needsRetention(wanted: Retention | null, there: HeadObjectCommandOutput): boolean {
    if (wanted === null) return there.ObjectLockMode !== undefined;
    if (wanted.untilMs <= this.#services.now()) return false;
    return wanted.mode !== there.ObjectLockMode || wanted.untilMs !== there.ObjectLockRetainUntilDate?.getTime();
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }
}

function replicaHeaders(version: ObjectVersion): Record<string, string> {
  const { versionId, lastModified, etag, deleteMarker } = version;
  const changedMs = replicationRecord(version)?.changedMs;
  const facts = {
    versionId,
    lastModified,
    ...(!deleteMarker && { etag }),
    ...(changedMs !== undefined && { changedMs }),
  };
  return { [REPLICA_HEADER]: replicaHeader(facts) };
}
