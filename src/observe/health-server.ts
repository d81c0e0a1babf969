/**
 * Health and metrics, on a port of their own, so that they are answered whatever waits at the S3 port: /-/live, /-/ready, /metrics.
 * Plain HTTP, for probes and scrapers inside the cluster; nothing in it is secret, and nothing can be changed.
 */
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import type { ReadyReport } from './readiness.js';

export interface HealthServerOptions {
  readonly host: string;
  readonly port: number;
  /** Never rejects. */
  readonly ready: () => Promise<ReadyReport>;
  readonly metrics: () => Promise<Exposition>;
  readonly log: Logger;
}

export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

/** Scrapers and probes are few. */
const MAX_CONNECTIONS = 64;
const REQUEST_TIMEOUT_MS = 10_000;

/** Listens until the process ends, which it does not keep from ending. @throws when the port is taken */
export async function startHealthServer(options: HealthServerOptions): Promise<AddressInfo> {
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS, headersTimeout: REQUEST_TIMEOUT_MS });
  server.maxConnections = MAX_CONNECTIONS;
  server.on('connection', (socket) => socket.unref());
  server.on('request', (request: IncomingMessage, reply: ServerResponse) => {
    answer(options, request, reply).catch((error: unknown) => {
      options.log.warn({ err: error, path: request.url }, 'a question about health could not be answered');
      if (!reply.headersSent) send(reply, 500, { text: 'not available\n' });
    });
  });
  await listening(server, options);
  server.unref();
  const address = server.address() as AddressInfo;
  options.log.info({ address: address.address, port: address.port }, 'health and metrics are served');
  return address;
}

async function answer(options: HealthServerOptions, request: IncomingMessage, reply: ServerResponse): Promise<void> {
  const path = /^[^?#]*/.exec(request.url ?? '')?.[0];
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    reply.setHeader('allow', 'GET, HEAD');
    send(reply, 405, { text: 'method not allowed\n' });
    return;
  }
  switch (path) {
    case '/-/live':
      send(reply, 200, { text: 'live\n' });
      return;
    case '/-/ready': {
      const { ready, reason } = await options.ready();
      send(reply, ready ? 200 : 503, { text: ready ? 'ready\n' : `not ready: ${reason ?? ''}\n` });
      return;
    }
    case '/metrics':
      send(reply, 200, await options.metrics());
      return;
    default:
      send(reply, 404, { text: 'there are /-/live, /-/ready and /metrics\n' });
  }
}

function send(
  reply: ServerResponse,
  status: number,
  { contentType = 'text/plain; charset=utf-8', text }: Partial<Exposition> & Pick<Exposition, 'text'>,
): void {
  // A probe's connection must not outlive the answer: the next one may be for another process at this address.
  reply.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    connection: 'close',
  });
  reply.end(text);
}

function listening(server: Server, { host, port }: HealthServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
