/**
 * Whether a policy opens a bucket to the public: whether it allows anything to callers it does not pin down. Pure.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status
 */
import { BlockList } from 'node:net';
import type { Condition, ValueCondition } from './policy-conditions.js';
import type { Policy, Statement } from './policy-model.js';
import { readCidr } from './policy-operators.js';
import type { Template } from './policy-template.js';
import { literal, NO_VARIABLES } from './policy-template.js';

/** Keys whose fixed values pin the callers down. */
const FIXING_KEYS: ReadonlySet<string> = new Set([
  'aws:sourcearn',
  'aws:sourcevpc',
  'aws:sourcevpce',
  'aws:sourceowner',
  'aws:sourceaccount',
  'aws:userid',
  'aws:principalarn',
  'aws:principalaccount',
  'aws:principalorgid',
  's3:x-amz-server-side-encryption-aws-kms-key-id',
  's3:dataaccesspointarn',
  's3:dataaccesspointaccount',
]);

const FIXING_OPERATORS: ReadonlySet<string> = new Set([
  'StringEquals',
  'StringEqualsIgnoreCase',
  'StringLike',
  'ArnEquals',
  'ArnLike',
]);

/** Wider networks than these are the public. */
const WIDEST_BITS = { ipv4: 8, ipv6: 32 } as const;

export function isPublicPolicy({ statements }: Policy): boolean {
  return statements.some(isPublic);
}

function isPublic({ effect, principal, conditions }: Statement): boolean {
  if (effect !== 'Allow' || principal === null) return false;
  const open = principal.except || principal.patterns.some(({ type }) => type === 'everyone');
  return open && !conditions.some(pinsCallers);
}

function pinsCallers(condition: Condition): boolean {
  if (condition.kind === 'null' || condition.negated || condition.ifExists) return false;
  // Holds for requests without the key, too.
  if (condition.qualifier === 'ForAllValues') return false;
  const key = condition.key.toLowerCase();
  if (key === 'aws:sourceip') return condition.operator === 'IpAddress' && condition.values.every(isNarrowNetwork);
  return FIXING_KEYS.has(key) && FIXING_OPERATORS.has(condition.operator) && hasFixedValues(condition, key);
}

function hasFixedValues({ operator, values }: ValueCondition, key: string): boolean {
  const wild =
    operator === 'StringEquals' || operator === 'StringEqualsIgnoreCase' ? ['variable'] : ['variable', 'any', 'one'];
  return values.every(({ source, tokens }) => {
    // The session's name is the caller's to choose, the role's id is not.
    if (key === 'aws:userid' && /^AROA[A-Z0-9]+:\*$/.test(source)) return true;
    return !tokens.some(({ kind }) => wild.includes(kind));
  });
}

function isNarrowNetwork(value: Template): boolean {
  const text = literal(value, NO_VARIABLES);
  const cidr = text === null ? null : readCidr(text);
  if (cidr === null) return false;
  if (cidr.bits >= WIDEST_BITS[cidr.family]) return true;
  return cidr.family === 'ipv6' && privateV6.check(cidr.address, 'ipv6') && cidr.bits >= 7;
}

/** Unique local addresses (RFC 4193); the private networks of IPv4 (RFC 1918) are no wider than /8 anyway. */
const privateV6 = new BlockList();
privateV6.addSubnet('fc00::', 7, 'ipv6');
