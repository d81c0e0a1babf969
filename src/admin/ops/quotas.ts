/** Get-, Put- and DeleteBucketQuota, Get-, Put- and DeleteTenantQuota, ListQuotas: docs/quotas.md. */
import { IamError } from '../../iam/iam-errors.js';
import { requireBucket } from '../../s3/access.js';
import { S3Error } from '../../s3/errors.js';
import type { Quota, QuotaScope } from '../../store/quota-types.js';
import { quorumBucketOf } from '../../store/shared/quota-scope.js';
import type { AdminContext, AdminOperation } from '../admin-operation.js';

type Handler = AdminOperation['handler'];

const MAX_TENANTS = 1_000;

/** usage is null where there is no quota: then nothing is counted. */
export const getBucketQuota: Handler = async (context) => {
  const scope = await bucketScope(context);
  if (scope.kind === 'bucket') checkAccount(context, scope.bucket.owner.id);
  return shown(await context.services.s3.stores.quotas.get(scope));
};

/** What is there already is counted before it answers; goes on when the client does not wait for that. */
export const putBucketQuota: Handler = async (context) => put(context, await bucketScope(context));

export const deleteBucketQuota: Handler = async (context) => {
  await context.services.s3.stores.quotas.remove(await bucketScope(context));
  return null;
};

export const getTenantQuota: Handler = async (context) => {
  checkAccount(context, context.params['tenant'] ?? '');
  return shown(await context.services.s3.stores.quotas.get(tenantScope(context)));
};

export const putTenantQuota: Handler = (context) => put(context, tenantScope(context));

export const deleteTenantQuota: Handler = async (context) => {
  await context.services.s3.stores.quotas.remove(tenantScope(context));
  return null;
};

/**
 * Of the caller's account; for operators of all tenants, page by page: next is the page's after.
 * Query: tenant, after, limit (tenants of a page, default and at most 1000).
 */
export const listQuotas: Handler = async (context) => {
  const { query, isOperator, account, services, signal } = context;
  const { quotas } = services.s3.stores;
  const tenant = query.get('tenant') ?? (isOperator ? null : account);
  if (tenant !== null) {
    checkAccount(context, tenant);
    return { quotas: (await quotas.ofTenant(tenant)).map(listed), next: null };
  }
  const limit = limitOf(query.get('limit') ?? null);
  const tenants = await quotas.tenants({ after: query.get('after') ?? '', limit });
  const found: Quota[] = [];
  for (const one of tenants) {
    signal.throwIfAborted();
    found.push(...(await quotas.ofTenant(one)));
  }
  return { quotas: found.map(listed), next: tenants.length < limit ? null : (tenants.at(-1) ?? null) };
};

function limitOf(text: string | null): number {
  if (text === null) return MAX_TENANTS;
  const limit = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (limit < 1 || limit > MAX_TENANTS)
    throw new IamError('ValidationError', `limit must be a whole number from 1 to ${MAX_TENANTS}.`);
  return limit;
}

function checkAccount({ isOperator, account }: AdminContext, tenant: string): void {
  if (!isOperator && tenant !== account) throw new S3Error('AccessDenied');
}

async function bucketScope({ services, params }: AdminContext): Promise<QuotaScope> {
  return { kind: 'bucket', bucket: await requireBucket({ services: services.s3 }, params['bucket'] ?? '') };
}

function tenantScope({ params }: AdminContext): QuotaScope {
  return { kind: 'tenant', tenant: params['tenant'] ?? '' };
}

async function put(context: AdminContext, scope: QuotaScope): Promise<object> {
  const { stores } = context.services.s3;
  const fields = await context.body();
  const range = { min: 0, max: Number.MAX_SAFE_INTEGER };
  const limits = { bytes: fields.optionalInteger('bytes', range), objects: fields.optionalInteger('objects', range) };
  fields.done();
  if (limits.bytes === null && limits.objects === null)
    throw new IamError('ValidationError', 'A quota needs bytes, objects, or both.');
  const quorum = await quorumBucketOf(stores.buckets, scope);
  if (quorum !== null)
    throw new S3Error('NotImplemented', { message: `A quota cannot count the quorum bucket ${quorum}.` });
  return shown(await stores.quotas.set(scope, limits));
}

function shown(quota: Quota | null): object {
  return { bytes: quota?.limits.bytes ?? null, objects: quota?.limits.objects ?? null, usage: quota?.usage ?? null };
}

function listed(quota: Quota): object {
  return { tenant: quota.tenant, bucket: quota.bucket, ...shown(quota) };
}
