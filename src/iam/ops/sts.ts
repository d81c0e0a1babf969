/** The actions of STS. https://docs.aws.amazon.com/STS/latest/APIReference/API_Operations.html */
import { element, parent } from '../../s3/xml/build.js';
import type { IamContext } from '../iam-action.js';
import { judgeCaller } from '../iam-caller.js';
import { IamError } from '../iam-errors.js';
import { federatedUserArn, oidcProviderArn } from '../iam-names.js';
import { ACCESS_KEY_ID } from '../iam-params.js';
import { tagKeysOf } from '../iam-request-keys.js';
import type { Tags } from '../iam-store.js';
import { issuerOf } from '../sts-oidc.js';
import {
  assumedRoleUser,
  MIN_SESSION_SECONDS,
  namedRole,
  newCredentials,
  notAuthorized,
  packedSize,
  requestedPolicies,
  requireFederatedTrust,
  requireTrust,
  roleSeconds,
  sessionNameOf,
} from '../sts-sessions.js';
import { callerOf } from './entities.js';
import { providerKey } from './oidc-providers.js';

const MAX_KEY_SESSION_SECONDS = 129_600;
const DEFAULT_KEY_SESSION_SECONDS = 43_200;
/** Longer sessions of the root become this long. */
const MAX_ROOT_SESSION_SECONDS = 3600;
const FEDERATED_NAME = { min: 2, max: 32, pattern: /^[\w+=,.@-]+$/ };
const TOKEN = { min: 4, max: 20_000 };
/** Claim that session tags come in. */
const TAGS_CLAIM = 'https://aws.amazon.com/tags';

/** Needs no permission: nobody can be denied to know who they are. */
export async function getCallerIdentity(context: IamContext): Promise<string> {
  const { principal, arn } = callerOf(context);
  return element('UserId', principal.id ?? '') + element('Account', context.account) + element('Arn', arn);
}

/** Whose access key it is; the caller's account's only. */
export async function getAccessKeyInfo(context: IamContext): Promise<string> {
  const row = await context.services.store.findKey(context.params.text('AccessKeyId', ACCESS_KEY_ID));
  if (row === null) throw new IamError('ValidationError', 'The access key does not exist');
  return element('Account', row.account);
}

export async function getSessionToken(context: IamContext): Promise<string> {
  refuseMfa(context);
  const parentKey = longTermKey(context, 'GetSessionToken');
  return newCredentials(context, {
    account: context.account,
    seconds: keySessionSeconds(context),
    of: { kind: 'key', parentKey },
    policies: null,
    keys: {},
  });
}

/** A session with no more than the policies it is given, and no more than its maker may. */
export async function getFederationToken(context: IamContext): Promise<string> {
  const { params, account, reader } = context;
  const parentKey = longTermKey(context, 'GetFederationToken');
  const name = params.text('Name', FEDERATED_NAME);
  const arn = federatedUserArn(account, name);
  const caller = callerOf(context);
  const verdict = judgeCaller(caller, { action: 'sts:GetFederationToken', resource: arn, keys: context.keys });
  if (verdict.denied || !verdict.allowed) throw notAuthorized(caller.arn, 'sts:GetFederationToken', arn);
  const policies = await requestedPolicies(context, reader);
  const credentials = newCredentials(context, {
    account,
    seconds: keySessionSeconds(context),
    of: { kind: 'federated', parentKey, name },
    policies: policies ?? { inline: [], arns: [] },
    keys: {},
  });
  const user = element('FederatedUserId', `${account}:${name}`) + element('Arn', arn);
  return credentials + parent('FederatedUser', user) + packedSize(policies);
}

export async function assumeRole(context: IamContext): Promise<string> {
  const { params } = context;
  refuseMfa(context);
  for (const name of ['SourceIdentity', 'TransitiveTagKeys.member.1', 'ProvidedContexts.member.1'])
    if (params.has(name)) throw new IamError('NotImplemented', `${name.replace(/\..*/, '')} is not supported`);
  const caller = callerOf(context);
  const sessionName = sessionNameOf(context);
  const tags = params.tags();
  const found = await namedRole(context);
  if (found === null) throw notAuthorized(caller.arn, 'sts:AssumeRole', params.raw('RoleArn'));
  const externalId = params.optional('ExternalId', { min: 2, max: 1224 });
  const keys = new Map([
    ...requestKeysOf({ sessionName, tags }),
    ...(externalId === null ? [] : [['sts:externalid', [externalId]] as const]),
  ]);
  requireTrust(context, { caller, found, action: 'sts:AssumeRole', keys });
  if (Object.keys(tags).length > 0) requireTrust(context, { caller, found, action: 'sts:TagSession', keys });
  const policies = await requestedPolicies(context, found.reader);
  const credentials = newCredentials(context, {
    account: found.account,
    seconds: roleSeconds(context, found),
    of: { kind: 'role', role: found.key, roleId: found.role.id, sessionName },
    policies,
    keys: tagKeysOf('aws:principaltag', tags),
  });
  return credentials + assumedRoleUser(found, sessionName) + packedSize(policies);
}

