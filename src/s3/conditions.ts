/**
 * HTTP conditional requests (RFC 9110 section 13) as S3 documents them, on reads, copies and writes. Pure.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
 */
import type { ObjectVersion } from '../store/types.js';
import { parseHttpDate } from './dates.js';
import { S3Error } from './errors.js';

type Headers = Readonly<Record<string, string>>;

/** Does a list of entity tags ('"a", W/"b"', or '*') name this one? Quotes are optional, as clients of S3 leave them out. */
export function etagListMatches(list: string, etag: string): boolean {
  for (const item of list.split(',')) {
    const tag = item.trim();
    if (tag === '*') return true;
    const bare = tag.replace(/^W\//, '').replace(/^"(.*)"$/, '$1');
    if (bare === etag) return true;
  }
  return false;
}

/** HTTP dates have whole seconds. */
function seconds(ms: number): number {
  return Math.floor(ms / 1000);
}

interface Conditions {
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
  readonly ifModifiedSince: number | null;
  readonly ifUnmodifiedSince: number | null;
}

function conditionsOf(headers: Headers, prefix: string): Conditions {
  const date = (name: string): number | null => {
    const value = headers[prefix + name];
    return value === undefined ? null : parseHttpDate(value);
  };
  return {
    ifMatch: headers[`${prefix}if-match`],
    ifNoneMatch: headers[`${prefix}if-none-match`],
    ifModifiedSince: date('if-modified-since'),
    ifUnmodifiedSince: date('if-unmodified-since'),
  };
}

type Verdict =
  | { readonly kind: 'pass' }
  | { readonly kind: 'notModified' }
  | { readonly kind: 'failed'; readonly condition: string };

function judge(conditions: Conditions, version: Pick<ObjectVersion, 'etag' | 'lastModified'>): Verdict {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions;
  if (ifMatch !== undefined) {
    if (!etagListMatches(ifMatch, version.etag)) return { kind: 'failed', condition: 'If-Match' };
  } else if (ifUnmodifiedSince !== null && seconds(version.lastModified) > seconds(ifUnmodifiedSince)) {
    return { kind: 'failed', condition: 'If-Unmodified-Since' };
  }
  if (ifNoneMatch !== undefined) {
    if (etagListMatches(ifNoneMatch, version.etag)) return { kind: 'notModified' };
  } else if (ifModifiedSince !== null && seconds(version.lastModified) <= seconds(ifModifiedSince)) {
    return { kind: 'notModified' };
  }
  return { kind: 'pass' };
}

/** GET and HEAD. @throws S3Error PreconditionFailed, or NotModified (304) */
export function checkRead(headers: Headers, version: Pick<ObjectVersion, 'etag' | 'lastModified'>): void {
  const verdict = judge(conditionsOf(headers, ''), version);
  if (verdict.kind === 'failed') throw new S3Error('PreconditionFailed', { detail: { Condition: verdict.condition } });
  if (verdict.kind === 'notModified') throw new S3Error('NotModified');
}

/** The x-amz-copy-source-if-* headers: not modified is a failed precondition there. */
export function checkCopySource(headers: Headers, version: Pick<ObjectVersion, 'etag' | 'lastModified'>): void {
  const prefix = 'x-amz-copy-source-';
  const verdict = judge(conditionsOf(headers, prefix), version);
  if (verdict.kind !== 'pass') throw failedCondition(prefix, verdict);
}

/**
 * RenameObject: x-amz-rename-source-if-* are about the source, If-* about what is at the destination. If-Match and
 * If-Modified-Since want something to be there.
 * @throws S3Error PreconditionFailed
 */
export function checkRename(headers: Headers, source: ObjectVersion, latest: ObjectVersion | null): void {
  const prefix = 'x-amz-rename-source-';
  const verdict = judge(conditionsOf(headers, prefix), source);
  if (verdict.kind !== 'pass') throw failedCondition(prefix, verdict);
  const conditions = conditionsOf(headers, '');
  const current = latest !== null && !latest.deleteMarker ? latest : null;
  if (current === null) {
    const wanted = conditions.ifMatch === undefined ? 'If-Modified-Since' : 'If-Match';
    if (conditions.ifMatch !== undefined || conditions.ifModifiedSince !== null)
      throw failedCondition('', { kind: 'failed', condition: wanted });
    return;
  }
  const there = judge(conditions, current);
  if (there.kind !== 'pass') throw failedCondition('', there);
}

function failedCondition(prefix: string, verdict: Exclude<Verdict, { readonly kind: 'pass' }>): S3Error {
  const condition = verdict.kind === 'failed' ? verdict.condition : 'If-None-Match';
  return new S3Error('PreconditionFailed', { detail: { Condition: `${prefix}${condition}` } });
}

/**
 * If-Match and If-None-Match on PutObject, CopyObject and CompleteMultipartUpload, judged on the newest version at commit.
 * If-None-Match takes '*' on AWS; an ETag list is accepted here and means the same as in HTTP.
 * @throws S3Error PreconditionFailed, or NoSuchKey for If-Match on a key that does not exist
 */
export function checkWrite(headers: Headers, latest: ObjectVersion | null): void {
  const current = latest !== null && !latest.deleteMarker ? latest : null;
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined) {
    if (current === null) throw new S3Error('NoSuchKey');
    if (!etagListMatches(ifMatch, current.etag))
      throw new S3Error('PreconditionFailed', { detail: { Condition: 'If-Match' } });
  }
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined && current !== null && etagListMatches(ifNoneMatch, current.etag))
    throw new S3Error('PreconditionFailed', { detail: { Condition: 'If-None-Match' } });
}

