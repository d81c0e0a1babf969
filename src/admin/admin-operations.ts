/** THE table of the admin API: a row per operation, in any order. docs/admin-api.md describes each. */
import type { AdminOperation } from './admin-operation.js';
import { bucketArn } from '../iam/policy.js';
import { deleteBucketLimits, getBucketLimits, putBucketLimits } from './ops/bucket-limits.js';
import { getRing } from './ops/get-ring.js';
import { getServer } from './ops/get-server.js';
import {
  deleteBucketQuota,
  deleteTenantQuota,
  getBucketQuota,
  getTenantQuota,
  listQuotas,
  putBucketQuota,
  putTenantQuota,
} from './ops/quotas.js';

export const ADMIN_OPERATIONS: readonly AdminOperation[] = [
  { name: 'GetServer', method: 'GET', path: '/server', access: 'operator', handler: getServer },
  { name: 'GetRing', method: 'GET', path: '/ring', access: 'operator', handler: getRing },
  {
    name: 'GetBucketLimits',
    method: 'GET',
    path: '/buckets/{bucket}/limits',
    access: 'account',
    resource: limitsOf,
    handler: getBucketLimits,
  },
  {
    name: 'PutBucketLimits',
    method: 'PUT',
    path: '/buckets/{bucket}/limits',
    access: 'operator',
    resource: limitsOf,
    handler: putBucketLimits,
  },
  {
    name: 'DeleteBucketLimits',
    method: 'DELETE',
    path: '/buckets/{bucket}/limits',
    access: 'operator',
    resource: limitsOf,
    handler: deleteBucketLimits,
  },
  {
    name: 'GetBucketQuota',
    method: 'GET',
    path: '/buckets/{bucket}/quota',
    access: 'account',
    resource: limitsOf,
    handler: getBucketQuota,
  },
  {
    name: 'PutBucketQuota',
    method: 'PUT',
    path: '/buckets/{bucket}/quota',
    access: 'operator',
    resource: limitsOf,
    handler: putBucketQuota,
  },
  {
    name: 'DeleteBucketQuota',
    method: 'DELETE',
    path: '/buckets/{bucket}/quota',
    access: 'operator',
    resource: limitsOf,
    handler: deleteBucketQuota,
  },
  {
    name: 'GetTenantQuota',
    method: 'GET',
    path: '/tenants/{tenant}/quota',
    access: 'account',
    handler: getTenantQuota,
  },
  {
    name: 'PutTenantQuota',
    method: 'PUT',
    path: '/tenants/{tenant}/quota',
    access: 'operator',
    handler: putTenantQuota,
  },
  {
    name: 'DeleteTenantQuota',
    method: 'DELETE',
    path: '/tenants/{tenant}/quota',
    access: 'operator',
    handler: deleteTenantQuota,
  },
  { name: 'ListQuotas', method: 'GET', path: '/quotas', access: 'account', handler: listQuotas },
];

function limitsOf({ bucket = '' }: Readonly<Record<string, string>>): string {
  return bucketArn(bucket);
}
