/**
 * The message of an event, as S3 writes it. Pure.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 */
import type { BucketRecord, MadeChange } from '../store/types.js';

/**
 * What happened, as AWS names it without 's3:'. Of a removal the store tells which: whether a version went, or a delete marker was
 * made.
 */
export type Cause =
  | `ObjectCreated:${'Put' | 'Post' | 'Copy' | 'CompleteMultipartUpload'}`
  | 'ObjectRemoved'
  | 'LifecycleExpiration'
  | 'LifecycleTransition'
  | `ObjectTagging:${'Put' | 'Delete'}`
  | 'ObjectAcl:Put'
  | 'Replication:OperationFailedReplication';

/** By whom, and in which request. */
export interface Actor {
  readonly principalId: string;
  readonly sourceIpAddress: string;
  readonly requestId: string;
}

export interface Occurrence {
  readonly bucket: BucketRecord;
  readonly key: string;
  readonly cause: Cause;
  readonly actor: Actor;
  readonly made: MadeChange;
}

/** The event's name, without 's3:'. */
export function eventName(cause: Cause, { version }: Pick<MadeChange, 'version'>): string {
  if (cause !== 'ObjectRemoved' && cause !== 'LifecycleExpiration') return cause;
  return `${cause}:${version?.deleteMarker === true ? 'DeleteMarkerCreated' : 'Delete'}`;
}

/** AWS's figure: 2.3 for the kinds that came later. */
function versionOf(cause: Cause): string {
  return /^(Lifecycle|ObjectTagging|ObjectAcl|Replication)/.test(cause) ? '2.3' : '2.1';
}

const EMPTY_MD5 = 'd41d8cd98f00b204e9800998ecf8427e';
const SEQUENCER_DIGITS = 16;

/** Orders the events of a key, as text too. */
export function sequencerOf(seq: number): string {
  return seq.toString(16).toUpperCase().padStart(SEQUENCER_DIGITS, '0');
}

/** An element of Records. */
export function eventRecord(occurrence: Occurrence, configurationId: string): Record<string, unknown> {
  const { bucket, key, cause, actor, made } = occurrence;
  return {
    eventVersion: versionOf(cause),
    eventSource: 'aws:s3',
    awsRegion: bucket.region,
    eventTime: new Date(Math.floor(made.seq / 1000)).toISOString(),
    eventName: eventName(cause, made),
    userIdentity: { principalId: actor.principalId },
    requestParameters: { sourceIPAddress: actor.sourceIpAddress },
    responseElements: { 'x-amz-request-id': actor.requestId, 'x-amz-id-2': actor.requestId },
    s3: {
      s3SchemaVersion: '1.0',
      configurationId,
      bucket: {
        name: bucket.name,
        ownerIdentity: { principalId: bucket.owner.id },
        arn: `arn:aws:s3:::${bucket.name}`,
      },
      object: { key: formEncoded(key), ...facts(occurrence), sequencer: sequencerOf(made.seq) },
    },
    ...(cause === 'LifecycleTransition' && {
      lifecycleEventData: { transitionEventData: { destinationStorageClass: made.version?.storageClass } },
    }),
  };
}

/** What the event tells of the version that it is about: nothing is left of one that was removed but its id. */
function facts({ made: { version, before } }: Occurrence): Record<string, unknown> {
  const subject = version ?? before.selected ?? before.latest;
  const versionId = subject === null || subject.versionId === 'null' ? {} : { versionId: subject.versionId };
  if (version === null) return versionId;
  if (version.deleteMarker) return { eTag: EMPTY_MD5, ...versionId };
  return { size: version.sizeBytes, eTag: version.etag, ...versionId };
}

/** As HTML forms encode it, but for '/': what AWS's consumers decode with '+' for a space. */
export function formEncoded(key: string): string {
  return encodeURIComponent(key)
    .replaceAll('%2F', '/')
    .replaceAll('%20', '+')
    .replace(/[!'()~]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** What a destination gets when a configuration names it. */
export function testEvent(options: {
  readonly bucketName: string;
  readonly requestId: string;
  readonly nowMs: number;
}): string {
  return JSON.stringify({
    Service: 'Amazon S3',
    Event: 's3:TestEvent',
    Time: new Date(options.nowMs).toISOString(),
    Bucket: options.bucketName,
    RequestId: options.requestId,
    HostId: options.requestId,
  });
}
