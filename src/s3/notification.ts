/**
 * A bucket's notification configuration, as its document 'notification' keeps it: which events go where. Pure.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
 */
import type { BucketRecord } from '../store/types.js';
import { S3Error } from './errors.js';

export const NOTIFICATION_DOCUMENT = 'notification';

/** All that a configuration may name. https://docs.aws.amazon.com/AmazonS3/latest/API/API_QueueConfiguration.html */
export const EVENT_TYPES = [
  's3:ObjectCreated:*',
  's3:ObjectCreated:Put',
  's3:ObjectCreated:Post',
  's3:ObjectCreated:Copy',
  's3:ObjectCreated:CompleteMultipartUpload',
  's3:ObjectRemoved:*',
  's3:ObjectRemoved:Delete',
  's3:ObjectRemoved:DeleteMarkerCreated',
  's3:ObjectRestore:*',
  's3:ObjectRestore:Post',
  's3:ObjectRestore:Completed',
  's3:ObjectRestore:Delete',
  's3:ReducedRedundancyLostObject',
  's3:Replication:*',
  's3:Replication:OperationFailedReplication',
  's3:Replication:OperationMissedThreshold',
  's3:Replication:OperationReplicatedAfterThreshold',
  's3:Replication:OperationNotTracked',
  's3:LifecycleExpiration:*',
  's3:LifecycleExpiration:Delete',
  's3:LifecycleExpiration:DeleteMarkerCreated',
  's3:LifecycleTransition',
  's3:IntelligentTiering',
  's3:ObjectTagging:*',
  's3:ObjectTagging:Put',
  's3:ObjectTagging:Delete',
  's3:ObjectAcl:Put',
  's3:TestEvent',
] as const;

export type EventType = (typeof EVENT_TYPES)[number];

/** The element that a configuration came in. */
export type NotificationKind = 'topic' | 'queue' | 'function';

export interface NotificationConfiguration {
  readonly kind: NotificationKind;
  readonly id: string;
  /** of the destination, as it was given */
  readonly arn: string;
  readonly events: readonly EventType[];
  /** null: no Filter was given */
  readonly filter: { readonly prefix: string | null; readonly suffix: string | null } | null;
}

const parsed = new WeakMap<BucketRecord, readonly NotificationConfiguration[]>();
const NONE: readonly NotificationConfiguration[] = [];

export function notificationsOf(bucket: BucketRecord): readonly NotificationConfiguration[] {
  const document = bucket.documents[NOTIFICATION_DOCUMENT];
  if (document === undefined) return NONE;
  let configurations = parsed.get(bucket);
  if (configurations === undefined) {
    configurations = JSON.parse(document) as NotificationConfiguration[];
    parsed.set(bucket, configurations);
  }
  return configurations;
}

/** Configurations that an event of a key goes by. event: with 's3:' */
export function matching(
  configurations: readonly NotificationConfiguration[],
  event: string,
  key: string,
): readonly NotificationConfiguration[] {
  return configurations.filter(
    ({ events, filter }) =>
      events.some((type) => covers(type, event)) &&
      key.startsWith(filter?.prefix ?? '') &&
      key.endsWith(filter?.suffix ?? ''),
  );
}

function covers(type: string, event: string): boolean {
  return type === event || (type.endsWith('*') && event.startsWith(type.slice(0, -1)));
}

/**
 * The name of the target in an ARN: arn:aws:sqs:REGION:ACCOUNT:NAME, also of sns, and of lambda with 'function:' before the name and
 * an alias after it. Any of the services names any target. null: no such ARN
 */
export function targetOf(arn: string): string | null {
  const match =
    /^arn:aws[a-z-]*:(?:(?:sqs|sns|lambda):[a-z0-9-]*:[^:\s]*:([A-Za-z0-9._-]+)|lambda:[a-z0-9-]*:[^:\s]*:function:([A-Za-z0-9._-]+)(?::[^:\s]+)?)$/.exec(
      arn,
    );
  return match?.[1] ?? match?.[2] ?? null;
}

/**
 * What concerns several configurations: no event of a key may go by two of them.
 * @throws S3Error InvalidArgument
 */
export function checkNotifications(configurations: readonly NotificationConfiguration[]): void {
  if (new Set(configurations.map(({ id }) => id)).size < configurations.length)
    throw new S3Error('InvalidArgument', {
      message: 'Same ID used for multiple configurations. IDs must be unique',
    });
  for (const [i, one] of configurations.entries())
    for (const other of configurations.slice(i + 1)) {
      const common = one.events.some((type) =>
        other.events.some((second) => covers(type, second) || covers(second, type)),
      );
      if (!common || !overlap(one, other)) continue;
      const filtered = one.filter !== null || other.filter !== null;
      throw new S3Error('InvalidArgument', {
        message: filtered
          ? 'Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type.'
          : 'Configurations overlap. Configurations on the same bucket cannot share a common event type.',
        detail: { ArgumentName: 'Id', ArgumentValue: `${one.id}, ${other.id}` },
      });
    }
}

/** Some key has both prefixes and both suffixes. */
function overlap({ filter: a }: NotificationConfiguration, { filter: b }: NotificationConfiguration): boolean {
  const [prefixA, prefixB] = [a?.prefix ?? '', b?.prefix ?? ''];
  const [suffixA, suffixB] = [a?.suffix ?? '', b?.suffix ?? ''];
  return (
    (prefixA.startsWith(prefixB) || prefixB.startsWith(prefixA)) &&
    (suffixA.endsWith(suffixB) || suffixB.endsWith(suffixA))
  );
}
