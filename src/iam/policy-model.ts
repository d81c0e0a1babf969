/**
 * What a policy is once it is parsed, and what a request is asked about.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
 */
import type { ArnPattern } from './policy-arn.js';
import type { Condition } from './policy-conditions.js';
import type { Template } from './policy-template.js';

export interface Policy {
  readonly version: '2008-10-17' | '2012-10-17';
  readonly id: string | null;
  readonly statements: readonly Statement[];
  /** Condition keys and variables that it names, lower case: what need not be found out for a request. */
  readonly keys: ReadonlySet<string>;
}

export interface Statement {
  readonly sid: string | null;
  readonly effect: 'Allow' | 'Deny';
  /** null in identity-based policies, whose principal is whoever they are attached to */
  readonly principal: Principals | null;
  readonly action: Actions;
  /** null in trust policies, whose resource is the role itself */
  readonly resource: Resources | null;
  readonly conditions: readonly Condition[];
}

export interface Actions {
  /** NotAction: all but these */
  readonly except: boolean;
  /** lower case, 's3:get*' */
  readonly patterns: readonly Template[];
}

export interface Resources {
  /** NotResource */
  readonly except: boolean;
  readonly patterns: readonly ArnPattern[];
}

export interface Principals {
  /** NotPrincipal */
  readonly except: boolean;
  readonly patterns: readonly PrincipalPattern[];
}

export type PrincipalPattern =
  /** '*': everybody, anonymous callers included */
  | { readonly type: 'everyone' }
  /** 'arn:aws:iam::ACCOUNT:root', or the account alone (bare) */
  | { readonly type: 'account'; readonly account: string; readonly bare: boolean }
  /** a user, a role, a session */
  | { readonly type: 'arn'; readonly arn: string; readonly account: string; readonly user: boolean }
  /** the unique id of a user or role (AIDA..., AROA...) */
  | { readonly type: 'uniqueId'; readonly id: string }
  | { readonly type: 'canonicalUser'; readonly id: string }
  | { readonly type: 'service'; readonly name: string }
  | { readonly type: 'federated'; readonly name: string };

/** Who asks. */
export interface PolicyPrincipal {
  readonly type: 'Anonymous' | 'Account' | 'User' | 'AssumedRole' | 'FederatedUser' | 'Service';
  /** null: anonymous callers and services belong to none */
  readonly account: string | null;
  /** Names of exactly this principal: a user's ARN; of a session its own and its role's; a service's name. */
  readonly names: readonly string[];
  /** aws:userid; of a session 'ROLEID:session' */
  readonly id: string | null;
  /** aws:username: of users only */
  readonly userName: string | null;
  /** Its keys stand for the users of the account too: statements that name one mean it. */
  readonly actsForUsers: boolean;
}

/** Values of condition keys; names are not case-sensitive. null: the request has no such key. */
export interface ConditionKeys {
  get(name: string): readonly string[] | null;
}

export interface PolicyRequest {
  readonly principal: PolicyPrincipal;
  /** 's3:GetObject' */
  readonly action: string;
  /** ARN */
  readonly resource: string;
  readonly keys: ConditionKeys;
}

/** A policy document that is refused; the message is for its author. */
export class PolicyFault extends Error {
  override readonly name = 'PolicyFault';
}
