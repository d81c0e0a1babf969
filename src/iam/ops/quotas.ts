/** AWS's quotas. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html */
import { IamError } from '../iam-errors.js';
import type { AccountDocument, Transaction } from '../iam-store.js';
import { EMPTY_ACCOUNT } from '../iam-store.js';

export const QUOTAS = {
  users: 5000,
  groups: 300,
  roles: 1000,
  policies: 1500,
  providers: 100,
  groupsPerUser: 10,
  keysPerUser: 2,
  versionsPerPolicy: 5,
  attachedPerEntity: 10,
  clientIdsPerProvider: 100,
  thumbprintsPerProvider: 5,
  tagsPerEntity: 50,
  /** characters that are not white space */
  userPolicySize: 2048,
  groupPolicySize: 5120,
  rolePolicySize: 10_240,
  policySize: 6144,
  trustPolicySize: 2048,
  sessionPolicySize: 2048,
} as const;

export type Counted = 'users' | 'groups' | 'roles' | 'policies' | 'providers';

const TITLES: Readonly<Record<Counted, string>> = {
  users: 'UsersPerAccount',
  groups: 'GroupsPerAccount',
  roles: 'RolesPerAccount',
  policies: 'PoliciesPerAccount',
  providers: 'OpenIdConnectProvidersPerAccount',
};

export function limitExceeded(quota: string, limit: number): IamError {
  return new IamError('LimitExceeded', `Cannot exceed quota for ${quota}: ${limit}`);
}

/** Counts one more or one less. @throws IamError LimitExceeded */
export async function count(transaction: Transaction, what: Counted, by: 1 | -1): Promise<void> {
  const account = await accountOf(transaction);
  const next = account[what] + by;
  if (next > QUOTAS[what]) throw limitExceeded(TITLES[what], QUOTAS[what]);
  transaction.put('account', 'account', { ...account, [what]: Math.max(0, next) });
}

export async function accountOf(reader: Pick<Transaction, 'get'>): Promise<AccountDocument> {
  return (await reader.get('account', 'account')) ?? EMPTY_ACCOUNT;
}

/** Characters that are not white space: what AWS counts of a policy. */
export function sizeOf(text: string): number {
  return text.replace(/\s/g, '').length;
}
