/**
 * Condition keys of a request to the query APIs.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 */
import type { S3Request } from '../s3/request.js';
import type { Tags } from './iam-store.js';
import type { ConditionKeys } from './policy-model.js';
import { plainAddress } from './policy-operators.js';

export interface RequestKeyFacts {
  readonly request: S3Request;
  readonly region: string;
  readonly nowMs: number;
}

export function requestKeys({ request, region, nowMs }: RequestKeyFacts): ConditionKeys {
  return {
    get(name) {
      const key = name.toLowerCase();
      const value = key === 'aws:requestedregion' ? region : requestKey(key, { request, nowMs });
      return value === null || value === undefined ? null : [value];
    },
  };
}

/**
 * The keys that come from the request alone, whatever API it is for; null: not one of them.
 * @param key in lower case
 */
export function requestKey(
  key: string,
  { request, nowMs }: Pick<RequestKeyFacts, 'request' | 'nowMs'>,
): string | null | undefined {
  switch (key) {
    case 'aws:sourceip':
      return plainAddress(request.remoteAddress);
    case 'aws:securetransport':
      return String(request.secure);
    case 'aws:useragent':
      return request.headers['user-agent'];
    case 'aws:referer':
      return request.headers['referer'];
    case 'aws:currenttime':
      return new Date(nowMs).toISOString();
    case 'aws:epochtime':
      return String(Math.floor(nowMs / 1000));
    default:
      return null;
  }
}

/** Keys that an action adds to those of its request; lower case. */
export function withKeys(keys: ConditionKeys, added: ReadonlyMap<string, readonly string[]>): ConditionKeys {
  return { get: (name) => added.get(name.toLowerCase()) ?? keys.get(name) };
}

/** Tags as condition keys: of the request, of its session, of what it is about. */
export function tagKeysOf(
  prefix: 'aws:requesttag' | 'aws:principaltag' | 'aws:resourcetag' | 'iam:resourcetag',
  tags: Tags,
): Record<string, string[]> {
  return Object.fromEntries(Object.entries(tags).map(([tag, value]) => [`${prefix}/${tag.toLowerCase()}`, [value]]));
}
