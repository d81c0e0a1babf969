/**
 * What policies can ask about a request: the condition keys and their values.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html#amazons3-policy-keys and
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 */
import { parseIsoBasic } from '../auth/dates.js';
import type { ConditionKeys, PolicyPrincipal } from '../iam/policy.js';
import { requestKey } from '../iam/iam-request-keys.js';
import type { BucketRecord, Retention } from '../store/types.js';
import type { Identity } from './context.js';
import type { S3Request } from './request.js';
import { decodeFormText } from './request.js';
import type { Tags } from './tagging.js';
import { parseTaggingHeader } from './tagging.js';

/** Values of keys, lower-case name -> values: what is known beyond the request, or better than from it. */
export type ExtraKeys = ReadonlyMap<string, readonly string[]>;

export interface RequestFacts {
  readonly request: S3Request;
  readonly principal: PolicyPrincipal;
  /** null: the request is about no bucket that is there */
  readonly bucket: BucketRecord | null;
  /** of the operations table */
  readonly operation: string;
  /** ms since the epoch */
  readonly nowMs: number;
  readonly extra: ExtraKeys;
}

/** A tenant's access keys of the configuration are those of its account's root; users and roles have their own. */
export function principalOf(identity: Identity): PolicyPrincipal {
  if (identity.kind === 'anonymous')
    return { type: 'Anonymous', account: null, names: [], id: 'anonymous', userName: null, actsForUsers: false };
  return identity.caller.principal;
}

const CREATIONS: ReadonlySet<string> = new Set(['PutObject', 'CopyObject', 'PostObject', 'CompleteMultipartUpload']);

/** Each value is found when a policy asks for it. */
export function conditionKeys(facts: RequestFacts): ConditionKeys {
  let requestTags: ExtraKeys | null = null;
  return {
    get(name) {
      const key = name.toLowerCase();
      const extra = facts.extra.get(key);
      if (extra !== undefined) return extra;
      if (key.startsWith('s3:requestobjecttag'))
        return (requestTags ??= tagsOfHeader(facts.request.headers['x-amz-tagging'])).get(key) ?? null;
      const value = key.startsWith('aws:') ? globalKey(facts, key) : s3Key(facts, key);
      return value === null || value === undefined ? null : [value];
    },
  };
}

function globalKey({ request, principal, bucket, nowMs }: RequestFacts, key: string): string | null | undefined {
  switch (key) {
    case 'aws:requestedregion':
      return bucket?.region;
    case 'aws:resourceaccount':
      return bucket?.owner.id;
    case 'aws:principaltype':
      return principal.type;
    case 'aws:userid':
      return principal.id;
    case 'aws:username':
      return principal.userName;
    case 'aws:principalaccount':
      return principal.account;
    case 'aws:principalarn':
      return principal.account === null ? null : principal.names[0];
    case 'aws:principalisawsservice':
    case 'aws:viaawsservice':
      return principal.account === null ? null : 'false';
    default:
      return requestKey(key, { request, nowMs });
  }
}

/** Keys that the listing of a bucket has. */
const LISTING_PARAMETERS: ReadonlyMap<string, string> = new Map([
  ['s3:prefix', 'prefix'],
  ['s3:delimiter', 'delimiter'],
  ['s3:max-keys', 'max-keys'],
]);

