/**
 * A bucket's website: its configuration and the redirects that it asks for. Pure; serving is src/website.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-page-redirect.html
 */
import type { BucketRecord } from '../store/types.js';

/** The bucket document that holds the configuration, JSON. */
export const WEBSITE_DOCUMENT = 'website';

export interface WebsiteRedirect {
  readonly hostName?: string;
  readonly protocol?: 'http' | 'https';
  /** 301, 302, ...; default 301 */
  readonly status?: number;
  readonly replaceKeyWith?: string;
  readonly replaceKeyPrefixWith?: string;
}

export interface RoutingRule {
  readonly keyPrefix?: string;
  /** 400 to 599: of the answer there would be without the rule */
  readonly errorStatus?: number;
  readonly redirect: WebsiteRedirect;
}

export type WebsiteConfiguration =
  | {
      readonly kind: 'redirect';
      readonly hostName: string;
      readonly protocol?: 'http' | 'https';
    }
  | {
      readonly kind: 'pages';
      /** appended to the keys of folders */
      readonly indexSuffix: string;
      readonly errorKey?: string;
      readonly rules: readonly RoutingRule[];
    };

/** What the visitor asked for. */
export interface Visit {
  readonly protocol: 'http' | 'https';
  /** host[:port] as the client named it */
  readonly host: string;
  /** decoded, '' for the root */
  readonly key: string;
  /** as sent */
  readonly rawPath: string;
  readonly rawQuery: string;
}

export interface Redirection {
  readonly status: number;
  readonly location: string;
}

/** null: the bucket is no website */
export function websiteOf(bucket: BucketRecord): WebsiteConfiguration | null {
  const document = bucket.documents[WEBSITE_DOCUMENT];
  return document === undefined ? null : (JSON.parse(document) as WebsiteConfiguration);
}

/** The key that is served for a requested one: folders have an index. */
export function pageKey(key: string, indexSuffix: string): string {
  return key === '' || key.endsWith('/') ? `${key}${indexSuffix}` : key;
}

/**
 * What the first rule that fits says; null: none fits.
 * @param errorStatus null before the page is looked for: only rules without an error condition fit then; afterwards those with it
 */
export function routed(rules: readonly RoutingRule[], visit: Visit, errorStatus: number | null): Redirection | null {
  const rule = rules.find(
    ({ keyPrefix = '', errorStatus: wanted }) => visit.key.startsWith(keyPrefix) && (wanted ?? null) === errorStatus,
  );
  return rule === undefined ? null : redirection(rule, visit);
}

function redirection({ redirect, keyPrefix = '' }: RoutingRule, visit: Visit): Redirection {
  const { replaceKeyWith, replaceKeyPrefixWith, protocol = visit.protocol, hostName = visit.host } = redirect;
  let path: string;
  if (replaceKeyWith !== undefined) path = asWritten(replaceKeyWith);
  else if (replaceKeyPrefixWith === undefined) path = encodeKey(visit.key);
  else path = asWritten(replaceKeyPrefixWith) + encodeKey(visit.key.slice(keyPrefix.length));
  return { status: redirect.status ?? 301, location: withQuery(`${protocol}://${hostName}/${path}`, visit) };
}

/** Every visit goes to another host, the path as it was sent. */
export function redirectedAway(
  { hostName, protocol }: { readonly hostName: string; readonly protocol?: 'http' | 'https' },
  visit: Visit,
): Redirection {
  return { status: 301, location: withQuery(`${protocol ?? visit.protocol}://${hostName}${visit.rawPath}`, visit) };
}

/** A folder that was asked for without its slash: S3 drops the query. */
export function folderRedirection({ protocol, host, key }: Visit): Redirection {
  const path = `/${encodeKey(key)}/`;
  // '//x/' would name a host.
  return { status: 302, location: path.startsWith('//') ? `${protocol}://${host}${path}` : path };
}

function withQuery(location: string, { rawQuery }: Visit): string {
  if (rawQuery === '') return location;
  return `${location}${location.includes('?') ? '&' : '?'}${rawQuery}`;
}

/** What the owner wrote may hold a query, a fragment and escapes; only what no URL can hold is escaped. */
function asWritten(text: string): string {
  return text.replace(/[^!-~]|["<>\\^`{|}]/gu, (character) => encodeURIComponent(character));
}

/** For a Location header; slashes stay. */
function encodeKey(key: string): string {
  return key
    .split('/')
    .map((part) => encodeURIComponent(part))
    .join('/');
}
