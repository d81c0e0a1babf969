/**
 * The rules of Object Lock: what a version's retention and legal hold forbid, and what may become of them. Pure; the checks
 * run on the state that a commit is decided on, so that no request can slip between them and the change.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html
 */
import type { BucketRecord, ObjectVersion, Retention } from '../store/types.js';
import { parseIsoDate } from './dates.js';
import { S3Error, invalidArgument } from './errors.js';

type Headers = Readonly<Record<string, string>>;

export const RETENTION_MODES: readonly Retention['mode'][] = ['GOVERNANCE', 'COMPLIANCE'];

const DAY_MS = 24 * 60 * 60 * 1000;

/** A bucket's rule for new versions that bring no retention of their own: for days, or else for calendar years. */
export interface DefaultRetention {
  readonly mode: Retention['mode'];
  readonly unit: 'days' | 'years';
  readonly count: number;
}

/** What a request says about the lock of the version it creates. */
export interface RequestedLock {
  readonly retention: Retention | null;
  readonly legalHold: boolean;
}

/** The bucket document that holds its DefaultRetention as JSON. */
export const OBJECT_LOCK_DOCUMENT = 'object-lock';

export function defaultRetentionOf(bucket: Pick<BucketRecord, 'objectLock' | 'documents'>): DefaultRetention | null {
  const document = bucket.objectLock ? bucket.documents[OBJECT_LOCK_DOCUMENT] : undefined;
  return document === undefined ? null : (JSON.parse(document) as DefaultRetention);
}

/** The retention of a version created now: its own, else by the bucket's default. */
export function retentionOfNew(
  bucket: Pick<BucketRecord, 'objectLock' | 'documents'>,
  own: Retention | null,
  nowMs: number,
): Retention | null {
  if (own !== null) return own;
  const rule = defaultRetentionOf(bucket);
  return rule === null ? null : { mode: rule.mode, untilMs: untilMs(rule, nowMs) };
}

function untilMs({ unit, count }: DefaultRetention, nowMs: number): number {
  if (unit === 'days') return nowMs + count * DAY_MS;
  const until = new Date(nowMs);
  until.setUTCFullYear(until.getUTCFullYear() + count);
  return until.getTime();
}

/** @throws S3Error InvalidRequest when the bucket has no Object Lock */
export function requireObjectLock(bucket: Pick<BucketRecord, 'objectLock'>): void {
  if (!bucket.objectLock)
    throw new S3Error('InvalidRequest', { message: 'Bucket is missing Object Lock Configuration' });
}

export interface LockJudgement {
  /** ms since the epoch */
  readonly nowMs: number;
  /** The caller asked to bypass governance retention and may. */
  readonly bypass: boolean;
}

type Locked = Pick<ObjectVersion, 'retention' | 'legalHold'>;

/** Whether the version must stay as it is: a legal hold always, compliance until its date, governance unless bypassed. */
export function isProtected({ retention, legalHold }: Locked, { nowMs, bypass }: LockJudgement): boolean {
  if (legalHold) return true;
  if (retention === null || retention.untilMs <= nowMs) return false;
  return retention.mode === 'COMPLIANCE' || !bypass;
}

/** For every version that a change removes. @throws S3Error AccessDenied */
export function checkRemovable(version: Locked, judgement: LockJudgement): void {
  if (isProtected(version, judgement)) throw lockedError();
}

/**
 * PutObjectRetention: a retention that still runs may be extended; anything else needs the governance bypass, and under
 * compliance nothing else is possible. null takes the retention away.
 * @throws S3Error AccessDenied
 */
export function checkRetentionChange(
  { retention }: Pick<ObjectVersion, 'retention'>,
  wanted: Retention | null,
  { nowMs, bypass }: LockJudgement,
): void {
  if (retention === null || retention.untilMs <= nowMs) return;
  if (wanted?.mode === retention.mode && wanted.untilMs >= retention.untilMs) return;
  if (retention.mode === 'COMPLIANCE' || !bypass) throw lockedError();
}

function lockedError(): S3Error {
  return new S3Error('AccessDenied', { message: 'Access Denied because object protected by object lock.' });
}