function s3Key(facts: RequestFacts, key: string): string | null | undefined {
  const { request, bucket, operation } = facts;
  const { headers, query } = request;
  const parameter = LISTING_PARAMETERS.get(key);
  if (parameter !== undefined) return request.key === null ? query.get(parameter) : null;
  switch (key) {
    case 's3:resourceaccount':
      return bucket?.owner.id;
    case 's3:versionid':
      return query.get('versionId');
    case 's3:x-amz-copy-source':
      return copySource(headers['x-amz-copy-source']);
    case 's3:x-amz-content-sha256':
      return headers['x-amz-content-sha256'] ?? query.get('X-Amz-Content-Sha256');
    case 's3:if-match':
    case 's3:if-none-match':
      return headers[key.slice('s3:'.length)];
    case 's3:objectcreationoperation':
      return String(CREATIONS.has(operation));
    case 's3:signatureversion':
    case 's3:authtype':
    case 's3:signatureage':
      return signatureKey(facts, key);
    case 's3:object-lock-mode':
    case 's3:object-lock-retain-until-date':
    case 's3:object-lock-legal-hold':
      return headers[`x-amz-${key.slice('s3:'.length)}`];
    case 's3:object-lock-remaining-retention-days':
      return remainingDays(headers['x-amz-object-lock-retain-until-date'], facts.nowMs);
    case 's3:tlsversion':
      return request.tlsVersion;
    default:
      return key.startsWith('s3:x-amz-') ? headers[key.slice('s3:'.length)] : null;
  }
}

/** 'bucket/key': without a leading slash, escapes and version id, however it was sent. */
function copySource(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const mark = header.lastIndexOf('?versionId=');
  const path = mark < 0 ? header : header.slice(0, mark);
  try {
    return decodeFormText(path).replace(/^\//, '');
  } catch {
    return path;
  }
}

function remainingDays(date: string | undefined, nowMs: number): string | undefined {
  const untilMs = date === undefined ? Number.NaN : Date.parse(date);
  return Number.isNaN(untilMs) ? undefined : String(Math.floor((untilMs - nowMs) / (24 * 60 * 60 * 1000)));
}

const V4 = 'AWS4-HMAC-SHA256';

/** https://docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html */
function signatureKey({ request, nowMs }: RequestFacts, key: string): string | null {
  const { headers, query } = request;
  const { authorization } = headers;
  const inQuery = authorization === undefined;
  const v4 = inQuery ? query.has('X-Amz-Signature') : authorization.startsWith(V4);
  if (inQuery && !v4 && !query.has('Signature')) return null;
  if (key === 's3:signatureversion') return v4 ? V4 : 'AWS';
  if (key === 's3:authtype') return inQuery ? 'REST-QUERY-STRING' : 'REST-HEADER';
  // How long ago it was signed, in ms; a presigned URL of version 2 does not tell.
  const date = inQuery ? query.get('X-Amz-Date') : (headers['x-amz-date'] ?? headers['date']);
  const signedMs = date === undefined ? null : (parseIsoBasic(date) ?? Date.parse(date));
  return signedMs === null || Number.isNaN(signedMs) ? null : String(Math.max(0, nowMs - signedMs));
}

/** A header that is refused later has no tags. */
function tagsOfHeader(header: string | undefined): ExtraKeys {
  try {
    return header === undefined ? new Map<string, string[]>() : requestTagKeys(parseTaggingHeader(header));
  } catch {
    return new Map<string, string[]>();
  }
}

/** s3:RequestObjectTag/* and s3:RequestObjectTagKeys of a tag set that is to be put. */
export function requestTagKeys(tags: Tags): ExtraKeys {
  const names = Object.keys(tags);
  const keys = new Map(tagKeys('s3:requestobjecttag/', tags));
  return names.length === 0 ? keys : keys.set('s3:requestobjecttagkeys', names);
}

/** s3:object-lock-* of a retention that is to be put; null takes it away. */
export function retentionKeys(retention: Retention | null, nowMs: number): ExtraKeys {
  if (retention === null) return new Map<string, string[]>();
  const date = new Date(retention.untilMs).toISOString();
  return new Map([
    ['s3:object-lock-mode', [retention.mode]],
    ['s3:object-lock-retain-until-date', [date]],
    ['s3:object-lock-remaining-retention-days', [remainingDays(date, nowMs) ?? '']],
  ]);
}

/** s3:ExistingObjectTag/* of an object that has these tags. */
export function existingTagKeys(tags: Tags): ExtraKeys {
  return new Map(tagKeys('s3:existingobjecttag/', tags));
}

function tagKeys(prefix: string, tags: Tags): [string, readonly string[]][] {
  return Object.entries(tags).map(([tag, value]) => [prefix + tag.toLowerCase(), [value]]);
}
