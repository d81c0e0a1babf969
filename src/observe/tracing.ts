/**
 * OpenTelemetry traces of requests, down to the statements that they make, sent by OTLP over HTTP. Nothing is registered globally: what
 * belongs to which request is known by a context manager of this object. Spans of parts are made only under a request that is
 * sampled. Names and attributes are the server's own words, ids and bucket names: no keys, no values, nothing of credentials.
 */
import type { IncomingMessage } from 'node:http';
import type { Attributes, Context, Span, Tracer } from '@opentelemetry/api';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace-base';
import type { Logger } from 'pino';
import type { TracingConfig } from '../config/types.js';
import type { Served } from '../http/request-log.js';
import type { Spans } from '../http/spans.js';
import type { EndCall, StoreObserver } from '../store/shared/observer.js';
import { operationOf } from './operation-name.js';
import { remoteParent } from './trace-parent.js';

/** How long a receiver that does not answer may delay the end of the process. */
const CLOSE_MS = 3_000;
const EXPORT_TIMEOUT_MS = 10_000;
const EXPORT_INTERVAL_MS = 1_000;
/** Spans that wait for being sent; more are dropped. */
const MAX_WAITING = 4_096;

export interface TracingOptions {
  readonly config: TracingConfig;
  readonly version: string;
  /** tells apart the processes of a service */
  readonly instance: string;
  readonly log: Logger;
}

/** Ends the span of a part. */
export type EndSpan = (error: unknown) => void;

export class Tracing implements Spans {
  readonly #contexts = new AsyncLocalStorageContextManager().enable();
  readonly #provider: BasicTracerProvider;
  readonly #tracer: Tracer;
  readonly #log: Logger;
  /** Of the store's statements. */
  readonly store: StoreObserver = { began: (call) => this.#call(call), retried: () => undefined };

  constructor({ config, version, instance, log }: TracingOptions) {
    this.#log = log;
    const exporter = new OTLPTraceExporter({
      url: config.endpoint,
      headers: { ...config.headers },
      timeoutMillis: EXPORT_TIMEOUT_MS,
    });
    this.#provider = new BasicTracerProvider({
      resource: resourceFromAttributes({
        'service.name': config.serviceName,
        'service.version': version,
        'service.instance.id': instance,
      }),
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(config.sampleRatio) }),
      spanProcessors: [
        new BatchSpanProcessor(exporter, {
          scheduledDelayMillis: EXPORT_INTERVAL_MS,
          exportTimeoutMillis: EXPORT_TIMEOUT_MS,
          maxQueueSize: MAX_WAITING,
        }),
      ],
    });
    this.#tracer = this.#provider.getTracer('pithos', version);
  }

  request<T>(message: IncomingMessage, run: () => Promise<T>): Promise<T> {
    const { traceparent, tracestate } = message.headers;
    const parent = remoteParent(asOne(traceparent), asOne(tracestate));
    const above = parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent);
    const span = this.#tracer.startSpan(
      message.method ?? 'GET',
      { kind: SpanKind.SERVER, attributes: { 'http.request.method': message.method ?? 'GET' } },
      above,
    );
    return this.#contexts.with(trace.setSpan(above, span), run);
  }

  served(served: Served): void {
    const span = this.#active();
    if (span === null) return;
    const { trace: known, failure, response } = served;
    span.updateName(operationOf(known));
    span.setAttributes({
      'aws.request_id': served.id,
      'http.response.status_code': response.status,
      'http.response.body.size': served.sentBytes,
      'http.request.body.size': known.receivedBytes,
      'network.protocol.version': served.httpVersion,
      'url.scheme': served.tls === null ? 'http' : 'https',
      ...(known.request === null ? {} : { 'client.address': known.request.remoteAddress }),
      ...(known.bucket === null ? {} : { 'aws.s3.bucket': known.bucket.name }),
      ...(failure === null ? {} : { 'error.type': failure.code }),
    });
    if (response.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  }

  within<T>(name: string, run: () => Promise<T>): Promise<T> {
    const { context, end } = this.begin(name);
    if (context === null) return run();
    return this.#contexts.with(context, run).then(
      (value) => {
        end(null);
        return value;
      },
      (error: unknown) => {
        end(error);
        throw error;
      },
    );
  }

  /** A part of what is under way that is not one function; context: what runs in it is below it. null: nothing is traced */
  begin(name: string, attributes: Attributes = {}): { readonly context: Context | null; readonly end: EndSpan } {
    if (this.#active() === null) return { context: null, end: () => undefined };
    const above = this.#contexts.active();
    const span = this.#tracer.startSpan(name, { attributes }, above);
    return { context: trace.setSpan(above, span), end: (error) => endSpan(span, error) };
  }

  /** Runs something below what begin() began. */
  inside<T>(context: Context | null, run: () => T): T {
    return context === null ? run() : this.#contexts.with(context, run);
  }

  traceId(): string | null {
    return this.#active()?.spanContext().traceId ?? null;
  }

  /** Sends what waits, as far as the receiver takes it in time. */
  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_MS);
    });
    try {
      await Promise.race([this.#provider.shutdown(), late]);
    } catch (error) {
      this.#log.warn({ err: error }, 'the last traces could not be sent');
    } finally {
      clearTimeout(timer);
    }
  }

  /** null: nothing is traced */
  #active(): Span | null {
    const span = trace.getSpan(this.#contexts.active());
    return span?.isRecording() === true ? span : null;
  }

  #call(call: string): EndCall {
    if (this.#active() === null) return NOTHING;
    const [verb = '', table = ''] = call.split(' ');
    const span = this.#tracer.startSpan(
      call,
      {
        kind: SpanKind.CLIENT,
        attributes: { 'db.system.name': 'cassandra', 'db.operation.name': verb, 'db.collection.name': table },
      },
      this.#contexts.active(),
    );
    return ({ error, speculative = 0 }) => {
      if (speculative > 0) span.setAttribute('cassandra.speculative_executions', speculative);
      endSpan(span, error);
    };
  }
}

const NOTHING: EndCall = () => undefined;

function endSpan(span: Span, error: unknown): void {
  if (error !== null) {
    // Its kind, not its message: that may hold what a client sent.
    const kind =
      error instanceof Error
        ? String('kind' in error ? error.kind : 'code' in error ? error.code : error.name)
        : 'error';
    span.setAttribute('error.type', kind);
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}

function asOne(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(',') : header;
}
