import { errors } from 'cassandra-driver';
import type { ExecutionOptions } from 'cassandra-driver';
import { describe, expect, it } from 'vitest';
import type { CassandraTarget } from '../../../../src/config/types.js';
import { quoteKeyspace } from '../../../../src/store/cassandra/cluster.js';
import { endpointKey, hostOf } from '../../../../src/store/cassandra/connect.js';
import { SafeRetryPolicy } from '../../../../src/store/cassandra/retry-policy.js';

const TARGET: CassandraTarget = {
  contactPoints: ['a:9042', 'b:9042'],
  port: 9042,
  keyspace: 'storage',
  repfactor: 3,
  readConsistency: 'local-quorum',
  writeConsistency: 'local-quorum',
  serialConsistency: 'serial',
  requestTimeoutMs: 12_000,
  connectTimeoutMs: 5_000,
};

describe('endpointKey', () => {
  it('is one for keyspaces and consistency levels of the same cluster', () => {
    const other: CassandraTarget = {
      ...TARGET,
      contactPoints: ['b:9042', 'a:9042'],
      keyspace: 'blobs',
      repfactor: 1,
      readConsistency: 'one',
    };
    expect(endpointKey(other)).toBe(endpointKey(TARGET));
  });

  it.each([
    { username: 'u', password: 'p' },
    { contactPoints: ['a:9042'] },
    { dnsServers: ['127.0.0.1:53'] },
    { localDatacenter: 'dc2' },
    { tls: { verify: true } },
    { requestTimeoutMs: 1 },
  ])('differs with %o', (change) => {
    expect(endpointKey({ ...TARGET, ...change })).not.toBe(endpointKey(TARGET));
  });
});

describe('names', () => {
  it('takes the host of a contact point', () => {
    expect(['cassandra.svc:9042', '10.0.0.1:9043', '[::1]:9042', 'plain'].map(hostOf)).toEqual([
      'cassandra.svc',
      '10.0.0.1',
      '::1',
      'plain',
    ]);
  });

  it('quotes only keyspaces that need it', () => {
    expect(['storage', 'a_1', 'Storage', '1a'].map(quoteKeyspace)).toEqual(['storage', 'a_1', '"Storage"', '"1a"']);
  });
});

describe('SafeRetryPolicy', () => {
  const policy = new SafeRetryPolicy();
  const info = (idempotent: boolean, nbRetry: number) => ({
    nbRetry,
    executionOptions: { isIdempotent: () => idempotent } as ExecutionOptions,
  });
  const RETHROW = 0;
  const RETRY = 1;

  it('repeats nothing that is conditional', () => {
    const decisions = [
      policy.onUnavailable(info(false, 0)),
      policy.onReadTimeout(info(false, 0)),
      policy.onWriteTimeout(info(false, 0)),
      policy.onRequestError(info(false, 0), undefined, new Error('socket')),
    ];
    expect(decisions.map(({ decision }) => decision)).toEqual([RETHROW, RETHROW, RETHROW, RETHROW]);
  });

  it('repeats the rest on another node, a bounded number of times', () => {
    expect(policy.onWriteTimeout(info(true, 0))).toMatchObject({ decision: RETRY, useCurrentHost: false });
    expect(policy.onWriteTimeout(info(true, 1)).decision).toBe(RETHROW);
    const socket = new Error('socket');
    expect([0, 1, 2].map((n) => policy.onRequestError(info(true, n), undefined, socket).decision)).toEqual([
      RETRY,
      RETRY,
      RETHROW,
    ]);
    const slow = new errors.OperationTimedOutError('slow', 'host');
    expect([0, 1].map((n) => policy.onRequestError(info(true, n), undefined, slow).decision)).toEqual([RETRY, RETHROW]);
  });
});