/** @throws S3Error InvalidArgument when the date has passed */
export function checkFuture(retention: Retention, nowMs: number): void {
  if (retention.untilMs <= nowMs) throw pastDate('RetainUntilDate', isoMs(retention.untilMs));
}

function pastDate(name: string, value: string): S3Error {
  return invalidArgument(name, value, 'The retain until date must be in the future!');
}

const MODE = 'x-amz-object-lock-mode';
const UNTIL = 'x-amz-object-lock-retain-until-date';
const HOLD = 'x-amz-object-lock-legal-hold';

/**
 * The x-amz-object-lock-* headers of a request that creates an object.
 * @throws S3Error InvalidArgument; InvalidRequest when the bucket has no Object Lock
 */
export function requestedLock(
  headers: Headers,
  bucket: Pick<BucketRecord, 'objectLock'>,
  nowMs: number,
): RequestedLock {
  const [mode, until, hold] = [headers[MODE], headers[UNTIL], headers[HOLD]];
  if (mode === undefined && until === undefined && hold === undefined) return { retention: null, legalHold: false };
  // The headers are judged first, as on S3, whatever the bucket is like.
  if (hold !== undefined && hold !== 'ON' && hold !== 'OFF')
    throw invalidArgument(HOLD, hold, "Legal Hold must be either of 'ON' or 'OFF'");
  const retention = requestedRetention(mode, until, nowMs);
  requireObjectLock(bucket);
  return { retention, legalHold: hold === 'ON' };
}

function requestedRetention(mode: string | undefined, until: string | undefined, nowMs: number): Retention | null {
  if (mode === undefined && until === undefined) return null;
  if (mode === undefined || until === undefined)
    throw invalidArgument(mode === undefined ? MODE : UNTIL, '', `${UNTIL} and ${MODE} must both be supplied`);
  const known = RETENTION_MODES.find((candidate) => candidate === mode);
  if (known === undefined) throw invalidArgument(MODE, mode, 'Unknown wormMode directive.');
  const date = parseIsoDate(until);
  if (date === null) throw invalidArgument(UNTIL, until, 'The retain until date must be provided in ISO 8601 format');
  if (date <= nowMs) throw pastDate(UNTIL, until);
  return { mode: known, untilMs: date };
}

/** What the version says of its hold; null when it never had one. OFF is remembered apart: it is an answer of its own on S3. */
export function legalHoldStatus(version: Pick<ObjectVersion, 'legalHold' | 'extra'>): 'ON' | 'OFF' | null {
  if (version.legalHold) return 'ON';
  return version.extra['legalHoldReleased'] === true ? 'OFF' : null;
}

export function withLegalHold(version: ObjectVersion, status: 'ON' | 'OFF'): ObjectVersion {
  return { ...version, legalHold: status === 'ON', extra: { ...version.extra, legalHoldReleased: status === 'OFF' } };
}

/** The headers that reads answer. */
export function lockHeaders(version: Pick<ObjectVersion, 'retention' | 'legalHold' | 'extra'>): Record<string, string> {
  const headers: Record<string, string> = {};
  if (version.retention) {
    headers[MODE] = version.retention.mode;
    headers[UNTIL] = isoMs(version.retention.untilMs);
  }
  const hold = legalHoldStatus(version);
  if (hold !== null) headers[HOLD] = hold;
  return headers;
}

/** ISO 8601 with milliseconds: unlike other times of S3, a retention's end is not rounded to seconds. */
export function isoMs(ms: number): string {
  return new Date(ms).toISOString();
}

/** An object under retention is not taken in without a digest of its bytes. @throws S3Error InvalidRequest */
export function checkDigestUnderLock(
  bucket: Pick<BucketRecord, 'objectLock' | 'documents'>,
  lock: RequestedLock,
  digest: { readonly md5: unknown; readonly algorithm: unknown },
): void {
  if (digest.md5 !== null || digest.algorithm !== null) return;
  if (lock.retention === null && !lock.legalHold && defaultRetentionOf(bucket) === null) return;
  throw new S3Error('InvalidRequest', {
    message:
      'Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with Object Lock parameters',
  });
}
