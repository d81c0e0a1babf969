/** Writes an S3Response to the socket, with backpressure; a body that fails midway ends the connection, never the body. */
import type { ServerResponse } from 'node:http';
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
  readonly signal: AbortSignal;
}

/** Resolves with the number of body bytes sent. @throws when the body's source fails (the socket is destroyed then). */
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
    await end(res, options, bodyless ? null : body);
    return bodyless ? 0 : sizeBytes;
  }

  if (response.contentLengthBytes !== undefined) headers['content-length'] = response.contentLengthBytes;
  res.writeHead(response.status, headers);
  if (bodyless) {
    await end(res, options, null);
    return 0;
  }
  let sentBytes = 0;
  try {
    for await (const chunk of body) {
      if (options.signal.aborted) break;
      sentBytes += chunk.length;
      if (!res.write(chunk)) await drained(res);
    }
    if (response.contentLengthBytes !== undefined && sentBytes !== response.contentLengthBytes) res.destroy();
    else await end(res, options, null);
  } catch (error) {
    res.destroy();
    throw error;
  }
  return sentBytes;
}

async function end(res: ServerResponse, { close }: RespondOptions, last: string | Buffer | null): Promise<void> {
  if (close !== null) {
    if (last !== null && last.length > 0) res.write(last);
    else res.flushHeaders();
    await close();
    res.end();
  } else if (last === null) res.end();
  else res.end(last);
}

function drained(res: ServerResponse): Promise<void> {
  if (!res.writableNeedDrain || res.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      res.off('drain', done);
      res.off('close', done);
      resolve();
    };
    res.once('drain', done);
    res.once('close', done);
  });
}
