/** Builds the HTTP application: fastify in front, the S3 pipeline behind one catch-all route. No module state. */
import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import type { Socket } from 'node:net';
import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply, FastifyServerFactory } from 'fastify';
import fastify, { LogController } from 'fastify';
import { answerClientError } from './http/client-error.js';
import type { ProxyTrust } from './http/client-address.js';
import { registerClientRates } from './http/client-rates.js';
import type { PipelineOptions } from './http/pipeline.js';
import { serve } from './http/pipeline.js';
import type { Rates } from './limits/rates.js';
import type { Refusals } from './limits/refusals.js';
import { errorDocument } from './s3/xml/error-document.js';
import type { S3ErrorCode } from './s3/errors.js';
import { S3_ERRORS } from './s3/errors.js';

export interface AppOptions extends PipelineOptions {
  /** null: plain HTTP */
  readonly tls: SecureContextOptions | null;
  readonly rates: Rates;
  readonly refusals: Refusals;
  /** as of now: a reload may change them */
  readonly proxies: () => ProxyTrust;
  readonly limits: {
    readonly headersTimeoutMs: number;
    readonly requestTimeoutMs: number;
    readonly keepAliveTimeoutMs: number;
    readonly maxConnections: number;
    readonly maxHeaderBytes: number;
  };
}

/** Requests that wait for 100 Continue; Node answers it by itself unless checkContinue is handled. */
type Waiting = WeakSet<IncomingMessage>;

const MAX_CHECK_INTERVAL_MS = 5_000;
const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'] as const;

export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const waiting: Waiting = new WeakSet();
  const inFlight = new WeakMap<Socket, ServerResponse>();
  const silent: FastifyBaseLogger = options.log.child({}, { level: 'silent' });
  const app = fastify({
    // Until its connection is closed a client is served as ever: it may not know yet that the server is about to end.
    return503OnClosing: false,
    serverFactory: serverFactory(options, waiting),
    // The path is S3's business: percent-encoded keys must reach it as they were sent. The router sees one route.
    rewriteUrl: () => '/',
    exposeHeadRoutes: false,
    clientErrorHandler: (error, socket) => {
      answerClientError(error, socket, inFlight.get(socket));
    },
    loggerInstance: silent,
    logController: new LogController({ disableRequestLogging: true }),
  });
  app.removeAllContentTypeParsers();
  // The body stays on the socket until the caller has been authenticated and the operation reads it.
  app.addContentTypeParser('*', (_request, _payload, done) => {
    done(null);
  });
  const ratesOf = await registerClientRates(app, {
    rates: options.rates,
    settings: () => options.requestLimits.settings,
    refusals: options.refusals,
  });
  // Fastify refuses content types that are not of the form type/subtype; S3 stores whatever it is given (rawHeaders keep it).
  app.addHook('onRequest', (request, _reply, done) => {
    delete request.raw.headers['content-type'];
    done();
  });
  const answer = (reply: FastifyReply, entry: (typeof S3_ERRORS)[S3ErrorCode]): FastifyReply =>
    reply
      .code(entry.status)
      .type('application/xml')
      .send(errorDocument({ ...entry, detail: {}, requestId: '', hostId: '' }));
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    // A method that only Node knows.
    if (error.code === 'FST_ERR_NOT_FOUND') return answer(reply, S3_ERRORS.MethodNotAllowed);
    options.log.error({ err: error }, 'request failed before the pipeline');
    return answer(reply, S3_ERRORS.InternalError);
  });
  app.setNotFoundHandler((_request, reply) => answer(reply, S3_ERRORS.MethodNotAllowed));
  app.route({
    method: [...METHODS],
    url: '/',
    handler: (request, reply) => {
      reply.hijack();
      inFlight.set(request.raw.socket, reply.raw);
      return serve(options, {
        message: request.raw,
        reply: reply.raw,
        url: request.originalUrl,
        expectsContinue: waiting.has(request.raw),
        origin: options.proxies().originOf(request.raw),
        rates: ratesOf(request),
      });
    },
  });
  return app;
}

function serverFactory(options: AppOptions, waiting: Waiting): FastifyServerFactory {
  return (handler) => {
    const { limits, tls } = options;
    const listener = handler;
    const common = {
      maxHeaderSize: limits.maxHeaderBytes,
      headersTimeout: limits.headersTimeoutMs,
      // An upload may take hours; a stalled one is ended by the body's idle timeout.
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      // Node looks for connections that are too slow every 30 s: too late for the shorter ones of these limits.
      connectionsCheckingInterval: Math.min(MAX_CHECK_INTERVAL_MS, Math.ceil(limits.headersTimeoutMs / 4)),
      noDelay: true,
    };
    const server =
      tls === null
        ? createHttpServer(common, listener)
        : createHttpsServer(
            {
              ...common,
              ...tls,
              requestCert: tls.ca !== undefined,
              handshakeTimeout: limits.headersTimeoutMs,
            },
            listener,
          );
    if (limits.maxConnections > 0) server.maxConnections = limits.maxConnections;
    // S3 ignores expectations it does not know; Node would answer 417.
    server.on('checkExpectation', (message: IncomingMessage, reply: ServerResponse) => listener(message, reply));
    server.on('checkContinue', (message: IncomingMessage, reply: ServerResponse) => {
      waiting.add(message);
      listener(message, reply);
    });
    return server;
  };
}
