/** How a process ends: no request is broken off that can be finished in time, and nothing acknowledged is lost. */
import cluster from 'node:cluster';
import type { Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';

/** How long what is left of a server that has stopped may keep its process alive. */
const LINGER_MS = 1_000;
/** Clients with open connections get so long to be told that the server ends, ms. */
const LAST_ANSWERS_MS = 1_000;
/** How often connections that have become idle are closed while the server drains, ms. */
export const IDLE_CHECK_MS = 100;

/**
 * Waits until clients have had the chance to be told, by the answer to a request, that their connection will not be kept: one that
 * is closed while a request is on its way makes that request fail.
 */
export async function lastAnswers(server: Server, delayMs: number): Promise<void> {
  await sleep(delayMs);
  const untilMs = performance.now() + LAST_ANSWERS_MS;
  while (performance.now() < untilMs && (await connectionsOf(server)) > 0) await sleep(IDLE_CHECK_MS);
}

/** Open ones. */
export function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.getConnections((_error, count) => resolve(count));
  });
}

export interface ShutDown {
  readonly timeoutMs: number;
  readonly close: () => PromiseLike<unknown>;
  readonly stop: () => Promise<void>;
  readonly stores: { close(): Promise<void> };
  readonly cut: () => void;
  readonly log: Logger;
}

/** No new requests; those running get timeoutMs to finish; then the stores close and the process ends by itself. */
export async function shutDown({ timeoutMs, close, stop, stores, cut, log }: ShutDown): Promise<void> {
  const timer = setTimeout(() => {
    log.warn('requests still running at the drain deadline are cut off');
    cut();
  }, timeoutMs);
  try {
    await close();
    // What the last requests left to be done in the background, their log lines for one, is done before the stores close.
    await stop();
    await stores.close();
    log.info('stopped');
  } catch (error) {
    log.error({ err: error }, 'the shutdown failed');
    process.exitCode = 1;
  } finally {
    clearTimeout(timer);
    // Its channel to the primary would keep a worker alive.
    cluster.worker?.disconnect();
    lingerNoLonger();
  }
}

/** Connections that the driver is still making to nodes that are down would keep the process alive. */
export function lingerNoLonger(): void {
  setTimeout(() => process.exit(), LINGER_MS).unref();
}
