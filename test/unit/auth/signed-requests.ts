/** Requests signed by hand, for the tests that then break them. */
import { createHmac } from 'node:crypto';
import { deriveSigningKey, sha256Hex, signV4 } from '../../../src/auth/signatures.js';
import { EXAMPLE, signingRequest } from './support.js';

/** The moment at which these requests are signed. */
export const NOW_MS = Date.UTC(2026, 4, 24, 12);
export const DATE = '20260524T120000Z';
/** SHA-256 of nothing. */
export const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

interface V4Parts {
  method?: string;
  path?: string;
  query?: string;
  date?: string;
  region?: string;
  service?: string;
  accessKey?: string;
  headers?: Record<string, string>;
  unsigned?: Record<string, string>;
}

/** A correctly signed request; its target must be in canonical form already. */
export function v4Request(parts: V4Parts = {}) {
  const { method = 'GET', path = '/b/k', query = '', date = DATE, region = 'us-east-1', service = 's3' } = parts;
  const headers: Record<string, string> = {
    host: 'h',
    'x-amz-content-sha256': EMPTY,
    'x-amz-date': date,
    ...parts.headers,
  };
  const names = Object.keys(headers).sort();
  const lines = names.map((name) => `${name}:${headers[name] ?? ''}\n`).join('');
  const canonicalRequest = `${method}\n${path}\n${query}\n${lines}\n${names.join(';')}\n${headers['x-amz-content-sha256'] ?? ''}`;
  const scope = `${date.slice(0, 8)}/${region}/${service}/aws4_request`;
  const key = deriveSigningKey(EXAMPLE.secret, { date: date.slice(0, 8), region, service });
  const signature = signV4(key, `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256Hex(canonicalRequest)}`);
  const authorization = `AWS4-HMAC-SHA256 Credential=${parts.accessKey ?? EXAMPLE.accessKey}/${scope}, SignedHeaders=${names.join(';')}, Signature=${signature}`;
  return signingRequest(method, query === '' ? path : `${path}?${query}`, {
    ...headers,
    ...parts.unsigned,
    authorization,
  });
}

export function presigned(parameters: Record<string, string | undefined>, unsigned: Record<string, string> = {}) {
  const values: Record<string, string | undefined> = {
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${EXAMPLE.accessKey}/20260524/us-east-1/s3/aws4_request`,
    'X-Amz-Date': DATE,
    'X-Amz-Expires': '600',
    'X-Amz-SignedHeaders': 'host',
    ...parameters,
  };
  const query = Object.entries(values)
    .filter((entry): entry is [string, string] => entry[1] !== undefined)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .sort();
  const canonicalRequest = `GET\n/b/k\n${query.join('&')}\nhost:h\n\nhost\nUNSIGNED-PAYLOAD`;
  const date = parameters['X-Amz-Date'] ?? DATE;
  const key = deriveSigningKey(EXAMPLE.secret, { date: date.slice(0, 8), region: 'us-east-1', service: 's3' });
  const scope = `${date.slice(0, 8)}/us-east-1/s3/aws4_request`;
  const signature = signV4(key, `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256Hex(canonicalRequest)}`);
  return signingRequest('GET', `/b/k?${query.join('&')}&X-Amz-Signature=${signature}`, { host: 'h', ...unsigned });
}

export function v2Request(headers: Record<string, string>, target = '/b/k') {
  const amzDate = headers['x-amz-date'];
  const stringToSign = `GET\n\n\n${amzDate === undefined ? (headers.date ?? '') : `\nx-amz-date:${amzDate}`}\n${target}`;
  const signature = createHmac('sha1', EXAMPLE.secret).update(stringToSign).digest('base64');
  return signingRequest('GET', target, { ...headers, authorization: `AWS ${EXAMPLE.accessKey}:${signature}` });
}
