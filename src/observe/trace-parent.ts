/** Reads what a client says of the trace that its request belongs to: https://www.w3.org/TR/trace-context/ */
import type { SpanContext } from '@opentelemetry/api';
import { createTraceState, isSpanContextValid, TraceFlags } from '@opentelemetry/api';

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
/** As the specification recommends to pass on at least. */
const MAX_TRACESTATE_CHARS = 512;

/** null: there is none, or none that can be read, which counts as none */
export function remoteParent(traceparent: string | undefined, tracestate: string | undefined): SpanContext | null {
  const [, version, traceId = '', spanId = '', flags = '', more] = TRACEPARENT.exec(traceparent?.trim() ?? '') ?? [];
  // Later versions may have more fields; version 00 has not, and ff is none.
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return null;
  const sampled = (Number.parseInt(flags, 16) & TraceFlags.SAMPLED) !== 0;
  const parent: SpanContext = {
    traceId,
    spanId,
    traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
    isRemote: true,
    ...(tracestate !== undefined &&
      tracestate.length <= MAX_TRACESTATE_CHARS && { traceState: createTraceState(tracestate) }),
  };
  return isSpanContextValid(parent) ? parent : null;
}
