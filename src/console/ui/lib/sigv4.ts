/**
 * AWS Signature Version 4, S3's dialect: headers, and presigned URLs.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
import type { Bytes } from './bytes.js';
import { hex, utf8 } from './bytes.js';
import { hmacSha256, sha256 } from './sha256.js';

export interface Keys {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken: string | null;
}

export type Service = 's3' | 'iam' | 'sts';
export type Query = readonly (readonly [name: string, value: string])[];

export interface SigningScope {
  readonly keys: Keys;
  readonly region: string;
  readonly service: Service;
  readonly nowMs: number;
}

export interface Signable {
  readonly method: string;
  /** percent-encoded */
  readonly path: string;
  /** decoded */
  readonly query: Query;
  readonly host: string;
  /** lower-case names; all x-amz-* ones are signed */
  readonly headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body in hex, or UNSIGNED-PAYLOAD */
  readonly payloadHash: string;
}

export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';
const ALGORITHM = 'AWS4-HMAC-SHA256';

/** RFC 3986's unreserved characters stay, all others are escaped as UTF-8. */
export function encodeRfc3986(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** '/bucket/a/key', percent-encoded. A key's slashes stay. */
export function objectPath(bucket: string | null, key: string | null): string {
  if (bucket === null) return '/';
  return `/${encodeRfc3986(bucket)}${key === null ? '' : `/${key.split('/').map(encodeRfc3986).join('/')}`}`;
}

export function queryText(query: Query): string {
  return query.map(([name, value]) => `${encodeRfc3986(name)}=${encodeRfc3986(value)}`).join('&');
}

/** The headers to send besides those given. */
export async function signedHeaders(request: Signable, scope: SigningScope): Promise<Record<string, string>> {
  const date = isoBasic(scope.nowMs);
  const extra: Record<string, string> = {
    'x-amz-date': date,
    'x-amz-content-sha256': request.payloadHash,
    ...(scope.keys.sessionToken === null ? {} : { 'x-amz-security-token': scope.keys.sessionToken }),
  };
  const all: Record<string, string> = { ...request.headers, ...extra, host: request.host };
  const names = Object.keys(all)
    .filter((name) => name === 'host' || name.startsWith('x-amz-'))
    .sort();
  const { signature, credential } = await sign({ ...request, headers: all }, names, date, scope);
  extra['authorization'] =
    `${ALGORITHM} Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return extra;
}

/** The query of a presigned URL. */
export async function presignedQuery(
  request: Omit<Signable, 'headers' | 'payloadHash'>,
  scope: SigningScope,
  expiresSeconds: number,
): Promise<string> {
  const date = isoBasic(scope.nowMs);
  const { keys } = scope;
  const query: Query = [
    ...request.query,
    ['X-Amz-Algorithm', ALGORITHM],
    ['X-Amz-Credential', `${keys.accessKey}/${scopeText(date, scope)}`],
    ['X-Amz-Date', date],
    ['X-Amz-Expires', String(expiresSeconds)],
    ['X-Amz-SignedHeaders', 'host'],
    ...(keys.sessionToken === null ? [] : ([['X-Amz-Security-Token', keys.sessionToken]] as const)),
  ];
  const signable = { ...request, query, headers: { host: request.host }, payloadHash: UNSIGNED_PAYLOAD };
  const { signature } = await sign(signable, ['host'], date, scope);
  return queryText([...query, ['X-Amz-Signature', signature]]);
}

async function sign(
  { method, path, query, headers, payloadHash }: Signable,
  names: readonly string[],
  date: string,
  scope: SigningScope,
): Promise<{ readonly signature: string; readonly credential: string }> {
  const canonicalQuery = query
    .map(([name, value]) => `${encodeRfc3986(name)}=${encodeRfc3986(value)}`)
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    .join('&');
  const lines = names.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`).join('');
  const canonical = [method, path, canonicalQuery, lines, names.join(';'), payloadHash].join('\n');
  const text = scopeText(date, scope);
  const toSign = [ALGORITHM, date, text, hex(await sha256(utf8(canonical)))].join('\n');
  const signature = hex(await hmacSha256(await signingKey(date, scope), utf8(toSign)));
  return { signature, credential: `${scope.keys.accessKey}/${text}` };
}

function scopeText(date: string, { region, service }: SigningScope): string {
  return `${date.slice(0, 8)}/${region}/${service}/aws4_request`;
}

async function signingKey(date: string, { keys, region, service }: SigningScope): Promise<Bytes> {
  let key = utf8(`AWS4${keys.secretKey}`);
  for (const part of [date.slice(0, 8), region, service, 'aws4_request']) key = await hmacSha256(key, utf8(part));
  return key;
}

/** 20260102T030405Z */
export function isoBasic(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d+/g, '');
}
