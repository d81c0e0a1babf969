// A client of the admin API, signing by hand.
import type { PithosProcess } from '../support/server.js';
import type { Keys } from './iam-clients.js';
import { sha256Hex, signV4 } from './signing.js';

export interface AdminAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** null: no body */
  readonly json: Readonly<Record<string, unknown>> | null;
}

export interface AdminCall {
  readonly method?: string;
  /** under /-/admin/v1, percent-encoded */
  readonly path: string;
  readonly query?: string;
  readonly body?: string;
  /** x-amz-content-sha256, when it is not the body's */
  readonly payload?: string;
}

export async function callAdmin(
  server: Pick<PithosProcess, 'url'>,
  keys: Keys,
  { method = 'GET', path, query = '', body, payload }: AdminCall,
): Promise<AdminAnswer> {
  const full = `/-/admin/v1${path}`;
  const { sessionToken } = keys;
  const { headers } = signV4({
    method,
    path: full,
    query,
    headers: {
      host: new URL(server.url).host,
      ...(sessionToken === undefined ? {} : { 'x-amz-security-token': sessionToken }),
    },
    payload: payload ?? sha256Hex(body ?? ''),
    credentials: { ...keys, tenant: '' },
  });
  const response = await fetch(`${server.url}${full}${query === '' ? '' : `?${query}`}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    json: text === '' ? null : (JSON.parse(text) as Record<string, unknown>),
  };
}