/** Unsigned: the token of an OpenID Connect provider of the role's account says who calls. */
export async function assumeRoleWithWebIdentity(context: IamContext): Promise<string> {
  const { params, services, signal } = context;
  const action = 'sts:AssumeRoleWithWebIdentity';
  const token = params.text('WebIdentityToken', TOKEN);
  const sessionName = sessionNameOf(context);
  if (params.has('ProviderId'))
    throw new IamError('NotImplemented', 'ProviderId is not supported: use an OpenID Connect provider');
  const found = await namedRole(context);
  if (found === null) throw new IamError('AccessDenied', `Not authorized to perform ${action}`);
  const key = providerKey(issuerOf(token));
  const provider = await found.reader.get('oidc', key);
  if (provider === null)
    throw new IamError(
      'InvalidIdentityToken',
      "No OpenIDConnect provider found in your account for the token's issuer",
    );
  const { subject, audience, claims } = await services.oidc.verify(token, provider, signal);
  const providerArn = oidcProviderArn(found.account, key);
  const tags = tagsOfClaims(claims);
  const identityKeys: Record<string, readonly string[]> = { 'aws:federatedprovider': [providerArn] };
  for (const [claim, values] of claimKeys(claims, audience)) identityKeys[`${key}:${claim}`.toLowerCase()] = values;
  const keys = new Map([...requestKeysOf({ sessionName, tags }), ...Object.entries(identityKeys)]);
  const principal = {
    type: 'FederatedUser',
    account: null,
    names: [providerArn],
    id: null,
    userName: null,
    actsForUsers: false,
  } as const;
  requireFederatedTrust(context, { principal, found, action, keys });
  if (Object.keys(tags).length > 0)
    requireFederatedTrust(context, { principal, found, action: 'sts:TagSession', keys });
  const policies = await requestedPolicies(context, found.reader);
  const credentials = newCredentials(context, {
    account: found.account,
    seconds: roleSeconds(context, found),
    of: { kind: 'role', role: found.key, roleId: found.role.id, sessionName },
    policies,
    keys: { ...identityKeys, ...tagKeysOf('aws:principaltag', tags) },
  });
  return (
    credentials +
    element('SubjectFromWebIdentityToken', subject) +
    assumedRoleUser(found, sessionName) +
    packedSize(policies) +
    element('Provider', providerArn) +
    element('Audience', audience)
  );
}

function requestKeysOf(facts: { readonly sessionName: string; readonly tags: Tags }): [string, readonly string[]][] {
  const { sessionName, tags } = facts;
  const names = Object.keys(tags);
  return [
    ['sts:rolesessionname', [sessionName]],
    ...Object.entries(tagKeysOf('aws:requesttag', tags)),
    ...(names.length === 0 ? [] : [['aws:tagkeys', names] as [string, readonly string[]]]),
  ];
}

/** Claims that conditions can ask for, as 'PROVIDER:CLAIM'. */
function claimKeys(claims: Readonly<Record<string, unknown>>, audience: string): [string, readonly string[]][] {
  const { azp, aud } = claims;
  // As on AWS: aud is the client that the token was issued to, oaud what the token itself has for its audience.
  const keys: [string, readonly string[]][] = [['aud', [typeof azp === 'string' ? azp : audience]]];
  if (typeof aud === 'string') keys.push(['oaud', [aud]]);
  for (const claim of ['sub', 'amr', 'email', 'azp']) {
    const value = claims[claim];
    const values = (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'string');
    if (values.length > 0) keys.push([claim, values]);
  }
  return keys;
}

/** { principal_tags: { team: ['storage'] } } */
function tagsOfClaims(claims: Readonly<Record<string, unknown>>): Tags {
  const claim = claims[TAGS_CLAIM];
  const tags = isRecord(claim) ? claim['principal_tags'] : null;
  if (!isRecord(tags)) return {};
  return Object.fromEntries(
    Object.entries(tags).flatMap(([tag, value]) => {
      const first: unknown = Array.isArray(value) ? value[0] : value;
      return typeof first === 'string' ? [[tag, first] as const] : [];
    }),
  );
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function longTermKey({ credential, account }: IamContext, action: string): string {
  if (credential === null || credential.sessionToken !== undefined)
    throw new IamError('AccessDenied', `Cannot call ${action} with session credentials`);
  // A master key that acts for another tenant would hand its own powers on.
  if (credential.tenant !== account)
    throw new IamError('AccessDenied', `Cannot call ${action} on behalf of another tenant`);
  return credential.accessKey;
}

function keySessionSeconds(context: IamContext): number {
  const seconds = context.params.integer('DurationSeconds', {
    min: MIN_SESSION_SECONDS,
    max: MAX_KEY_SESSION_SECONDS,
    default: DEFAULT_KEY_SESSION_SECONDS,
  });
  return callerOf(context).principal.type === 'Account' ? Math.min(seconds, MAX_ROOT_SESSION_SECONDS) : seconds;
}

/** There are no MFA devices: a code cannot be right. */
function refuseMfa({ params }: IamContext): void {
  if (params.has('SerialNumber') || params.has('TokenCode'))
    throw new IamError('AccessDenied', 'MultiFactorAuthentication failed with invalid MFA one time pass code.');
}
