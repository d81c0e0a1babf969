/** What Node's HTTP parser refuses never becomes a request: it is answered here, as S3's error document. */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { S3ErrorCode } from '../s3/errors.js';
import { S3_ERRORS } from '../s3/errors.js';
import { errorDocument } from '../s3/xml/error-document.js';

const CODES: Readonly<Record<string, S3ErrorCode>> = {
  HPE_HEADER_OVERFLOW: 'RequestHeaderSectionTooLarge',
  ERR_HTTP_REQUEST_TIMEOUT: 'RequestTimeout',
};

/** inFlight: the answer under way on a socket, when there is one. */
export function answerClientError(
  error: NodeJS.ErrnoException,
  socket: Socket,
  inFlight: ServerResponse | undefined,
): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (inFlight !== undefined && !inFlight.writableFinished && inFlight.req.complete) {
    // The request before the garbage came whole (its Content-Length was too small, say): it gets its answer first.
    inFlight.once('close', () => socket.destroy());
    return;
  }
  if (socket.writable && inFlight?.headersSent !== true) {
    const entry = S3_ERRORS[CODES[error.code ?? ''] ?? 'BadRequest'];
    const body = errorDocument({ ...entry, detail: {}, requestId: '', hostId: '' });
    socket.write(
      `HTTP/1.1 ${entry.status} Bad Request\r\nContent-Type: application/xml\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
    );
  }
  socket.destroy();
}
