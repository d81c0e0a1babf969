/** What of a request's body is still to come when the answer is out. */
import type { IncomingMessage } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import type { Exchange } from './pipeline.js';
import type { Trace } from './request-log.js';

/** False when bytes of the request's body may still come: the connection cannot carry another request then. */
export function bodyConsumed({ message, expectsContinue }: Exchange, trace: Pick<Trace, 'continued'>): boolean {
  if (message.readableEnded || message.complete) return !expectsContinue || trace.continued;
  const length = message.headers['content-length'];
  return message.headers['transfer-encoding'] === undefined && (length === undefined || length === '0');
}

const DISCARD_LIMIT_BYTES = 8 * 1024 * 1024;
const DISCARD_LIMIT_MS = 5_000;

/**
 * Takes what the client still sends, within limits, so that it gets to read the answer: closing while it writes would reset
 * the connection under it.
 */
export async function discard(message: IncomingMessage): Promise<void> {
  // The reader that was stopped lets go of the stream first.
  await setImmediate();
  if (message.destroyed || message.readableEnded) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, DISCARD_LIMIT_MS);
    const done = (): void => {
      clearTimeout(timer);
      resolve();
    };
    let leftBytes = DISCARD_LIMIT_BYTES;
    message.on('data', (chunk: Buffer) => {
      leftBytes -= chunk.length;
      if (leftBytes < 0) done();
    });
    for (const event of ['end', 'close', 'error']) message.on(event, done);
    message.resume();
  });
}
