/** Checks policy documents before they are stored. */
import { IamError } from '../iam-errors.js';
import type { Policy } from '../policy-model.js';
import { PolicyFault } from '../policy-model.js';
import type { PolicyKind } from '../policy-parse.js';
import { parsePolicy } from '../policy-parse.js';

/** @throws IamError MalformedPolicyDocument */
export function checkedPolicy(text: string, kind: PolicyKind): Policy {
  try {
    return parsePolicy(text, kind);
  } catch (error) {
    if (error instanceof PolicyFault) throw new IamError('MalformedPolicyDocument', error.message, error);
    throw error;
  }
}

/** Who may assume a role. @throws IamError MalformedPolicyDocument */
export function checkedTrust(text: string): Policy {
  const policy = checkedPolicy(text, 'trust');
  for (const { action } of policy.statements)
    if (!action.patterns.every(({ source }) => /^(\*|sts:.*)$/i.test(source)))
      throw new IamError('MalformedPolicyDocument', 'AssumeRole policy may only specify STS AssumeRole actions.');
  return policy;
}
