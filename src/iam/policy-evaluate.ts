/**
 * Evaluates policies for a request: an explicit deny outweighs every allow, and what nothing allows is not allowed. Works for
 * policies on resources and on identities alike. Pure.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
import { matchesArn } from './policy-arn.js';
import { conditionHolds, variableLookup } from './policy-conditions.js';
import type { Actions, Policy, PolicyRequest, Resources, Statement } from './policy-model.js';
import { matchesPrincipal, meansAccountOnly } from './policy-principal.js';
import type { VariableLookup } from './policy-template.js';
import { globOf, matchesGlob, NO_VARIABLES } from './policy-template.js';

export interface Evaluation {
  /** none: no statement speaks about the request, which is a refusal unless something else allows it */
  readonly decision: 'allow' | 'deny' | 'none';
  /** The statements that allow; empty unless the decision is allow. */
  readonly allowedBy: readonly Statement[];
  /**
   * Every statement that allows names the caller's account, not the caller: a user or role of it needs an allow of an
   * identity-based policy besides.
   */
  readonly delegated: boolean;
}

export function evaluatePolicies(policies: readonly Policy[], request: PolicyRequest): Evaluation {
  const lookup = variableLookup(request.keys);
  const allowedBy: Statement[] = [];
  for (const policy of policies) {
    for (const statement of policy.statements) {
      if (!applies(statement, request, lookup)) continue;
      if (statement.effect === 'Deny') return { decision: 'deny', allowedBy: [], delegated: false };
      allowedBy.push(statement);
    }
  }
  const delegated =
    allowedBy.length > 0 &&
    allowedBy.every(({ principal }) => principal !== null && meansAccountOnly(principal, request.principal));
  return { decision: allowedBy.length > 0 ? 'allow' : 'none', allowedBy, delegated };
}

function applies(statement: Statement, request: PolicyRequest, lookup: VariableLookup): boolean {
  return (
    (statement.principal === null || matchesPrincipal(statement.principal, request.principal)) &&
    matchesAction(statement.action, request.action) &&
    (statement.resource === null || matchesResource(statement.resource, request.resource, lookup)) &&
    statement.conditions.every((condition) => conditionHolds(condition, request.keys))
  );
}

/** action: 's3:GetObject'; names are not case-sensitive. */
export function matchesAction({ except, patterns }: Actions, action: string): boolean {
  const name = action.toLowerCase();
  const found = patterns.some((pattern) => {
    const glob = globOf(pattern, NO_VARIABLES);
    return glob !== null && matchesGlob(glob, name);
  });
  return found !== except;
}

function matchesResource({ except, patterns }: Resources, resource: string, lookup: VariableLookup): boolean {
  return patterns.some((pattern) => matchesArn(pattern, resource, lookup)) !== except;
}
