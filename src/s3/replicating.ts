/**
 * What changes of keys owe to their bucket's replication: `replicating` marks the version that a change makes, within the change,
 * and `replicationEvents` tells of it. Replicas are written past this, so that nothing goes round in circles. Pure.
 */
import type {
  BucketRecord,
  CommitRequest,
  KeyChange,
  MadeChange,
  ObjectVersion,
  OutboxDraft,
  VersionDraft,
} from '../store/types.js';
import type { ReplicationRule } from './replication.js';
import { queueNameOf, replicaRulesFor, REPLICATION_QUEUE, replicationOf, rulesFor } from './replication.js';
import type { DeliveryStatus } from './replication-record.js';
import { replicationRecord, withReplicationRecord } from './replication-record.js';

/** What an entry of the outbox says: everything of the version is read when it is its turn. */
export interface ReplicationTask {
  /** of the source */
  readonly bucket: { readonly name: string; readonly instance: string; readonly region: string };
  readonly key: string;
  readonly versionId: string;
  readonly role: string;
  /** as it was when the change was made */
  readonly rule: ReplicationRule;
}

interface Place {
  readonly bucket: BucketRecord;
  readonly key: string;
  /** ms since the epoch */
  readonly nowMs: number;
}

type Decide = CommitRequest['decide'];

/** The same decision, with what the bucket's replication keeps in the version. */
export function replicating(place: Place, decide: Decide): Decide {
  return (state) => {
    const change = decide(state);
    return change === null ? null : marked(place, change);
  };
}

function marked(place: Place, change: KeyChange): KeyChange {
  const { put, replace } = change;
  if (put !== undefined) return { ...change, put: { ...put, draft: replicatedDraft(place, put.draft, put.isNull) } };
  if (replace !== undefined) return { ...change, replace: changed(place, replace) };
  return change;
}

/** A new version of the key. One made from another one does not inherit its record. */
export function replicatedDraft({ bucket, key }: Place, draft: VersionDraft, isNull: boolean): VersionDraft {
  const configuration = replicationOf(bucket);
  // Versions are told apart by their ids, which null versions share.
  const rules = configuration === null || isNull ? [] : rulesFor(configuration, key, draft);
  if (rules.length === 0) return replicationRecord(draft) === null ? draft : withReplicationRecord(draft, null);
  return withReplicationRecord(draft, { to: pending(rules.map(({ destination }) => destination.arn)) });
}

function pending(arns: readonly string[]): Record<string, DeliveryStatus> {
  return Object.fromEntries(arns.map((arn) => [arn, 'PENDING']));
}

/** Tags, ACL or lock of a version have changed: that goes to where the version went, as long as a rule wants it there. */
function changed<V extends VersionDraft>({ bucket, nowMs }: Place, version: V): V {
  const record = replicationRecord(version);
  if (record === null) return version;
  const active = activeDestinations(bucket);
  const again = Object.keys(record.to ?? {}).filter((arn) => active.has(arn));
  return withReplicationRecord(version, {
    ...record,
    changedMs: Math.max(nowMs, (record.changedMs ?? 0) + 1),
    ...(record.to !== undefined && { to: { ...record.to, ...pending(again) } }),
  });
}

/**
 * The version with what is to be replicated once more: what failed and a rule still wants there, and what was made before a rule that
 * takes existing objects. null: there is nothing.
 */
export function requeued({ bucket, key }: Omit<Place, 'nowMs'>, version: ObjectVersion): ObjectVersion | null {
  const configuration = replicationOf(bucket);
  const record = replicationRecord(version);
  if (configuration === null || record?.replica === true || version.versionId === 'null') return null;
  const to = record?.to ?? {};
  const active = activeDestinations(bucket);
  const failed = Object.keys(to).filter((arn) => to[arn] === 'FAILED' && active.has(arn));
  const missed = rulesFor(configuration, key, version)
    .filter(({ existingObjects, destination }) => existingObjects === true && to[destination.arn] === undefined)
    .map(({ destination }) => destination.arn);
  if (failed.length + missed.length === 0) return null;
  return withReplicationRecord(version, { ...record, to: { ...to, ...pending([...failed, ...missed]) } });
}

function activeDestinations(bucket: BucketRecord): ReadonlyMap<string, ReplicationRule> {
  const rules = replicationOf(bucket)?.rules ?? [];
  return new Map(rules.filter(({ enabled }) => enabled).map((rule) => [rule.destination.arn, rule]));
}

/** Of a change that was decided through `replicating`. A removal has no version: it is nobody else's business. */
export function replicationEvents(bucket: BucketRecord, key: string, { version }: MadeChange): readonly OutboxDraft[] {
  const configuration = replicationOf(bucket);
  const record = version === null ? null : replicationRecord(version);
  if (configuration === null || version === null || record === null) return [];
  let rules: readonly ReplicationRule[];
  if (record.replica === true) rules = replicaRulesFor(configuration, key, version);
  else {
    const matching = new Map(rulesFor(configuration, key, version).map((rule) => [rule.destination.arn, rule]));
    const active = activeDestinations(bucket);
    rules = Object.entries(record.to ?? {}).flatMap(([arn, status]) =>
      status === 'PENDING' ? (matching.get(arn) ?? active.get(arn) ?? []) : [],
    );
  }
  const { name, instance, region } = bucket;
  return rules.map((rule) => {
    const task: ReplicationTask = {
      bucket: { name, instance, region },
      key,
      versionId: version.versionId,
      role: configuration.role,
      rule,
    };
    return { queue: REPLICATION_QUEUE + queueNameOf(rule.destination, region), body: JSON.stringify(task) };
  });
}
