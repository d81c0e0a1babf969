/** Roles. https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html and its neighbours */
import { parent } from '../../s3/xml/build.js';
import type { IamContext } from '../iam-action.js';
import { alreadyExists, IamError } from '../iam-errors.js';
import { newId } from '../iam-names.js';
import { ARN, DOCUMENT, PATH_PREFIX, ROLE_NAME } from '../iam-params.js';
import type { RoleDocument } from '../iam-store.js';
import { members, pageEnd } from '../iam-xml.js';
import { requirePolicy } from './attachments.js';
import { checkedTrust } from './documents.js';
import { pathOf, requireEntity, roleElements } from './entities.js';
import { pageOf } from './listing.js';
import { count, limitExceeded, QUOTAS, sizeOf } from './quotas.js';

const DESCRIPTION = { min: 0, max: 1000, pattern: /^[\t\n\r\x20-\x7e\xa1-\xff]*$/ };
const MAX_SESSION = { min: 3600, max: 43_200, default: 3600 };

function checkedText(text: string): string {
  checkedTrust(text);
  if (sizeOf(text) > QUOTAS.trustPolicySize) throw limitExceeded('ACLSizePerRole', QUOTAS.trustPolicySize);
  return text;
}

export async function createRole(context: IamContext): Promise<string> {
  const { params, account, nowMs } = context;
  const role: RoleDocument = {
    name: params.text('RoleName', ROLE_NAME),
    path: pathOf(params),
    id: newId('AROA'),
    createdAtMs: nowMs,
    policies: {},
    attached: [],
    trust: checkedText(params.text('AssumeRolePolicyDocument', DOCUMENT)),
    description: params.optional('Description', DESCRIPTION) ?? '',
    maxSessionSeconds: params.integer('MaxSessionDuration', MAX_SESSION),
    tags: params.tags(),
    boundary: params.optional('PermissionsBoundary', ARN),
  };
  const key = role.name.toLowerCase();
  await context.transact(async (transaction) => {
    if (await transaction.get('role', key)) throw alreadyExists(`Role with name ${role.name}`);
    if (role.boundary !== null) await requirePolicy(transaction, role.boundary);
    await count(transaction, 'roles', 1);
    transaction.put('role', key, role);
  });
  return parent('Role', roleElements(account, role, true));
}

export async function getRole(context: IamContext): Promise<string> {
  const { params, account, reader } = context;
  const { entity } = await requireEntity(reader, 'role', params.text('RoleName', ROLE_NAME));
  return parent('Role', roleElements(account, entity, true));
}

export async function listRoles(context: IamContext): Promise<string> {
  const { params, account, reader } = context;
  const pathPrefix = params.optional('PathPrefix', PATH_PREFIX) ?? '/';
  const { items, marker } = await pageOf(reader, params.page(), {
    kind: 'role',
    read: async ({ value: role }) => (role.path.startsWith(pathPrefix) ? role : null),
  });
  return (
    members(
      'Roles',
      items.map((role) => roleElements(account, role)),
    ) + pageEnd(marker)
  );
}

export async function updateRole(context: IamContext): Promise<string> {
  const { params } = context;
  const description = params.optional('Description', DESCRIPTION);
  const hasDuration = params.has('MaxSessionDuration');
  const maxSessionSeconds = params.integer('MaxSessionDuration', MAX_SESSION);
  await changeRole(context, (role) => ({
    ...role,
    description: description ?? role.description,
    maxSessionSeconds: hasDuration ? maxSessionSeconds : role.maxSessionSeconds,
  }));
  return '';
}

export async function updateRoleDescription(context: IamContext): Promise<string> {
  const description = context.params.text('Description', DESCRIPTION);
  const role = await changeRole(context, (before) => ({ ...before, description }));
  return parent('Role', roleElements(context.account, role));
}

export async function updateAssumeRolePolicy(context: IamContext): Promise<null> {
  const trust = checkedText(context.params.text('PolicyDocument', DOCUMENT));
  await changeRole(context, (role) => ({ ...role, trust }));
  return null;
}

async function changeRole(context: IamContext, change: (role: RoleDocument) => RoleDocument): Promise<RoleDocument> {
  const name = context.params.text('RoleName', ROLE_NAME);
  return context.transact(async (transaction) => {
    const { key, entity } = await requireEntity(transaction, 'role', name);
    const changed = change(entity);
    transaction.put('role', key, changed);
    return changed;
  });
}

/** As on AWS, only a role without policies. Its sessions end. */
export async function deleteRole(context: IamContext): Promise<null> {
  const name = context.params.text('RoleName', ROLE_NAME);
  await context.transact(async (transaction) => {
    const { key, entity } = await requireEntity(transaction, 'role', name);
    if (Object.keys(entity.policies).length > 0)
      throw new IamError('DeleteConflict', 'Cannot delete entity, must delete policies first.');
    if (entity.attached.length > 0)
      throw new IamError('DeleteConflict', 'Cannot delete entity, must detach all policies first.');
    await count(transaction, 'roles', -1);
    transaction.remove('role', key);
  });
  return null;
}
