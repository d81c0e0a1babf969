/** Reads a request's raw bytes with backpressure, an idle limit, and a clear error when the client goes away. */
import type { IncomingMessage } from 'node:http';
import { S3Error } from '../s3/errors.js';

export interface IncomingOptions {
  /** Longest wait for the next bytes, ms. */
  readonly idleTimeoutMs: number;
  readonly signal: AbortSignal;
  /** Told of each piece before it is handed on, bytes. */
  readonly onRead?: (sizeBytes: number) => void;
}

/**
 * Yields the body as it comes. Nothing is buffered beyond the socket's own buffer while the consumer is busy.
 * @throws S3Error IncompleteBody when the client stops early, RequestTimeout when it stalls
 */
export async function* readIncoming(
  message: IncomingMessage,
  options: IncomingOptions,
): AsyncGenerator<Buffer, void, void> {
  const state: ReadState = { wake: null, ended: false, cut: false, timedOut: false };
  const notify = (): void => {
    state.wake?.();
    state.wake = null;
  };
  const onEnd = (): void => {
    state.ended = true;
    notify();
  };
  const onGone = (): void => {
    state.cut = !message.complete;
    state.ended = true;
    notify();
  };
  message.on('readable', notify);
  message.on('end', onEnd);
  message.on('close', onGone);
  message.on('error', onGone);
  options.signal.addEventListener('abort', notify, { once: true });
  const timer = setTimeout(() => {
    state.timedOut = true;
    notify();
  }, options.idleTimeoutMs);
  try {
    for (;;) {
      if (options.signal.aborted) throw new S3Error('IncompleteBody', { cause: options.signal.reason });
      const chunk = message.read() as Buffer | null;
      if (chunk !== null) {
        options.onRead?.(chunk.length);
        yield chunk;
        timer.refresh();
        state.timedOut = false;
        continue;
      }
      if (state.cut || (message.destroyed && !message.complete)) throw new S3Error('IncompleteBody');
      if (state.ended || message.readableEnded) return;
      if (state.timedOut) throw new S3Error('RequestTimeout');
      await new Promise<void>((resolve) => (state.wake = resolve));
    }
  } finally {
    clearTimeout(timer);
    message.off('readable', notify);
    message.off('end', onEnd);
    message.off('close', onGone);
    message.off('error', onGone);
    options.signal.removeEventListener('abort', notify);
  }
}

interface ReadState {
  wake: (() => void) | null;
  ended: boolean;
  /** the connection ended before the body did */
  cut: boolean;
  timedOut: boolean;
}
