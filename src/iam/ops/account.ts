/** The account as a whole. https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html */
import { element, parent } from '../../s3/xml/build.js';
import type { IamContext } from '../iam-action.js';
import { pageEnd } from '../iam-xml.js';
import { accountOf, QUOTAS } from './quotas.js';

export async function getAccountSummary(context: IamContext): Promise<string> {
  const account = await accountOf(context.reader);
  const summary: Readonly<Record<string, number>> = {
    Users: account.users,
    UsersQuota: QUOTAS.users,
    Groups: account.groups,
    GroupsQuota: QUOTAS.groups,
    Roles: account.roles,
    RolesQuota: QUOTAS.roles,
    Policies: account.policies,
    PoliciesQuota: QUOTAS.policies,
    Providers: account.providers,
    GroupsPerUserQuota: QUOTAS.groupsPerUser,
    AccessKeysPerUserQuota: QUOTAS.keysPerUser,
    AttachedPoliciesPerUserQuota: QUOTAS.attachedPerEntity,
    AttachedPoliciesPerGroupQuota: QUOTAS.attachedPerEntity,
    AttachedPoliciesPerRoleQuota: QUOTAS.attachedPerEntity,
    VersionsPerPolicyQuota: QUOTAS.versionsPerPolicy,
    UserPolicySizeQuota: QUOTAS.userPolicySize,
    GroupPolicySizeQuota: QUOTAS.groupPolicySize,
    PolicySizeQuota: QUOTAS.policySize,
    AssumeRolePolicySizeQuota: QUOTAS.trustPolicySize,
    AccountAccessKeysPresent: account.rootKeys.length > 0 ? 1 : 0,
    AccountMFAEnabled: 0,
    MFADevices: 0,
    MFADevicesInUse: 0,
    ServerCertificates: 0,
  };
  const entries = Object.entries(summary).map(([key, value]) =>
    parent('entry', element('key', key) + element('value', value)),
  );
  return parent('SummaryMap', entries.join(''));
}

/** An account has no aliases here: its name is the tenant's. */
export async function listAccountAliases(): Promise<string> {
  return parent('AccountAliases', '') + pageEnd(null);
}
