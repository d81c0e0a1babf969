/** What the authentication tests share: the documentation's key, and requests as an HTTP layer would hand them over. */
import { readFileSync } from 'node:fs';
import { Authenticator, type AuthenticatorOptions } from '../../../src/auth/authenticator.js';
import type { Credential, SigningRequest } from '../../../src/auth/types.js';
import { S3Error } from '../../../src/s3/errors.js';

/** The key pair of all examples in AWS's documentation. */
export const EXAMPLE: Credential = {
  accessKey: 'AKIAIOSFODNN7EXAMPLE',
  secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  tenant: 'example',
  master: false,
  memberOf: [],
  displayName: 'example',
};

export function authenticatorAt(nowMs: number, options: Partial<AuthenticatorOptions> = {}): Authenticator {
  const lookup = (accessKey: string): Credential | null => (accessKey === EXAMPLE.accessKey ? EXAMPLE : null);
  return new Authenticator({ lookup, now: () => nowMs, ...options });
}

/** Builds a request from a target (path or absolute URI) and headers; names are lowered, repeats joined. */
export function signingRequest(
  method: string,
  target: string,
  headers: Readonly<Record<string, string>> | readonly (readonly [string, string])[],
  vhostBucket: string | null = null,
): SigningRequest {
  const local = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/]*/, '');
  const question = local.indexOf('?');
  const joined: Record<string, string> = {};
  for (const [name, value] of Array.isArray(headers) ? headers : Object.entries(headers)) {
    const lower = (name as string).toLowerCase();
    const before = joined[lower];
    joined[lower] = before === undefined ? (value as string) : `${before},${value as string}`;
  }
  return {
    method,
    rawPath: question < 0 ? local : local.slice(0, question),
    rawQuery: question < 0 ? '' : local.slice(question + 1),
    headers: joined,
    vhostBucket,
  };
}

/** The S3Error that an action fails with; anything else fails the test. */
export async function s3Error(action: Promise<unknown> | (() => unknown)): Promise<S3Error> {
  try {
    await (typeof action === 'function' ? action() : action);
  } catch (error) {
    if (error instanceof S3Error) return error;
    throw error;
  }
  throw new Error('expected an S3Error, but it succeeded');
}

export async function* chunksOf(...pieces: readonly (Buffer | string)[]): AsyncGenerator<Buffer, void, undefined> {
  for (const piece of pieces) yield typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece;
}

export async function collect(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
}

export interface RecordedRequest {
  readonly client: string;
  readonly now: number;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [string, string])[];
  /** Runs of 'a' as their length, the rest as latin1 text. */
  readonly body?: readonly (number | string)[];
}

interface Recordings {
  readonly sessionToken: string;
  readonly requests: readonly RecordedRequest[];
  readonly posts: readonly {
    readonly client: string;
    readonly now: number;
    readonly token?: string;
    readonly fields: Readonly<Record<string, string>>;
  }[];
}

/** What vectors/record.py recorded of real clients. */
export function recordings(): Recordings {
  return JSON.parse(readFileSync(new URL('vectors/clients.json', import.meta.url), 'utf8')) as Recordings;
}

export function recordedBody(request: RecordedRequest): Buffer {
  const segments = request.body ?? [];
  return Buffer.concat(segments.map((s) => (typeof s === 'number' ? Buffer.alloc(s, 'a') : Buffer.from(s, 'latin1'))));
}

/** A recorded request as the HTTP layer sees it; virtual hosts are under s3.example.com. */
export function recordedSigningRequest(request: RecordedRequest): SigningRequest {
  const host = request.headers.find(([name]) => name.toLowerCase() === 'host')?.[1] ?? '';
  const vhostBucket = host.endsWith('.s3.example.com') ? host.slice(0, -'.s3.example.com'.length) : null;
  return signingRequest(request.method, request.target, request.headers, vhostBucket);
}
