/**
 * Which storage class the lifecycle rules want a version in. Pure.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
 */
import type {
  Clock,
  LifecycleConfiguration,
  LifecycleRule,
  Noncurrent,
  Subject,
  TransitionMinimum,
} from './lifecycle.js';
import { dueAfterDays, matches } from './lifecycle.js';

/** Objects only move down this list. A class of another name stands behind STANDARD. */
const WATERFALL = [
  'STANDARD',
  'STANDARD_IA',
  'INTELLIGENT_TIERING',
  'ONEZONE_IA',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
];

const MINIMUM_BYTES = 128 * 1024;

/** AWS's names of classes that a transition may go to. */
export const TRANSITION_CLASSES: readonly string[] = WATERFALL.slice(1);

function rank(storageClass: string): number {
  const index = WATERFALL.indexOf(storageClass);
  return index < 0 ? 0.5 : index;
}

interface Candidate {
  readonly storageClass: string;
  readonly atMs: number;
}

/** The class that a version should be in by now; null: where it is. noncurrent: null for the current version. */
export function transitionDue(
  configuration: LifecycleConfiguration,
  subject: Subject,
  noncurrent: Noncurrent | null,
  clock: Clock,
): string | null {
  if (subject.deleteMarker) return null;
  let best: Candidate | null = null;
  for (const rule of configuration.rules) {
    if (!rule.enabled || !matches(rule.filter, subject)) continue;
    const candidates = noncurrent === null ? currentOf(rule, subject, clock) : noncurrentOf(rule, noncurrent, clock);
    for (const candidate of candidates) {
      if (candidate.atMs > clock.nowMs || rank(candidate.storageClass) <= rank(subject.storageClass)) continue;
      if (tooSmall(rule, subject.sizeBytes, candidate.storageClass, configuration.transitionMinimum)) continue;
      if (best === null || rank(candidate.storageClass) > rank(best.storageClass)) best = candidate;
    }
  }
  return best?.storageClass ?? null;
}

function currentOf(rule: LifecycleRule, { lastModified }: Subject, { dayMs }: Clock): Candidate[] {
  return rule.transitions.map((transition) => ({
    storageClass: transition.storageClass,
    atMs: transition.kind === 'date' ? transition.dateMs : dueAfterDays(lastModified, transition.days, dayMs),
  }));
}

function noncurrentOf(rule: LifecycleRule, { sinceMs, newer }: Noncurrent, { dayMs }: Clock): Candidate[] {
  return rule.noncurrentTransitions
    .filter((transition) => newer >= (transition.newer ?? 0))
    .map(({ storageClass, days }) => ({ storageClass, atMs: dueAfterDays(sinceMs, days, dayMs) }));
}

/** A rule whose filter names a size decides by itself what is worth moving. */
function tooSmall(
  { filter }: LifecycleRule,
  sizeBytes: number,
  storageClass: string,
  minimum: TransitionMinimum,
): boolean {
  if (filter.largerThanBytes !== null || filter.smallerThanBytes !== null) return false;
  if (minimum === 'varies_by_storage_class' && (storageClass === 'GLACIER' || storageClass === 'DEEP_ARCHIVE'))
    return false;
  return sizeBytes < MINIMUM_BYTES;
}
