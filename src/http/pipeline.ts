/**
 * The one way through the server: target -> operation -> authentication -> authorization -> handler -> answer. Every error
 * becomes S3's error document here.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { CipherNameAndProtocol } from 'node:tls';
import type { Logger } from 'pino';
import type { AdminApi } from '../admin/admin-api.js';
import { isAdminAddress } from '../admin/admin-router.js';
import type { AuthResult, PayloadPlan, SigningRequest } from '../auth/types.js';
import type { Console } from '../console/console.js';
import type { IamError } from '../iam/iam-errors.js';
import type { Admission } from '../limits/admission.js';
import { paced } from '../limits/pace.js';
import type { RequestLimits } from '../limits/request-limits.js';
import { isQueryRequest } from '../iam/query-api.js';
import type { QueryApi } from '../iam/query-api.js';
import { authorize, requireBucket } from '../s3/access.js';
import type { OperationContext, Services } from '../s3/context.js';
import { ANONYMOUS } from '../s3/context.js';
import { bucketCorsRules } from '../s3/bucket-cors.js';
import { checkObjectKey } from '../s3/bucket-name.js';
import { corsHeaders } from '../s3/cors.js';
import { S3Error } from '../s3/errors.js';
import type { OperationRow, S3Response } from '../s3/operation.js';
import { checkQuorumRequest } from '../s3/quorum-bucket.js';
import type { S3Request } from '../s3/request.js';
import { chargedHeaders } from '../s3/requester-pays.js';
import { addressOf, apiTarget, QueryParams } from '../s3/request.js';
import type { OperationResolver } from '../s3/resolve.js';
import { toS3Error } from '../s3/store-errors.js';
import { errorDocument } from '../s3/xml/error-document.js';
import type { BucketRecord } from '../store/types.js';
import { errorPage } from '../website/page.js';
import { answerWebsite } from '../website/serve.js';
import type { Website } from '../website/website.js';
import { RequestBody } from './body.js';
import type { RequestOrigin } from './client-address.js';
import type { ClientRates } from './client-rates.js';
import { flattenHeaders, wireValue } from './headers.js';
import { identityOf } from './identity.js';
import { readIncoming } from './incoming.js';
import { bodyConsumed, discard } from './leftovers.js';
import { logRequest } from './request-log.js';
import type { Served, Trace } from './request-log.js';
import { respond } from './respond.js';
import type { Spans } from './spans.js';

export interface PipelineOptions {
  readonly services: Services;
  readonly resolver: OperationResolver;
  /** IAM and STS */
  readonly queryApi: QueryApi;
  readonly admin: AdminApi;
  readonly website: Website;
  /** null: not served */
  readonly console: Console | null;
  /** names under which buckets are virtual hosts, lower case */
  readonly serviceHosts: readonly string[];
  readonly bodyIdleTimeoutMs: number;
  readonly admission: Admission;
  readonly requestLimits: RequestLimits;
  /** The server is about to end: connections are not kept. */
  readonly draining: () => boolean;
  readonly log: Logger;
  /** Traces requests; absent: nobody does. */
  readonly spans?: Spans;
  /** Before anything else is done for a request, which onServed follows; must not throw. */
  readonly onStarted?: () => void;
  /** After every answer; must not throw. */
  readonly onServed?: (served: Served) => void;
}

export interface Exchange {
  readonly message: IncomingMessage;
  readonly reply: ServerResponse;
  /** the request target as the client sent it */
  readonly url: string;
  /** the client waits for 100 Continue before it sends the body */
  readonly expectsContinue: boolean;
  /** of the client, behind trusted proxies too */
  readonly origin: RequestOrigin;
  readonly rates: ClientRates;
}

const SERVER = 'Pithos';

/** Serves one request; never rejects. */
export function serve(options: PipelineOptions, exchange: Exchange): Promise<void> {
  const run = (): Promise<void> => serveRequest(options, exchange);
  return options.spans === undefined ? run() : options.spans.request(exchange.message, run);
}

