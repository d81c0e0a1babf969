/**
 * A bucket's lifecycle rules and what they mean for an object, a version or an upload at a moment. Pure: the gateway's
 * x-amz-expiration headers and the runner in src/gc judge by the same functions.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
 */
import type { BucketRecord } from '../store/types.js';
import { httpDate } from './dates.js';

/** What a rule applies to; null and {} leave an aspect out. */
export interface RuleFilter {
  /** How it was written, to be answered the same way: Prefix beside the actions (deprecated), or in Filter: nothing, one, And */
  readonly form: 'prefix' | 'empty' | 'one' | 'and';
  readonly prefix: string | null;
  readonly tags: Readonly<Record<string, string>>;
  /** exclusive */
  readonly largerThanBytes: number | null;
  /** exclusive */
  readonly smallerThanBytes: number | null;
}

export type Expiration =
  | { readonly kind: 'days'; readonly days: number }
  /** ms since the epoch, midnight UTC */
  | { readonly kind: 'date'; readonly dateMs: number }
  | { readonly kind: 'deleteMarker'; readonly remove: boolean };

export interface NoncurrentExpiration {
  readonly days: number;
  /** so many newer noncurrent versions are kept whatever their age */
  readonly newer: number | null;
}

export type Transition = { readonly storageClass: string } & Exclude<Expiration, { readonly kind: 'deleteMarker' }>;
export type NoncurrentTransition = { readonly storageClass: string } & NoncurrentExpiration;

export interface LifecycleRule {
  readonly id: string;
  readonly enabled: boolean;
  readonly filter: RuleFilter;
  readonly expiration: Expiration | null;
  readonly noncurrentExpiration: NoncurrentExpiration | null;
  readonly abortUploadDays: number | null;
  readonly transitions: readonly Transition[];
  readonly noncurrentTransitions: readonly NoncurrentTransition[];
}

export type TransitionMinimum = 'all_storage_classes_128K' | 'varies_by_storage_class';

export interface LifecycleConfiguration {
  readonly rules: readonly LifecycleRule[];
  /** Which objects are too small for a transition unless a rule's filter names a size. */
  readonly transitionMinimum: TransitionMinimum;
}

/** The bucket document that holds its LifecycleConfiguration as JSON. */
export const LIFECYCLE_DOCUMENT = 'lifecycle';
/** The bucket document in which the runners of several gateways agree who sweeps the bucket and how far that is. */
export const LIFECYCLE_LEASE_DOCUMENT = 'lifecycle-lease';

export function lifecycleOf({ documents }: Pick<BucketRecord, 'documents'>): LifecycleConfiguration | null {
  const document = documents[LIFECYCLE_DOCUMENT];
  return document === undefined ? null : (JSON.parse(document) as LifecycleConfiguration);
}

/** What of a version the rules look at. */
export interface Subject {
  readonly key: string;
  readonly sizeBytes: number;
  readonly lastModified: number;
  readonly deleteMarker: boolean;
  readonly storageClass: string;
  /** null: not known yet; rules that ask for tags then count as matching, and the decision is made when they are read */
  readonly tags: Readonly<Record<string, string>> | null;
}

export interface Clock {
  /** ms since the epoch */
  readonly nowMs: number;
  /** How long a day of the rules lasts: 24 h but in tests. */
  readonly dayMs: number;
}

/**
 * When an age in days is reached: the days added, rounded up to the next midnight UTC, as AWS does.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html#intro-lifecycle-rules-number-of-days
 */
export function dueAfterDays(sinceMs: number, days: number, dayMs: number): number {
  return Math.ceil((sinceMs + days * dayMs) / dayMs) * dayMs;
}

/** A delete marker has neither size nor tags: a filter on them does not match it. */
export function matches(
  filter: RuleFilter,
  subject: Pick<Subject, 'key' | 'sizeBytes' | 'tags' | 'deleteMarker'>,
): boolean {
  const { prefix, tags, largerThanBytes, smallerThanBytes } = filter;
  if (prefix !== null && !subject.key.startsWith(prefix)) return false;
  const tagged = Object.entries(tags);
  if (subject.deleteMarker) return tagged.length === 0 && largerThanBytes === null && smallerThanBytes === null;
  if (largerThanBytes !== null && subject.sizeBytes <= largerThanBytes) return false;
  if (smallerThanBytes !== null && subject.sizeBytes >= smallerThanBytes) return false;
  const own = subject.tags;
  return own === null || tagged.every(([name, value]) => Object.hasOwn(own, name) && own[name] === value);
}

