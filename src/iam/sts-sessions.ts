/** Makes sessions: whether a caller may assume a role, and the temporary credentials that come of it. */
import { element, parent } from '../s3/xml/build.js';
import type { IamContext } from './iam-action.js';
import type { Caller } from './iam-caller.js';
import { judgeCaller, withCallerKeys } from './iam-caller.js';
import type { SessionFacts, SessionPolicies } from './iam-callers.js';
import { managedText } from './iam-callers.js';
import { IamError } from './iam-errors.js';
import { assumedRoleArn, entityArn, newId, newSecret, parseEntityArn } from './iam-names.js';
import { ARN, DOCUMENT, SESSION_NAME } from './iam-params.js';
import { withKeys } from './iam-request-keys.js';
import type { RoleDocument } from './iam-store.js';
import { AccountReader } from './iam-store.js';
import { isoDate } from './iam-xml.js';
import { requireSealers } from './ops/access-keys.js';
import { checkedPolicy, checkedTrust } from './ops/documents.js';
import { QUOTAS, sizeOf } from './ops/quotas.js';
import { evaluatePolicies } from './policy-evaluate.js';
import type { PolicyPrincipal } from './policy-model.js';
import type { SessionOf } from './sts-token.js';
import { sealToken } from './sts-token.js';

const MAX_SESSION_POLICIES = 10;
export const MIN_SESSION_SECONDS = 900;
const DEFAULT_ROLE_SECONDS = 3600;
/** Of a session that a session of a role made (role chaining). */
const MAX_CHAINED_SECONDS = 3600;

export interface FoundRole {
  readonly account: string;
  readonly arn: string;
  /** name of its document */
  readonly key: string;
  readonly role: RoleDocument;
  readonly reader: AccountReader;
}

/** RoleArn. null: there is no such role, which callers are not told. */
export async function namedRole({ params, services }: IamContext): Promise<FoundRole | null> {
  const named = parseEntityArn(params.text('RoleArn', ARN), 'role');
  if (named === null) throw new IamError('ValidationError', `${params.raw('RoleArn')} is invalid`);
  const reader = new AccountReader(services.store, named.account);
  const key = named.name.toLowerCase();
  const role = named.account === '' ? null : await reader.get('role', key);
  if (role?.path !== named.path) return null;
  return { account: named.account, arn: entityArn(named.account, 'role', role), key, role, reader };
}

export function notAuthorized(who: string, action: string, resource: string): IamError {
  return new IamError('AccessDenied', `User: ${who} is not authorized to perform: ${action} on resource: ${resource}`);
}

/**
 * The role's trust policy must allow the caller. In the caller's own account that is enough, if it names the caller; where it
 * names the account, or the role is another account's, the caller's own policies must allow it too.
 * @throws IamError AccessDenied
 */
export function requireTrust(
  context: IamContext,
  {
    caller,
    found,
    action,
    keys,
  }: {
    readonly caller: Caller;
    readonly found: FoundRole;
    readonly action: string;
    readonly keys: ReadonlyMap<string, readonly string[]>;
  },
): void {
  const { account, arn, role } = found;
  const all = withKeys(context.keys, keys);
  const trust = evaluatePolicies([checkedTrust(role.trust)], {
    principal: caller.principal,
    action,
    resource: arn,
    keys: withCallerKeys(caller, all),
  });
  const own = judgeCaller(caller, { action, resource: arn, keys: all });
  const needsOwn = trust.delegated || caller.principal.account !== account;
  if (trust.decision !== 'allow' || own.denied || !own.sessionAllows || (needsOwn && !own.allowed))
    throw notAuthorized(caller.arn, action, arn);
}

