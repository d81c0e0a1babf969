// Which requests are for the admin API, and for which of its operations.
import { describe, expect, it } from 'vitest';
import type { AdminMethod, AdminOperation } from '../../../src/admin/admin-operation.js';
import { ADMIN_OPERATIONS } from '../../../src/admin/admin-operations.js';
import { AdminRouter, isAdminAddress } from '../../../src/admin/admin-router.js';

function row(name: string, method: AdminMethod, path: string): AdminOperation {
  return { name, method, path, access: 'operator', handler: async () => null };
}

const ROWS = [
  row('ListBuckets', 'GET', '/buckets'),
  row('GetQuota', 'GET', '/buckets/{bucket}/quota'),
  row('PutQuota', 'PUT', '/buckets/{bucket}/quota'),
  row('GetBucket', 'GET', '/buckets/{bucket}'),
  row('GetSummary', 'GET', '/buckets/summary'),
];

describe('AdminRouter', () => {
  const router = new AdminRouter(ROWS);
  const routed = (method: string, path: string): unknown[] => {
    const { operation, params } = router.route(method, `/-/admin/v1${path}`);
    return [operation.name, params];
  };
  const fault = (method: string, path: string): unknown => {
    try {
      return routed(method, path);
    } catch (error) {
      const { code, status, headers } = error as { code: string; status: number; headers?: { allow?: string } };
      return [code, status, headers?.allow];
    }
  };

  it('finds the row and reads names from the path', () => {
    expect(routed('GET', '/buckets')).toEqual(['ListBuckets', {}]);
    expect(routed('PUT', '/buckets/a%2Fb/quota')).toEqual(['PutQuota', { bucket: 'a/b' }]);
    expect(routed('GET', '/buckets/summary')).toEqual(['GetSummary', {}]);
    expect(routed('GET', '/buckets/summaries')).toEqual(['GetBucket', { bucket: 'summaries' }]);
  });

  it('refuses what no row answers', () => {
    expect(fault('GET', '/nothing')).toEqual(['NoSuchEntity', 404, undefined]);
    expect(fault('GET', '/buckets/')).toEqual(['NoSuchEntity', 404, undefined]);
    expect(fault('GET', '/buckets//quota')).toEqual(['NoSuchEntity', 404, undefined]);
    expect(fault('POST', '/buckets/b/quota')).toEqual(['MethodNotAllowed', 405, 'GET, PUT']);
    expect(fault('GET', '/buckets/%ff')).toEqual(['InvalidURI', 400, undefined]);
    expect(() => router.route('GET', '/-/admin/v2/buckets')).toThrow(/no admin operation/);
  });

  it('refuses tables with rows that answer the same', () => {
    const rows = [row('GetOne', 'GET', '/a/{b}')];
    expect(() => new AdminRouter([...rows, row('GetTwo', 'GET', '/a/{c}')])).toThrow(/two admin operations answer/);
    expect(() => new AdminRouter([...rows, row('GetOne', 'GET', '/d')])).toThrow(/have the name GetOne/);
    expect(() => new AdminRouter([row('Get*', 'GET', '/d')])).toThrow(/cannot be an action/);
    expect(() => new AdminRouter([row('Get', 'GET', 'd')])).toThrow(/begins with/);
  });

  it('takes the table that is served', () => {
    expect(() => new AdminRouter(ADMIN_OPERATIONS)).not.toThrow();
  });
});

describe('isAdminAddress', () => {
  const isAdmin = (rawPath: string, host = 'pithos:8080'): boolean =>
    isAdminAddress({ rawPath, rawQuery: '', host }, ['s3.example.com']);

  it('is about the path of requests that name no bucket by their host', () => {
    expect(isAdmin('/-/admin/v1/server')).toBe(true);
    expect(isAdmin('/-/admin/v1/server', 's3.example.com')).toBe(true);
    expect(isAdmin('/-/admin/v1/server', 'b.s3.example.com')).toBe(false);
    expect(isAdmin('/-/administrator')).toBe(false);
    expect(isAdmin('/b/-/admin/v1/server')).toBe(false);
  });
});