export interface Due {
  /** ms since the epoch */
  readonly atMs: number;
  readonly ruleId: string;
}

function earliest(dues: readonly Due[]): Due | null {
  return dues.reduce<Due | null>((first, due) => (first === null || due.atMs < first.atMs ? due : first), null);
}

function enabledFor(configuration: LifecycleConfiguration, subject: Subject): LifecycleRule[] {
  return configuration.rules.filter((rule) => rule.enabled && matches(rule.filter, subject));
}

/** When the current version, a delete marker or not, expires by its age or by a date; null: never. */
export function expirationOf(configuration: LifecycleConfiguration, subject: Subject, dayMs: number): Due | null {
  return earliest(
    enabledFor(configuration, subject).flatMap(({ id, expiration }) => {
      if (expiration === null || expiration.kind === 'deleteMarker') return [];
      const { lastModified } = subject;
      const atMs = expiration.kind === 'date' ? expiration.dateMs : dueAfterDays(lastModified, expiration.days, dayMs);
      return [{ atMs, ruleId: id }];
    }),
  );
}

/**
 * Whether a delete marker that is all that is left of its key goes: by a rule for such markers at once, and by an ordinary
 * expiration when it is old enough.
 */
export function markerExpires(
  configuration: LifecycleConfiguration,
  marker: Subject,
  { nowMs, dayMs }: Clock,
): boolean {
  const byAge = expirationOf(configuration, marker, dayMs);
  if (byAge !== null && byAge.atMs <= nowMs) return true;
  return enabledFor(configuration, marker).some(
    ({ expiration }) => expiration?.kind === 'deleteMarker' && expiration.remove,
  );
}

/** How a version stands among those of its key. */
export interface Noncurrent {
  /** When the version above it was made: ms since the epoch. */
  readonly sinceMs: number;
  /** noncurrent versions that are newer, delete markers not counted */
  readonly newer: number;
}

export function noncurrentExpires(
  configuration: LifecycleConfiguration,
  subject: Subject,
  noncurrent: Noncurrent,
  clock: Clock,
): boolean {
  return enabledFor(configuration, subject).some(
    ({ noncurrentExpiration: rule }) => rule !== null && noncurrentDue(rule, noncurrent, clock),
  );
}

function noncurrentDue(rule: NoncurrentExpiration, noncurrent: Noncurrent, { nowMs, dayMs }: Clock): boolean {
  return noncurrent.newer >= (rule.newer ?? 0) && dueAfterDays(noncurrent.sinceMs, rule.days, dayMs) <= nowMs;
}

/** When an upload that is not completed is aborted; null: never. */
export function uploadAbortOf(
  configuration: LifecycleConfiguration,
  upload: { readonly key: string; readonly createdAt: number },
  dayMs: number,
): Due | null {
  return earliest(
    configuration.rules.flatMap(({ id, enabled, filter, abortUploadDays: days }) =>
      enabled && days !== null && upload.key.startsWith(filter.prefix ?? '')
        ? [{ atMs: dueAfterDays(upload.createdAt, days, dayMs), ruleId: id }]
        : [],
    ),
  );
}

/** x-amz-expiration of a key's current version. */
export function expirationHeader(
  bucket: Pick<BucketRecord, 'documents'>,
  { key, version, dayMs }: { readonly key: string; readonly version: Omit<Subject, 'key'>; readonly dayMs: number },
): Record<string, string> {
  const configuration = lifecycleOf(bucket);
  const due = configuration === null ? null : expirationOf(configuration, { ...version, key }, dayMs);
  if (due === null) return {};
  return { 'x-amz-expiration': `expiry-date="${httpDate(due.atMs)}", rule-id="${encodeURIComponent(due.ruleId)}"` };
}

/** x-amz-abort-date and x-amz-abort-rule-id of an open upload. */
export function abortHeaders(
  bucket: Pick<BucketRecord, 'documents'>,
  upload: { readonly key: string; readonly createdAt: number },
  dayMs: number,
): Record<string, string> {
  const configuration = lifecycleOf(bucket);
  const due = configuration === null ? null : uploadAbortOf(configuration, upload, dayMs);
  if (due === null) return {};
  return { 'x-amz-abort-date': httpDate(due.atMs), 'x-amz-abort-rule-id': due.ruleId };
}
