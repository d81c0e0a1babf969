/**
 * What the lifecycle rules make of a key, decided inside the commit on its committed state: whatever the listing said, only
 * the version that is there, and is due, goes. Object Lock outranks every rule. Pure.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
 */
import { transitionDue } from '../s3/lifecycle-transitions.js';
import type { Clock, LifecycleConfiguration, Noncurrent, Subject } from '../s3/lifecycle.js';
import { expirationOf, markerExpires, noncurrentExpires } from '../s3/lifecycle.js';
import { isProtected } from '../s3/object-lock.js';
import { deleteChange } from '../s3/versioning.js';
import type { BucketRecord, KeyChange, KeyState, ObjectVersion, VersionEntry } from '../store/types.js';

export interface Judgement {
  readonly bucket: Pick<BucketRecord, 'owner' | 'versioning'>;
  readonly configuration: LifecycleConfiguration;
  readonly clock: Clock;
  readonly key: string;
}

/** A version among those of its key: null is the current one. */
export type Standing = Noncurrent | null;

export type Step =
  | { readonly kind: 'expire'; readonly standing: Standing }
  | { readonly kind: 'removeMarker' }
  | { readonly kind: 'move'; readonly standing: Standing; readonly storageClass: string };

/** Tags are not listed: what they decide is left to the commit. */
export function subjectOfEntry(entry: VersionEntry): Subject {
  return { ...entry, tags: null };
}

function subjectOf(key: string, version: ObjectVersion): Subject {
  return { ...version, key };
}

/** What a listed version seems due for. alone: it is the only version of its key. */
export function stepFor(
  { configuration, clock }: Pick<Judgement, 'configuration' | 'clock'>,
  subject: Subject,
  { standing, alone }: { readonly standing: Standing; readonly alone: boolean },
): Step | null {
  if (standing === null && subject.deleteMarker)
    return alone && markerExpires(configuration, subject, clock) ? { kind: 'removeMarker' } : null;
  if (expires(configuration, subject, standing, clock)) return { kind: 'expire', standing };
  const storageClass = transitionDue(configuration, subject, standing, clock);
  return storageClass === null ? null : { kind: 'move', standing, storageClass };
}

function expires(configuration: LifecycleConfiguration, subject: Subject, standing: Standing, clock: Clock): boolean {
  if (standing !== null) return noncurrentExpires(configuration, subject, standing, clock);
  const due = expirationOf(configuration, subject, clock.dayMs);
  return due !== null && due.atMs <= clock.nowMs;
}

/**
 * The version that a step is about, if it still stands where it stood and the step is still due. How many versions are newer,
 * and since when it is noncurrent, is as listed: the state does not tell.
 */
export function stillDue(judgement: Judgement, state: KeyState, seq: number, step: Step): ObjectVersion | null {
  const { selected, latest, previous } = state;
  if (selected?.seq !== seq) return null;
  const current = latest?.seq === seq;
  const standing = step.kind === 'removeMarker' ? null : step.standing;
  if (current !== (standing === null)) return null;
  const found = stepFor(judgement, subjectOf(judgement.key, selected), { standing, alone: previous === null });
  return found?.kind === step.kind ? selected : null;
}

/** For an expiry: what the commit does; null: nothing any more. */
export function expiryChange(
  judgement: Judgement,
  state: KeyState,
  seq: number,
  step: Exclude<Step, { readonly kind: 'move' }>,
): KeyChange | null {
  const version = stillDue(judgement, state, seq, step);
  if (version === null) return null;
  const { bucket, clock } = judgement;
  const locked = { nowMs: clock.nowMs, bypass: false };
  if (step.kind === 'removeMarker' || step.standing !== null)
    return isProtected(version, locked) ? null : { remove: [version] };
  if (bucket.versioning !== 'enabled' && state.nullVersion !== null && isProtected(state.nullVersion, locked))
    return null;
  return deleteChange(bucket.versioning, state, { owner: bucket.owner, nowMs: clock.nowMs });
}