async function serveRequest(options: PipelineOptions, exchange: Exchange): Promise<void> {
  const { message, reply } = exchange;
  options.onStarted?.();
  const id = requestId();
  const startedMs = performance.now();
  const tls = tlsOf(message);
  const aborter = new AbortController();
  const onClose = (): void => {
    if (!reply.writableFinished) aborter.abort(clientGone());
  };
  reply.on('close', onClose);
  const trace: Trace = {
    request: null,
    auth: null,
    entries: [],
    operation: null,
    action: null,
    failure: null,
    identity: ANONYMOUS,
    bucket: null,
    aclRequired: false,
    body: null,
    continued: false,
    receivedBytes: 0,
    traceId: options.spans?.traceId() ?? null,
    lane: null,
  };
  let response: S3Response;
  let failure: S3Error | IamError | null = null;
  let leave: (() => void) | null = null;
  try {
    await exchange.rates.address(exchange.origin.address);
    leave = await options.admission.enter(aborter.signal);
    response = await answer(options, exchange, id, trace, aborter.signal);
    ({ failure } = trace);
  } catch (error) {
    const refusal = toS3Error(error);
    failure = refusal;
    response = errorResponse(refusal, trace.request, id);
  }
  const turnAroundMs = performance.now() - startedMs;
  const withCors = { ...response, headers: { ...response.headers, ...(await crossOrigin(options, trace)) } };
  const consumed = bodyConsumed(exchange, trace);
  let sentBytes = 0;
  try {
    sentBytes = await respond(reply, {
      response: withCors,
      common: {
        'x-amz-request-id': id,
        'x-amz-id-2': id,
        server: SERVER,
        ...(options.draining() ? { connection: 'close' } : {}),
      },
      pace: trace.lane?.out ?? null,
      idleTimeoutMs: options.bodyIdleTimeoutMs,
      method: message.method ?? 'GET',
      close: consumed
        ? null
        : async () => {
            aborter.abort(ANSWERED);
            // A client that waits for 100 Continue sends nothing any more.
            if (!exchange.expectsContinue || trace.continued) await discard(message);
          },
      signal: aborter.signal,
    });
  } catch (error) {
    failure ??= toS3Error(error);
  } finally {
    leave?.();
  }
  // Whoever still reads the body stops: the answer is out.
  if (!consumed) aborter.abort(ANSWERED);
  const served: Served = {
    id,
    method: message.method ?? 'GET',
    url: exchange.url,
    httpVersion: message.httpVersion,
    trace,
    tls,
    response: withCors,
    failure,
    sentBytes,
    durationMs: performance.now() - startedMs,
    turnAroundMs,
  };
  logRequest(options.log, served);
  options.spans?.served(served);
  options.onServed?.(served);
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
  const address = addressOf({ url: exchange.url, headers });
  const site = await options.website.siteOf(address.host);
  const isAdmin = site === null && isAdminAddress(address, options.serviceHosts);
  const target =
    site === null && !isAdmin
      ? apiTarget(address, options.serviceHosts)
      : { ...address, bucket: site, key: null, virtualHosted: site !== null };
  let request: S3Request = {
    id,
    method,
    ...target,
    query: new QueryParams(target.rawQuery),
    headers,
    remoteAddress: exchange.origin.address,
    secure: exchange.origin.secure,
    ...tlsVersion(message),
  };
  trace.request = request;
  checkHost(request);
  if (site !== null) return visit(options, exchange, request, trace, signal);
  if (isAdmin) return answerAdmin(options, exchange, request, trace, signal);
  const page = options.console?.answer(request) ?? null;
  if (page !== null) {
    trace.action = 'Console';
    return page;
  }
  if (isQueryRequest(request)) return answerQuery(options, exchange, request, trace, signal);
  if (request.key !== null) checkObjectKey(request.key);
  const operation = resolver.resolve(request);
  trace.operation = operation;

  const authentication = (): Promise<AuthResult> => authenticate(services, request, operation);
  const auth = await (options.spans?.within('authenticate', authentication) ?? authentication());
  if (auth.kind === 'signed') trace.auth = { version: auth.version, carrier: auth.carrier };
  options.queryApi.used(auth);
  if (auth.kind === 'signed') await exchange.rates.accessKey(auth.credential.accessKey);
  if (auth.kind === 'signed' && Object.keys(auth.hoistedHeaders).length > 0) {
    request = { ...request, headers: { ...headers, ...obeyed(auth.hoistedHeaders) } };
    trace.request = request;
  }
  const identity = identityOf(auth, request.headers, services.settings.master);
  trace.identity = identity;
  const onAclRequired = (): void => {
    trace.aclRequired = true;
  };
  const bucket = await authorize({ services, request, identity, operation, onAclRequired });
  trace.bucket = bucket;
  if (operation.access.kind !== 'handler') await enterLane(options, trace, signal);
  if (operation.handler === null)
    throw new S3Error('NotImplemented', {
      message: `${operation.name} is known to this server, but not served.`,
      detail: { Operation: operation.name },
    });
  if (bucket !== null) checkQuorumRequest(operation.name, request.headers, bucket);

  const body = requestBody(options, exchange, { plan: auth.payload, headers, trace, signal });
  const context: OperationContext = {
    request,
    operation,
    identity,
    services,
    body,
    log: options.log,
    signal,
    onEntry: (entry) => trace.entries.push(entry),
    onAclRequired,
    onAllowed: async (caller, about) => {
      if (caller.kind === 'signed') await exchange.rates.accessKey(caller.credential.accessKey);
      await enterLane(options, trace, signal, { identity: caller, bucket: about });
    },
    get bucket(): BucketRecord {
      if (bucket === null) throw new Error(`${operation.name} has no bucket`);
      return bucket;
    },
  };
  const response = await operation.handler(context);
  if (bucket === null) return response;
  const answered = { ...response, headers: { ...response.headers, ...chargedHeaders(identity, bucket) } };
  return operation.name === 'GetObject' ? (options.console?.isolate(request, answered) ?? answered) : answered;
}

