/**
 * The one way through the server: target -> operation -> authentication -> authorization -> handler -> answer. Every error
 * becomes S3's error document here.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';
import { setImmediate } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { AuthResult, PayloadPlan, SigningRequest } from '../auth/types.js';
import type { IamError } from '../iam/iam-errors.js';
import { isQueryRequest } from '../iam/query-api.js';
import type { QueryApi } from '../iam/query-api.js';
import { authorize, requireBucket } from '../s3/access.js';
import type { Identity, OperationContext, Services } from '../s3/context.js';
import { ANONYMOUS } from '../s3/context.js';
import { bucketCorsRules } from '../s3/bucket-cors.js';
import { checkObjectKey } from '../s3/bucket-name.js';
import { corsHeaders } from '../s3/cors.js';
import { S3Error } from '../s3/errors.js';
import type { OperationRow, S3Response } from '../s3/operation.js';
import type { S3Request } from '../s3/request.js';
import { QueryParams, resolveTarget } from '../s3/request.js';
import type { OperationResolver } from '../s3/resolve.js';
import { toS3Error } from '../s3/store-errors.js';
import { errorDocument } from '../s3/xml/error-document.js';
import type { BucketRecord } from '../store/types.js';
import { RequestBody } from './body.js';
import { flattenHeaders } from './headers.js';
import { identityOf } from './identity.js';
import { readIncoming } from './incoming.js';
import { respond } from './respond.js';

export interface PipelineOptions {
  readonly services: Services;
  readonly resolver: OperationResolver;
  /** IAM and STS */
  readonly queryApi: QueryApi;
  /** names under which buckets are virtual hosts, lower case */
  readonly serviceHosts: readonly string[];
  readonly bodyIdleTimeoutMs: number;
  readonly log: Logger;
}

export interface Exchange {
  readonly message: IncomingMessage;
  readonly reply: ServerResponse;
  /** the request target as the client sent it */
  readonly url: string;
  /** the client waits for 100 Continue before it sends the body */
  readonly expectsContinue: boolean;
}

const SERVER = 'Pithos';

/** Serves one request; never rejects. */
export async function serve(options: PipelineOptions, exchange: Exchange): Promise<void> {
  const { message, reply } = exchange;
  const id = requestId();
  const startedMs = performance.now();
  const aborter = new AbortController();
  const onClose = (): void => {
    if (!reply.writableFinished) aborter.abort(clientGone());
  };
  reply.on('close', onClose);
  const trace: Trace = {
    request: null,
    operation: null,
    action: null,
    failure: null,
    identity: ANONYMOUS,
    bucket: null,
    body: null,
    continued: false,
  };
  let response: S3Response;
  let failure: S3Error | IamError | null = null;
  try {
    response = await answer(options, exchange, id, trace, aborter.signal);
    ({ failure } = trace);
  } catch (error) {
    const refusal = toS3Error(error);
    failure = refusal;
    response = errorResponse(refusal, trace.request, id);
  }
  const withCors = { ...response, headers: { ...response.headers, ...(await crossOrigin(options, trace)) } };
  let sentBytes = 0;
  try {
    sentBytes = await respond(reply, {
      response: withCors,
      common: { 'x-amz-request-id': id, 'x-amz-id-2': id, server: SERVER },
      method: message.method ?? 'GET',
      close: bodyConsumed(exchange, trace)
        ? null
        : async () => {
            aborter.abort(answered());
            // A client that waits for 100 Continue sends nothing any more.
            if (!exchange.expectsContinue || trace.continued) await discard(message);
          },
      signal: aborter.signal,
    });
  } catch (error) {
    failure ??= toS3Error(error);
  }
  // Whoever still reads the body stops: the answer is out.
  aborter.abort(answered());
  logRequest(options.log, {
    id,
    trace,
    exchange,
    status: response.status,
    failure,
    sentBytes,
    durationMs: performance.now() - startedMs,
  });
}

interface Trace {
  request: S3Request | null;
  operation: OperationRow | null;
  /** of the query APIs */
  action: string | null;
  /** answered already, in the query APIs' form */
  failure: IamError | null;
  identity: Identity;
  bucket: BucketRecord | null;
  body: RequestBody | null;
  /** 100 Continue was sent, or not asked for and the body was opened */
  continued: boolean;
}

