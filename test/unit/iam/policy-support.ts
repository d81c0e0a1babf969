// What the policy tests share: callers, requests, and policies written as the statements that matter.
import { evaluatePolicies, parsePolicy } from '../../../src/iam/policy.js';
import type { ConditionKeys, PolicyKind, PolicyPrincipal, PolicyRequest } from '../../../src/iam/policy.js';

export const ANONYMOUS: PolicyPrincipal = {
  type: 'Anonymous',
  account: null,
  names: [],
  id: 'anonymous',
  userName: null,
  actsForUsers: false,
};

/** The root of an account that has no users. */
export function account(name: string): PolicyPrincipal {
  const names = [`arn:aws:iam::${name}:root`];
  return { type: 'Account', account: name, names, id: name, userName: null, actsForUsers: true };
}

export function user(accountName: string, userName: string): PolicyPrincipal {
  const names = [`arn:aws:iam::${accountName}:user/${userName}`];
  return { type: 'User', account: accountName, names, id: `AIDA${'0'.repeat(12)}`, userName, actsForUsers: false };
}

type Values = Readonly<Record<string, string | readonly string[]>>;

export function keys(values: Values): ConditionKeys {
  const known = new Map(
    Object.entries(values).map(([name, value]): [string, readonly string[]] => [
      name.toLowerCase(),
      typeof value === 'string' ? [value] : value,
    ]),
  );
  return { get: (name) => known.get(name.toLowerCase()) ?? null };
}

export function request(
  changes: Partial<Omit<PolicyRequest, 'keys'>> & { readonly keys?: Values } = {},
): PolicyRequest {
  return {
    principal: account('alice'),
    action: 's3:GetObject',
    resource: 'arn:aws:s3:::photos/2024/cat.jpg',
    ...changes,
    keys: keys(changes.keys ?? {}),
  };
}

export type Fields = Readonly<Record<string, unknown>>;

/** A statement that allows everybody to get the objects of the bucket 'photos'; undefined takes a field away. */
export function statement(changes: Fields = {}): Fields {
  const fields: Fields = {
    Effect: 'Allow',
    Principal: '*',
    Action: 's3:GetObject',
    Resource: 'arn:aws:s3:::photos/*',
    ...changes,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

export function document(statements: readonly Fields[] | Fields, changes: Fields = {}): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements, ...changes });
}

export function policy(statements: readonly Fields[] | Fields, kind: PolicyKind = 'resource') {
  return parsePolicy(document(statements), kind);
}

export function decide(statements: readonly Fields[] | Fields, asked: PolicyRequest): string {
  return evaluatePolicies([policy(statements)], asked).decision;
}
