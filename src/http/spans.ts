/** What the pipeline tells whoever traces requests; src/observe/tracing.ts is who does. */
import type { IncomingMessage } from 'node:http';
import type { Served } from './request-log.js';

export interface Spans {
  /** Runs a request as a span of its own, under the one that its traceparent names. */
  request<T>(message: IncomingMessage, run: () => Promise<T>): Promise<T>;
  /** The request of the span that is under way has been answered. */
  served(served: Served): void;
  /** Runs a part of what is under way as a span. */
  within<T>(name: string, run: () => Promise<T>): Promise<T>;
  /** Of the request under way; null: it is not traced. */
  traceId(): string | null;
}
