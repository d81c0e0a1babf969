/**
 * What a lifecycle configuration must hold to as a whole, beyond its syntax. Pure.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
 */
import { S3Error, invalidArgument } from './errors.js';
import { TRANSITION_CLASSES } from './lifecycle-transitions.js';
import type { Expiration, LifecycleRule, TransitionMinimum } from './lifecycle.js';

const MAX_ID_LENGTH = 255;
const MAX_PREFIX_BYTES = 1024;
/** Objects stay so long in STANDARD before they may become infrequently accessed ones. */
const MIN_DAYS_BEFORE_IA = 30;

/**
 * @param hasClass whether the bucket's region has a blobstore for a storage class
 * @throws S3Error InvalidArgument, InvalidRequest, InvalidStorageClass, MalformedXML
 */
export function checkLifecycle(rules: readonly LifecycleRule[], hasClass: (storageClass: string) => boolean): void {
  const ids = new Set<string>();
  for (const rule of rules) {
    if (rule.id.length > MAX_ID_LENGTH)
      throw invalidArgument('ID', rule.id, `ID length should not exceed allowed limit of ${MAX_ID_LENGTH}`);
    if (ids.has(rule.id))
      throw invalidArgument('ID', rule.id, 'Rule ID must be unique. Found same ID for more than one rule');
    ids.add(rule.id);
    if (Buffer.byteLength(rule.filter.prefix ?? '') > MAX_PREFIX_BYTES)
      throw invalidRequest(`The maximum size of a prefix is ${MAX_PREFIX_BYTES}.`);
    checkActions(rule);
    checkFilter(rule);
    checkTransitions(rule, hasClass);
  }
}

function checkActions(rule: LifecycleRule): void {
  const { expiration, noncurrentExpiration, abortUploadDays, transitions, noncurrentTransitions } = rule;
  const actions = [expiration, noncurrentExpiration, abortUploadDays].filter((action) => action !== null).length;
  if (actions + transitions.length + noncurrentTransitions.length === 0)
    throw invalidRequest('At least one action needs to be specified in a rule.');
}

/** Delete markers and uploads have neither tags nor a size. */
function checkFilter({ filter, expiration, abortUploadDays, ...rest }: LifecycleRule): void {
  const tagged = Object.keys(filter.tags).length > 0;
  const sized = filter.largerThanBytes !== null || filter.smallerThanBytes !== null;
  const by = tagged ? 'Tags' : 'Object Size';
  if ((tagged || sized) && abortUploadDays !== null)
    throw invalidRequest(`AbortIncompleteMultipartUpload cannot be specified with ${by}.`);
  if ((tagged || sized) && expiration?.kind === 'deleteMarker')
    throw invalidRequest(`ExpiredObjectDeleteMarker cannot be specified with ${by}.`);
  const counts = [rest.noncurrentExpiration, ...rest.noncurrentTransitions].some(
    (action) => typeof action?.newer === 'number',
  );
  if (counts && filter.form === 'prefix')
    throw invalidRequest('NewerNoncurrentVersions can only be specified in a rule with a Filter element.');
}

function checkTransitions(rule: LifecycleRule, hasClass: (storageClass: string) => boolean): void {
  const { transitions, noncurrentTransitions, expiration } = rule;
  for (const list of [transitions, noncurrentTransitions]) {
    const classes = list.map(({ storageClass }) => storageClass);
    for (const storageClass of classes) {
      if (storageClass !== 'STANDARD' && hasClass(storageClass)) continue;
      if (TRANSITION_CLASSES.includes(storageClass))
        throw new S3Error('InvalidStorageClass', { detail: { StorageClassRequested: storageClass } });
      throw new S3Error('MalformedXML');
    }
    if (new Set(classes).size < classes.length)
      throw invalidRequest("'StorageClass' must be different for 'Transition' actions in same 'Rule'.");
  }
  for (const { storageClass, days } of [...daysOf(transitions), ...noncurrentTransitions]) {
    if ((storageClass === 'STANDARD_IA' || storageClass === 'ONEZONE_IA') && days < MIN_DAYS_BEFORE_IA)
      throw invalidArgument(
        'Days',
        String(days),
        `'Days' in Transition action must be greater than or equal to ${MIN_DAYS_BEFORE_IA} for storageClass '${storageClass}'`,
      );
  }
  checkOrder(rule, expiration);
}

function checkOrder({ transitions, filter }: LifecycleRule, expiration: Expiration | null): void {
  const place = `'(prefix=${filter.prefix ?? ''})'`;
  for (const transition of transitions) {
    if (expiration === null || expiration.kind === 'deleteMarker') continue;
    if (expiration.kind !== transition.kind)
      throw invalidRequest(
        `Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for filter ${place}`,
      );
    const [unit, later] =
      expiration.kind === 'days' && transition.kind === 'days'
        ? ['Days', expiration.days > transition.days]
        : expiration.kind === 'date' && transition.kind === 'date'
          ? ['Date', expiration.dateMs > transition.dateMs]
          : ['Date', false];
    if (!later)
      throw invalidArgument(
        unit,
        '',
        `'${unit}' in the Expiration action for filter ${place} must be ${unit === 'Days' ? 'greater' : 'later'} than '${unit}' in the Transition action`,
      );
  }
  if (new Set(transitions.map(({ kind }) => kind)).size > 1)
    throw invalidRequest(
      `Found mixed 'Date' and 'Days' based Transition actions in lifecycle rule for filter ${place}`,
    );
}

function daysOf(transitions: LifecycleRule['transitions']): { storageClass: string; days: number }[] {
  return transitions.flatMap((transition) =>
    transition.kind === 'days' ? [{ storageClass: transition.storageClass, days: transition.days }] : [],
  );
}

export const DEFAULT_TRANSITION_MINIMUM: TransitionMinimum = 'all_storage_classes_128K';
export const TRANSITION_MINIMUM_HEADER = 'x-amz-transition-default-minimum-object-size';

/** x-amz-transition-default-minimum-object-size. @throws S3Error InvalidArgument */
export function transitionMinimumOf(headers: Readonly<Record<string, string>>): TransitionMinimum {
  const value = headers[TRANSITION_MINIMUM_HEADER] ?? DEFAULT_TRANSITION_MINIMUM;
  if (value !== 'all_storage_classes_128K' && value !== 'varies_by_storage_class')
    throw invalidArgument(TRANSITION_MINIMUM_HEADER, value);
  return value;
}

function invalidRequest(message: string): S3Error {
  return new S3Error('InvalidRequest', { message });
}