/** Requests and bytes of a bucket and its tenant are counted once it is known that the caller may ask. */
async function enterLane(
  { requestLimits }: PipelineOptions,
  trace: Trace,
  signal: AbortSignal,
  { identity, bucket }: Pick<Trace, 'identity' | 'bucket'> = trace,
): Promise<void> {
  trace.lane = await requestLimits.lane({ bucket, tenant: bucket?.owner.id ?? identity.tenant }, signal);
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
      const incoming = readIncoming(message, {
        idleTimeoutMs: options.bodyIdleTimeoutMs,
        signal,
        onRead: (sizeBytes) => {
          trace.receivedBytes += sizeBytes;
        },
      });
      return paced(incoming, () => trace.lane?.in ?? null, signal);
    },
    plan,
    contentLengthBytes: contentLength === undefined ? null : Number(contentLength),
    transferChunked: headers['transfer-encoding'] !== undefined,
  });
  trace.body = body;
  return body;
}

/** A visit to a bucket's website. */
async function visit(
  options: PipelineOptions,
  exchange: Exchange,
  request: S3Request,
  trace: Trace,
  signal: AbortSignal,
): Promise<S3Response> {
  // As S3's access logs name it.
  trace.action = `WEBSITE.${request.method}.OBJECT`;
  try {
    const site = await options.services.stores.buckets.get(request.bucket ?? '');
    if (site !== null) await enterLane(options, trace, signal, { identity: ANONYMOUS, bucket: site });
  } catch (error) {
    const refusal = toS3Error(error);
    trace.failure = refusal;
    return errorPage(refusal, { requestId: request.id });
  }
  const { response, failure } = await answerWebsite({
    services: options.services,
    operations: options.website.operations,
    request,
    body: requestBody(options, exchange, { plan: { kind: 'unsigned' }, headers: request.headers, trace, signal }),
    log: options.log,
    signal,
    onRequest: (understood) => (trace.request = understood),
    onBucket: (bucket) => (trace.bucket = bucket),
  });
  trace.failure = failure;
  return response;
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
    onIdentity: async (identity) => {
      trace.identity = identity;
      if (identity.kind === 'signed') await exchange.rates.accessKey(identity.credential.accessKey);
    },
  });
  trace.failure = failure;
  return response;
}

async function answerAdmin(
  options: PipelineOptions,
  exchange: Exchange,
  request: S3Request,
  trace: Trace,
  signal: AbortSignal,
): Promise<S3Response> {
  const { headers } = request;
  const { response, failure } = await options.admin.serve({
    request,
    signing: signingOf(request),
    readBody: (plan, maxBytes) => requestBody(options, exchange, { plan, headers, trace, signal }).buffer(maxBytes),
    signal,
    onAction: (name) => (trace.action = name),
    onSigned: async (auth, identity) => {
      trace.auth = { version: auth.version, carrier: auth.carrier };
      trace.identity = identity;
      options.queryApi.used(auth);
      await exchange.rates.accessKey(auth.credential.accessKey);
    },
  });
  trace.failure = failure;
  return response;
}

/**
 * What a presigned URL says in place of headers. Digests of the body are left out, as on S3: whoever signed the URL had no body
 * yet, and SDKs sign the checksum of an empty one.
 */
function obeyed(hoisted: Readonly<Record<string, string>>): Record<string, string> {
  const obeyedOnes = Object.entries(hoisted).filter(([name]) => !BODY_DIGEST.test(name));
  return Object.fromEntries(obeyedOnes.map(([name, value]) => [name, wireValue(value)]));
}

const BODY_DIGEST = /^x-amz-(checksum-(crc|md|sha)|sdk-checksum-algorithm$)/;

function tlsOf({ socket }: IncomingMessage): Served['tls'] {
  if (!(socket instanceof TLSSocket)) return null;
  // Whatever its type says, there is no cipher once the connection is gone.
  const cipher = socket.getCipher() as CipherNameAndProtocol | null | undefined;
  return { version: socket.getProtocol(), cipher: cipher?.name ?? null };
}

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

function clientGone(): S3Error {
  return new S3Error('IncompleteBody', { message: 'The client closed the connection.' });
}

/** Why readers of a body stop; one for all, because an Error takes its stack down and that is dear. */
const ANSWERED = new Error('the request was answered');

/** 20 random digits. Node draws UUIDs from a pool, which costs a fraction of drawing bytes for each request. */
function requestId(): string {
  return randomUUID().replaceAll('-', '').slice(-20).toUpperCase();
}
