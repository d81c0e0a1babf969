/**
 * A bucket's replication configuration, as its document 'replication' keeps it: which versions go where. Pure.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-add-config.html
 */
import type { BucketRecord, VersionDraft } from '../store/types.js';

export const REPLICATION_DOCUMENT = 'replication';

export interface ReplicationConfiguration {
  /** ARN of the role: what policies of destinations of other accounts may name */
  readonly role: string;
  readonly rules: readonly ReplicationRule[];
}

/** null throughout: not given, and not answered either. https://docs.aws.amazon.com/AmazonS3/latest/API/API_ReplicationRule.html */
export interface ReplicationRule {
  readonly id: string;
  readonly enabled: boolean;
  /** prefix: the first schema, without a Filter; the other forms say how the Filter was written. */
  readonly filter: {
    readonly form: 'prefix' | 'empty' | 'one' | 'and';
    readonly prefix: string | null;
    readonly tags: Readonly<Record<string, string>>;
  };
  readonly priority: number | null;
  readonly deleteMarkers: boolean | null;
  readonly existingObjects: boolean | null;
  readonly replicaModifications: boolean | null;
  readonly kmsObjects: boolean | null;
  readonly destination: ReplicationDestination;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_Destination.html */
export interface ReplicationDestination {
  /** 'arn:aws:s3:::bucket', or 'arn:pithos:replication:::target/bucket' for a server of the configuration */
  readonly arn: string;
  readonly account: string | null;
  readonly storageClass: string | null;
  /** AccessControlTranslation: replicas are the destination bucket's owner's */
  readonly ownerOverride: boolean;
  readonly kmsKeyId: string | null;
  readonly metrics: { readonly enabled: boolean; readonly minutes: number | null } | null;
  readonly replicationTime: { readonly enabled: boolean; readonly minutes: number } | null;
  /** Of a bucket of this deployment, when the configuration was put: has its own queue. */
  readonly region?: string;
}

export type DestinationName =
  | { readonly kind: 'local'; readonly bucket: string }
  | { readonly kind: 'remote'; readonly target: string; readonly bucket: string };

/** null: not an ARN of a bucket */
export function parseDestination(arn: string): DestinationName | null {
  const local = /^arn:aws[a-z-]*:s3:::([^:/\s]+)$/.exec(arn);
  if (local?.[1] !== undefined) return { kind: 'local', bucket: local[1] };
  const [, target, bucket] = /^arn:pithos:replication:::([A-Za-z0-9._-]+)\/([^:/\s]+)$/.exec(arn) ?? [];
  return target === undefined || bucket === undefined ? null : { kind: 'remote', target, bucket };
}

const parsed = new WeakMap<BucketRecord, ReplicationConfiguration>();

/** null: none */
export function replicationOf(bucket: BucketRecord): ReplicationConfiguration | null {
  const document = bucket.documents[REPLICATION_DOCUMENT];
  if (document === undefined) return null;
  let configuration = parsed.get(bucket);
  if (configuration === undefined) {
    configuration = JSON.parse(document) as ReplicationConfiguration;
    parsed.set(bucket, configuration);
  }
  return configuration;
}

type Subject = Pick<VersionDraft, 'deleteMarker' | 'tags' | 'encryption'>;

/** The rules that a new version of the key is replicated by: of each destination the one with the highest priority. */
export function rulesFor(
  { rules }: ReplicationConfiguration,
  key: string,
  version: Subject,
): readonly ReplicationRule[] {
  return strongest(rules.filter((rule) => rule.enabled && matches(rule, key, version))).filter((rule) =>
    version.deleteMarker ? takesDeleteMarkers(rule) : takesEncryption(rule, version),
  );
}

/** The rules by which changes of a replica's tags, ACL and lock go back. */
export function replicaRulesFor(
  { rules }: ReplicationConfiguration,
  key: string,
  version: Subject,
): readonly ReplicationRule[] {
  const eligible = rules.filter(
    (rule) => rule.enabled && rule.replicaModifications === true && matches(rule, key, version),
  );
  return strongest(eligible);
}

function strongest(rules: readonly ReplicationRule[]): readonly ReplicationRule[] {
  const byDestination = new Map<string, ReplicationRule>();
  for (const rule of rules) {
    const before = byDestination.get(rule.destination.arn);
    if (before === undefined || (rule.priority ?? 0) > (before.priority ?? 0))
      byDestination.set(rule.destination.arn, rule);
  }
  return [...byDestination.values()];
}

function matches({ filter }: ReplicationRule, key: string, { deleteMarker, tags }: Subject): boolean {
  if (!key.startsWith(filter.prefix ?? '')) return false;
  const wanted = Object.entries(filter.tags);
  // A marker has no tags that could match.
  if (deleteMarker) return wanted.length === 0;
  return wanted.every(([name, value]) => Object.hasOwn(tags, name) && tags[name] === value);
}

/** The first schema replicates them, the second one if told to. */
function takesDeleteMarkers({ filter, deleteMarkers }: ReplicationRule): boolean {
  return filter.form === 'prefix' ? deleteMarkers !== false : deleteMarkers === true;
}

function takesEncryption({ kmsObjects }: ReplicationRule, { encryption }: Subject): boolean {
  return encryption?.kind !== 'SSE-KMS' || kmsObjects === true;
}

/** Queues of the outbox that hold work of replication begin with it. */
export const REPLICATION_QUEUE = 'replication/';

/** Which of the queues: one of each region of this deployment, one of each server elsewhere, so that none waits for another. */
export function queueNameOf({ arn, region }: ReplicationDestination, sourceRegion: string): string {
  const name = parseDestination(arn);
  return name?.kind === 'remote' ? `target/${name.target}` : `region/${region ?? sourceRegion}`;
}
