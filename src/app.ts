/** Builds the HTTP application: fastify in front, the S3 pipeline behind one catch-all route. No module state. */
import { createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import rateLimit from '@fastify/rate-limit';
import type { FastifyBaseLogger, FastifyInstance, FastifyServerFactory } from 'fastify';
import fastify, { LogController } from 'fastify';
import { answerClientError } from './http/client-error.js';
import type { PipelineOptions } from './http/pipeline.js';
import { serve } from './http/pipeline.js';
import { errorDocument } from './s3/xml/error-document.js';
import { S3_ERRORS } from './s3/errors.js';

export interface AppOptions extends PipelineOptions {
  readonly tls: {
    readonly cert: Buffer;
    readonly key: Buffer;
    readonly ca?: Buffer;
    readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  } | null;
  readonly limits: {
    readonly headersTimeoutMs: number;
    readonly requestTimeoutMs: number;
    readonly keepAliveTimeoutMs: number;
    readonly maxConnections: number;
    readonly maxHeaderBytes: number;
    /** requests per second of one client address; null = no limit */
    readonly requestsPerSecond: number | null;
  };
}

/** Requests that wait for 100 Continue; Node answers it by itself unless checkContinue is handled. */
type Waiting = WeakSet<IncomingMessage>;

const METHODS = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT'] as const;

export async function buildApp(options: AppOptions): Promise<FastifyInstance> {
  const waiting: Waiting = new WeakSet();
  const inFlight = new WeakMap<Socket, ServerResponse>();
  const silent: FastifyBaseLogger = options.log.child({}, { level: 'silent' });
  const app = fastify({
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
  if (options.limits.requestsPerSecond !== null) {
    await app.register(rateLimit, {
      max: options.limits.requestsPerSecond,
      timeWindow: 1000,
      errorResponseBuilder: () => Object.assign(new Error('SlowDown'), { statusCode: 503 }),
    });
  }
  // Fastify refuses content types that are not of the form type/subtype; S3 stores whatever it is given (rawHeaders keep it).
  app.addHook('onRequest', (request, _reply, done) => {
    delete request.raw.headers['content-type'];
    done();
  });
  app.setErrorHandler((error: { statusCode?: number }, _request, reply) => {
    const entry = error.statusCode === 503 ? S3_ERRORS.SlowDown : S3_ERRORS.InternalError;
    if (entry.code === 'InternalError') options.log.error({ err: error }, 'request failed before the pipeline');
    return reply
      .code(entry.status)
      .type('application/xml')
      .send(errorDocument({ ...entry, detail: {}, requestId: '', hostId: '' }));
  });
  app.setNotFoundHandler((_request, reply) => {
    const entry = S3_ERRORS.MethodNotAllowed;
    return reply
      .code(entry.status)
      .type('application/xml')
      .send(errorDocument({ ...entry, detail: {}, requestId: '', hostId: '' }));
  });
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
      noDelay: true,
    };
    const server =
      tls === null
        ? createHttpServer(common, listener)
        : createHttpsServer(
            {
              ...common,
              cert: tls.cert,
              key: tls.key,
              ...(tls.ca === undefined ? {} : { ca: tls.ca, requestCert: true }),
              minVersion: tls.minVersion ?? 'TLSv1.2',
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
