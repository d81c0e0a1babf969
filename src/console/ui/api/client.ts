/** Signed requests to the gateway that served the page: S3, IAM and STS, admin. Knows nothing of what they mean. */
import { base64, hex, utf8 } from '../lib/bytes.js';
import type { Bytes } from '../lib/bytes.js';
import { ApiError, errorOf, isAbort, networkError } from '../lib/errors.js';
import { send } from '../lib/http.js';
import type { Sent } from '../lib/http.js';
import { sha256 } from '../lib/sha256.js';
import type { Keys, Query, Service, SigningScope } from '../lib/sigv4.js';
import { objectPath, presignedQuery, queryText, signedHeaders, UNSIGNED_PAYLOAD } from '../lib/sigv4.js';
import { Xml } from '../lib/xml.js';

export interface S3Options {
  readonly method?: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly bucket?: string | null;
  readonly key?: string | null;
  readonly query?: Query;
  readonly headers?: Readonly<Record<string, string>>;
  /** a document */
  readonly body?: string;
  /** Whether a checksum of the document goes with it, as S3 demands of most. Default true. */
  readonly digest?: boolean;
  readonly signal?: AbortSignal;
}

export interface UploadOptions extends Pick<S3Options, 'query' | 'headers'> {
  readonly bucket: string;
  readonly key: string;
  readonly body: Blob;
  /** Whether the object keeps its SHA-256 as its checksum. Default false. */
  readonly keepChecksum?: boolean;
  readonly onProgress: (sentBytes: number) => void;
  readonly signal: AbortSignal;
}

/** Larger bodies are not read into memory to be hashed: the browser streams them, and TCP or TLS guards them. */
const MAX_HASHED_BYTES = 32 * 1024 * 1024;
const ATTEMPTS = 3;
const RETRY_MS = 400;

export class Client {
  readonly keys: Keys;
  readonly region: string;
  /** server's clock minus this computer's */
  readonly #skewMs: number;

  constructor(options: { readonly keys: Keys; readonly region: string; readonly skewMs: number }) {
    this.keys = options.keys;
    this.region = options.region;
    this.#skewMs = options.skewMs;
  }

  get nowMs(): number {
    return Date.now() + this.#skewMs;
  }

  /** Reads are repeated when the server is busy. @throws ApiError */
  async s3(options: S3Options): Promise<Response> {
    const {
      method = 'GET',
      bucket = null,
      key = null,
      query = [],
      headers = {},
      body,
      digest = true,
      signal,
    } = options;
    const bytes = utf8(body ?? '');
    const path = objectPath(bucket, key);
    const checksum: Record<string, string> =
      body === undefined || !digest ? {} : { 'x-amz-checksum-sha256': base64(await sha256(bytes)) };
    const request = {
      method,
      path,
      query,
      headers: { ...headers, ...checksum },
      payloadHash: hex(await sha256(bytes)),
    };
    for (let attempt = 1; ; attempt++) {
      try {
        const signed = await signedHeaders({ ...request, host: location.host }, this.#scope('s3'));
        return await answered(this.#url(path, query), {
          method,
          headers: { ...request.headers, ...signed },
          ...(body === undefined ? {} : { body: bytes }),
          ...(signal === undefined ? {} : { signal }),
        });
      } catch (error) {
        const again = error instanceof ApiError && error.temporary && (method === 'GET' || method === 'HEAD');
        if (!again || attempt === ATTEMPTS) throw error;
        await pause(RETRY_MS * 2 ** attempt, signal);
      }
    }
  }

  /** For operations whose answer says nothing. @throws ApiError */
  async send(options: S3Options): Promise<void> {
    await (await this.s3(options)).arrayBuffer();
  }

  /** @throws ApiError */
  async xml(options: S3Options): Promise<Xml> {
    return parsed(await (await this.s3(options)).text());
  }

  /** The document of a sub-resource; null when it is not configured. @throws ApiError */
  async optionalXml(options: S3Options, absentCode: RegExp): Promise<Xml | null> {
    try {
      return await this.xml(options);
    } catch (error) {
      if (error instanceof ApiError && absentCode.test(error.code)) return null;
      throw error;
    }
  }

