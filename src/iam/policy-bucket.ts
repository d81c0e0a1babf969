/**
 * What the policy of a bucket may say beyond the grammar: S3's actions and condition keys, the bucket and its objects.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html
 */
import { s3ResourceGlob } from './policy-arn.js';
import type { ArnPattern } from './policy-arn.js';
import type { Policy, Statement } from './policy-model.js';
import { PolicyFault } from './policy-model.js';
import { S3_ACTIONS, S3_CONDITION_KEYS } from './policy-s3-names.js';
import { canMatchPrefix, globOf, matchesGlob, NO_VARIABLES } from './policy-template.js';
import type { Template } from './policy-template.js';

export const MAX_BUCKET_POLICY_BYTES = 20 * 1024;

/** @throws PolicyFault */
export function checkBucketPolicy(policy: Policy, bucket: string): void {
  for (const statement of policy.statements) {
    // It would allow everybody else whatever comes: S3 refuses it.
    if (statement.effect === 'Allow' && statement.principal?.except === true)
      throw new PolicyFault('Allow with NotPrincipal is not allowed.');
    if (!statement.action.patterns.every(isS3Action)) throw new PolicyFault('Policy has invalid action');
    if (statement.resource?.patterns.every((pattern) => isInBucket(pattern, bucket)) !== true)
      throw new PolicyFault('Policy has invalid resource');
    checkConditionKeys(statement);
  }
}

/** Accounts and canonical users that the policy names without an ARN: they should exist. */
export function accountsNamed(policy: Policy): ReadonlySet<string> {
  const accounts = new Set<string>();
  for (const { principal } of policy.statements)
    for (const pattern of principal?.patterns ?? []) {
      if (pattern.type === 'account' && pattern.bare) accounts.add(pattern.account);
      if (pattern.type === 'canonicalUser') accounts.add(pattern.id);
    }
  return accounts;
}

function isS3Action(pattern: Template): boolean {
  const glob = globOf(pattern, NO_VARIABLES);
  return glob !== null && LOWER_CASE_ACTIONS.some((action) => matchesGlob(glob, action));
}

const LOWER_CASE_ACTIONS: readonly string[] = S3_ACTIONS.map((action) => `s3:${action.toLowerCase()}`);

function isInBucket(pattern: ArnPattern, bucket: string): boolean {
  const glob = s3ResourceGlob(pattern);
  return glob !== null && (matchesGlob(glob, bucket) || canMatchPrefix(glob, `${bucket}/`));
}

/** A misspelt key of S3 never has a value: an allow would never hold, a denial by ...Not... always. */
function checkConditionKeys({ conditions }: Statement): void {
  for (const { key } of conditions) {
    const name = key.toLowerCase();
    const known = !name.startsWith('s3:') || S3_CONDITION_KEYS.has(name.replace(/\/.*$/s, '/'));
    if (!/^[a-z0-9-]+:./.test(name) || !known) throw new PolicyFault('Policy has an invalid condition key');
  }
}
