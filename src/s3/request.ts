/** What a request asks for, read off its request line and headers without touching the body: pure. */
import { S3Error } from './errors.js';

/** Query parameters, decoded; names are case-sensitive as on S3. The first of a repeated parameter counts. */
export class QueryParams {
  readonly #values = new Map<string, string>();

  constructor(rawQuery: string) {
    if (rawQuery === '') return;
    for (const pair of rawQuery.split('&')) {
      if (pair === '') continue;
      const at = pair.indexOf('=');
      const name = decodeQuery(at < 0 ? pair : pair.slice(0, at));
      if (!this.#values.has(name)) this.#values.set(name, at < 0 ? '' : decodeQuery(pair.slice(at + 1)));
    }
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  get(name: string): string | undefined {
    return this.#values.get(name);
  }

  names(): Iterable<string> {
    return this.#values.keys();
  }

  get size(): number {
    return this.#values.size;
  }
}

export interface S3Request {
  /** request id, as answered in x-amz-request-id */
  readonly id: string;
  readonly method: string;
  /** path as sent: percent-encoded, without scheme, authority and query */
  readonly rawPath: string;
  /** as sent, without '?' */
  readonly rawQuery: string;
  readonly query: QueryParams;
  /** lower-case name -> value as a byte string (one char per byte sent); repeated ones joined with ',' */
  readonly headers: Readonly<Record<string, string>>;
  readonly bucket: string | null;
  /** Whose bucket is meant, where the request says so in Ceph's form 'tenant:bucket'; '' for nobody's in particular. */
  readonly bucketTenant?: string;
  /** decoded; null when the request names no object */
  readonly key: string | null;
  /** the bucket came from the Host header */
  readonly virtualHosted: boolean;
  /** host[:port] the client meant */
  readonly host: string;
  readonly remoteAddress: string;
  /** The client came over TLS, perhaps to a trusted proxy. */
  readonly secure: boolean;
  /** of the connection to this server, '1.3'; absent without TLS */
  readonly tlsVersion?: string;
}

export interface RequestLine {
  readonly method: string;
  /** request target: origin form, absolute form (through a proxy) or '*' */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Target {
  readonly rawPath: string;
  readonly rawQuery: string;
  readonly host: string;
  readonly bucket: string | null;
  readonly bucketTenant?: string;
  readonly key: string | null;
  readonly virtualHosted: boolean;
}

/** What a request is sent to, before bucket and key are read from it. */
export type Address = Pick<Target, 'rawPath' | 'rawQuery' | 'host'>;

/**
 * Finds bucket and key. serviceHosts: the names under which buckets are virtual hosts ('s3.example.com' makes
 * 'b.s3.example.com' bucket b), lower case, without port.
 * @throws S3Error InvalidURI when the path is not percent-encoded UTF-8
 */
export function resolveTarget(line: RequestLine, serviceHosts: readonly string[]): Target {
  return apiTarget(addressOf(line), serviceHosts);
}

/** @throws S3Error InvalidURI */
export function addressOf(line: Omit<RequestLine, 'method'>): Address {
  let { url } = line;
  let host = line.headers['host'] ?? '';
  if (url.charCodeAt(0) !== 0x2f) {
    const absolute = /^https?:\/\/([^/?#]*)(.*)$/is.exec(url);
    if (absolute) {
      host = absolute[1] ?? host;
      url = absolute[2] ?? '';
      const userinfo = host.lastIndexOf('@');
      if (userinfo >= 0) host = host.slice(userinfo + 1);
    }
    if (url === '' || url.startsWith('?')) url = `/${url}`;
    else if (!url.startsWith('/')) throw new S3Error('InvalidURI');
  }
  const hash = url.indexOf('#');
  if (hash >= 0) url = url.slice(0, hash);
  const mark = url.indexOf('?');
  return { rawPath: mark < 0 ? url : url.slice(0, mark), rawQuery: mark < 0 ? '' : url.slice(mark + 1), host };
}

/** A request to the API, as resolveTarget. */
export function apiTarget({ rawPath, rawQuery, host }: Address, serviceHosts: readonly string[]): Target {
  const vhostBucket = bucketOfHost(host, serviceHosts);
  if (vhostBucket !== null)
    return { rawPath, rawQuery, host, bucket: vhostBucket, key: keyOfPath(rawPath), virtualHosted: true };
  const slash = rawPath.indexOf('/', 1);
  const rawBucket = slash < 0 ? rawPath.slice(1) : rawPath.slice(1, slash);
  const rawKey = slash < 0 ? '' : rawPath.slice(slash + 1);
  if (rawBucket === '' && rawKey !== '') throw new S3Error('InvalidBucketName', { detail: { BucketName: '' } });
  return {
    rawPath,
    rawQuery,
    host,
    ...(rawBucket === '' ? { bucket: null } : namedBucket(decodePath(rawBucket))),
    key: rawKey === '' ? null : decodePath(rawKey),
    virtualHosted: false,
  };
}

/** The key of a request whose host says the bucket; null when the path names none. @throws S3Error InvalidURI */
export function keyOfPath(rawPath: string): string | null {
  const rawKey = rawPath.slice(1);
  return rawKey === '' ? null : decodePath(rawKey);
}

/**
 * Ceph's object gateway names other tenants' buckets 'tenant:bucket'. Bucket names are global here, and none has a colon: clients that
 * were written for it find the bucket all the same.
 */
export function namedBucket(name: string): { readonly bucket: string; readonly bucketTenant?: string } {
  const colon = name.indexOf(':');
  if (colon < 0 || colon === name.length - 1) return { bucket: name };
  return { bucket: name.slice(colon + 1), bucketTenant: name.slice(0, colon) };
}

/** The bucket that a host names under the longest of the service's names that fits; null: none fits. */
export function bucketOfHost(host: string, serviceHosts: readonly string[]): string | null {
  const name = hostName(host);
  // A host that is one of the names names no bucket, whatever it lies under.
  if (serviceHosts.includes(name)) return null;
  let bucket: string | null = null;
  for (const service of serviceHosts) {
    const bucketLength = name.length - service.length - 1;
    if (bucketLength <= 0 || !name.endsWith(service) || name.charAt(bucketLength) !== '.') continue;
    if (bucket === null || bucketLength < bucket.length) bucket = name.slice(0, bucketLength);
  }
  return bucket;
}

/** Of a Host header: lower case, without its port. */
export function hostName(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}

function decodePath(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    throw new S3Error('InvalidURI', { cause });
  }
}

function decodeQuery(text: string): string {
  try {
    return decodeFormText(text);
  } catch (cause) {
    throw new S3Error('InvalidURI', { cause });
  }
}

/** Percent-decoding as forms have it, where '+' is a space. @throws URIError when what comes out is not UTF-8 */
export function decodeFormText(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  return spaced.includes('%') ? decodeURIComponent(spaced) : spaced;
}