  /** Data with progress. The signature covers its hash. @throws ApiError, DOMException AbortError */
  async upload(options: UploadOptions): Promise<Sent> {
    const { bucket, key, query = [], headers = {}, body, keepChecksum = false, onProgress, signal } = options;
    const path = objectPath(bucket, key);
    const bytes = body.size <= MAX_HASHED_BYTES ? new Uint8Array(await body.arrayBuffer()) : null;
    const hash = bytes === null ? null : await sha256(bytes);
    const stored: Record<string, string> =
      hash === null || !keepChecksum ? headers : { ...headers, 'x-amz-checksum-sha256': base64(hash) };
    const payloadHash = hash === null ? UNSIGNED_PAYLOAD : hex(hash);
    const request = { method: 'PUT', path, query, headers: stored, payloadHash, host: location.host };
    const signed = await signedHeaders(request, this.#scope('s3'));
    const sent = await send({
      method: 'PUT',
      url: this.#url(path, query),
      headers: { ...stored, ...signed },
      body: bytes === null ? body : bytes.buffer,
      onProgress,
      signal,
    });
    if (sent.status >= 300) throw errorOf({ ...sent, requestId: sent.header('x-amz-request-id') });
    return sent;
  }

  /** A URL that needs no key. @param expiresSeconds at most 604,800 */
  async presign(options: {
    readonly bucket: string;
    readonly key: string;
    readonly query?: Query;
    readonly expiresSeconds: number;
  }): Promise<string> {
    const { bucket, key, query = [], expiresSeconds } = options;
    const path = objectPath(bucket, key);
    const request = { method: 'GET', path, query, host: location.host };
    return `${location.origin}${path}?${await presignedQuery(request, this.#scope('s3'), expiresSeconds)}`;
  }

  /** An action of IAM or STS; the content of its result. @throws ApiError */
  async action(service: 'iam' | 'sts', name: string, parameters: Readonly<Record<string, string>> = {}): Promise<Xml> {
    const version = service === 'iam' ? '2010-05-08' : '2011-06-15';
    const body = utf8(queryText(Object.entries({ Action: name, Version: version, ...parameters })));
    const request = { method: 'POST', path: '/', query: [], headers: {}, payloadHash: hex(await sha256(body)) };
    const signed = await signedHeaders({ ...request, host: location.host }, this.#scope(service));
    const headers = { ...signed, 'content-type': 'application/x-www-form-urlencoded' };
    const response = await answered('/', { method: 'POST', headers, body });
    return parsed(await response.text()).at(`${name}Result`);
  }

  /** The admin API, JSON. @param path under /-/admin/v1/ @throws ApiError */
  async admin(method: 'GET' | 'PUT' | 'DELETE', path: string, json?: unknown, signal?: AbortSignal): Promise<unknown> {
    const [name = '', rawQuery = ''] = path.split('?');
    const query = [...new URLSearchParams(rawQuery)];
    const body: Bytes | null = json === undefined ? null : utf8(JSON.stringify(json));
    const fullPath = `/-/admin/v1/${name}`;
    const payloadHash = hex(await sha256(body ?? utf8('')));
    const request = { method, path: fullPath, query, headers: {}, payloadHash, host: location.host };
    const signed = await signedHeaders(request, this.#scope('s3'));
    const response = await answered(this.#url(fullPath, query), {
      method,
      headers: body === null ? signed : { ...signed, 'content-type': 'application/json' },
      ...(body === null ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    });
    const text = await response.text();
    return text === '' ? null : (JSON.parse(text) as unknown);
  }

  #scope(service: Service): SigningScope {
    return { keys: this.keys, region: this.region, service, nowMs: this.nowMs };
  }

  #url(path: string, query: Query): string {
    return query.length === 0 ? path : `${path}?${queryText(query)}`;
  }
}

async function answered(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    // The server alone knows what is new.
    response = await fetch(url, { ...init, cache: 'no-store', credentials: 'omit', redirect: 'error' });
  } catch (error) {
    if (isAbort(error)) throw error;
    throw networkError(error);
  }
  if (response.ok) return response;
  const body = await response.text();
  throw errorOf({ status: response.status, body, requestId: response.headers.get('x-amz-request-id') });
}

function parsed(text: string): Xml {
  const xml = text === '' ? new Xml(null) : Xml.parse(text);
  if (xml === null) throw new ApiError({ status: 0, code: 'InvalidAnswer', message: 'The answer is not XML.' });
  // Long operations begin their answer before they know how they end.
  if (xml.name === 'Error') throw errorOf({ status: 500, body: text, requestId: null });
  return xml;
}

export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new DOMException('stopped', 'AbortError'));
    });
  });
}