async function answer(
  options: PipelineOptions,
  exchange: Exchange,
  id: string,
  trace: Trace,
  signal: AbortSignal,
): Promise<S3Response> {
  const { services, resolver } = options;
  const { message } = exchange;
  const headers = flattenHeaders(message.rawHeaders);
  const method = message.method ?? 'GET';
  const target = resolveTarget({ method, url: exchange.url, headers }, options.serviceHosts);
  let request: S3Request = {
    id,
    method,
    ...target,
    query: new QueryParams(target.rawQuery),
    headers,
    remoteAddress: message.socket.remoteAddress ?? '',
    secure: 'encrypted' in message.socket,
    ...tlsVersion(message),
  };
  trace.request = request;
  checkHost(request);
  if (isQueryRequest(request)) return answerQuery(options, exchange, request, trace, signal);
  if (request.key !== null) checkObjectKey(request.key);
  const operation = resolver.resolve(request);
  trace.operation = operation;

  const auth = await authenticate(services, request, operation);
  options.queryApi.used(auth);
  if (auth.kind === 'signed' && Object.keys(auth.hoistedHeaders).length > 0) {
    request = { ...request, headers: { ...headers, ...obeyed(auth.hoistedHeaders) } };
    trace.request = request;
  }
  const identity = identityOf(auth, request.headers, services.settings.master);
  trace.identity = identity;
  const bucket = await authorize({ services, request, identity, operation });
  trace.bucket = bucket;
  if (operation.handler === null) throw new S3Error('NotImplemented', { detail: { Operation: operation.name } });

  const body = requestBody(options, exchange, { plan: auth.payload, headers, trace, signal });
  const context: OperationContext = {
    request,
    operation,
    identity,
    services,
    body,
    log: options.log,
    signal,
    get bucket(): BucketRecord {
      if (bucket === null) throw new Error(`${operation.name} has no bucket`);
      return bucket;
    },
  };
  return operation.handler(context);
}

interface BodyFacts {
  readonly plan: PayloadPlan;
  readonly headers: Readonly<Record<string, string>>;
  readonly trace: Trace;
  readonly signal: AbortSignal;
}

function requestBody(
  options: PipelineOptions,
  { message, reply, expectsContinue }: Exchange,
  { plan, headers, trace, signal }: BodyFacts,
): RequestBody {
  const contentLength = headers['content-length'];
  const body = new RequestBody({
    open: () => {
      if (expectsContinue) reply.writeContinue();
      trace.continued = true;
      return readIncoming(message, { idleTimeoutMs: options.bodyIdleTimeoutMs, signal });
    },
    plan,
    contentLengthBytes: contentLength === undefined ? null : Number(contentLength),
    transferChunked: headers['transfer-encoding'] !== undefined,
  });
  trace.body = body;
  return body;
}

/**
 * IAM and STS. Their clients sign the hash of the body without sending it, so the body, which is small, is read before the caller
 * is known.
 */
async function answerQuery(
  options: PipelineOptions,
  exchange: Exchange,
  request: S3Request,
  trace: Trace,
  signal: AbortSignal,
): Promise<S3Response> {
  const { headers } = request;
  const body = requestBody(options, exchange, { plan: { kind: 'unsigned' }, headers, trace, signal });
  const { response, failure } = await options.queryApi.serve({
    request,
    signing: signingOf(request),
    readBody: (maxBytes) => body.buffer(maxBytes),
    signal,
    onAction: (name) => (trace.action = name),
    onIdentity: (identity) => (trace.identity = identity),
  });
  trace.failure = failure;
  return response;
}

/**
 * What a presigned URL says in place of headers. Digests of the body are left out, as on S3: whoever signed the URL had no body
 * yet, and SDKs sign the checksum of an empty one.
 */
function obeyed(hoisted: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(hoisted).filter(([name]) => !BODY_DIGEST.test(name)));
}

const BODY_DIGEST = /^x-amz-(checksum-(crc|sha)|sdk-checksum-algorithm$)/;

/** 'TLSv1.3' of the socket as policies write it: '1.3'. */
function tlsVersion({ socket }: IncomingMessage): { readonly tlsVersion?: string } {
  const protocol = socket instanceof TLSSocket ? socket.getProtocol() : null;
  return protocol === null ? {} : { tlsVersion: protocol.replace('TLSv', '') };
}

