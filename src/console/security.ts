/**
 * Headers that keep the console's keys to the console. Whoever may write an object may write HTML, and objects share the
 * console's origin: so the page runs scripts of its own folder only, nobody can frame it or hold on to its window, and HTML
 * from buckets runs in an origin of its own. https://www.w3.org/TR/CSP3/, https://html.spec.whatwg.org/#sandboxing
 */
import type { S3Response } from '../s3/operation.js';

/** Of every answer of the console. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
};

const HOST = /^[a-z0-9.-]+(:\d{1,5})?$/i;

/** The page's Content-Security-Policy. host: host[:port] as the browser named it. */
export function pagePolicy(host: string, folder: string): string {
  // Addresses in brackets have no form in a policy.
  const own = HOST.test(host) ? `${host}${folder}` : "'self'";
  return [
    "default-src 'none'",
    `script-src ${own}`,
    `style-src ${own}`,
    "img-src 'self'",
    "media-src 'self'",
    "frame-src 'self'",
    "connect-src 'self'",
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** Types that no browser runs as a document; any other one might be. */
const INERT =
  /^(image\/(?!svg)[\w.+-]+|video\/[\w.+-]+|audio\/[\w.+-]+|font\/[\w.+-]+|text\/(plain|css|csv|markdown)|application\/(octet-stream|pdf|json|zip|gzip|x-tar|x-gzip|wasm|javascript)|text\/javascript|binary\/octet-stream)\s*(;|$)/i;
const SANDBOX =
  'sandbox allow-scripts allow-forms allow-modals allow-popups allow-popups-to-escape-sandbox allow-downloads';

/** An object's answer with a sandbox around it where a browser might run it. */
export function isolated(response: S3Response): S3Response {
  if (INERT.test(response.headers['content-type'] ?? '')) return response;
  return { ...response, headers: { ...response.headers, 'content-security-policy': SANDBOX } };
}
