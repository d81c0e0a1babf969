/**
 * Writes an S3Response to the socket, with backpressure and at its pace; a body that fails midway ends the connection, never the body.
 * A client that stops reading is cut off.
 */
import type { ServerResponse } from 'node:http';
import type { Pace } from '../limits/pace.js';
import { paced } from '../limits/pace.js';
import type { S3Response } from '../s3/operation.js';

export interface RespondOptions {
  readonly response: S3Response;
  /** headers every answer carries */
  readonly common: Readonly<Record<string, string>>;
  readonly method: string;
  /**
   * null keeps the connection. Otherwise it must not be used again (part of the request's body was not read) and is closed when
   * this, called after the last byte of the answer, has resolved.
   */
  readonly close: (() => Promise<void>) | null;
  /** null: as fast as the client reads */
  readonly pace: Pace | null;
  /** The connection of a client that takes nothing for so long is closed, ms. */
  readonly idleTimeoutMs: number;
  readonly signal: AbortSignal;
}

/** Resolves, when the last byte has left or the connection is gone, with the number of body bytes sent. @throws when the body's source fails (the socket is destroyed then). */
export async function respond(res: ServerResponse, options: RespondOptions): Promise<number> {
  const { response, common, method } = options;
  const headers: Record<string, string | number> = { ...common, ...response.headers };
  if (options.close !== null) headers['connection'] = 'close';
  const { body } = response;
  const bodyless = method === 'HEAD' || response.status === 204 || response.status === 304;

  if (body === null || typeof body === 'string' || Buffer.isBuffer(body)) {
    const sizeBytes = body === null ? 0 : Buffer.byteLength(body);
    if (typeof body === 'string' && body !== '') headers['content-type'] ??= 'application/xml';
    if (response.status !== 204 && response.status !== 304)
      headers['content-length'] = response.contentLengthBytes ?? sizeBytes;
    res.writeHead(response.status, headers);
    if (options.pace !== null && body !== null && !bodyless)
      return stream(res, options, { source: one(Buffer.from(body)), lengthBytes: sizeBytes });
    await end(res, options, bodyless ? null : body);
    return bodyless ? 0 : sizeBytes;
  }

  if (response.contentLengthBytes !== undefined) headers['content-length'] = response.contentLengthBytes;
  res.writeHead(response.status, headers);
  if (bodyless) {
    await end(res, options, null);
    return 0;
  }
  return stream(res, options, { source: body, lengthBytes: response.contentLengthBytes });
}

interface Stream {
  readonly source: AsyncIterable<Buffer>;
  /** undefined: not known */
  readonly lengthBytes: number | undefined;
}

/** The body of an answer whose headers are out. */
async function stream(res: ServerResponse, options: RespondOptions, { source, lengthBytes }: Stream): Promise<number> {
  const { pace, signal } = options;
  // A pace cuts pieces into smaller ones, of which none tells when all of it has left.
  const onSent = pace === null ? (options.response.onSent ?? null) : null;
  const sent = (error: Error | null | undefined, chunk: Buffer): void => {
    // Of what failed the kernel may still read.
    if (error === null || error === undefined) onSent?.(chunk);
  };
  let sentBytes = 0;
  try {
    for await (const chunk of pace === null ? source : paced(source, () => pace, signal)) {
      if (signal.aborted) break;
      sentBytes += chunk.length;
      const flowing = onSent === null ? res.write(chunk) : res.write(chunk, (error) => sent(error, chunk));
      if (!flowing) await drained(res, options);
    }
    if (lengthBytes !== undefined && sentBytes !== lengthBytes) res.destroy();
    else await end(res, options, null);
  } catch (error) {
    res.destroy();
    throw error;
  }
  return sentBytes;
}

async function* one(body: Buffer): AsyncGenerator<Buffer, void, void> {
  yield body;
}

async function end(res: ServerResponse, options: RespondOptions, last: string | Buffer | null): Promise<void> {
  const { close } = options;
  if (close !== null) {
    if (last !== null && last.length > 0) res.write(last);
    else res.flushHeaders();
    await close();
    res.end();
  } else if (last === null) res.end();
  else res.end(last);
  await finished(res, options);
}

/** The next piece may be written: the client has taken the last one, or the connection is gone. */
function drained(res: ServerResponse, options: RespondOptions): Promise<void> {
  return res.writableNeedDrain ? taken(res, options, 'drain') : Promise.resolve();
}

/** The last byte has left, or the connection is gone. */
function finished(res: ServerResponse, options: RespondOptions): Promise<void> {
  return res.writableFinished ? Promise.resolve() : taken(res, options, 'finish');
}

/** Cuts off a client that takes nothing meanwhile. */
function taken(res: ServerResponse, { idleTimeoutMs }: RespondOptions, event: 'drain' | 'finish'): Promise<void> {
  const { socket } = res.req;
  if (res.destroyed || socket.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    // Of the socket itself, because it alone knows of progress within a piece.
    const watch = (): void => {
      socket.setTimeout(idleTimeoutMs);
    };
    const done = (): void => {
      socket.setTimeout(0);
      res.off('socket', watch);
      res.off(event, done);
      // Not the answer's: one that waits behind another one's end never hears of it.
      socket.off('close', done);
      resolve();
    };
    if (res.socket === null) res.once('socket', watch);
    else watch();
    // Before Node's own listener, which sets the time-out of an idle connection.
    res.prependListener(event, done);
    socket.once('close', done);
  });
}
