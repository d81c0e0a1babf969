/**
 * Maps every failure of the driver to a StoreError. The outcome of a write is 'notApplied' only where Cassandra or the driver
 * proves it; everything else is 'unknown'. A conditional write (Paxos) is 'unknown' even when Cassandra answers
 * "unavailable" or "overloaded": an earlier round of the same statement may have been accepted by a minority and be completed
 * by whoever comes next.
 */
import { errors, types } from 'cassandra-driver';
import { StoreError } from '../errors.js';
import type { StoreErrorKind, StoreOutcome } from '../errors.js';

/** read: no effect; write: plain, repeatable; cas: conditional. */
export type StatementKind = 'read' | 'write' | 'cas';

/** Servers of later versions answer codes that the driver does not know: compared as numbers. */
const codes: Readonly<Record<keyof typeof types.responseErrorCodes, number>> = types.responseErrorCodes;
/** Of protocol v5, in case a proxy or a newer driver speaks it. */
const CAS_WRITE_UNKNOWN = 0x1700;
const CDC_WRITE_FAILURE = 0x1600;

interface Verdict {
  readonly kind: StoreErrorKind;
  /** of a plain write; reads are always notApplied */
  readonly outcome: StoreOutcome;
  /** The server refused the statement before doing anything, conditional or not. */
  readonly refused?: true;
}

export function toStoreError(error: unknown, statement: StatementKind): StoreError {
  if (error instanceof StoreError) return error;
  const verdict = judge(error);
  const outcome: StoreOutcome =
    statement === 'read' || verdict.refused === true ? 'notApplied' : statement === 'cas' ? 'unknown' : verdict.outcome;
  return new StoreError(verdict.kind, outcome, `Cassandra: ${messageOf(error)}`, error);
}

function judge(error: unknown): Verdict {
  if (error instanceof errors.NoHostAvailableError) return judgeHosts(error);
  if (error instanceof errors.ResponseError) return judgeResponse(error.code);
  if (error instanceof errors.OperationTimedOutError) return { kind: 'timeout', outcome: 'unknown' };
  if (error instanceof errors.BusyConnectionError) return { kind: 'overloaded', outcome: 'notApplied', refused: true };
  if (error instanceof errors.AuthenticationError) return { kind: 'internal', outcome: 'notApplied', refused: true };
  if (error instanceof errors.ArgumentError || error instanceof errors.NotSupportedError) {
    return { kind: 'internal', outcome: 'notApplied', refused: true };
  }
  if (error instanceof errors.DriverError) return { kind: 'unavailable', outcome: 'unknown' };
  if (isSocketError(error)) {
    return isNotWritten(error)
      ? { kind: 'unavailable', outcome: 'notApplied', refused: true }
      : { kind: 'unavailable', outcome: 'unknown' };
  }
  // Values that cannot be encoded are found before anything is sent.
  if (error instanceof TypeError || error instanceof RangeError) {
    return { kind: 'internal', outcome: 'notApplied', refused: true };
  }
  return { kind: 'internal', outcome: 'unknown' };
}

/** No node answered: what was tried on each decides. A string or null says that the node was not even asked. */
function judgeHosts(error: errors.NoHostAvailableError): Verdict {
  const inner: unknown[] = Object.values((error.innerErrors ?? {}) as Record<string, unknown>);
  const tried = inner.filter((one): one is Error => one instanceof Error).map(judge);
  const fatal = tried.find((one) => one.kind === 'internal');
  if (fatal) return fatal;
  const unsent = tried.every((one) => one.refused === true);
  const kind = tried.length > 0 && tried.every((one) => one.kind === 'overloaded') ? 'overloaded' : 'unavailable';
  if (unsent) return { kind, outcome: 'notApplied', refused: true };
  const outcome = tried.some((one) => one.outcome === 'unknown') ? 'unknown' : 'notApplied';
  return { kind: tried.some((one) => one.kind === 'timeout') ? 'timeout' : kind, outcome };
}

function judgeResponse(code: number): Verdict {
  switch (code) {
    case codes.unavailableException:
    case codes.isBootstrapping:
      return { kind: 'unavailable', outcome: 'notApplied' };
    case codes.overloaded:
      return { kind: 'overloaded', outcome: 'notApplied' };
    case codes.writeTimeout:
    case codes.readTimeout:
    case CAS_WRITE_UNKNOWN:
      return { kind: 'timeout', outcome: 'unknown' };
    case codes.readFailure:
    case codes.writeFailure:
    case CDC_WRITE_FAILURE:
    case codes.truncateError:
      return { kind: 'unavailable', outcome: 'unknown' };
    case codes.badCredentials:
    case codes.unauthorized:
    case codes.syntaxError:
    case codes.invalid:
    case codes.configError:
    case codes.alreadyExists:
    case codes.protocolError:
      return { kind: 'internal', outcome: 'notApplied', refused: true };
    default:
      // serverError, functionFailure, unprepared and what later servers add
      return { kind: 'internal', outcome: 'unknown' };
  }
}

function isSocketError(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const {
    isSocketError: marked,
    code,
    syscall,
  } = error as { isSocketError?: unknown; code?: unknown; syscall?: unknown };
  return marked === true || typeof syscall === 'string' || (typeof code === 'string' && code.startsWith('E'));
}

/** A connection that could not be made, or a request that never left. */
function isNotWritten(error: unknown): boolean {
  const { requestNotWritten, syscall } = error as { requestNotWritten?: unknown; syscall?: unknown };
  return requestNotWritten === true || syscall === 'connect' || syscall === 'getaddrinfo';
}

function messageOf(error: unknown): string {
  if (error instanceof errors.NoHostAvailableError) {
    const tried = Object.entries((error.innerErrors ?? {}) as Record<string, unknown>);
    if (tried.length === 0) return error.message;
    return `no node answered (${tried.map(([host, inner]) => `${host}: ${messageOf(inner ?? 'no answer')}`).join('; ')})`;
  }
  return error instanceof Error ? error.message : String(error);
}
