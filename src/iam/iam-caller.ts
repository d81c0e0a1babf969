/**
 * Who calls, as policies see it: the root of an account, one of its users, or a session of a role. Whatever a request asks for
 * is held against the caller's own policies here; policies and ACLs of what it asks for are src/s3/access.ts's.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
import { rootArn } from './iam-names.js';
import { evaluatePolicies } from './policy-evaluate.js';
import type { ConditionKeys, Policy, PolicyPrincipal } from './policy-model.js';

export interface Caller {
  /** what policies on resources match */
  readonly principal: PolicyPrincipal;
  /** its own: of a session the session's */
  readonly arn: string;
  /** null: nothing of its account limits it */
  readonly policies: IdentityPolicies | null;
  /** Condition keys that come with the caller (aws:PrincipalTag/..., aws:TokenIssueTime, ...), lower case. */
  readonly keys: ReadonlyMap<string, readonly string[]>;
}

/** What a caller's account says about it. */
export interface IdentityPolicies {
  /** inline and attached, of a user's groups too */
  readonly own: readonly Policy[];
  /** permissions boundary; null: none */
  readonly boundary: readonly Policy[] | null;
  /** given when the session was made; null: none */
  readonly session: readonly Policy[] | null;
}

/** The account itself: keys of the configuration, and keys that it made for its root. */
export function rootCaller(account: string): Caller {
  return {
    principal: {
      type: 'Account',
      account,
      names: [rootArn(account)],
      id: account,
      userName: null,
      actsForUsers: true,
    },
    arn: rootArn(account),
    policies: null,
    keys: NO_KEYS,
  };
}

const NO_KEYS: ReadonlyMap<string, readonly string[]> = new Map();

export interface IdentityVerdict {
  /** Some policy forbids it, whatever else allows it. */
  readonly denied: boolean;
  /** The caller's account allows it: enough where the account owns what is asked for, one half where another one does. */
  readonly allowed: boolean;
  /** The session's own policies allow it. They limit what a policy on a resource grants to the role, not to the session. */
  readonly sessionAllows: boolean;
}

const UNLIMITED: IdentityVerdict = { denied: false, allowed: true, sessionAllows: true };

export interface AskedFor {
  /** 's3:GetObject' */
  readonly action: string;
  /** ARN */
  readonly resource: string;
  /** of the request; the caller's own are added */
  readonly keys: ConditionKeys;
}

/** What the caller's own policies say. Pure. */
export function judgeCaller(caller: Caller, { action, resource, keys }: AskedFor): IdentityVerdict {
  const { policies, principal } = caller;
  if (policies === null) return UNLIMITED;
  const request = { principal, action, resource, keys: withCallerKeys(caller, keys) };
  const decide = (list: readonly Policy[] | null): 'allow' | 'deny' | 'none' =>
    list === null ? 'allow' : evaluatePolicies(list, request).decision;
  const own = decide(policies.own);
  const boundary = decide(policies.boundary);
  const session = decide(policies.session);
  return {
    denied: own === 'deny' || boundary === 'deny' || session === 'deny',
    allowed: own === 'allow' && boundary === 'allow' && session === 'allow',
    sessionAllows: session === 'allow',
  };
}

/** The request's condition keys and those that come with the caller. */
export function withCallerKeys(caller: Caller, keys: ConditionKeys): ConditionKeys {
  return { get: (name) => callerKey(caller, name.toLowerCase()) ?? keys.get(name) };
}

function callerKey({ arn, principal, keys }: Caller, name: string): readonly string[] | null {
  switch (name) {
    case 'aws:principalarn':
      // Of a session, the role's: conditions on it hold for all of its sessions.
      return [principal.names.find((known) => known.includes(':role/')) ?? arn];
    case 'aws:principalaccount':
      return principal.account === null ? null : [principal.account];
    case 'aws:principaltype':
      return [principal.type];
    case 'aws:userid':
      return principal.id === null ? null : [principal.id];
    case 'aws:username':
      return principal.userName === null ? null : [principal.userName];
    default:
      return keys.get(name) ?? null;
  }
}
