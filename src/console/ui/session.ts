/**
 * Who is logged in. Keys are kept in memory and, so that reloading the page does not end the session, in this tab's session
 * storage, which goes with the tab; never in cookies or local storage.
 */
import { Client } from './api/client.js';
import { getCaller } from './api/iam.js';
import type { Caller } from './api/iam.js';
import { networkError } from './lib/errors.js';
import type { Keys } from './lib/sigv4.js';

const STORED = 'pithos-session';
/** Differences that signatures do not mind. */
const SKEW_TOLERATED_MS = 5_000;

export interface ServerSettings {
  readonly region: string;
  readonly version: string;
  /** server's clock minus this computer's */
  readonly skewMs: number;
}

export interface Session {
  readonly client: Client;
  readonly caller: Caller;
  readonly server: ServerSettings;
}

export async function loadSettings(): Promise<ServerSettings> {
  let response: Response;
  try {
    response = await fetch('settings.json', { cache: 'no-store' });
  } catch (error) {
    throw networkError(error);
  }
  const settings = (await response.json()) as { region: string; version: string };
  const skewMs = Date.parse(response.headers.get('date') ?? '') - Date.now();
  return { ...settings, skewMs: Math.abs(skewMs) > SKEW_TOLERATED_MS ? skewMs : 0 };
}

/** Asks the server who that is. @throws ApiError when the keys are wrong */
export async function openSession(keys: Keys): Promise<Session> {
  const server = await loadSettings();
  const client = new Client({ keys, ...server });
  const caller = await getCaller(client);
  sessionStorage.setItem(STORED, JSON.stringify(keys));
  return { client, caller, server };
}

/** The keys of this tab's session; null: nobody is logged in. */
export function storedKeys(): Keys | null {
  const stored = sessionStorage.getItem(STORED);
  return stored === null ? null : (JSON.parse(stored) as Keys);
}

export function closeSession(): void {
  sessionStorage.removeItem(STORED);
}
