// Signatures made by hand from AWS's documentation, independently of the server's code, for requests that no SDK sends.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/RESTAuthentication.html
import { createHash, createHmac } from 'node:crypto';
import type { Credentials } from '../support/config.js';
import { REGION } from '../support/config.js';

export const UNSIGNED = 'UNSIGNED-PAYLOAD';
export const EMPTY_SHA256 = createHash('sha256').digest('hex');

type Headers = Readonly<Record<string, string>>;

export interface ToSign {
  readonly method: string;
  /** percent-encoded, without the query */
  readonly path: string;
  /** percent-encoded, `name=value` joined with '&' */
  readonly query?: string;
  /** all headers of the request, `host` too; all are signed */
  readonly headers: Headers;
  /** x-amz-content-sha256 */
  readonly payload?: string;
  readonly credentials: Credentials;
  readonly date?: Date;
}

export interface SignedV4 {
  /** those given, and the ones that carry the signature */
  readonly headers: Record<string, string>;
  readonly signature: string;
  readonly signingKey: Buffer;
  readonly scope: string;
  readonly amzDate: string;
}

export function sha256Hex(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: Buffer | string, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

/** '20260102T030405Z' */
export function amzDateOf(date: Date): string {
  return date.toISOString().replaceAll(/[-:]|\.\d+/g, '');
}

export function signingKeyOf(secret: string, day: string, service = 's3'): Buffer {
  return hmac(hmac(hmac(hmac(`AWS4${secret}`, day), REGION), service), 'aws4_request');
}

/** A URL's target that carries its own signature; `payload` is what the signature says of the body. */
export function presignV4(request: {
  readonly method: string;
  readonly path: string;
  /** names and values, not encoded */
  readonly query: Readonly<Record<string, string>>;
  readonly host: string;
  readonly service: string;
  readonly payload: string;
  readonly credentials: Credentials;
  /** null: the URL says nothing about it; default: 300 */
  readonly expiresSeconds?: number | null;
}): string {
  const { method, path, host, service, payload, credentials, expiresSeconds = 300 } = request;
  const amzDate = amzDateOf(new Date());
  const day = amzDate.slice(0, 8);
  const scope = `${day}/${REGION}/${service}/aws4_request`;
  const query = Object.entries({
    ...request.query,
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${credentials.accessKeyId}/${scope}`,
    'X-Amz-Date': amzDate,
    ...(expiresSeconds !== null && { 'X-Amz-Expires': String(expiresSeconds) }),
    'X-Amz-SignedHeaders': 'host',
  })
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .sort()
    .join('&');
  const canonical = [method, path, query, `host:${host}`, '', 'host', payload].join('\n');
  const signature = hmac(
    signingKeyOf(credentials.secretAccessKey, day, service),
    ['AWS4-HMAC-SHA256', amzDate, scope, sha256Hex(canonical)].join('\n'),
  ).toString('hex');
  return `${path}?${query}&X-Amz-Signature=${signature}`;
}

/** Signature version 4 in the Authorization header. */
export function signV4(request: ToSign): SignedV4 {
  const { method, path, query = '', payload = UNSIGNED, credentials, date = new Date() } = request;
  const amzDate = amzDateOf(date);
  const day = amzDate.slice(0, 8);
  const scope = `${day}/${REGION}/s3/aws4_request`;
  const headers: Record<string, string> = {
    ...request.headers,
    'x-amz-date': amzDate,
    'x-amz-content-sha256': payload,
  };
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  const values = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  names.sort();
  const canonical = [
    method,
    path,
    query
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => (pair.includes('=') ? pair : `${pair}=`))
      .sort()
      .join('&'),
    ...names.map((name) => `${name}:${(values.get(name) ?? '').trim().replaceAll(/ +/g, ' ')}`),
    '',
    names.join(';'),
    payload,
  ].join('\n');
  const signingKey = signingKeyOf(credentials.secretAccessKey, day);
  const signature = hmac(
    signingKey,
    ['AWS4-HMAC-SHA256', amzDate, scope, sha256Hex(Buffer.from(canonical, 'latin1'))].join('\n'),
  ).toString('hex');
  headers['authorization'] =
    `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return { headers, signature, signingKey, scope, amzDate };
}

/** Signature version 2 in the Authorization header; `resource` is the canonical one: '/bucket/key' with sub-resources. */
export function signV2(request: {
  readonly method: string;
  readonly resource: string;
  readonly headers: Headers;
  readonly credentials: Credentials;
}): Record<string, string> {
  const { method, resource, headers, credentials } = request;
  const amz = Object.entries(headers)
    .filter(([name]) => name.startsWith('x-amz-'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}:${value}\n`);
  const dated = 'x-amz-date' in headers ? '' : (headers['date'] ?? '');
  const text = [method, headers['content-md5'] ?? '', headers['content-type'] ?? '', dated, amz.join('') + resource];
  const signature = hmacSha1(credentials.secretAccessKey, text.join('\n'));
  return { ...headers, authorization: `AWS ${credentials.accessKeyId}:${signature}` };
}

export function hmacSha1(secret: string, data: string): string {
  return createHmac('sha1', secret).update(data, 'utf8').digest('base64');
}

/**
 * Frames a body as aws-chunked with a signature per chunk; the chain starts from the request's signature. A trailing header is
 * signed as its last link.
 */
export function signedChunks(
  signed: SignedV4,
  chunks: readonly Buffer[],
  trailer: readonly [string, string] | null = null,
): Buffer {
  let previous = signed.signature;
  const link = (algorithm: string, ...rest: readonly string[]): string => {
    const text = [algorithm, signed.amzDate, signed.scope, previous, ...rest].join('\n');
    previous = hmac(signed.signingKey, text).toString('hex');
    return previous;
  };
  const framed = [...chunks, Buffer.alloc(0)].flatMap((chunk) => {
    const signature = link('AWS4-HMAC-SHA256-PAYLOAD', EMPTY_SHA256, sha256Hex(chunk));
    const header = Buffer.from(`${chunk.length.toString(16)};chunk-signature=${signature}\r\n`);
    // Trailers follow the header of the last, empty chunk at once.
    return chunk.length === 0 && trailer !== null ? [header] : [header, chunk, Buffer.from('\r\n')];
  });
  if (trailer !== null) {
    const [name, value] = trailer;
    const signature = link('AWS4-HMAC-SHA256-TRAILER', sha256Hex(`${name}:${value}\n`));
    framed.push(Buffer.from(`${name}:${value}\r\nx-amz-trailer-signature:${signature}\r\n\r\n`));
  }
  return Buffer.concat(framed);
}

/** Frames a body as unsigned aws-chunked with one trailing header, as SDKs send their checksums. */
export function unsignedChunks(chunks: readonly Buffer[], trailer: readonly [string, string] | null): Buffer {
  const framed = chunks.flatMap((chunk) => [
    Buffer.from(`${chunk.length.toString(16)}\r\n`),
    chunk,
    Buffer.from('\r\n'),
  ]);
  const end = trailer === null ? '0\r\n\r\n' : `0\r\n${trailer[0]}:${trailer[1]}\r\n\r\n`;
  return Buffer.concat([...framed, Buffer.from(end)]);
}
