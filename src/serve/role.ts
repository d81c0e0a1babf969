/** Which part of a server a process is, and which software it runs. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Census } from '../cluster/census.js';
import type { Peers } from '../cluster/peers.js';
import type { ReloadSignal } from '../cluster/reload-signal.js';
import type { Rates } from '../limits/rates.js';

/** Which of the server's processes this is. */
export interface WorkerRole {
  /** 0 to workers - 1; the first one also does what one process is enough for */
  readonly slot: number;
  readonly workers: number;
  readonly peers: Peers;
  readonly census: Census;
  /** the same in all processes of a server, another one in every other server */
  readonly serverId: string;
  readonly rates: Rates;
  readonly configFile: { readonly path: string | null; readonly env: NodeJS.ProcessEnv };
  readonly reloads: ReloadSignal;
}

/** Of this software, as package.json says. */
export function version(): string {
  const text = readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
