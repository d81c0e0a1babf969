// SigV4 for the load: header form, UNSIGNED-PAYLOAD. Paths hold no characters that need encoding; queries are canonical already.
import { createHash, createHmac } from 'node:crypto';

export const REGION = 'us-east-1';
export const ACCESS_KEY = process.env.PITHOS_ACCESS_KEY ?? 'AKIAIOSFODNN7EXAMPLE';
export const SECRET_KEY = process.env.PITHOS_SECRET_KEY ?? 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';

const hmac = (key, text) => createHmac('sha256', key).update(text).digest();
const sha256 = (text) => createHash('sha256').update(text).digest('hex');

/** The key of a day, made once: the load generator must not be what is measured. */
let day = { date: '', key: Buffer.alloc(0) };

function signingKey(date) {
  if (day.date !== date) {
    const key = [date, REGION, 's3', 'aws4_request'].reduce((secret, part) => hmac(secret, part), `AWS4${SECRET_KEY}`);
    day = { date, key };
  }
  return day.key;
}

/** Headers of a request, signed now. */
export function signed(method, host, requestPath, query = '') {
  const date = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const scope = `${date.slice(0, 8)}/${REGION}/s3/aws4_request`;
  const names = 'host;x-amz-content-sha256;x-amz-date';
  const canonical =
    `${method}\n${requestPath}\n${query}\n` +
    `host:${host}\nx-amz-content-sha256:UNSIGNED-PAYLOAD\nx-amz-date:${date}\n\n${names}\nUNSIGNED-PAYLOAD`;
  const signature = hmac(
    signingKey(date.slice(0, 8)),
    `AWS4-HMAC-SHA256\n${date}\n${scope}\n${sha256(canonical)}`,
  ).toString('hex');
  return {
    host,
    'x-amz-content-sha256': 'UNSIGNED-PAYLOAD',
    'x-amz-date': date,
    authorization: `AWS4-HMAC-SHA256 Credential=${ACCESS_KEY}/${scope},SignedHeaders=${names},Signature=${signature}`,
  };
}

/** One signed request; answers its headers and body. @throws Error on a status of 300 or more */
export async function ask(url, method, requestPath, { body, query = '' } = {}) {
  const { host } = new URL(url);
  const target = `${url}${requestPath}${query === '' ? '' : `?${query}`}`;
  const response = await fetch(target, { method, headers: signed(method, host, requestPath, query), body });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${requestPath}: ${response.status} ${text}`);
  return { headers: response.headers, text };
}