/** For callers that have no account here: the trust policy alone decides. @throws IamError AccessDenied */
export function requireFederatedTrust(
  context: IamContext,
  {
    principal,
    found,
    action,
    keys,
  }: {
    readonly principal: PolicyPrincipal;
    readonly found: FoundRole;
    readonly action: string;
    readonly keys: ReadonlyMap<string, readonly string[]>;
  },
): void {
  const trust = evaluatePolicies([checkedTrust(found.role.trust)], {
    principal,
    action,
    resource: found.arn,
    keys: withKeys(context.keys, keys),
  });
  if (trust.decision !== 'allow') throw new IamError('AccessDenied', `Not authorized to perform ${action}`);
}

/** Policy and PolicyArns; null: neither was given. @throws IamError */
export async function requestedPolicies(
  { params }: IamContext,
  reader: AccountReader,
): Promise<SessionPolicies | null> {
  const text = params.optional('Policy', DOCUMENT);
  const arns = params.field('PolicyArns', 'arn', ARN);
  if (text === null && arns.length === 0) return null;
  if (text !== null) {
    checkedPolicy(text, 'identity');
    if (sizeOf(text) > QUOTAS.sessionPolicySize)
      throw new IamError(
        'PackedPolicyTooLarge',
        `The session policy has more than ${QUOTAS.sessionPolicySize} characters`,
      );
  }
  if (arns.length > MAX_SESSION_POLICIES)
    throw new IamError('PackedPolicyTooLarge', `A session can have at most ${MAX_SESSION_POLICIES} managed policies`);
  for (const arn of arns)
    if ((await managedText(reader, arn)) === null)
      throw new IamError('ValidationError', `The policy ${arn} does not exist or is not attachable`);
  return { inline: text === null ? [] : [text], arns };
}

/** DurationSeconds for a session of a role. @throws IamError ValidationError */
export function roleSeconds({ params, caller }: IamContext, { role }: FoundRole): number {
  const chained = caller?.principal.type === 'AssumedRole';
  const seconds = params.integer('DurationSeconds', {
    min: MIN_SESSION_SECONDS,
    max: 43_200,
    default: DEFAULT_ROLE_SECONDS,
  });
  if (seconds > role.maxSessionSeconds)
    throw new IamError(
      'ValidationError',
      'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    );
  if (chained && seconds > MAX_CHAINED_SECONDS)
    throw new IamError(
      'ValidationError',
      'The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining',
    );
  return seconds;
}

export function sessionNameOf({ params }: IamContext): string {
  return params.text('RoleSessionName', SESSION_NAME);
}

export interface NewSession {
  readonly account: string;
  readonly seconds: number;
  readonly of: SessionOf;
  readonly policies: SessionPolicies | null;
  readonly keys: SessionFacts['keys'];
}

/** The Credentials element of new temporary credentials. @throws IamError NotImplemented without a master key */
export function newCredentials(context: IamContext, { account, seconds, of, policies, keys }: NewSession): string {
  const { tokens } = requireSealers(context);
  const accessKey = newId('ASIA');
  const secret = newSecret();
  const expiresAtMs = context.nowMs + seconds * 1000;
  const session: SessionFacts = { issuedAtMs: context.nowMs, keys, policies };
  const token = sealToken(tokens, { accessKey, secret, account, expiresAtMs, of, session });
  return parent(
    'Credentials',
    element('AccessKeyId', accessKey) +
      element('SecretAccessKey', secret) +
      element('SessionToken', token) +
      element('Expiration', isoDate(expiresAtMs)),
  );
}

/** AssumedRoleUser: who the session is. */
export function assumedRoleUser({ account, role }: FoundRole, sessionName: string): string {
  return parent(
    'AssumedRoleUser',
    element('AssumedRoleId', `${role.id}:${sessionName}`) +
      element('Arn', assumedRoleArn(account, role.name, sessionName)),
  );
}

/** How much of the room for session policies is used, in percent; '' where there are none. */
export function packedSize(policies: SessionPolicies | null): string {
  if (policies === null) return '';
  const size = policies.inline.reduce((sum, text) => sum + sizeOf(text), 0);
  return element('PackedPolicySize', Math.ceil((100 * size) / QUOTAS.sessionPolicySize));
}
