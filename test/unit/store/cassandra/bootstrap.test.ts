import { errors, types } from 'cassandra-driver';
import { describe, expect, it } from 'vitest';
import { isPerhapsPremature } from '../../../../src/store/cassandra/bootstrap.js';
import { toStoreError } from '../../../../src/store/cassandra/driver-errors.js';

describe('isPerhapsPremature', () => {
  it.each([
    // A table that another bootstrap has just created: recorded, not open yet.
    [types.responseErrorCodes.serverError, 'java.lang.IllegalArgumentException: Unknown CF ff65cc50-e7e3-11f1-a5e4'],
    [types.responseErrorCodes.invalid, 'unconfigured table schema_lock'],
    [types.responseErrorCodes.invalid, 'keyspace pithos does not exist'],
    [types.responseErrorCodes.badCredentials, 'Provided username cassandra and/or password are incorrect'],
  ])('code %i %s: yes', (code, message) => {
    expect(isPerhapsPremature(toStoreError(new errors.ResponseError(code, message), 'write'))).toBe(true);
  });

  it.each([
    [types.responseErrorCodes.syntaxError, "line 1:0 no viable alternative at input 'CREAT'"],
    [types.responseErrorCodes.unauthorized, 'User pithos has no CREATE permission on <all keyspaces>'],
  ])('code %i %s: no', (code, message) => {
    expect(isPerhapsPremature(toStoreError(new errors.ResponseError(code, message), 'write'))).toBe(false);
  });
});