export interface DeleteConditions {
  readonly etag: string | undefined;
  /** ms since the epoch */
  readonly lastModified: number | undefined;
  readonly sizeBytes: number | undefined;
}

/** If-Match, x-amz-if-match-last-modified-time and x-amz-if-match-size of DeleteObject. */
export function deleteConditionsOf(headers: Headers): DeleteConditions {
  const time = headers['x-amz-if-match-last-modified-time'];
  const size = headers['x-amz-if-match-size'];
  const lastModified = time === undefined ? undefined : (parseHttpDate(time) ?? Date.parse(time));
  if (lastModified !== undefined && Number.isNaN(lastModified))
    throw new S3Error('InvalidArgument', {
      detail: { ArgumentName: 'x-amz-if-match-last-modified-time', ArgumentValue: time ?? '' },
    });
  const sizeBytes = size === undefined ? undefined : Number(size);
  if (sizeBytes !== undefined && !Number.isSafeInteger(sizeBytes))
    throw new S3Error('InvalidArgument', {
      detail: { ArgumentName: 'x-amz-if-match-size', ArgumentValue: size ?? '' },
    });
  return { etag: headers['if-match'], lastModified, sizeBytes };
}

/**
 * Size and time hold of what does not exist, as AWS documents them; an ETag does not.
 * @throws S3Error PreconditionFailed; NoSuchKey when the key (or its newest version) does not exist and an ETag is wanted
 */
export function checkDelete(conditions: DeleteConditions, target: ObjectVersion | null): void {
  const { etag, lastModified, sizeBytes } = conditions;
  if (etag === undefined && lastModified === undefined && sizeBytes === undefined) return;
  if (target === null) {
    if (etag !== undefined) throw new S3Error('NoSuchKey');
    return;
  }
  const failed = (condition: string): S3Error =>
    new S3Error('PreconditionFailed', { detail: { Condition: condition } });
  if (etag !== undefined && (target.deleteMarker ? etag.trim() !== '*' : !etagListMatches(etag, target.etag)))
    throw failed('If-Match');
  if (lastModified !== undefined && seconds(target.lastModified) !== seconds(lastModified))
    throw failed('x-amz-if-match-last-modified-time');
  if (sizeBytes !== undefined && (target.deleteMarker || target.sizeBytes !== sizeBytes))
    throw failed('x-amz-if-match-size');
}
