/**
 * What a commit tells the world: one line in each operation that changes keys. A bucket without a notification configuration
 * costs nothing.
 */
import { randomBytes } from 'node:crypto';
import type { BucketRecord, CommitRequest } from '../store/types.js';
import type { OperationContext } from './context.js';
import type { Actor, Cause } from './event-record.js';
import { eventName, eventRecord } from './event-record.js';
import { matching, notificationsOf, targetOf } from './notification.js';
import { replicationEvents } from './replicating.js';
import { replicationOf } from './replication.js';

/** Queues of the outbox that hold notifications begin with it; the target's name follows. */
export const NOTIFICATION_QUEUE = 'notification/';

type Events = Pick<CommitRequest, 'events'>;

/** What a commit is about. */
export interface Occasion {
  readonly bucket: BucketRecord;
  readonly key: string;
  /** null: nobody is notified of it, but it may have to be replicated */
  readonly cause: Cause | null;
}

/**
 * For a request's commit: `...eventsOf(context, { bucket, key, cause })`, whose `decide` goes through `replicating` where the change
 * is one that is replicated.
 */
export function eventsOf(context: Pick<OperationContext, 'identity' | 'request'>, occasion: Occasion): Events {
  return withReplication(occasion, notificationEvents(context, occasion));
}

/** For objects that the service writes for the bucket's owner, as eventsOf. */
export function serviceEventsOf(occasion: Occasion & { readonly cause: Cause }): Events {
  return withReplication(occasion, lifecycleEventsOf(occasion));
}

function withReplication({ bucket, key }: Occasion, notifications: Events): Events {
  if (replicationOf(bucket) === null) return notifications;
  return { events: (made) => [...(notifications.events?.(made) ?? []), ...replicationEvents(bucket, key, made)] };
}

function notificationEvents(
  { identity, request }: Pick<OperationContext, 'identity' | 'request'>,
  { bucket, key, cause }: Occasion,
): Events {
  if (cause === null || notificationsOf(bucket).length === 0) return {};
  const actor: Actor = {
    principalId: identity.kind === 'signed' ? (identity.caller.principal.id ?? identity.caller.arn) : 'Anonymous',
    sourceIpAddress: request.remoteAddress.replace(/^::ffff:(?=\d+\.)/, ''),
    requestId: request.id,
  };
  return notifying({ bucket, key, cause, actor });
}

/** For what the service does by itself and what is not replicated: by lifecycle rules, replicas. */
export function lifecycleEventsOf(occasion: {
  readonly bucket: BucketRecord;
  readonly key: string;
  readonly cause: Cause;
}): Events {
  if (notificationsOf(occasion.bucket).length === 0) return {};
  const requestId = randomBytes(10).toString('hex').toUpperCase();
  const actor: Actor = { principalId: 's3.amazonaws.com', sourceIpAddress: 's3.amazonaws.com', requestId };
  return notifying({ ...occasion, actor });
}

function notifying(occasion: {
  readonly bucket: BucketRecord;
  readonly key: string;
  readonly cause: Cause;
  readonly actor: Actor;
}): Events {
  const { bucket, key, cause } = occasion;
  return {
    events: (made) => {
      const event = `s3:${eventName(cause, made)}`;
      return matching(notificationsOf(bucket), event, key).flatMap(({ id, arn }) => {
        const target = targetOf(arn);
        if (target === null) return [];
        const body = JSON.stringify({ Records: [eventRecord({ ...occasion, made }, id)] });
        return [{ queue: NOTIFICATION_QUEUE + target, body }];
      });
    },
  };
}
