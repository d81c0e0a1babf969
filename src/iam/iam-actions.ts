/** The table of the query APIs: every action of IAM and STS that is served, one row each. */
import type { IamAction, Subject } from './iam-action.js';
import {
  createAccessKey,
  deleteAccessKey,
  getAccessKeyLastUsed,
  listAccessKeys,
  updateAccessKey,
} from './ops/access-keys.js';
import { getAccountSummary, listAccountAliases } from './ops/account.js';
import { attachments, listEntitiesForPolicy, permissionsBoundary } from './ops/attachments.js';
import {
  addUserToGroup,
  createGroup,
  deleteGroup,
  getGroup,
  listGroups,
  removeUserFromGroup,
  updateGroup,
} from './ops/groups.js';
import { inlinePolicies } from './ops/inline-policies.js';
import * as providers from './ops/oidc-providers.js';
import * as policies from './ops/policies.js';
import * as roles from './ops/roles.js';
import * as sts from './ops/sts.js';
import type { TagHandlers } from './ops/tags.js';
import { policyTags, providerTags, roleTags, userTags } from './ops/tags.js';
import * as users from './ops/users.js';

type Handler = IamAction['handler'];

function iam(name: string, on: Subject, handler: Handler): IamAction {
  return { name, service: 'iam', access: 'policy', on, handler };
}

function ofSts(name: string, access: IamAction['access'], handler: Handler): IamAction {
  return { name, service: 'sts', access, on: 'account', handler };
}

function entityRows(kind: 'user' | 'group' | 'role'): IamAction[] {
  const title = kind.charAt(0).toUpperCase() + kind.slice(1);
  const inline = inlinePolicies(kind);
  const attached = attachments(kind);
  return [
    iam(`Put${title}Policy`, kind, inline.put),
    iam(`Get${title}Policy`, kind, inline.get),
    iam(`List${title}Policies`, kind, inline.list),
    iam(`Delete${title}Policy`, kind, inline.remove),
    iam(`Attach${title}Policy`, kind, attached.attach),
    iam(`Detach${title}Policy`, kind, attached.detach),
    iam(`ListAttached${title}Policies`, kind, attached.list),
  ];
}

function boundaryRows(kind: 'user' | 'role'): IamAction[] {
  const title = kind === 'user' ? 'User' : 'Role';
  const boundary = permissionsBoundary(kind);
  return [
    iam(`Put${title}PermissionsBoundary`, kind, boundary.put),
    iam(`Delete${title}PermissionsBoundary`, kind, boundary.remove),
  ];
}

function tagRows(title: string, on: Subject, { tag, untag, list }: TagHandlers): IamAction[] {
  return [iam(`Tag${title}`, on, tag), iam(`Untag${title}`, on, untag), iam(`List${title}Tags`, on, list)];
}

const ROWS: readonly IamAction[] = [
  iam('CreateUser', 'user', users.createUser),
  iam('GetUser', 'user', users.getUser),
  iam('UpdateUser', 'user', users.updateUser),
  iam('DeleteUser', 'user', users.deleteUser),
  iam('ListUsers', 'account', users.listUsers),
  ...tagRows('User', 'user', userTags),
  iam('ListGroupsForUser', 'user', users.listGroupsForUser),
  ...entityRows('user'),
  ...boundaryRows('user'),

  iam('CreateAccessKey', 'user', createAccessKey),
  iam('UpdateAccessKey', 'user', updateAccessKey),
  iam('DeleteAccessKey', 'user', deleteAccessKey),
  iam('ListAccessKeys', 'user', listAccessKeys),
  iam('GetAccessKeyLastUsed', 'key', getAccessKeyLastUsed),

  iam('CreateGroup', 'group', createGroup),
  iam('GetGroup', 'group', getGroup),
  iam('UpdateGroup', 'group', updateGroup),
  iam('DeleteGroup', 'group', deleteGroup),
  iam('ListGroups', 'account', listGroups),
  iam('AddUserToGroup', 'group', addUserToGroup),
  iam('RemoveUserFromGroup', 'group', removeUserFromGroup),
  ...entityRows('group'),

  iam('CreateRole', 'role', roles.createRole),
  iam('GetRole', 'role', roles.getRole),
  iam('UpdateRole', 'role', roles.updateRole),
  iam('UpdateRoleDescription', 'role', roles.updateRoleDescription),
  iam('UpdateAssumeRolePolicy', 'role', roles.updateAssumeRolePolicy),
  iam('DeleteRole', 'role', roles.deleteRole),
  iam('ListRoles', 'account', roles.listRoles),
  ...tagRows('Role', 'role', roleTags),
  ...entityRows('role'),
  ...boundaryRows('role'),

  iam('CreatePolicy', 'policy', policies.createPolicy),
  iam('GetPolicy', 'policy', policies.getPolicy),
  iam('DeletePolicy', 'policy', policies.deletePolicy),
  iam('ListPolicies', 'account', policies.listPolicies),
  iam('CreatePolicyVersion', 'policy', policies.createPolicyVersion),
  iam('GetPolicyVersion', 'policy', policies.getPolicyVersion),
  iam('ListPolicyVersions', 'policy', policies.listPolicyVersions),
  iam('DeletePolicyVersion', 'policy', policies.deletePolicyVersion),
  iam('SetDefaultPolicyVersion', 'policy', policies.setDefaultPolicyVersion),
  iam('ListEntitiesForPolicy', 'policy', listEntitiesForPolicy),
  ...tagRows('Policy', 'policy', policyTags),

  iam('CreateOpenIDConnectProvider', 'oidc', providers.createOpenIdConnectProvider),
  iam('GetOpenIDConnectProvider', 'oidc', providers.getOpenIdConnectProvider),
  iam('DeleteOpenIDConnectProvider', 'oidc', providers.deleteOpenIdConnectProvider),
  iam('ListOpenIDConnectProviders', 'account', providers.listOpenIdConnectProviders),
  iam('AddClientIDToOpenIDConnectProvider', 'oidc', providers.addClientId),
  iam('RemoveClientIDFromOpenIDConnectProvider', 'oidc', providers.removeClientId),
  iam('UpdateOpenIDConnectProviderThumbprint', 'oidc', providers.updateThumbprint),
  ...tagRows('OpenIDConnectProvider', 'oidc', providerTags),

  iam('GetAccountSummary', 'account', getAccountSummary),
  iam('ListAccountAliases', 'account', listAccountAliases),

  ofSts('GetCallerIdentity', 'signed', sts.getCallerIdentity),
  ofSts('GetAccessKeyInfo', 'policy', sts.getAccessKeyInfo),
  ofSts('GetSessionToken', 'signed', sts.getSessionToken),
  ofSts('GetFederationToken', 'signed', sts.getFederationToken),
  ofSts('AssumeRole', 'signed', sts.assumeRole),
  ofSts('AssumeRoleWithWebIdentity', 'open', sts.assumeRoleWithWebIdentity),
];

export const IAM_ACTIONS: readonly IamAction[] = ROWS;
