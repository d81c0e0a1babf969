/**
 * The Principal and NotPrincipal elements: reading them and telling whether they mean a caller. Accounts are tenants here;
 * 'arn:aws:iam::TENANT:root' and TENANT alone name one. Pure.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
 */
import { splitArn } from './policy-arn.js';
import type { PolicyPrincipal, PrincipalPattern, Principals } from './policy-model.js';
import { PolicyFault } from './policy-model.js';

/** @throws PolicyFault */
export function parsePrincipals(element: unknown): readonly PrincipalPattern[] {
  if (element === '*') return [{ type: 'everyone' }];
  if (typeof element !== 'object' || element === null || Array.isArray(element)) throw invalid();
  const patterns = Object.entries(element).flatMap(([type, names]) => {
    const list: readonly unknown[] = Array.isArray(names) ? names : [names];
    return list.map((name) => parsePrincipal(type, name));
  });
  if (patterns.length === 0) throw invalid();
  return patterns;
}

function parsePrincipal(type: string, name: unknown): PrincipalPattern {
  if (typeof name !== 'string' || name === '') throw invalid();
  switch (type) {
    case 'AWS':
      return parseAws(name);
    case 'CanonicalUser':
      return { type: 'canonicalUser', id: name };
    case 'Federated':
      return { type: 'federated', name };
    case 'Service':
      return { type: 'service', name };
    default:
      throw invalid();
  }
}

function parseAws(name: string): PrincipalPattern {
  if (name === '*') return { type: 'everyone' };
  // Only all of '*' is a wildcard: part of a name would mean whoever takes that name later.
  if (/[*?]/.test(name)) throw invalid();
  if (/^A(IDA|ROA)[A-Z0-9]{12,}$/.test(name)) return { type: 'uniqueId', id: name };
  if (!name.startsWith('arn:')) return { type: 'account', account: name, bare: true };
  const [, partition = '', service, region, account = '', resource = ''] = splitArn(name) ?? [];
  if (!/^aws(-[a-z-]+)?$/.test(partition) || (service !== 'iam' && service !== 'sts') || region !== '') throw invalid();
  if (resource === 'root' && account !== '') return { type: 'account', account, bare: false };
  if (!/^(user|role|assumed-role|federated-user)\/./.test(resource)) throw invalid();
  return { type: 'arn', arn: name, account, user: resource.startsWith('user/') };
}

export function matchesPrincipal({ except, patterns }: Principals, caller: PolicyPrincipal): boolean {
  return patterns.some((pattern) => matches(pattern, caller)) !== except;
}

function matches(pattern: PrincipalPattern, caller: PolicyPrincipal): boolean {
  switch (pattern.type) {
    case 'everyone':
      return true;
    case 'account':
      return pattern.account === caller.account;
    case 'canonicalUser':
      return pattern.id === caller.account;
    case 'uniqueId':
      return caller.id !== null && caller.id.split(':')[0] === pattern.id;
    case 'arn':
      return (
        caller.names.includes(pattern.arn) ||
        (pattern.user && caller.actsForUsers && pattern.account === caller.account)
      );
    case 'service':
    case 'federated':
      return caller.names.includes(pattern.name);
  }
}

/** Whether the statement's principals mean the caller's account rather than the caller: then the account's own policies decide too. */
export function meansAccountOnly({ except, patterns }: Principals, caller: PolicyPrincipal): boolean {
  if (except || caller.type === 'Account') return false;
  return patterns.every((pattern) => !matches(pattern, caller) || isAccount(pattern));
}

function isAccount(pattern: PrincipalPattern): boolean {
  return pattern.type === 'account' || pattern.type === 'canonicalUser';
}

function invalid(): PolicyFault {
  return new PolicyFault('Invalid principal in policy');
}
