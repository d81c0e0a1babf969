/**
 * The web console under /-/console/ of the S3 port: no bucket can be named '-', and on one origin the page needs no CORS and no
 * address of its own. Files only: whatever the console shows and does goes through the S3, IAM and admin APIs, signed in the
 * browser.
 */
import type { S3Request } from '../s3/request.js';
import type { S3Response } from '../s3/operation.js';
import type { Asset } from './assets.js';
import { INDEX } from './assets.js';
import { isolated, PAGE_HEADERS, pagePolicy } from './security.js';

/** Where the console is, with the slash at its end. */
export const CONSOLE_PATH = '/-/console/';
/** The page asks for it: what it has to know of the server before anybody has logged in. */
const SETTINGS = 'settings.json';
const YEAR_S = 31_536_000;

export interface ConsoleOptions {
  readonly assets: ReadonlyMap<string, Asset>;
  readonly region: string;
  readonly version: string;
}

type Visit = Pick<S3Request, 'method' | 'rawPath' | 'rawQuery' | 'headers' | 'host' | 'virtualHosted'>;

export class Console {
  readonly #assets: ReadonlyMap<string, Asset>;
  readonly #settings: Buffer;

  constructor({ assets, region, version }: ConsoleOptions) {
    this.#assets = assets;
    this.#settings = Buffer.from(JSON.stringify({ region, version }));
  }

  /** The answer to a request for the console; null: it is for an API. */
  answer(visit: Visit): S3Response | null {
    if (visit.virtualHosted) return null;
    if (wantsFrontPage(visit)) return redirect();
    if (visit.rawPath === CONSOLE_PATH.slice(0, -1)) return readOnly(visit) ?? redirect();
    if (!visit.rawPath.startsWith(CONSOLE_PATH)) return null;
    return readOnly(visit) ?? this.#file(visit, visit.rawPath.slice(CONSOLE_PATH.length));
  }

  /**
   * What an object that browsers would run is answered with besides: on the console's origin its scripts must not get at the
   * console's keys, so the browser gives it an origin of its own.
   */
  isolate(request: Pick<S3Request, 'virtualHosted'>, response: S3Response): S3Response {
    return request.virtualHosted ? response : isolated(response);
  }

  #file(visit: Visit, name: string): S3Response {
    if (name === SETTINGS)
      return {
        status: 200,
        headers: { ...PAGE_HEADERS, 'content-type': 'application/json', 'cache-control': 'no-store' },
        body: this.#settings,
      };
    const asset = this.#assets.get(name === '' ? INDEX : name);
    if (asset === undefined) return plain(404, 'The console has no such file.\n');
    const headers: Record<string, string> = {
      ...PAGE_HEADERS,
      'content-security-policy': pagePolicy(visit.host, CONSOLE_PATH),
      'content-type': asset.contentType,
      'cache-control': asset.hashed ? `public, max-age=${YEAR_S}, immutable` : 'no-cache',
      etag: asset.etag,
      vary: 'accept-encoding',
    };
    if (visit.headers['if-none-match']?.includes(asset.etag) === true) return { status: 304, headers, body: null };
    if (asset.gzip === null || !/\bgzip\b/.test(visit.headers['accept-encoding'] ?? ''))
      return { status: 200, headers, body: asset.body };
    return { status: 200, headers: { ...headers, 'content-encoding': 'gzip' }, body: asset.gzip };
  }
}

/** Somebody typed the server's address into a browser. Clients of the API sign, or do not ask for HTML. */
function wantsFrontPage({ method, rawPath, rawQuery, headers }: Visit): boolean {
  return (
    method === 'GET' &&
    rawPath === '/' &&
    rawQuery === '' &&
    headers['authorization'] === undefined &&
    /\btext\/html\b/.test(headers['accept'] ?? '')
  );
}

function readOnly({ method }: Visit): S3Response | null {
  if (method === 'GET' || method === 'HEAD') return null;
  const answer = plain(405, 'The console can only be read.\n');
  return { ...answer, headers: { ...answer.headers, allow: 'GET, HEAD' } };
}

function redirect(): S3Response {
  // Relative: whatever proxy is in front knows its own address.
  return { status: 307, headers: { location: CONSOLE_PATH, 'cache-control': 'no-store' }, body: null };
}

function plain(status: number, text: string): S3Response {
  return { status, headers: { ...PAGE_HEADERS, 'content-type': 'text/plain; charset=utf-8' }, body: text };
}
