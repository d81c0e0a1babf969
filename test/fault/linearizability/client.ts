/** Sends single signed requests and never repeats one: what came of it is known, unknown, or it was not even sent. */
import http from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { signV4 } from '../../wire/signing.js';
import { MASTER_KEY } from '../../support/config.js';

export interface S3Request {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** '/bucket/key', nothing in it that needs encoding */
  readonly path: string;
  /** percent-encoded */
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

export interface Answer {
  readonly kind: 'answer';
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** of an S3 error document; '' without one */
  readonly code: string;
}

export type Result =
  | Answer
  /** Nobody listens there. */
  | { readonly kind: 'notSent' }
  | { readonly kind: 'lost'; readonly reason: string };

export class Client {
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly #timeoutMs: number;

  /** timeoutMs: when an answer is given up. */
  constructor({ timeoutMs }: { readonly timeoutMs: number }) {
    this.#timeoutMs = timeoutMs;
  }

  send(url: string, request: S3Request): Promise<Result> {
    const { method, path, query = '', headers = {}, body } = request;
    const { host } = new URL(url);
    const length = body === undefined ? {} : { 'content-length': String(body.length) };
    const signed = signV4({ method, path, query, headers: { host, ...headers }, credentials: MASTER_KEY });
    return new Promise((resolve) => {
      const sent = http.request(`${url}${path}${query === '' ? '' : `?${query}`}`, {
        method,
        agent: this.#agent,
        headers: { ...signed.headers, ...length },
        signal: AbortSignal.timeout(this.#timeoutMs),
      });
      sent.once('error', (error: NodeJS.ErrnoException) => {
        resolve(error.code === 'ECONNREFUSED' ? { kind: 'notSent' } : lost(error));
      });
      sent.once('response', (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.once('error', (error) => {
          resolve(lost(error));
        });
        response.once('end', () => {
          const content = Buffer.concat(pieces);
          const { statusCode: status = 0, headers: answered } = response;
          const code = status < 400 ? '' : (/<Code>(\w+)<\/Code>/.exec(content.toString())?.[1] ?? '');
          resolve({ kind: 'answer', status, headers: answered, body: content, code });
        });
      });
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

function lost(error: NodeJS.ErrnoException): Result {
  return { kind: 'lost', reason: error.code ?? error.name };
}

/** ETag header, or element, without its quotes; '' when there is none. */
export function etagOf({ headers, body }: Answer): string {
  const etag = headers.etag ?? /<ETag>(?:&quot;|")?([^<&"]*)/.exec(body.toString())?.[1] ?? '';
  return etag.replaceAll('"', '');
}
