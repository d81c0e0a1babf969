/**
 * GetBucketNotificationConfiguration and PutBucketNotificationConfiguration.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
 *
 * Destinations are the targets of the gateway's configuration, named by the last part of the ARN, whatever the service in it.
 * Topics and queues get s3:TestEvent before the configuration counts, as on AWS; one that does not take it makes the request fail.
 * Deviation: EventBridge is refused, there is none.
 */
import { consistencyOf } from '../../store/consistency.js';
import type { OperationContext } from '../context.js';
import { S3Error } from '../errors.js';
import { testEvent } from '../event-record.js';
import type { NotificationConfiguration } from '../notification.js';
import { checkNotifications, NOTIFICATION_DOCUMENT, notificationsOf, targetOf } from '../notification.js';
import type { Handler } from '../operation.js';
import { emptyResponse, xmlResponse } from '../operation.js';
import { notInQuorumBucket } from '../quorum-bucket.js';
import { xmlBody } from '../xml-body.js';
import { notificationConfiguration, parseNotificationConfiguration } from '../xml/documents.js';

export const getBucketNotificationConfiguration: Handler = async ({ bucket }) =>
  xmlResponse(notificationConfiguration(notificationsOf(bucket)));

export const putBucketNotificationConfiguration: Handler = async (context) => {
  const { bucket, request, services } = context;
  const body = await xmlBody(context, { required: true });
  const maxBytes = services.settings.maxXmlBytes;
  const { configurations, eventBridge } = parseNotificationConfiguration(body, { maxBytes });
  if (eventBridge)
    throw new S3Error('InvalidArgument', {
      message: 'EventBridge is not available here: send events to a topic, a queue or a function.',
      detail: { ArgumentName: 'EventBridgeConfiguration', ArgumentValue: '' },
    });
  if (configurations.length > 0 && consistencyOf(bucket) === 'quorum') throw notInQuorumBucket('Event notification');
  checkNotifications(configurations);
  for (const { arn } of configurations)
    if (targetOf(arn) === null)
      throw new S3Error('InvalidArgument', {
        message: 'The ARN is not well formed',
        detail: { ArgumentName: 'ARN', ArgumentValue: arn },
      });
  // What is skipped is the check of the destination, not of the permission to use it.
  for (const { arn } of configurations)
    if (!services.notifications.allows(targetOf(arn) ?? '', bucket.owner.id))
      throw invalidDestinations([{ arn, reason: NO_SUCH }]);
  const skip = request.headers['x-amz-skip-destination-validation']?.toLowerCase() === 'true';
  if (!skip) await checkDestinations(context, configurations);
  await services.stores.buckets.update(bucket, () => ({
    documents: { [NOTIFICATION_DOCUMENT]: configurations.length === 0 ? null : JSON.stringify(configurations) },
  }));
  return emptyResponse(200);
};

/** @throws S3Error InvalidArgument that names the destinations and what is wrong with each */
async function checkDestinations(
  context: OperationContext,
  configurations: readonly NotificationConfiguration[],
): Promise<void> {
  const { notifications, now } = context.services;
  const owner = context.bucket.owner.id;
  const body = testEvent({ bucketName: context.bucket.name, requestId: context.request.id, nowMs: now() });
  const kinds = new Map(configurations.map(({ arn, kind }) => [arn, kind]));
  const faults = await Promise.all(
    [...kinds].map(async ([arn, kind]) => {
      const target = targetOf(arn) ?? '';
      if (!notifications.has(target) || !notifications.allows(target, owner)) return { arn, reason: NO_SUCH };
      if (kind === 'function') return null;
      const reason = await notifications.test(target, { id: context.request.id, body });
      if (reason === null) return null;
      // Where it is is the operator's business.
      context.log.warn({ target, reason }, 'a notification target does not take the test event');
      return { arn, reason: 'The destination does not take the test event' };
    }),
  );
  const found = faults.filter((one) => one !== null);
  if (found.length > 0) throw invalidDestinations(found);
}

const NO_SUCH = 'The destination does not exist';

function invalidDestinations(faults: readonly { readonly arn: string; readonly reason: string }[]): S3Error {
  const detail: Record<string, string> = {};
  for (const [i, fault] of faults.entries()) {
    detail[`ArgumentName${i + 1}`] = fault.arn;
    detail[`ArgumentValue${i + 1}`] = fault.reason;
  }
  return new S3Error('InvalidArgument', {
    message: 'Unable to validate the following destination configurations',
    detail,
  });
}