/** HTTP/1.1 requires a Host; without one virtual-hosted requests would silently mean something else. */
function checkHost(request: S3Request): void {
  if (request.host === '') throw new S3Error('InvalidRequest', { message: 'Missing Host header' });
}

async function authenticate(services: Services, request: S3Request, operation: OperationRow): Promise<AuthResult> {
  if (operation.access.kind === 'handler') return { kind: 'anonymous', payload: { kind: 'unsigned' } };
  return services.authenticator.authenticate(signingOf(request));
}

function signingOf(request: S3Request): SigningRequest {
  return {
    method: request.method,
    rawPath: request.rawPath,
    rawQuery: request.rawQuery,
    headers: headersUnderSignature(request),
    vhostBucket: request.virtualHosted ? request.bucket : null,
  };
}

/**
 * The host of an absolute target outweighs the Host header (RFC 9112 section 3.2.2). The bucket is read from it, so it must be
 * the one that was signed: otherwise a presigned URL for one bucket would open another.
 */
function headersUnderSignature({ headers, host }: S3Request): Readonly<Record<string, string>> {
  const plain = (name: string): string => name.toLowerCase().replace(/:(80|443)$/, '');
  return plain(headers['host'] ?? '') === plain(host) ? headers : { ...headers, host };
}

function errorResponse(error: S3Error, request: S3Request | null, id: string): S3Response {
  if (error.status === 304) return { status: 304, headers: error.headers, body: null };
  return {
    status: error.status,
    headers: { 'content-type': 'application/xml', ...error.headers },
    body: errorDocument({
      code: error.code,
      message: error.message,
      detail: error.detail,
      resource: request?.rawPath ?? '/',
      requestId: id,
      hostId: id,
    }),
  };
}

/** CORS headers for an actual (not preflight) request that names its origin; the bucket's rules, else the default ones. */
async function crossOrigin(options: PipelineOptions, trace: Trace): Promise<Record<string, string>> {
  const { request } = trace;
  const origin = request?.headers['origin'];
  if (request === null || origin === undefined || request.method === 'OPTIONS') return {};
  try {
    let { bucket } = trace;
    if (bucket === null && request.bucket !== null) bucket = await requireBucket(options, request.bucket);
    return corsHeaders(bucketCorsRules(options.services, bucket), request);
  } catch {
    return {}; // no bucket, no rules: the answer itself already says what is wrong
  }
}

/** False when bytes of the request's body may still come: the connection cannot carry another request then. */
function bodyConsumed({ message, expectsContinue }: Exchange, trace: Trace): boolean {
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
async function discard(message: IncomingMessage): Promise<void> {
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

function clientGone(): S3Error {
  return new S3Error('IncompleteBody', { message: 'The client closed the connection.' });
}

function answered(): Error {
  return new Error('the request was answered');
}

function requestId(): string {
  return randomBytes(10).toString('hex').toUpperCase();
}

interface LogEntry {
  readonly id: string;
  readonly trace: Trace;
  readonly exchange: Exchange;
  readonly status: number;
  readonly failure: S3Error | IamError | null;
  readonly sentBytes: number;
  readonly durationMs: number;
}

/** One line per request; the client's mistakes are information, only the server's own failures are errors. */
function logRequest(log: Logger, entry: LogEntry): void {
  const { failure, trace } = entry;
  const fields = {
    requestId: entry.id,
    operation: trace.operation?.name ?? trace.action,
    method: entry.exchange.message.method,
    bucket: trace.request?.bucket ?? null,
    key: trace.request?.key ?? null,
    tenant: trace.identity.tenant,
    status: entry.status,
    code: failure?.code,
    bytes: entry.sentBytes,
    ms: Math.round(entry.durationMs * 10) / 10,
    remote: trace.request?.remoteAddress,
  };
  if (failure !== null && failure.status >= 500) {
    if (failure.status === 500) log.error({ ...fields, err: failure.cause ?? failure }, 'request failed');
    else log.warn({ ...fields, err: failure.cause }, 'request refused');
  } else {
    log.info(fields, 'request');
  }
}
