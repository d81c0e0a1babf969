import { errors, types } from 'cassandra-driver';
import { describe, expect, it } from 'vitest';
import { toStoreError } from '../../../../src/store/cassandra/driver-errors.js';
import { StoreError } from '../../../../src/store/errors.js';

const codes = types.responseErrorCodes;
const response = (code: number) => new errors.ResponseError(code, 'from the server');
const socket = (fields: object) => Object.assign(new Error('socket closed'), { isSocketError: true, ...fields });

function verdict(error: unknown) {
  return (['read', 'write', 'cas'] as const).map((statement) => {
    const { kind, outcome } = toStoreError(error, statement);
    return `${kind} ${outcome}`;
  });
}

describe('toStoreError', () => {
  it.each([
    ['writeTimeout', codes.writeTimeout, 'timeout', 'unknown'],
    ['readTimeout', codes.readTimeout, 'timeout', 'unknown'],
    ['CAS write unknown of protocol v5', 0x1700, 'timeout', 'unknown'],
    ['writeFailure', codes.writeFailure, 'unavailable', 'unknown'],
    ['readFailure', codes.readFailure, 'unavailable', 'unknown'],
    ['unavailable', codes.unavailableException, 'unavailable', 'notApplied'],
    ['bootstrapping', codes.isBootstrapping, 'unavailable', 'notApplied'],
    ['overloaded', codes.overloaded, 'overloaded', 'notApplied'],
    ['serverError', codes.serverError, 'internal', 'unknown'],
  ])('maps the server error %s', (_name, code, kind, outcome) => {
    // A conditional write that was refused now may have been proposed in an earlier round.
    expect(verdict(response(code))).toEqual([`${kind} notApplied`, `${kind} ${outcome}`, `${kind} unknown`]);
  });

  it.each([codes.invalid, codes.syntaxError, codes.unauthorized, codes.badCredentials, codes.configError])(
    'maps the refusal %i to internal, never applied',
    (code) => {
      expect(verdict(response(code))).toEqual(['internal notApplied', 'internal notApplied', 'internal notApplied']);
    },
  );

  it('maps what happens on the way', () => {
    expect(verdict(new errors.OperationTimedOutError('slow', 'host'))[1]).toBe('timeout unknown');
    expect(verdict(socket({}))[2]).toBe('unavailable unknown');
    expect(verdict(socket({ requestNotWritten: true }))[2]).toBe('unavailable notApplied');
    expect(verdict(new errors.BusyConnectionError('host', 2048, 1))[2]).toBe('overloaded notApplied');
    expect(verdict(new errors.AuthenticationError('no'))[1]).toBe('internal notApplied');
    expect(verdict(new TypeError('not a uuid'))[1]).toBe('internal notApplied');
    expect(verdict(new Error('?'))[1]).toBe('internal unknown');
  });

  it('judges an exhausted list of nodes by what was tried on each', () => {
    const none = (inner: Record<string, unknown>) => verdict(new errors.NoHostAvailableError(inner));
    expect(none({})[2]).toBe('unavailable notApplied');
    expect(none({ a: 'Host considered as DOWN', b: null })[2]).toBe('unavailable notApplied');
    expect(none({ a: 'Host considered as DOWN', b: socket({ syscall: 'connect' }) })[2]).toBe('unavailable notApplied');
    expect(none({ a: new errors.BusyConnectionError('a', 1, 1) })[1]).toBe('overloaded notApplied');
    expect(none({ a: response(codes.overloaded), b: response(codes.overloaded) })[1]).toBe('overloaded notApplied');
    expect(none({ a: socket({}), b: 'Host considered as DOWN' })[1]).toBe('unavailable unknown');
    expect(none({ a: new errors.OperationTimedOutError('slow', 'a'), b: socket({}) })[1]).toBe('timeout unknown');
    expect(none({ a: new errors.AuthenticationError('bad credentials') })[1]).toBe('internal notApplied');
  });

  it('leaves StoreErrors as they are', () => {
    const error = new StoreError('contention', 'notApplied', 'x');
    expect(toStoreError(error, 'cas')).toBe(error);
  });

  it('keeps the cause', () => {
    const cause = response(codes.overloaded);
    expect(toStoreError(cause, 'read').cause).toBe(cause);
  });
});
